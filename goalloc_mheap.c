// SPDX-License-Identifier: GPL-2.0
/*
 * mheap: pages.
 *
 * Takes chunks from the page allocator, hands out runs of goalloc pages, gives
 * free runs back. A page that goalloc holds is in exactly one state:
 *
 *	free		its busy bit in the arena clear; in mheap->free
 *	cached		its bit set in one CPU's page cache
 *	in a span	arena->spans names the mspan
 *	deferred	in a freed direct span that waits to go back; on PREEMPT_RT for
 *			the worker
 *
 * As in Go's pageAlloc the free pages are a bitmap, so neighbours join by
 * themselves and freeing needs no memory. Runs are taken from the lowest address
 * that has room (first fit), which packs the heap at its low end and leaves the
 * high end to be given back. As in Go's pageCache every CPU has a few free pages
 * of one 64-page window for itself: runs of a few pages do not meet the lock.
 *
 * Chunks are split (split_page), so that any page can go back alone.
 *
 * Locks: goalloc_mheap.lock, see the struct. A page cache belongs to its CPU,
 * with interrupts off; a dead CPU's to whoever handles the CPU's death.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "goalloc_internal.h"
#include "goalloc_debug.h"

#define CACHE_WINDOW	BITS_PER_LONG	/* goalloc pages that a page cache covers */
#define CACHE_PAGES	32U	/* free ones that it takes at a time, at most */
#define CACHE_MAX_RUN	8U	/* longest run that is looked for there */
#define MIN_CHUNK	(64UL << 10)
#define CHUNK_SHARE	64	/* a chunk is at most this part of what is held */
#define RELEASE_BATCH	32U	/* goalloc pages given back under one lock hold */
#define RT_RESERVE	64U	/* goalloc pages that PREEMPT_RT keeps for atomic context */
#define PEAK_DECAY	8	/* the part of the way to what is in use that a peak falls */

/**
 * struct page_cache - free pages of one CPU
 * @base: address of the window
 * @free: a bit a page, set if free
 * @nid: node of the mheap that they are from
 */
struct page_cache {
	unsigned long base;
	unsigned long free;
	int nid;
};

static DEFINE_PER_CPU(struct page_cache, page_caches);

struct goalloc_mheap **goalloc_mheaps;
unsigned int goalloc_chunk_kb = 2048;
unsigned int goalloc_retain_percent = 10;

/* ---- free runs, in the arenas' bitmaps ---- */

/* A new arena: no page of it is held yet. Called once, before it can be found. */
void goalloc_mheap_add_arena(struct goalloc_arena *arena)
{
	struct goalloc_mheap *heap = goalloc_mheaps[arena->nid];
	struct goalloc_arena *next;
	unsigned long flags;

	raw_spin_lock_irqsave(&heap->lock, flags);
	list_for_each_entry(next, &heap->arenas, list)
		if (next->base > arena->base)
			break;
	list_add_tail(&arena->list, &next->list);
	raw_spin_unlock_irqrestore(&heap->lock, flags);
}

/* Pages [@i, @i + @n) of @arena are free now. */
static void pages_put(struct goalloc_mheap *heap, struct goalloc_arena *arena, unsigned int i,
		      unsigned int n)
{
	unsigned int start, end;

	lockdep_assert_held(&heap->lock);
	bitmap_clear(arena->busy, i, n);
	start = find_last_bit(arena->busy, i);
	start = start < i ? start + 1 : 0;
	end = find_next_bit(arena->busy, GOALLOC_ARENA_PAGES, i + n);
	arena->longest = max(arena->longest, end - start);
	arena->search = min(arena->search, i);
	arena->nfree += n;
	WRITE_ONCE(heap->free, heap->free + n);	/* pairs with below_reserve() */
	if (!heap->first || arena->base < heap->first->base)
		heap->first = arena;
}

/* @n pages from @i on, the first of them @i, are free no more. */
static void pages_taken(struct goalloc_mheap *heap, struct goalloc_arena *arena, unsigned int i,
			unsigned int n)
{
	lockdep_assert_held(&heap->lock);
	if (i == arena->search)
		arena->search = i + 1;
	arena->nfree -= n;
	WRITE_ONCE(heap->free, heap->free - n);
	while (heap->first && !heap->first->nfree)
		heap->first = list_is_last(&heap->first->list, &heap->arenas) ? NULL :
			      list_next_entry(heap->first, list);
}

