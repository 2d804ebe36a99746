// SPDX-License-Identifier: GPL-2.0
// Wrong: a dump whose reporter is an array element made by a macro requires the lock.
#include <net/devlink.h>

static int drv_rx_dump(struct devlink_health_reporter *reporter,
		       struct devlink_fmsg *fmsg, void *priv_ctx,
		       struct netlink_ext_ack *extack)
{
	devlink_fmsg_u32_pair_put(fmsg, "rings", 8);
	return 0;
}

static int drv_tx_dump(struct devlink_health_reporter *reporter,
		       struct devlink_fmsg *fmsg, void *priv_ctx,
		       struct netlink_ext_ack *extack)
{
	devl_assert_locked(devlink_health_reporter_priv(reporter)); /* here */
	devlink_fmsg_u32_pair_put(fmsg, "rings", 4);
	return 0;
}

#define DRV_REPORTER(_dir)			\
	{					\
		.name = #_dir,			\
		.dump = drv_##_dir##_dump,	\
		.parallel_ops = true,		\
	}

const struct devlink_health_reporter_ops drv_reporters[] = {
	DRV_REPORTER(rx),
	DRV_REPORTER(tx),
};
