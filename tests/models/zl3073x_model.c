// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Microchip ZL30735, a clock chip with 5 DPLL channels on I2C
 *
 * Supported: registers that keep their values.  Operations that the driver
 * polls for are complete when the write that starts them returns: mailboxes,
 * measurements, the flash utility.
 *
 * Not supported: clocks.  Inputs have no signal, no DPLL locks, mailboxes have
 * the same contents for all inputs, outputs and synthesizers.
 */
#include <linux/i2c.h>
#include <drivers/dpll/zl3073x/regs.h>
#include "model.h"

#define CHIP_ID		0x1e97
#define I2C_ADDRESS	0x70
#define PAGE_SELECT	0x7f
#define PAGE_SIZE_LOG	7
#define FLASH_FAMILY	0x21

static bool ready = true;
module_param(ready, bool, 0444);
MODULE_PARM_DESC(ready, "the chip is configured: DPLLs and pins appear");

static u8 page, offset, regs[256 << PAGE_SIZE_LOG];

/* Registers that the chip clears after it has executed their command. */
static DECLARE_BITMAP(clears, sizeof(regs));

static void write_reg(u8 val)
{
	unsigned int at = page << PAGE_SIZE_LOG | offset;

	if (offset == PAGE_SELECT) {
		page = val;
		return;
	}
	regs[at] = test_bit(at, clears) ? 0 : val;
	offset = (offset + 1) & PAGE_SELECT;
}

static u8 read_reg(void)
{
	u8 val;

	if (offset == PAGE_SELECT)
		return page;
	val = regs[page << PAGE_SIZE_LOG | offset];
	offset = (offset + 1) & PAGE_SELECT;
	return val;
}

/* The first byte of a write is the offset.  The bus serializes accesses. */
static int model_xfer(struct i2c_adapter *adapter, struct i2c_msg *msgs,
		      int num)
{
	int m, i;

	model_delay();
	if (model_fails())
		return -EIO;
	for (m = 0; m < num; m++) {
		for (i = 0; i < msgs[m].len; i++) {
			if (msgs[m].flags & I2C_M_RD)
				msgs[m].buf[i] = read_reg();
			else if (!i)
				offset = msgs[m].buf[0] & PAGE_SELECT;
			else
				write_reg(msgs[m].buf[i]);
		}
	}
	return num;
}

static u32 model_func(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C;
}

static const struct i2c_algorithm algorithm = {
	.xfer = model_xfer,
	.functionality = model_func,
};

static struct i2c_adapter adapter = {
	.owner = THIS_MODULE,
	.algo = &algorithm,
	.name = "zl3073x model",
};

static void __init set_up_registers(void)
{
	const struct {
		u32 reg, value;
	} initial[] = {
		{ ZL_REG_INFO, ready ? ZL_INFO_READY : 0 },
		{ ZL_REG_ID, CHIP_ID },
		{ ZL_REG_REVISION, 1 },
		{ ZL_REG_FW_VER, 42 },
		{ ZL_REG_CUSTOM_CONFIG_VER, 1 },
		{ ZL_REG_FLASH_FAMILY, FLASH_FAMILY },
		/* Each factor and each divisor of a frequency is 1. */
		{ ZL_REG_REF_FREQ_BASE, 1 },
		{ ZL_REG_REF_FREQ_MULT, 1 },
		{ ZL_REG_REF_RATIO_M, 1 },
		{ ZL_REG_REF_RATIO_N, 1 },
		{ ZL_REG_REF_CONFIG, ZL_REF_CONFIG_ENABLE },
		{ ZL_REG_SYNTH_FREQ_BASE, 1 },
		{ ZL_REG_SYNTH_FREQ_MULT, 1 },
		{ ZL_REG_SYNTH_FREQ_M, 1 },
		{ ZL_REG_SYNTH_FREQ_N, 1 },
		{ ZL_REG_OUTPUT_MODE, ZL_OUTPUT_MODE_SIGNAL_FORMAT_LVDS << 4 },
		{ ZL_REG_OUTPUT_DIV, 1 },
		{ ZL_REG_OUTPUT_WIDTH, 1 },
		{ ZL_REG_OUTPUT_ESYNC_PERIOD, 1 },
	};
	const u32 cleared[] = {
		ZL_REG_RESET_STATUS, ZL_REG_WRITE_FLASH, ZL_REG_HWREG_OP,
		ZL_REG_REF_PHASE_ERR_READ_RQST, ZL_REG_REF_FREQ_MEAS_CTRL,
		ZL_REG_DPLL_TIE_CTRL, ZL_REG_OUTPUT_PHASE_STEP_CTRL,
		ZL_REG_REF_MB_SEM, ZL_REG_DPLL_MB_SEM, ZL_REG_SYNTH_MB_SEM,
		ZL_REG_OUTPUT_MB_SEM,
	};
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(initial); i++) {
		u8 *p = &regs[ZL_REG_ADDR(initial[i].reg)];

		for (n = ZL_REG_SIZE(initial[i].reg); n; n--)
			*p++ = initial[i].value >> (8 * (n - 1));
	}
	for (i = 0; i < ARRAY_SIZE(cleared); i++)
		set_bit(ZL_REG_ADDR(cleared[i]), clears);
	for (i = 0; i < ZL3073X_MAX_CHANNELS; i++) {
		set_bit(ZL_REG_ADDR(ZL_REG_DPLL_DF_READ(i)), clears);
		set_bit(ZL_REG_ADDR(ZL_REG_DPLL_TOD_CTRL(i)), clears);
	}
}

static int __init model_init(void)
{
	static const struct i2c_board_info info = {
		I2C_BOARD_INFO("zl30735", I2C_ADDRESS)
	};
	struct i2c_client *client;
	int err;

	set_up_registers();
	err = i2c_add_adapter(&adapter);
	if (err)
		return err;
	client = i2c_new_client_device(&adapter, &info);
	if (IS_ERR(client))
		i2c_del_adapter(&adapter);
	return PTR_ERR_OR_ZERO(client);
}
module_init(model_init);

static void __exit model_exit(void)
{
	i2c_del_adapter(&adapter);
}
module_exit(model_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Microchip ZL30735 as a model");
