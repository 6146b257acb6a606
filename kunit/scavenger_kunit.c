// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite goalloc_scavenger: what goes back in a round, and what stays.
 *
 * The timer is stopped while the suites run: a round is a call.
 */
#include "../goalloc_scavenger.c"

#include <linux/list.h>

#include "goalloc_kunit.h"

#define BYTES	2048UL

static int scavenger_init(struct kunit *test)
{
	goalloc_release_memory();
	return goalloc_kunit_case_init(test);
}

static void scavenger_exit(struct kunit *test)
{
	WRITE_ONCE(goalloc_retain_percent, 10);
	goalloc_kunit_case_exit(test);
}

static void take(struct kunit *test, struct list_head *list, unsigned int n)
{
	struct list_head *p;

	while (n--) {
		p = gomalloc(BYTES, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		list_add(p, list);
	}
}

static void give(struct list_head *list)
{
	struct list_head *p, *next;

	list_for_each_safe(p, next, list)
		gofree(p);
	INIT_LIST_HEAD(list);
}

static struct goalloc_stats stats(void)
{
	struct goalloc_stats st;

	goalloc_read_stats(&st);
	return st;
}

/* The most of the kernel's pages that PREEMPT_RT keeps */
static u64 reserve(void)
{
	return IS_ENABLED(CONFIG_PREEMPT_RT) ? nr_node_ids * (SZ_512K / PAGE_SIZE) : 0;
}

/* All goes back at last, not at once: the mark of what was in use falls by an eighth. */
static void test_all_goes(struct kunit *test)
{
	unsigned int rounds, half = 0;
	u64 before, most;
	LIST_HEAD(list);

	take(test, &list, 4 * SZ_1M / BYTES);
	goalloc_scavenge();
	give(&list);
	before = goalloc_scavenger_pages();
	most = stats().pages;
	for (rounds = 0; stats().pages > reserve() && rounds < 200; rounds++) {
		goalloc_scavenge();
		if (!half && stats().pages < most / 2)
			half = rounds + 1;
	}
	KUNIT_EXPECT_LE(test, stats().pages, reserve());
	KUNIT_EXPECT_GE(test, goalloc_scavenger_pages() - before, most - reserve());
	/* 0.875^5 is 0.51; the first two see a CPU at work, and one go idle */
	KUNIT_EXPECT_GE(test, half, 5);
	KUNIT_EXPECT_LE(test, half, 12);
}

/* What stays free is the slack, with any slack. */
static void test_slack(struct kunit *test)
{
	static const unsigned int percents[] = { 100, 50, 10, 0 };
	struct goalloc_stats st;
	LIST_HEAD(list);
	LIST_HEAD(most);
	unsigned int i, rounds;

	take(test, &most, 8 * SZ_1M / BYTES);
	take(test, &list, 2 * SZ_1M / BYTES);
	give(&most);
	for (i = 0; i < ARRAY_SIZE(percents); i++) {
		WRITE_ONCE(goalloc_retain_percent, percents[i]);
		for (rounds = 0; rounds < 60; rounds++)
			goalloc_scavenge();
		st = stats();
		KUNIT_EXPECT_GE(test, st.in_use, 2 * SZ_1M);
		/* a span of 16 KiB, a page: what is partly in use cannot go */
		KUNIT_EXPECT_LE(test, st.free + st.cached,
				st.in_use * percents[i] / 100 + SZ_64K + reserve() * PAGE_SIZE);
		KUNIT_EXPECT_GE(test, st.free + st.cached + SZ_64K, st.in_use * percents[i] / 100);
	}
	give(&list);
}

/* A CPU that works keeps its mcache; one that does not loses it. */
static void test_idle(struct kunit *test)
{
	struct goalloc_class *class = goalloc_classes[goalloc_size_class(BYTES)];
	struct goalloc_class_stats cs;
	unsigned int i;

	migrate_disable();
	for (i = 0; i < 5; i++) {
		gofree(gomalloc(BYTES, GFP_KERNEL));
		goalloc_scavenge();
		goalloc_stats_class(class, &cs);
		KUNIT_EXPECT_GT(test, cs.mcache, 0);
	}
	goalloc_scavenge();
	migrate_enable();
	goalloc_stats_class(class, &cs);
	KUNIT_EXPECT_EQ(test, cs.mcache, 0);
}

/* However much the kernel wants: what this CPU and the depots have goes. */
static void test_reclaim(struct kunit *test)
{
	unsigned long released = 0, wanted = 16;
	LIST_HEAD(list);
	u64 before;
	int nid;

	migrate_disable();
	take(test, &list, 4 * SZ_1M / BYTES);
	give(&list);
	before = stats().pages;
	nid = numa_mem_id();
	KUNIT_EXPECT_GE(test, goalloc_reclaim(nid, wanted), wanted);
	KUNIT_EXPECT_GT(test, stats().pages, before / 2);
	for_each_node(nid)
		released += goalloc_reclaim(nid, ULONG_MAX);
	migrate_enable();
	KUNIT_EXPECT_GT(test, released, 0);
	KUNIT_EXPECT_LE(test, stats().pages, reserve());
}

static struct kunit_case goalloc_scavenger_cases[] = {
	KUNIT_CASE(test_all_goes),
	KUNIT_CASE(test_slack),
	KUNIT_CASE(test_idle),
	KUNIT_CASE(test_reclaim),
	{}
};

static struct kunit_suite goalloc_scavenger_suite = {
	.name = "goalloc_scavenger",
	.suite_init = goalloc_kunit_start,
	.suite_exit = goalloc_kunit_stop,
	.init = scavenger_init,
	.exit = scavenger_exit,
	.test_cases = goalloc_scavenger_cases,
};

kunit_test_suite(goalloc_scavenger_suite);
