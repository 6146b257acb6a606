// SPDX-License-Identifier: GPL-2.0
/*
 * The table of classes: objects that share spans, bins and mcentrals.
 *
 * Numbers 1 to GOALLOC_NR_SIZES are the size classes of the generated header,
 * GOALLOC_TINY_CLASS is for the blocks of the tiny allocator. Number 0 serves
 * nothing: its bins are empty and full at once, so size 0 and large objects leave
 * the fast path there without a test of their own.
 *
 * Nothing changes here once the module is loaded; no locks.
 */
#include <linux/slab.h>

#include "goalloc_internal.h"

static const struct {
	u32 size;
	u32 span_bytes;
	u32 recip;
	const char *name;
} sizes[] = {
#define SIZE_CLASS(number, size, span, recip) { size, span, recip, #size },
	{ },	/* class 0 */
	GOALLOC_SIZE_CLASSES(SIZE_CLASS)
#undef SIZE_CLASS
};

struct goalloc_class *goalloc_classes[GOALLOC_NR_CLASSES] __read_mostly;
EXPORT_SYMBOL_GPL(goalloc_classes);
struct goalloc_bin __percpu *goalloc_bins[GOALLOC_NR_CLASSES] __read_mostly;
unsigned int goalloc_bin_kb = 16;

/* Memory that the classes' structures hold, in bytes. */
static size_t metadata;

static int class_create(unsigned int id, u32 size, u32 span_bytes, u32 recip, const char *name)
{
	struct goalloc_class *class = NULL;
	u32 align = size & -size;
	int nid;

	if (!goalloc_fault(sizeof(*class), GFP_KERNEL))
		class = kzalloc(sizeof(*class), GFP_KERNEL);
	if (!class)
		return -ENOMEM;
	goalloc_classes[id] = class;
	class->id = id;
	class->name = name;
	class->size = size;
	class->recip = recip;
	class->kind = id == GOALLOC_TINY_CLASS ? GOALLOC_SPAN_TINY : GOALLOC_SPAN_SMALL;
	class->npages = DIV_ROUND_UP(span_bytes, GOALLOC_PAGE_SIZE);
	class->min_pages = DIV_ROUND_UP(size, GOALLOC_PAGE_SIZE);
	class->align_pages = DIV_ROUND_UP(align, GOALLOC_PAGE_SIZE);
	class->capacity = clamp((goalloc_bin_kb << 10) / size, 1U, GOALLOC_MAGAZINE_SLOTS + 0U);
	class->max_full = clamp(GOALLOC_DEPOT_BYTES / (class->capacity * size), 1U,
				min(64U, DIV_ROUND_UP(GOALLOC_DEPOT_OBJECTS, class->capacity)));
	class->bins = goalloc_mcache_bins_create();
	if (!goalloc_fault(nr_node_ids * sizeof(*class->central), GFP_KERNEL))
		class->central = kcalloc(nr_node_ids, sizeof(*class->central), GFP_KERNEL);
	if (!class->bins || !class->central)
		return -ENOMEM;
	goalloc_bins[id] = class->bins;
	metadata += GOALLOC_LEVELS * sizeof(struct goalloc_bin) * num_possible_cpus();
	metadata += ksize(class) + ksize(class->central);
	for_each_node(nid) {
		class->central[nid] = goalloc_mcentral_create(class, nid);
		if (!class->central[nid])
			return -ENOMEM;
		metadata += ksize(class->central[nid]);
	}
	return 0;
}

int goalloc_class_init_all(void)
{
	unsigned int i;
	int err;

	goalloc_bins[0] = goalloc_mcache_bins_create();
	if (!goalloc_bins[0])
		return -ENOMEM;
	for (i = 1; i <= GOALLOC_NR_SIZES; i++) {
		err = class_create(i, sizes[i].size, sizes[i].span_bytes, sizes[i].recip,
				   sizes[i].name);
		if (err)
			return err;
	}
	i = goalloc_size_class(GOALLOC_TINY_SIZE);
	return class_create(GOALLOC_TINY_CLASS, sizes[i].size, sizes[i].span_bytes,
			    sizes[i].recip, "tiny");
}

void goalloc_class_exit_all(void)
{
	struct goalloc_class *class;
	int i, nid;

	for_each_goalloc_class(class, i) {
		if (class->central)
			for_each_node(nid)
				kfree(class->central[nid]);
		kfree(class->central);
		free_percpu(class->bins);
		kfree(class);
		goalloc_classes[i] = NULL;
	}
	free_percpu(goalloc_bins[0]);
}

/* Bytes of bins, mcentrals and the table itself. */
size_t goalloc_class_metadata(void)
{
	return metadata + GOALLOC_LEVELS * sizeof(struct goalloc_bin) * num_possible_cpus();
}
