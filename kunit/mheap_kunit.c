// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_mheap: runs of pages, page caches, large objects. */
#include "../goalloc_mheap.c"

#include <linux/prandom.h>

#include "goalloc_kunit.h"

static struct goalloc_mheap *empty_heap(struct kunit *test)
{
	struct goalloc_mheap *heap = goalloc_mheaps[numa_mem_id()];

	goalloc_release_memory();
	KUNIT_ASSERT_EQ(test, heap->held, 0);
	KUNIT_ASSERT_EQ(test, heap->free, 0);
	return heap;
}

static unsigned long take_run(struct goalloc_mheap *heap, unsigned int n, unsigned int align)
{
	unsigned long flags, addr;

	raw_spin_lock_irqsave(&heap->lock, flags);
	addr = heap_take(heap, n, align);
	raw_spin_unlock_irqrestore(&heap->lock, flags);
	return addr;
}

static void put_run(struct goalloc_mheap *heap, unsigned long addr, unsigned int n)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&heap->lock, flags);
	heap_put(heap, addr, n);
	raw_spin_unlock_irqrestore(&heap->lock, flags);
}

/* Runs of every length and place in a page cache's word, by a model that looks at bits. */
static void test_page_cache(struct kunit *test)
{
	struct page_cache cache = { .base = 0x1000000000UL };
	unsigned int n, k, want, round;
	struct rnd_state rnd;
	unsigned long addr;
	u64 before;

	prandom_seed_state(&rnd, 1);
	for (round = 0; round < 2000; round++) {
		cache.free = (u64)prandom_u32_state(&rnd) << 32 | prandom_u32_state(&rnd);
		if (round % 2)
			cache.free |= (u64)prandom_u32_state(&rnd) << 16 * (round % 3);
		n = 1 + round % CACHE_MAX_RUN;
		before = cache.free;
		for (want = 0; want + n <= CACHE_WINDOW; want++) {
			for (k = 0; k < n && (before >> (want + k) & 1); k++)
				;
			if (k == n)
				break;
		}
		addr = cache_take(&cache, n);
		if (want + n > CACHE_WINDOW) {
			KUNIT_EXPECT_EQ(test, addr, 0);
			KUNIT_EXPECT_EQ(test, (u64)cache.free, before);
			continue;
		}
		KUNIT_ASSERT_EQ(test, addr, cache.base + want * GOALLOC_PAGE_SIZE);
		KUNIT_ASSERT_EQ(test, (u64)cache.free, before & ~(((1ULL << n) - 1) << want));
		if (!cache.free)
			continue;
		KUNIT_EXPECT_TRUE(test, cache_put(&cache, cache.nid, addr, n));
		KUNIT_EXPECT_EQ(test, (u64)cache.free, before);
	}
}

/* What a page cache does not take: another window, across its end, or when it is empty. */
static void test_page_cache_refuses(struct kunit *test)
{
	struct page_cache cache = { .base = 0x1000000000UL, .free = 1 };
	unsigned long end = cache.base + ((unsigned long)CACHE_WINDOW << GOALLOC_PAGE_SHIFT);

	KUNIT_EXPECT_FALSE(test, cache_put(&cache, cache.nid, end, 1));
	KUNIT_EXPECT_FALSE(test, cache_put(&cache, cache.nid + 1, end - GOALLOC_PAGE_SIZE, 1));
	KUNIT_EXPECT_FALSE(test, cache_put(&cache, cache.nid, cache.base - GOALLOC_PAGE_SIZE, 1));
	KUNIT_EXPECT_FALSE(test, cache_put(&cache, cache.nid, end - GOALLOC_PAGE_SIZE, 2));
	KUNIT_EXPECT_TRUE(test, cache_put(&cache, cache.nid, end - GOALLOC_PAGE_SIZE, 1));
	KUNIT_EXPECT_EQ(test, (u64)cache.free, 1ULL << 63 | 1);
	cache.free = 0;
	KUNIT_EXPECT_FALSE(test, cache_put(&cache, cache.nid, cache.base, 1));
}

