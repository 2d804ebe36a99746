// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: AMD/Pensando DSC, the core function
 *
 * Supported: device commands of identity version 1, firmware download, install
 * and select, death of the firmware, which has the next generation number when
 * it runs again.
 *
 * Not supported: admin and notify queues, so there are no auxiliary devices;
 * PLDM images.
 */
#include "pci_model.h"
#include <linux/pds/pds_common.h>
#include <linux/pds/pds_core_if.h>

#define BAR0		0
#define DOORBELLS	2
#define MSIX_TABLE	0x4000

static uint status_delay;
module_param(status_delay, uint, 0644);
MODULE_PARM_DESC(status_delay, "microseconds that a read of the status takes");

static uint status_reads;
module_param(status_reads, uint, 0644);
MODULE_PARM_DESC(status_reads, "reads of the status that began since this was set");

static bool dead;
static u8 generation;

static int dead_set(const char *val, const struct kernel_param *kp)
{
	bool was = dead;
	int err;

	err = param_set_bool(val, kp);
	if (!err && was && !dead)
		generation++;
	return err;
}

static const struct kernel_param_ops dead_ops = {
	.set = dead_set,
	.get = param_get_bool,
};
module_param_cb(dead, &dead_ops, &dead, 0644);
MODULE_PARM_DESC(dead, "the firmware does not run");

static void command(struct pds_core_dev_cmd_regs *r)
{
	struct pds_core_dev_identity *ident = (void *)r->data;
	struct pds_core_fw_list_info *list = (void *)r->data;

	memset(&r->comp, 0, sizeof(r->comp));
	if (model_fails()) {
		r->comp.status = PDS_RC_EIO;
		return;
	}
	switch (r->cmd.opcode) {
	case PDS_CORE_CMD_IDENTIFY:
		if (r->cmd.identify.ver != PDS_CORE_IDENTITY_VERSION_1) {
			r->comp.status = PDS_RC_EVERSION;
			break;
		}
		memset(ident, 0, sizeof(*ident));
		ident->version = PDS_CORE_IDENTITY_VERSION_1;
		ident->nlifs = cpu_to_le32(1);
		ident->ndbpgs_per_lif = cpu_to_le32(1);
		ident->intr_coal_mult = cpu_to_le32(1);
		ident->intr_coal_div = cpu_to_le32(1);
		ident->nintrs = cpu_to_le32(2);
		ident->vif_types[PDS_DEV_TYPE_VDPA] = cpu_to_le16(1);
		break;
	case PDS_CORE_CMD_INIT:
		memset(r->data, 0, sizeof(struct pds_core_dev_init_data_out));
		break;
	case PDS_CORE_CMD_FW_CONTROL:
		r->comp.fw_control.slot = PDS_CORE_FW_SLOT_A;
		if (r->cmd.fw_control.oper != PDS_CORE_FW_GET_LIST)
			break;
		memset(list, 0, sizeof(*list));
		list->num_fw_slots = 1;
		strscpy(list->fw_names[0].slotname, "goldfw");
		strscpy(list->fw_names[0].fw_version, "1.2.3");
		break;
	}
}

static void model_read(struct pci_model *m, int bar, u32 offset, int size)
{
	struct pds_core_dev_info_regs *info = (void *)m->bar[BAR0];

	if (bar != BAR0 ||
	    offset != offsetof(struct pds_core_dev_info_regs, fw_status))
		return;
	status_reads++;
	model_wait(status_delay);
	info->fw_heartbeat = cpu_to_le32(le32_to_cpu(info->fw_heartbeat) + 1);
	info->fw_status = dead ? 0 : PDS_CORE_FW_STS_F_RUNNING |
		(generation << 4 & PDS_CORE_FW_STS_F_GENERATION);
}

static void model_written(struct pci_model *m, int bar, u32 offset, int size)
{
	struct pds_core_dev_regs *r = (void *)m->bar[BAR0];

	if (bar != BAR0 || dead || !r->devcmd.doorbell ||
	    offset != offsetof(struct pds_core_dev_regs, devcmd.doorbell))
		return;
	model_delay();
	command(&r->devcmd);
	r->devcmd.done = PDS_CORE_DEV_CMD_DONE;
}

static void model_reset(struct pci_model *m)
{
	struct pds_core_dev_info_regs *info = (void *)m->bar[BAR0];

	info->signature = PDS_CORE_DEV_INFO_SIGNATURE;
	strscpy(info->fw_version, "1.2.3");
	strscpy(info->serial_num, "1");
}

static struct pci_model model = {
	.len = { [BAR0] = PDS_CORE_BAR0_SIZE, [DOORBELLS] = 0x10000 },
	.vectors = 2,
	.msix_bar = BAR0,
	.msix_offset = MSIX_TABLE,
	.read = model_read,
	.written = model_written,
	.reset = model_reset,
};

static int __init model_init(void)
{
	return pci_model_register(&model, PCI_VENDOR_ID_PENSANDO,
				  PCI_DEVICE_ID_PENSANDO_CORE_PF);
}
module_init(model_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("AMD/Pensando DSC core as a model");
