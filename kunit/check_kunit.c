// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite goalloc_check: the checker finds every kind of damage.
 *
 * Each case spoils one field of a heap that has some of everything, asks the
 * checker, and mends it. Nobody else uses this goalloc meanwhile.
 */
#include "../goalloc_check.c"

#include "goalloc_kunit.h"

#define SIZE		64
#define OBJECTS		200
#define KEPT		70

struct spoilt {
	void *at;
	size_t bytes;
	u8 was[16];
};

static struct heap {
	void *objects[OBJECTS];		/* the first KEPT are in use */
	void *large;
	void *tiny;
	struct goalloc_mspan *span;	/* of objects[0] */
	struct goalloc_mspan *large_span;
	struct goalloc_mspan *tiny_span;
	struct goalloc_mcentral *central;
	struct goalloc_mheap *mheap;
	struct goalloc_arena *large_arena;
	struct goalloc_arena *arena;	/* has a free page */
	unsigned long free_page;	/* its index */
	struct goalloc_bin *bin;	/* with a spare magazine */
	struct spoilt spoilt[4];
	unsigned int nspoilt;
} heap;

static void spoil_bytes(void *at, const void *new, size_t bytes)
{
	struct spoilt *s = &heap.spoilt[heap.nspoilt++];

	s->at = at;
	s->bytes = bytes;
	memcpy(s->was, at, bytes);
	memcpy(at, new, bytes);
}

/* Until mend() @lvalue is @value. */
#define spoil(lvalue, value) do {						\
	typeof(lvalue) new_ = (value);						\
	spoil_bytes(&(lvalue), &new_, sizeof(new_));				\
} while (0)

static void mend(void)
{
	while (heap.nspoilt) {
		struct spoilt *s = &heap.spoilt[--heap.nspoilt];

		memcpy(s->at, s->was, s->bytes);
	}
}

static unsigned long index_of(const struct goalloc_mspan *span, const void *p)
{
	return ((unsigned long)p - span->base) / goalloc_span_class(span)->size;
}

static u8 *state_of(void)
{
	return heap.span->states + index_of(heap.span, heap.objects[0]);
}

static u64 *bits_of(const struct goalloc_mspan *span)
{
	return (u64 *)span->states - DIV_ROUND_UP(span->nelems, 64);
}

static unsigned long page_of(const struct goalloc_arena *arena, const void *p)
{
	return ((unsigned long)p - arena->base) >> GOALLOC_PAGE_SHIFT;
}

/* A span of the class that has a free object: which one. */
static struct goalloc_mspan *span_with_free(unsigned int *i)
{
	struct goalloc_mspan *span;
	int at;

	for (at = 0; at < GOALLOC_FULLNESS; at++)
		list_for_each_entry(span, &heap.central->partial[at], list)
			for (*i = 0; *i < span->nelems; (*i)++)
				if (!goalloc_span_bit(span, *i))
					return span;
	return NULL;
}

static void heap_fill(struct kunit *test)
{
	struct goalloc_class *class = goalloc_classes[goalloc_size_class(SIZE)];
	unsigned int i;
	void *p;

	memset(&heap, 0, sizeof(heap));
	goalloc_release_memory();
	for (i = 0; i < OBJECTS; i++) {
		heap.objects[i] = gomalloc(SIZE, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, heap.objects[i]);
	}
	/* a magazine, the spare one, and one in mcentral */
	preempt_disable();
	for (i = KEPT; i < OBJECTS; i++)
		gofree(heap.objects[i]);
	heap.bin = goalloc_mcache_bin(class, smp_processor_id(), 0);
	preempt_enable();
	p = gomalloc(100000, GFP_KERNEL);
	heap.large = gomalloc(100000, GFP_KERNEL);
	heap.tiny = gomalloc_tiny(4, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, p && heap.large && heap.tiny);
	heap.span = goalloc_span_of(heap.objects[0]);
	heap.large_span = goalloc_span_of(heap.large);
	heap.tiny_span = goalloc_span_of(heap.tiny);
	heap.arena = goalloc_arena_of((unsigned long)p, goalloc_span_of(p)->nid);
	heap.free_page = page_of(heap.arena, p);
	heap.large_arena = goalloc_arena_of((unsigned long)heap.large, heap.large_span->nid);
	heap.mheap = goalloc_mheaps[heap.arena->nid];
	heap.central = class->central[heap.span->nid];
	gofree(p);
	KUNIT_ASSERT_EQ(test, heap.bin->nprev, class->capacity);
	KUNIT_ASSERT_FALSE(test, test_bit(heap.free_page, heap.arena->busy));
	KUNIT_ASSERT_GT(test, heap.central->nfull, 0);
	goalloc_kunit_check(test);
}

