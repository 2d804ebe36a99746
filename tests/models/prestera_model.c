// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Marvell Prestera 98DX3255, a switch whose firmware has the ports
 *
 * Supported: a loader that accepts any firmware, a mailbox that acknowledges
 * every command and fills the responses that the driver reads, link events,
 * events of learned addresses, frames to the CPU, frames from the CPU
 * (dropped), death of the firmware: commands wait until it runs again.
 *
 * Not supported: tables.  Commands do not store values, and counters are zero.
 *
 * The driver needs mrvl/prestera/mvsw_prestera_fw-v4.1.img: big endian 32 bit
 * words 0x351d9d06 and 4001000, eight bytes, and some data.
 */
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include "pci_model.h"

static uint ports = 4;
module_param(ports, uint, 0444);
MODULE_PARM_DESC(ports, "number of ports, at most 32");

static bool dead;
module_param(dead, bool, 0644);
MODULE_PARM_DESC(dead, "the firmware does not answer");

/* Registers and buffer of the loader. */
#define LDR_READY		0x00
#define LDR_IMAGE_SIZE		0x08
#define LDR_CONTROL		0x0c
#define LDR_BUFFER		0x10
#define LDR_BUFFER_SIZE		0x14
#define LDR_READ		0x18
#define LDR_WRITE		0x20
#define LDR_STATUS		0x24
#define LDR_STATUS_LOADING	1
#define LDR_STATUS_STARTED	2
#define LDR_RING		0x8000
#define LDR_RING_SIZE		0x4000
#define LOADER_READY		0xf00dfeed

/* Registers of the firmware: one queue of commands, one of events. */
#define FW_READY		0x00
#define FW_COMMANDS		0x04
#define FW_COMMANDS_SIZE	0x08
#define FW_COMMAND_QUEUES	0x0c
#define FW_EVENTS		0x10
#define FW_EVENT_QUEUES		0x14
#define FW_RX_STATUS		0x1c
#define CMDQ_REQUEST		0x20
#define CMDQ_REQUEST_SIZE	0x24
#define CMDQ_ANSWER		0x28
#define CMDQ_ANSWER_SIZE	0x2c
#define CMDQ_SIZE		0x34
#define EVTQ_READ		0x80
#define EVTQ_WRITE		0x88
#define EVTQ_SIZE		0x94
#define MAILBOX			0x1000
#define MAILBOX_SIZE		0x2000
#define EVENTS			0x8000
#define EVENTS_SIZE		0x1000
#define FIRMWARE_READY		0xcafebabe

/* Registers of the packet processor's DMA. */
#define DMA_RX			0x260c
#define DMA_RX_STATUS		0x2680
#define DMA_RX_ENABLE		0x00ff
#define DMA_RX_DISABLE		0xff00
#define DMA_TX			0x26c0
#define DMA_TX_START		0x2868

/* Commands that need more than an ACK, and attributes of ports. */
#define CMD_SWITCH_INIT		0x1
#define CMD_PORT_SET		0x100
#define CMD_PORT_GET		0x101
#define CMD_PORT_INFO		0x110
#define CMD_BRIDGE_CREATE	0x400
#define CMD_COUNTER_GET		0x510
#define CMD_COUNTER_BLOCK_GET	0x513
#define CMD_VTCAM_CREATE	0x540
#define CMD_VTCAM_RULE_ADD	0x550
#define CMD_RIF_CREATE		0x600
#define CMD_NH_GROUP_ADD	0x623
#define CMD_VR_CREATE		0x630
#define CMD_NH_BLOCK_GET	0x645
#define CMD_FLOOD_CREATE	0x700
#define CMD_RXTX_INIT		0x800
#define CMD_SPAN_GET		0x1100
#define CMD_POLICER_CREATE	0x1500
#define CMD_CPU_COUNTERS	0x2000
#define CMD_ACK			0x10000
#define PORT_PHY_MODE		12
#define PORT_STATS		17

#define EVENT_PORT		(1 | 1 << 16)
#define EVENT_LEARNED		(2 | 1 << 16)
#define OWNED_BY_DMA		BIT(31)

struct descriptor {
	u32 control;
	u32 length;
	u32 buffer;
	u32 next;
};

static struct pci_model model;
static u32 loaded, rx, tx;
/* Protects events, frames and the registers above. */
static DEFINE_SPINLOCK(lock);

static u32 *reg(u32 offset)
{
	return (u32 *)&model.bar[2][offset];
}

static bool running(void)
{
	return *reg(FW_READY) == FIRMWARE_READY;
}