static void pages_take(struct goalloc_mheap *heap, struct goalloc_arena *arena, unsigned int i,
		       unsigned int n)
{
	bitmap_set(arena->busy, i, n);
	pages_taken(heap, arena, i, n);
}

/* The lowest @n free pages with an index that is a multiple of @align: arena and index. */
static struct goalloc_arena *pages_find(struct goalloc_mheap *heap, unsigned int n,
					unsigned int align, unsigned int *index)
{
	struct goalloc_arena *arena = heap->first;
	unsigned long i;

	lockdep_assert_held(&heap->lock);
	if (!arena || heap->free < n)
		return NULL;
	list_for_each_entry_from(arena, &heap->arenas, list) {
		if (arena->nfree < n || arena->longest < n)
			continue;
		i = bitmap_find_next_zero_area(arena->busy, GOALLOC_ARENA_PAGES, arena->search, n,
					       align - 1);
		if (i < GOALLOC_ARENA_PAGES) {
			*index = i;
			return arena;
		}
		if (align == 1)
			arena->longest = n - 1;
	}
	return NULL;
}

static unsigned long page_addr(const struct goalloc_arena *arena, unsigned int i)
{
	return arena->base + ((unsigned long)i << GOALLOC_PAGE_SHIFT);
}

static unsigned int page_number(const struct goalloc_arena *arena, unsigned long addr)
{
	return (addr - arena->base) >> GOALLOC_PAGE_SHIFT;
}

/* @n pages, or 0. */
static unsigned long heap_take(struct goalloc_mheap *heap, unsigned int n, unsigned int align)
{
	struct goalloc_arena *arena;
	unsigned int i;

	arena = pages_find(heap, n, align, &i);
	if (!arena)
		return 0;
	pages_take(heap, arena, i, n);
	return page_addr(arena, i);
}

static void heap_put(struct goalloc_mheap *heap, unsigned long addr, unsigned int n)
{
	struct goalloc_arena *arena = goalloc_arena_of(addr, heap->nid);

	pages_put(heap, arena, page_number(arena, addr), n);
}

/* ---- page caches ---- */

static unsigned long run_mask(unsigned int n, unsigned int at)
{
	return GENMASK(at + n - 1, at);
}

/* Take @n neighbouring pages of @cache, or 0: as Go's findBitRange64. */
static unsigned long cache_take(struct page_cache *cache, unsigned int n)
{
	unsigned long runs = cache->free;
	unsigned int i;

	for (i = 1; i < n; i++)
		runs &= runs >> 1;
	if (!runs)
		return 0;
	i = __ffs(runs);
	cache->free &= ~run_mask(n, i);
	return cache->base + ((unsigned long)i << GOALLOC_PAGE_SHIFT);
}

static bool cache_put(struct page_cache *cache, int nid, unsigned long addr, unsigned int n)
{
	unsigned long i = (addr - cache->base) >> GOALLOC_PAGE_SHIFT;

	/* two nodes may meet in a window */
	if (!cache->free || cache->nid != nid || i >= CACHE_WINDOW || i + n > CACHE_WINDOW)
		return false;
	cache->free |= run_mask(n, i);
	return true;
}

/* Fill the empty @cache with free pages of one window, among them @n neighbours. */
static void cache_refill(struct page_cache *cache, struct goalloc_mheap *heap, unsigned int n)
{
	struct goalloc_arena *arena;
	unsigned long free, last;
	unsigned int i, word;

	raw_spin_lock(&heap->lock);
	arena = pages_find(heap, n, 1, &i);
	word = i / CACHE_WINDOW;
	if (arena && word == (i + n - 1) / CACHE_WINDOW) {
		free = ~arena->busy[word] & ~0UL << (i % CACHE_WINDOW);
		while (hweight_long(free) > CACHE_PAGES) {
			last = 1UL << __fls(free);
			free &= ~last;
		}
		cache->base = page_addr(arena, word * CACHE_WINDOW);
		cache->nid = heap->nid;
		cache->free = free;
		arena->busy[word] |= free;
		pages_taken(heap, arena, i, hweight_long(free));
	}
	raw_spin_unlock(&heap->lock);
}

