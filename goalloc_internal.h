/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The structures that the parts of goalloc share, and what each part offers the
 * others. An object's way is mcache -> mcentral -> mheap -> page allocator.
 *
 * Lock order (all raw, taken with interrupts off, none held while calling the
 * page allocator, vmalloc or anything that may sleep or wake):
 *
 *   1. goalloc_mcentral.lock	one a span class and node: its span lists, the
 *				spans on them, its magazines
 *   2. goalloc_mheap.lock	one a node: free runs, held pages, large spans
 *   3. meta_lock		mspans, metadata blocks, reserves
 *
 * and arena_lock, which installs arenas, before 2, and the locks of goalloc_rcu.c,
 * which none is taken inside of or around.
 *
 * The mcache bins have no lock: see goalloc_mcache.c for who may touch them.
 */
#ifndef _GOALLOC_INTERNAL_H
#define _GOALLOC_INTERNAL_H

#include <linux/bitmap.h>
#include <linux/cache.h>
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/goalloc.h>

#include "goalloc_compat.h"

#if PAGE_SHIFT > 13
#define GOALLOC_PAGE_SHIFT	PAGE_SHIFT
#else
#define GOALLOC_PAGE_SHIFT	13
#endif
#define GOALLOC_PAGE_SIZE	BIT(GOALLOC_PAGE_SHIFT)
#define GOALLOC_PAGE_ORDER	(GOALLOC_PAGE_SHIFT - PAGE_SHIFT)

#define GOALLOC_ARENA_SHIFT	26
#define GOALLOC_ARENA_PAGES	(1UL << (GOALLOC_ARENA_SHIFT - GOALLOC_PAGE_SHIFT))

/* Largest object: what alloc_pages() gives, and no more than an arena. */
#define GOALLOC_MAX_ORDER	min_t(unsigned int, MAX_PAGE_ORDER,	\
				      GOALLOC_ARENA_SHIFT - PAGE_SHIFT)
#define GOALLOC_MAX_SIZE	(PAGE_SIZE << GOALLOC_MAX_ORDER)

/*
 * An object's state byte. Plain loads and stores: whoever frees an object has
 * it from whoever allocated it by an ordering of their own, and what goes
 * through mcentral is ordered by its lock.
 */
enum goalloc_state {
	GOALLOC_FREE	= 0,	/* free in its span, its allocation bit clear */
	GOALLOC_CACHED	= 1,	/* in one bin or batch, bit set; of a large object: being freed */
	GOALLOC_USED	= 2,	/* with its user, bit set */
	GOALLOC_NONE	= 3,	/* no object: guard behind a span's last, empty bin */
	GOALLOC_STASHED	= 4,	/* with goalloc_nolock.c, which is its user; bit set */
};

/* What an mspan is. Written by its owner; read by anyone at any time. */
enum goalloc_kind {
	GOALLOC_SPAN_DEAD,	/* describes nothing; in limbo or spare */
	GOALLOC_SPAN_SMALL,	/* objects of a size class, on its mcentral's lists */
	GOALLOC_SPAN_TINY,	/* the same, of blocks that the tiny allocator shares out */
	GOALLOC_SPAN_LARGE,	/* one object of whole pages */
	GOALLOC_SPAN_DIRECT,	/* the same, of pages of a special zone: never kept */
};

/* A waiting object, and its state byte, so that nobody needs to look it up. */
struct goalloc_slot {
	void *obj;
	u8 *state;
};

/*
 * A stack of waiting objects (Bonwick's magazine), 512 bytes and aligned so. The
 * slots are used from the end's @capacity-th on: full, the stack's top has its low
 * bits clear. The slot below the first is the floor: its state is GOALLOC_NONE, so
 * the check of the state finds an empty magazine too. Its ->obj links magazines
 * that lie in an mcentral.
 */
#define GOALLOC_MAGAZINE_SLOTS	31

struct goalloc_magazine {
	struct goalloc_slot slots[GOALLOC_MAGAZINE_SLOTS + 1];
};

