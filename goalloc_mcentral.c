// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral: the spans of one class on one node, and what passes between mcaches.
 *
 * A span is on exactly one list: on partial[] by how full it is, or on full. It
 * is taken from the fullest list that has one, so that the emptiest drain; with
 * its last object home it goes to the mheap.
 *
 * In front of the spans lie full magazines (TCMalloc's transfer cache, Bonwick's
 * depot): what one mcache flushes the next refill takes, by one pointer, and no
 * object and no span is touched.
 *
 *	free in span <-> magazine here <-> mcache bin <-> user
 *	      ^---------------------------------^
 *
 * Locks: goalloc_mcentral.lock protects everything here; the mheap's nests
 * inside. Never held while memory is asked for.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "goalloc_internal.h"

/* The list that @span belongs to. */
static struct list_head *span_list(struct goalloc_mcentral *central,
				   const struct goalloc_mspan *span)
{
	if (span->nalloc == span->nelems)
		return &central->full;
	return &central->partial[span->nalloc * GOALLOC_FULLNESS / span->nelems];
}

static struct goalloc_mspan *fullest_span(struct goalloc_mcentral *central)
{
	int i;

	lockdep_assert_held(&central->lock);
	for (i = GOALLOC_FULLNESS - 1; i >= 0; i--)
		if (!list_empty(&central->partial[i]))
			return list_first_entry(&central->partial[i], struct goalloc_mspan, list);
	return NULL;
}

static struct goalloc_mspan *new_span(struct goalloc_mcentral *central, bool shortest)
{
	struct goalloc_mspan *span;

	lockdep_assert_held(&central->lock);
	span = goalloc_mheap_span_alloc(central->class, central->nid, shortest);
	if (!span)
		return NULL;
	list_add(&span->list, &central->partial[0]);
	central->nspans++;
	central->span_pages += span->npages;
	central->nelems += span->nelems;
	return span;
}

static void free_span(struct goalloc_mcentral *central, struct goalloc_mspan *span)
{
	lockdep_assert_held(&central->lock);
	list_del(&span->list);
	central->nspans--;
	central->span_pages -= span->npages;
	central->nelems -= span->nelems;
	goalloc_mheap_span_free(span);
}

static void push(struct goalloc_mcentral *central, struct goalloc_magazine **list,
		 struct goalloc_magazine *mag)
{
	lockdep_assert_held(&central->lock);
	*goalloc_magazine_next(mag, central->class) = *list;
	*list = mag;
}

static struct goalloc_magazine *pop(struct goalloc_mcentral *central,
				    struct goalloc_magazine **list)
{
	struct goalloc_magazine *mag = *list;

	lockdep_assert_held(&central->lock);
	if (mag)
		*list = *goalloc_magazine_next(mag, central->class);
	return mag;
}

/* An empty magazine, or NULL. */
static struct goalloc_magazine *get_empty(struct goalloc_mcentral *central)
{
	struct goalloc_magazine *mag = pop(central, &central->empty_mags);

	if (mag)
		return mag;
	mag = goalloc_meta_magazine_get();
	if (mag)
		goalloc_magazine_first(mag, central->class)[-1].state = (u8 *)&goalloc_floor_state;
	return mag;
}

static unsigned int take(struct goalloc_mcentral *central, struct goalloc_slot *to, unsigned int n,
			 bool shortest)
{
	struct goalloc_mspan *span;
	unsigned int nalloc, got = 0;

	lockdep_assert_held(&central->lock);
	while (got < n) {
		span = fullest_span(central);
		/* a half batch is better than a new span */
		if (!span && !got)
			span = new_span(central, shortest);
		if (!span)
			break;
		nalloc = span->nalloc;
		got += goalloc_span_take(span, to + got, n - got);
		central->nalloc += span->nalloc - nalloc;
		list_move(&span->list, span_list(central, span));
	}
	return got;
}

static void give(struct goalloc_mcentral *central, const struct goalloc_slot *from, unsigned int n)
{
	struct list_head *before, *after;
	struct goalloc_mspan *span;
	unsigned int k, nalloc;

	lockdep_assert_held(&central->lock);
	for (; n; from += k, n -= k) {
		span = goalloc_span_of(from->obj);
		if (unlikely(goalloc_span_kind(span) == GOALLOC_SPAN_DEAD ||
			     goalloc_span_class(span) != central->class ||
			     span->nid != central->nid)) {
			goalloc_misuse_report(GOALLOC_MISUSE_RACE, from->obj, 0);
			k = 1;
			continue;
		}
		before = span_list(central, span);
		nalloc = span->nalloc;
		k = goalloc_span_give(span, from, n);
		if (!span->nalloc && goalloc_span_settle(span)) {
			central->nalloc -= nalloc;
			free_span(central, span);
			continue;
		}
		central->nalloc -= nalloc - span->nalloc;
		after = span_list(central, span);
		if (after != before)
			list_move(&span->list, after);
	}
}

bool goalloc_scanning;	/* mcaches and magazines are being looked through */

/* A full magazine, or NULL. While there may be stale slots, it has none. */
static struct goalloc_magazine *pop_full(struct goalloc_mcentral *central)
{
	const struct goalloc_class *class = central->class;
	struct goalloc_magazine *mag;

