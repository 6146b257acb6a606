// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_nolock: the stash, its edges, and what waits for interrupts. */
#include "../goalloc_nolock.c"

#include "goalloc_kunit.h"

static void test_slots(struct kunit *test)
{
	void *slots[3] = { };
	int a, b, c, d;

	KUNIT_EXPECT_NULL(test, slots_get(slots, 3));
	KUNIT_EXPECT_TRUE(test, slots_put(slots, 3, &a));
	KUNIT_EXPECT_TRUE(test, slots_put(slots, 3, &b));
	KUNIT_EXPECT_TRUE(test, slots_put(slots, 3, &c));
	KUNIT_EXPECT_FALSE(test, slots_put(slots, 3, &d));
	KUNIT_EXPECT_PTR_EQ(test, slots_get(slots, 3), &a);
	KUNIT_EXPECT_TRUE(test, slots_put(slots, 3, &d));
	KUNIT_EXPECT_PTR_EQ(test, slots_get(slots, 3), &d);
	KUNIT_EXPECT_PTR_EQ(test, slots_get(slots, 3), &b);
	KUNIT_EXPECT_PTR_EQ(test, slots_get(slots, 3), &c);
	KUNIT_EXPECT_NULL(test, slots_get(slots, 3));
}

/* A filled stash gives what it has, zeroed if asked, and takes it back. */
static void test_stash(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	void *p[SLOTS];
	unsigned int i;

	if (class->size > MAX_SIZE) {
		KUNIT_EXPECT_NULL(test, gomalloc_nolock(class->size, 0));
		return;
	}
	goalloc_nolock_drain();
	WRITE_ONCE(wanted[class->id], true);	/* as gomalloc_nolock() does */
	WRITE_ONCE(any_wanted, true);
	goalloc_nolock_refill();
	preempt_disable();
	for (i = 0; i < SLOTS; i++) {
		p[i] = gomalloc_nolock(class->size, i % 2 ? __GFP_ZERO : 0);
		KUNIT_EXPECT_NOT_NULL(test, p[i]);
		if (!p[i])
			continue;
		KUNIT_EXPECT_EQ(test, gosize(p[i]), class->size);
		if (i % 2)
			KUNIT_EXPECT_NULL(test, memchr_inv(p[i], 0, class->size));
		memset(p[i], 0x5a, class->size);
	}
	for (i = 0; i < SLOTS; i++)
		gofree_nolock(p[i]);
	preempt_enable();
	/* who asked wants more: the worker may be about it */
	goalloc_meta_settle();
	goalloc_nolock_drain();
	KUNIT_EXPECT_EQ(test, goalloc_kunit_in_use(), 0);
}

static void test_corners(struct kunit *test)
{
	u64 before = goalloc_kunit_misuse();
	void *p = gomalloc(100, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_PTR_EQ(test, gomalloc_nolock(0, 0), ZERO_SIZE_PTR);
	KUNIT_EXPECT_NULL(test, gomalloc_nolock(MAX_SIZE + 1, 0));
	KUNIT_EXPECT_NULL(test, gomalloc_nolock(8, GFP_KERNEL));
	gofree_nolock(NULL);
	gofree_nolock(ZERO_SIZE_PTR);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), before);
	preempt_disable();
	gofree_nolock(p);
	gofree_nolock(p);
	gofree(p);
	preempt_enable();
	gofree_nolock(&before);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), before + 3);
	goalloc_nolock_drain();
	/* every size, the tiny and the large, by way of the irq_work */
	for (before = 1; before < 100000; before += before / 2 + 1)
		gofree_nolock(gomalloc(before, GFP_KERNEL));
	goalloc_nolock_drain();
	KUNIT_EXPECT_EQ(test, goalloc_kunit_in_use(), 0);
}

static struct kunit_case goalloc_nolock[] = {
	KUNIT_CASE(test_slots),
	GOALLOC_KUNIT_CASE_SIZE(test_stash),
	KUNIT_CASE(test_corners),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_nolock", goalloc_nolock);
