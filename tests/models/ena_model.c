// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: an Amazon ENA NIC in software, for its driver on User Mode Linux
 *
 * Supported: registers, which the driver reads by DMA; reset; the admin queue,
 * with the commands of probe, reload and an interface that is up; link and
 * keep-alive events; the PTP clock.  A work executes commands one by one.
 *
 * Not supported: traffic.  Packets are never completed, so with the link up,
 * the driver resets the device after some seconds.  Also not supported: queues
 * in device memory, metrics, configuration of the RSS hash.
 */
#include <linux/etherdevice.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <drivers/net/ethernet/amazon/ena/ena_common_defs.h>
#include <drivers/net/ethernet/amazon/ena/ena_admin_defs.h>
#include <drivers/net/ethernet/amazon/ena/ena_regs_defs.h>
#include "pci_model.h"

static bool link;
module_param(link, bool, 0644);
MODULE_PARM_DESC(link, "the link is up");

static bool clock = true;
module_param(clock, bool, 0644);
MODULE_PARM_DESC(clock, "there is a PTP clock");

#define AMAZON		0x1d0f
#define ENA_VF		0xec20
#define QUEUES		2	/* of each direction */
#define QUEUE_DEPTH	256
#define ENTRY		sizeof(union command)
/* Registers of queues.  Writes have no effect. */
#define CQ_REGS		0x200
#define SQ_REGS		0x300

/* Entries of the admin queues and of the queue of events. */
union command {
	struct ena_admin_aq_common_desc common;
	struct ena_admin_aq_entry entry;
	struct ena_admin_aq_create_cq_cmd create_cq;
	struct ena_admin_aq_create_sq_cmd create_sq;
	struct ena_admin_aq_destroy_cq_cmd destroy_cq;
	struct ena_admin_aq_destroy_sq_cmd destroy_sq;
	struct ena_admin_get_feat_cmd get;
	struct ena_admin_set_feat_cmd set;
};

union response {
	struct ena_admin_acq_common_desc common;
	struct ena_admin_acq_entry entry;
	struct ena_admin_acq_create_cq_resp_desc create_cq;
	struct ena_admin_acq_create_sq_resp_desc create_sq;
	struct ena_admin_get_feat_resp get;
};

static struct pci_model model;
/* Protects the variables below, and DMA from a reset. */
static DEFINE_SPINLOCK(lock);
static int dead;
static u32 resets;
static u32 commands_done, events_done;
static u32 event_groups;	/* that the driver wants */
static bool link_shown;
static unsigned long cqs, sqs;	/* that exist, a bit each */
static struct ena_admin_phc_resp *phc;

static u32 *reg(u32 offset)
{
	return (u32 *)(model.bar[0] + offset);
}

static void *host_memory(u32 low, u32 high)
{
	return phys_to_virt((u64)high << 32 | low);
}

/* A queue has registers for its address, and for its depth and entry size. */
static void *entry_of(u32 base, u32 caps, u32 index)
{
	return host_memory(*reg(base), *reg(base + 4)) +
	       index % (u16)*reg(caps) * ENTRY;
}

/* The phase of an entry is 1 in the first round, 0 in the next, and so on. */
static u8 phase_of(u32 caps, u32 index)
{
	return !(index / (u16)*reg(caps) % 2);
}

static bool works(void)
{
	lockdep_assert_held(&lock);
	return !dead && !gone && *reg(ENA_REGS_AQ_CAPS_OFF) &&
	       model.config[PCI_COMMAND / 4] & PCI_COMMAND_MASTER;
}

static u8 get_feature(u8 id, struct ena_admin_get_feat_resp *r)
{
	struct ena_admin_queue_ext_feature_fields *q;

	switch (id) {
	case ENA_ADMIN_DEVICE_ATTRIBUTES:
		r->u.dev_attr.supported_features =
			BIT(ENA_ADMIN_MAX_QUEUES_EXT) |
			BIT(ENA_ADMIN_STATELESS_OFFLOAD_CONFIG) |
			BIT(ENA_ADMIN_RSS_INDIRECTION_TABLE_CONFIG) |
			BIT(ENA_ADMIN_MTU) | BIT(ENA_ADMIN_AENQ_CONFIG) |
			BIT(ENA_ADMIN_LINK_CONFIG) |
			(clock ? BIT(ENA_ADMIN_PHC_CONFIG) : 0);
		u64_to_ether_addr(0x020000000002, r->u.dev_attr.mac_addr);
		r->u.dev_attr.max_mtu = 9216;
		break;
	case ENA_ADMIN_MAX_QUEUES_EXT:
		r->u.max_queue_ext.version = 1;
		q = &r->u.max_queue_ext.max_queue_ext;
		q->max_tx_sq_num = QUEUES;
		q->max_tx_cq_num = QUEUES;
		q->max_rx_sq_num = QUEUES;
		q->max_rx_cq_num = QUEUES;
		q->max_tx_sq_depth = QUEUE_DEPTH;
		q->max_tx_cq_depth = QUEUE_DEPTH;
		q->max_rx_sq_depth = QUEUE_DEPTH;
		q->max_rx_cq_depth = QUEUE_DEPTH;
		q->max_tx_header_size = 96;
		q->max_per_packet_tx_descs = 17;
		q->max_per_packet_rx_descs = 17;
		break;
	case ENA_ADMIN_STATELESS_OFFLOAD_CONFIG:
		break;
	case ENA_ADMIN_RSS_INDIRECTION_TABLE_CONFIG:
		r->u.ind_table.max_size = 16;
		break;
	case ENA_ADMIN_AENQ_CONFIG:
		r->u.aenq.supported_groups = BIT(ENA_ADMIN_LINK_CHANGE) |
					     BIT(ENA_ADMIN_KEEP_ALIVE);
		break;
	case ENA_ADMIN_LINK_CONFIG:
		r->u.link.speed = 100000;
		break;
	case ENA_ADMIN_PHC_CONFIG:
		r->u.phc.doorbell_offset = ENA_REGS_PHC_DB_OFF;
		break;
	default:
		return ENA_ADMIN_UNSUPPORTED_OPCODE;
	}
	return ENA_ADMIN_SUCCESS;
}

