/* SPDX-License-Identifier: GPL-2.0 */
/**
 * DOC: a model of a PCI device for User Mode Linux
 *
 * Supported: configuration space, memory BARs, MSI and MSI-X, DMA, surprise
 * removal.  Not supported: INTx, functions other than 0, SR-IOV.
 *
 * A model fills a &struct pci_model and calls pci_model_register().  Accesses of
 * the driver call the model in the context of the driver, which may be atomic,
 * and may run on two CPUs at the same time.  A DMA address is an address of
 * guest memory: phys_to_virt() converts it to a pointer.
 */
#ifndef PCI_MODEL_H
#define PCI_MODEL_H

#include <linux/hrtimer.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/pci.h>
#include <linux/vmalloc.h>
#include <virt-pci.h>
#include "model.h"

static bool gone;
module_param(gone, bool, 0644);
MODULE_PARM_DESC(gone, "every read gives all ones");

/*
 * Offsets of the capabilities.  A model may add others from PCI_MODEL_FREE on,
 * and must link the first of them to the MSI-X capability.
 */
#define PCI_MODEL_MSI	0x40
#define PCI_MODEL_MSIX	0x60
#define PCI_MODEL_FREE	0x80

/**
 * struct pci_model - a PCI device
 * @len: lengths of the BARs, powers of two, at most 16 MB; 0 for none
 * @vectors: number of MSI-X vectors, at most 32; 0 for MSI alone
 * @msix_bar: BAR with the table of MSI-X
 * @msix_offset: place of the table, 16 bytes for each vector, then 8 bytes
 * @read: optional, called before a driver reads; updates @bar
 * @written: optional, called after a driver wrote to @bar
 * @config_written: optional, called after a write to @config
 * @reset: optional, called at registration and when the driver ends bus
 *	mastering
 * @bar: contents of the BARs
 * @config: configuration space; values that a model sets before registration
 *	are kept
 *
 * Only this file uses the other fields.
 */
struct pci_model {
	u32 len[PCI_STD_NUM_BARS];
	unsigned int vectors;
	int msix_bar;
	u32 msix_offset;
	void (*read)(struct pci_model *m, int bar, u32 offset, int size);
	void (*written)(struct pci_model *m, int bar, u32 offset, int size);
	void (*config_written)(struct pci_model *m, u32 offset);
	void (*reset)(struct pci_model *m);

	u8 *bar[PCI_STD_NUM_BARS];
	u32 config[1024];

	struct um_pci_device dev;
	struct hrtimer timer;
	unsigned long pending;
};

static struct pci_model *to_pci_model(struct um_pci_device *dev)
{
	return container_of(dev, struct pci_model, dev);
}

/* The interrupt of a vector, 0 if that vector is disabled or masked. */
static unsigned int pci_model_message(struct pci_model *m, int vector)
{
	u16 msi = m->config[PCI_MODEL_MSI / 4] >> 16;
	u16 msix = m->config[PCI_MODEL_MSIX / 4] >> 16;
	u32 *entry;

	if (msi & PCI_MSI_FLAGS_ENABLE)
		return (u16)m->config[(PCI_MODEL_MSI + PCI_MSI_DATA_64) / 4];
	if (vector >= m->vectors || !(msix & PCI_MSIX_FLAGS_ENABLE) ||
	    (msix & PCI_MSIX_FLAGS_MASKALL))
		return 0;
	entry = (void *)&m->bar[m->msix_bar][m->msix_offset + vector *
					     PCI_MSIX_ENTRY_SIZE];
	if (entry[PCI_MSIX_ENTRY_VECTOR_CTRL / 4] &
	    PCI_MSIX_ENTRY_CTRL_MASKBIT)
		return 0;
	return entry[PCI_MSIX_ENTRY_DATA / 4];
}

static enum hrtimer_restart pci_model_deliver(struct hrtimer *timer)
{
	struct pci_model *m = container_of(timer, struct pci_model, timer);
	unsigned int irq;
	int vector;

	for_each_set_bit(vector, &m->pending, BITS_PER_LONG) {
		irq = pci_model_message(m, vector);
		if (irq && test_and_clear_bit(vector, &m->pending))
			generic_handle_irq(irq);
	}
	return HRTIMER_NORESTART;
}

/* Raises an interrupt.  The handler runs later, in hard interrupt context. */
static void __maybe_unused pci_model_irq(struct pci_model *m, int vector)
{
	set_bit(vector, &m->pending);
	hrtimer_start(&m->timer, 0, HRTIMER_MODE_REL_HARD);
}

static unsigned long pci_model_config_read(struct um_pci_device *dev,
					   unsigned int offset, int size)
{
	unsigned long val = gone ? ~0UL : 0;

	if (!gone)
		memcpy(&val, (u8 *)to_pci_model(dev)->config + offset, size);
	return val;
}

