// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Marvell 88E6352, a switch with 7 ports on MDIO
 *
 * Supported: registers that keep their values, tables of addresses, VLANs and
 * spanning trees, the port VLAN table, counts of addresses, five PHYs with a
 * link.  An operation is complete when the write that starts it returns.
 *
 * Not supported: frames, statistics, interrupts, EEPROM, scratch registers,
 * PTP.
 *
 * The driver and the MDIO bus serialize all accesses.
 */
#include <linux/mdio.h>
#include <linux/phy.h>
#include <linux/platform_data/mv88e6xxx.h>
#include <drivers/net/dsa/mv88e6xxx/global1.h>
#include <drivers/net/dsa/mv88e6xxx/global2.h>
#include <drivers/net/dsa/mv88e6xxx/port.h>
#include "model.h"

#define PORT0		0x10
#define PORTS		7
#define G1		0x1b
#define G2		0x1c
#define BUSY		0x8000

#define ADDRESSES	8192
#define STATE(data)	((data) & MV88E6XXX_G1_ATU_DATA_STATE_MASK)
#define NEWEST		MV88E6XXX_G1_ATU_DATA_STATE_UC_AGE_7_NEWEST
#define PORT_VECTOR	MV88E6XXX_G1_ATU_DATA_PORT_VECTOR_MASK
#define MULTICAST	BIT_ULL(40)
#define ANY_MAC		(BIT_ULL(48) - 1)

static char *conduit = "conduit";
module_param(conduit, charp, 0444);
MODULE_PARM_DESC(conduit, "network device that the CPU port is connected to");

static u16 reg[32][32], phy[32][32];
static u16 vtu[4096][6], stu[64][6], pvt[512];
/* In ascending order of the key, which is the FID, then the MAC address. */
static struct {
	u64 key;
	u16 data;
} atu[ADDRESSES];
static unsigned int addresses;

static struct mii_bus *bus;
static struct mdio_device *mdiodev;
static struct dsa_mv88e6xxx_pdata pdata = {
	.compatible = "marvell,mv88e6085",
	.enabled_ports = 0x3f,
	.cd.port_names = { "lan0", "lan1", "lan2", "lan3", "lan4", "cpu" },
};

/* An entry of a table is VALID, FID or 0, SID, and three registers of data. */
static void vtu_op(u16 op)
{
	bool spanning = op == MV88E6XXX_G1_VTU_OP_STU_LOAD_PURGE ||
			op == MV88E6XXX_G1_VTU_OP_STU_GET_NEXT;
	u16 *vid = &reg[G1][MV88E6XXX_G1_VTU_VID];
	u16 *fid = &reg[G1][MV88E6352_G1_VTU_FID];
	u16 *sid = &reg[G1][MV88E6352_G1_VTU_SID];
	u16 *data = &reg[G1][MV88E6XXX_G1_VTU_DATA1];
	u16 last = spanning ? ARRAY_SIZE(stu) - 1 : ARRAY_SIZE(vtu) - 1;
	u16 (*table)[6] = spanning ? stu : vtu;
	u16 i = (spanning ? *sid : *vid) & last;

	switch (op) {
	case MV88E6XXX_G1_VTU_OP_FLUSH_ALL:
		memset(vtu, 0, sizeof(vtu));
		memset(stu, 0, sizeof(stu));
		break;
	case MV88E6XXX_G1_VTU_OP_VTU_LOAD_PURGE:
	case MV88E6XXX_G1_VTU_OP_STU_LOAD_PURGE:
		table[i][0] = *vid & MV88E6XXX_G1_VTU_VID_VALID;
		table[i][1] = *fid;
		table[i][2] = *sid;
		memcpy(&table[i][3], data, 3 * sizeof(*data));
		break;
	case MV88E6XXX_G1_VTU_OP_VTU_GET_NEXT:
	case MV88E6XXX_G1_VTU_OP_STU_GET_NEXT:
		do {
			i = (i + 1) & last;
		} while (!table[i][0] && i != last);
		*vid = table[i][0] | (spanning ? 0 : i);
		*fid = table[i][1];
		*sid = spanning ? i : table[i][2];
		memcpy(data, &table[i][3], 3 * sizeof(*data));
		break;
	}
}

