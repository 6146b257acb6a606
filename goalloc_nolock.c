// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations and frees that take no lock and never spin: for NMI, for tracers, for
 * whoever may have interrupted anything at all, goalloc's own windows included.
 *
 * To the rest of goalloc this file is a user: a CPU has a stash of objects a class, got
 * by gomalloc() from a worker, and a list of objects that wait for an irq_work to give
 * them to gofree(). Both are arrays of pointers that are put in and taken out by
 * cmpxchg, so it does not matter who interrupts whom.
 *
 *	worker: gomalloc() -> stash -> gomalloc_nolock() -> user
 *	                        ^                             |
 *	                        '------- gofree_nolock() <----'
 *	                                       '-> list -> irq_work: gofree()
 *
 * An object here has the state GOALLOC_STASHED: a second free of it is refused. In the
 * statistics it counts as in use.
 *
 * The stash is filled after the first demand for a class, which itself can only have
 * what its mcentral has free in a span, if that can be locked at the first try. On UP a
 * trylock always succeeds, also inside what it interrupts: there it is not tried.
 *
 * No locks but that one. Bins are not touched: who calls may have interrupted a refill.
 */
#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "goalloc_internal.h"
#include "goalloc_debug.h"

#define MAX_SIZE	4096	/* largest object */
#define SLOTS		4	/* objects of a class in a stash */
#define WAITING		256	/* objects that wait for the irq_work */

struct stash {
	void *objs[GOALLOC_NR_CLASSES][SLOTS];
	void *waiting[WAITING];
	struct irq_work work;
};

static struct stash __percpu *stashes;
/* Classes to fill stashes of, and whether there is one. Anybody sets, the worker clears. */
static bool wanted[GOALLOC_NR_CLASSES];
static bool any_wanted;

/* Put @p into a free one of @n slots. */
static bool slots_put(void **slot, unsigned int n, void *p)
{
	for (; n--; slot++)
		if (!READ_ONCE(*slot) && !cmpxchg(slot, NULL, p))
			return true;
	return false;
}

/* Take something out of @n slots, or NULL. */
static void *slots_get(void **slot, unsigned int n)
{
	void *p;

	for (; n--; slot++) {
		p = READ_ONCE(*slot);
		if (p && cmpxchg(slot, p, NULL) == p)
			return p;
	}
	return NULL;
}

static void set_state(void *p, u8 state)
{
	struct goalloc_mspan *span = goalloc_span_of(p);

	WRITE_ONCE(span->states[goalloc_span_index(span, p)], state);
}

/* One of the objects that @class has free in its spans, or NULL. */
static void *central_get(struct goalloc_class *class)
{
	struct goalloc_slot slot;

	if (!goalloc_mcentral_try_take(class->central[numa_mem_id()], &slot))
		return NULL;
	WRITE_ONCE(*slot.state, GOALLOC_USED);
	goalloc_debug_open(slot.obj, class->size);
	return slot.obj;
}

/**
 * gomalloc_nolock() - allocate memory wherever we are
 * @size: bytes; 0 gives ZERO_SIZE_PTR, above 4096 there is nothing
 * @gfp: __GFP_ZERO counts, __GFP_ACCOUNT and __GFP_NOWARN make no difference; others
 *	give NULL
 *
 * Never spins and may fail at any time, the first time more likely than later.
 *
 * Context: any, NMI too.
 * Return: the object, for gofree_nolock() or gofree(); or NULL.
 */
notrace void *gomalloc_nolock(size_t size, gfp_t gfp)
{
	struct goalloc_class *class;
	void *p;

	if (!size)
		return ZERO_SIZE_PTR;
	if (size > MAX_SIZE || gfp & ~(__GFP_ZERO | __GFP_ACCOUNT | __GFP_NOWARN))
		return NULL;
	class = goalloc_classes[goalloc_size_class(size)];
	preempt_disable_notrace();
	p = slots_get(raw_cpu_ptr(stashes)->objs[class->id], SLOTS);
	if (p)
		set_state(p, GOALLOC_USED);
	else
		p = central_get(class);
	preempt_enable_notrace();
	WRITE_ONCE(wanted[class->id], true);
	/* after what it is for; pairs with the xchg() in goalloc_nolock_refill() */
	smp_store_release(&any_wanted, true);
	goalloc_meta_kick();
	if (p && want_init_on_alloc(gfp))
		memset(p, 0, class->size);
	return p;
}
EXPORT_SYMBOL_GPL(gomalloc_nolock);
NOKPROBE_SYMBOL(gomalloc_nolock);

/* Leave @p to the irq_work of this CPU, or of any that has room. */
static bool leave(void *p)
{
	struct stash *stash = raw_cpu_ptr(stashes);
	int cpu;

	if (slots_put(stash->waiting, WAITING, p)) {
		irq_work_queue(&stash->work);
		return true;
	}
	for_each_possible_cpu(cpu) {
		stash = per_cpu_ptr(stashes, cpu);
		if (slots_put(stash->waiting, WAITING, p)) {
			irq_work_queue(&stash->work);
			return true;
		}
	}
	return false;
}