static void start_loader(void)
{
	memset(model.bar[2], 0, model.len[2]);
	memset(model.bar[4], 0, model.len[4]);
	loaded = 0;
	rx = 0;
	tx = 0;
	*reg(LDR_READY) = LOADER_READY;
	*reg(LDR_BUFFER) = LDR_RING;
	*reg(LDR_BUFFER_SIZE) = LDR_RING_SIZE;
}

static void start_firmware(void)
{
	memset(model.bar[2], 0, model.len[2]);
	*reg(FW_READY) = FIRMWARE_READY;
	*reg(FW_COMMANDS) = MAILBOX;
	*reg(FW_COMMANDS_SIZE) = MAILBOX_SIZE;
	*reg(FW_COMMAND_QUEUES) = 1;
	*reg(FW_EVENTS) = EVENTS;
	*reg(FW_EVENT_QUEUES) = 1;
	*reg(CMDQ_SIZE) = MAILBOX_SIZE;
	*reg(EVTQ_SIZE) = EVENTS_SIZE;
	*reg(LDR_STATUS) = LDR_STATUS_STARTED;
}

/* Five words: all events have that length. */
static void event(u32 what, u32 a, u32 b, u32 c, u32 d)
{
	u32 words[] = { 20, what, a, b, c, d }, at;
	unsigned long flags;
	int i;

	spin_lock_irqsave(&lock, flags);
	at = *reg(EVTQ_WRITE);
	if (running() && !dead &&
	    ((*reg(EVTQ_READ) - at - 1) & (EVENTS_SIZE - 1)) >= sizeof(words)) {
		for (i = 0; i < ARRAY_SIZE(words); i++) {
			*reg(EVENTS + at) = words[i];
			at = (at + 4) & (EVENTS_SIZE - 1);
		}
		*reg(EVTQ_WRITE) = at;
		pci_model_irq(&model, 0);
	}
	spin_unlock_irqrestore(&lock, flags);
}

/* A command is in the mailbox.  The response is written after it. */
static void command(void)
{
	u32 *req = reg(MAILBOX), size = 8;
	u32 *ans = reg(MAILBOX + *reg(CMDQ_REQUEST_SIZE));
	static u32 id;

	model_delay();
	memset(ans, 0, 2048);
	ans[0] = CMD_ACK;
	ans[1] = model_fails();
	switch (req[0]) {
	case CMD_SWITCH_INIT:
		size = 24;
		ans[2] = ports;
		ans[3] = 9000;		/* MTU */
		ans[4] = 1024;		/* next hops */
		ans[5] = 0x404 << 8;	/* LAGs, members */
		break;
	case CMD_PORT_SET:
		if (req[1] == PORT_PHY_MODE) {
			u32 up = req[7] & 0xff;

			event(EVENT_PORT, req[2], 0, 1000, up | up << 8);
		}
		break;
	case CMD_PORT_GET:
		size = req[1] == PORT_STATS ? 248 : 136;
		break;
	case CMD_PORT_INFO:
		size = 20;
		ans[2] = req[1];
		ans[4] = req[1];
		break;
	case CMD_NH_BLOCK_GET:
		size = 1032;
		break;
	case CMD_COUNTER_BLOCK_GET:
		size = 24;
		ans[4] = 32;		/* counters */
		break;
	case CMD_COUNTER_GET:
		size = 24;
		ans[5] = 1;		/* no more */
		break;
	case CMD_VTCAM_CREATE:
	case CMD_VTCAM_RULE_ADD:
		size = 16;
		ans[2] = ++id;
		ans[3] = id;
		break;
	case CMD_CPU_COUNTERS:
		size = 16;
		ans[2] = req[1] >> 8;
		break;
	case CMD_BRIDGE_CREATE:
	case CMD_RIF_CREATE:
	case CMD_NH_GROUP_ADD:
	case CMD_VR_CREATE:
	case CMD_FLOOD_CREATE:
	case CMD_SPAN_GET:
	case CMD_POLICER_CREATE:
		size = 12;
		ans[2] = ++id & 0x7f;
		break;
	case CMD_RXTX_INIT:
		size = 12;
		break;
	}
	*reg(CMDQ_ANSWER_SIZE) = size;
	*reg(CMDQ_ANSWER) = 1;
}

/* The driver polls for the response with a mutex held, and may sleep. */
static void model_read(struct pci_model *m, int bar, u32 offset, int size)
{
	if (bar == 2 && offset == CMDQ_ANSWER && running() && !dead &&
	    *reg(CMDQ_REQUEST) == 1 && !*reg(CMDQ_ANSWER))
		command();
}

