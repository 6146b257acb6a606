// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_util: copies, memory that need not be contiguous, bulk frees. */
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
	GOALLOC_KUNIT_CASE_SIZE(test_bulk),
	KUNIT_CASE(test_mempool),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_util", goalloc_util);
