// SPDX-License-Identifier: GPL-2.0
/*
 * Metadata: mspans, the blocks that hold their bits and state bytes, and the
 * worker that keeps reserves of both.
 *
 * All of it is carved from vmalloc'ed regions that stay as long as anything in them
 * is in use or in limbo, so a lookup that needs no lock never meets an unmapped byte.
 * An mspan is only ever an mspan (type-stable). An mspan and its block that go out of
 * use wait in limbo, for two who may still know them: a free that reads them with
 * preemption off and no lock, and a slot that two racing frees of an object left in a
 * bin (goalloc_mcache_scan_all() looks for those). Limbo is scanned once enough waits
 * there, so the scan's cost for a span is small, as with hazard pointers:
 *
 *	region -> in use -> limbo -> every CPU has scanned its bins -> free lists
 *
 * Magazines are carved from the same regions; they need no limbo.
 *
 * Atomic context never calls vmalloc. It lives on the spare region that the
 * worker keeps ready, and past that on regions straight from the page allocator.
 *
 * Locks: meta_lock protects everything here, innermost of all. irq_work carries
 * the news that something is wanted out of it, as nothing may be woken under a
 * raw lock.
 */
#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "goalloc_internal.h"
#include "goalloc_debug.h"

#define UNIT		16UL			/* block sizes are multiples of it */
#define MAX_BLOCK	(GOALLOC_PAGE_SIZE / 2)	/* a tiny span's is the largest: 5.2 B in 16 */
#define REGION_BYTES	max(32 * 1024UL, 4 * MAX_BLOCK)
#define SPAN_BYTES	64UL
#define REGION_HEAD	SPAN_BYTES		/* struct region, and what keeps the rest aligned */

/* What of a caller's flags decides how hard to try. */
#define GFP_EFFORT	(__GFP_RECLAIM | __GFP_HIGH | __GFP_IO | __GFP_FS | __GFP_NORETRY | \
			 __GFP_RETRY_MAYFAIL | __GFP_MEMALLOC | __GFP_NOMEMALLOC)

struct region {
	union {
		struct region *next;
		struct llist_node later;
	};
	size_t bytes;
};

struct block {
	struct block *next;
};

static DEFINE_RAW_SPINLOCK(meta_lock);
static struct region *regions;		/* all, for unloading */
static LLIST_HEAD(free_later);		/* what atomic context could not free */
static struct region *spare;		/* one untouched region, for atomic context */
static char *bump, *bump_end;		/* the rest of the newest region in use */
static struct block *free_blocks[MAX_BLOCK / UNIT + 1];
static struct goalloc_magazine *free_mags;	/* linked by their first slot */
static LIST_HEAD(free_spans);
static LIST_HEAD(limbo);		/* out of use, perhaps not forgotten */
static size_t limbo_bytes;		/* in it */
static bool limbo_asked;		/* the worker knows */
static atomic_long_t meta_bytes;
static atomic_long_t region_bytes;	/* a part of meta_bytes */
static bool stopping;

static struct irq_work kick_irq_work;
static struct work_struct kick_work;

/**
 * goalloc_meta_vzalloc() - memory for metadata that is not carved from regions
 * @bytes: how much
 * @gfp: only if it allows to sleep vmalloc is called, else the page allocator
 *
 * Context: any in which the page allocator may be entered; no lock held.
 * Return: zeroed memory, for goalloc_meta_free(), or NULL.
 */
void *goalloc_meta_vzalloc(size_t bytes, gfp_t gfp)
{
	void *p;

	bytes = PAGE_ALIGN(bytes);
	if (goalloc_fault(bytes, gfp) || !goalloc_limit_charge(bytes, gfp))
		return NULL;
	gfp = (gfp & GFP_EFFORT) | __GFP_ZERO | __GFP_NOWARN;
	if (gfpflags_allow_blocking(gfp)) {
		p = __vmalloc(bytes, gfp);
		goalloc_debug_metadata(p);
	} else if (goalloc_may_enter_pages()) {
		p = alloc_pages_exact(bytes, gfp);
	} else {
		p = NULL;
	}
	if (p)
		atomic_long_add(bytes, &meta_bytes);
	else
		goalloc_limit_uncharge(bytes);
	return p;
}