/**
 * gofree_nolock() - free memory wherever we are
 * @p: any object of goalloc's; NULL and ZERO_SIZE_PTR are ignored
 *
 * The object is kept for gomalloc_nolock() on this CPU, or freed when interrupts are on.
 * There is room for 256 a CPU that wait for that; what comes then, interrupts still off,
 * is reported and lost.
 *
 * Context: any, NMI too.
 */
notrace void gofree_nolock(const void *p)
{
	struct goalloc_mspan *span;
	struct goalloc_class *class;
	void *obj = (void *)p;
	long i;

	if (ZERO_OR_NULL_PTR(p))
		return;
	preempt_disable_notrace();
	span = goalloc_span_of(p);
	switch (goalloc_span_kind(span)) {
	case GOALLOC_SPAN_SMALL:
		i = goalloc_span_index(span, p);
		if (i < 0 || READ_ONCE(span->states[i]) != GOALLOC_USED) {
			goalloc_misuse_report(goalloc_misuse_of(span, p), p, _RET_IP_);
			break;
		}
		class = goalloc_span_class(span);
		/* who gets it next may have asked for more */
		goalloc_debug_open(obj, class->size);
		if (want_init_on_free())
			memset(obj, 0, class->size);
		WRITE_ONCE(span->states[i], GOALLOC_STASHED);
		if (class->size <= MAX_SIZE &&
		    slots_put(raw_cpu_ptr(stashes)->objs[class->id], SLOTS, obj))
			break;
		if (!leave(obj))
			goalloc_misuse_report(GOALLOC_MISUSE_LOST, p, _RET_IP_);
		break;
	case GOALLOC_SPAN_DEAD:
		goalloc_misuse_report(goalloc_misuse_of(span, p), p, _RET_IP_);
		break;
	default:
		if (!leave(obj))
			goalloc_misuse_report(GOALLOC_MISUSE_LOST, p, _RET_IP_);
	}
	preempt_enable_notrace();
}
EXPORT_SYMBOL_GPL(gofree_nolock);
NOKPROBE_SYMBOL(gofree_nolock);

/* Free what waits or lies in the stash. Context: as gofree(). */
static void free_slots(void **slot, unsigned int n)
{
	void *p;

	for (; n--; slot++) {
		p = xchg(slot, NULL);
		if (!p)
			continue;
		/* it is ours until gofree() has it */
		if (goalloc_span_kind(goalloc_span_of(p)) == GOALLOC_SPAN_SMALL)
			set_state(p, GOALLOC_USED);
		gofree(p);
	}
}

static void free_waiting(struct irq_work *work)
{
	free_slots(container_of(work, struct stash, work)->waiting, WAITING);
}

/* Is there a class to fill stashes of? */
bool goalloc_nolock_wants(void)
{
	return READ_ONCE(any_wanted);	/* set by gomalloc_nolock() */
}

/* Fill the stashes of all CPUs with objects of classes asked for. By the worker. */
void goalloc_nolock_refill(void)
{
	unsigned int id, i;
	void **slot, *p;
	int cpu;

	if (!xchg(&any_wanted, false))
		return;
	for (id = 1; id < GOALLOC_NR_CLASSES; id++) {
		if (!READ_ONCE(wanted[id]))
			continue;
		WRITE_ONCE(wanted[id], false);
		for_each_online_cpu(cpu) {
			slot = per_cpu_ptr(stashes, cpu)->objs[id];
			for (i = 0; i < SLOTS; i++) {
				if (READ_ONCE(slot[i]))
					continue;
				p = gomalloc(goalloc_classes[id]->size, GFP_KERNEL | __GFP_NOWARN);
				if (!p)
					return;
				set_state(p, GOALLOC_STASHED);
				if (cmpxchg(slot + i, NULL, p)) {
					set_state(p, GOALLOC_USED);
					gofree(p);
				}
			}
		}
	}
}

/* Free all that waits or lies in stashes. Context: task. */
void goalloc_nolock_drain(void)
{
	struct stash *stash;
	int cpu;

	for_each_possible_cpu(cpu) {
		stash = per_cpu_ptr(stashes, cpu);
		free_slots(&stash->objs[0][0], GOALLOC_NR_CLASSES * SLOTS);
		free_slots(stash->waiting, WAITING);
	}
}

/* Bytes of stashes, without the objects. */
size_t goalloc_nolock_metadata(void)
{
	return sizeof(struct stash) * num_possible_cpus();
}

int goalloc_nolock_init(void)
{
	int cpu;

	if (!goalloc_fault(sizeof(struct stash), GFP_KERNEL))
		stashes = __alloc_percpu(sizeof(struct stash), __alignof__(struct stash));
	if (!stashes)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		init_irq_work(&per_cpu_ptr(stashes, cpu)->work, free_waiting);
	return 0;
}

/* Ends what was left to irq_works. The worker has ended, nobody calls any more. */
void goalloc_nolock_stop(void)
{
	int cpu;

	if (!stashes)
		return;
	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu_ptr(stashes, cpu)->work);
	goalloc_nolock_drain();
}

void goalloc_nolock_exit(void)
{
	free_percpu(stashes);
	stashes = NULL;
}