static void heap_empty(void)
{
	unsigned int i;

	for (i = 0; i < KEPT; i++)
		gofree(heap.objects[i]);
	gofree(heap.large);
	gofree(heap.tiny);
}

/* ---- damages ---- */

static void state_cached(void)
{
	spoil(*state_of(), GOALLOC_CACHED);
}

static void state_free(void)
{
	spoil(*state_of(), GOALLOC_FREE);
}

static void state_odd(void)
{
	spoil(*state_of(), 77);
}

static void bit_clear(void)
{
	unsigned long i = index_of(heap.span, heap.objects[0]);
	u64 *word = bits_of(heap.span) + i / 64;

	spoil(*word, *word & ~BIT_ULL(i % 64));
}

static void guard_lost(void)
{
	spoil(heap.span->states[heap.span->nelems], GOALLOC_FREE);
}

static void count_wrong(void)
{
	spoil(heap.span->nalloc, heap.span->nalloc - 1);
	spoil(heap.central->nalloc, heap.central->nalloc - 1);
}

static void list_wrong(void)
{
	spoil(heap.span->nalloc, 0);
}

static void nelems_wrong(void)
{
	spoil(heap.span->nelems, heap.span->nelems + 1);
}

static void recip_wrong(void)
{
	spoil(heap.span->recip, 3);
}

static void freeindex_wrong(void)
{
	unsigned int i;
	struct goalloc_mspan *span = span_with_free(&i);

	spoil(span->freeindex, i + 1);
}

static void cache_wrong(void)
{
	unsigned int i;
	struct goalloc_mspan *span = span_with_free(&i);

	spoil(span->alloc_cache, span->alloc_cache ^ 1);
}

static void span_of_other(void)
{
	spoil(heap.span->nid, heap.span->nid + 1);
}

static void central_count(void)
{
	spoil(heap.central->nalloc, heap.central->nalloc + 1);
}

static void central_magazines(void)
{
	spoil(heap.central->nfull, heap.central->nfull + 1);
}

static void slot_state(void)
{
	spoil(*heap.bin->top[-1].state, GOALLOC_USED);
}

static void slot_state_address(void)
{
	spoil(heap.bin->top[-1].state, heap.bin->top[-1].state + 1);
}

static void slot_twice(void)
{
	spoil(heap.bin->top[-1], heap.bin->top[-2]);
}

static void slot_foreign(void)
{
	spoil(heap.bin->top[-1].obj, heap.tiny);
}

static void floor_lost(void)
{
	struct goalloc_slot *first;

	goalloc_mcache_count(heap.central->class, heap.bin, &first);
	spoil(first[-1].state, NULL);
}

static void spare_torn(void)
{
	spoil(heap.bin->nprev, 1);
}

static void heap_held(void)
{
	spoil(heap.mheap->held, heap.mheap->held + 1);
}

static void heap_free_count(void)
{
	spoil(heap.mheap->free, heap.mheap->free - 1);
}

static void heap_first(void)
{
	spoil(heap.mheap->first, NULL);
}

static void arena_search(void)
{
	spoil(heap.arena->search, GOALLOC_ARENA_PAGES);
}

static void arena_nfree(void)
{
	spoil(heap.arena->nfree, heap.arena->nfree + 1);
}

static void arena_longest(void)
{
	spoil(heap.arena->longest, 0);
}

static void flip_bit(unsigned long *map, unsigned long i)
{
	spoil(map[BIT_WORD(i)], map[BIT_WORD(i)] ^ BIT_MASK(i));
}

static void span_page_free(void)
{
	flip_bit(heap.large_arena->busy, page_of(heap.large_arena, heap.large));
}

static void span_page_not_held(void)
{
	flip_bit(heap.large_arena->held, page_of(heap.large_arena, heap.large));
}

static void free_page_not_held(void)
{
	flip_bit(heap.arena->held, heap.free_page);
}

static void free_page_busy(void)
{
	flip_bit(heap.arena->busy, heap.free_page);
}

static void large_base(void)
{
	spoil(heap.large_span->base, heap.large_span->base + GOALLOC_PAGE_SIZE);
}