static void pci_model_config_write(struct um_pci_device *dev,
				   unsigned int offset, int size,
				   unsigned long val)
{
	struct pci_model *m = to_pci_model(dev);
	unsigned int bar = (offset - PCI_BASE_ADDRESS_0) / 4;

	if (gone)
		return;
	if (offset >= PCI_BASE_ADDRESS_0 && bar < PCI_STD_NUM_BARS)
		m->config[offset / 4] = m->len[bar] ? val & -m->len[bar] : 0;
	else if (offset == PCI_COMMAND || offset == PCI_INTERRUPT_LINE ||
		 offset >= PCI_MODEL_MSI)
		memcpy((u8 *)m->config + offset, &val, size);
	if (offset == PCI_COMMAND && !(val & PCI_COMMAND_MASTER) && m->reset)
		m->reset(m);
	if (m->config_written)
		m->config_written(m, offset);
	if (m->pending)
		hrtimer_start(&m->timer, 0, HRTIMER_MODE_REL_HARD);
}

static bool pci_model_outside(struct pci_model *m, int bar, unsigned int offset,
			      int size)
{
	return WARN_ONCE(offset + size > m->len[bar],
			 "access outside BAR %d: 0x%x, %d bytes\n", bar, offset,
			 size);
}

static void pci_model_copy_from(struct um_pci_device *dev, int bar, void *to,
				unsigned int offset, int size)
{
	struct pci_model *m = to_pci_model(dev);

	if (gone || pci_model_outside(m, bar, offset, size)) {
		memset(to, 0xff, size);
		return;
	}
	if (m->read)
		m->read(m, bar, offset, size);
	memcpy(to, m->bar[bar] + offset, size);
}

static unsigned long pci_model_read(struct um_pci_device *dev, int bar,
				    unsigned int offset, int size)
{
	unsigned long val = 0;

	pci_model_copy_from(dev, bar, &val, offset, size);
	return val;
}

static void pci_model_copy_to(struct um_pci_device *dev, int bar,
			      unsigned int offset, const void *from, int size)
{
	struct pci_model *m = to_pci_model(dev);

	if (gone || pci_model_outside(m, bar, offset, size))
		return;
	memcpy(m->bar[bar] + offset, from, size);
	if (m->written)
		m->written(m, bar, offset, size);
	if (m->pending)		/* may have been unmasked */
		hrtimer_start(&m->timer, 0, HRTIMER_MODE_REL_HARD);
}

static void pci_model_write(struct um_pci_device *dev, int bar,
			    unsigned int offset, int size, unsigned long val)
{
	pci_model_copy_to(dev, bar, offset, &val, size);
}

static void pci_model_set(struct um_pci_device *dev, int bar,
			  unsigned int offset, u8 val, int size)
{
	struct pci_model *m = to_pci_model(dev);

	if (gone || pci_model_outside(m, bar, offset, size))
		return;
	memset(m->bar[bar] + offset, val, size);
	if (m->written)
		m->written(m, bar, offset, size);
}

/**
 * pci_model_register() - make the device appear on the bus
 * @m: the model, which is never unregistered
 * @vendor: PCI vendor ID
 * @device: PCI device ID
 *
 * Return: 0, or a negative error number.
 */
static int pci_model_register(struct pci_model *m, u16 vendor, u16 device)
{
	static const struct um_pci_ops ops = {
		.cfgspace_read = pci_model_config_read,
		.cfgspace_write = pci_model_config_write,
		.bar_read = pci_model_read,
		.bar_write = pci_model_write,
		.bar_copy_from = pci_model_copy_from,
		.bar_copy_to = pci_model_copy_to,
		.bar_set = pci_model_set,
	};
	u32 *config = m->config;
	int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		m->bar[i] = m->len[i] ? vzalloc(m->len[i]) : NULL;
		if (m->len[i] && !m->bar[i])
			goto nomem;
	}
	config[0] = device << 16 | vendor;
	config[PCI_COMMAND / 4] |= PCI_STATUS_CAP_LIST << 16;
	config[PCI_CLASS_REVISION / 4] |= PCI_CLASS_NETWORK_ETHERNET << 16;
	config[PCI_CAPABILITY_LIST / 4] = PCI_MODEL_MSI;
	config[PCI_MODEL_MSI / 4] |= PCI_MSI_FLAGS_64BIT << 16 | PCI_CAP_ID_MSI;
	if (m->vectors) {
		config[PCI_MODEL_MSI / 4] |= PCI_MODEL_MSIX << 8;
		config[PCI_MODEL_MSIX / 4] |=
			(m->vectors - 1) << 16 | PCI_CAP_ID_MSIX;
		config[PCI_MODEL_MSIX / 4 + 1] = m->msix_offset | m->msix_bar;
		config[PCI_MODEL_MSIX / 4 + 2] = m->msix_bar |
			(m->msix_offset + m->vectors * PCI_MSIX_ENTRY_SIZE);
	}
	hrtimer_setup(&m->timer, pci_model_deliver, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);
	m->dev.ops = &ops;
	if (m->reset)
		m->reset(m);
	return um_pci_device_register(&m->dev);

nomem:
	while (i--)
		vfree(m->bar[i]);
	return -ENOMEM;
}

#endif
