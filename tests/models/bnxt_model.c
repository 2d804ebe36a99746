// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Broadcom BCM57414 (NetXtreme-E), drivers/net/ethernet/broadcom/bnxt
 *
 * The driver writes a request (HWRM) to BAR 0.  The model writes the response
 * to guest memory, and events to a completion ring there.
 *
 * Supported: probe, link up and down, info, parameters (variables of the NVM),
 * flash and its self-test, reload (driver_reinit; fw_activate; fw_activate
 * without a reset, as a live patch), reporter fw (diagnose, dump, recover),
 * five ways to die.  A flash stores a version and a live patch.
 *
 * Not supported: packets (the port has no carrier), statistics, VFs, RDMA, PTP,
 * VPD.  The response to an unknown request is "not supported".
 */
#include <linux/io.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include "pci_model.h"
#include <linux/bnxt/hsi.h>		/* has no includes of its own */

static ushort refuse;
module_param(refuse, ushort, 0644);
MODULE_PARM_DESC(refuse, "type of request that always fails, 0 for none");

static ushort error = HWRM_ERR_CODE_FAIL;
module_param(error, ushort, 0644);
MODULE_PARM_DESC(error, "HWRM error of requests that fail, 0 for no answer");

static uint boot = 300;
module_param(boot, uint, 0644);
MODULE_PARM_DESC(boot, "ms that the firmware takes to start, 0: it cannot");

/* BAR 0: requests, then the registers of error recovery */
#define WINDOW		0x0
#define DOORBELL	0x100
#define HCOMM		0x31f0		/* struct hcomm_status */
#define STATUS		0x4000
#define HEARTBEAT	0x4004
#define RESETS		0x4008
#define RESET		0x400c		/* a write restarts the firmware */
#define BAR0(reg)	((reg) | HCOMM_STATUS_FW_STATUS_LOC_ADDR_SPACE_BAR0)
#define BAR0_LE(reg)	cpu_to_le32(BAR0(reg))

/* BAR 2: a doorbell for each ring */
#define DB_STRIDE	0x80
#define DB_INDEX	GENMASK(23, 0)
#define DB_NO_IRQ	BIT(27)
#define DB_KEY		GENMASK(31, 28)
#define DB_KEY_CQ	(2U << 28)

#define CRASHED		0xdead		/* in STATUS */
#define NOTIFY(why)	\
	ASYNC_EVENT_CMPL_RESET_NOTIFY_EVENT_DATA1_REASON_CODE_##why
#define RECOVERY(flag)	\
	ASYNC_EVENT_CMPL_ERROR_RECOVERY_EVENT_DATA1_FLAGS_##flag
#define ERROR(why)	(-(int)HWRM_ERR_CODE_##why)
#define CAPS(flag)	cpu_to_le32(FUNC_QCAPS_RESP_FLAGS_##flag)

#define VECTORS		2
#define LIMIT		16		/* of each kind of resource */
#define DIR_UPDATE	2		/* types of entries in the NVM */
#define DIR_VPD		5
#define VPD_LEN		512
#define DUMP_LEN	(64 * 1024)
#define DUMP_HEADER	256		/* that the driver adds */
#define PER_PAGE	(PAGE_SIZE / sizeof(struct hwrm_async_event_cmpl))

union request {
	struct input head;
	struct hwrm_func_cfg_input cfg;
	struct hwrm_func_drv_if_change_input if_change;
	struct hwrm_ring_alloc_input ring;
	struct hwrm_ring_free_input free;
	struct hwrm_dbg_coredump_list_input list;
	struct hwrm_dbg_coredump_retrieve_input dump;
	struct hwrm_nvm_find_dir_entry_input find;
	struct hwrm_nvm_read_input read;
	struct hwrm_nvm_write_input write;
	struct hwrm_nvm_modify_input modify;
	struct hwrm_nvm_get_variable_input var;
};