static void set_feature(struct ena_admin_set_feat_cmd *cmd)
{
	struct ena_common_mem_addr *addr = &cmd->u.phc.output_address;

	if (cmd->feat_common.feature_id == ENA_ADMIN_AENQ_CONFIG)
		event_groups = cmd->u.aenq.enabled_groups;
	if (cmd->feat_common.feature_id == ENA_ADMIN_PHC_CONFIG)
		phc = host_memory(addr->mem_addr_low, addr->mem_addr_high);
}

static u8 execute(union command *cmd, union response *r)
{
	unsigned long id;

	switch (cmd->common.opcode) {
	case ENA_ADMIN_CREATE_CQ:
		id = ffz(cqs);
		if (id >= 2 * QUEUES)
			return ENA_ADMIN_RESOURCE_ALLOCATION_FAILURE;
		__set_bit(id, &cqs);
		r->create_cq.cq_idx = id;
		r->create_cq.cq_actual_depth = cmd->create_cq.cq_depth;
		r->create_cq.cq_interrupt_unmask_register_offset =
			CQ_REGS + 4 * id;
		return ENA_ADMIN_SUCCESS;
	case ENA_ADMIN_CREATE_SQ:
		id = ffz(sqs);
		if (id >= 2 * QUEUES || !(cqs & BIT(cmd->create_sq.cq_idx)))
			return ENA_ADMIN_RESOURCE_ALLOCATION_FAILURE;
		__set_bit(id, &sqs);
		r->create_sq.sq_idx = id;
		r->create_sq.sq_doorbell_offset = SQ_REGS + 4 * id;
		return ENA_ADMIN_SUCCESS;
	case ENA_ADMIN_DESTROY_CQ:
		return __test_and_clear_bit(cmd->destroy_cq.cq_idx, &cqs) ?
		       ENA_ADMIN_SUCCESS : ENA_ADMIN_ILLEGAL_PARAMETER;
	case ENA_ADMIN_DESTROY_SQ:
		return __test_and_clear_bit(cmd->destroy_sq.sq.sq_idx, &sqs) ?
		       ENA_ADMIN_SUCCESS : ENA_ADMIN_ILLEGAL_PARAMETER;
	case ENA_ADMIN_GET_FEATURE:
		return get_feature(cmd->get.feat_common.feature_id, &r->get);
	case ENA_ADMIN_SET_FEATURE:
		set_feature(&cmd->set);
		return ENA_ADMIN_SUCCESS;
	}
	return ENA_ADMIN_UNSUPPORTED_OPCODE;
}

/* Takes the next command, and responds after a delay unless it was reset. */
static bool one_command(void)
{
	union response *to, r = {};
	union command cmd;
	u32 number, before;

	scoped_guard(spinlock_irqsave, &lock) {
		number = commands_done;
		before = resets;
		if (!works() || (u16)number == (u16)*reg(ENA_REGS_AQ_DB_OFF))
			return false;
		memcpy(&cmd, entry_of(ENA_REGS_AQ_BASE_LO_OFF,
				      ENA_REGS_AQ_CAPS_OFF, number), ENTRY);
	}
	model_delay();

	guard(spinlock_irqsave)(&lock);
	if (!works() || resets != before)
		return true;
	r.common.status = model_fails() ? ENA_ADMIN_UNKNOWN_ERROR :
					  execute(&cmd, &r);
	r.common.command = cmd.common.command_id;
	r.common.flags = phase_of(ENA_REGS_ACQ_CAPS_OFF, number);
	to = entry_of(ENA_REGS_ACQ_BASE_LO_OFF, ENA_REGS_ACQ_CAPS_OFF, number);
	memcpy(&to->entry.response_specific_data,
	       &r.entry.response_specific_data,
	       sizeof(r.entry.response_specific_data));
	/* Write the first eight bytes last: they have the flags. */
	smp_store_release((u64 *)to, *(u64 *)&r);
	commands_done++;
	if (!*reg(ENA_REGS_INTR_MASK_OFF))
		pci_model_irq(&model, 0);
	return true;
}

