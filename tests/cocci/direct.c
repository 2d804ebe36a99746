// SPDX-License-Identifier: GPL-2.0
// Wrong: the snapshot of a region with parallel ops acquires the instance lock.
#include <net/devlink.h>

struct drv {
	u8 memory[64];
};

static int drv_region_snapshot(struct devlink *devlink,
			       const struct devlink_region_ops *ops,
			       struct netlink_ext_ack *extack, u8 **data)
{
	struct drv *drv = devlink_priv(devlink);

	guard(devl)(devlink); /* here */
	*data = kmemdup(drv->memory, sizeof(drv->memory), GFP_KERNEL);
	return *data ? 0 : -ENOMEM;
}

static const struct devlink_region_ops drv_region_ops = {
	.name = "memory",
	.destructor = kfree,
	.snapshot = drv_region_snapshot,
	.parallel_ops = true,
};

struct devlink_region *drv_region_create(struct devlink *devlink)
{
	return devl_region_create(devlink, &drv_region_ops, 1, 64);
}
