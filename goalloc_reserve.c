// SPDX-License-Identifier: GPL-2.0
/*
 * Reserves: objects that are taken beforehand, for a section that must not fail.
 *
 *	r = goalloc_reserve(size, n, GFP_KERNEL);	may fail, may sleep
 *	spin_lock(&lock);
 *	p = goalloc_reserve_take(r, 0);			does not fail, n times
 *	spin_unlock(&lock);
 *	goalloc_reserve_release(r);			frees what was not taken
 *
 * It is what kmem_cache_prefill_sheaf() is for a slab cache since 6.18. A mempool is
 * something else: it is shared, and waits for what others give back.
 *
 * States: a reserve has from 0 to n objects; taken ones are the user's, and freed by
 * gofree() as any other. All of them count as in use. Locks: none; a reserve is for one
 * user at a time.
 */
#include <linux/overflow.h>
#include <linux/string.h>

#include "goalloc_internal.h"

/**
 * struct goalloc_reserve - objects for one user
 * @size: bytes of each
 * @n: how many it has when it is full
 * @left: how many it has
 * @objects: these are the first
 */
struct goalloc_reserve {
	size_t size;
	unsigned int n;
	unsigned int left;
	void *objects[];
};

/**
 * goalloc_reserve() - take objects beforehand
 * @size: bytes of each, at most GOALLOC_MAX_SIZE
 * @n: how many
 * @gfp: as for gomalloc(); with __GFP_ZERO they are zeroed now, and none later
 *
 * Context: as gomalloc().
 * Return: the reserve with all @n objects, for goalloc_reserve_release(); NULL if that
 * many are not to be had: then none is taken.
 */
struct goalloc_reserve *goalloc_reserve(size_t size, unsigned int n, gfp_t gfp)
{
	struct goalloc_reserve *r;

	if (size > GOALLOC_MAX_SIZE)
		return NULL;
	r = gokvmalloc(struct_size(r, objects, n), gfp & ~__GFP_ZERO);
	if (!r)
		return NULL;
	r->size = size;
	r->n = n;
	r->left = 0;
	if (!goalloc_reserve_refill(r, gfp))
		return r;
	goalloc_reserve_release(r);
	return NULL;
}
EXPORT_SYMBOL_GPL(goalloc_reserve);

/**
 * goalloc_reserve_refill() - take as many objects as are missing
 * @r: the reserve
 * @gfp: as for gomalloc()
 *
 * Context: as gomalloc(); nobody else uses @r.
 * Return: 0, or -ENOMEM: what could be had is in it.
 */
int goalloc_reserve_refill(struct goalloc_reserve *r, gfp_t gfp)
{
	void *p;

	while (r->left < r->n) {
		p = gomalloc(r->size, gfp);
		if (!p)
			return -ENOMEM;
		r->objects[r->left++] = p;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(goalloc_reserve_refill);

/**
 * goalloc_reserve_take() - one of the objects
 * @r: the reserve
 * @gfp: __GFP_ZERO counts, others make no difference
 *
 * Context: any, NMI too, as long as nobody else uses @r.
 * Return: the object, for gofree(). NULL with a warning if all have been taken: the
 * reserve was too small.
 */
void *goalloc_reserve_take(struct goalloc_reserve *r, gfp_t gfp)
{
	void *p;

	if (WARN_ON_ONCE(!r->left))
		return NULL;
	p = r->objects[--r->left];
	if (gfp & __GFP_ZERO && !ZERO_OR_NULL_PTR(p))
		memset(p, 0, r->size);
	return p;
}
EXPORT_SYMBOL_GPL(goalloc_reserve_take);

/**
 * goalloc_reserve_left() - how many objects can still be taken
 * @r: the reserve
 *
 * Context: any, as long as nobody else uses @r.
 * Return: a number from 0 to that of goalloc_reserve().
 */
unsigned int goalloc_reserve_left(const struct goalloc_reserve *r)
{
	return r->left;
}
EXPORT_SYMBOL_GPL(goalloc_reserve_left);

/**
 * goalloc_reserve_release() - free what has not been taken, and the reserve
 * @r: the reserve, or NULL
 *
 * Context: as gokvfree().
 */
void goalloc_reserve_release(struct goalloc_reserve *r)
{
	if (!r)
		return;
	gofree_bulk(r->left, r->objects);
	gokvfree(r);
}
EXPORT_SYMBOL_GPL(goalloc_reserve_release);