#define GOALLOC_MAGAZINE_BYTES	(sizeof(struct goalloc_slot) * (GOALLOC_MAGAZINE_SLOTS + 1))

/**
 * struct goalloc_bin - objects of a class that wait on a CPU for a context level
 * @top: above the last object of the magazine in use; of a bin without one it is
 *	the end of a magazine that is empty and full at once
 * @nalloc: objects taken out, ever
 * @prev: the magazine before, full or empty, or NULL: it keeps a user who
 *	wavers around a magazine's end away from mcentral
 * @nprev: objects in it
 */
struct goalloc_bin {
	struct goalloc_slot *top;
	unsigned long nalloc;
	struct goalloc_magazine *prev;
	unsigned long nprev;
};

#define GOALLOC_LEVELS		3	/* task, softirq, hardirq: interrupt_context_level() */

/**
 * struct goalloc_mspan - a run of pages and what it is used for
 * @base: its first byte
 * @states: a byte an object (enum goalloc_state), and a guard
 * @bins: the mcache bins that its objects go to
 * @recip: 2^32 / object size, rounded up; 0 if it has no objects to free here, so
 *	that every pointer into it fails the test for an object's first byte
 * @nid: NUMA node whose mheap it is from
 * @kind_class: enum goalloc_kind in the low 4 bits, class number above
 * @list: on one list of its mcentral, or of spare or dead mspans
 * @alloc_cache: complement of the allocation bits from @freeindex rounded down to 64;
 *	of a dead mspan: the address of its block
 * @large_state: the state byte of a large object
 * @npages: length in goalloc pages; of a dead mspan: its block in units of 16 B
 * @nalloc: objects with users, in bins and in batches
 * @freeindex: no object below it is free
 * @nelems: number of objects
 *
 * One cache line; the first half is all that the fast path reads. Type-stable
 * while the module is loaded; reused for another span when no CPU can know this one.
 * Written with the lock of the owning mcentral or mheap held, read without.
 */
struct goalloc_mspan {
	unsigned long base;
	u8 *states;
	struct goalloc_bin __percpu *bins;
	u32 recip;
	u16 nid;
	u16 kind_class;

	struct list_head list;
	u64 alloc_cache;
	u16 npages;
	union {
		u16 nalloc;
		u8 large_state;
	};
	u16 freeindex;
	u16 nelems;
};

static_assert(sizeof(struct goalloc_mspan) <= 64);

#define GOALLOC_FULLNESS	8	/* lists of spans with free objects, by eighths in use */
/* In an mcentral's full magazines, at most; as in TCMalloc's transfer cache. */
#define GOALLOC_DEPOT_BYTES	(1024U << 10)
#define GOALLOC_DEPOT_OBJECTS	1024

/**
 * struct goalloc_mcentral - the spans of one class on one node
 * @lock: protects all below and the spans on the lists
 * @class: whose
 * @nid: NUMA node
 * @nfull: magazines in @full_mags
 * @full_mags: objects that pass between mcaches without touching their spans
 * @empty_mags: magazines without
 * @nspans: spans, full ones included
 * @span_pages: goalloc pages in them
 * @nelems: objects in them
 * @nalloc: of these not free in their spans
 * @refills: batches given out, ever
 * @flushes: batches taken in, ever
 * @seen: both, when goalloc_mcentral_scavenge() was here; its own
 * @partial: spans with free objects; the fullest on the last list
 * @full: spans without
 */
struct goalloc_mcentral {
	raw_spinlock_t lock;
	struct goalloc_class *class;
	int nid;
	unsigned int nfull;
	struct goalloc_magazine *full_mags;
	struct goalloc_magazine *empty_mags;
	unsigned long nspans;
	unsigned long span_pages;
	unsigned long nelems;
	unsigned long nalloc;
	unsigned long refills;
	unsigned long flushes;
	unsigned long seen;
	struct list_head partial[GOALLOC_FULLNESS];
	struct list_head full;
} ____cacheline_aligned_in_smp;

