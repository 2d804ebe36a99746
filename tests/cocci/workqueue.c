// SPDX-License-Identifier: GPL-2.0
// Wrong: a recovery drains the workqueue of a work that reports an error.
#include <linux/workqueue.h>
#include <net/devlink.h>

struct drv {
	struct workqueue_struct *wq;
	struct delayed_work poll;
	struct devlink_health_reporter *reporter;
};

static void drv_poll(struct work_struct *work)
{
	struct drv *drv = container_of(work, struct drv, poll.work);

	devlink_health_report(drv->reporter, "no answer", NULL);
}

static void drv_queue(struct drv *drv, struct delayed_work *work)
{
	queue_delayed_work(drv->wq, work, HZ);
}

static void drv_stop(struct drv *drv)
{
	struct workqueue_struct *wq = drv->wq;

	drain_workqueue(wq); /* here */
}

static int drv_recover(struct devlink_health_reporter *reporter,
		       void *priv_ctx, struct netlink_ext_ack *extack)
{
	struct drv *drv = devlink_health_reporter_priv(reporter);

	drv_stop(drv);
	drv_queue(drv, &drv->poll);
	return 0;
}

const struct devlink_health_reporter_ops drv_reporter_ops = {
	.name = "poll",
	.recover = drv_recover,
	.parallel_ops = true,
};

void drv_init(struct drv *drv)
{
	INIT_DELAYED_WORK(&drv->poll, drv_poll);
	drv_queue(drv, &drv->poll);
}
