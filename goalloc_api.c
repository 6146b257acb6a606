// SPDX-License-Identifier: GPL-2.0
/*
 * The API around the fast path: what kmalloc's contract asks for beyond a bin.
 *
 * Decides the route by size (tiny: goalloc_tiny.c, up to 32 KiB a size class,
 * above that whole pages), keeps __GFP_NOFAIL's promise, zeroes, and sorts out
 * what a pointer to free is. No state and no locks of its own.
 */
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/string.h>

#include "goalloc_internal.h"
#include "goalloc_debug.h"

/* Flags that make no sense for memory in the linear map; kmalloc refuses them, too. */
#define GFP_SENSELESS	(__GFP_HIGHMEM | ~__GFP_BITS_MASK)

/*
 * Has an allocation that found nothing to be tried again? As of kmalloc(), only who
 * may sleep can have __GFP_NOFAIL: others would spin for memory that nobody frees.
 */
static bool nofail_wait(gfp_t gfp)
{
	if (!(gfp & __GFP_NOFAIL))
		return false;
	if (!gfpflags_allow_blocking(gfp)) {
		WARN_ONCE(!(gfp & __GFP_NOWARN),
			  "goalloc: __GFP_NOFAIL from who may not sleep is not kept\n");
		return false;
	}
	schedule_timeout_uninterruptible(1);
	return true;
}

/* @p, an object of @room bytes, goes to a user who asked for @size. */
static void object_init(void *p, size_t size, size_t room, gfp_t gfp)
{
	if (want_init_on_alloc(gfp)) {
		goalloc_debug_open(p, room);
		memset(p, 0, room);
	}
	goalloc_debug_alloc(p, size, room, gfp);
}

/* @p, an object of @room bytes, comes from its user. */
static void object_exit(void *p, size_t room)
{
	if (want_init_on_free()) {
		goalloc_debug_open(p, room);
		memset(p, 0, room);
	}
	goalloc_debug_free(p, room);
}

/* An object of @size > GOALLOC_MAX_SMALL or of a special zone. */
static void *large_alloc(size_t size, gfp_t gfp, int node)
{
	void *p;

	if (unlikely(size > GOALLOC_MAX_SIZE)) {
		WARN_ONCE(!(gfp & __GFP_NOWARN),
			  "goalloc: %zu bytes is more than an object can have, %lu\n", size,
			  GOALLOC_MAX_SIZE);
		return NULL;
	}
	if (node == NUMA_NO_NODE)
		node = numa_mem_id();
	do {
		p = goalloc_mheap_large_alloc(node, size, gfp);
	} while (!p && nofail_wait(gfp));
	if (p)
		object_init(p, size, round_up(size, GOALLOC_PAGE_SIZE), gfp);
	return p;
}

/* An object of @class, not zeroed; with __GFP_NOFAIL not NULL. */
void *goalloc_alloc_retry(struct goalloc_class *class, gfp_t gfp)
{
	void *p;

	do {
		p = goalloc_mcache_alloc(class, gfp, NUMA_NO_NODE);
	} while (!p && nofail_wait(gfp));
	if (!p)
		goalloc_stats_failure();
	return p;
}

/* Allocate whatever the fast path does not: the whole contract of kmalloc_node(). */
void *goalloc_malloc_slow(size_t size, gfp_t gfp, int node)
{
	struct goalloc_class *class;
	void *p;

	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	if (WARN_ON_ONCE(in_nmi()))
		return NULL;
	might_alloc(gfp);
	if (unlikely(gfp & GFP_SENSELESS)) {
		pr_warn_once("goalloc: gfp %#x makes no sense, used without %#x\n",
			     (__force u32)gfp, (__force u32)(gfp & GFP_SENSELESS));
		gfp &= ~GFP_SENSELESS;
	}
	if (size > GOALLOC_MAX_SMALL || gfp & (__GFP_DMA | __GFP_DMA32)) {
		p = large_alloc(size, gfp, node);
	} else {
		class = goalloc_classes[goalloc_size_class(size)];
		do {
			p = goalloc_mcache_alloc(class, gfp, node);
		} while (!p && nofail_wait(gfp));
		if (p)
			object_init(p, size, class->size, gfp);
	}
	if (unlikely(!p))
		goalloc_stats_failure();
	return p;
}