static struct descriptor *descriptor(u32 address)
{
	return address ? phys_to_virt(address) : NULL;
}

/* Drops the frame. */
static void transmit(void)
{
	struct descriptor *d = descriptor(tx);

	while (d && d->control & OWNED_BY_DMA) {
		d->control &= ~OWNED_BY_DMA;
		tx = d->next;
		d = descriptor(tx);
	}
	*(u32 *)&model.bar[4][DMA_TX_START] = 0;
}

static void model_written(struct pci_model *m, int bar, u32 offset, int size)
{
	u32 val = *(u32 *)&m->bar[bar][offset];
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	if (bar == 4 && offset == DMA_RX) {
		rx = val;
	} else if (bar == 4 && offset == DMA_TX) {
		tx = val;
	} else if (bar == 4 && offset == DMA_TX_START) {
		transmit();
	} else if (bar == 2 && !running() && offset == LDR_CONTROL) {
		*reg(LDR_STATUS) = LDR_STATUS_LOADING;
	} else if (bar == 2 && !running() && offset == LDR_WRITE) {
		loaded += (val - *reg(LDR_READ)) & (LDR_RING_SIZE - 1);
		*reg(LDR_READ) = val;
		if (loaded >= *reg(LDR_IMAGE_SIZE))
			start_firmware();
	} else if (bar == 2 && running() && offset == CMDQ_REQUEST &&
		   val != 1) {
		*reg(CMDQ_ANSWER) = 0;
	}
	spin_unlock_irqrestore(&lock, flags);
}

static void model_reset(struct pci_model *m)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	start_loader();
	spin_unlock_irqrestore(&lock, flags);
}

/* An ARP request from a host on a port: frame, tag for the CPU, code 5. */
static bool receive(u32 port)
{
	struct descriptor *d = descriptor(rx);
	u8 *frame;
	__be32 *tag;

	if (!d || !(d->control & OWNED_BY_DMA) ||
	    *(u32 *)&model.bar[4][DMA_RX_STATUS] != DMA_RX_ENABLE)
		return false;
	frame = phys_to_virt(d->buffer);
	memset(frame, 0, 80);
	eth_broadcast_addr(frame);
	frame[ETH_ALEN] = 2;
	tag = (__be32 *)&frame[2 * ETH_ALEN];
	tag[0] = cpu_to_be32(BIT(12) | port << 19);
	tag[1] = cpu_to_be32(BIT(31) | 5);
	tag[2] = cpu_to_be32(BIT(31));
	*(__be16 *)&tag[4] = cpu_to_be16(ETH_P_ARP);
	d->length = (d->length & 0xffff) | 80 << 16;
	rx = d->next;
	/* The driver reads the rest after it has seen that the bit is clear. */
	smp_store_release(&d->control, d->control & ~OWNED_BY_DMA);
	return true;
}

static int frames_set(const char *val, const struct kernel_param *kp)
{
	unsigned long flags;
	unsigned int n;
	int err;

	err = kstrtouint(val, 0, &n);
	if (err)
		return err;
	if (!model.bar[2])
		return -ENODEV;
	spin_lock_irqsave(&lock, flags);
	while (n && running() && receive(n % ports))
		n--;
	if (running()) {
		*reg(FW_RX_STATUS) = 1;
		pci_model_irq(&model, 0);
	}
	spin_unlock_irqrestore(&lock, flags);
	return 0;
}

static const struct kernel_param_ops frames_ops = { .set = frames_set };
module_param_cb(frames, &frames_ops, NULL, 0200);
MODULE_PARM_DESC(frames, "ports receive this many frames that go to the CPU");

static int learn_set(const char *val, const struct kernel_param *kp)
{
	unsigned int n;
	int err;

	err = kstrtouint(val, 0, &n);
	if (err)
		return err;
	if (!model.bar[2])
		return -ENODEV;
	while (n--)
		event(EVENT_LEARNED, 1, 0, 2, n & 0xffff);
	return 0;
}

static const struct kernel_param_ops learn_ops = { .set = learn_set };
module_param_cb(learn, &learn_ops, NULL, 0200);
MODULE_PARM_DESC(learn, "learn this many addresses on port 0, VLAN 1");

static struct pci_model model = {
	.len = { [2] = 0x10000, [4] = 0x10000 },
	.read = model_read,
	.written = model_written,
	.reset = model_reset,
};

static int __init model_init(void)
{
	if (!ports || ports > 32)
		return -EINVAL;
	return pci_model_register(&model, PCI_VENDOR_ID_MARVELL, 0xc804);
}
module_init(model_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Marvell Prestera as a model");
