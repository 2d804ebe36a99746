/* SPDX-License-Identifier: GPL-2.0 */
/**
 * DOC: parameters of all models
 *
 * A command is an access of a bus, or a message to the firmware.  Each model
 * calls model_delay() and model_fails() once for each command.
 */
#ifndef MODEL_H
#define MODEL_H

#include <linux/delay.h>
#include <linux/module.h>

static uint delay;
module_param(delay, uint, 0644);
MODULE_PARM_DESC(delay, "microseconds that each command takes");

static uint fail;
module_param(fail, uint, 0644);
MODULE_PARM_DESC(fail, "one of this many commands fails, 0 for none");

static uint commands;
module_param(commands, uint, 0644);
MODULE_PARM_DESC(commands, "commands since this was set");

/* Sleeps if the context allows it, and otherwise spins. */
static void model_wait(uint us)
{
	if (!us)
		return;
	if (preemptible()) {
		fsleep(us);
	} else {
		mdelay(us / 1000);
		udelay(us % 1000);
	}
}

/* Takes the time of a command. */
static void model_delay(void)
{
	model_wait(delay);
}

/* Counts a command, and returns whether it must fail. */
static bool model_fails(void)
{
	uint each = READ_ONCE(fail);

	commands++;
	return each && commands % each == 0;
}

#endif
