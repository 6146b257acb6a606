// SPDX-License-Identifier: GPL-2.0
/*
 * The check: walks every structure and verifies the invariants.
 *
 *	- an object is in exactly one place: with its user, in one bin, in one
 *	  batch, or free in its span
 *	- a page that is held is in exactly one place: free, in a page cache or
 *	  in one span; a span is on exactly the list of its mcentral it belongs on
 *	- all sums add up
 *
 * Runs under stop_machine(): no CPU is inside a window or holds a lock, so
 * nothing is taken here. To find an object in two places its state byte is marked
 * when it is met in a bin or batch, and unmarked when its span is walked.
 */
#include <linux/bitmap.h>
#include <linux/find.h>
#include <linux/printk.h>
#include <linux/stop_machine.h>

#include "goalloc_internal.h"

#define SEEN	0x80	/* in a state byte: met in a bin or batch */

struct check {
	char *verdict;
	size_t len;
	unsigned int errors;
	unsigned long spans;		/* of size classes, met in arenas */
	unsigned long listed;		/* the same, met on lists */
	unsigned long cached;		/* objects met in bins and batches */
	unsigned long seen;		/* the same, met in their spans */
	/* bytes, as met; see check_sums() */
	u64 in_use;
	u64 waiting;
	u64 unused;
	/* of one mcentral */
	unsigned long nspans;
	unsigned long span_pages;
	unsigned long nelems;
	unsigned long nalloc;
	/* of one mheap */
	unsigned long held;
	unsigned long free;
	unsigned long large_spans;
	unsigned long large;
	unsigned long deferred;		/* large spans that have been freed */
};

#define fail(c, fmt, ...) do {								\
	struct check *c_ = (c);								\
	if (!c_->errors++)								\
		snprintf(c_->verdict, c_->len, "FAIL: " fmt "\n", ##__VA_ARGS__);	\
} while (0)

/* @slot waits in a bin or a batch of @class. */
static void check_slot(struct check *c, const struct goalloc_class *class,
		       const struct goalloc_slot *slot, const char *where)
{
	const struct goalloc_mspan *span = goalloc_span_of(slot->obj);
	unsigned long i;

	if (goalloc_span_kind(span) != class->kind || goalloc_span_class(span) != class) {
		fail(c, "%s of class %s holds %p of another class", where, class->name, slot->obj);
		return;
	}
	i = ((unsigned long)slot->obj - span->base) / class->size;
	if (i >= span->nelems || (unsigned long)slot->obj != span->base + i * class->size ||
	    slot->state != span->states + i) {
		fail(c, "%s of class %s holds %p with a wrong state byte", where, class->name,
		     slot->obj);
		return;
	}
	if (*slot->state == (GOALLOC_CACHED | SEEN))
		fail(c, "%p of class %s is in two bins or batches", slot->obj, class->name);
	else if (*slot->state != GOALLOC_CACHED)
		fail(c, "%p in %s of class %s has state %u", slot->obj, where, class->name,
		     *slot->state);
	*slot->state |= SEEN;
	c->cached++;
}

static void check_magazine(struct check *c, const struct goalloc_class *class,
			   struct goalloc_slot *first, unsigned int n, const char *where)
{
	unsigned int i;

	if (!n)
		return;
	if (n > class->capacity || first[-1].state != &goalloc_floor_state) {
		fail(c, "%s of class %s with %u objects of %u, or without a floor", where,
		     class->name, n, class->capacity);
		return;
	}
	for (i = 0; i < n; i++)
		check_slot(c, class, first + i, where);
}

static void check_bins(struct check *c, const struct goalloc_class *class)
{
	struct goalloc_slot *first = NULL;
	struct goalloc_bin *bin;
	unsigned int level, n;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (level = 0; level < GOALLOC_LEVELS; level++) {
			bin = goalloc_mcache_bin(class, cpu, level);
			n = goalloc_mcache_count(class, bin, &first);
			check_magazine(c, class, first, n, "a bin");
			if (!bin->nprev)
				continue;
			if (bin->nprev != class->capacity)
				fail(c, "cpu %d, level %u: the spare magazine of class %s is torn",
				     cpu, level, class->name);
			first = goalloc_magazine_first(bin->prev, class);
			check_magazine(c, class, first, bin->nprev, "a bin");
		}
	}
}

