// SPDX-License-Identifier: GPL-2.0
// Right: each function looks like a wrong one of the other files, and none is wrong.
#include <linux/workqueue.h>
#include <net/devlink.h>
#include <net/genetlink.h>

struct drv;

struct drv_chip_ops {
	int (*set)(struct drv *drv, u32 value);
};

struct drv_debug_ops {
	int (*set)(struct drv *drv, u32 value);
};

struct drv_rx {
	struct work_struct work;
	u64 packets;
};

struct drv {
	struct workqueue_struct *stats_wq;
	struct workqueue_struct *error_wq;
	struct drv_rx rx;
	struct work_struct work;
	struct work_struct try_work;
	struct delayed_work stats_work;
	struct delayed_work error_work;
	struct devlink_health_reporter *reporter;
	const struct drv_chip_ops *chip_ops;
	const struct drv_debug_ops *debug_ops;
	struct mutex lock;
	u32 value;
};

/* Does not require devl_lock(). */
static int drv_command(struct drv *drv, u32 value)
{
	guard(mutex)(&drv->lock);
	drv->value = value;
	dev_dbg(NULL, "without devl_lock()\n");
	return 0;
}

static void drv_locked(struct drv *drv)
{
	guard(devl)(priv_to_devlink(drv));
	drv_command(drv, 0);
}

/* Members of the same name: only the first is called by a callback below. */
static int drv_chip_set(struct drv *drv, u32 value)
{
	return drv_command(drv, value);
}

static int drv_debug_set(struct drv *drv, u32 value)
{
	drv_locked(drv);
	return drv_command(drv, value);
}

static const struct drv_chip_ops drv_chip_ops = { .set = drv_chip_set };
static const struct drv_debug_ops drv_debug_ops = { .set = drv_debug_set };

/* Works: these do not block on the instance lock. */
static void drv_rx_work(struct work_struct *work)
{
	container_of(work, struct drv_rx, work)->packets++;
}

static void drv_stats_work(struct work_struct *work)
{
	struct drv *drv = container_of(work, struct drv, stats_work.work);

	drv_command(drv, 1);
}

/* These do. No callback with parallel ops waits for one of them. */
static void drv_work(struct work_struct *work)
{
	drv_locked(container_of(work, struct drv, work));
}

static void drv_try_work(struct work_struct *work)
{
	struct drv *drv = container_of(work, struct drv, try_work);
	struct devlink *devlink = priv_to_devlink(drv);

	if (!devl_trylock(devlink))
		return;
	devl_assert_locked(devlink);
	devl_unlock(devlink);
}

static void drv_error_work(struct work_struct *work)
{
	struct drv *drv = container_of(work, struct drv, error_work.work);

	devlink_health_report(drv->reporter, "error", NULL);
}

/* Not parallel: called to add and remove traps. */
static int drv_trap_init(struct devlink *devlink,
			 const struct devlink_trap *trap, void *trap_ctx)
{
	devl_assert_locked(devlink);
	return drv_command(devlink_priv(devlink), 2);
}

static void drv_trap_fini(struct devlink *devlink,
			  const struct devlink_trap *trap, void *trap_ctx)
{
	struct drv *drv = devlink_priv(devlink);

	devl_assert_locked(devlink);
	flush_work(&drv->try_work);
}

static int drv_trap_action_set(struct devlink *devlink,
			       const struct devlink_trap *trap,
			       enum devlink_trap_action action,
			       struct netlink_ext_ack *extack)
{
	struct drv *drv = devlink_priv(devlink);

	queue_work(drv->error_wq, &drv->work);
	return drv->chip_ops->set(drv, action);
}

static int drv_trap_group_set(struct devlink *devlink,
			      const struct devlink_trap_group *group,
			      const struct devlink_trap_policer *policer,
			      struct netlink_ext_ack *extack)
{
	struct drv *drv = devlink_priv(devlink);
	struct work_struct *work = &drv->rx.work;
	struct drv_rx *rx = &drv->rx;