/* Give the free pages of @cpu's page cache to the mheap. By @cpu itself, or @cpu is dead. */
void goalloc_mheap_cache_flush(unsigned int cpu)
{
	struct page_cache *cache = per_cpu_ptr(&page_caches, cpu);
	struct goalloc_mheap *heap;
	unsigned long flags;

	local_irq_save(flags);
	if (cache->free) {
		heap = goalloc_mheaps[cache->nid];
		raw_spin_lock(&heap->lock);
		while (cache->free)
			heap_put(heap, cache_take(cache, 1), 1);
		raw_spin_unlock(&heap->lock);
	}
	local_irq_restore(flags);
}

/* The free pages in @cpu's page cache, a bit each, and the window's address. A snapshot. */
unsigned long goalloc_mheap_cache_free(unsigned int cpu, unsigned long *base)
{
	struct page_cache *cache = per_cpu_ptr(&page_caches, cpu);

	*base = READ_ONCE(cache->base);
	return READ_ONCE(cache->free);
}

/* ---- spans of size classes ---- */

static unsigned long run_alloc(struct goalloc_mheap *heap, unsigned int n, unsigned int align)
{
	struct page_cache *cache = this_cpu_ptr(&page_caches);
	unsigned long addr;

	if (n <= CACHE_MAX_RUN && align == 1 && heap->nid == numa_mem_id()) {
		if (!cache->free)
			cache_refill(cache, heap, n);
		if (cache->nid == heap->nid) {
			addr = cache_take(cache, n);
			if (addr)
				return addr;
		}
	}
	raw_spin_lock(&heap->lock);
	addr = heap_take(heap, n, align);
	raw_spin_unlock(&heap->lock);
	return addr;
}

static void run_free(struct goalloc_mheap *heap, unsigned long addr, unsigned int n)
{
	if (cache_put(this_cpu_ptr(&page_caches), heap->nid, addr, n))
		return;
	raw_spin_lock(&heap->lock);
	heap_put(heap, addr, n);
	raw_spin_unlock(&heap->lock);
}

/**
 * goalloc_mheap_span_alloc() - a span for objects, from the pages at hand
 * @class: what for
 * @nid: from which node's mheap
 * @shortest: rather the least pages that hold an object than none
 *
 * Context: any, interrupts off, an mcentral's lock may be held.
 * Return: the span, all objects free, on no list; NULL if there are no pages or
 * no metadata: goalloc_mheap_grow() and try again.
 */
struct goalloc_mspan *goalloc_mheap_span_alloc(const struct goalloc_class *class, int nid,
					       bool shortest)
{
	struct goalloc_mheap *heap = goalloc_mheaps[nid];
	unsigned int n = class->npages;
	struct goalloc_mspan *span;
	unsigned long addr;
	void *block;

	lockdep_assert_irqs_disabled();
	addr = run_alloc(heap, n, class->align_pages);
	if (!addr && shortest) {
		n = class->min_pages;
		addr = run_alloc(heap, n, class->align_pages);
	}
	if (!addr)
		return NULL;
	span = goalloc_meta_span_get(goalloc_span_block(class, n), &block);
	if (!span)
		goto free_run;
	span->base = addr;
	span->npages = n;
	span->nid = nid;
	goalloc_span_init(span, class, block);
	goalloc_arena_set(addr, n, span);
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && goalloc_mheap_wants())
		goalloc_meta_kick();
	return span;

free_run:
	run_free(heap, addr, n);
	return NULL;
}

/**
 * goalloc_mheap_span_free() - take back a span all of whose objects are free
 * @span: on no list
 *
 * Context: as goalloc_mheap_span_alloc().
 */
void goalloc_mheap_span_free(struct goalloc_mspan *span)
{
	unsigned long addr = span->base;
	unsigned int n = span->npages;
	int nid = span->nid;

	lockdep_assert_irqs_disabled();
	goalloc_arena_set(addr, n, &goalloc_no_span);
	goalloc_span_retire(span);
	run_free(goalloc_mheaps[nid], addr, n);
}