/* The index of a key in the table: the first entry that is not less. */
static unsigned int atu_find(u64 key)
{
	unsigned int low = 0, high = addresses, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (atu[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void atu_load(u64 key, u16 data)
{
	unsigned int i = atu_find(key);
	bool found = i < addresses && atu[i].key == key;
	size_t behind = (addresses - i) * sizeof(*atu);

	if (!STATE(data) && found) {
		memmove(&atu[i], &atu[i + 1], behind - sizeof(*atu));
		addresses--;
	} else if (STATE(data) && !found && addresses < ADDRESSES) {
		memmove(&atu[i + 1], &atu[i], behind);
		addresses++;
		found = true;
	}
	if (STATE(data) && found) {
		atu[i].key = key;
		atu[i].data = data;
	}
}

/* Removes addresses, or, depending on @data, a port from the addresses. */
static void atu_flush(bool one_fid, u16 fid, bool statics, u16 data)
{
	unsigned int i, left = 0;

	for (i = 0; i < addresses; i++) {
		bool is_static = atu[i].key & MULTICAST ||
				 STATE(atu[i].data) > NEWEST;

		if ((one_fid && atu[i].key >> 48 != fid) ||
		    (!statics && is_static)) {
			atu[left++] = atu[i];
		} else if (STATE(data)) {
			atu[i].data &= ~(0x10 << (data >> 4 & 0xf));
			if (atu[i].data & PORT_VECTOR)
				atu[left++] = atu[i];
		}
	}
	addresses = left;
}

static void atu_op(u16 op)
{
	u16 fid = reg[G1][MV88E6352_G1_ATU_FID] & 0xfff;
	u16 *data = &reg[G1][MV88E6XXX_G1_ATU_DATA];
	u16 *mac = &reg[G1][MV88E6XXX_G1_ATU_MAC01];
	u64 key = (u64)fid << 48 | (u64)mac[0] << 32 | (u32)mac[1] << 16 |
		  mac[2];
	unsigned int i;

	switch (op) {
	case MV88E6XXX_G1_ATU_OP_FLUSH_MOVE_ALL:
		atu_flush(false, fid, true, *data);
		break;
	case MV88E6XXX_G1_ATU_OP_FLUSH_MOVE_NON_STATIC:
		atu_flush(false, fid, false, *data);
		break;
	case MV88E6XXX_G1_ATU_OP_FLUSH_MOVE_ALL_DB:
		atu_flush(true, fid, true, *data);
		break;
	case MV88E6XXX_G1_ATU_OP_FLUSH_MOVE_NON_STATIC_DB:
		atu_flush(true, fid, false, *data);
		break;
	case MV88E6XXX_G1_ATU_OP_LOAD_DB:
		atu_load(key, *data);
		break;
	case MV88E6XXX_G1_ATU_OP_GET_NEXT_DB:
		key = (key & ANY_MAC) == ANY_MAC ? key - ANY_MAC : key + 1;
		i = atu_find(key);
		if (i < addresses && atu[i].key >> 48 == fid) {
			key = atu[i].key;
			*data = atu[i].data;
		} else {
			key = ANY_MAC;
			*data = 0;
		}
		mac[0] = key >> 32;
		mac[1] = key >> 16;
		mac[2] = key;
		break;
	}
}

static void phy_op(u16 val)
{
	u16 *data = &reg[G2][MV88E6XXX_G2_SMI_PHY_DATA];
	u16 *p = &phy[val >> 5 & 0x1f][val & 0x1f];

	if (!(val & MV88E6XXX_G2_SMI_PHY_CMD_MODE_22))
		return;
	switch (val & MV88E6XXX_G2_SMI_PHY_CMD_OP_MASK) {
	case MV88E6XXX_G2_SMI_PHY_CMD_OP_22_READ_DATA:
		*data = *p;
		break;
	case MV88E6XXX_G2_SMI_PHY_CMD_OP_22_WRITE_DATA:
		*p = *data;
		if ((val & 0x1f) == MII_BMCR)
			*p &= ~(BMCR_RESET | BMCR_ANRESTART);
		break;
	}
}

static void pvt_op(u16 val)
{
	u16 *data = &reg[G2][MV88E6XXX_G2_PVT_DATA];
	u16 *p = &pvt[val & MV88E6XXX_G2_PVT_ADDR_PTR_MASK];

	switch (val & MV88E6XXX_G2_PVT_ADDR_OP_MASK) {
	case MV88E6XXX_G2_PVT_ADDR_OP_READ:
		*data = *p;
		break;
	case MV88E6XXX_G2_PVT_ADDR_OP_WRITE_PVLAN:
		*p = *data;
		break;
	}
}

static int model_write(struct mii_bus *b, int dev, int r, u16 val)
{
	model_delay();
	if (model_fails())
		return -EIO;
	reg[dev][r] = val;
	if (!(val & BUSY))
		return 0;
	switch (dev << 8 | r) {
	case G1 << 8 | MV88E6XXX_G1_VTU_OP:
		vtu_op(val & MV88E6XXX_G1_VTU_OP_MASK);
		break;
	case G1 << 8 | MV88E6XXX_G1_ATU_OP:
		atu_op(val & MV88E6XXX_G1_ATU_OP_MASK);
		break;
	case G2 << 8 | MV88E6XXX_G2_SMI_PHY_CMD:
		phy_op(val);
		break;
	case G2 << 8 | MV88E6XXX_G2_PVT_ADDR:
		pvt_op(val);
		break;
	case G1 << 8 | MV88E6XXX_G1_CTL1:
	case G1 << 8 | MV88E6XXX_G1_STATS_OP:
	case G2 << 8 | MV88E6XXX_G2_DEVICE_MAPPING:
	case G2 << 8 | MV88E6XXX_G2_TRUNK_MASK:
	case G2 << 8 | MV88E6XXX_G2_IRL_CMD:
	case G2 << 8 | MV88E6XXX_G2_SWITCH_MAC:
	case G2 << 8 | MV88E6XXX_G2_PRIO_OVERRIDE:
	case G2 << 8 | MV88E6XXX_G2_EEPROM_CMD:
	case G2 << 8 | MV88E6352_G2_AVB_CMD:
	case G2 << 8 | MV88E6XXX_G2_SCRATCH_MISC_MISC:
		break;
	default:
		return 0;
	}
	reg[dev][r] &= ~BUSY;
	return 0;
}

static int model_read(struct mii_bus *b, int dev, int r)
{
	unsigned int i, n = 0;

	model_delay();
	if (model_fails())
		return -EIO;
	if (dev == G1 && r == MV88E6XXX_G1_STS)
		return MV88E6352_G1_STS_PPU_STATE |
		       MV88E6XXX_G1_STS_INIT_READY;
	if (dev >= PORT0 && dev < PORT0 + PORTS &&
	    r == MV88E6XXX_PORT_SWITCH_ID)
		return MV88E6XXX_PORT_SWITCH_ID_PROD_6352 | 1;
	if (dev == G2 && r == MV88E6XXX_G2_ATU_STATS) {
		for (i = 0; i < addresses; i++)
			n += (atu[i].key & 3) == reg[dev][r] >> 14;
		return (reg[dev][r] & ~MV88E6XXX_G2_ATU_STATS_MASK) | n;
	}
	return reg[dev][r];
}

static int learn_set(const char *val, const struct kernel_param *kp)
{
	unsigned int n, i;
	int err;

	err = kstrtouint(val, 0, &n);
	if (err)
		return err;
	if (!bus)
		return -ENODEV;
	mutex_lock(&bus->mdio_lock);
	for (i = 0; i < n; i++)
		atu_load((u64)MV88E6XXX_FID_BRIDGED << 48 | 0x020000000000 | i,
			 0x10 | NEWEST);
	mutex_unlock(&bus->mdio_lock);
	return 0;
}

static const struct kernel_param_ops learn_ops = { .set = learn_set };
module_param_cb(learn, &learn_ops, NULL, 0200);
MODULE_PARM_DESC(learn, "learn this many addresses on lan0, as from frames");

static int model_match(struct device *dev, const struct device_driver *drv)
{
	return !strcmp(drv->name, "mv88e6085");
}

/* The driver drops a reference of the conduit if its probe fails. */
static int model_notify(struct notifier_block *nb, unsigned long event,
			void *dev)
{
	if (dev != &mdiodev->dev)
		return NOTIFY_DONE;
	if (event == BUS_NOTIFY_BIND_DRIVER)
		dev_hold(pdata.netdev);
	else if (event == BUS_NOTIFY_BOUND_DRIVER)
		dev_put(pdata.netdev);
	return NOTIFY_OK;
}

static struct notifier_block notifier = { .notifier_call = model_notify };

static int __init model_init(void)
{
	int err, i;

	for (i = 0; i < ARRAY_SIZE(phy); i++) {
		phy[i][MII_BMCR] = BMCR_ANENABLE | BMCR_SPEED1000 |
				   BMCR_FULLDPLX;
		phy[i][MII_BMSR] = BMSR_LSTATUS | BMSR_ANEGCAPABLE |
				   BMSR_ANEGCOMPLETE | BMSR_ESTATEN |
				   BMSR_10HALF | BMSR_10FULL | BMSR_100HALF |
				   BMSR_100FULL | BMSR_ERCAP;
		phy[i][MII_PHYSID1] = 0x0141;
		phy[i][MII_PHYSID2] = 0x0eb1;
		phy[i][MII_LPA] = LPA_LPACK | LPA_DUPLEX | LPA_10HALF |
				  LPA_100HALF | ADVERTISE_CSMA;
		phy[i][MII_STAT1000] = LPA_1000FULL | LPA_1000LOCALRXOK |
				       LPA_1000REMRXOK;
		phy[i][MII_ESTATUS] = ESTATUS_1000_TFULL | ESTATUS_1000_THALF;
	}
	pdata.netdev = dev_get_by_name(&init_net, conduit);
	if (!pdata.netdev)
		return -ENODEV;
	bus = mdiobus_alloc();
	if (!bus) {
		err = -ENOMEM;
		goto put;
	}
	bus->name = "mv88e6xxx model";
	strscpy(bus->id, "model-0");
	bus->read = model_read;
	bus->write = model_write;
	bus->phy_mask = ~0;
	err = mdiobus_register(bus);
	if (err)
		goto free;
	mdiodev = mdio_device_create(bus, 0);
	if (IS_ERR(mdiodev)) {
		err = PTR_ERR(mdiodev);
		goto unregister;
	}
	mdiodev->bus_match = model_match;
	mdiodev->dev.platform_data = &pdata;
	bus_register_notifier(mdiodev->dev.bus, &notifier);
	err = mdio_device_register(mdiodev);
	if (!err)
		return 0;
	bus_unregister_notifier(mdiodev->dev.bus, &notifier);
	mdio_device_free(mdiodev);
unregister:
	mdiobus_unregister(bus);
free:
	mdiobus_free(bus);
put:
	dev_put(pdata.netdev);
	return err;
}
module_init(model_init);

static void __exit model_exit(void)
{
	mdio_device_remove(mdiodev);
	bus_unregister_notifier(mdiodev->dev.bus, &notifier);
	mdio_device_free(mdiodev);
	mdiobus_unregister(bus);
	mdiobus_free(bus);
	dev_put(pdata.netdev);
}
module_exit(model_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Marvell 88E6352 as a model");
