// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: a Meta fbnic NIC in software, for its driver on User Mode Linux
 *
 * Supported: probe with netdev, PTP clock and PCS; link up.  BAR 0 has the
 * registers, BAR 4 has the registers of the firmware: two rings of descriptors
 * that point to pages with TLV messages.  A work takes the messages of the
 * driver one at a time and responds: capabilities, ownership, heartbeat, core
 * dump, firmware upgrade.  Interrupts have a status and a mask.
 *
 * Not supported: traffic (nothing reads the queues), statistics, a running
 * clock, logs of the firmware, sensors, EEPROM of the module, a BMC.
 *
 * A dead firmware takes no messages.  When @dead becomes 0, the firmware has
 * restarted: its uptime begins at 0, by which the driver detects the crash.
 */
#include <linux/bitfield.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <drivers/net/ethernet/meta/fbnic/fbnic_csr.h>
#include <drivers/net/ethernet/meta/fbnic/fbnic_fw.h>
#include <drivers/net/ethernet/meta/fbnic/fbnic_tlv.h>
#include "pci_model.h"

static uint core = 20000;
module_param(core, uint, 0644);
MODULE_PARM_DESC(core, "bytes of a core dump");

static uint otp;
module_param(otp, uint, 0644);
MODULE_PARM_DESC(otp, "status of the one-time programmable memory, 0 is good");

#define VECTORS		4
#define MAILBOX		BIT(0)		/* cause and vector */
#define TLV_TYPE	GENMASK(11, 0)
#define TLV_MSG		BIT(15)
#define TLV_LEN		GENMASK(31, 16)	/* of messages in words, else bytes */

static struct pci_model model;
/* Protects the registers, and messages from a reset of their ring. */
static DEFINE_SPINLOCK(lock);
static unsigned int head[FBNIC_IPC_MBX_INDICES];
static bool dead;
static u64 booted;
/* Used by the work: a message, its response, the component to flash. */
static u32 msg[PAGE_SIZE / 4], reply[PAGE_SIZE / 4];
static u32 image_size, image_done;

static u32 *csr(u32 reg)
{
	return (u32 *)model.bar[0] + reg;
}

static u32 *fw_csr(u32 reg)
{
	return (u32 *)model.bar[4] + reg;
}

/*
 * Raises the active interrupts that are not masked, and masks them.  The driver
 * clears the status of the mailbox; other statuses are cleared here.
 */
static void update_irqs(void)
{
	u32 *status = csr(FBNIC_INTR_STATUS(0));
	u32 *mask = csr(FBNIC_INTR_MASK(0));
	unsigned long on = *status & ~*mask & GENMASK(VECTORS - 1, 0);
	int vector;

	*mask |= on;
	*status &= ~on | MAILBOX;
	for_each_set_bit(vector, &on, VECTORS)
		pci_model_irq(&model, vector);
}

/*
 * Copies a message from or to the page of the next descriptor of a ring, and
 * gives the descriptor back.  Returns false if the driver has filled none.
 */
static bool transfer(int ring, u32 *buffer)
{
	u32 cfg = ring == FBNIC_IPC_MBX_RX_IDX ? FBNIC_PUL_OB_TLP_HDR_AW_CFG :
						 FBNIC_PUL_OB_TLP_HDR_AR_CFG;
	u32 *desc, len;
	void *page;

	guard(spinlock_irqsave)(&lock);
	desc = fw_csr(FBNIC_IPC_MBX(ring, head[ring]));
	if (dead || !(*csr(cfg) & FBNIC_PUL_OB_TLP_HDR_AR_CFG_BME) ||
	    (desc[0] & FBNIC_IPC_MBX_DESC_FW_CMPL) ||
	    !(desc[0] & FBNIC_IPC_MBX_DESC_HOST_CMPL))
		return false;
	page = phys_to_virt(((u64)desc[1] << 32 | desc[0]) &
			    FBNIC_IPC_MBX_DESC_ADDR_MASK);
	if (ring == FBNIC_IPC_MBX_TX_IDX) {
		memcpy(buffer, page, PAGE_SIZE);
	} else {
		len = FIELD_GET(TLV_LEN, buffer[0]) * 4;
		memcpy(page, buffer, len);
		desc[1] = len << 16 | (u16)desc[1];
	}
	desc[0] |= FBNIC_IPC_MBX_DESC_FW_CMPL;
	head[ring] = (head[ring] + 1) % FBNIC_IPC_MBX_DESC_LEN;
	*csr(FBNIC_INTR_STATUS(0)) |= MAILBOX;
	update_irqs();
	return true;
}

/* The driver empties a full ring.  A ring that is off loses the message. */
static void send(void)
{
	int tries = 100;

	while (!transfer(FBNIC_IPC_MBX_RX_IDX, reply) && --tries)
		fsleep(10000);
}

static void start(u32 type)
{
	memset(reply, 0, sizeof(reply));
	reply[0] = FIELD_PREP(TLV_LEN, 1) | TLV_MSG | type;
}

