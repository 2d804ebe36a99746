// SPDX-License-Identifier: GPL-2.0
// Wrong: a port function getter reports an error, two calls deep.
#include <net/devlink.h>

struct drv {
	struct devlink_port port;
	struct devlink_health_reporter *reporter;
	int (*query)(struct drv *drv, u8 *state);
};

static void drv_error(struct drv *drv, int err)
{
	devlink_health_report(drv->reporter, "query failed", &err); /* here */
}

static int drv_query(struct drv *drv, u8 *state)
{
	int err = drv->query(drv, state);

	if (err)
		drv_error(drv, err);
	return err;
}

static int drv_fn_state_get(struct devlink_port *port,
			    enum devlink_port_fn_state *state,
			    enum devlink_port_fn_opstate *opstate,
			    struct netlink_ext_ack *extack)
{
	struct drv *drv = container_of(port, struct drv, port);
	u8 value = 0;
	int err;

	err = drv_query(drv, &value);
	*state = value;
	*opstate = value;
	return err;
}

const struct devlink_port_ops drv_port_ops = {
	.parallel_ops = true,
	.port_fn_state_get = drv_fn_state_get,
};
