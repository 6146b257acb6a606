// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: where every byte is.
 *
 * The fast path counts nothing but objects handed out. All else is derived: what
 * left the spans (counted by mcentral) less what waits in batches and bins is
 * with users. So the sums are exact when nobody allocates, and otherwise wrong by
 * no more than the operations in flight.
 *
 * Locks: an mcentral's and an mheap's, one at a time, for a consistent look.
 */
#include <linux/atomic.h>

#include "goalloc_internal.h"

static atomic64_t failures = ATOMIC64_INIT(0);

/* An allocation gave NULL for want of memory. */
void goalloc_stats_failure(void)
{
	atomic64_inc(&failures);
}

/* Where the objects of @class are. Context: any but NMI. */
void goalloc_stats_class(const struct goalloc_class *class, struct goalloc_class_stats *st)
{
	struct goalloc_mcentral *central;
	struct goalloc_slot *first;
	struct goalloc_bin *bin;
	unsigned long flags;
	unsigned int level;
	u64 nalloc = 0;
	int nid, cpu;

	memset(st, 0, sizeof(*st));
	for_each_possible_cpu(cpu) {
		for (level = 0; level < GOALLOC_LEVELS; level++) {
			bin = goalloc_mcache_bin(class, cpu, level);
			st->mcache += goalloc_mcache_count(class, bin, &first);
			st->mcache += READ_ONCE(bin->nprev);
			st->nalloc += READ_ONCE(bin->nalloc);
		}
	}
	for_each_node(nid) {
		central = class->central[nid];
		raw_spin_lock_irqsave(&central->lock, flags);
		st->spans += central->nspans;
		st->span_bytes += (u64)central->span_pages << GOALLOC_PAGE_SHIFT;
		st->objects += central->nelems;
		st->batch += central->nfull * class->capacity;
		st->refills += central->refills;
		st->flushes += central->flushes;
		nalloc += central->nalloc;
		raw_spin_unlock_irqrestore(&central->lock, flags);
	}
	st->free = st->objects - nalloc;
	/* a bin may have been read after the objects that fill it left mcentral */
	st->in_use = nalloc - min(nalloc, st->mcache + st->batch);
}

/**
 * goalloc_read_stats() - where every byte is
 * @st: filled in
 *
 * Context: any but NMI.
 */
void goalloc_read_stats(struct goalloc_stats *st)
{
	struct goalloc_class_stats cs;
	struct goalloc_class *class;
	struct goalloc_mheap *heap;
	unsigned long flags;
	u64 pages = 0;
	int i, nid;

	memset(st, 0, sizeof(*st));
	for_each_goalloc_class(class, i) {
		goalloc_stats_class(class, &cs);
		st->in_use += cs.in_use * class->size;
		st->cached += (cs.mcache + cs.batch) * class->size;
		st->objects += cs.in_use;
		st->spans += cs.spans;
	}
	for_each_node(nid) {
		heap = goalloc_mheaps[nid];
		raw_spin_lock_irqsave(&heap->lock, flags);
		pages += heap->held;
		st->large += (u64)heap->large << GOALLOC_PAGE_SHIFT;
		st->large_objects += heap->large_spans;
		st->spans += heap->large_spans;
		st->page_allocs += heap->page_allocs;
		st->page_frees += heap->page_frees;
		raw_spin_unlock_irqrestore(&heap->lock, flags);
	}
	st->in_use += st->large;
	st->objects += st->large_objects;
	st->pages = pages << GOALLOC_PAGE_ORDER;
	st->metadata = goalloc_meta_metadata() + goalloc_class_metadata() +
		       goalloc_nolock_metadata();
	pages <<= GOALLOC_PAGE_SHIFT;
	st->held = pages + st->metadata;
	st->free = pages - min(pages, st->in_use + st->cached);
	st->failures = atomic64_read(&failures);
	st->misuse = goalloc_misuse_count();
	st->limit = (u64)READ_ONCE(goalloc_limit_mb) << 20;
	st->refused = goalloc_limit_refused();
	st->scavenged = goalloc_scavenger_pages();
}
EXPORT_SYMBOL_GPL(goalloc_read_stats);
