/* SPDX-License-Identifier: GPL-2.0 */
/*
 * goalloc: the memory manager of the Go runtime as a slab-like allocator.
 *
 * The naming rule is one line: every kfoo has its gofoo, same arguments, same
 * contract, same corner cases. So gomalloc() is kmalloc() and gofree() is
 * kfree(); what is documented for the one holds for the other, alignment
 * included: at least the largest power of two that divides the size, and 8.
 *
 * Unless its kernel-doc says otherwise, a call may come from task, softirq and
 * hardirq context, not from NMI.
 */
#ifndef _LINUX_GOALLOC_H
#define _LINUX_GOALLOC_H

#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/types.h>
#include <linux/goalloc_sizeclasses.h>

/**
 * struct goalloc_stats - where every byte is
 * @held: bytes that goalloc holds, metadata included; the sum of the next four
 * @in_use: bytes of objects that are with their users, rounded up to the class
 * @cached: bytes of objects that wait in mcaches and in mcentral batches
 * @free: bytes of free objects in spans, span tails, free runs and page caches
 * @metadata: bytes of vmalloc'ed, percpu and other memory that holds no objects
 * @objects: number of objects that are with their users, large ones included
 * @spans: number of spans in use, large ones included
 * @large: bytes of large spans, a part of @in_use
 * @large_objects: number of large objects, a part of @objects
 * @pages: number of kernel pages taken from the page allocator for objects
 * @page_allocs: calls to the page allocator that gave pages, since loading
 * @page_frees: kernel pages given back, since loading
 * @failures: allocations that returned NULL, too large ones included, since loading
 * @misuse: frees that were refused, and other misuse, since loading
 * @limit: bytes that may be held, limit_mb; 0: no limit
 * @refused: requests for pages that the limit refused, since loading
 * @scavenged: kernel pages given back in the background, since loading
 *
 * Exact when nobody allocates; else off by at most the operations in flight.
 */
struct goalloc_stats {
	u64 held;
	u64 in_use;
	u64 cached;
	u64 free;
	u64 metadata;
	u64 objects;
	u64 spans;
	u64 large;
	u64 large_objects;
	u64 pages;
	u64 page_allocs;
	u64 page_frees;
	u64 failures;
	u64 misuse;
	u64 limit;
	u64 refused;
	u64 scavenged;
};

void *__gomalloc(size_t size, gfp_t gfp) __assume_kmalloc_alignment __alloc_size(1);
void *__gomalloc_class(unsigned int class, size_t size, gfp_t gfp)
	__assume_kmalloc_alignment __alloc_size(2);
void *gomalloc_node(size_t size, gfp_t gfp, int node)
	__assume_kmalloc_alignment __alloc_size(1);
void *gomalloc_tiny(size_t size, gfp_t gfp) __alloc_size(1);
void *gorealloc(const void *p, size_t new_size, gfp_t gfp) __realloc_size(2);
void gofree(const void *p);
void gofree_sensitive(const void *p);
void gofree_bulk(size_t n, void **p);
size_t gosize(const void *p);

void *gomemdup(const void *src, size_t len, gfp_t gfp) __realloc_size(2);
char *gostrndup(const char *s, size_t max, gfp_t gfp);
char *gostrdup(const char *s, gfp_t gfp);
void *gokvmalloc(size_t size, gfp_t gfp) __alloc_size(1);
void gokvfree(const void *p);
void *gomempool_alloc(gfp_t gfp, void *size);
void gomempool_free(void *p, void *size);

struct goalloc_reserve;
struct goalloc_reserve *goalloc_reserve(size_t size, unsigned int n, gfp_t gfp);
int goalloc_reserve_refill(struct goalloc_reserve *r, gfp_t gfp);
void *goalloc_reserve_take(struct goalloc_reserve *r, gfp_t gfp);
unsigned int goalloc_reserve_left(const struct goalloc_reserve *r);
void goalloc_reserve_release(struct goalloc_reserve *r);

void *gomalloc_nolock(size_t size, gfp_t gfp) __alloc_size(1);
void gofree_nolock(const void *p);

bool goalloc_owns(const void *p);
void goalloc_read_stats(struct goalloc_stats *st);
unsigned long goalloc_release_memory(void);

/**
 * gomalloc() - allocate memory, as kmalloc() does
 * @size: bytes; 0 gives ZERO_SIZE_PTR
 * @gfp: as for kmalloc(); GFP_DMA and GFP_DMA32 go straight to pages of that zone
 *
 * A constant size finds its size class at compile time.
 *
 * Context: task, softirq or hardirq; sleeps only if @gfp allows it.
 * Return: the object, aligned to the largest power of two that divides @size and
 * at least to 8, or NULL.
 */
static __always_inline __alloc_size(1) void *gomalloc(size_t size, gfp_t gfp)
{
	if (__builtin_constant_p(size) && size && size <= GOALLOC_MAX_SMALL)
		return __gomalloc_class(goalloc_size_class(size), size, gfp);
	return __gomalloc(size, gfp);
}

/**
 * gozalloc() - allocate zeroed memory, as kzalloc() does
 * @size: bytes
 * @gfp: as for gomalloc()
 *
 * Context: as gomalloc().
 * Return: the object, zeroed up to gosize(), or NULL.
 */