union answer {
	struct hwrm_err_output head;
	struct hwrm_ver_get_output ver;
	struct hwrm_func_qcaps_output caps;
	struct hwrm_func_resource_qcaps_output resc;
	struct hwrm_func_qcfg_output cfg;
	struct hwrm_func_drv_rgtr_output rgtr;
	struct hwrm_func_drv_if_change_output if_change;
	struct hwrm_queue_qportcfg_output queues;
	struct hwrm_vnic_qcaps_output vnic;
	struct hwrm_port_phy_qcaps_output phy_caps;
	struct hwrm_port_phy_qcfg_output phy;
	struct hwrm_cfa_l2_filter_alloc_output alloc;
	struct hwrm_error_recovery_qcfg_output recovery;
	struct hwrm_dbg_qcfg_output dbg;
	struct hwrm_dbg_coredump_list_output list;
	struct hwrm_dbg_coredump_retrieve_output dump;
	struct hwrm_fw_livepatch_query_output patch;
	struct hwrm_nvm_get_dev_info_output nvm;
	struct hwrm_nvm_find_dir_entry_output find;
	struct hwrm_nvm_install_update_output install;
	struct hwrm_nvm_get_variable_output var;
	u8 bytes[HWRM_MAX_RESP_LEN];
};

/* Resources of a function: the fields of the request and of the response */
#define RESOURCE(bit, field, shown) {					\
	FUNC_CFG_REQ_ENABLES_NUM_##bit,					\
	offsetof(struct hwrm_func_cfg_input, num_##field),		\
	offsetof(struct hwrm_func_qcfg_output, alloc_##shown) }

static const struct {
	u32 enable, asked, shown;
} resources[] = {
	RESOURCE(RSSCOS_CTXS, rsscos_ctxs, rsscos_ctx),
	RESOURCE(CMPL_RINGS, cmpl_rings, cmpl_rings),
	RESOURCE(TX_RINGS, tx_rings, tx_rings),
	RESOURCE(RX_RINGS, rx_rings, rx_rings),
	RESOURCE(VNICS, vnics, vnics),
	RESOURCE(STAT_CTXS, stat_ctxs, stat_ctx),
	RESOURCE(HW_RING_GRPS, hw_ring_grps, hw_ring_grps),
};

static struct pci_model model;

static DEFINE_SPINLOCK(lock);		/* protects the firmware, below */
static bool running;
static bool restarting;			/* when the driver is ready */
static bool restarted;			/* and the driver was not notified */
static __le16 reserved[ARRAY_SIZE(resources)];
static u16 last_id;			/* of a ring, or the like */
static u32 version = 1, stored = 1;
static u32 active_patch, patch = 1;
static u32 update_len = 65536;
static u32 nvm[1024] = { [161] = 1 /* RDMA capable */, [602] = 0x10203 };

/* Completion rings by MSI-X vector; one of them gets events */
static struct ring {
	dma_addr_t table;
	u32 len;			/* 0 for none */
	u32 prod, cons;
	u16 id;
	bool indirect, armed;
} rings[VECTORS], *events = rings;

static u32 *reg(u32 offset)
{
	return (u32 *)(model.bar[0] + offset);
}

static void *dma(__le64 address)
{
	return phys_to_virt(le64_to_cpu(address));
}

static void interrupt(struct ring *ring)
{
	if (!ring->armed || ring->prod % ring->len == ring->cons)
		return;
	ring->armed = false;
	pci_model_irq(&model, ring - rings);
}

/* All entries have the valid bit in the same place. */
static void complete_entry(struct ring *ring, const struct hwrm_cmpl *entry)
{
	u32 i = ring->prod % ring->len;
	struct hwrm_cmpl *e = phys_to_virt(ring->table);

	if (ring->indirect)
		e = dma(((__le64 *)e)[i / PER_PAGE] & cpu_to_le64(PAGE_MASK));
	e += i % PER_PAGE;
	memcpy(e, entry, sizeof(*e));
	dma_wmb();
	if (!(ring->prod++ & ring->len))
		e->v |= cpu_to_le32(CMPL_V);
	interrupt(ring);
}

static void event(u16 id, u32 data1, u32 data2)
{
	struct hwrm_async_event_cmpl e = {
		.type = cpu_to_le16(ASYNC_EVENT_CMPL_TYPE_HWRM_ASYNC_EVENT),
		.event_id = cpu_to_le16(id),
		.event_data1 = cpu_to_le32(data1),
		.event_data2 = cpu_to_le32(data2),
		.timestamp_lo = 5,	/* a restart takes 0.5 s to 10 s */
		.timestamp_hi = cpu_to_le16(100),
	};

	if (events->len)
		complete_entry(events, (struct hwrm_cmpl *)&e);
}

static void start(struct work_struct *work)
{
	guard(spinlock_irqsave)(&lock);
	running = true;
	restarting = false;
	restarted = true;
	memset(rings, 0, sizeof(rings));
	version = stored;
	active_patch = 0;
	memset(reserved, 0, sizeof(reserved));
	*reg(STATUS) = FW_STATUS_REG_CODE_READY;
	++*reg(RESETS);
}

static DECLARE_DELAYED_WORK(start_work, start);

static void stop(struct work_struct *work)
{
	guard(spinlock_irqsave)(&lock);
	running = false;
	*reg(STATUS) = boot ? 0 : CRASHED;
	if (boot)
		schedule_delayed_work(&start_work, msecs_to_jiffies(boot));
}

static DECLARE_DELAYED_WORK(stop_work, stop);

/* Restarts when the driver has unregistered, but after at most 2 s. */
static void restart(u32 reason, u32 status)
{
	restarting = true;
	event(ASYNC_EVENT_CMPL_EVENT_ID_RESET_NOTIFY, reason, status);
	schedule_delayed_work(&stop_work, events->len ? 2 * HZ : 0);
}

static int set_die(const char *val, const struct kernel_param *kp)
{
	u8 how;
	int err = kstrtou8(val, 0, &how);

	if (err || how > 5 || !model.bar[0])
		return err ?: -EINVAL;
	guard(spinlock_irqsave)(&lock);
	switch (how) {
	case 0:
		schedule_delayed_work(&start_work, 0);
		break;
	case 2:
		event(ASYNC_EVENT_CMPL_EVENT_ID_RESET_NOTIFY,
		      NOTIFY(FW_EXCEPTION_FATAL), CRASHED);
		*reg(STATUS) = CRASHED;
		schedule_delayed_work(&stop_work, HZ / 5);
		fallthrough;
	case 1:
		running = false;
		break;
	case 3:
		restart(NOTIFY(FW_EXCEPTION_NON_FATAL), CRASHED);
		break;
	case 4:
		restart(NOTIFY(FW_ACTIVATION), 0);
		break;
	case 5:
		*reg(STATUS) = CRASHED;
		break;
	}
	return 0;
}

static const struct kernel_param_ops die_ops = { .set = set_die };
module_param_cb(die, &die_ops, NULL, 0200);
MODULE_PARM_DESC(die, "1 silence, 2 fatal, 3 error, 4 activation, 5 status only, 0 start");

static struct ring *find_ring(__le16 id)
{
	int i;

	for (i = 0; i < VECTORS; i++)
		if (rings[i].len && rings[i].id == le16_to_cpu(id))
			return &rings[i];
	return NULL;
}

static int func_cfg(const struct hwrm_func_cfg_input *q)
{
	bool test = q->flags & cpu_to_le32(FUNC_CFG_REQ_FLAGS_TX_ASSETS_TEST);
	u32 enables = le32_to_cpu(q->enables);
	__le16 num;
	int i;

	for (i = 0; i < ARRAY_SIZE(resources); i++) {
		if (!(enables & resources[i].enable))
			continue;
		num = *(__le16 *)((void *)q + resources[i].asked);
		if (le16_to_cpu(num) > LIMIT)
			return ERROR(RESOURCE_ALLOC_ERROR);
		if (!test)
			reserved[i] = num;
	}
	if ((enables & FUNC_CFG_REQ_ENABLES_ASYNC_EVENT_CR) &&
	    find_ring(q->async_event_cr)) {
		events = find_ring(q->async_event_cr);
		event(ASYNC_EVENT_CMPL_EVENT_ID_ERROR_RECOVERY,
		      RECOVERY(MASTER_FUNC) | RECOVERY(RECOVERY_ENABLED), 0);
	}
	return 0;
}

/* Times in units of 0.1 s.  This function must reset the firmware. */
static int error_recovery(struct hwrm_error_recovery_qcfg_output *r)
{
	r->flags = cpu_to_le32(ERROR_RECOVERY_QCFG_RESP_FLAGS_HOST);
	r->driver_polling_freq = cpu_to_le32(10);
	r->master_func_wait_period = cpu_to_le32(5);
	r->normal_func_wait_period = cpu_to_le32(100);
	r->master_func_wait_period_after_reset = cpu_to_le32(5);
	r->max_bailout_time_after_reset = cpu_to_le32(50);
	r->fw_health_status_reg = BAR0_LE(STATUS);
	r->fw_heartbeat_reg = BAR0_LE(HEARTBEAT);
	r->fw_reset_cnt_reg = BAR0_LE(RESETS);
	r->reset_inprogress_reg = BAR0_LE(STATUS);
	r->reg_array_cnt = 1;
	r->reset_reg[0] = BAR0_LE(RESET);
	return sizeof(*r);
}

/* Returns the length of the response, 0 for a plain one, or -(HWRM error). */
static int answer(const union request *q, union answer *r)
{
	u32 len, at;
	u16 num;
	int i;

	switch (le16_to_cpu(q->head.req_type)) {
	case HWRM_VER_GET:
		r->ver.hwrm_intf_maj_8b = HWRM_VERSION_MAJOR;
		r->ver.hwrm_intf_min_8b = HWRM_VERSION_MINOR;
		r->ver.hwrm_intf_upd_8b = HWRM_VERSION_UPDATE;
		r->ver.hwrm_fw_major = cpu_to_le16(229);
		r->ver.hwrm_fw_build = cpu_to_le16(version);
		r->ver.flags = VER_GET_RESP_FLAGS_EXT_VER_AVAIL;
		snprintf(r->ver.active_pkg_name, 16, "229.0.%u", version);
		r->ver.chip_num = cpu_to_le16(0x16d7);
		r->ver.max_req_win_len = cpu_to_le16(HWRM_MAX_REQ_LEN);
		r->ver.def_req_timeout = cpu_to_le16(100);	/* ms */
		return sizeof(r->ver);

	/* The function */
	case HWRM_FUNC_RESET:
		memset(rings, 0, sizeof(rings));
		memset(reserved, 0, sizeof(reserved));
		return 0;
	case HWRM_FUNC_QCAPS:
		r->caps.flags = CAPS(HOT_RESET_CAPABLE) |
				CAPS(ERROR_RECOVERY_CAPABLE) |
				CAPS(DBG_QCAPS_CMD_SUPPORTED);
		r->caps.flags_ext = CAPS(EXT_HOT_RESET_IF_SUPPORT) |
				    CAPS(EXT_FW_LIVEPATCH_SUPPORTED);
		r->caps.fid = cpu_to_le16(1);
		r->caps.mac_address[0] = 2;
		return sizeof(r->caps);
	case HWRM_FUNC_RESOURCE_QCAPS:
		memset16((u16 *)&r->resc.min_rsscos_ctx, LIMIT,
			 &r->resc.max_tx_scheduler_inputs -
			 &r->resc.min_rsscos_ctx);
		return sizeof(r->resc);
	case HWRM_FUNC_QCFG:
		num = FUNC_QCFG_RESP_FLAGS_HOT_RESET_ALLOWED;
		r->cfg.flags = cpu_to_le16(num);
		for (i = 0; i < ARRAY_SIZE(resources); i++)
			*(__le16 *)&r->bytes[resources[i].shown] = reserved[i];
		return sizeof(r->cfg);
	case HWRM_FUNC_CFG:
		return func_cfg(&q->cfg);
	case HWRM_FUNC_DRV_RGTR:
		num = FUNC_DRV_RGTR_RESP_FLAGS_IF_CHANGE_SUPPORTED;
		r->rgtr.flags = cpu_to_le32(num);
		return sizeof(r->rgtr);
	case HWRM_FUNC_DRV_UNRGTR:
		if (restarting)
			mod_delayed_work(system_percpu_wq, &stop_work, 0);
		return 0;
	case HWRM_FUNC_DRV_IF_CHANGE:
		num = FUNC_DRV_IF_CHANGE_RESP_FLAGS_HOT_FW_RESET_DONE;
		if (restarted && q->if_change.flags) {
			restarted = false;
			r->if_change.flags = cpu_to_le32(num);
		}
		return sizeof(r->if_change);
	case HWRM_QUEUE_QPORTCFG:
		r->queues.max_configurable_queues = 1;
		return sizeof(r->queues);
	case HWRM_VNIC_QCAPS:
		return sizeof(r->vnic);
	case HWRM_PORT_PHY_QCAPS:
		r->phy_caps.port_cnt = 1;
		num = PORT_PHY_QCAPS_RESP_SUPPORTED_SPEEDS_AUTO_MODE_25GB;
		r->phy_caps.supported_speeds_auto_mode = cpu_to_le16(num);
		return sizeof(r->phy_caps);
	case HWRM_PORT_PHY_QCFG:
		num = PORT_PHY_QCFG_RESP_SUPPORT_SPEEDS_25GB;
		r->phy.support_speeds = cpu_to_le16(num);
		return sizeof(r->phy);

	/* Rings and similar objects.  All responses begin with the ID. */
	case HWRM_RING_ALLOC:
		num = le16_to_cpu(q->ring.logical_id);
		if (q->ring.ring_type == RING_ALLOC_REQ_RING_TYPE_L2_CMPL &&
		    num < VECTORS)
			rings[num] = (struct ring) {
				.table = le64_to_cpu(q->ring.page_tbl_addr),
				.len = le32_to_cpu(q->ring.length),
				.indirect = q->ring.page_tbl_depth,
				.id = (last_id + 1) & S16_MAX,
			};
		fallthrough;
	case HWRM_RING_GRP_ALLOC:
	case HWRM_STAT_CTX_ALLOC:
	case HWRM_VNIC_ALLOC:
	case HWRM_VNIC_RSS_COS_LB_CTX_ALLOC:
	case HWRM_CFA_L2_FILTER_ALLOC:
		last_id = (last_id + 1) & S16_MAX;
		r->alloc.l2_filter_id = cpu_to_le64(last_id);
		return sizeof(r->alloc);
	case HWRM_RING_FREE:
	case HWRM_RING_GRP_FREE:
	case HWRM_STAT_CTX_FREE:
	case HWRM_VNIC_FREE:
	case HWRM_VNIC_CFG:
	case HWRM_VNIC_RSS_CFG:
	case HWRM_VNIC_PLCMODES_CFG:
	case HWRM_VNIC_TPA_CFG:
	case HWRM_VNIC_RSS_COS_LB_CTX_FREE:
	case HWRM_CFA_L2_FILTER_FREE:
	case HWRM_CFA_L2_SET_RX_MASK:
	case HWRM_RING_CMPL_RING_CFG_AGGINT_PARAMS:
	case HWRM_PORT_PHY_CFG:
	case HWRM_PORT_LED_QCAPS:
	case HWRM_FW_SET_TIME:
	case HWRM_DBG_QCAPS:
	case HWRM_DBG_COREDUMP_INITIATE:
		return 0;

	/* Health */
	case HWRM_ERROR_RECOVERY_QCFG:
		return error_recovery(&r->recovery);
	case HWRM_FW_RESET:
		restart(NOTIFY(FW_ACTIVATION), 0);
		return 0;
	case HWRM_FW_LIVEPATCH_QUERY:
		snprintf(r->patch.install_ver, 32, "%u", patch);
		snprintf(r->patch.active_ver, 32, "%u", active_patch);
		num = FW_LIVEPATCH_QUERY_RESP_STATUS_FLAGS_INSTALL;
		if (active_patch == patch)
			num |= FW_LIVEPATCH_QUERY_RESP_STATUS_FLAGS_ACTIVE;
		r->patch.status_flags = cpu_to_le16(num);
		return sizeof(r->patch);
	case HWRM_FW_LIVEPATCH:
		active_patch = patch;
		return 0;
	case HWRM_DBG_QCFG:
		r->dbg.coredump_size = cpu_to_le32(DUMP_LEN + DUMP_HEADER);
		return sizeof(r->dbg);
	case HWRM_DBG_COREDUMP_LIST:
		len = sizeof(struct coredump_segment_record);
		memset(dma(q->list.host_dest_addr), 0, len);
		r->list.total_segments = cpu_to_le16(1);
		r->list.data_len = cpu_to_le16(len);
		return sizeof(r->list);
	case HWRM_DBG_COREDUMP_RETRIEVE:
		len = le32_to_cpu(q->dump.host_buf_len);
		at = le32_to_cpu(q->dump.seq_no) * len;
		if (at >= DUMP_LEN)
			return ERROR(INVALID_PARAMS);
		len = min(len, DUMP_LEN - at);
		memset(dma(q->dump.host_dest_addr), 0xc0, len);
		r->dump.data_len = cpu_to_le16(len);
		num = DBG_COREDUMP_RETRIEVE_RESP_FLAGS_MORE;
		r->dump.flags = at + len < DUMP_LEN ? num : 0;
		return sizeof(r->dump);

	/* NVM */
	case HWRM_NVM_GET_DEV_INFO:
		r->nvm.nvm_cfg_ver_maj = 1;
		r->nvm.flags = NVM_GET_DEV_INFO_RESP_FLAGS_FW_VER_VALID;
		r->nvm.hwrm_fw_major = cpu_to_le16(229);
		r->nvm.hwrm_fw_build = cpu_to_le16(stored);
		snprintf(r->nvm.pkg_name, 16, "229.0.%u", stored);
		return sizeof(r->nvm);
	case HWRM_NVM_FIND_DIR_ENTRY:
		num = le16_to_cpu(q->find.dir_type);
		if (num != DIR_UPDATE && num != DIR_VPD)
			return ERROR(ENTITY_NOT_PRESENT);
		len = num == DIR_VPD ? VPD_LEN : update_len;
		r->find.dir_item_length = cpu_to_le32(len);
		r->find.dir_data_length = cpu_to_le32(len);
		r->find.dir_idx = cpu_to_le16(num);
		return sizeof(r->find);
	case HWRM_NVM_READ:
		len = le32_to_cpu(q->read.len);
		if (len > VPD_LEN)
			return ERROR(INVALID_PARAMS);
		memset(dma(q->read.host_dest_addr), 'V', len);
		return 0;
	case HWRM_NVM_WRITE:
		if (le16_to_cpu(q->write.dir_type) == DIR_UPDATE)
			update_len = le32_to_cpu(q->write.dir_item_length);
		return 0;
	case HWRM_NVM_MODIFY:
		at = le32_to_cpu(q->modify.offset);
		if (at + le32_to_cpu(q->modify.len) > update_len)
			return ERROR(INVALID_PARAMS);
		return 0;
	case HWRM_NVM_INSTALL_UPDATE:
		stored++;
		patch++;
		return sizeof(r->install);
	case HWRM_NVM_GET_VARIABLE:
	case HWRM_NVM_SET_VARIABLE:
		num = le16_to_cpu(q->var.option_num);
		len = DIV_ROUND_UP(le16_to_cpu(q->var.data_len), 8);
		if (num >= ARRAY_SIZE(nvm) || len > sizeof(*nvm))
			return ERROR(INVALID_PARAMS);
		if (le16_to_cpu(q->head.req_type) == HWRM_NVM_GET_VARIABLE)
			memcpy(dma(q->var.dest_data_addr), &nvm[num], len);
		else
			memcpy(&nvm[num], dma(q->var.dest_data_addr), len);
		return sizeof(r->var);
	}
	return ERROR(CMD_NOT_SUPPORTED);
}

static void request(void)
{
	union request q;
	union answer *r;
	struct ring *ring;
	bool fails;
	u16 type;
	int len;

	memcpy(&q, reg(WINDOW), HWRM_MAX_REQ_LEN);
	model_delay();
	guard(spinlock_irqsave)(&lock);
	type = le16_to_cpu(q.head.req_type);
	fails = model_fails() || (refuse && refuse == type);
	/* The driver frees the memory of the ring, even if this fails. */
	ring = find_ring(q.free.ring_id);
	if (type == HWRM_RING_FREE && ring)
		ring->len = 0;
	if (!running || !(model.config[PCI_COMMAND / 4] & PCI_COMMAND_MASTER) ||
	    (fails && !error))
		return;
	r = dma(q.head.resp_addr);
	memset(r, 0, sizeof(*r));
	len = fails ? -error : answer(&q, r);
	if (len < 0)
		r->head.error_code = cpu_to_le16(-len);
	if (len <= 0)
		len = sizeof(r->head);
	r->head.req_type = q.head.req_type;
	r->head.seq_id = q.head.seq_id;
	r->bytes[len - 1] = 1;		/* valid */
	dma_wmb();
	r->head.resp_len = cpu_to_le16(len);
	ring = find_ring(q.head.cmpl_ring);
	if (ring)
		complete_entry(ring, &(struct hwrm_cmpl) {
			.type = cpu_to_le16(CMPL_TYPE_HWRM_DONE),
			.sequence_id = q.head.seq_id,
		});
}

static void read(struct pci_model *m, int bar, u32 offset, int size)
{
	if (bar == 0 && offset == HEARTBEAT && running)
		++*reg(HEARTBEAT);
}

static void written(struct pci_model *m, int bar, u32 offset, int size)
{
	u32 val = *(u32 *)&m->bar[bar][offset];
	struct ring *ring;

	if (bar == 0 && offset == DOORBELL)
		request();
	else if (bar == 0 && offset == RESET)
		mod_delayed_work(system_percpu_wq, &stop_work, 0);
	if (bar != 2 || (val & DB_KEY) != DB_KEY_CQ ||
	    offset / DB_STRIDE >= VECTORS)
		return;
	guard(spinlock_irqsave)(&lock);
	ring = &rings[offset / DB_STRIDE];
	if (!ring->len)
		return;
	ring->cons = val & DB_INDEX;
	ring->armed = !(val & DB_NO_IRQ);
	interrupt(ring);
}

/* Without the driver, the firmware runs, but must not use DMA. */
static void reset(struct pci_model *m)
{
	if (!*reg(HCOMM)) {
		*reg(HCOMM) = HCOMM_STATUS_SIGNATURE_VAL;
		*reg(HCOMM + 4) = BAR0(STATUS);
		start(NULL);
		restarted = false;
	}
	guard(spinlock_irqsave)(&lock);
	memset(rings, 0, sizeof(rings));
}

static struct pci_model model = {
	.len = { [0] = 0x10000, [2] = 0x10000, [4] = 0x1000 },
	.vectors = VECTORS,
	.msix_offset = 0x8000,
	.read = read,
	.written = written,
	.reset = reset,
};

static int __init model_init(void)
{
	u32 *config = model.config;

	/* A PCI Express endpoint with a serial number */
	config[PCI_MODEL_MSIX / 4] = PCI_MODEL_FREE << 8;
	config[PCI_MODEL_FREE / 4] = PCI_CAP_ID_EXP |
		(2 | PCI_EXP_TYPE_RC_END << 4) << 16;
	config[PCI_CFG_SPACE_SIZE / 4] = PCI_EXT_CAP_ID_DSN | 1 << 16;
	config[PCI_CFG_SPACE_SIZE / 4 + 1] = 0x12345678;
	return pci_model_register(&model, PCI_VENDOR_ID_BROADCOM, 0x16d7);
}
module_init(model_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("model of a Broadcom BCM57414");
