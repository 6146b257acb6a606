// SPDX-License-Identifier: GPL-2.0
/*
 * mcache: the fast path.
 *
 * A CPU has for every class and context level (task, softirq, hardirq) a bin: a
 * magazine of objects that wait to be used again, last in first out, and the
 * magazine before it. Full and empty magazines are exchanged with mcentral, so of
 * a long row of allocations or frees only one in thirty leaves the fast path, and
 * that one moves a pointer, not objects (Bonwick and Adams 2001). The levels of a
 * CPU nest strictly and preemption is off while a bin is touched, so each bin has
 * one user at a time: no lock, no atomic instruction, interrupts stay on.
 *
 * Who may touch a bin: its own CPU at its own level with preemption off; its own
 * CPU from a task with interrupts off (drain); anyone if the CPU is dead.
 * Others may read ->top, ->nprev and ->nalloc for statistics.
 *
 * The way of an object and its state byte:
 *
 *	refill: FREE -> CACHED		pop:  CACHED -> USED
 *	flush:  CACHED -> FREE		push: USED -> CACHED
 *
 * Misuse costs the fast path no more than the state byte's test: a pointer that
 * is no object's first byte fails the reciprocal's test, a free object has
 * another state. An object that two racing frees put into two bins is found by
 * the test of its state when it is popped or flushed the second time, or before its
 * span's state bytes are used for another span (goalloc_mcache_scan_all()).
 *
 * NMI, and int3, which enters like one, have no bins. No function that runs with a
 * bin half changed can be traced (Kbuild leaves ftrace out of these files), and the
 * fast path's cannot be probed, so no tracer's own allocation gets in between.
 */
#include <linux/cpu.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "goalloc_internal.h"
#include "goalloc_debug.h"

#define NOT_PLAIN_TASK	(NMI_MASK | HARDIRQ_MASK | SOFTIRQ_MASK)

/* Flags that the fast path does not serve. */
#define GFP_SLOW	(__GFP_ZERO | __GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM | __GFP_THISNODE)

DEFINE_STATIC_KEY_FALSE(goalloc_init_alloc_key);	/* init_on_alloc: the slow path clears */
DEFINE_STATIC_KEY_FALSE(goalloc_init_free_key);		/* the same of init_on_free */
DEFINE_STATIC_KEY_FALSE(goalloc_numa_key);	/* more than one node: objects go home */

/* ---- the windows ---- */

/*
 * This CPU's bin of @bins for the level that we are at. One test finds a plain
 * task, any level costs ten instructions more. False in NMI, which has no bins.
 */
static __always_inline bool level_bin(struct goalloc_bin __percpu *bins, struct goalloc_bin **bin)
{
	unsigned int level;

	*bin = raw_cpu_ptr(bins);
	if (unlikely(preempt_count() & NOT_PLAIN_TASK)) {
		barrier();	/* read it again: above a test of memory is all it takes */
		level = interrupt_context_level();
		if (unlikely(level >= GOALLOC_LEVELS))
			return false;
		*bin += level;
	}
	return true;
}

/* An object from this CPU's bin. False if there is none. */
static __always_inline bool fast_pop(struct goalloc_bin __percpu *bins, void **obj)
{
	struct goalloc_slot *slot;
	struct goalloc_bin *bin;

	preempt_disable_notrace();
	if (unlikely(!level_bin(bins, &bin)))
		goto slow;
	slot = bin->top - 1;
	if (unlikely(READ_ONCE(*slot->state) != GOALLOC_CACHED))
		goto slow;
	*obj = slot->obj;
	WRITE_ONCE(*slot->state, GOALLOC_USED);
	WRITE_ONCE(bin->top, slot);
	/* only this CPU counts; pairs with READ_ONCE() in goalloc_stats_class() */
	data_race(bin->nalloc++);
	preempt_enable_notrace();
	return true;
slow:
	preempt_enable_notrace();
	return false;
}

/*
 * Put the object @p into this CPU's bin. False if that is not all there is to it.
 * Context: preemption off.
 */