/* Free whatever the fast path does not. */
void goalloc_free_slow(const void *p, unsigned long ip)
{
	struct goalloc_mspan *span;
	struct goalloc_slot slot;
	bool direct = false;
	long i;

	if (ZERO_OR_NULL_PTR(p))
		return;
	preempt_disable_notrace();
	span = goalloc_span_of(p);
	if (unlikely(in_nmi())) {
		goalloc_misuse_report(GOALLOC_MISUSE_CONTEXT, p, ip);
		goto out;
	}
	if (goalloc_span_kind(span) == GOALLOC_SPAN_TINY) {
		goalloc_tiny_free(span, p, ip);
		goto out;
	}
	i = goalloc_span_index(span, p);
	if (i < 0 || READ_ONCE(span->states[i]) != GOALLOC_USED)
		goto misuse;
	switch (goalloc_span_kind(span)) {
	case GOALLOC_SPAN_SMALL:
		slot.obj = (void *)p;
		slot.state = span->states + i;
		if (GOALLOC_DEBUG_MEMORY || want_init_on_free())
			object_exit(slot.obj, goalloc_span_class(span)->size);
		goalloc_mcache_free(span, slot);
		break;
	case GOALLOC_SPAN_DIRECT:
		direct = true;
		fallthrough;
	case GOALLOC_SPAN_LARGE:
		if (!goalloc_mheap_large_claim(span))
			goto misuse;
		/* it is ours alone: up to 4 MiB need not be cleared in one go */
		preempt_enable_notrace();
		if (GOALLOC_DEBUG_MEMORY || want_init_on_free())
			object_exit((void *)p, goalloc_span_bytes(span));
		goalloc_mheap_large_free(span);
		goto out_direct;
	default:
		goto misuse;
	}
out:
	preempt_enable_notrace();
out_direct:
	if (direct) {
		if (goalloc_may_enter_pages())
			goalloc_mheap_direct_release();
		else
			goalloc_meta_kick();
	}
	return;
misuse:
	direct = false;
	goalloc_misuse_report(goalloc_misuse_of(span, p), p, ip);
	goto out;
}

/**
 * gomalloc_node() - allocate memory on a node, as kmalloc_node() does
 * @size: bytes
 * @gfp: as for gomalloc(); with __GFP_THISNODE no other node will do
 * @node: NUMA node; NUMA_NO_NODE or one that is not online means the CPU's own
 *
 * Context: task, softirq, hardirq.
 * Return: the object or NULL.
 */
void *gomalloc_node(size_t size, gfp_t gfp, int node)
{
	/* as slab does: a node that is not there is no wish */
	if (node < 0 || node >= nr_node_ids || !node_online(node))
		return __gomalloc(size, gfp);
	return goalloc_malloc_slow(size, gfp, node);
}
EXPORT_SYMBOL_GPL(gomalloc_node);

/* gosize() for a caller at @ip. */
static size_t object_size(const void *p, unsigned long ip)
{
	struct goalloc_mspan *span;
	size_t size = 0;
	long i;

	if (ZERO_OR_NULL_PTR(p))
		return 0;
	preempt_disable_notrace();
	span = goalloc_span_of(p);
	i = goalloc_span_index(span, p);
	if (goalloc_span_kind(span) == GOALLOC_SPAN_TINY)
		size = goalloc_tiny_size(span, p);
	else if (i < 0 || READ_ONCE(span->states[i]) != GOALLOC_USED)
		size = 0;
	else if (goalloc_span_kind(span) == GOALLOC_SPAN_SMALL)
		size = goalloc_span_class(span)->size;
	else
		size = goalloc_span_bytes(span);
	if (!size)
		goalloc_misuse_report(GOALLOC_MISUSE_SIZE, p, ip);
	preempt_enable_notrace();
	return size;
}

/**
 * gosize() - bytes that an object takes, as ksize() says
 * @p: an object, a tiny part, NULL or ZERO_SIZE_PTR
 *
 * As of ksize() on 6.12, what lies beyond the size that was asked for is not the
 * caller's until gorealloc() gives it: KASAN and fortified functions know the
 * smaller size.
 *
 * Context: any but NMI.
 * Return: bytes, at least what was asked for; 0 for NULL, ZERO_SIZE_PTR and, with
 * a report, for what is no object.
 */
size_t gosize(const void *p)
{
	return object_size(p, _RET_IP_);
}
EXPORT_SYMBOL_GPL(gosize);