static void check_span_list(struct check *c, struct goalloc_mcentral *central,
			    struct list_head *list, int fullness)
{
	struct goalloc_mspan *span;
	unsigned int at;

	list_for_each_entry(span, list, list) {
		c->listed++;
		at = span->nalloc == span->nelems ? GOALLOC_FULLNESS :
		     span->nalloc * GOALLOC_FULLNESS / span->nelems;
		if (goalloc_span_class(span) != central->class || span->nid != central->nid)
			fail(c, "span at %#lx is on a list of class %s, node %d", span->base,
			     central->class->name, central->nid);
		if (at != fullness || !span->nalloc)
			fail(c, "span at %#lx with %u of %u in use is on list %d", span->base,
			     span->nalloc, span->nelems, fullness);
		c->nspans++;
		c->span_pages += span->npages;
		c->nelems += span->nelems;
		c->nalloc += span->nalloc;
	}
}

static void check_central(struct check *c, struct goalloc_mcentral *central)
{
	const struct goalloc_class *class = central->class;
	struct goalloc_magazine *mag;
	unsigned int i, nfull = 0;

	c->nspans = 0;
	c->span_pages = 0;
	c->nelems = 0;
	c->nalloc = 0;
	for (mag = central->full_mags; mag; mag = *goalloc_magazine_next(mag, class)) {
		nfull++;
		check_magazine(c, class, goalloc_magazine_first(mag, class), class->capacity,
			       "a batch");
	}
	if (nfull != central->nfull || nfull > class->max_full)
		fail(c, "class %s: %u full magazines counted, %u found", class->name,
		     central->nfull, nfull);
	for (i = 0; i < GOALLOC_FULLNESS; i++)
		check_span_list(c, central, &central->partial[i], i);
	check_span_list(c, central, &central->full, GOALLOC_FULLNESS);
	if (c->nspans != central->nspans || c->span_pages != central->span_pages ||
	    c->nelems != central->nelems || c->nalloc != central->nalloc)
		fail(c, "class %s: %lu of %lu objects in %lu spans counted, not %lu of %lu in %lu",
		     class->name, central->nalloc, central->nelems, central->nspans, c->nalloc,
		     c->nelems, c->nspans);
}

static void check_object(struct check *c, const struct goalloc_mspan *span, unsigned int i)
{
	bool tiny = goalloc_span_kind(span) == GOALLOC_SPAN_TINY;
	u32 size = goalloc_span_class(span)->size;
	bool bit = goalloc_span_bit(span, i);
	u8 *state = span->states + i;
	u32 word = 0;

	if (tiny)
		word = atomic_read(goalloc_span_tiny_words(span) + i);
	switch (*state) {
	case GOALLOC_FREE:
		c->unused += size;
		if (bit)
			fail(c, "object %u of span at %#lx is free but its bit is set", i,
			     span->base);
		break;
	case GOALLOC_CACHED | SEEN:
		*state = GOALLOC_CACHED;
		c->seen++;
		c->waiting += size;
		break;
	case GOALLOC_CACHED:
		fail(c, "object %u of span at %#lx is in no bin and no batch", i, span->base);
		break;
	case GOALLOC_STASHED:
	case GOALLOC_USED:
		c->in_use += size;
		if (tiny && !goalloc_tiny_word_valid(word))
			fail(c, "the parts of tiny block %u of span at %#lx are torn: %#x", i,
			     span->base, word);
		word = 0;
		break;
	default:
		fail(c, "object %u of span at %#lx has state %u", i, span->base, *state);
	}
	if (*state != GOALLOC_FREE && !bit)
		fail(c, "object %u of span at %#lx has state %u but its bit is clear", i,
		     span->base, *state);
	if (word)
		fail(c, "tiny block %u of span at %#lx is free but parts live in it: %#x", i,
		     span->base, word);
}

