// SPDX-License-Identifier: GPL-2.0
/*
 * The scavenger: gives memory back in the background, as Go's.
 *
 * Every scavenge_ms, as long as goalloc holds pages, it looks at what has not been used since
 * the last time, and at what is free:
 *
 *	mcache of a CPU that has neither allocated nor freed	-> home
 *	depot of an mcentral that has given and got nothing	-> home
 *	free pages beyond the slack				-> page allocator
 *	metadata, when no page is held any more			-> vfree
 *
 * The slack is retain_percent of the pages in use, 10 as in Go, of the most that were in
 * use lately: that mark falls by an eighth of the difference each time, so a load that
 * comes and goes within seconds finds its pages again, and the return is spread out.
 * The timer is deferrable: an idle CPU is not woken for it, but once to drain its mcache.
 *
 * States: stopped (before the start, after the end), resting (no page is held, nothing is
 * queued), armed. Who grows the heap arms it, by the worker of goalloc_meta.c.
 *
 * Locks: arm_mutex protects the states; those of what is called.
 */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "goalloc_internal.h"

unsigned int goalloc_scavenge_ms = 1000;

static void scavenge_work_fn(struct work_struct *work);

static DECLARE_DEFERRABLE_WORK(scavenge_work, scavenge_work_fn);
static DEFINE_MUTEX(arm_mutex);
static bool stopped = true;
static bool armed;
static atomic64_t scavenged = ATOMIC64_INIT(0);

static bool pages_held(void)
{
	int nid;

	for_each_node(nid)
		if (READ_ONCE(goalloc_mheaps[nid]->held))
			return true;
	return false;
}

/* Is there something to look after, and nobody does? Context: any. */
bool goalloc_scavenger_wants(void)
{
	/* pairs with the one in scavenge_work_fn(): the heap has grown before */
	smp_mb();
	return !READ_ONCE(armed) && !READ_ONCE(stopped) && READ_ONCE(goalloc_scavenge_ms) &&
	       pages_held();
}

/* Pages given back in the background, since loading. */
u64 goalloc_scavenger_pages(void)
{
	return atomic64_read(&scavenged);
}

/**
 * goalloc_scavenge() - one round
 *
 * Context: task, may sleep.
 * Return: pages given back.
 */
unsigned long goalloc_scavenge(void)
{
	unsigned long released = 0;
	struct goalloc_class *class;
	int i, nid;

	goalloc_mcache_drain_idle();
	for_each_goalloc_class(class, i)
		for_each_node(nid)
			goalloc_mcentral_scavenge(class->central[nid]);
	for_each_node(nid)
		released += goalloc_mheap_scavenge(goalloc_mheaps[nid]);
	goalloc_limit_refill();
	if (released && !pages_held())
		goalloc_meta_release();
	atomic64_add(released, &scavenged);
	return released;
}

static void scavenge_work_fn(struct work_struct *work)
{
	if (READ_ONCE(goalloc_scavenge_ms))
		goalloc_scavenge();
	WRITE_ONCE(armed, false);
	/* who grows the heap from here on sees it unarmed, or is seen */
	smp_mb();
	if (pages_held())
		goalloc_scavenger_arm();
}

/* Have a round done in a period's time. Context: task, may sleep. */
void goalloc_scavenger_arm(void)
{
	unsigned int ms = READ_ONCE(goalloc_scavenge_ms);

	mutex_lock(&arm_mutex);
	if (!stopped && ms) {
		WRITE_ONCE(armed, true);
		mod_delayed_work(system_unbound_wq, &scavenge_work, msecs_to_jiffies(ms));
	}
	mutex_unlock(&arm_mutex);
}

/* The period has changed; a round that waits for a longer one does so no more. Context: task. */
void goalloc_scavenger_changed(void)
{
	if (!READ_ONCE(stopped) && pages_held())
		goalloc_scavenger_arm();
}

void goalloc_scavenger_start(void)
{
	mutex_lock(&arm_mutex);
	WRITE_ONCE(stopped, false);
	mutex_unlock(&arm_mutex);
}

/* Nothing is done in the background any more. */
void goalloc_scavenger_stop(void)
{
	mutex_lock(&arm_mutex);
	WRITE_ONCE(stopped, true);
	WRITE_ONCE(armed, false);
	mutex_unlock(&arm_mutex);
	cancel_delayed_work_sync(&scavenge_work);
}