static inline __alloc_size(1) void *gozalloc(size_t size, gfp_t gfp)
{
	return gomalloc(size, gfp | __GFP_ZERO);
}

/**
 * gozalloc_node() - allocate zeroed memory on a node, as kzalloc_node() does
 * @size: bytes
 * @gfp: as for gomalloc()
 * @node: NUMA node or NUMA_NO_NODE
 *
 * Context: as gomalloc().
 * Return: the object or NULL.
 */
static inline __alloc_size(1) void *gozalloc_node(size_t size, gfp_t gfp, int node)
{
	return gomalloc_node(size, gfp | __GFP_ZERO, node);
}

/**
 * gomalloc_array() - allocate an array, as kmalloc_array() does
 * @n: number of elements
 * @size: bytes an element
 * @gfp: as for gomalloc()
 *
 * Context: as gomalloc().
 * Return: the array, or NULL, also when @n * @size overflows.
 */
static inline __alloc_size(1, 2) void *gomalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(n, size, &bytes)))
		return NULL;
	return gomalloc(bytes, gfp);
}

/**
 * gocalloc() - allocate a zeroed array, as kcalloc() does
 * @n: number of elements
 * @size: bytes an element
 * @gfp: as for gomalloc()
 *
 * Context: as gomalloc().
 * Return: the array, or NULL, also when @n * @size overflows.
 */
static inline __alloc_size(1, 2) void *gocalloc(size_t n, size_t size, gfp_t gfp)
{
	return gomalloc_array(n, size, gfp | __GFP_ZERO);
}

/**
 * gorealloc_array() - resize an array, as krealloc_array() does
 * @p: the array or NULL
 * @n: new number of elements
 * @size: bytes an element
 * @gfp: as for gomalloc()
 *
 * Context: as gomalloc().
 * Return: the array, perhaps moved, or NULL with @p untouched, also when
 * @n * @size overflows.
 */
static inline __realloc_size(2, 3) void *gorealloc_array(void *p, size_t n, size_t size,
							 gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(n, size, &bytes)))
		return NULL;
	return gorealloc(p, bytes, gfp);
}

/* <linux/slab.h> brings <linux/cleanup.h>, where the kernel has it */
#ifdef DEFINE_FREE
DEFINE_FREE(gofree, void *, IS_ERR_OR_NULL(_T) ? (void)0 : gofree(_T))
#endif

/**
 * gokvzalloc() - allocate zeroed memory that need not be contiguous, as kvzalloc() does
 * @size: bytes
 * @gfp: as for gomalloc()
 *
 * Context: as gokvmalloc().
 * Return: the memory, for gokvfree(); or NULL.
 */
static inline __alloc_size(1) void *gokvzalloc(size_t size, gfp_t gfp)
{
	return gokvmalloc(size, gfp | __GFP_ZERO);
}

/**
 * gokvmalloc_array() - allocate an array that need not be contiguous, as kvmalloc_array() does
 * @n: number of elements
 * @size: bytes an element
 * @gfp: as for gomalloc()
 *
 * Context: as gokvmalloc().
 * Return: the array, for gokvfree(); or NULL, also when @n * @size overflows.
 */
static inline __alloc_size(1, 2) void *gokvmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(n, size, &bytes)))
		return NULL;
	return gokvmalloc(bytes, gfp);
}

void goalloc_free_rcu(struct rcu_head *head, const void *p);
void goalloc_rcu_barrier(void);

/**
 * gofree_rcu() - free an object after a grace period, as kfree_rcu() does
 * @ptr: pointer to the object, or to memory of gokvmalloc(); NULL is ignored
 * @rcu_member: name of a struct rcu_head in it, at whatever offset
 *
 * The object may be read until its last reader is done, but for @rcu_member.
 *
 * Context: any but NMI, with any lock held.
 */
#define gofree_rcu(ptr, rcu_member)						\
do {										\
	typeof(ptr) goalloc_p_ = (ptr);						\
										\
	if (goalloc_p_)								\
		goalloc_free_rcu((void *)goalloc_p_ +				\
				 offsetof(typeof(*goalloc_p_), rcu_member),	\
				 goalloc_p_);					\
} while (0)

/**
 * gofree_rcu_mightsleep() - the same without an rcu_head, as kfree_rcu_mightsleep() does
 * @p: an object, or memory of gokvmalloc(); NULL and ZERO_SIZE_PTR are ignored
 *
 * Sleeps for memory or, if there is none, for a grace period.
 *
 * Context: task that may sleep.
 */
static inline void gofree_rcu_mightsleep(const void *p)
{
	might_sleep();
	goalloc_free_rcu(NULL, p);
}

#ifdef DEFINE_FREE
DEFINE_FREE(gokvfree, void *, IS_ERR_OR_NULL(_T) ? (void)0 : gokvfree(_T))
#endif

/*
 * To come, each beside its kfoo: gomem_cache_*.
 */

/* Objects of a scope; it needs the calls above */
#include <linux/goalloc_scoped.h>

#endif /* _LINUX_GOALLOC_H */
