// SPDX-License-Identifier: GPL-2.0
// Wrong: the lock is acquired in a callback that gets parallel ops at run time.
#include <linux/etherdevice.h>
#include <net/devlink.h>

static int drv_fn_hw_addr_get(struct devlink_port *port, u8 *hw_addr,
			      int *hw_addr_len, struct netlink_ext_ack *extack)
{
	devl_lock(port->devlink); /* here */
	eth_zero_addr(hw_addr);
	devl_unlock(port->devlink);
	*hw_addr_len = ETH_ALEN;
	return 0;
}

static const struct devlink_port_ops drv_port_ops = {
	.port_fn_hw_addr_get = drv_fn_hw_addr_get,
};

struct drv {
	struct devlink_port_ops ops;
	bool has_lock;
};

int drv_port_register(struct drv *drv, struct devlink *devlink,
		      struct devlink_port *port)
{
	drv->ops = drv_port_ops;
	if (drv->has_lock)
		drv->ops.parallel_ops = true;
	return devl_port_register_with_ops(devlink, port, 1, &drv->ops);
}