/* ---- from and to the page allocator ---- */

static void pages_release(struct page *page, unsigned long npages)
{
	unsigned long i;

	for (i = 0; i < npages << GOALLOC_PAGE_ORDER; i++)
		__free_page(page + i);
}

/* In the kernel's books they are Slab, SUnreclaim: of all the rows what they are like most. */
static void book(const struct goalloc_mheap *heap, long npages)
{
	mod_node_page_state(NODE_DATA(heap->nid), NR_SLAB_UNRECLAIMABLE_B,
			    npages * (long)GOALLOC_PAGE_SIZE);
}

/* Enter @n pages from @i on as held; they are busy. */
static void chunk_add(struct goalloc_mheap *heap, struct goalloc_arena *arena, unsigned int i,
		      unsigned int n)
{
	lockdep_assert_held(&heap->lock);
	goalloc_debug_held((void *)page_addr(arena, i), (size_t)n << GOALLOC_PAGE_SHIFT);
	bitmap_set(arena->held, i, n);
	book(heap, n);
	WRITE_ONCE(heap->held, heap->held + n);	/* pairs with chunk_order() */
	heap->page_allocs++;
}

static void chunk_remove(struct goalloc_mheap *heap, struct goalloc_arena *arena, unsigned int i,
			 unsigned int n)
{
	lockdep_assert_held(&heap->lock);
	bitmap_clear(arena->held, i, n);
	book(heap, -(long)n);
	goalloc_limit_uncharge((size_t)n << GOALLOC_PAGE_SHIFT);
	WRITE_ONCE(heap->held, heap->held - n);
	heap->page_frees += (unsigned long)n << GOALLOC_PAGE_ORDER;
}

/*
 * What of a user's flags decides how pages are got. Retries for __GFP_NOFAIL are silent;
 * it stays, as it is exempt from injected faults.
 */
static gfp_t page_gfp(gfp_t gfp)
{
	if (gfp & __GFP_NOFAIL)
		gfp |= __GFP_NOWARN;
	return gfp & ~(__GFP_ZERO | __GFP_COMP);
}

/* Split pages of @order with their arena, or NULL: who asked with __GFP_NOFAIL tries again. */
static struct page *chunk_alloc(int nid, unsigned int order, gfp_t gfp,
				struct goalloc_arena **arena)
{
	struct page *page;

	if (goalloc_fault(PAGE_SIZE << order, gfp) ||
	    !goalloc_limit_charge(PAGE_SIZE << order, gfp))
		return NULL;
	page = alloc_pages_node(nid, gfp & ~__GFP_NOFAIL, order);
	if (!page)
		goto uncharge;
	*arena = goalloc_arena_ensure((unsigned long)page_address(page), PAGE_SIZE << order,
				      page_to_nid(page), gfp);
	if (!*arena) {
		__free_pages(page, order);
		goto uncharge;
	}
	split_page(page, order);
	return page;

uncharge:
	goalloc_limit_uncharge(PAGE_SIZE << order);
	return NULL;
}

static bool heap_has(struct goalloc_mheap *heap, unsigned int n, unsigned int align)
{
	unsigned long flags;
	unsigned int i;
	bool has;

	raw_spin_lock_irqsave(&heap->lock, flags);
	has = pages_find(heap, n, align, &i);
	raw_spin_unlock_irqrestore(&heap->lock, flags);
	return has;
}

/* As large as the heap's size makes sensible; the first try. */
static unsigned int chunk_order(const struct goalloc_mheap *heap)
{
	unsigned long bytes = READ_ONCE(heap->held) << GOALLOC_PAGE_SHIFT;

	bytes = clamp(bytes / CHUNK_SHARE, MIN_CHUNK, (unsigned long)goalloc_chunk_kb << 10);
	return min_t(unsigned int, ilog2(max(bytes, GOALLOC_PAGE_SIZE)) - PAGE_SHIFT,
		     GOALLOC_MAX_ORDER);
}