	while ((mag = pop(central, &central->full_mags))) {
		WRITE_ONCE(central->nfull, central->nfull - 1);
		/* set before this lock was taken to scan, or not yet of interest */
		if (likely(!READ_ONCE(goalloc_scanning)) ||
		    goalloc_mcache_valid(class, goalloc_magazine_first(mag, class),
					 class->capacity))
			break;
		give(central, goalloc_magazine_first(mag, class), class->capacity);
		push(central, &central->empty_mags, mag);
	}
	return mag;
}

/*
 * Bring home the full magazines that have a stale slot: see goalloc_mcache.c.
 * Interrupts are off for all of them, some 1,000 objects at most.
 */
void goalloc_mcentral_scan(struct goalloc_mcentral *central)
{
	struct goalloc_magazine *mag, *valid = NULL;
	unsigned long flags;
	unsigned int n = 0;

	raw_spin_lock_irqsave(&central->lock, flags);
	while ((mag = pop_full(central))) {
		push(central, &valid, mag);
		n++;
	}
	while ((mag = pop(central, &valid)))
		push(central, &central->full_mags, mag);
	WRITE_ONCE(central->nfull, n);
	raw_spin_unlock_irqrestore(&central->lock, flags);
}

/**
 * goalloc_mcentral_refill() - get objects for an mcache
 * @central: whose objects
 * @mag: an empty magazine, or NULL; the one with the objects afterwards
 * @shortest: a new span may be as short as an object needs
 *
 * A full magazine if there is one, else half of one from the spans.
 *
 * Context: any but NMI, no lock of goalloc's held.
 * Return: how many objects, their states GOALLOC_CACHED; 0 if there is no memory
 * at hand, @mag is then still empty, or NULL.
 */
unsigned int goalloc_mcentral_refill(struct goalloc_mcentral *central,
				     struct goalloc_magazine **mag, bool shortest)
{
	const struct goalloc_class *class = central->class;
	struct goalloc_magazine *full;
	unsigned long flags;
	unsigned int got = 0;

	raw_spin_lock_irqsave(&central->lock, flags);
	central->refills++;
	full = pop_full(central);
	if (full) {
		if (*mag)
			push(central, &central->empty_mags, *mag);
		*mag = full;
		got = class->capacity;
	} else {
		if (!*mag)
			*mag = get_empty(central);
		if (*mag)
			got = take(central, goalloc_magazine_first(*mag, class),
				   DIV_ROUND_UP(class->capacity, 2), shortest);
	}
	raw_spin_unlock_irqrestore(&central->lock, flags);
	return got;
}

/**
 * goalloc_mcentral_flush() - take a full magazine from an mcache
 * @central: whose objects, all of them of its node
 * @mag: the magazine, the objects' states GOALLOC_CACHED
 *
 * Context: any but NMI, no lock of goalloc's held.
 * Return: an empty magazine.
 */
struct goalloc_magazine *goalloc_mcentral_flush(struct goalloc_mcentral *central,
						struct goalloc_magazine *mag)
{
	const struct goalloc_class *class = central->class;
	struct goalloc_magazine *empty = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&central->lock, flags);
	central->flushes++;
	if (central->nfull < class->max_full)
		empty = get_empty(central);
	if (empty) {
		push(central, &central->full_mags, mag);
		WRITE_ONCE(central->nfull, central->nfull + 1);	/* for goalloc_mcentral_reclaim() */
	} else {
		give(central, goalloc_magazine_first(mag, class), class->capacity);
		empty = mag;
	}
	raw_spin_unlock_irqrestore(&central->lock, flags);
	return empty;
}

/* An empty magazine, or NULL. Context: as goalloc_mcentral_flush(). */
struct goalloc_magazine *goalloc_mcentral_empty(struct goalloc_mcentral *central)
{
	struct goalloc_magazine *mag;
	unsigned long flags;

	raw_spin_lock_irqsave(&central->lock, flags);
	mag = get_empty(central);
	raw_spin_unlock_irqrestore(&central->lock, flags);
	return mag;
}

/* Take up to @n objects past the magazines; how many. Context: as goalloc_mcentral_refill(). */
unsigned int goalloc_mcentral_take(struct goalloc_mcentral *central, struct goalloc_slot *to,
				   unsigned int n, bool shortest)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&central->lock, flags);
	n = take(central, to, n, shortest);
	raw_spin_unlock_irqrestore(&central->lock, flags);
	return n;
}

/*
 * Take an object that is free in a span, if the lock is to be had without waiting.
 * Context: any, NMI too.
 */
bool goalloc_mcentral_try_take(struct goalloc_mcentral *central, struct goalloc_slot *to)
{
	struct goalloc_mspan *span;
	unsigned long flags;

	/* without other CPUs a lock says nothing of whom we have interrupted */
	if (!IS_ENABLED(CONFIG_SMP))
		return false;
	if (!raw_spin_trylock_irqsave(&central->lock, flags))
		return false;
	/* no new span: that is the mheap's lock */
	span = fullest_span(central);
	if (span) {
		central->nalloc += goalloc_span_take(span, to, 1);
		list_move(&span->list, span_list(central, span));
	}
	raw_spin_unlock_irqrestore(&central->lock, flags);
	return span;
}