/**
 * gorealloc() - resize an object, as krealloc() does
 * @p: an object, a tiny part, NULL or ZERO_SIZE_PTR
 * @new_size: bytes; 0 frees @p
 * @gfp: as for gomalloc()
 *
 * The object stays where it is if its size class has room. With __GFP_ZERO, if it
 * was given every time, what is behind the old size reads as zero.
 *
 * Context: as gomalloc().
 * Return: the object, ZERO_SIZE_PTR for @new_size 0, or NULL with @p untouched.
 */
void *gorealloc(const void *p, size_t new_size, gfp_t gfp)
{
	size_t old = 0;
	void *new;

	if (!new_size) {
		gofree(p);
		return ZERO_SIZE_PTR;
	}
	if (!ZERO_OR_NULL_PTR(p)) {
		old = object_size(p, _RET_IP_);
		if (!old)
			return NULL;
		if (old >= new_size) {
			if (want_init_on_alloc(gfp)) {
				goalloc_debug_open(p, old);
				memset((char *)p + new_size, 0, old - new_size);
			}
			goalloc_debug_resize(p, new_size, old);
			return (void *)p;
		}
	}
	new = gomalloc(new_size, gfp);
	if (new && old) {
		goalloc_debug_open(p, old);
		memcpy(new, p, old);
		gofree(p);
	}
	return new;
}
EXPORT_SYMBOL_GPL(gorealloc);

/**
 * gofree_sensitive() - clear an object and free it, as kfree_sensitive() does
 * @p: an object, a tiny part, NULL or ZERO_SIZE_PTR
 *
 * Context: task, softirq, hardirq.
 */
void gofree_sensitive(const void *p)
{
	size_t size = object_size(p, _RET_IP_);

	if (size) {
		goalloc_debug_open(p, size);
		memzero_explicit((void *)p, size);
		gofree(p);
	}
}
EXPORT_SYMBOL_GPL(gofree_sensitive);

/**
 * goalloc_owns() - does an address lie in an object's memory of goalloc's
 * @p: anything
 *
 * Context: any.
 * Return: true if @p points into a span, be it at a free object, or a large object.
 */
bool goalloc_owns(const void *p)
{
	bool owns;

	preempt_disable_notrace();
	owns = goalloc_span_kind(goalloc_span_of(p)) != GOALLOC_SPAN_DEAD;
	preempt_enable_notrace();
	return owns;
}
EXPORT_SYMBOL_GPL(goalloc_owns);

/**
 * goalloc_reclaim() - give back some memory, without waiting for other CPUs
 * @nid: node whose
 * @pages: kernel pages that are wanted
 *
 * First what is free. If that is not enough, what this CPU and the depots have cached
 * goes home, and with it the pages of spans that it kept in use; and the other CPUs are
 * asked to drain, as only a CPU itself may touch its bins: the next call finds what
 * comes of that.
 *
 * Context: task, may sleep, also where the kernel is out of memory: only raw locks are
 * taken, and nothing is allocated.
 * Return: kernel pages given back.
 */
unsigned long goalloc_reclaim(int nid, unsigned long pages)
{
	struct goalloc_mheap *heap = goalloc_mheaps[nid];
	struct goalloc_class *class;
	unsigned long released;
	int i;

	goalloc_mheap_direct_release();
	released = goalloc_mheap_reclaim(heap, pages);
	if (released >= pages)
		return released;
	migrate_disable();
	goalloc_mcache_drain(smp_processor_id());
	migrate_enable();
	for_each_goalloc_class(class, i)
		goalloc_mcentral_release(class->central[nid]);
	released += goalloc_mheap_reclaim(heap, pages - released);
	if (released < pages)
		goalloc_mcache_drain_ask();
	return released;
}

/**
 * goalloc_release_memory() - give back what can go to the page allocator
 *
 * Drains every CPU, brings cached objects home and gives back all free pages.
 *
 * Context: task, may sleep.
 * Return: kernel pages given back.
 */
unsigned long goalloc_release_memory(void)
{
	struct goalloc_class *class;
	unsigned long released = 0;
	int i, nid;

	goalloc_nolock_drain();
	goalloc_mcache_drain_all();
	for_each_goalloc_class(class, i)
		for_each_node(nid)
			goalloc_mcentral_release(class->central[nid]);
	goalloc_mheap_direct_release();
	for_each_node(nid)
		released += goalloc_mheap_release(goalloc_mheaps[nid], 0);
	goalloc_meta_release();
	/* the reserve of PREEMPT_RT comes back */
	goalloc_meta_kick();
	return released;
}
EXPORT_SYMBOL_GPL(goalloc_release_memory);
