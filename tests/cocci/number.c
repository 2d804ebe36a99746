// SPDX-License-Identifier: GPL-2.0
// Wrong: 1 in place of true sets parallel ops for a callback that locks in a part of it.
#include <net/devlink.h>

static int drv_trap_action_set(struct devlink *devlink,
			       const struct devlink_trap *trap,
			       enum devlink_trap_action action,
			       struct netlink_ext_ack *extack)
{
	u32 *drop = devlink_priv(devlink);

	scoped_guard(devl, devlink) { /* here */
		*drop = action == DEVLINK_TRAP_ACTION_DROP;
	}
	return 0;
}

const struct devlink_ops drv_devlink_ops = {
	.trap_action_set = drv_trap_action_set,
	.parallel_trap_ops = 1,
};