/**
 * struct goalloc_class - objects of one size that share spans
 * @bins: the mcaches' bins for it; the levels of a CPU one behind the other
 * @central: one a node
 * @name: for people
 * @size: bytes an object
 * @recip: 2^32 / @size, rounded up
 * @npages: goalloc pages a span, or fewer when memory is short
 * @min_pages: the least number that holds an object
 * @align_pages: what a span's first page is aligned to
 * @id: its number
 * @kind: GOALLOC_SPAN_SMALL or GOALLOC_SPAN_TINY
 * @capacity: objects a magazine
 * @max_full: full magazines an mcentral keeps
 *
 * Constant after goalloc_class_init_all().
 */
struct goalloc_class {
	struct goalloc_bin __percpu *bins;
	struct goalloc_mcentral **central;
	const char *name;
	u32 size;
	u32 recip;
	u16 npages;
	u16 min_pages;
	u16 align_pages;
	u16 id;
	u8 kind;
	u8 capacity;
	u8 max_full;
};

#define GOALLOC_TINY_CLASS	(GOALLOC_NR_SIZES + 1)
#define GOALLOC_NR_CLASSES	(GOALLOC_NR_SIZES + 2)	/* class 0 serves nothing */
#define GOALLOC_TINY_SIZE	16

/* ---- goalloc_class.c: the table of classes ---- */

extern struct goalloc_class *goalloc_classes[GOALLOC_NR_CLASSES];
extern struct goalloc_bin __percpu *goalloc_bins[GOALLOC_NR_CLASSES];
extern unsigned int goalloc_bin_kb;

int goalloc_class_init_all(void);
void goalloc_class_exit_all(void);
size_t goalloc_class_metadata(void);

#define for_each_goalloc_class(c, i) \
	for (i = 1; i < GOALLOC_NR_CLASSES && ((c) = goalloc_classes[i]); i++)

/* ---- goalloc_arena.c: from an address to its span ---- */

#define GOALLOC_LEAF_PAGES	512UL
#define GOALLOC_LEAF_SHIFT	(GOALLOC_PAGE_SHIFT + 9)

/**
 * struct goalloc_leaf - the spans of 512 neighbouring goalloc pages
 * @spans: the mspan of each page; &goalloc_no_span where there is none. Written by
 *	whoever owns the page, read by anyone
 */
struct goalloc_leaf {
	struct goalloc_mspan *spans[GOALLOC_LEAF_PAGES];
};

/**
 * struct goalloc_arena - 64 MiB of the linear map
 * @held: which pages goalloc has from the page allocator
 * @busy: which pages are not free in the mheap: not held, in a span, in a page cache
 * @list: on goalloc_mheap.arenas, by address
 * @other: an arena of the same memory for another node, or NULL
 * @base: its first byte
 * @nfree: pages free in the mheap
 * @search: no page below this index is free (as Go's searchAddr)
 * @longest: no run of free pages is longer
 * @nid: the node whose pages it is for: where two nodes meet, each has an arena
 *
 * Type-stable while the module is loaded. The mheap's lock protects all of it.
 */
struct goalloc_arena {
	DECLARE_BITMAP(held, GOALLOC_ARENA_PAGES);
	DECLARE_BITMAP(busy, GOALLOC_ARENA_PAGES);
	struct list_head list;
	struct goalloc_arena *other;
	unsigned long base;
	unsigned int nfree;
	unsigned int search;
	unsigned int longest;
	int nid;
};

/**
 * struct goalloc_arena_index - what a lookup reads
 * @base: first byte of the linear map
 * @nr: leaves that @leaves has entries for; grows with the memory
 * @leaves: never NULL: a leaf without spans where there is none
 * @arenas: the arenas; NULL where there is none
 */
struct goalloc_arena_index {
	unsigned long base;
	unsigned long nr;
	struct goalloc_leaf **leaves;
	struct goalloc_arena **arenas;
};

extern struct goalloc_arena_index goalloc_arenas;
extern struct goalloc_mspan goalloc_no_span;