/* Growing gives a free run, releasing gives all of it back. */
static void test_grow(struct kunit *test)
{
	struct goalloc_mheap *heap = empty_heap(test);
	unsigned long held, frees = heap->page_frees;

	KUNIT_ASSERT_EQ(test, goalloc_mheap_grow(heap->nid, 5, 1, 1, GFP_KERNEL), heap->nid);
	held = heap->held;
	KUNIT_EXPECT_GE(test, held, 5);
	KUNIT_EXPECT_EQ(test, heap->free, held);
	goalloc_kunit_check(test);
	KUNIT_EXPECT_EQ(test, goalloc_mheap_release(heap, 2), (held - 2) << GOALLOC_PAGE_ORDER);
	KUNIT_EXPECT_EQ(test, heap->free, 2);
	goalloc_kunit_check(test);
	KUNIT_EXPECT_EQ(test, goalloc_mheap_release(heap, 0), 2UL << GOALLOC_PAGE_ORDER);
	KUNIT_EXPECT_EQ(test, heap->held, 0);
	KUNIT_EXPECT_EQ(test, heap->page_frees, frees + (held << GOALLOC_PAGE_ORDER));
}

/* Chunks grow with the heap, up to the parameter. */
static void test_chunk_order(struct kunit *test)
{
	struct goalloc_mheap *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	unsigned int order, last = 0;

	KUNIT_ASSERT_NOT_NULL(test, fake);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE << chunk_order(fake), max(MIN_CHUNK, GOALLOC_PAGE_SIZE));
	for (fake->held = 1; fake->held < 1UL << 30; fake->held *= 2) {
		order = chunk_order(fake);
		KUNIT_EXPECT_GE(test, order, last);
		KUNIT_EXPECT_LE(test, PAGE_SIZE << order,
				max((unsigned long)goalloc_chunk_kb << 10, GOALLOC_PAGE_SIZE));
		last = order;
	}
}

/* First fit: the lowest run, aligned if asked; neighbours that are free join. */
static void test_runs(struct kunit *test)
{
	struct goalloc_mheap *heap = empty_heap(test);
	struct goalloc_arena *arena;
	unsigned long a, b, c, d;

	KUNIT_ASSERT_GE(test, goalloc_mheap_grow(heap->nid, 16, 16, 16, GFP_KERNEL), 0);
	a = take_run(heap, 3, 1);
	put_run(heap, a, 3);
	/* nothing is free below: as if the arena's first pages were taken one by one */
	arena = goalloc_arena_of(a, heap->nid);
	arena->search = page_number(arena, a);
	KUNIT_EXPECT_EQ(test, take_run(heap, 3, 1), a);
	KUNIT_EXPECT_GT(test, arena->search, page_number(arena, a));
	b = take_run(heap, 2, 1);
	c = take_run(heap, 1, 1);
	KUNIT_EXPECT_EQ(test, b, a + 3 * GOALLOC_PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, c, b + 2 * GOALLOC_PAGE_SIZE);
	d = take_run(heap, 4, 4);
	KUNIT_EXPECT_EQ(test, d % (4 * GOALLOC_PAGE_SIZE), 0);
	put_run(heap, a, 3);
	KUNIT_EXPECT_EQ(test, take_run(heap, 3, 1), a);
	put_run(heap, b, 2);
	put_run(heap, a, 3);
	/* three and two have joined */
	KUNIT_EXPECT_EQ(test, take_run(heap, 5, 1), a);
	put_run(heap, a, 5);
	put_run(heap, c, 1);
	put_run(heap, d, 4);
	KUNIT_EXPECT_EQ(test, heap->free, heap->held);
}

