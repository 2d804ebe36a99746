// SPDX-License-Identifier: GPL-2.0
// Wrong: the diagnosis waits for a work that acquires the instance lock.
#include <linux/workqueue.h>
#include <net/devlink.h>

struct drv {
	struct work_struct ports_work;
	struct work_struct stats_work;
	u32 ports;
	u64 packets;
};

static void drv_ports_update(struct drv *drv)
{
	struct devlink *devlink = priv_to_devlink(drv);

	devl_lock(devlink);
	drv->ports++;
	devl_unlock(devlink);
}

static void drv_ports_work(struct work_struct *work)
{
	drv_ports_update(container_of(work, struct drv, ports_work));
}

static void drv_stats_work(struct work_struct *work)
{
	container_of(work, struct drv, stats_work)->packets++;
}

static int drv_diagnose(struct devlink_health_reporter *reporter,
			struct devlink_fmsg *fmsg,
			struct netlink_ext_ack *extack)
{
	struct drv *drv = devlink_health_reporter_priv(reporter);

	flush_work(&drv->stats_work);
	flush_work(&drv->ports_work); /* here */
	devlink_fmsg_u32_pair_put(fmsg, "ports", drv->ports);
	return 0;
}

const struct devlink_health_reporter_ops drv_reporter_ops = {
	.name = "ports",
	.diagnose = drv_diagnose,
	.parallel_ops = true,
};

void drv_init(struct drv *drv)
{
	INIT_WORK(&drv->ports_work, drv_ports_work);
	INIT_WORK(&drv->stats_work, drv_stats_work);
}