int goalloc_arena_init(void);
void goalloc_arena_exit(void);
struct goalloc_arena *goalloc_arena_ensure(unsigned long addr, unsigned long bytes, int nid,
					   gfp_t gfp);
bool goalloc_arena_wants(void);
void goalloc_arena_refill(void);
struct goalloc_arena *goalloc_arena_of(unsigned long addr, int nid);
bool goalloc_arena_held(const void *p);

/**
 * goalloc_span_of() - the mspan of any address
 * @p: any value at all: foreign, vmalloc, user, NULL, ERR_PTR
 *
 * Two dependent loads. The mspan is only stable if something keeps the object at
 * @p allocated or the lock of its owner is held; otherwise it is type-stable, and
 * with preemption off its @states may be read at any index that @recip gives.
 *
 * Return: the mspan, &goalloc_no_span if the page has none.
 */
static __always_inline struct goalloc_mspan *goalloc_span_of(const void *p)
{
	unsigned long off = (unsigned long)p - goalloc_arenas.base;
	unsigned long i = off >> GOALLOC_LEAF_SHIFT;

	/* whoever sees the number sees the table that has so many; pairs with index_grow() */
	if (unlikely(i >= smp_load_acquire(&goalloc_arenas.nr)))
		return &goalloc_no_span;
	off = (off >> GOALLOC_PAGE_SHIFT) & (GOALLOC_LEAF_PAGES - 1);
	/* address dependencies; they pair with the releases in goalloc_arena.c */
	return READ_ONCE(READ_ONCE(READ_ONCE(goalloc_arenas.leaves)[i])->spans[off]);
}

void goalloc_arena_set(unsigned long addr, unsigned long npages, struct goalloc_mspan *span);

/*
 * On PREEMPT_RT the page allocator's locks sleep, whatever the gfp flags say:
 * only a preemptible context may go there.
 */
static inline bool goalloc_may_enter_pages(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible();
}

/* ---- goalloc_meta.c: mspans and blocks of metadata; the worker ---- */

int goalloc_meta_init(void);
void goalloc_meta_stop(void);
void goalloc_meta_settle(void);
void goalloc_meta_exit(void);
int goalloc_meta_prepare(gfp_t gfp);
struct goalloc_mspan *goalloc_meta_span_get(size_t bytes, void **block);
void goalloc_meta_span_put(struct goalloc_mspan *span, void *block, size_t bytes);
void goalloc_meta_span_unget(struct goalloc_mspan *span);
struct goalloc_magazine *goalloc_meta_magazine_get(void);
void goalloc_meta_magazine_put(struct goalloc_magazine *mag);
size_t goalloc_meta_metadata(void);
size_t goalloc_meta_regions(void);
void *goalloc_meta_vzalloc(size_t bytes, gfp_t gfp);
void goalloc_meta_free(void *p, size_t bytes);
void goalloc_meta_free_later(void *p, size_t bytes);
void goalloc_meta_kick(void);
void goalloc_meta_release(void);
void goalloc_meta_check(const char **bad);

/* ---- goalloc_span.c: objects of a span ---- */

static inline enum goalloc_kind goalloc_span_kind(const struct goalloc_mspan *span)
{
	return READ_ONCE(span->kind_class) & 15;
}

static inline unsigned int goalloc_span_class_id(const struct goalloc_mspan *span)
{
	return READ_ONCE(span->kind_class) >> 4;
}

static inline struct goalloc_class *goalloc_span_class(const struct goalloc_mspan *span)
{
	return goalloc_classes[goalloc_span_class_id(span)];
}

static inline size_t goalloc_span_bytes(const struct goalloc_mspan *span)
{
	return (size_t)span->npages << GOALLOC_PAGE_SHIFT;
}

/* Index of the object whose first byte is @p, or -1; the product says both. */
static __always_inline long goalloc_span_index(const struct goalloc_mspan *span, const void *p)
{
	u32 recip = READ_ONCE(span->recip);
	u64 product = (u64)(u32)((unsigned long)p - span->base) * recip;

	return likely((u32)product < recip) ? (long)(product >> 32) : -1;
}

