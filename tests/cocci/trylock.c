// SPDX-License-Identifier: GPL-2.0
// Wrong: a dump cancels a work that waits in devl_trylock() until the dump has ended.
#include <linux/workqueue.h>
#include <net/devlink.h>

struct drv {
	struct delayed_work ports_work;
	u32 ports;
};

static void drv_ports_work(struct work_struct *work)
{
	struct drv *drv = container_of(work, struct drv, ports_work.work);
	struct devlink *devlink = priv_to_devlink(drv);

	if (!devl_trylock(devlink)) {
		schedule_delayed_work(&drv->ports_work, HZ);
		return;
	}
	drv->ports++;
	devl_unlock(devlink);
}

static void drv_stop(struct delayed_work *work)
{
	cancel_delayed_work_sync(work); /* here */
}

static int drv_dump(struct devlink_health_reporter *reporter,
		    struct devlink_fmsg *fmsg, void *priv_ctx,
		    struct netlink_ext_ack *extack)
{
	struct drv *drv = devlink_health_reporter_priv(reporter);

	drv_stop(&drv->ports_work);
	devlink_fmsg_u32_pair_put(fmsg, "ports", drv->ports);
	return 0;
}

const struct devlink_health_reporter_ops drv_reporter_ops = {
	.name = "ports",
	.dump = drv_dump,
	.parallel_ops = true,
};

void drv_init(struct drv *drv)
{
	INIT_DELAYED_WORK(&drv->ports_work, drv_ports_work);
}