/* Give back what goalloc_meta_vzalloc() gave. */
void goalloc_meta_free(void *p, size_t bytes)
{
	if (!p)
		return;
	bytes = PAGE_ALIGN(bytes);
	atomic_long_sub(bytes, &meta_bytes);
	goalloc_limit_uncharge(bytes);
	if (is_vmalloc_addr(p))
		vfree(p);
	else
		free_pages_exact(p, bytes);
}

/* The same from where vfree() must not be called: the worker does it. */
void goalloc_meta_free_later(void *p, size_t bytes)
{
	struct region *r = p;

	if (!p)
		return;
	r->bytes = bytes;
	llist_add(&r->later, &free_later);
	goalloc_meta_kick();
}

static void free_late(void)
{
	struct region *r, *next;

	llist_for_each_entry_safe(r, next, llist_del_all(&free_later), later)
		goalloc_meta_free(r, r->bytes);
}

/* Bytes that goalloc_meta_vzalloc() has given out: regions, arenas, leaves, mheaps. */
size_t goalloc_meta_metadata(void)
{
	return atomic_long_read(&meta_bytes);
}

/* Bytes of regions. */
size_t goalloc_meta_regions(void)
{
	return atomic_long_read(&region_bytes);
}

static void put_block(void *p, size_t bytes)
{
	struct block *b = p;

	lockdep_assert_held(&meta_lock);
	if (bytes < UNIT)
		return;
	bytes = min(bytes, MAX_BLOCK);
	b->next = free_blocks[bytes / UNIT];
	free_blocks[bytes / UNIT] = b;
}

/* Make @r the region that blocks are carved from; the rest of the last one is not lost. */
static void use_region(struct region *r)
{
	lockdep_assert_held(&meta_lock);
	put_block(bump, bump_end - bump);
	r->next = regions;
	regions = r;
	WRITE_ONCE(bump, (char *)r + REGION_HEAD);
	WRITE_ONCE(bump_end, (char *)r + r->bytes);
}

static void *carve(size_t bytes, size_t align)
{
	char *p;

	lockdep_assert_held(&meta_lock);
	for (;;) {
		p = PTR_ALIGN(bump, align);
		if (p + bytes <= bump_end)
			break;
		if (!spare)
			return NULL;
		use_region(spare);
		WRITE_ONCE(spare, NULL);	/* pairs with have_spare() */
		goalloc_meta_kick();
	}
	put_block(bump, p - bump);
	WRITE_ONCE(bump, p + bytes);
	return p;
}

/* A magazine, its slots undefined, or NULL if atomic reserves are used up. */
struct goalloc_magazine *goalloc_meta_magazine_get(void)
{
	struct goalloc_magazine *mag;
	unsigned long flags;

	raw_spin_lock_irqsave(&meta_lock, flags);
	mag = free_mags;
	if (mag)
		free_mags = mag->slots[0].obj;
	else
		mag = carve(GOALLOC_MAGAZINE_BYTES, GOALLOC_MAGAZINE_BYTES);
	raw_spin_unlock_irqrestore(&meta_lock, flags);
	return mag;
}

void goalloc_meta_magazine_put(struct goalloc_magazine *mag)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&meta_lock, flags);
	mag->slots[0].obj = free_mags;
	free_mags = mag;
	raw_spin_unlock_irqrestore(&meta_lock, flags);
}

static void *get_block(size_t bytes)
{
	struct block *b = free_blocks[bytes / UNIT];

	lockdep_assert_held(&meta_lock);
	if (!b)
		return carve(bytes, UNIT);
	free_blocks[bytes / UNIT] = b->next;
	return b;
}

/*
 * A dead mspan, and unless @bytes is 0 a block of that many, a multiple of 16, not
 * zeroed. NULL if atomic reserves are used up.
 */
struct goalloc_mspan *goalloc_meta_span_get(size_t bytes, void **block)
{
	struct goalloc_mspan *span;
	unsigned long flags;

	raw_spin_lock_irqsave(&meta_lock, flags);
	if (bytes) {
		*block = get_block(bytes);
		if (!*block) {
			raw_spin_unlock_irqrestore(&meta_lock, flags);
			return NULL;
		}
	}
	span = list_first_entry_or_null(&free_spans, struct goalloc_mspan, list);
	if (span) {
		list_del(&span->list);
	} else {
		span = carve(SPAN_BYTES, SPAN_BYTES);
		if (span)
			memset(span, 0, sizeof(*span));
		else if (bytes)
			put_block(*block, bytes);
	}
	raw_spin_unlock_irqrestore(&meta_lock, flags);
	return span;
}