static __always_inline bool fast_push(const void *p)
{
	struct goalloc_mspan *span = goalloc_span_of(p);
	u32 recip = READ_ONCE(span->recip);
	struct goalloc_bin *bin;
	struct goalloc_slot *top;
	u64 product;
	u8 *state;

	product = (u64)(u32)((unsigned long)p - span->base) * recip;
	if (unlikely((u32)product >= recip))
		return false;
	state = span->states + (product >> 32);
	if (unlikely(READ_ONCE(*state) != GOALLOC_USED))
		return false;
	if (static_branch_unlikely(&goalloc_numa_key) && span->nid != numa_mem_id())
		return false;
	if (unlikely(!level_bin(span->bins, &bin)))
		return false;
	top = bin->top;
	if (unlikely(!((unsigned long)top & (GOALLOC_MAGAZINE_BYTES - 1))))
		return false;
	goalloc_debug_free_class(p, span);
	WRITE_ONCE(*state, GOALLOC_CACHED);
	top->obj = (void *)p;
	top->state = state;
	WRITE_ONCE(bin->top, top + 1);
	/* has another free of @p at the same time brought it home, and its span ended? */
	if (unlikely(!READ_ONCE(span->recip)))
		goalloc_mcache_late(span, bin);
	return true;
}

/**
 * __gomalloc() - allocate memory; gomalloc() is what to call
 * @size: bytes
 * @gfp: as for kmalloc()
 *
 * From Go's mallocgc() and TCMalloc: a bin a CPU in place of one a thread.
 *
 * Context: task, softirq, hardirq.
 * Return: the object, ZERO_SIZE_PTR for @size 0, or NULL.
 */
notrace void *__gomalloc(size_t size, gfp_t gfp)
{
	unsigned int class;
	void *obj;

	goalloc_debug_might_alloc(gfp);
	if (unlikely(gfp & GFP_SLOW) || static_branch_unlikely(&goalloc_init_alloc_key))
		goto slow;
	if (likely(size <= GOALLOC_SMALL))
		class = goalloc_class8[(size + 7) >> 3];
	else if (size <= GOALLOC_MAX_SMALL)
		class = goalloc_class128[(size - GOALLOC_SMALL + 127) >> 7];
	else
		goto slow;
	if (likely(fast_pop(goalloc_bins[class], &obj))) {
		goalloc_debug_alloc_class(obj, size, class, gfp);
		return obj;
	}
slow:
	return goalloc_malloc_slow(size, gfp, NUMA_NO_NODE);
}
EXPORT_SYMBOL_GPL(__gomalloc);
NOKPROBE_SYMBOL(__gomalloc);

/**
 * __gomalloc_class() - allocate memory of a known class; gomalloc() is what to call
 * @class: number of the size class
 * @size: bytes, of that class
 * @gfp: as for kmalloc()
 *
 * Context: task, softirq, hardirq.
 * Return: the object or NULL.
 */
notrace void *__gomalloc_class(unsigned int class, size_t size, gfp_t gfp)
{
	void *obj;

	goalloc_debug_might_alloc(gfp);
	if (likely(!(gfp & GFP_SLOW)) && !static_branch_unlikely(&goalloc_init_alloc_key)) {
		if (likely(fast_pop(goalloc_bins[class], &obj))) {
			goalloc_debug_alloc_class(obj, size, class, gfp);
			return obj;
		}
	}
	return goalloc_malloc_slow(size, gfp, NUMA_NO_NODE);
}
EXPORT_SYMBOL_GPL(__gomalloc_class);
NOKPROBE_SYMBOL(__gomalloc_class);

/**
 * gofree() - free memory, as kfree() does
 * @p: what an allocation call of goalloc gave; NULL and ZERO_SIZE_PTR are ignored
 *
 * Anything else is refused with a line in the log, and the heap stays as it is.
 * Preemption is off from before the lookup: it keeps what is looked up from being
 * reused (goalloc_meta.c) should @p be freed elsewhere at the same time.
 *
 * Context: task, softirq, hardirq.
 */
notrace void gofree(const void *p)
{
	if (static_branch_unlikely(&goalloc_init_free_key))
		goto slow;
	preempt_disable_notrace();
	if (unlikely(!fast_push(p))) {
		preempt_enable_notrace();
		goto slow;
	}
	preempt_enable_notrace();
	return;
slow:
	goalloc_free_slow(p, _RET_IP_);
}
EXPORT_SYMBOL_GPL(gofree);
NOKPROBE_SYMBOL(gofree);

