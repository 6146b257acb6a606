// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_rcu: batches, and the chain that needs no memory. */
#include "../goalloc_rcu.c"

#include "goalloc_kunit.h"

struct item {
	u64 value;
	struct rcu_head rcu;
};

static void expect_nothing_left(struct kunit *test)
{
	struct rcu_frees *f;
	int cpu;

	goalloc_rcu_barrier();
	for_each_possible_cpu(cpu) {
		f = per_cpu_ptr(&rcu_frees, cpu);
		KUNIT_EXPECT_NULL(test, f->batch);
		KUNIT_EXPECT_EQ(test, f->flying, 0);
		KUNIT_EXPECT_NULL(test, f->chain);
		KUNIT_EXPECT_NULL(test, f->flying_chain);
	}
	KUNIT_EXPECT_EQ(test, goalloc_kunit_in_use(), 0);
}

/* Just below, at and above the number of objects a batch has room for. */
static void test_batches(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 2, BATCH_OBJECTS, BATCH_OBJECTS + 1, 1000 };
	unsigned int i, k;
	struct item *p;

	for (k = 0; k < ARRAY_SIZE(counts); k++) {
		for (i = 0; i < counts[k]; i++) {
			p = gomalloc(sizeof(*p), GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, p);
			gofree_rcu(p, rcu);
		}
		expect_nothing_left(test);
	}
}

/* No memory for a batch: the first object flies, the others gather behind it. */
static void test_chain(struct kunit *test)
{
	struct batch *none = NULL;
	struct rcu_frees *f;
	struct item *p;
	unsigned int i;

	goalloc_rcu_barrier();
	migrate_disable();
	rcu_read_lock();
	f = raw_cpu_ptr(&rcu_frees);
	for (i = 0; i < 200; i++) {
		p = gomalloc(sizeof(*p), GFP_ATOMIC);
		if (!p)
			break;
		p->value = i;
		KUNIT_EXPECT_TRUE(test, leave(&p->rcu, p, &none));
		if (!i)
			KUNIT_EXPECT_PTR_EQ(test, f->flying_chain, &p->rcu);
		else
			KUNIT_EXPECT_PTR_EQ(test, f->chain, &p->rcu);
	}
	KUNIT_EXPECT_EQ(test, i, 200);
	KUNIT_EXPECT_FALSE(test, leave(NULL, f, &none));
	rcu_read_unlock();
	migrate_enable();
	expect_nothing_left(test);
}

/* Every class, with and without a head. */
static void test_classes(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	unsigned int i;
	void *p;

	for (i = 0; i < 50; i++) {
		p = gomalloc(class->size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		if (class->size >= sizeof(struct rcu_head) && i % 2)
			goalloc_free_rcu(p, p);
		else
			gofree_rcu_mightsleep(p);
	}
	expect_nothing_left(test);
}

static void test_nothing(struct kunit *test)
{
	struct item *none = NULL;

	gofree_rcu(none, rcu);
	gofree_rcu_mightsleep(NULL);
	gofree_rcu_mightsleep(ZERO_SIZE_PTR);
	expect_nothing_left(test);
}

static struct kunit_case goalloc_rcu[] = {
	KUNIT_CASE(test_batches),
	KUNIT_CASE(test_chain),
	GOALLOC_KUNIT_CASE_SIZE(test_classes),
	KUNIT_CASE(test_nothing),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_rcu", goalloc_rcu);