/**
 * goalloc_mheap_grow() - take a chunk from the page allocator
 * @nid: preferred node, the only one with __GFP_THISNODE
 * @npages: goalloc pages that are wanted in a row
 * @min_pages: goalloc pages that would do
 * @align: what their first is to be a multiple of, in goalloc pages; a power of two
 * @gfp: as the caller of gomalloc() gave them
 *
 * Tries large chunks without effort and smaller ones down to what would do, and
 * only that with all the effort that @gfp allows.
 *
 * Context: as @gfp says; no lock held. On PREEMPT_RT a context that is not
 * preemptible gets an error.
 * Return: the node whose mheap has grown, or that had the pages all along; or
 * -ENOMEM.
 */
int goalloc_mheap_grow(int nid, unsigned int npages, unsigned int min_pages, unsigned int align,
		       gfp_t gfp)
{
	struct goalloc_mheap *heap = goalloc_mheaps[nid];
	unsigned int least = get_order((size_t)min_pages << GOALLOC_PAGE_SHIFT);
	unsigned int order = get_order((size_t)npages << GOALLOC_PAGE_SHIFT);
	struct goalloc_arena *arena;
	struct page *page = NULL;
	unsigned long flags;
	unsigned int i;
	gfp_t light;

	gfp = page_gfp(gfp) & ~(GFP_ZONEMASK | __GFP_ACCOUNT);
	light = gfp & ~(__GFP_RECLAIM | __GFP_HIGH | __GFP_MEMALLOC);
	light |= __GFP_NOWARN | __GFP_NORETRY | __GFP_NOMEMALLOC;
	if (!goalloc_may_enter_pages()) {
		goalloc_meta_kick();
		return -ENOMEM;
	}
	goalloc_limit_make_room(PAGE_SIZE << least, gfp);
	if (goalloc_meta_prepare(gfp))
		return -ENOMEM;
	/* only metadata was missing, or another CPU has just been here */
	if (heap_has(heap, npages, align))
		return nid;
	for (order = max(order, chunk_order(heap)); order > least && !page; order--)
		page = chunk_alloc(nid, order, light, &arena);
	if (page)
		order++;	/* the loop has counted once more */
	else
		page = chunk_alloc(nid, order, gfp, &arena);
	if (!page)
		return -ENOMEM;
	heap = goalloc_mheaps[arena->nid];
	i = page_number(arena, (unsigned long)page_address(page));
	npages = 1U << (order - GOALLOC_PAGE_ORDER);
	raw_spin_lock_irqsave(&heap->lock, flags);
	chunk_add(heap, arena, i, npages);
	pages_put(heap, arena, i, npages);
	raw_spin_unlock_irqrestore(&heap->lock, flags);
	if (goalloc_scavenger_wants())
		goalloc_meta_kick();
	return arena->nid;
}

/* Give back free pages of @heap, the highest arena's first, until @keep are left. */
unsigned long goalloc_mheap_release(struct goalloc_mheap *heap, unsigned long keep)
{
	struct goalloc_arena *arena;
	unsigned long flags, i, end, released = 0;

	raw_spin_lock_irqsave(&heap->lock, flags);
	list_for_each_entry_reverse(arena, &heap->arenas, list) {
		for (i = 0; arena->nfree && heap->free > keep; i = end) {
			i = find_next_zero_bit(arena->busy, GOALLOC_ARENA_PAGES, i);
			if (i >= GOALLOC_ARENA_PAGES)
				break;
			end = min(i + RELEASE_BATCH, i + heap->free - keep);
			end = find_next_bit(arena->busy, min(end, GOALLOC_ARENA_PAGES), i);
			pages_take(heap, arena, i, end - i);
			chunk_remove(heap, arena, i, end - i);
			/* arenas stay on the list, so it may change meanwhile */
			raw_spin_unlock_irqrestore(&heap->lock, flags);
			pages_release(virt_to_page((void *)page_addr(arena, i)), end - i);
			released += (end - i) << GOALLOC_PAGE_ORDER;
			cond_resched();
			raw_spin_lock_irqsave(&heap->lock, flags);
		}
	}
	raw_spin_unlock_irqrestore(&heap->lock, flags);
	return released;
}

