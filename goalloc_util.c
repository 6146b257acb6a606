// SPDX-License-Identifier: GPL-2.0
/*
 * What mm/util.c and mm/mempool.c have around kmalloc(), around gomalloc(): copies
 * of strings and memory, objects that may be larger than what the page allocator
 * gives, and the functions that a mempool calls.
 *
 * No state and no locks of its own.
 */
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "goalloc_internal.h"

/**
 * gomemdup() - a copy of some memory, as kmemdup() makes
 * @src: what to copy
 * @len: bytes
 * @gfp: as for gomalloc()
 *
 * Context: as gomalloc().
 * Return: the copy, for gofree(); ZERO_SIZE_PTR for @len 0; or NULL.
 */
void *gomemdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = gomalloc(len, gfp);

	return ZERO_OR_NULL_PTR(p) ? p : memcpy(p, src, len);
}
EXPORT_SYMBOL_GPL(gomemdup);

/**
 * gostrndup() - a copy of the beginning of a string, as kstrndup() makes
 * @s: the string, or NULL
 * @max: bytes of it to copy, at most; nothing behind them is read
 * @gfp: as for gomalloc()
 *
 * Context: as gomalloc().
 * Return: the copy, which always ends in a 0 byte, for gofree(); or NULL, also for
 * NULL.
 */
char *gostrndup(const char *s, size_t max, gfp_t gfp)
{
	size_t len;
	char *p;

	if (!s)
		return NULL;
	len = strnlen(s, max);
	p = gomalloc(len + 1, gfp);
	if (!p)
		return NULL;
	memcpy(p, s, len);
	p[len] = 0;
	return p;
}
EXPORT_SYMBOL_GPL(gostrndup);

/**
 * gostrdup() - a copy of a string, as kstrdup() makes
 * @s: the string, or NULL
 * @gfp: as for gomalloc()
 *
 * Context: as gomalloc().
 * Return: the copy, for gofree(); or NULL, also for NULL.
 */
char *gostrdup(const char *s, gfp_t gfp)
{
	size_t len;
	char *p;

	if (!s)
		return NULL;
	len = strlen(s) + 1;
	p = gomemdup(s, len, gfp);
	/* a string that is written to meanwhile gives one all the same */
	if (p)
		p[len - 1] = 0;
	return p;
}
EXPORT_SYMBOL_GPL(gostrdup);

/**
 * gokvmalloc() - allocate memory that need not be contiguous, as kvmalloc() does
 * @size: bytes; 0 gives ZERO_SIZE_PTR
 * @gfp: as for gomalloc()
 *
 * An object of gomalloc() if that can be had without effort, else, if it is larger
 * than a page and @gfp allows to sleep, one of vmalloc(). The second way keeps the
 * promise of __GFP_NOFAIL, and is the only one above what the page allocator gives.
 * An attempt of the first way that fails is counted in goalloc_stats.failures.
 *
 * Context: as gomalloc().
 * Return: the memory, for gokvfree(); or NULL.
 */
void *gokvmalloc(size_t size, gfp_t gfp)
{
	gfp_t first = gfp;
	void *p;

	if (size <= PAGE_SIZE)
		return gomalloc(size, gfp);
	if (size <= GOALLOC_MAX_SIZE) {
		if (gfpflags_allow_blocking(gfp)) {
			/* as of kvmalloc(): only who asks for it has memory reclaimed for this */
			first = (gfp | __GFP_NOWARN) & ~__GFP_NOFAIL;
			if (!(gfp & __GFP_RETRY_MAYFAIL))
				first |= __GFP_NORETRY;
		}
		p = gomalloc(size, first);
		if (p)
			return p;
	}
	if (!gfpflags_allow_blocking(gfp))
		return NULL;
	if (unlikely(size > INT_MAX)) {
		WARN_ON_ONCE(!(gfp & __GFP_NOWARN));
		return NULL;
	}
	return __vmalloc(size, gfp);
}
EXPORT_SYMBOL_GPL(gokvmalloc);

/**
 * gokvfree() - free memory of gokvmalloc(), gomalloc() or vmalloc(), as kvfree() does
 * @p: the memory; NULL and ZERO_SIZE_PTR are ignored
 *
 * Context: preemptible task or an interrupt, not NMI; of memory that is gomalloc()'s
 * any that gofree() allows.
 */
void gokvfree(const void *p)
{
	if (is_vmalloc_addr(p))
		vfree(p);
	else
		gofree(p);
}
EXPORT_SYMBOL_GPL(gokvfree);

/**
 * gomempool_alloc() - the function by which a mempool allocates
 * @gfp: as for gomalloc()
 * @size: bytes, cast to a pointer: the pool_data of mempool_create()
 *
 * mempool_create(n, gomempool_alloc, gomempool_free, (void *)size) is what
 * mempool_create_kmalloc_pool(n, size) is for kmalloc().
 *
 * Context: as gomalloc().
 * Return: the object or NULL.
 */
void *gomempool_alloc(gfp_t gfp, void *size)
{
	return gomalloc((size_t)size, gfp);
}
EXPORT_SYMBOL_GPL(gomempool_alloc);

/**
 * gomempool_free() - the function by which a mempool frees
 * @p: an object of gomempool_alloc()
 * @size: not used
 *
 * Context: as gofree().
 */
void gomempool_free(void *p, void *size)
{
	gofree(p);
}
EXPORT_SYMBOL_GPL(gomempool_free);