static void admin_queue(struct work_struct *work)
{
	while (one_command())
		;
}

static DECLARE_WORK(admin_work, admin_queue);

static void send_event(u16 group, u32 data)
{
	struct ena_admin_aenq_entry *e;

	if (!(event_groups & BIT(group)) ||
	    (u16)events_done == (u16)*reg(ENA_REGS_AENQ_HEAD_DB_OFF))
		return;
	e = entry_of(ENA_REGS_AENQ_BASE_LO_OFF, ENA_REGS_AENQ_CAPS_OFF,
		     events_done);
	e->aenq_common_desc.group = group;
	e->inline_data_w4[0] = data;
	/* The driver reads the rest when it has seen the phase. */
	smp_store_release(&e->aenq_common_desc.flags,
			  phase_of(ENA_REGS_AENQ_CAPS_OFF, events_done));
	events_done++;
	pci_model_irq(&model, 0);
}

static void each_second(struct work_struct *work)
{
	scoped_guard(spinlock_irqsave, &lock) {
		if (!works() || !*reg(ENA_REGS_AENQ_HEAD_DB_OFF))
			break;
		send_event(ENA_ADMIN_KEEP_ALIVE, 0);
		if (link != link_shown)
			send_event(ENA_ADMIN_LINK_CHANGE, link);
		link_shown = link;
	}
	schedule_delayed_work(to_delayed_work(work), HZ);
}

static DECLARE_DELAYED_WORK(event_work, each_second);

static void clear(void)
{
	resets++;
	commands_done = 0;
	events_done = 0;
	event_groups = 0;
	link_shown = false;
	cqs = 0;
	sqs = 0;
	phc = NULL;
	*reg(ENA_REGS_AQ_CAPS_OFF) = 0;
	*reg(ENA_REGS_AQ_DB_OFF) = 0;
	*reg(ENA_REGS_AENQ_HEAD_DB_OFF) = 0;
}

/* The driver reads a register by its offset and the number of the request. */
static void read_register(u32 request)
{
	struct ena_admin_ena_mmio_req_read_less_resp *r;

	r = host_memory(*reg(ENA_REGS_MMIO_RESP_LO_OFF),
			*reg(ENA_REGS_MMIO_RESP_HI_OFF));
	r->reg_off = request >> 16;
	r->reg_val = *reg(r->reg_off);
	/* The driver reads the rest when it has seen the number. */
	smp_store_release(&r->req_id, (u16)request);
}

static void written(struct pci_model *m, int bar, u32 offset, int size)
{
	u32 val = *(u32 *)(m->bar[bar] + offset);
	u32 *status = reg(ENA_REGS_DEV_STS_OFF);

	if (bar != 0 || dead > 1)
		return;
	guard(spinlock_irqsave)(&lock);
	switch (offset) {
	case ENA_REGS_AQ_DB_OFF:
		schedule_work(&admin_work);
		break;
	case ENA_REGS_DEV_CTL_OFF:
		*status = ENA_REGS_DEV_STS_READY_MASK;
		if (val & ENA_REGS_DEV_CTL_DEV_RESET_MASK) {
			*status |= ENA_REGS_DEV_STS_RESET_IN_PROGRESS_MASK;
			dead = 0;
			clear();
		}
		break;
	case ENA_REGS_MMIO_REG_READ_OFF:
		read_register(val);
		break;
	case ENA_REGS_PHC_DB_OFF:
		if (!phc || dead)
			break;
		phc->timestamp = ktime_get_real_ns();
		phc->error_flags = 0;
		/* The driver reads the rest when it has seen the number. */
		smp_store_release(&phc->req_id, (u16)val);
		break;
	}
}

static void reset(struct pci_model *m)
{
	guard(spinlock_irqsave)(&lock);
	clear();
	*reg(ENA_REGS_VERSION_OFF) = 0x200;
	*reg(ENA_REGS_CONTROLLER_VERSION_OFF) = 0x10000;
	/* Addresses of 48 bits; a reset takes at most 10 times 100 ms. */
	*reg(ENA_REGS_CAPS_OFF) = 48 << 8 | 10 << 1;
	*reg(ENA_REGS_DEV_STS_OFF) = ENA_REGS_DEV_STS_READY_MASK;
}

static int dead_set(const char *val, const struct kernel_param *kp)
{
	guard(spinlock_irqsave)(&lock);
	/* The device loses its state even if it was not reset. */
	if (dead > 1)
		clear();
	return param_set_int(val, kp);
}

static const struct kernel_param_ops dead_ops = {
	.set = dead_set,
	.get = param_get_int,
};
module_param_cb(dead, &dead_ops, &dead, 0644);
MODULE_PARM_DESC(dead, "1: no response until a reset, 2: also none to a reset");

static struct pci_model model = {
	.len = { [0] = SZ_4K, [1] = SZ_4K },
	.vectors = 1 + QUEUES,
	.msix_bar = 1,
	.written = written,
	.reset = reset,
};

static int __init ena_model_init(void)
{
	schedule_delayed_work(&event_work, HZ);
	return pci_model_register(&model, AMAZON, ENA_VF);
}
module_init(ena_model_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Amazon ENA in software");