/**
 * goalloc_mheap_scavenge() - give back what is free beyond the slack
 * @heap: called once a period for it
 *
 * The slack is goalloc_retain_percent of the most pages that were lately in use.
 *
 * Context: task, may sleep.
 * Return: kernel pages given back.
 */
unsigned long goalloc_mheap_scavenge(struct goalloc_mheap *heap)
{
	unsigned long flags, used, keep;

	raw_spin_lock_irqsave(&heap->lock, flags);
	used = heap->held - heap->free;
	heap->peak -= DIV_ROUND_UP(heap->peak - min(heap->peak, used), PEAK_DECAY);
	heap->peak = max(heap->peak, used);
	keep = heap->peak + heap->peak * READ_ONCE(goalloc_retain_percent) / 100 - used;
	raw_spin_unlock_irqrestore(&heap->lock, flags);
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		keep = max(keep, RT_RESERVE + 0UL);
	return goalloc_mheap_release(heap, keep);
}

/* Give back @pages kernel pages of @heap, if it has them free; how many went. */
unsigned long goalloc_mheap_reclaim(struct goalloc_mheap *heap, unsigned long pages)
{
	unsigned long free = READ_ONCE(heap->free);
	unsigned long n = min(pages >> GOALLOC_PAGE_ORDER, free) + 1;

	return goalloc_mheap_release(heap, free - min(free, n));
}

/* ---- large objects ---- */

static void large_init(struct goalloc_mheap *heap, struct goalloc_mspan *span, unsigned long addr,
		       unsigned int n, enum goalloc_kind kind)
{
	lockdep_assert_held(&heap->lock);
	span->base = addr;
	span->npages = n;
	span->nelems = 1;
	span->nid = heap->nid;
	span->kind_class = kind;
	span->large_state = GOALLOC_USED;
	span->states = &span->large_state;
	/* bins that are full and empty at once send every free to the slow path */
	span->bins = goalloc_bins[0];
	/* only offset 0 times 1 is below 1; see goalloc_span_init() for the release */
	smp_store_release(&span->recip, 1);
	goalloc_arena_set(addr, n, span);
	heap->large_spans++;
	heap->large += n;
}

static void *large_try(struct goalloc_mheap *heap, unsigned int n, unsigned int align)
{
	struct goalloc_mspan *span;
	unsigned long flags, addr;

	span = goalloc_meta_span_get(0, NULL);
	if (!span)
		return NULL;
	raw_spin_lock_irqsave(&heap->lock, flags);
	addr = heap_take(heap, n, align);
	if (addr)
		large_init(heap, span, addr, n, GOALLOC_SPAN_LARGE);
	raw_spin_unlock_irqrestore(&heap->lock, flags);
	if (!addr)
		goalloc_meta_span_unget(span);
	else if (IS_ENABLED(CONFIG_PREEMPT_RT) && goalloc_mheap_wants())
		goalloc_meta_kick();
	return (void *)addr;
}

/*
 * Pages of a special zone, or that a memory cgroup pays for, just as many as needed:
 * they go back as soon as they are free.
 */
static void *direct_alloc(int nid, unsigned int n, gfp_t gfp)
{
	unsigned int order = get_order((size_t)n << GOALLOC_PAGE_SHIFT);
	struct goalloc_arena *arena;
	struct goalloc_mspan *span;
	struct goalloc_mheap *heap;
	unsigned long flags, addr, surplus;
	struct page *page;

	if (!goalloc_may_enter_pages())
		return NULL;
	goalloc_limit_make_room(PAGE_SIZE << order, gfp);
	if (goalloc_meta_prepare(gfp))
		return NULL;
	span = goalloc_meta_span_get(0, NULL);
	if (!span)
		return NULL;
	gfp = page_gfp(gfp) & ~__GFP_MOVABLE;
	page = chunk_alloc(nid, order, gfp, &arena);
	if (!page) {
		goalloc_meta_span_unget(span);
		return NULL;
	}
	surplus = (1UL << (order - GOALLOC_PAGE_ORDER)) - n;
	pages_release(page + ((unsigned long)n << GOALLOC_PAGE_ORDER), surplus);
	goalloc_limit_uncharge(surplus << GOALLOC_PAGE_SHIFT);
	heap = goalloc_mheaps[arena->nid];
	addr = (unsigned long)page_address(page);
	raw_spin_lock_irqsave(&heap->lock, flags);
	chunk_add(heap, arena, page_number(arena, addr), n);
	large_init(heap, span, addr, n, GOALLOC_SPAN_DIRECT);
	raw_spin_unlock_irqrestore(&heap->lock, flags);
	return page_address(page);
}

