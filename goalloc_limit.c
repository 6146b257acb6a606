// SPDX-License-Identifier: GPL-2.0
/*
 * The limit: what goalloc may hold, pages for objects and metadata together.
 *
 * Every request for memory is charged before it is made, and what goes back is uncharged,
 * so the limit is hard: no two CPUs can step over it together. What cannot be charged is
 * not asked for, and who wanted it gets NULL; but first, if he may sleep, what is free or
 * cached goes back. As Go's GOMEMLIMIT it counts what is held, not what is in use;
 * other than that one it is kept at any price but for __GFP_NOFAIL.
 *
 * A limit below what is held refuses all growth until enough has gone back, and the
 * worker of goalloc_meta.c and later the scavenger see to that. The module's start is
 * never refused anything.
 *
 * State: one counter, atomic; the limit is written by its parameter. No locks.
 */
#include <linux/atomic.h>

#include "goalloc_internal.h"

/* For a leaf, an arena and a region of mspans, when a request has these made, too */
#define METADATA	(64UL << 10)

unsigned int goalloc_limit_mb;
static atomic_long_t charged;	/* bytes */
static atomic64_t refused = ATOMIC64_INIT(0);
static unsigned long wanted;	/* bytes that somebody who may not sleep did not get */
static bool started;

/**
 * goalloc_limit_excess() - bytes that would be too many
 * @bytes: so many more are wanted
 *
 * Context: any.
 * Return: bytes; 0: they fit, or there is no limit.
 */
unsigned long goalloc_limit_excess(size_t bytes)
{
	unsigned long limit = (unsigned long)READ_ONCE(goalloc_limit_mb) << 20;
	unsigned long held;

	if (!limit || !READ_ONCE(started))
		return 0;
	held = atomic_long_read(&charged) + goalloc_class_metadata() + goalloc_nolock_metadata();
	return held + bytes > limit ? held + bytes - limit : 0;
}

/**
 * goalloc_limit_charge() - may @bytes be asked for?
 * @bytes: what is going to be held
 * @gfp: as the user gave them; with __GFP_NOFAIL they may
 *
 * Context: any.
 * Return: true: they count as held from now on, until goalloc_limit_uncharge().
 */
bool goalloc_limit_charge(size_t bytes, gfp_t gfp)
{
	atomic_long_add(bytes, &charged);
	if (likely(!goalloc_limit_excess(0)) || gfp & __GFP_NOFAIL)
		return true;
	atomic_long_sub(bytes, &charged);
	return false;
}

/* @bytes are not held any more, or were not to be had. Context: any. */
void goalloc_limit_uncharge(size_t bytes)
{
	atomic_long_sub(bytes, &charged);
}

/* Requests for pages that the limit refused, and found no room for, since loading. */
u64 goalloc_limit_refused(void)
{
	return atomic64_read(&refused);
}

/* Give back until @bytes would fit, or nothing more can go. Context: may sleep. */
static void reclaim_excess(size_t bytes)
{
	unsigned long excess;
	int nid;

	for_each_node(nid) {
		excess = goalloc_limit_excess(bytes);
		if (!excess)
			return;
		goalloc_reclaim(nid, DIV_ROUND_UP(excess, PAGE_SIZE));
	}
}

/**
 * goalloc_limit_make_room() - before @bytes are asked for, see that the limit has room
 * @bytes: pages that are wanted; some for their metadata is added
 * @gfp: as the user gave them; who may not sleep has the worker do it, for the next one
 *
 * Context: as @gfp says; no lock held.
 */
void goalloc_limit_make_room(size_t bytes, gfp_t gfp)
{
	if (likely(!goalloc_limit_excess(bytes + METADATA)) || gfp & __GFP_NOFAIL)
		return;
	if (gfpflags_allow_blocking(gfp)) {
		reclaim_excess(bytes + METADATA);
	} else {
		WRITE_ONCE(wanted, max(wanted, bytes));	/* a hint; the latest may win */
		goalloc_meta_kick();
	}
	if (goalloc_limit_excess(bytes))
		atomic64_inc(&refused);
}

/* Is there work for goalloc_limit_refill()? */
bool goalloc_limit_wants(void)
{
	return goalloc_limit_excess(READ_ONCE(wanted));
}

/* The worker's part: make the room that somebody lacked, or that a new limit lacks. */
void goalloc_limit_refill(void)
{
	reclaim_excess(xchg(&wanted, 0));
}

/* The limit has changed. Context: task. */
void goalloc_limit_changed(void)
{
	if (READ_ONCE(started))
		goalloc_meta_kick();
}

/* The module has all that it needs to run: the limit holds. */
void goalloc_limit_start(void)
{
	WRITE_ONCE(started, true);
}