/*
 * Put back a dead mspan without block that no page ever named. Nobody can know it, so
 * it skips limbo, where failing allocations would pile up.
 */
void goalloc_meta_span_unget(struct goalloc_mspan *span)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&meta_lock, flags);
	list_add(&span->list, &free_spans);
	raw_spin_unlock_irqrestore(&meta_lock, flags);
}

#define LIMBO_BYTES	(64 << 10)	/* worth a scan */
#define LIMBO_SOME	(8 << 10)	/* worth a scan when a region is wanted */

/* Is there enough in limbo to have every CPU look for it? */
static bool limbo_wants(void)
{
	return READ_ONCE(limbo_bytes) >= (READ_ONCE(spare) ? LIMBO_BYTES : LIMBO_SOME);
}

/*
 * Put away a dead mspan, with its block, if it had one: @block of @bytes. Both are
 * used again when no CPU knows them any more.
 */
void goalloc_meta_span_put(struct goalloc_mspan *span, void *block, size_t bytes)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&meta_lock, flags);
	span->alloc_cache = (unsigned long)block;
	span->npages = bytes / UNIT;
	list_add_tail(&span->list, &limbo);
	WRITE_ONCE(limbo_bytes, limbo_bytes + SPAN_BYTES + bytes);	/* for limbo_wants() */
	if (!limbo_asked && limbo_wants()) {
		limbo_asked = true;
		goalloc_meta_kick();
	}
	raw_spin_unlock_irqrestore(&meta_lock, flags);
}

#define LIMBO_BATCH	32	/* mspans moved under one lock hold */

/* Bring back what is in limbo. Context: task, may sleep. */
static void limbo_end(void)
{
	struct goalloc_mspan *span;
	unsigned long flags;
	unsigned int n = 0;
	size_t bytes;
	LIST_HEAD(over);
	void *block;

	raw_spin_lock_irqsave(&meta_lock, flags);
	list_splice_init(&limbo, &over);
	WRITE_ONCE(limbo_bytes, 0);
	limbo_asked = false;
	raw_spin_unlock_irqrestore(&meta_lock, flags);

	goalloc_mcache_scan_all();

	raw_spin_lock_irqsave(&meta_lock, flags);
	while (!list_empty(&over)) {
		span = list_first_entry(&over, struct goalloc_mspan, list);
		block = (void *)(unsigned long)span->alloc_cache;
		bytes = span->npages * UNIT;
		/* a free that raced with the span's end may have left a state there */
		if (block)
			memset(block, 0, bytes);
		put_block(block, bytes);
		list_move(&span->list, &free_spans);
		if (!(++n % LIMBO_BATCH)) {
			raw_spin_unlock_irqrestore(&meta_lock, flags);
			raw_spin_lock_irqsave(&meta_lock, flags);
		}
	}
	raw_spin_unlock_irqrestore(&meta_lock, flags);
}

/**
 * goalloc_meta_kick() - have the reserves looked after, soon
 *
 * Context: any, also with any lock held: only an irq_work is queued.
 */
void goalloc_meta_kick(void)
{
	if (!READ_ONCE(stopping))
		irq_work_queue(&kick_irq_work);
}

static bool have_spare(void)
{
	return READ_ONCE(spare) || READ_ONCE(bump_end) - READ_ONCE(bump) > (long)REGION_BYTES / 2;
}

static void kick_irq(struct irq_work *work)
{
	if (!READ_ONCE(stopping) && (!have_spare() || limbo_wants() || !llist_empty(&free_later) ||
				     goalloc_arena_wants() || goalloc_mheap_wants() ||
				     goalloc_nolock_wants() || goalloc_limit_wants() ||
				     goalloc_scavenger_wants()))
		queue_work(system_unbound_wq, &kick_work);
}

static void kick_worker(struct work_struct *work)
{
	free_late();
	/* before a region is made that would not be needed afterwards */
	if (limbo_wants())
		limbo_end();
	goalloc_meta_prepare(GFP_KERNEL);
	goalloc_arena_refill();
	goalloc_mheap_refill();
	goalloc_nolock_refill();
	goalloc_limit_refill();
	if (goalloc_scavenger_wants())
		goalloc_scavenger_arm();
}

static struct region *region_create(size_t bytes, gfp_t gfp)
{
	struct region *r = goalloc_meta_vzalloc(bytes, gfp);

	if (!r)
		return NULL;
	r->bytes = bytes;
	atomic_long_add(bytes, &region_bytes);
	return r;
}