/**
 * goalloc_mheap_large_alloc() - an object of whole pages
 * @nid: preferred node
 * @size: bytes, at most GOALLOC_MAX_SIZE
 * @gfp: as the caller of gomalloc() gave them; __GFP_NOFAIL and __GFP_ZERO are his
 *
 * Context: as @gfp says; no lock held.
 * Return: the object, not zeroed, aligned to the largest power of two that
 * divides @size; or NULL.
 */
void *goalloc_mheap_large_alloc(int nid, size_t size, gfp_t gfp)
{
	unsigned int n = DIV_ROUND_UP(size, GOALLOC_PAGE_SIZE);
	unsigned int align = max(1UL, (size & -size) >> GOALLOC_PAGE_SHIFT);
	int tries, home = nid;
	void *p;

	/* where no page can be had now, one that nobody pays for is better than none */
	if (gfp & (__GFP_DMA | __GFP_DMA32) ||
	    (gfp & __GFP_ACCOUNT && goalloc_may_enter_pages()))
		return direct_alloc(nid, n, gfp);
	/* others may take what grow() found, but then they got on */
	for (tries = 0; tries < 8; tries++) {
		p = large_try(goalloc_mheaps[nid], n, align);
		if (p)
			return p;
		nid = goalloc_mheap_grow(home, n, n, align, gfp);
		if (nid < 0)
			break;
	}
	return NULL;
}

/* Take the pages of a freed direct span out of the books and give them back. */
static void direct_release(struct goalloc_mspan *span)
{
	unsigned long flags, addr = span->base;
	struct goalloc_mheap *heap = goalloc_mheaps[span->nid];
	struct goalloc_arena *arena = goalloc_arena_of(addr, span->nid);
	unsigned int n = span->npages;

	raw_spin_lock_irqsave(&heap->lock, flags);
	goalloc_arena_set(addr, n, &goalloc_no_span);
	goalloc_span_retire(span);
	heap->large_spans--;
	heap->large -= n;
	chunk_remove(heap, arena, page_number(arena, addr), n);
	raw_spin_unlock_irqrestore(&heap->lock, flags);
	pages_release(virt_to_page((void *)addr), n);
}

/**
 * goalloc_mheap_large_claim() - take a large object from its user
 * @span: looked up with preemption off from the object's first byte
 *
 * Of two frees that race only one gets it, and may then clear it before
 * goalloc_mheap_large_free().
 *
 * Context: any but NMI; preemption off since the lookup.
 * Return: false if it is not, or no longer, a large object in use.
 */
bool goalloc_mheap_large_claim(struct goalloc_mspan *span)
{
	struct goalloc_mheap *heap = goalloc_mheaps[READ_ONCE(span->nid)];
	enum goalloc_kind kind;
	unsigned long flags;
	bool ours;

	raw_spin_lock_irqsave(&heap->lock, flags);
	kind = goalloc_span_kind(span);
	ours = (kind == GOALLOC_SPAN_LARGE || kind == GOALLOC_SPAN_DIRECT) &&
	       span->large_state == GOALLOC_USED;
	if (ours)
		WRITE_ONCE(span->large_state, GOALLOC_CACHED);
	raw_spin_unlock_irqrestore(&heap->lock, flags);
	return ours;
}

/* Free a large object that has been claimed. Context: any but NMI. */
void goalloc_mheap_large_free(struct goalloc_mspan *span)
{
	struct goalloc_mheap *heap = goalloc_mheaps[span->nid];
	unsigned long flags;

	raw_spin_lock_irqsave(&heap->lock, flags);
	WRITE_ONCE(span->large_state, GOALLOC_FREE);
	if (goalloc_span_kind(span) == GOALLOC_SPAN_DIRECT) {
		list_add_tail(&span->list, &heap->deferred);
	} else {
		goalloc_arena_set(span->base, span->npages, &goalloc_no_span);
		heap->large_spans--;
		heap->large -= span->npages;
		heap_put(heap, span->base, span->npages);
		goalloc_span_retire(span);
	}
	raw_spin_unlock_irqrestore(&heap->lock, flags);
}