#define BULK	16	/* objects that are freed with preemption off */

/**
 * gofree_bulk() - free objects, as kfree_bulk() does
 * @n: how many
 * @p: the objects, of whatever sizes; as for gofree() each may be NULL
 *
 * What is no object is refused by itself, the others are freed.
 *
 * Context: task, softirq, hardirq.
 */
notrace void gofree_bulk(size_t n, void **p)
{
	void **end = p + n, **stop;

	while (p < end) {
		stop = p + min_t(size_t, end - p, BULK);
		preempt_disable_notrace();
		if (!static_branch_unlikely(&goalloc_init_free_key))
			while (p < stop && likely(fast_push(*p)))
				p++;
		preempt_enable_notrace();
		if (p < stop)
			goalloc_free_slow(*p++, _RET_IP_);
	}
}
EXPORT_SYMBOL_GPL(gofree_bulk);
NOKPROBE_SYMBOL(gofree_bulk);

/* ---- bins of any level ---- */

/* The state below the first object of a magazine. */
const u8 goalloc_floor_state = GOALLOC_NONE;

/*
 * What a bin without magazine points to the end of: empty by the floor's state,
 * full by its address. Never written.
 */
static const struct goalloc_magazine no_magazine __aligned(GOALLOC_MAGAZINE_BYTES) = {
	.slots[GOALLOC_MAGAZINE_SLOTS] = { .state = (u8 *)&goalloc_floor_state },
};

static struct goalloc_slot *magazine_end(const struct goalloc_magazine *mag)
{
	return (struct goalloc_slot *)(mag + 1);
}

/* The magazine that @bin uses, or NULL. */
static struct goalloc_magazine *bin_magazine(const struct goalloc_bin *bin)
{
	unsigned long top = (unsigned long)READ_ONCE(bin->top);
	struct goalloc_magazine *mag;

	/* @top is above the floor, and at most at the end */
	mag = (void *)round_down(top - 1, GOALLOC_MAGAZINE_BYTES);
	return mag == &no_magazine ? NULL : mag;
}

/* @cpu's bin for @class and @level. */
struct goalloc_bin *goalloc_mcache_bin(const struct goalloc_class *class, unsigned int cpu,
				       unsigned int level)
{
	return per_cpu_ptr(class->bins, cpu) + level;
}

/*
 * Objects in the magazine that @bin uses, the first of them at @first. A snapshot
 * if the bin's CPU runs.
 */
unsigned int goalloc_mcache_count(const struct goalloc_class *class, struct goalloc_bin *bin,
				  struct goalloc_slot **first)
{
	struct goalloc_slot *top = READ_ONCE(bin->top);
	struct goalloc_magazine *mag;

	mag = (void *)round_down((unsigned long)top - 1, GOALLOC_MAGAZINE_BYTES);
	if (mag == &no_magazine)
		return 0;
	*first = goalloc_magazine_first(mag, class);
	return top - *first;
}

static void bin_init(struct goalloc_bin *bin)
{
	bin->prev = NULL;
	bin->nprev = 0;
	WRITE_ONCE(bin->top, magazine_end(&no_magazine));
}

/* Bins of a class on every CPU, without magazines. Context: may sleep. */
struct goalloc_bin __percpu *goalloc_mcache_bins_create(void)
{
	struct goalloc_bin __percpu *bins;
	unsigned int level;
	int cpu;

	if (goalloc_fault(GOALLOC_LEVELS * sizeof(*bins), GFP_KERNEL))
		return NULL;
	bins = __alloc_percpu(GOALLOC_LEVELS * sizeof(*bins), sizeof(*bins));
	if (!bins)
		return NULL;
	for_each_possible_cpu(cpu)
		for (level = 0; level < GOALLOC_LEVELS; level++)
			bin_init(per_cpu_ptr(bins, cpu) + level);
	return bins;
}

/* Is everything in @mag of @central's node? Only while a CPU's nearest node changes it is not. */
static bool all_of_node(const struct goalloc_mcentral *central, struct goalloc_magazine *mag)
{
	struct goalloc_slot *slot = goalloc_magazine_first(mag, central->class);

	for (; slot < magazine_end(mag); slot++)
		if (goalloc_span_of(slot->obj)->nid != central->nid)
			return false;
	return true;
}