/* Random runs never overlap, and all come back; by a byte a page. */
static void test_random_runs(struct kunit *test)
{
	struct goalloc_mheap *heap = empty_heap(test);
	struct run {
		unsigned long addr;
		unsigned int n;
	} *runs;
	unsigned int i, round, nruns = 0;
	struct rnd_state rnd;

	runs = kunit_kcalloc(test, 200, sizeof(*runs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, runs);
	prandom_seed_state(&rnd, 2);
	for (round = 0; round < 3000; round++) {
		if (nruns < 200 && prandom_u32_state(&rnd) % 5 < 3) {
			struct run new = { .n = 1 + prandom_u32_state(&rnd) % 12 };
			unsigned int align = 1U << prandom_u32_state(&rnd) % 3;

			new.addr = take_run(heap, new.n, align);
			if (!new.addr) {
				KUNIT_ASSERT_GE(test, goalloc_mheap_grow(heap->nid, new.n, new.n,
									 align, GFP_KERNEL), 0);
				continue;
			}
			KUNIT_ASSERT_EQ(test, new.addr % (align * GOALLOC_PAGE_SIZE), 0);
			for (i = 0; i < nruns; i++)
				KUNIT_ASSERT_TRUE(test, new.addr >= runs[i].addr +
						  runs[i].n * GOALLOC_PAGE_SIZE ||
						  runs[i].addr >= new.addr +
						  new.n * GOALLOC_PAGE_SIZE);
			runs[nruns++] = new;
		} else if (nruns) {
			i = prandom_u32_state(&rnd) % nruns;
			put_run(heap, runs[i].addr, runs[i].n);
			runs[i] = runs[--nruns];
		}
		if (round % 100 == 99 && prandom_u32_state(&rnd) % 2)
			goalloc_mheap_release(heap, heap->free / 2);
	}
	while (nruns--)
		put_run(heap, runs[nruns].addr, runs[nruns].n);
	KUNIT_EXPECT_EQ(test, heap->free, heap->held);
}

/* What the case is run for: bytes of a large object. */
static const size_t large_sizes[] = {
	GOALLOC_MAX_SMALL + 1, 40000, 64 << 10, 96 << 10, 100000, 128 << 10, 1 << 20,
};

static void large_desc(const size_t *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu bytes", *size);
}

KUNIT_ARRAY_PARAM(large, large_sizes, large_desc);

/* A large object is found by its first byte only, and its pages stay for the next. */
static void test_large(struct kunit *test)
{
	struct goalloc_mheap *heap = empty_heap(test);
	size_t size = *(const size_t *)test->param_value;
	unsigned int n = DIV_ROUND_UP(size, GOALLOC_PAGE_SIZE);
	struct goalloc_mspan *span;
	void *p, *again;

	p = goalloc_mheap_large_alloc(heap->nid, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)p, size & -size));
	span = goalloc_span_of(p);
	KUNIT_EXPECT_EQ(test, goalloc_span_kind(span), GOALLOC_SPAN_LARGE);
	KUNIT_EXPECT_EQ(test, span->npages, n);
	KUNIT_EXPECT_EQ(test, heap->large, n);
	KUNIT_EXPECT_EQ(test, heap->large_spans, 1);
	KUNIT_EXPECT_EQ(test, goalloc_span_index(span, p), 0L);
	KUNIT_EXPECT_EQ(test, goalloc_span_index(span, p + 1), -1L);
	KUNIT_EXPECT_EQ(test, goalloc_span_index(span, p + size - 1), -1L);
	KUNIT_EXPECT_PTR_EQ(test, goalloc_span_of(p + size - 1), span);
	goalloc_kunit_check(test);
	preempt_disable();
	KUNIT_EXPECT_TRUE(test, goalloc_mheap_large_claim(span));
	KUNIT_EXPECT_FALSE(test, goalloc_mheap_large_claim(span));
	goalloc_mheap_large_free(span);
	KUNIT_EXPECT_FALSE(test, goalloc_mheap_large_claim(span));
	preempt_enable();
	KUNIT_EXPECT_EQ(test, heap->large, 0);
	KUNIT_EXPECT_EQ(test, goalloc_span_kind(span), GOALLOC_SPAN_DEAD);
	again = goalloc_mheap_large_alloc(heap->nid, size, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, again, p);
	preempt_disable();
	KUNIT_EXPECT_TRUE(test, goalloc_mheap_large_claim(goalloc_span_of(again)));
	goalloc_mheap_large_free(goalloc_span_of(again));
	preempt_enable();
}