/**
 * goalloc_meta_prepare() - see to it that metadata for a few spans is at hand
 * @gfp: decides between vmalloc and single pages
 *
 * Context: as @gfp says; no lock held.
 * Return: 0, or -ENOMEM if there was nothing and nothing could be had.
 */
int goalloc_meta_prepare(gfp_t gfp)
{
	bool blocking = gfpflags_allow_blocking(gfp);
	unsigned long flags;
	struct region *r;

	if (have_spare())
		return 0;
	if (!blocking)
		goalloc_meta_kick();
	r = region_create(REGION_BYTES, gfp);
	if (!r && !blocking)
		r = region_create(2 * MAX_BLOCK, gfp);
	if (!r)
		return READ_ONCE(bump_end) - READ_ONCE(bump) > (long)MAX_BLOCK ? 0 : -ENOMEM;
	raw_spin_lock_irqsave(&meta_lock, flags);
	if (!spare) {
		WRITE_ONCE(spare, r);
		r = NULL;
	}
	raw_spin_unlock_irqrestore(&meta_lock, flags);
	if (r) {
		atomic_long_sub(r->bytes, &region_bytes);
		goalloc_meta_free_later(r, r->bytes);
	}
	return 0;
}

/* ---- giving regions back ---- */

/* What is free, taken off the lists by goalloc_meta_release(). */
struct free_pieces {
	struct block *blocks[MAX_BLOCK / UNIT + 1];
	struct goalloc_magazine *mags;
	struct list_head spans;
};

struct region_use {
	struct region *region;
	size_t free;
	bool empty;
};

static int region_cmp(const void *a, const void *b)
{
	const struct region_use *x = a, *y = b;

	return x->region < y->region ? -1 : x->region > y->region;
}

/* The one of @n sorted regions that @p lies in. */
static struct region_use *region_of(struct region_use *use, size_t n, const void *p)
{
	size_t low = 0, mid;

	while (n - low > 1) {
		mid = low + (n - low) / 2;
		if ((const void *)use[mid].region <= p)
			low = mid;
		else
			n = mid;
	}
	return use + low;
}

/*
 * Go through all @pieces: without @back count them in their regions, else put back those
 * of regions that stay.
 */
static void pieces_walk(struct free_pieces *pieces, struct region_use *use, size_t n, bool back)
{
	struct goalloc_mspan *span, *next_span;
	struct goalloc_magazine *mag, *next_mag;
	struct block *b, *next;
	struct region_use *in;
	unsigned long flags;
	size_t i;

	for (i = 1; i < ARRAY_SIZE(pieces->blocks); i++) {
		for (b = pieces->blocks[i]; b; b = next) {
			next = b->next;
			in = region_of(use, n, b);
			in->free += i * UNIT;
			if (!back || in->empty)
				continue;
			raw_spin_lock_irqsave(&meta_lock, flags);
			put_block(b, i * UNIT);
			raw_spin_unlock_irqrestore(&meta_lock, flags);
		}
		cond_resched();
	}
	for (mag = pieces->mags; mag; mag = next_mag) {
		next_mag = mag->slots[0].obj;
		in = region_of(use, n, mag);
		in->free += GOALLOC_MAGAZINE_BYTES;
		if (back && !in->empty)
			goalloc_meta_magazine_put(mag);
	}
	list_for_each_entry_safe(span, next_span, &pieces->spans, list) {
		in = region_of(use, n, span);
		in->free += SPAN_BYTES;
		if (!back || in->empty)
			continue;
		raw_spin_lock_irqsave(&meta_lock, flags);
		list_move(&span->list, &free_spans);
		raw_spin_unlock_irqrestore(&meta_lock, flags);
	}
}

/* Take the empty ones of @use off the list of regions and free them. */
static void regions_free(struct region_use *use, size_t n)
{
	struct region **link, *r, *gone = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&meta_lock, flags);
	for (link = &regions; (r = *link); ) {
		/* a region that came meanwhile is not among them */
		if (region_of(use, n, r)->region == r && region_of(use, n, r)->empty) {
			*link = r->next;
			r->next = gone;
			gone = r;
		} else {
			link = &r->next;
		}
	}
	raw_spin_unlock_irqrestore(&meta_lock, flags);
	while ((r = gone)) {
		gone = r->next;
		atomic_long_sub(r->bytes, &region_bytes);
		goalloc_meta_free(r, r->bytes);
	}
}