static void check_small(struct check *c, const struct goalloc_mspan *span)
{
	const struct goalloc_class *class = goalloc_span_class(span);
	unsigned int i, nalloc = 0;

	c->spans++;
	if (span->nelems != goalloc_span_bytes(span) / class->size)
		fail(c, "span at %#lx has %u objects", span->base, span->nelems);
	if (span->recip != (class->kind == GOALLOC_SPAN_TINY ? 0 : class->recip) ||
	    span->bins != class->bins)
		fail(c, "span at %#lx is not set up for class %s", span->base, class->name);
	c->unused += goalloc_span_bytes(span) - (size_t)span->nelems * class->size;
	for (i = 0; i < span->nelems; i++) {
		check_object(c, span, i);
		nalloc += goalloc_span_bit(span, i);
		if (i < span->freeindex && !goalloc_span_bit(span, i))
			fail(c, "object %u of span at %#lx is free below the free index %u", i,
			     span->base, span->freeindex);
		if (i / 64 == span->freeindex / 64 &&
		    (span->alloc_cache >> (i % 64) & 1) == goalloc_span_bit(span, i))
			fail(c, "allocation cache of span at %#lx is wrong at %u", span->base, i);
	}
	if (span->states[span->nelems] != GOALLOC_NONE)
		fail(c, "the guard of span at %#lx is %u", span->base,
		     span->states[span->nelems]);
	if (nalloc != span->nalloc)
		fail(c, "span at %#lx counts %u objects, has %u", span->base, span->nalloc, nalloc);
}

static void check_large(struct check *c, const struct goalloc_mspan *span)
{
	c->large_spans++;
	c->large += span->npages;
	c->in_use += goalloc_span_bytes(span);
	if (span->recip != 1 || span->states != &span->large_state || span->nelems != 1)
		fail(c, "large span at %#lx is not set up as one", span->base);
	if (span->large_state == GOALLOC_FREE && goalloc_span_kind(span) == GOALLOC_SPAN_DIRECT)
		c->deferred++;
	else if (span->large_state != GOALLOC_USED && span->large_state != GOALLOC_CACHED)
		fail(c, "large span at %#lx has state %u", span->base, span->large_state);
}

/* The number of page caches that have page @addr. */
static unsigned int page_caches_with(unsigned long addr)
{
	unsigned int n = 0;
	unsigned long base;
	unsigned long free;
	int cpu;

	for_each_possible_cpu(cpu) {
		free = goalloc_mheap_cache_free(cpu, &base);
		if (free && addr - base < (unsigned long)BITS_PER_LONG << GOALLOC_PAGE_SHIFT)
			n += free >> ((addr - base) >> GOALLOC_PAGE_SHIFT) & 1;
	}
	return n;
}

/* Is the page at @addr in node @nid's arena, held and not free? */
static bool node_has(unsigned long addr, int nid)
{
	const struct goalloc_arena *arena = goalloc_arena_of(addr, nid);
	unsigned long i;

	if (!arena)
		return false;
	i = (addr - arena->base) >> GOALLOC_PAGE_SHIFT;
	return test_bit(i, arena->held) && test_bit(i, arena->busy);
}

/* Page @i of @arena, whose span begins there or has been checked before. */
static void check_page(struct check *c, const struct goalloc_arena *arena, unsigned long i)
{
	unsigned long addr = arena->base + (i << GOALLOC_PAGE_SHIFT);
	const struct goalloc_mspan *span = goalloc_span_of((void *)addr);
	bool held = test_bit(i, arena->held);
	bool busy = test_bit(i, arena->busy);
	unsigned int caches = held && busy ? page_caches_with(addr) : 0;

	c->held += held;
	c->free += !busy;
	if (span == &goalloc_no_span) {
		if (!busy && !held)
			fail(c, "page at %#lx is free but not held", addr);
		if (held)
			c->unused += GOALLOC_PAGE_SIZE;
		if (busy && held && caches != 1)
			fail(c, "page at %#lx is in no span and in %u page caches", addr, caches);
		return;
	}
	/* where two nodes meet, the page is in the arena of the other one */
	if (span->nid != arena->nid && node_has(addr, span->nid)) {
		if (held || !busy)
			fail(c, "page at %#lx is in a span of node %d, and node %d has it, too",
			     addr, span->nid, arena->nid);
		return;
	}
	if (!busy || !held || caches)
		fail(c, "page at %#lx is in a span, and %s", addr,
		     !held ? "not held" : !busy ? "free" : "in a page cache");
	if (span->nid != arena->nid || addr < span->base ||
	    addr >= span->base + goalloc_span_bytes(span))
		fail(c, "page at %#lx is not of its span at %#lx", addr, span->base);
	if (addr != span->base)
		return;
	switch (goalloc_span_kind(span)) {
	case GOALLOC_SPAN_SMALL:
	case GOALLOC_SPAN_TINY:
		check_small(c, span);
		break;
	case GOALLOC_SPAN_LARGE:
	case GOALLOC_SPAN_DIRECT:
		check_large(c, span);
		break;
	default:
		fail(c, "page at %#lx has a dead span", addr);
	}
}