/* Give back the pages of freed direct spans. */
void goalloc_mheap_direct_release(void)
{
	struct goalloc_mspan *span;
	struct goalloc_mheap *heap;
	unsigned long flags;
	int nid;

	for_each_node(nid) {
		heap = goalloc_mheaps[nid];
		while (!list_empty_careful(&heap->deferred)) {
			raw_spin_lock_irqsave(&heap->lock, flags);
			span = list_first_entry_or_null(&heap->deferred, struct goalloc_mspan,
							list);
			if (span)
				list_del(&span->list);
			raw_spin_unlock_irqrestore(&heap->lock, flags);
			if (span)
				direct_release(span);
		}
	}
}

/* ---- the worker's part, start and end ---- */

static bool below_reserve(int nid)
{
	return IS_ENABLED(CONFIG_PREEMPT_RT) && node_state(nid, N_MEMORY) &&
	       READ_ONCE(goalloc_mheaps[nid]->free) < RT_RESERVE;
}

/* Does the worker have to do something? */
bool goalloc_mheap_wants(void)
{
	int nid;

	for_each_node(nid)
		if (below_reserve(nid) || !list_empty_careful(&goalloc_mheaps[nid]->deferred))
			return true;
	return false;
}

/* Keep the reserve of PREEMPT_RT filled, give back what atomic context could not. */
void goalloc_mheap_refill(void)
{
	int nid;

	goalloc_mheap_direct_release();
	for_each_node(nid) {
		while (below_reserve(nid)) {
			if (goalloc_mheap_grow(nid, RT_RESERVE, 1, 1, GFP_KERNEL | __GFP_NOWARN |
								   __GFP_THISNODE) < 0)
				break;
			cond_resched();
		}
	}
}

int goalloc_mheap_init(void)
{
	struct goalloc_mheap *heap;
	int nid;

	BUILD_BUG_ON(GOALLOC_ARENA_PAGES > U16_MAX);
	/* the reciprocals are exact for offsets below 128 KiB */
	BUILD_BUG_ON(GOALLOC_PAGE_SHIFT > 16);
	if (!goalloc_fault(nr_node_ids * sizeof(*goalloc_mheaps), GFP_KERNEL))
		goalloc_mheaps = kcalloc(nr_node_ids, sizeof(*goalloc_mheaps), GFP_KERNEL);
	if (!goalloc_mheaps)
		return -ENOMEM;
	for_each_node(nid) {
		heap = goalloc_meta_vzalloc(sizeof(*heap), GFP_KERNEL);
		if (!heap)
			return -ENOMEM;
		raw_spin_lock_init(&heap->lock);
		INIT_LIST_HEAD(&heap->arenas);
		INIT_LIST_HEAD(&heap->deferred);
		heap->nid = nid;
		goalloc_mheaps[nid] = heap;
	}
	return 0;
}

/* Gives back every page, also under objects that are still in use. Nobody else is left. */
void goalloc_mheap_exit(void)
{
	struct goalloc_arena *arena;
	unsigned long i;
	int nid;

	if (!goalloc_mheaps)
		return;
	for_each_node(nid) {
		if (!goalloc_mheaps[nid])
			continue;
		list_for_each_entry(arena, &goalloc_mheaps[nid]->arenas, list) {
			goalloc_debug_forget(arena);
			for_each_set_bit(i, arena->held, GOALLOC_ARENA_PAGES) {
				pages_release(virt_to_page((void *)page_addr(arena, i)), 1);
				book(goalloc_mheaps[nid], -1);
				cond_resched();
			}
		}
		goalloc_meta_free(goalloc_mheaps[nid], sizeof(struct goalloc_mheap));
	}
	kfree(goalloc_mheaps);
	goalloc_mheaps = NULL;
}