static void put(u32 id, const void *data, u32 len)
{
	u32 *attr = reply + FIELD_GET(TLV_LEN, reply[0]);

	attr[0] = FIELD_PREP(TLV_LEN, len + 4) | id;
	memcpy(attr + 1, data, len);
	reply[0] += FIELD_PREP(TLV_LEN, 1 + DIV_ROUND_UP(len, 4));
}

static void put_u32(u32 id, u32 value)
{
	put(id, &value, sizeof(value));
}

static u32 get_u32(u32 id)
{
	u32 i, end = FIELD_GET(TLV_LEN, msg[0]);

	for (i = 1; i < end && FIELD_GET(TLV_LEN, msg[i]);
	     i += DIV_ROUND_UP(FIELD_GET(TLV_LEN, msg[i]), 4))
		if (FIELD_GET(TLV_TYPE, msg[i]) == id)
			return msg[i + 1];
	return 0;
}

/* Requests the next part of the component, or ends the upgrade. */
static void send_chunk_request(int err)
{
	u32 len = min_t(u32, image_size - image_done, TLV_MAX_DATA);

	if (len && !err) {
		start(FBNIC_TLV_MSG_ID_FW_WRITE_CHUNK_REQ);
		put_u32(FBNIC_FW_WRITE_CHUNK_OFFSET, image_done);
		put_u32(FBNIC_FW_WRITE_CHUNK_LENGTH, len);
	} else {
		start(FBNIC_TLV_MSG_ID_FW_FINISH_UPGRADE_REQ);
		put_u32(FBNIC_FW_FINISH_UPGRADE_ERROR, err);
	}
	send();
}

static void answer(u32 type)
{
	u64 uptime = ktime_get_ns() / NSEC_PER_MSEC - booted;
	int err = model_fails() ? -EIO : 0;
	int error_id = -1;
	u32 len;

	/* The ID of a response is the ID of the request plus 1. */
	start(type + 1);
	switch (type) {
	case FBNIC_TLV_MSG_ID_HOST_CAP_REQ:
		put_u32(FBNIC_FW_CAP_RESP_VERSION, FW_VER_CODE(26, 1, 2, 3));
		put(FBNIC_FW_CAP_RESP_VERSION_COMMIT_STR, "model", 6);
		put_u32(FBNIC_FW_CAP_RESP_FW_LINK_SPEED,
			FBNIC_FW_LINK_MODE_100CR2);
		break;
	case FBNIC_TLV_MSG_ID_OWNERSHIP_REQ:
		put(FBNIC_FW_OWNERSHIP_TIME, &uptime, sizeof(uptime));
		break;
	case FBNIC_TLV_MSG_ID_HEARTBEAT_REQ:
		put(FBNIC_FW_HEARTBEAT_UPTIME, &uptime, sizeof(uptime));
		break;
	case FBNIC_TLV_MSG_ID_COREDUMP_GET_INFO_REQ:
		put(FBNIC_FW_COREDUMP_INFO_AVAILABLE, NULL, 0);
		put_u32(FBNIC_FW_COREDUMP_INFO_SIZE, core);
		error_id = FBNIC_FW_COREDUMP_INFO_ERROR;
		break;
	case FBNIC_TLV_MSG_ID_COREDUMP_READ_REQ:
		len = get_u32(FBNIC_FW_COREDUMP_READ_LENGTH);
		put_u32(FBNIC_FW_COREDUMP_READ_OFFSET,
			get_u32(FBNIC_FW_COREDUMP_READ_OFFSET));
		put_u32(FBNIC_FW_COREDUMP_READ_LENGTH, len);
		put(FBNIC_FW_COREDUMP_READ_DATA, model.bar[0],
		    min_t(u32, len, TLV_MAX_DATA));
		error_id = FBNIC_FW_COREDUMP_READ_ERROR;
		break;
	case FBNIC_TLV_MSG_ID_FW_START_UPGRADE_REQ:
		image_size = get_u32(FBNIC_FW_START_UPGRADE_IMAGE_LENGTH);
		image_done = 0;
		put_u32(FBNIC_FW_START_UPGRADE_ERROR, err);
		send();
		if (!err)
			send_chunk_request(0);
		return;
	case FBNIC_TLV_MSG_ID_FW_WRITE_CHUNK_RESP:
		image_done += get_u32(FBNIC_FW_WRITE_CHUNK_LENGTH);
		if (!get_u32(FBNIC_FW_WRITE_CHUNK_ERROR))
			send_chunk_request(err);
		return;
	default:
		return;
	}
	/* A message without an error field fails by a missing response. */
	if (err && error_id < 0)
		return;
	if (err)
		put_u32(error_id, err);
	send();
}

static void answer_all(struct work_struct *work)
{
	while (transfer(FBNIC_IPC_MBX_TX_IDX, msg)) {
		model_delay();
		answer(FIELD_GET(TLV_TYPE, msg[0]));
	}
}

static DECLARE_WORK(firmware, answer_all);