/* Bring @n objects of whatever nodes home. */
static void give_home(const struct goalloc_class *class, struct goalloc_slot *slot, unsigned int n)
{
	if (!static_branch_unlikely(&goalloc_numa_key)) {
		goalloc_mcentral_give(class->central[0], slot, n);
		return;
	}
	for (; n--; slot++)
		goalloc_mcentral_give(class->central[goalloc_span_of(slot->obj)->nid], slot, 1);
}

static struct goalloc_magazine *flush_magazine(struct goalloc_class *class,
					       struct goalloc_magazine *mag)
{
	struct goalloc_mcentral *central = class->central[numa_mem_id()];

	if (static_branch_unlikely(&goalloc_numa_key) && !all_of_node(central, mag)) {
		give_home(class, goalloc_magazine_first(mag, class), class->capacity);
		return mag;
	}
	return goalloc_mcentral_flush(central, mag);
}

/* Use @mag, which holds @n objects. */
static void bin_load(struct goalloc_bin *bin, const struct goalloc_class *class,
		     struct goalloc_magazine *mag, unsigned int n)
{
	WRITE_ONCE(bin->top, goalloc_magazine_first(mag, class) + n);
}

static void bin_set_prev(struct goalloc_bin *bin, struct goalloc_magazine *mag, unsigned int n)
{
	bin->prev = mag;
	WRITE_ONCE(bin->nprev, n);
}

/* Make room in @bin, whose magazine is full or missing. False: no memory for a magazine. */
static bool bin_flush(struct goalloc_bin *bin, struct goalloc_class *class)
{
	struct goalloc_magazine *mag = bin_magazine(bin), *empty = bin->prev;

	if (!mag || !empty)
		empty = goalloc_mcentral_empty(class->central[numa_mem_id()]);
	else if (bin->nprev)
		empty = flush_magazine(class, bin->prev);
	if (!empty)
		return false;
	if (mag)
		bin_set_prev(bin, mag, class->capacity);
	bin_load(bin, class, empty, 0);
	return true;
}

/* Get objects for @bin, whose magazine is empty or missing; @shortest: as in mcentral. */
static bool bin_refill(struct goalloc_bin *bin, struct goalloc_class *class, int nid, bool shortest)
{
	struct goalloc_magazine *mag = bin_magazine(bin), *prev = bin->prev;
	unsigned int n = bin->nprev;

	if (n) {
		bin_set_prev(bin, mag, 0);
		bin_load(bin, class, prev, n);
		return true;
	}
	n = goalloc_mcentral_refill(class->central[nid], &mag, shortest);
	if (mag)
		bin_load(bin, class, mag, n);
	return n;
}

/* The top object of @bin, or NULL if its magazine is empty or missing. */
static void *bin_pop(struct goalloc_bin *bin)
{
	struct goalloc_slot *slot;

	for (;;) {
		slot = bin->top - 1;
		if (likely(READ_ONCE(*slot->state) == GOALLOC_CACHED))
			break;
		if (slot->state == &goalloc_floor_state)
			return NULL;
		/* two frees raced for it: the other copy was first */
		WRITE_ONCE(bin->top, slot);
		goalloc_misuse_report(GOALLOC_MISUSE_RACE, slot->obj, 0);
	}
	WRITE_ONCE(*slot->state, GOALLOC_USED);
	WRITE_ONCE(bin->top, slot);
	data_race(bin->nalloc++);	/* as in fast_pop() */
	return slot->obj;
}

/* An object of @nid from what is at hand: bin, mcentral, mheap. */
static void *pop_at_hand(struct goalloc_class *class, int nid, bool shortest)
{
	struct goalloc_slot slot;
	struct goalloc_bin *bin;
	unsigned int level;
	void *obj = NULL;

	preempt_disable_notrace();
	level = interrupt_context_level();
	if (WARN_ON_ONCE(level >= GOALLOC_LEVELS))
		goto out;
	bin = raw_cpu_ptr(class->bins) + level;
	/* bins are for objects of the CPU's own node */
	if (likely(nid == numa_mem_id())) {
		obj = bin_pop(bin);
		if (!obj && bin_refill(bin, class, nid, shortest))
			obj = bin_pop(bin);
	}
	if (!obj && goalloc_mcentral_take(class->central[nid], &slot, 1, shortest)) {
		WRITE_ONCE(*slot.state, GOALLOC_USED);
		data_race(bin->nalloc++);	/* with goalloc_stats_class(), as in fast_pop() */
		obj = slot.obj;
	}
out:
	preempt_enable_notrace();
	return obj;
}

