// SPDX-License-Identifier: GPL-2.0
/* size.c - sizes: constant or not, within the limit or not, and the frame */

#include "corpus.h"

long size_of_name(const struct item *it)
{
	return strnlen(it->name, sizeof(it->name));
}

int size_variable(size_t n)
{
	char *buf = kmalloc(n, GFP_KERNEL); /* want: size not constant */
	int r = 0;

	if (buf) {
		buf[0] = 0;
		r = buf[0];
	}
	kfree(buf);
	return r;
}

int size_variable_array(size_t n)
{
	u32 *buf = kmalloc_array(n, sizeof(*buf), GFP_KERNEL); /* want: size not constant */

	kfree(buf);
	return buf ? 0 : -ENOMEM;
}

int size_string(const char *s)
{
	char *copy = kstrdup(s, GFP_KERNEL); /* want: size not constant */
	int r = copy ? strcmp(copy, s) : 0;

	kfree(copy);
	return r;
}

int size_cache(struct kmem_cache *cache)
{
	struct item *it = kmem_cache_alloc(cache, GFP_KERNEL); /* want: size not constant */
	int r = it ? it->error : 0;

	kmem_cache_free(cache, it);
	return r;
}

/* A variable that can have only one value */
int size_computed(void)
{
	size_t n = 4 * sizeof(struct item) + 16;
	char *buf = kmalloc(n, GFP_KERNEL); /* want: does not escape, could be on the stack */
	int r = buf ? 0 : -ENOMEM;

	kfree(buf);
	return r;
}

/* One of two */
int size_either(bool big)
{
	size_t n = big ? 64 : 32;
	char *buf = kmalloc(n, GFP_KERNEL); /* want: size not constant */
	int r = buf ? 0 : -ENOMEM;

	kfree(buf);
	return r;
}

struct flexible {
	int n;
	u32 v[];
};

int size_struct_size(void)
{
	struct flexible *f = kmalloc(struct_size(f, v, 8), GFP_KERNEL); /* want: does not escape, could be on the stack */
	int r = f ? 0 : -ENOMEM;

	kfree(f);
	return r;
}

int size_struct_size_variable(int n)
{
	struct flexible *f = kmalloc(struct_size(f, v, n), GFP_KERNEL); /* want: size not constant */
	int r = f ? 0 : -ENOMEM;

	kfree(f);
	return r;
}

int size_at_limit(void)
{
	char *buf = kzalloc(1024, GFP_KERNEL); /* want: does not escape, could be on the stack */
	int r = buf ? buf[5] : -ENOMEM;

	kfree(buf);
	return r;
}

int size_above_limit(void)
{
	char *buf = kzalloc(1025, GFP_KERNEL); /* want: larger than the limit (1025 > 1024) */
	int r = buf ? buf[5] : -ENOMEM;

	kfree(buf);
	return r;
}

int size_page(void)
{
	char *buf = kvzalloc(4096, GFP_KERNEL); /* want: larger than the limit (4096 > 1024) */
	int r = buf ? buf[5] : -ENOMEM;

	kvfree(buf);
	return r;
}

/* 1200 bytes are on the stack already */
int size_frame(const char *s)
{
	char big[1200];
	char *buf = kmalloc(1000, GFP_KERNEL); /* want: the stack frame of size_frame() would be too large (...) */
	int r;

	strscpy(big, s, sizeof(big));
	OPTIMIZER_HIDE_VAR(s);
	barrier_data(big);
	r = buf ? strlen(s) : -ENOMEM;
	kfree(buf);
	return r + big[4];
}

/* Each would fit, both would not */
int size_frame_two(void)
{
	char *a = kmalloc(1024, GFP_KERNEL); /* want: does not escape, could be on the stack */
	char *b = kmalloc(1024, GFP_KERNEL); /* want: the stack frame of size_frame_two() would be too large (...) */
	int r = a && b ? 0 : -ENOMEM;

	kfree(a);
	kfree(b);
	return r;
}

int size_krealloc(void)
{
	char *buf = krealloc(NULL, 64, GFP_KERNEL); /* want: may be resized */
	int r = buf ? 0 : -ENOMEM;

	kfree(buf);
	return r;
}

/* What is given to krealloc() must be on the heap */
int size_kreallocated(void)
{
	char *buf = kmalloc(32, GFP_KERNEL); /* want: escapes: passed to krealloc() (+1) */
	char *more = krealloc(buf, 64, GFP_KERNEL); /* want: may be resized */
	int r = more ? 0 : -ENOMEM;

	kfree(more);
	return r;
}

int size_kv_array(void)
{
	u32 *v = kvmalloc_array(600, sizeof(*v), GFP_KERNEL); /* want: larger than the limit (2400 > 1024) */
	u32 *w = kvcalloc(6, sizeof(*w), GFP_KERNEL); /* want: does not escape, could be on the stack */
	int r = v && w ? 0 : -ENOMEM;

	kvfree(v);
	kvfree(w);
	return r;
}

int size_node(void)
{
	long *v = kmalloc_node(sizeof(*v), GFP_KERNEL, 0); /* want: does not escape, could be on the stack */
	int r = v ? 0 : -ENOMEM;

	kfree(v);
	return r;
}