static void written(struct pci_model *m, int bar, u32 offset, int size)
{
	u32 *status = csr(FBNIC_INTR_STATUS(0));
	u32 *mask = csr(FBNIC_INTR_MASK(0));
	u32 reg = offset / 4, val = ((u32 *)m->bar[bar])[reg];

	guard(spinlock_irqsave)(&lock);
	if (bar == 4 && val & FBNIC_IPC_MBX_DESC_HOST_CMPL)
		schedule_work(&firmware);
	if (bar != 0)
		return;
	switch (reg) {
	case FBNIC_INTR_SET(0):
		*status |= val;
		break;
	case FBNIC_INTR_CLEAR(0):
		*status &= ~val;
		break;
	case FBNIC_INTR_MASK_SET(0):
		*mask |= val;
		break;
	case FBNIC_INTR_MASK_CLEAR(0):
		*mask &= ~val;
		break;
	case FBNIC_INTR_CQ_REARM(0) ... FBNIC_INTR_CQ_REARM(VECTORS) - 1:
		if (val & FBNIC_INTR_CQ_REARM_INTR_UNMASK)
			*mask &= ~BIT((reg - FBNIC_INTR_CQ_REARM(0)) / 4);
		break;
	case FBNIC_PUL_OB_TLP_HDR_AW_CFG:
		if (val & FBNIC_PUL_OB_TLP_HDR_AW_CFG_FLUSH)
			head[FBNIC_IPC_MBX_RX_IDX] = 0;
		break;
	case FBNIC_PUL_OB_TLP_HDR_AR_CFG:
		if (!(val & FBNIC_PUL_OB_TLP_HDR_AR_CFG_FLUSH))
			break;
		/* After a reset of a ring, send a sign of life. */
		head[FBNIC_IPC_MBX_TX_IDX] = 0;
		if (!dead)
			*status |= MAILBOX;
		break;
	}
	update_irqs();
}

static void read(struct pci_model *m, int bar, u32 offset, int size)
{
	if (bar == 4 && offset / 4 == FBNIC_NS_OTP_STATUS)
		*fw_csr(FBNIC_NS_OTP_STATUS) = otp;
}

static void reset(struct pci_model *m)
{
	static const u32 idle[][2] = {
		{ FBNIC_QM_TWQ_IDLE(0), FBNIC_QM_TWQ_IDLE_CNT },
		{ FBNIC_QM_TQS_IDLE(0), FBNIC_QM_TQS_IDLE_CNT },
		{ FBNIC_QM_TDE_IDLE(0), FBNIC_QM_TDE_IDLE_CNT },
		{ FBNIC_QM_TCQ_IDLE(0), FBNIC_QM_TCQ_IDLE_CNT },
		{ FBNIC_QM_RCQ_IDLE(0), FBNIC_QM_RCQ_IDLE_CNT },
		{ FBNIC_QM_HPQ_IDLE(0), FBNIC_QM_HPQ_IDLE_CNT },
		{ FBNIC_QM_PPQ_IDLE(0), FBNIC_QM_PPQ_IDLE_CNT },
	};
	int i;

	guard(spinlock_irqsave)(&lock);
	memset(m->bar[0], 0, m->len[0]);
	for (i = 0; i < ARRAY_SIZE(idle); i++)
		memset(csr(idle[i][0]), 0xff, idle[i][1] * 4);
	*csr(FBNIC_INTR_MASK(0)) = ~0;
}

static int dead_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_bool(val, kp);

	if (!err && !dead) {
		booted = ktime_get_ns() / NSEC_PER_MSEC;
		schedule_work(&firmware);
	}
	return err;
}

static const struct kernel_param_ops dead_ops = {
	.set = dead_set,
	.get = param_get_bool,
};
module_param_cb(dead, &dead_ops, &dead, 0644);
MODULE_PARM_DESC(dead, "the firmware takes no messages");

static struct pci_model model = {
	.len = { [0] = SZ_2M, [2] = SZ_4K, [4] = SZ_128K },
	.vectors = VECTORS,
	.msix_bar = 2,
	.read = read,
	.written = written,
	.reset = reset,
};

static int __init fbnic_model_init(void)
{
	u32 *config = model.config;

	/* The MAC address is in the serial number, an extended capability. */
	config[PCI_MODEL_MSIX / 4] = PCI_MODEL_FREE << 8;
	config[PCI_MODEL_FREE / 4] = 2 << 16 | PCI_CAP_ID_EXP;
	config[PCI_CFG_SPACE_SIZE / 4] = 1 << 16 | PCI_EXT_CAP_ID_DSN;
	config[PCI_CFG_SPACE_SIZE / 4 + 1] = 0xfe000001;
	config[PCI_CFG_SPACE_SIZE / 4 + 2] = 0x020000ff;
	return pci_model_register(&model, PCI_VENDOR_ID_META,
				  PCI_DEVICE_ID_META_FBNIC_ASIC);
}
module_init(fbnic_model_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Meta fbnic in software");