size_t goalloc_span_block(const struct goalloc_class *class, unsigned int npages);
void goalloc_span_init(struct goalloc_mspan *span, const struct goalloc_class *class,
		       void *block);
unsigned int goalloc_span_take(struct goalloc_mspan *span, struct goalloc_slot *to, unsigned int n);
unsigned int goalloc_span_give(struct goalloc_mspan *span, const struct goalloc_slot *from,
			       unsigned int n);
bool goalloc_span_settle(struct goalloc_mspan *span);
bool goalloc_span_bit(const struct goalloc_mspan *span, unsigned int i);
atomic_t *goalloc_span_tiny_words(const struct goalloc_mspan *span);
void goalloc_span_retire(struct goalloc_mspan *span);

/* ---- goalloc_mheap.c: pages ---- */

/**
 * struct goalloc_mheap - the pages of one node
 * @lock: protects all below and the arenas on @arenas
 * @arenas: by address; pages are taken from the first that has a fitting run
 * @first: no arena before it has a free page; NULL: none has
 * @deferred: freed direct spans whose pages wait for the worker
 * @held: goalloc pages from the page allocator
 * @free: of these free in the arenas; the others are in spans or in page caches
 * @peak: the most that were lately in use; goalloc_mheap_scavenge()'s own
 * @large_spans: number of large spans
 * @large: goalloc pages in them
 * @page_allocs: calls to the page allocator that gave pages
 * @page_frees: kernel pages given back
 * @nid: NUMA node
 */
struct goalloc_mheap {
	raw_spinlock_t lock;
	struct list_head arenas;
	struct goalloc_arena *first;
	struct list_head deferred;
	unsigned long held;
	unsigned long free;
	unsigned long peak;
	unsigned long large_spans;
	unsigned long large;
	unsigned long page_allocs;
	unsigned long page_frees;
	int nid;
} ____cacheline_aligned_in_smp;

extern struct goalloc_mheap **goalloc_mheaps;
extern unsigned int goalloc_chunk_kb;

int goalloc_mheap_init(void);
void goalloc_mheap_exit(void);
void goalloc_mheap_add_arena(struct goalloc_arena *arena);
struct goalloc_mspan *goalloc_mheap_span_alloc(const struct goalloc_class *class, int nid,
					       bool shortest);
void goalloc_mheap_span_free(struct goalloc_mspan *span);
int goalloc_mheap_grow(int nid, unsigned int npages, unsigned int min_pages, unsigned int align,
		       gfp_t gfp);
void *goalloc_mheap_large_alloc(int nid, size_t size, gfp_t gfp);
bool goalloc_mheap_large_claim(struct goalloc_mspan *span);
void goalloc_mheap_large_free(struct goalloc_mspan *span);
void goalloc_mheap_direct_release(void);
void goalloc_mheap_cache_flush(unsigned int cpu);
unsigned long goalloc_mheap_cache_free(unsigned int cpu, unsigned long *base);
bool goalloc_mheap_wants(void);
unsigned long goalloc_mheap_release(struct goalloc_mheap *heap, unsigned long keep);
unsigned long goalloc_mheap_reclaim(struct goalloc_mheap *heap, unsigned long pages);
unsigned long goalloc_mheap_scavenge(struct goalloc_mheap *heap);
void goalloc_mheap_refill(void);

/* ---- goalloc_mcentral.c: spans of a class ---- */

struct goalloc_mcentral *goalloc_mcentral_create(struct goalloc_class *class, int nid);
unsigned int goalloc_mcentral_refill(struct goalloc_mcentral *central,
				     struct goalloc_magazine **mag, bool shortest);
struct goalloc_magazine *goalloc_mcentral_flush(struct goalloc_mcentral *central,
						struct goalloc_magazine *mag);
struct goalloc_magazine *goalloc_mcentral_empty(struct goalloc_mcentral *central);
void goalloc_mcentral_drop(struct goalloc_mcentral *central, struct goalloc_magazine *mag);
unsigned int goalloc_mcentral_take(struct goalloc_mcentral *central, struct goalloc_slot *to,
				   unsigned int n, bool shortest);
