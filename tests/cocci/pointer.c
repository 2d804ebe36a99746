// SPDX-License-Identifier: GPL-2.0
// Wrong: the function for one chip, called by a function pointer, adds an object.
#include <net/devlink.h>

struct drv;

struct drv_chip_ops {
	int (*policer_set)(struct drv *drv, u64 rate);
};

struct drv {
	const struct drv_chip_ops *chip_ops;
	const struct devlink_region_ops *region_ops;
	u64 rate;
};

static int drv_a_policer_set(struct drv *drv, u64 rate)
{
	drv->rate = rate;
	return 0;
}

static int drv_b_policer_set(struct drv *drv, u64 rate)
{
	struct devlink *devlink = priv_to_devlink(drv);
	struct devlink_region *region;

	drv->rate = 2 * rate;
	region = devl_region_create(devlink, drv->region_ops, 1, 64); /* here */
	return PTR_ERR_OR_ZERO(region);
}

const struct drv_chip_ops drv_a_ops = { .policer_set = drv_a_policer_set };
const struct drv_chip_ops drv_b_ops = { .policer_set = drv_b_policer_set };

static int drv_trap_policer_set(struct devlink *devlink,
				const struct devlink_trap_policer *policer,
				u64 rate, u64 burst,
				struct netlink_ext_ack *extack)
{
	struct drv *drv = devlink_priv(devlink);

	return drv->chip_ops->policer_set(drv, rate);
}

const struct devlink_ops drv_devlink_ops = {
	.parallel_trap_ops = true,
	.trap_policer_set = drv_trap_policer_set,
};