/* Pages of a special zone go back at once, and just as many as asked for are held. */
static void test_direct(struct kunit *test)
{
	struct goalloc_mheap *heap = empty_heap(test);
	size_t size = *(const size_t *)test->param_value;
	struct goalloc_mspan *span;
	void *p;

	if (!IS_ENABLED(CONFIG_ZONE_DMA32))
		kunit_skip(test, "no zone for it");
	p = goalloc_mheap_large_alloc(heap->nid, size, GFP_KERNEL | GFP_DMA32 | __GFP_NOWARN);
	if (!p)
		kunit_skip(test, "no memory in the zone");
	span = goalloc_span_of(p);
	KUNIT_EXPECT_EQ(test, goalloc_span_kind(span), GOALLOC_SPAN_DIRECT);
	KUNIT_EXPECT_EQ(test, heap->held, DIV_ROUND_UP(size, GOALLOC_PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, heap->free, 0);
	goalloc_kunit_check(test);
	preempt_disable();
	KUNIT_EXPECT_TRUE(test, goalloc_mheap_large_claim(span));
	KUNIT_EXPECT_FALSE(test, goalloc_mheap_large_claim(span));
	goalloc_mheap_large_free(span);
	KUNIT_EXPECT_FALSE(test, goalloc_mheap_large_claim(span));
	preempt_enable();
	goalloc_mheap_direct_release();
	KUNIT_EXPECT_EQ(test, heap->held, 0);
	KUNIT_EXPECT_EQ(test, heap->large_spans, 0);
}

/* A span of the class has its pages, and gives them back; tables name it meanwhile. */
static void test_span(struct kunit *test)
{
	struct goalloc_mheap *heap = empty_heap(test);
	struct goalloc_class *class = goalloc_kunit_class(test);
	struct goalloc_mspan *span;
	unsigned long flags, base, i;

	local_irq_save(flags);
	KUNIT_EXPECT_NULL(test, goalloc_mheap_span_alloc(class, heap->nid, true));
	local_irq_restore(flags);
	KUNIT_ASSERT_GE(test, goalloc_mheap_grow(heap->nid, class->npages, class->npages,
						 class->align_pages, GFP_KERNEL), 0);
	local_irq_save(flags);
	span = goalloc_mheap_span_alloc(class, heap->nid, false);
	local_irq_restore(flags);
	KUNIT_ASSERT_NOT_NULL(test, span);
	base = span->base;
	KUNIT_EXPECT_EQ(test, span->npages, class->npages);
	KUNIT_EXPECT_EQ(test, base % (max_t(unsigned long, class->align_pages, 1) <<
				      GOALLOC_PAGE_SHIFT), 0);
	for (i = 0; i < goalloc_span_bytes(span); i += GOALLOC_PAGE_SIZE)
		KUNIT_EXPECT_PTR_EQ(test, goalloc_span_of((void *)base + i), span);
	KUNIT_EXPECT_PTR_NE(test, goalloc_span_of((void *)base - 1), span);
	KUNIT_EXPECT_PTR_NE(test, goalloc_span_of((void *)base + i), span);
	local_irq_save(flags);
	goalloc_mheap_span_free(span);
	local_irq_restore(flags);
	KUNIT_EXPECT_PTR_EQ(test, goalloc_span_of((void *)base), &goalloc_no_span);
	KUNIT_EXPECT_EQ(test, goalloc_span_kind(span), GOALLOC_SPAN_DEAD);
}

static struct kunit_case goalloc_mheap_cases[] = {
	KUNIT_CASE(test_page_cache),
	KUNIT_CASE(test_page_cache_refuses),
	KUNIT_CASE(test_grow),
	KUNIT_CASE(test_chunk_order),
	KUNIT_CASE(test_runs),
	KUNIT_CASE(test_random_runs),
	KUNIT_CASE_PARAM(test_large, large_gen_params),
	KUNIT_CASE_PARAM(test_direct, large_gen_params),
	GOALLOC_KUNIT_CASE_CLASS(test_span),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_mheap", goalloc_mheap_cases);
