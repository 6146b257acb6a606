// SPDX-License-Identifier: GPL-2.0
/*
 * goalloc_scoped_test.c - goalloc_scoped() frees on every path, and where it says
 *
 * After each case goalloc must have as many objects as before. Case by case the
 * object must be on the stack or on the heap. Loading fails if one is wrong.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/sched/task_stack.h>
#include <linux/goalloc.h>
#include <linux/goalloc_scoped.h>

MODULE_DESCRIPTION("goalloc: test of the scoped helpers");
MODULE_LICENSE("GPL");

struct small { long a, b; char c[40]; };
struct limit { char c[GOALLOC_SCOPED_LIMIT]; };
struct large { char c[GOALLOC_SCOPED_LIMIT + 1]; };
struct aligned { long a; } __aligned(64);
struct flexible { int n; u32 v[]; };

/* The compiler does not know that it is 0 */
static int zero;
static int failures;

module_param(zero, int, 0);

static u64 objects(void)
{
	struct goalloc_stats st;

	goalloc_read_stats(&st);
	return st.objects;
}

static void expect(bool ok, const char *what)
{
	if (ok)
		return;
	pr_err("not ok: %s\n", what);
	failures++;
}

static void on_stack(const void *p, const char *what)
{
	expect(p && object_is_on_stack(p) && !goalloc_owns(p), what);
}

static void on_heap(const void *p, const char *what)
{
	expect(p && !object_is_on_stack(p) && goalloc_owns(p), what);
}

static noinline void place_small(void)
{
	goalloc_scoped(struct small, s, GFP_KERNEL);

	on_stack(s, "small on the stack");
	s->a = 1;
}

static noinline void place_limit(void)
{
	goalloc_scoped(struct limit, s, GFP_KERNEL);

	on_stack(s, "at the limit on the stack");
	s->c[GOALLOC_SCOPED_LIMIT - 1] = 1;
}

static noinline void place_large(void)
{
	u64 before = objects();

	goalloc_scoped(struct large, s, GFP_KERNEL);

	on_heap(s, "above the limit on the heap");
	expect(objects() == before + 1, "one object");
}

static noinline void place_aligned(void)
{
	goalloc_scoped(struct aligned, s, GFP_KERNEL);

	on_heap(s, "large alignment on the heap");
	expect(IS_ALIGNED((unsigned long)s, 64), "aligned");
}

static noinline void dirty_stack(void)
{
	char c[512];

	memset(c, 0xa5, sizeof(c));
	barrier_data(c);
}

static noinline void zeroed(void)
{
	goalloc_scoped(struct small, s, GFP_KERNEL | __GFP_ZERO);
	goalloc_scoped(struct large, l, GFP_KERNEL | __GFP_ZERO);

	expect(!memchr_inv(s, 0, sizeof(*s)), "stack zeroed");
	expect(l && !memchr_inv(l, 0, sizeof(*l)), "heap zeroed");
}

static noinline void sized(size_t size)
{
	goalloc_scoped_sized(u8, b, size, 128, GFP_KERNEL);
	goalloc_scoped_sized(struct flexible, f, struct_size(f, v, size), 64,
			     GFP_KERNEL | __GFP_ZERO);

	if (size <= 128)
		on_stack(b, "sized on the stack");
	else
		on_heap(b, "sized on the heap");
	if (sizeof(*f) + size * 4 <= 64)
		on_stack(f, "flexible on the stack");
	else
		on_heap(f, "flexible on the heap");
	expect(f && !memchr_inv(f, 0, struct_size(f, v, size)), "sized zeroed");
	memset(b, 1, size);
}

static noinline int path_return(int which)
{
	goalloc_scoped(struct large, l, GFP_KERNEL);

	if (!l)
		return -ENOMEM;
	if (which == 0)
		return 1;
	{
		goalloc_scoped(struct large, inner, GFP_KERNEL);

		if (which == 1)
			return 2;
		if (which == 2)
			goto out;
		inner->c[0] = zero;
	}
	if (which == 3)
		goto out;
	return 3;
out:
	return 4;
}

static noinline int path_loop(void)
{
	u64 before = objects();
	int n = 0;

	for (int i = 0; i < 10; i++) {
		goalloc_scoped(struct large, l, GFP_KERNEL);

		expect(objects() == before + 1, "one object an iteration");
		if (i == 3)
			continue;
		if (i == 7)
			break;
		l->c[1] = zero;
		n++;
	}
	switch (n) {
	case 6: {
		goalloc_scoped(struct large, l, GFP_KERNEL);

		l->c[0] = zero;
		break;
	}
	default:
		expect(false, "iterations");
	}
	return n;
}

/* More than any allocation can have */
static noinline void fails(size_t size)
{
	goalloc_scoped_sized(u8, b, size, 16, GFP_KERNEL | __GFP_NOWARN);

	expect(!b, "NULL for want of memory");
}

#ifdef FRAME_TEST
/* The compiler must warn of this: each fits into a frame, both do not */
noinline int frame_test(void);
noinline int frame_test(void)
{
	goalloc_scoped(struct limit, a, GFP_KERNEL);
	goalloc_scoped(struct limit, b, GFP_KERNEL);

	barrier_data(a);
	barrier_data(b);
	return a->c[0] + b->c[0];
}
#endif

static int __init goalloc_scoped_init(void)
{
	u64 before = objects();

	place_small();
	place_limit();
	place_large();
	place_aligned();
	dirty_stack();
	zeroed();
	for (size_t n = 1; n < 300; n += 13)
		sized(n);
	for (int i = 0; i < 5; i++)
		path_return(i);
	path_loop();
	fails((size_t)1 << 40);
	expect(objects() == before, "every object is freed");
	if (failures)
		return -EINVAL;
	pr_info("ok\n");
	return 0;
}

static void __exit goalloc_scoped_exit(void)
{
}

module_init(goalloc_scoped_init);
module_exit(goalloc_scoped_exit);
