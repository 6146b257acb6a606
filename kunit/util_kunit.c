// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_util: copies, memory that need not be contiguous, bulk frees, reserves. */
#include "../goalloc_util.c"

#include "goalloc_kunit.h"

static void test_strings(struct kunit *test)
{
	static const char text[] = "a string";
	size_t n;
	char *p;

	p = gostrdup(text, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_STREQ(test, p, text);
	gofree(p);
	for (n = 0; n < 2 * sizeof(text); n++) {
		p = gostrndup(text, n, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_EQ(test, strlen(p), min(n, sizeof(text) - 1));
		KUNIT_EXPECT_EQ(test, memcmp(p, text, strlen(p)), 0);
		gofree(p);
	}
	p = gomemdup(text, sizeof(text), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, memcmp(p, text, sizeof(text)), 0);
	gofree(p);
	KUNIT_EXPECT_NULL(test, gostrdup(NULL, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gostrndup(NULL, 1, GFP_KERNEL));
}

/* Within the page allocator's limit, and beyond it. */
static void test_kv(struct kunit *test)
{
	size_t max = GOALLOC_MAX_SIZE;
	void *p;

	OPTIMIZER_HIDE_VAR(max);
	p = gokvzalloc(100, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, goalloc_owns(p));
	gokvfree(p);
	p = gokvzalloc(max + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(p));
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, max + 1));
	gokvfree(p);
	KUNIT_EXPECT_NULL(test, gokvmalloc(max + 1, GFP_NOWAIT));
	gokvfree(NULL);
}

/* All of a reserve can be taken where nothing can be allocated. */
static void test_reserve(struct kunit *test)
{
	static const size_t sizes[] = { 0, 1, 64, 2000, 32768, 100000 };
	struct goalloc_reserve *r;
	unsigned int i, k;
	void *p[50], *none;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		goalloc_release_memory();
		r = goalloc_reserve(sizes[i], ARRAY_SIZE(p), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, r);
		goalloc_fault_set(0, 1, 0);
		none = gomalloc(GOALLOC_MAX_SIZE / 2, GFP_ATOMIC | __GFP_NOWARN);
		KUNIT_EXPECT_NULL(test, none);
		for (k = 0; k < ARRAY_SIZE(p); k++) {
			KUNIT_EXPECT_EQ(test, goalloc_reserve_left(r), ARRAY_SIZE(p) - k);
			p[k] = goalloc_reserve_take(r, k % 2 ? __GFP_ZERO : 0);
			KUNIT_ASSERT_NOT_NULL(test, p[k]);
			if (!sizes[i])
				continue;
			if (k % 2)
				KUNIT_EXPECT_NULL(test, memchr_inv(p[k], 0, sizes[i]));
			memset(p[k], 0xa5, sizes[i]);
		}
		KUNIT_EXPECT_EQ(test, goalloc_reserve_left(r), 0);
		goalloc_fault_set(0, 0, 0);
		gofree_bulk(ARRAY_SIZE(p), p);
		KUNIT_EXPECT_EQ(test, goalloc_reserve_refill(r, GFP_KERNEL), 0);
		KUNIT_EXPECT_EQ(test, goalloc_reserve_left(r), ARRAY_SIZE(p));
		goalloc_reserve_release(r);
	}
	goalloc_reserve_release(NULL);
}

/* One that cannot be filled is none, and an empty one is one. */
static void test_reserve_refused(struct kunit *test)
{
	struct goalloc_reserve *r;
	size_t max = GOALLOC_MAX_SIZE;

	OPTIMIZER_HIDE_VAR(max);
	KUNIT_EXPECT_NULL(test, goalloc_reserve(max + 1, 1, GFP_KERNEL));
	goalloc_release_memory();
	/* the reserve itself and some objects are there, the rest is not */
	goalloc_fault_set(0, 4, 0);
	r = goalloc_reserve(max / 8, 20, GFP_KERNEL | __GFP_NOWARN);
	goalloc_fault_set(0, 0, 0);
	KUNIT_EXPECT_NULL(test, r);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_in_use(), 0);
	r = goalloc_reserve(64, 0, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r);
	KUNIT_EXPECT_EQ(test, goalloc_reserve_left(r), 0);
	goalloc_reserve_release(r);
}

/* More than a bin has room for, of every class. */
static void test_bulk(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	void *p[3 * GOALLOC_MAGAZINE_SLOTS];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = i % 7 ? gomalloc(class->size, GFP_KERNEL) : NULL;
	gofree_bulk(ARRAY_SIZE(p), p);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_in_use(), 0);
}

static void test_mempool(struct kunit *test)
{
	void *p = gomempool_alloc(GFP_KERNEL, (void *)300UL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_GE(test, gosize(p), 300);
	gomempool_free(p, (void *)300UL);
}

static struct kunit_case goalloc_util[] = {
	KUNIT_CASE(test_strings),
	KUNIT_CASE(test_kv),
	KUNIT_CASE(test_reserve),
	KUNIT_CASE(test_reserve_refused),
	GOALLOC_KUNIT_CASE_SIZE(test_bulk),
	KUNIT_CASE(test_mempool),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_util", goalloc_util);