	flush_work(work);
	flush_work(&rx->work);
	cancel_delayed_work_sync(&drv->stats_work);
	flush_workqueue(drv->stats_wq);
	cancel_work(&drv->work);
	cancel_work(&drv->try_work);
	cancel_delayed_work(&drv->error_work);
	devlink_health_reporter_state_update(drv->reporter,
					     DEVLINK_HEALTH_REPORTER_STATE_HEALTHY);
	return 0;
}

const struct devlink_ops drv_devlink_ops = {
	.parallel_trap_ops = true,
	.trap_init = drv_trap_init,
	.trap_fini = drv_trap_fini,
	.trap_action_set = drv_trap_action_set,
	.trap_group_set = drv_trap_group_set,
};

/* The state is set in full mode. */
static int drv_fn_state_set(struct devlink_port *port,
			    enum devlink_port_fn_state state,
			    struct netlink_ext_ack *extack)
{
	struct drv *drv = devlink_priv(port->devlink);

	devl_assert_locked(port->devlink);
	drv->debug_ops = &drv_debug_ops;
	return drv->debug_ops->set(drv, state);
}

static int drv_fn_max_io_eqs_get(struct devlink_port *port, u32 *max_eqs,
				 struct netlink_ext_ack *extack)
{
	struct drv *drv = devlink_priv(port->devlink);

	if (WARN_ON(devl_lock_is_held(port->devlink)))
		return -EDEADLK;
	*max_eqs = drv->value;
	return 0;
}

const struct devlink_port_ops drv_port_ops = {
	.parallel_ops = true,
	.port_fn_state_set = drv_fn_state_set,
	.port_fn_max_io_eqs_get = drv_fn_max_io_eqs_get,
};

/* Without parallel ops */
static int drv_fn_roce_get(struct devlink_port *port, bool *is_enable,
			   struct netlink_ext_ack *extack)
{
	devl_assert_locked(port->devlink);
	*is_enable = true;
	return 0;
}

const struct devlink_port_ops drv_vf_port_ops = {
	.parallel_ops = false,
	.port_fn_roce_get = drv_fn_roce_get,
};

static int drv_recover(struct devlink_health_reporter *reporter,
		       void *priv_ctx, struct netlink_ext_ack *extack)
{
	struct drv *drv = devlink_health_reporter_priv(reporter);

	devl_assert_locked(priv_to_devlink(drv));
	return 0;
}

static int drv_dump(struct devlink_health_reporter *reporter,
		    struct devlink_fmsg *fmsg, void *priv_ctx,
		    struct netlink_ext_ack *extack)
{
	devlink_fmsg_string_pair_put(fmsg, "lock", "devl_lock()");
	return 0;
}

const struct devlink_health_reporter_ops drv_reporters[] = {
	{ .name = "fw", .recover = drv_recover, .parallel_ops = false, },
	{ .name = "hw", .dump = drv_dump, .parallel_ops = true, },
	{ .name = "rx", .recover = drv_recover, },
};

/* Not an operation of devlink */
struct genl_family drv_family = {
	.name = "drv",
	.parallel_ops = true,
};

void drv_remove(struct drv *drv)
{
	destroy_workqueue(drv->error_wq);
	cancel_work_sync(&drv->work);
	drv_locked(drv);
}

int drv_probe(struct drv *drv)
{
	INIT_WORK(&drv->work, drv_work);
	INIT_WORK(&drv->rx.work, drv_rx_work);
	INIT_WORK(&drv->try_work, drv_try_work);
	INIT_DELAYED_WORK(&drv->stats_work, drv_stats_work);
	INIT_DELAYED_WORK(&drv->error_work, drv_error_work);
	drv->chip_ops = &drv_chip_ops;
	queue_delayed_work(drv->stats_wq, &drv->stats_work, HZ);
	queue_delayed_work(drv->error_wq, &drv->error_work, HZ);
	devlink_register(priv_to_devlink(drv));
	return 0;
}
