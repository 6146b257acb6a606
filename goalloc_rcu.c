// SPDX-License-Identifier: GPL-2.0
/*
 * Frees that wait for an RCU grace period.
 *
 * Objects are gathered in batches: arrays of pointers, objects of goalloc's own, one
 * being filled a CPU. A batch goes to call_rcu() when it is full, or when no other of
 * its CPU is on its way. So there is never more than one callback a batch, nothing
 * waits for a timer, and no object for longer than two grace periods:
 *
 *	gofree_rcu() -> batch that fills -> call_rcu() -> callback: gofree_bulk()
 *	                      |                               |
 *	                      '------- next, if none flies <--'
 *
 * Who finds no memory for a batch links the object into a chain by its own rcu_head;
 * ->func is the object meanwhile. A CPU's chain has one rcu_head, so it needs no
 * memory, and again a callback is for many objects: while one chain waits for its
 * grace period, the next one grows.
 *
 * Invariants: a batch that fills is not empty, and another is flying; the same of the
 * chain. A CPU that goes offline leaves nothing behind by that: RCU brings the flying
 * one's callback to another CPU, and that one goes on.
 *
 * Locks: rcu_frees.lock, one a CPU, raw, taken with interrupts off, and none inside.
 * call_rcu() may wake somebody, so it is called without; but preemption is off from
 * before the lock to after call_rcu(): see goalloc_rcu_barrier().
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "goalloc_internal.h"

#define BATCH_BYTES	1024
#define BATCH_OBJECTS	((BATCH_BYTES - 4 * sizeof(void *)) / sizeof(void *))

/**
 * struct batch - objects that wait for the same grace period
 * @rcu: for call_rcu()
 * @home: whose it is
 * @n: number of objects
 * @kv: some are vmalloc'ed
 * @objs: the objects
 */
struct batch {
	struct rcu_head rcu;
	struct rcu_frees *home;
	u32 n;
	bool kv;
	void *objs[BATCH_OBJECTS];
};

/**
 * struct rcu_frees - what was freed on a CPU and waits
 * @lock: protects all of it
 * @batch: being filled, or NULL
 * @flying: batches between call_rcu() and their callback's end
 * @chain: what has found no batch, linked by the objects' rcu_heads; ->func is the object
 * @flying_chain: the same, of which @rcu is between call_rcu() and the callback
 * @rcu: of the chain
 */
struct rcu_frees {
	raw_spinlock_t lock;
	struct batch *batch;
	unsigned long flying;
	struct rcu_head *chain;
	struct rcu_head *flying_chain;
	struct rcu_head rcu;
};

static DEFINE_PER_CPU(struct rcu_frees, rcu_frees);
static bool used;	/* has anything ever been freed here? */

static void batch_done(struct rcu_head *head);
static void chain_done(struct rcu_head *head);

/* The batch that is to fly now: the one that fills if there is a reason, or NULL. */
static struct batch *batch_take(struct rcu_frees *f, bool now)
{
	struct batch *b = f->batch;

	lockdep_assert_held(&f->lock);
	if (!b || !(now || !f->flying || b->n == BATCH_OBJECTS))
		return NULL;
	WRITE_ONCE(f->batch, NULL);	/* goalloc_free_rcu() looks at it */
	f->flying++;
	return b;
}

static void batch_push(struct batch *b, void *p)
{
	b->objs[b->n++] = p;
	b->kv |= is_vmalloc_addr(p);
}

/* Does the chain of @f fly from now on? Then its rcu_head is to be given to call_rcu(). */
static bool chain_take(struct rcu_frees *f)
{
	lockdep_assert_held(&f->lock);
	if (!f->chain || f->flying_chain)
		return false;
	f->flying_chain = f->chain;
	f->chain = NULL;
	return true;
}

static void chain_push(struct rcu_frees *f, struct rcu_head *head, void *p)
{
	lockdep_assert_held(&f->lock);
	head->func = p;
	head->next = f->chain;
	f->chain = head;
}

/* Send off what is due at @f, with @now whatever there is. Context: preemption off. */
static void send(struct rcu_frees *f, bool now)
{
	unsigned long flags;
	struct batch *b;
	bool chain;

	raw_spin_lock_irqsave(&f->lock, flags);
	b = batch_take(f, now);
	chain = chain_take(f);
	raw_spin_unlock_irqrestore(&f->lock, flags);
	if (b)
		call_rcu(&b->rcu, batch_done);
	if (chain)
		call_rcu(&f->rcu, chain_done);
}

static void batch_done(struct rcu_head *head)
{
	struct batch *b = container_of(head, struct batch, rcu);
	struct rcu_frees *f = b->home;
	unsigned long flags;
	u32 i;

	if (b->kv)
		for (i = 0; i < b->n; i++)
			gokvfree(b->objs[i]);
	else
		gofree_bulk(b->n, b->objs);
	gofree(b);
	preempt_disable_notrace();
	raw_spin_lock_irqsave(&f->lock, flags);
	f->flying--;
	raw_spin_unlock_irqrestore(&f->lock, flags);
	send(f, false);
	preempt_enable_notrace();
}