static void check_arena(struct check *c, const struct goalloc_arena *arena)
{
	unsigned long i, end, nfree = 0, longest = 0;

	for (i = 0; i < GOALLOC_ARENA_PAGES; i++)
		check_page(c, arena, i);
	for_each_clear_bitrange(i, end, arena->busy, GOALLOC_ARENA_PAGES) {
		nfree += end - i;
		longest = max(longest, end - i);
		if (i < arena->search)
			fail(c, "arena at %#lx has a free page below its search index",
			     arena->base);
	}
	if (nfree != arena->nfree || longest > arena->longest)
		fail(c, "arena at %#lx: %u pages free, %lu found; runs up to %u, %lu found",
		     arena->base, arena->nfree, nfree, arena->longest, longest);
}

static void check_heap(struct check *c, const struct goalloc_mheap *heap)
{
	const struct goalloc_arena *arena;
	const struct goalloc_mspan *span;
	bool before_first = heap->first;
	unsigned long deferred = 0;

	c->held = 0;
	c->free = 0;
	c->large_spans = 0;
	c->large = 0;
	c->deferred = 0;
	list_for_each_entry(span, &heap->deferred, list)
		deferred++;
	list_for_each_entry(arena, &heap->arenas, list) {
		if (arena == heap->first)
			before_first = false;
		if (arena->nfree && (before_first || !heap->first))
			fail(c, "arena at %#lx has free pages before the first that has",
			     arena->base);
		check_arena(c, arena);
	}
	if (c->held != heap->held || c->free != heap->free ||
	    c->large_spans != heap->large_spans || c->large != heap->large)
		fail(c, "node %d: held %lu, free %lu, large %lu in %lu; found %lu, %lu, %lu in %lu",
		     heap->nid, heap->held, heap->free, heap->large, heap->large_spans, c->held,
		     c->free, c->large, c->large_spans);
	if (c->deferred != deferred)
		fail(c, "node %d: %lu freed direct spans, %lu listed", heap->nid, c->deferred,
		     deferred);
}

/* What the statistics say of bytes is what was met. */
static void check_sums(struct check *c)
{
	struct goalloc_stats st;

	goalloc_read_stats(&st);
	if (st.in_use != c->in_use || st.cached != c->waiting || st.free != c->unused)
		fail(c, "statistics: %llu bytes in use, %llu cached, %llu free; %llu, %llu, %llu",
		     st.in_use, st.cached, st.free, c->in_use, c->waiting, c->unused);
	if (st.held != st.in_use + st.cached + st.free + st.metadata)
		fail(c, "statistics: held %llu bytes are not the sum", st.held);
}

static int check_all(void *data)
{
	struct goalloc_class *class;
	struct check *c = data;
	const char *bad;
	int i, nid;

	for_each_goalloc_class(class, i) {
		check_bins(c, class);
		for_each_node(nid)
			check_central(c, class->central[nid]);
	}
	for_each_node(nid)
		check_heap(c, goalloc_mheaps[nid]);
	if (c->spans != c->listed)
		fail(c, "%lu spans in arenas, %lu on lists", c->spans, c->listed);
	if (c->cached != c->seen)
		fail(c, "%lu objects in bins and batches, %lu in spans", c->cached, c->seen);
	check_sums(c);
	goalloc_meta_check(&bad);
	if (bad)
		fail(c, "metadata: %s", bad);
	return 0;
}

/**
 * goalloc_check() - verify every structure
 * @verdict: one line: "ok" and what was checked, or "FAIL" and the first error
 * @len: room there
 *
 * All CPUs stand still meanwhile.
 *
 * Context: task, may sleep.
 * Return: 0, or -EUCLEAN if an invariant does not hold.
 */
int goalloc_check(char *verdict, size_t len)
{
	struct check c = { .verdict = verdict, .len = len };

	stop_machine(check_all, &c, NULL);
	if (c.errors) {
		pr_err("goalloc: check: %u errors, the first: %s", c.errors, verdict);
		return -EUCLEAN;
	}
	snprintf(verdict, len, "ok: %lu spans, %lu waiting objects\n", c.spans, c.cached);
	return 0;
}
EXPORT_SYMBOL_GPL(goalloc_check);