/**
 * goalloc_mcache_alloc() - an object of a class, wherever it has to come from
 * @class: the class
 * @gfp: as the caller of gomalloc() gave them; __GFP_NOFAIL and __GFP_ZERO are his
 * @node: preferred node, with __GFP_THISNODE the only one; or NUMA_NO_NODE
 *
 * Context: task, softirq, hardirq, as @gfp says.
 * Return: the object, not zeroed, or NULL.
 */
void *goalloc_mcache_alloc(struct goalloc_class *class, gfp_t gfp, int node)
{
	int home = node == NUMA_NO_NODE ? numa_mem_id() : node;
	int tries, nid = home;
	void *obj;

	/* others may take what grow() found, but then they got on */
	for (tries = 0; tries < 8; tries++) {
		obj = pop_at_hand(class, nid, tries);
		if (!obj && goalloc_mcentral_reclaim(home))
			obj = pop_at_hand(class, home, tries);
		if (obj)
			return obj;
		nid = goalloc_mheap_grow(home, class->npages, class->min_pages, class->align_pages,
					 gfp);
		if (nid < 0)
			break;
	}
	if (gfp & __GFP_THISNODE)
		return NULL;
	/* no page to be had: a free object or run of any node will do */
	for_each_node(nid) {
		obj = pop_at_hand(class, nid, true);
		if (obj)
			return obj;
	}
	return NULL;
}

/*
 * The object just pushed to @bin is of @span, which is ending or was about to: the push
 * came after another free's. Context: preemption off since the lookup of @span.
 */
noinline __cold void goalloc_mcache_late(struct goalloc_mspan *span, struct goalloc_bin *bin)
{
	struct goalloc_slot *slot = bin->top - 1;

	if (goalloc_mcentral_has(goalloc_span_class(span)->central[span->nid], span, slot))
		return;
	WRITE_ONCE(bin->top, slot);
	goalloc_misuse_report(GOALLOC_MISUSE_RACE, slot->obj, 0);
}

/**
 * goalloc_mcache_free() - free an object of a span
 * @span: looked up from @slot with preemption off
 * @slot: the object and its state byte, which was GOALLOC_USED
 *
 * Context: task, softirq, hardirq; preemption off since the lookup.
 */
void goalloc_mcache_free(struct goalloc_mspan *span, struct goalloc_slot slot)
{
	struct goalloc_class *class = goalloc_span_class(span);
	struct goalloc_bin *bin = raw_cpu_ptr(class->bins) + interrupt_context_level();

	WRITE_ONCE(*slot.state, GOALLOC_CACHED);
	if (unlikely(span->nid != numa_mem_id())) {
		goalloc_mcentral_give(class->central[span->nid], &slot, 1);
		return;
	}
	if (!((unsigned long)bin->top & (GOALLOC_MAGAZINE_BYTES - 1)) &&
	    unlikely(!bin_flush(bin, class))) {
		goalloc_mcentral_give(class->central[span->nid], &slot, 1);
		return;
	}
	*bin->top = slot;
	WRITE_ONCE(bin->top, bin->top + 1);
	smp_mb();	/* pairs with the one of goalloc_span_settle() */
	if (unlikely(!READ_ONCE(span->recip)) && class->kind != GOALLOC_SPAN_TINY)
		goalloc_mcache_late(span, bin);
}

/* ---- draining ---- */

static void bin_drain(struct goalloc_bin *bin, const struct goalloc_class *class, unsigned int cpu)
{
	struct goalloc_mcentral *central = class->central[cpu_to_mem(cpu)];
	struct goalloc_magazine *mag = bin_magazine(bin), *prev = bin->prev;
	struct goalloc_slot *first;
	unsigned int n, nprev = bin->nprev;

	n = goalloc_mcache_count(class, bin, &first);
	bin_init(bin);
	if (n)
		give_home(class, first, n);
	if (nprev)
		give_home(class, goalloc_magazine_first(prev, class), nprev);
	if (mag)
		goalloc_mcentral_drop(central, mag);
	if (prev)
		goalloc_mcentral_drop(central, prev);
}

