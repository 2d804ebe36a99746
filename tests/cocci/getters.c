// SPDX-License-Identifier: GPL-2.0
// Wrong: two getters with parallel ops require the lock. The setter of the port has none.
#include <net/devlink.h>

static int drv_info_get(struct devlink *devlink, struct devlink_info_req *req,
			struct netlink_ext_ack *extack)
{
	devl_assert_locked(devlink); /* here */
	return devlink_info_serial_number_put(req, "0");
}

const struct devlink_ops drv_devlink_ops = {
	.info_get = drv_info_get,
	.parallel_getters = BIT(DEVLINK_GETTERS_INFO),
};

static int drv_hw_addr_get(struct devlink_port *port, u8 *hw_addr, int *len,
			   struct netlink_ext_ack *extack)
{
	devl_assert_locked(port->devlink); /* here */
	return 0;
}

static int drv_hw_addr_set(struct devlink_port *port, const u8 *hw_addr, int len,
			   struct netlink_ext_ack *extack)
{
	devl_assert_locked(port->devlink);
	return 0;
}

const struct devlink_port_ops drv_port_ops = {
	.port_fn_hw_addr_get = drv_hw_addr_get,
	.port_fn_hw_addr_set = drv_hw_addr_set,
	.parallel_getters = true,
};