static void chain_done(struct rcu_head *head)
{
	struct rcu_frees *f = container_of(head, struct rcu_frees, rcu);
	struct rcu_head *next;
	unsigned long flags;

	/* only this callback touches it while it is not NULL */
	for (head = f->flying_chain; head; head = next) {
		next = head->next;
		gokvfree((void *)head->func);
	}
	preempt_disable_notrace();
	raw_spin_lock_irqsave(&f->lock, flags);
	f->flying_chain = NULL;
	raw_spin_unlock_irqrestore(&f->lock, flags);
	send(f, false);
	preempt_enable_notrace();
}

/*
 * Memory for a batch, or NULL. A lockdep that looks on any kernel for what PREEMPT_RT
 * does not allow knows nothing of goalloc's reserve, and the caller may hold a raw lock.
 */
static struct batch *batch_create(gfp_t gfp)
{
	if (IS_ENABLED(CONFIG_PROVE_RAW_LOCK_NESTING) && !preemptible())
		return NULL;
	return gomalloc(sizeof(struct batch), gfp | __GFP_NOWARN);
}

/*
 * Leave @p to RCU on this CPU: in the batch that fills, in *@new if there is none, which
 * is NULL then, or if there is none either in the chain, if there is @head. False: none
 * of these.
 */
static bool leave(struct rcu_head *head, void *p, struct batch **new)
{
	struct rcu_frees *f;
	unsigned long flags;
	bool left = true;

	preempt_disable_notrace();
	f = raw_cpu_ptr(&rcu_frees);
	raw_spin_lock_irqsave(&f->lock, flags);
	if (!f->batch && *new) {
		(*new)->home = f;
		(*new)->n = 0;
		(*new)->kv = false;
		WRITE_ONCE(f->batch, *new);
		*new = NULL;
	}
	if (f->batch)
		batch_push(f->batch, p);
	else if (head)
		chain_push(f, head, p);
	else
		left = false;
	raw_spin_unlock_irqrestore(&f->lock, flags);
	if (left)
		send(f, false);
	preempt_enable_notrace();
	return left;
}

/**
 * goalloc_free_rcu() - free memory after a grace period; gofree_rcu() is what to call
 * @head: an rcu_head inside of it, or NULL, then the call may sleep
 * @p: an object, or memory of gokvmalloc(); NULL and ZERO_SIZE_PTR are ignored
 *
 * What is no object is refused when the grace period is over.
 *
 * Context: task, softirq, hardirq, with whatever locks held; task that may sleep
 * without @head.
 */
void goalloc_free_rcu(struct rcu_head *head, const void *p)
{
	void *obj = (void *)p;
	struct batch *new = NULL;

	if (ZERO_OR_NULL_PTR(p))
		return;
	if (in_nmi()) {
		goalloc_misuse_report(GOALLOC_MISUSE_CONTEXT, p, _RET_IP_);
		return;
	}
	/* pairs with goalloc_rcu_barrier(), by what orders the two calls */
	if (!READ_ONCE(used))
		WRITE_ONCE(used, true);
	if (!READ_ONCE(raw_cpu_ptr(&rcu_frees)->batch))	/* a hint, which leave() looks at again */
		new = batch_create(head ? GFP_NOWAIT : GFP_KERNEL | __GFP_NORETRY);
	if (!leave(head, obj, &new)) {
		/* the batch that was there has flown off */
		if (!new)
			new = batch_create(GFP_KERNEL | __GFP_NORETRY);
		if (!new || !leave(head, obj, &new)) {
			synchronize_rcu();
			gokvfree(obj);
		}
	}
	gofree(new);
}
EXPORT_SYMBOL_GPL(goalloc_free_rcu);

/**
 * goalloc_rcu_barrier() - wait until all that gofree_rcu() was given is free
 *
 * What rcu_barrier() is for call_rcu(): every gofree_rcu() that has returned before, on
 * whatever CPU, has done its work afterwards.
 *
 * Context: task, may sleep.
 */
void goalloc_rcu_barrier(void)
{
	int cpu;

	if (!READ_ONCE(used))	/* pairs with goalloc_free_rcu() */
		return;
	for_each_possible_cpu(cpu) {
		preempt_disable_notrace();
		send(per_cpu_ptr(&rcu_frees, cpu), true);
		preempt_enable_notrace();
	}
	/* who had taken a batch or chain before but not yet given it to call_rcu() has now */
	synchronize_rcu();
	/* the first may have found a chain behind one that was flying: that is queued now */
	rcu_barrier();
	rcu_barrier();
}
EXPORT_SYMBOL_GPL(goalloc_rcu_barrier);

void goalloc_rcu_init(void)
{
	int cpu;

	BUILD_BUG_ON(sizeof(struct batch) > BATCH_BYTES);
	for_each_possible_cpu(cpu)
		raw_spin_lock_init(&per_cpu_ptr(&rcu_frees, cpu)->lock);
}