/*
 * Bring everything home that @cpu has: bins, tiny block, page cache. By @cpu
 * itself in a task, or for a dead CPU by whoever handles its death. Interrupts
 * are off for one bin at a time.
 */
void goalloc_mcache_drain(unsigned int cpu)
{
	struct goalloc_class *class;
	unsigned int i, level;
	unsigned long flags;

	goalloc_tiny_drain(cpu);
	for_each_goalloc_class(class, i) {
		for (level = 0; level < GOALLOC_LEVELS; level++) {
			local_irq_save(flags);
			bin_drain(goalloc_mcache_bin(class, cpu, level), class, cpu);
			local_irq_restore(flags);
		}
	}
	goalloc_mheap_cache_flush(cpu);
}

/* ---- stale slots ---- */

/*
 * Two frees of an object that race on two CPUs put it into two bins. As long as its
 * span lives, its state byte gives the second copy away when it is popped or brought
 * home. Before the state bytes of a dead span are used for another, its copies must
 * be gone: every slot anywhere is compared with the span that it should be of.
 */

/* Is each of the @n objects from @slot on of a span in use? */
bool goalloc_mcache_valid(const struct goalloc_class *class, const struct goalloc_slot *slot,
			  unsigned int n)
{
	const struct goalloc_mspan *span;
	unsigned long i;

	for (; n--; slot++) {
		span = goalloc_span_of(slot->obj);
		if (goalloc_span_kind(span) == GOALLOC_SPAN_DEAD ||
		    goalloc_span_class(span) != class)
			return false;
		i = slot->state - span->states;
		if (i >= span->nelems || (unsigned long)slot->obj != span->base + i * class->size)
			return false;
	}
	return true;
}

static void bin_scan(struct goalloc_bin *bin, const struct goalloc_class *class, unsigned int cpu)
{
	struct goalloc_slot *first;
	unsigned int n = goalloc_mcache_count(class, bin, &first);

	if (n && !goalloc_mcache_valid(class, first, n))
		bin_drain(bin, class, cpu);
	else if (bin->nprev &&
		 !goalloc_mcache_valid(class, goalloc_magazine_first(bin->prev, class), bin->nprev))
		bin_drain(bin, class, cpu);
}

/* Bring home the bins of @cpu that have a stale slot. By @cpu itself in a task. */
static void scan(unsigned int cpu)
{
	struct goalloc_class *class;
	unsigned int i, level;
	unsigned long flags;

	for_each_goalloc_class(class, i) {
		for (level = 0; level < GOALLOC_LEVELS; level++) {
			local_irq_save(flags);
			bin_scan(goalloc_mcache_bin(class, cpu, level), class, cpu);
			local_irq_restore(flags);
		}
	}
}

/* ---- work for every CPU ---- */

static DEFINE_PER_CPU(struct work_struct, drain_works);
static DEFINE_PER_CPU(struct work_struct, scan_works);
static DEFINE_PER_CPU(unsigned long, activity);	/* a sum of what was seen of a CPU's bins */
static DEFINE_MUTEX(works_mutex);	/* for who uses all these */
static struct workqueue_struct *mcache_wq;
static int hotplug_state;

static void drain_worker(struct work_struct *work)
{
	goalloc_mcache_drain(smp_processor_id());
}

static void scan_worker(struct work_struct *work)
{
	scan(smp_processor_id());
}

static void on_each_mcache(struct work_struct __percpu *works)
{
	int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu)
		queue_work_on(cpu, mcache_wq, per_cpu_ptr(works, cpu));
	for_each_online_cpu(cpu)
		flush_work(per_cpu_ptr(works, cpu));
	cpus_read_unlock();
}

/* Drain every CPU. Context: may sleep. */
void goalloc_mcache_drain_all(void)
{
	mutex_lock(&works_mutex);
	on_each_mcache(&drain_works);
	mutex_unlock(&works_mutex);
}