/* Bring @n objects home to their spans. Context: as goalloc_mcentral_flush(). */
void goalloc_mcentral_give(struct goalloc_mcentral *central, const struct goalloc_slot *from,
			   unsigned int n)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&central->lock, flags);
	give(central, from, n);
	raw_spin_unlock_irqrestore(&central->lock, flags);
}

/*
 * Is @slot's object allocated, by the bits of @span that it was looked up in? If the span
 * lives but the object is home, a late push has changed its state: it is free again.
 * Context: as goalloc_mcentral_flush().
 */
bool goalloc_mcentral_has(struct goalloc_mcentral *central, struct goalloc_mspan *span,
			  const struct goalloc_slot *slot)
{
	unsigned long flags;
	bool has = false;

	raw_spin_lock_irqsave(&central->lock, flags);
	if (goalloc_span_kind(span) != GOALLOC_SPAN_DEAD) {
		has = goalloc_span_bit(span, slot->state - span->states);
		if (!has)
			WRITE_ONCE(*slot->state, GOALLOC_FREE);
	}
	raw_spin_unlock_irqrestore(&central->lock, flags);
	return has;
}

/* Take over a magazine that is not needed any more. Context: as goalloc_mcentral_flush(). */
void goalloc_mcentral_drop(struct goalloc_mcentral *central, struct goalloc_magazine *mag)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&central->lock, flags);
	push(central, &central->empty_mags, mag);
	raw_spin_unlock_irqrestore(&central->lock, flags);
}

#define RECLAIM_BATCH	16	/* magazines: some 10,000 instructions at most */

/*
 * Memory is short: bring home some full magazines of @nid, of all classes in turn, as
 * their objects may be all that keeps pages from being free. So a large depot costs no
 * page that anybody needs. False if there was none. Context: as goalloc_mcentral_flush().
 */
bool goalloc_mcentral_reclaim(int nid)
{
	static unsigned int next;	/* a hint; anyone may write it */
	struct goalloc_mcentral *central;
	struct goalloc_magazine *mag;
	unsigned int i, n = 0, at = READ_ONCE(next);
	unsigned long flags;

	for (i = 0; i < GOALLOC_NR_CLASSES && n < RECLAIM_BATCH; i++) {
		at = at + 1 < GOALLOC_NR_CLASSES ? at + 1 : 1;
		central = goalloc_classes[at]->central[nid];
		while (READ_ONCE(central->nfull) && n < RECLAIM_BATCH) {
			raw_spin_lock_irqsave(&central->lock, flags);
			mag = pop(central, &central->full_mags);
			if (mag) {
				WRITE_ONCE(central->nfull, central->nfull - 1);
				give(central, goalloc_magazine_first(mag, central->class),
				     central->class->capacity);
				push(central, &central->empty_mags, mag);
				n++;
			}
			raw_spin_unlock_irqrestore(&central->lock, flags);
		}
	}
	WRITE_ONCE(next, at);
	return n;
}

/*
 * Bring the objects of the full magazines home, so that empty spans go to the
 * mheap, and the magazines to whoever needs one. Interrupts are off for one
 * magazine at a time. Context: as goalloc_mcentral_flush().
 */
void goalloc_mcentral_release(struct goalloc_mcentral *central)
{
	struct goalloc_magazine *mag;
	unsigned long flags;

	do {
		raw_spin_lock_irqsave(&central->lock, flags);
		mag = pop(central, &central->full_mags);
		if (mag) {
			WRITE_ONCE(central->nfull, central->nfull - 1);
			give(central, goalloc_magazine_first(mag, central->class),
			     central->class->capacity);
		} else {
			mag = pop(central, &central->empty_mags);
		}
		raw_spin_unlock_irqrestore(&central->lock, flags);
		if (mag)
			goalloc_meta_magazine_put(mag);
	} while (mag);
}

/* The background's part: bring a depot home that nobody has used since the last call. */
void goalloc_mcentral_scavenge(struct goalloc_mcentral *central)
{
	unsigned long moves = READ_ONCE(central->refills) + READ_ONCE(central->flushes);

	if (moves == central->seen && READ_ONCE(central->nfull))
		goalloc_mcentral_release(central);
	central->seen = moves;
}

/* An empty mcentral, or NULL. Context: may sleep. */
struct goalloc_mcentral *goalloc_mcentral_create(struct goalloc_class *class, int nid)
{
	struct goalloc_mcentral *central = NULL;
	int i;

	if (!goalloc_fault(sizeof(*central), GFP_KERNEL))
		central = kzalloc_node(sizeof(*central), GFP_KERNEL, nid);
	if (!central)
		return NULL;
	raw_spin_lock_init(&central->lock);
	central->class = class;
	central->nid = nid;
	INIT_LIST_HEAD(&central->full);
	for (i = 0; i < GOALLOC_FULLNESS; i++)
		INIT_LIST_HEAD(&central->partial[i]);
	return central;
}