bool goalloc_mcentral_try_take(struct goalloc_mcentral *central, struct goalloc_slot *to);
void goalloc_mcentral_give(struct goalloc_mcentral *central, const struct goalloc_slot *from,
			   unsigned int n);
bool goalloc_mcentral_has(struct goalloc_mcentral *central, struct goalloc_mspan *span,
			  const struct goalloc_slot *slot);
bool goalloc_mcentral_reclaim(int nid);
void goalloc_mcentral_release(struct goalloc_mcentral *central);
void goalloc_mcentral_scavenge(struct goalloc_mcentral *central);
void goalloc_mcentral_scan(struct goalloc_mcentral *central);
extern bool goalloc_scanning;

/* The first slot of @mag that objects of @class use; the one below is the floor. */
static inline struct goalloc_slot *goalloc_magazine_first(struct goalloc_magazine *mag,
							  const struct goalloc_class *class)
{
	return mag->slots + GOALLOC_MAGAZINE_SLOTS + 1 - class->capacity;
}

/* The next of the magazines that lie in an mcentral. */
static inline struct goalloc_magazine **goalloc_magazine_next(struct goalloc_magazine *mag,
							      const struct goalloc_class *class)
{
	return (struct goalloc_magazine **)&goalloc_magazine_first(mag, class)[-1].obj;
}

/* ---- goalloc_mcache.c: the fast path ---- */

DECLARE_STATIC_KEY_FALSE(goalloc_init_alloc_key);
DECLARE_STATIC_KEY_FALSE(goalloc_init_free_key);
DECLARE_STATIC_KEY_FALSE(goalloc_numa_key);

extern const u8 goalloc_floor_state;

struct goalloc_bin __percpu *goalloc_mcache_bins_create(void);
void *goalloc_mcache_alloc(struct goalloc_class *class, gfp_t gfp, int node);
void goalloc_mcache_free(struct goalloc_mspan *span, struct goalloc_slot slot);
void goalloc_mcache_late(struct goalloc_mspan *span, struct goalloc_bin *bin);
void goalloc_mcache_drain(unsigned int cpu);
unsigned int goalloc_mcache_count(const struct goalloc_class *class, struct goalloc_bin *bin,
				  struct goalloc_slot **first);
struct goalloc_bin *goalloc_mcache_bin(const struct goalloc_class *class, unsigned int cpu,
				       unsigned int level);
int goalloc_mcache_init(void);
void goalloc_mcache_exit(void);
void goalloc_mcache_drain_all(void);
void goalloc_mcache_drain_ask(void);
void goalloc_mcache_drain_idle(void);
bool goalloc_mcache_valid(const struct goalloc_class *class, const struct goalloc_slot *slot,
			  unsigned int n);
void goalloc_mcache_scan_all(void);

/* ---- goalloc_tiny.c: several objects in a block ---- */

void goalloc_tiny_free(struct goalloc_mspan *span, const void *p, unsigned long ip);
size_t goalloc_tiny_size(const struct goalloc_mspan *span, const void *p);
bool goalloc_tiny_interior(const struct goalloc_mspan *span, const void *p);
bool goalloc_tiny_word_valid(u32 word);
void goalloc_tiny_drain(unsigned int cpu);

/* ---- goalloc_api.c: the rest of the API ---- */

void *goalloc_malloc_slow(size_t size, gfp_t gfp, int node);
void *goalloc_alloc_retry(struct goalloc_class *class, gfp_t gfp);
void goalloc_free_slow(const void *p, unsigned long ip);
unsigned long goalloc_reclaim(int nid, unsigned long pages);

/* ---- goalloc_nolock.c: allocations and frees in any context ---- */

int goalloc_nolock_init(void);
void goalloc_nolock_stop(void);
void goalloc_nolock_exit(void);
bool goalloc_nolock_wants(void);
void goalloc_nolock_refill(void);
void goalloc_nolock_drain(void);
size_t goalloc_nolock_metadata(void);

