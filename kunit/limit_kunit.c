// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_limit: all that is held is charged, and no more than the limit is. */
#include "../goalloc_limit.c"

#include <linux/list.h>

#include "goalloc_kunit.h"

#define BYTES	2000U	/* of an object of the lists below */

static int limit_init(struct kunit *test)
{
	goalloc_release_memory();
	return goalloc_kunit_case_init(test);
}

static void limit_exit(struct kunit *test)
{
	WRITE_ONCE(goalloc_limit_mb, 0);
	goalloc_kunit_case_exit(test);
}

static unsigned long held(void)
{
	struct goalloc_stats st;

	goalloc_read_stats(&st);
	return st.held;
}

static void expect_charged(struct kunit *test)
{
	/* it may be about to fetch metadata, between two lines of this */
	goalloc_meta_settle();
	KUNIT_EXPECT_EQ(test, held(), atomic_long_read(&charged) + goalloc_class_metadata() +
				      goalloc_nolock_metadata());
}

/* Up to @max objects, as long as there are any. */
static unsigned int take(struct list_head *list, unsigned int max, gfp_t gfp)
{
	struct list_head *p;
	unsigned int n;

	for (n = 0; n < max; n++) {
		p = gomalloc(BYTES, gfp | __GFP_NOWARN);
		if (!p)
			break;
		list_add(p, list);
	}
	return n;
}

static void give(struct list_head *list)
{
	struct list_head *p, *next;

	list_for_each_safe(p, next, list)
		gofree(p);
	INIT_LIST_HEAD(list);
}

static void test_charged(struct kunit *test)
{
	static const gfp_t gfps[] = { GFP_KERNEL, GFP_KERNEL_ACCOUNT, GFP_KERNEL | GFP_DMA32 };
	LIST_HEAD(list);
	unsigned int i;
	void *p;

	expect_charged(test);
	take(&list, 3000, GFP_KERNEL);
	expect_charged(test);
	give(&list);
	expect_charged(test);
	for (i = 0; i < ARRAY_SIZE(gfps); i++) {
		p = gomalloc(5 * GOALLOC_PAGE_SIZE, gfps[i]);
		KUNIT_EXPECT_NOT_NULL(test, p);
		expect_charged(test);
		gofree(p);
		expect_charged(test);
	}
	goalloc_release_memory();
	expect_charged(test);
}

/* With either kind of flags the limit holds, and all is well once there is none. */
static void test_refuses(struct kunit *test)
{
	static const gfp_t gfps[] = { GFP_KERNEL, GFP_ATOMIC };
	unsigned int i, n, more, mb;
	LIST_HEAD(list);
	u64 before;
	void *p;

	for (i = 0; i < ARRAY_SIZE(gfps); i++) {
		mb = DIV_ROUND_UP(held(), SZ_1M) + 3;
		before = goalloc_limit_refused();
		WRITE_ONCE(goalloc_limit_mb, mb);
		n = take(&list, 100000, gfps[i]);
		KUNIT_EXPECT_LE(test, held(), (unsigned long)mb << 20);
		KUNIT_EXPECT_GT(test, n, SZ_1M / 2048);
		KUNIT_EXPECT_LT(test, n, (mb << 20) / BYTES);
		KUNIT_EXPECT_GT(test, goalloc_limit_refused(), before);
		KUNIT_EXPECT_NULL(test, gomalloc(SZ_2M, gfps[i] | __GFP_NOWARN));
		/* who must not fail does not */
		if (gfpflags_allow_blocking(gfps[i])) {
			p = gomalloc(SZ_2M, gfps[i] | __GFP_NOFAIL);
			KUNIT_EXPECT_NOT_NULL(test, p);
			KUNIT_EXPECT_GT(test, held(), (unsigned long)mb << 20);
			gofree(p);
		}
		WRITE_ONCE(goalloc_limit_mb, 0);
		more = take(&list, 100, gfps[i]);
		KUNIT_EXPECT_EQ(test, more, 100);
		give(&list);
		expect_charged(test);
		goalloc_release_memory();
	}
}

/* A task's request gets what lies free and cached, though it is of another class. */
static void test_makes_room(struct kunit *test)
{
	unsigned int mb, n;
	LIST_HEAD(list);
	void *p;

	mb = DIV_ROUND_UP(held(), SZ_1M) + 4;
	WRITE_ONCE(goalloc_limit_mb, mb);
	migrate_disable();	/* other CPUs' bins go home only later */
	n = take(&list, 100000, GFP_KERNEL);
	KUNIT_EXPECT_GT(test, n, SZ_1M / 2048);
	give(&list);
	p = gomalloc(SZ_2M, GFP_KERNEL | __GFP_NOWARN);
	migrate_enable();
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_LE(test, held(), (unsigned long)mb << 20);
	gofree(p);
}

/* A limit below what is held: nobody loses anything, nobody gets more. */
static void test_below(struct kunit *test)
{
	LIST_HEAD(list);
	void *p;

	KUNIT_EXPECT_EQ(test, take(&list, 3000, GFP_KERNEL), 3000);
	WRITE_ONCE(goalloc_limit_mb, 1);
	goalloc_limit_changed();
	KUNIT_EXPECT_GT(test, goalloc_limit_excess(0), 3000 * BYTES - SZ_1M);
	KUNIT_EXPECT_NULL(test, gomalloc(SZ_64K, GFP_KERNEL | __GFP_NOWARN));
	goalloc_kunit_check(test);
	give(&list);
	goalloc_release_memory();
	p = gomalloc(SZ_64K, GFP_KERNEL | __GFP_NOWARN);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, goalloc_limit_excess(0), 0);
	gofree(p);
}

static struct kunit_case goalloc_limit_cases[] = {
	KUNIT_CASE(test_charged),
	KUNIT_CASE(test_refuses),
	KUNIT_CASE(test_makes_room),
	KUNIT_CASE(test_below),
	{}
};

static struct kunit_suite goalloc_limit_suite = {
	.name = "goalloc_limit",
	.suite_init = goalloc_kunit_start,
	.suite_exit = goalloc_kunit_stop,
	.init = limit_init,
	.exit = limit_exit,
	.test_cases = goalloc_limit_cases,
};

kunit_test_suite(goalloc_limit_suite);
