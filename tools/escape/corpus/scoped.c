// SPDX-License-Identifier: GPL-2.0
/* scoped.c - goalloc's own calls, and the names that map to the kernel's */

#include "corpus.h"

/* As in <linux/goalloc.h>, which needs no place here */
void *gomalloc(size_t size, gfp_t gfp) __alloc_size(1);
void *gozalloc(size_t size, gfp_t gfp) __alloc_size(1);
void *gocalloc(size_t n, size_t size, gfp_t gfp) __alloc_size(1, 2);
void *gokvmalloc(size_t size, gfp_t gfp) __alloc_size(1);
void *gomalloc_tiny(size_t size, gfp_t gfp) __alloc_size(1);
char *gostrdup(const char *s, gfp_t gfp);
void *gomem_cache_alloc(struct kmem_cache *c, gfp_t gfp);
void gomem_cache_free(struct kmem_cache *c, void *p);
void gofree(const void *p);
void gokvfree(const void *p);

int go_stays(void)
{
	struct item *it = gomalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack */
	int r = it ? 0 : -ENOMEM;

	gofree(it);
	return r;
}

int go_stays_array(void)
{
	u64 *v = gocalloc(8, sizeof(*v), GFP_KERNEL); /* want: does not escape, could be on the stack */
	int r = v ? v[3] > 2 : -ENOMEM;

	gofree(v);
	return r;
}

int go_tiny(void)
{
	u16 *v = gomalloc_tiny(sizeof(*v), GFP_KERNEL); /* want: does not escape, could be on the stack */
	int r = v ? 0 : -ENOMEM;

	gofree(v);
	return r;
}

int go_large(void)
{
	char *v = gokvmalloc(9000, GFP_KERNEL); /* want: larger than the limit (9000 > 1024) */
	int r = v ? 0 : -ENOMEM;

	gokvfree(v);
	return r;
}

int go_string(const char *s)
{
	char *c = gostrdup(s, GFP_KERNEL); /* want: size not constant */
	int r = c ? c[0] > 4 : -ENOMEM;

	gofree(c);
	return r;
}

int go_cache(struct kmem_cache *cache)
{
	struct item *it = gomem_cache_alloc(cache, GFP_KERNEL); /* want: size not constant */
	int r = it ? 0 : -ENOMEM;

	gomem_cache_free(cache, it);
	return r;
}

void go_leaves(struct dev *dev)
{
	dev->priv = gozalloc(8, GFP_KERNEL); /* want: escapes: stored in *dev (+0) */
}