/**
 * goalloc_meta_release() - free the regions that nothing is in use of
 *
 * What is free is taken off its lists, counted, and what lies in regions with something
 * in use put back. Who asks meanwhile gets new memory.
 *
 * Context: task, may sleep.
 */
void goalloc_meta_release(void)
{
	static DEFINE_MUTEX(mutex);
	struct free_pieces *pieces;
	struct region_use *use;
	struct region *r, *busy;
	unsigned long flags;
	size_t i, n = 0, room = goalloc_meta_regions() / (2 * MAX_BLOCK) + 8;

	mutex_lock(&mutex);
	limbo_end();
	if (goalloc_fault(room * sizeof(*use), GFP_KERNEL))
		goto out_unlock;
	pieces = kzalloc(sizeof(*pieces), GFP_KERNEL);
	use = kvcalloc(room, sizeof(*use), GFP_KERNEL);
	if (!pieces || !use)
		goto out;
	INIT_LIST_HEAD(&pieces->spans);

	raw_spin_lock_irqsave(&meta_lock, flags);
	for (r = regions; r && n < room; r = r->next)
		use[n++].region = r;
	busy = regions;		/* the newest is being carved */
	if (r)
		n = 0;
	if (n) {
		swap(pieces->mags, free_mags);
		memcpy(pieces->blocks, free_blocks, sizeof(free_blocks));
		memset(free_blocks, 0, sizeof(free_blocks));
		list_splice_init(&free_spans, &pieces->spans);
	}
	raw_spin_unlock_irqrestore(&meta_lock, flags);
	if (!n)
		goto out;

	sort(use, n, sizeof(*use), region_cmp, NULL);
	pieces_walk(pieces, use, n, false);
	for (i = 0; i < n; i++)
		use[i].empty = use[i].region != busy &&
			       use[i].free == use[i].region->bytes - REGION_HEAD;
	pieces_walk(pieces, use, n, true);
	regions_free(use, n);
out:
	kvfree(use);
	kfree(pieces);
out_unlock:
	mutex_unlock(&mutex);
}

/*
 * Are the lists of spare and dead metadata what they should be? All CPUs stand still;
 * @bad says what is wrong, or NULL.
 */
void goalloc_meta_check(const char **bad)
{
	struct goalloc_mspan *span;
	size_t in_limbo = 0, total = 0;
	struct region *r;

	*bad = NULL;
	list_for_each_entry(span, &free_spans, list)
		if (goalloc_span_kind(span) != GOALLOC_SPAN_DEAD || READ_ONCE(span->recip))
			*bad = "a spare mspan is not dead";
	list_for_each_entry(span, &limbo, list) {
		if (goalloc_span_kind(span) != GOALLOC_SPAN_DEAD || READ_ONCE(span->recip))
			*bad = "an mspan in limbo is not dead";
		in_limbo += SPAN_BYTES + span->npages * UNIT;
	}
	if (in_limbo != limbo_bytes)
		*bad = "limbo has another size than counted";
	for (r = regions; r; r = r->next)
		total += r->bytes;
	if (spare)
		total += spare->bytes;
	/* one may be on its way to be spare */
	if (total > goalloc_meta_regions())
		*bad = "regions are larger than counted";
	if (bump > bump_end)
		*bad = "more was carved from a region than it has";
}

int goalloc_meta_init(void)
{
	init_irq_work(&kick_irq_work, kick_irq);
	INIT_WORK(&kick_work, kick_worker);
	stopping = false;
	return goalloc_meta_prepare(GFP_KERNEL);
}

/* Ends the worker; from here on nothing of goalloc's runs by itself. */
void goalloc_meta_stop(void)
{
	WRITE_ONCE(stopping, true);
	irq_work_sync(&kick_irq_work);
	cancel_work_sync(&kick_work);
}

/**
 * goalloc_meta_settle() - wait until the worker has done what it was asked for
 *
 * For tests: users get on with what there is.
 *
 * Context: task, may sleep.
 */
void goalloc_meta_settle(void)
{
	irq_work_sync(&kick_irq_work);
	flush_work(&kick_work);
}

void goalloc_meta_exit(void)
{
	struct region *r;

	free_late();
	if (spare)
		goalloc_meta_free(spare, spare->bytes);
	while ((r = regions)) {
		regions = r->next;
		goalloc_meta_free(r, r->bytes);
	}
	WARN_ON_ONCE(goalloc_meta_metadata());
}
