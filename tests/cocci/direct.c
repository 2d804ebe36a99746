// SPDX-License-Identifier: GPL-2.0
// Wrong: the diagnosis of a reporter with parallel ops acquires the instance lock.
#include <net/devlink.h>

struct drv {
	struct devlink *devlink;
	u32 queues;
};

static int drv_diagnose(struct devlink_health_reporter *reporter,
			struct devlink_fmsg *fmsg,
			struct netlink_ext_ack *extack)
{
	struct drv *drv = devlink_health_reporter_priv(reporter);

	guard(devl)(drv->devlink); /* here */
	devlink_fmsg_u32_pair_put(fmsg, "queues", drv->queues);
	return 0;
}

static const struct devlink_health_reporter_ops drv_reporter_ops = {
	.name = "tx",
	.diagnose = drv_diagnose,
	.parallel_ops = true,
};

struct devlink_health_reporter *drv_reporter_create(struct drv *drv)
{
	return devl_health_reporter_create(drv->devlink, &drv_reporter_ops, drv);
}