/* Has @cpu something cached, and neither allocated nor freed since the last call? */
static bool went_idle(unsigned int cpu)
{
	unsigned long *seen = per_cpu_ptr(&activity, cpu), base;
	unsigned long sum = goalloc_mheap_cache_free(cpu, &base);
	struct goalloc_class *class;
	struct goalloc_slot *first;
	struct goalloc_bin *bin;
	bool cached = sum, idle;
	unsigned int i, level;

	for_each_goalloc_class(class, i) {
		for (level = 0; level < GOALLOC_LEVELS; level++) {
			bin = goalloc_mcache_bin(class, cpu, level);
			sum += READ_ONCE(bin->nalloc) + (unsigned long)READ_ONCE(bin->top) +
			       READ_ONCE(bin->nprev);
			cached |= goalloc_mcache_count(class, bin, &first) || READ_ONCE(bin->nprev);
		}
	}
	idle = sum == *seen;
	*seen = sum;
	return idle && cached;
}

/* Drain the CPUs that have been idle since the last call. Context: may sleep. */
void goalloc_mcache_drain_idle(void)
{
	int cpu;

	mutex_lock(&works_mutex);
	cpus_read_lock();
	for_each_online_cpu(cpu)
		if (went_idle(cpu))
			queue_work_on(cpu, mcache_wq, per_cpu_ptr(&drain_works, cpu));
	for_each_online_cpu(cpu)
		flush_work(per_cpu_ptr(&drain_works, cpu));
	cpus_read_unlock();
	mutex_unlock(&works_mutex);
}

static void drain_all_worker(struct work_struct *work)
{
	goalloc_mcache_drain_all();
}

static struct work_struct drain_all_work;

/*
 * Ask every CPU to drain its mcache, soon. Context: any; the hotplug lock, which who asks
 * may hold, is the worker's to take.
 */
void goalloc_mcache_drain_ask(void)
{
	queue_work(system_unbound_wq, &drain_all_work);
}

/**
 * goalloc_mcache_scan_all() - have every CPU forget the spans that are dead now
 *
 * Afterwards no slot in any bin or magazine is of a span that was dead before, and
 * no free is under way that has looked such a span up: each CPU has been in a task
 * since. From a magazine that wanders from a CPU not yet scanned to one that was,
 * mcentral keeps the stale slots away.
 *
 * Context: may sleep.
 */
void goalloc_mcache_scan_all(void)
{
	struct goalloc_class *class;
	int i, nid;

	mutex_lock(&works_mutex);
	WRITE_ONCE(goalloc_scanning, true);	/* for goalloc_mcentral_refill() */
	for_each_goalloc_class(class, i)
		for_each_node(nid)
			goalloc_mcentral_scan(class->central[nid]);
	on_each_mcache(&scan_works);
	WRITE_ONCE(goalloc_scanning, false);
	mutex_unlock(&works_mutex);
}

static int cpu_dead(unsigned int cpu)
{
	goalloc_mcache_drain(cpu);
	return 0;
}

int goalloc_mcache_init(void)
{
	int cpu, ret;

	BUILD_BUG_ON(!is_power_of_2(GOALLOC_MAGAZINE_BYTES));
	if (nr_node_ids > 1)
		static_branch_enable(&goalloc_numa_key);
	if (want_init_on_alloc(0))
		static_branch_enable(&goalloc_init_alloc_key);
	if (want_init_on_free())
		static_branch_enable(&goalloc_init_free_key);
	for_each_possible_cpu(cpu) {
		INIT_WORK(per_cpu_ptr(&drain_works, cpu), drain_worker);
		INIT_WORK(per_cpu_ptr(&scan_works, cpu), scan_worker);
	}
	INIT_WORK(&drain_all_work, drain_all_worker);
	if (!goalloc_fault(0, GFP_KERNEL))
		mcache_wq = alloc_workqueue("goalloc", WQ_MEM_RECLAIM, 0);
	if (!mcache_wq)
		return -ENOMEM;
	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "mm/goalloc:dead", NULL, cpu_dead);
	if (ret < 0)
		return ret;
	hotplug_state = ret;
	return 0;
}

void goalloc_mcache_exit(void)
{
	if (hotplug_state > 0)
		cpuhp_remove_state_nocalls(hotplug_state);
	if (!mcache_wq)
		return;
	cancel_work_sync(&drain_all_work);
	destroy_workqueue(mcache_wq);
	mcache_wq = NULL;
}