/* ---- goalloc_rcu.c: frees that wait for a grace period ---- */

void goalloc_rcu_init(void);

/* ---- goalloc_misuse.c: reports ---- */

enum goalloc_misuse {
	GOALLOC_MISUSE_DOUBLE,
	GOALLOC_MISUSE_INTERIOR,
	GOALLOC_MISUSE_FOREIGN,
	GOALLOC_MISUSE_FREE_SPAN,
	GOALLOC_MISUSE_RACE,
	GOALLOC_MISUSE_CONTEXT,
	GOALLOC_MISUSE_SIZE,
	GOALLOC_MISUSE_LOST,
};

void goalloc_misuse_report(enum goalloc_misuse what, const void *p, unsigned long ip);
enum goalloc_misuse goalloc_misuse_of(const struct goalloc_mspan *span, const void *p);
u64 goalloc_misuse_count(void);

/* ---- goalloc_fault.c: injected faults ---- */

struct dentry;

DECLARE_STATIC_KEY_FALSE(goalloc_fault_key);

bool goalloc_fault_hit(size_t bytes, gfp_t gfp);
void goalloc_fault_set(unsigned long new_nth, unsigned long new_from, unsigned long new_one_in);
unsigned long goalloc_fault_hits(void);
void goalloc_fault_debugfs(struct dentry *dir);

/*
 * Is the request for @bytes that is about to be made to fail? Asked before every
 * one. @gfp as the user gave them, so that __GFP_NOFAIL is seen.
 */
static __always_inline bool goalloc_fault(size_t bytes, gfp_t gfp)
{
	return static_branch_unlikely(&goalloc_fault_key) && goalloc_fault_hit(bytes, gfp);
}

/* ---- goalloc_limit.c: what goalloc may hold ---- */

extern unsigned int goalloc_limit_mb;

unsigned long goalloc_limit_excess(size_t bytes);
bool goalloc_limit_charge(size_t bytes, gfp_t gfp);
void goalloc_limit_uncharge(size_t bytes);
void goalloc_limit_make_room(size_t bytes, gfp_t gfp);
bool goalloc_limit_wants(void);
void goalloc_limit_refill(void);
void goalloc_limit_changed(void);
u64 goalloc_limit_refused(void);
void goalloc_limit_start(void);

/* ---- goalloc_scavenger.c: what goes back in the background ---- */

extern unsigned int goalloc_retain_percent;
extern unsigned int goalloc_scavenge_ms;

bool goalloc_scavenger_wants(void);
void goalloc_scavenger_arm(void);
void goalloc_scavenger_changed(void);
void goalloc_scavenger_start(void);
void goalloc_scavenger_stop(void);
unsigned long goalloc_scavenge(void);
u64 goalloc_scavenger_pages(void);

/* ---- goalloc_shrinker.c: memory pressure ---- */

int goalloc_shrinker_init(void);
void goalloc_shrinker_exit(void);

/* ---- goalloc_stats.c, goalloc_check.c, goalloc_debugfs.c ---- */

void goalloc_stats_failure(void);

/**
 * struct goalloc_class_stats - where the objects of a class are
 * @spans: spans
 * @span_bytes: bytes of them
 * @objects: objects in them
 * @in_use: with their users
 * @mcache: in mcache bins
 * @batch: in mcentral batches
 * @free: free in their spans
 * @nalloc: handed out, ever
 * @refills: batches from mcentral, ever
 * @flushes: batches to mcentral, ever
 */
struct goalloc_class_stats {
	u64 spans;
	u64 span_bytes;
	u64 objects;
	u64 in_use;
	u64 mcache;
	u64 batch;
	u64 free;
	u64 nalloc;
	u64 refills;
	u64 flushes;
};

void goalloc_stats_class(const struct goalloc_class *class, struct goalloc_class_stats *st);
int goalloc_check(char *verdict, size_t len);
void goalloc_debugfs_init(void);
void goalloc_debugfs_exit(void);

#endif /* _GOALLOC_INTERNAL_H */