static void large_dead(void)
{
	spoil(heap.large_span->kind_class, GOALLOC_SPAN_DEAD);
}

static void large_recip(void)
{
	spoil(heap.large_span->recip, 2);
}

static void large_state(void)
{
	spoil(heap.large_span->large_state, GOALLOC_NONE);
}

static void tiny_parts(void)
{
	atomic_t *words = goalloc_span_tiny_words(heap.tiny_span);
	unsigned int i = 0;

	while (heap.tiny_span->states[i] != GOALLOC_FREE)
		i++;
	spoil(words[i].counter, 1);
}

static void tiny_torn(void)
{
	atomic_t *word = goalloc_span_tiny_words(heap.tiny_span) +
			 index_of(heap.tiny_span, heap.tiny);

	/* an end without a start */
	spoil(word->counter, 1 << 20);
}

static const struct damage {
	const char *name;
	void (*fn)(void);
	const char *verdict;	/* what the checker says of it first */
} damages[] = {
	{ "state: cached", state_cached, "is in no bin and no batch" },
	{ "state: free", state_free, "is free but its bit is set" },
	{ "state: odd", state_odd, "has state 77" },
	{ "bit", bit_clear, "but its bit is clear" },
	{ "guard", guard_lost, "the guard of span" },
	{ "count", count_wrong, "span at" },
	{ "list", list_wrong, "is on list" },
	{ "number of objects", nelems_wrong, "span at" },
	{ "reciprocal", recip_wrong, "is not set up for class" },
	{ "free index", freeindex_wrong, "below the free index" },
	{ "allocation cache", cache_wrong, "allocation cache of span" },
	{ "span's node", span_of_other, "is on a list of class" },
	{ "mcentral's objects", central_count, "counted, not" },
	{ "mcentral's magazines", central_magazines, "full magazines counted" },
	{ "slot: state", slot_state, "has state 2" },
	{ "slot: address of state", slot_state_address, "with a wrong state byte" },
	{ "slot: twice", slot_twice, "is in two bins or batches" },
	{ "slot: foreign", slot_foreign, "of another class" },
	{ "floor", floor_lost, "without a floor" },
	{ "spare magazine", spare_torn, "is torn" },
	{ "held pages", heap_held, "found" },
	{ "free pages", heap_free_count, "found" },
	{ "first arena", heap_first, "before the first that has" },
	{ "search index", arena_search, "below its search index" },
	{ "arena's free pages", arena_nfree, "pages free" },
	{ "longest run", arena_longest, "runs up to" },
	{ "span on a free page", span_page_free, "is in a span, and free" },
	{ "span on a page not held", span_page_not_held, "is in a span, and not held" },
	{ "free page not held", free_page_not_held, "is free but not held" },
	{ "free page lost", free_page_busy, "is in no span and in 0 page caches" },
	{ "large: base", large_base, "is not of its span" },
	{ "large: dead", large_dead, "has a dead span" },
	{ "large: reciprocal", large_recip, "is not set up as one" },
	{ "large: state", large_state, "has state" },
	{ "tiny: parts of a free block", tiny_parts, "is free but parts live in it" },
	{ "tiny: torn parts", tiny_torn, "are torn" },
};

static void damage_desc(const struct damage *d, char *desc)
{
	strscpy(desc, d->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(damage, damages, damage_desc);

static void damage_is_found(struct kunit *test)
{
	const struct damage *d = test->param_value;
	static char verdict[200];
	int err;

	heap_fill(test);
	d->fn();
	err = goalloc_check(verdict, sizeof(verdict));
	mend();
	KUNIT_EXPECT_EQ(test, err, -EUCLEAN);
	KUNIT_EXPECT_TRUE_MSG(test, strstr(verdict, d->verdict), "the verdict is %s", verdict);
	KUNIT_EXPECT_EQ(test, strncmp(verdict, "FAIL: ", 6), 0);
	/* it has changed nothing itself */
	goalloc_kunit_check(test);
	heap_empty();
}

static void no_damage(struct kunit *test)
{
	static char verdict[200];

	heap_fill(test);
	KUNIT_EXPECT_EQ(test, goalloc_check(verdict, sizeof(verdict)), 0);
	KUNIT_EXPECT_EQ(test, strncmp(verdict, "ok: ", 4), 0);
	heap_empty();
}

static struct kunit_case check_cases[] = {
	KUNIT_CASE(no_damage),
	KUNIT_CASE_PARAM(damage_is_found, damage_gen_params),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_check", check_cases);
