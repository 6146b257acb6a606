// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_api: kmalloc()'s contract, for every size class. */
#include "../goalloc_api.c"

#include "goalloc_kunit.h"

static size_t align_of(size_t size)
{
	return max_t(size_t, size & -size, 8);
}

/* The smallest size above what the class before serves. */
static size_t class_low(const struct goalloc_class *class)
{
	return class->id > 1 ? goalloc_classes[class->id - 1]->size + 1 : 1;
}

/* Every 8th size of the class: large enough, aligned, ours, and writable to its last byte. */
static void test_sizes(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	size_t size;
	u8 *p;

	for (size = class_low(class); size <= class->size; size = round_up(size + 1, 8)) {
		p = gomalloc(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)p, align_of(size)));
		KUNIT_EXPECT_GE(test, gosize(p), size);
		KUNIT_EXPECT_TRUE(test, goalloc_owns(p));
		KUNIT_EXPECT_TRUE(test, goalloc_owns(p + size - 1));
		memset(p, 0x5a, size);
		gofree(p);
	}
}

/* Zeroed whatever lay there before, wherever the object comes from. */
static void test_zero(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	size_t size = class->size;
	unsigned int i;
	u8 *p;

	for (i = 0; i < 6; i++) {
		switch (i % 3) {
		case 0:
			p = gozalloc(size, GFP_KERNEL);
			break;
		case 1:
			p = gocalloc(1, size, GFP_KERNEL);
			break;
		default:
			p = gozalloc_node(size, GFP_KERNEL, numa_mem_id());
			break;
		}
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, size));
		memset(p, 0xa5, size);
		gofree(p);
	}
}

/* In place within the class, moved with its contents beyond it. */
static void test_realloc(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	size_t size = class->size;
	u8 *p, *q;

	p = gomalloc(class_low(class), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	size = gosize(p);
	memset(p, 0x11, class_low(class));
	q = gorealloc(p, size, GFP_KERNEL);
	KUNIT_ASSERT_PTR_EQ(test, q, p);
	KUNIT_EXPECT_NULL(test, memchr_inv(q, 0x11, class_low(class)));
	memset(q, 0x22, size);
	p = gorealloc(q, size + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_PTR_NE(test, p, q);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0x22, size));
	q = gorealloc(p, 1, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, q, p);
	KUNIT_EXPECT_EQ(test, q[0], 0x22);
	KUNIT_EXPECT_PTR_EQ(test, gorealloc(q, 0, GFP_KERNEL), ZERO_SIZE_PTR);
}

/* With __GFP_ZERO given every time, what is behind the old size reads as zero. */
static void test_realloc_zero(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	size_t low = class_low(class), size;
	u8 *p, *q;

	p = gozalloc(low, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	size = gosize(p);
	memset(p, 0x33, low);
	q = gorealloc(p, size, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_PTR_EQ(test, q, p);
	KUNIT_EXPECT_NULL(test, memchr_inv(q + low, 0, size - low));
	memset(q, 0x44, size);
	p = gorealloc(q, low, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_PTR_EQ(test, p, q);
	q = gorealloc(p, size, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_PTR_EQ(test, q, p);
	KUNIT_EXPECT_NULL(test, memchr_inv(q, 0x44, low));
	KUNIT_EXPECT_NULL(test, memchr_inv(q + low, 0, size - low));
	gofree(q);
}

static void test_sensitive(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	u8 *p, *q;

	migrate_disable();
	p = gomalloc(class->size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0x77, class->size);
	gofree_sensitive(p);
	q = gomalloc(class->size, GFP_KERNEL);
	migrate_enable();
	KUNIT_ASSERT_PTR_EQ(test, q, p);
	KUNIT_EXPECT_NULL(test, memchr_inv(q, 0, class->size));
	gofree(q);
}

static void alloc_here(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	u8 *p[40];
	unsigned int i, n = min_t(unsigned int, ARRAY_SIZE(p), (64 << 10) / class->size + 1);

	for (i = 0; i < n; i++) {
		p[i] = gomalloc(class->size, GFP_ATOMIC);
		KUNIT_EXPECT_NOT_NULL(test, p[i]);
		if (p[i])
			memset(p[i], i, class->size);
	}
	for (i = 0; i < n; i++) {
		if (p[i])
			KUNIT_EXPECT_NULL(test, memchr_inv(p[i], i, class->size));
		gofree(p[i]);
	}
}

static void test_contexts(struct kunit *test)
{
	goalloc_kunit_in_contexts(test, alloc_here);
}

static void test_node(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	int nid;
	void *p;

	for_each_node_state(nid, N_MEMORY) {
		p = gomalloc_node(class->size, GFP_KERNEL | __GFP_THISNODE, nid);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_EQ(test, page_to_nid(virt_to_page(p)), nid);
		gofree(p);
	}
}

static void test_nothing(struct kunit *test)
{
	size_t none = 0;

	OPTIMIZER_HIDE_VAR(none);
	KUNIT_EXPECT_PTR_EQ(test, gomalloc(none, GFP_KERNEL), ZERO_SIZE_PTR);
	KUNIT_EXPECT_PTR_EQ(test, gomalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
	KUNIT_EXPECT_PTR_EQ(test, gozalloc(none, GFP_KERNEL), ZERO_SIZE_PTR);
	KUNIT_EXPECT_PTR_EQ(test, gomalloc_array(none, 8, GFP_KERNEL), ZERO_SIZE_PTR);
	KUNIT_EXPECT_PTR_EQ(test, gomalloc_node(none, GFP_KERNEL, 0), ZERO_SIZE_PTR);
	KUNIT_EXPECT_EQ(test, gosize(NULL), 0);
	KUNIT_EXPECT_EQ(test, gosize(ZERO_SIZE_PTR), 0);
	gofree(NULL);
	gofree(ZERO_SIZE_PTR);
	gofree_sensitive(NULL);
	gofree_sensitive(ZERO_SIZE_PTR);
	KUNIT_EXPECT_FALSE(test, goalloc_owns(NULL));
	KUNIT_EXPECT_FALSE(test, goalloc_owns(ZERO_SIZE_PTR));
}

static void test_too_much(struct kunit *test)
{
	size_t huge = SIZE_MAX, half = SIZE_MAX / 2 + 1, max = GOALLOC_MAX_SIZE;

	OPTIMIZER_HIDE_VAR(huge);
	OPTIMIZER_HIDE_VAR(half);
	OPTIMIZER_HIDE_VAR(max);
	KUNIT_EXPECT_NULL(test, gomalloc(huge, GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_NULL(test, gomalloc(max + 1, GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_NULL(test, gomalloc_array(half, 2, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gocalloc(half, 4, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gorealloc_array(NULL, half, 2, GFP_KERNEL));
}

static void test_nofail(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	void *p = gomalloc(class->size, GFP_KERNEL | __GFP_NOFAIL);

	KUNIT_EXPECT_NOT_NULL(test, p);
	gofree(p);
}

/* A large object's contract is the same. */
static void test_large(struct kunit *test)
{
	size_t size;
	u8 *p, *q;

	for (size = GOALLOC_MAX_SMALL + 1; size < 1 << 20; size = size * 3 / 2) {
		p = gozalloc(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)p, align_of(size)));
		KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, size));
		KUNIT_EXPECT_GE(test, gosize(p), size);
		memset(p, 0x99, size);
		q = gorealloc(p, size + size / 2, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, q);
		KUNIT_EXPECT_NULL(test, memchr_inv(q, 0x99, size));
		gofree_sensitive(q);
	}
}

static struct kunit_case goalloc_api[] = {
	GOALLOC_KUNIT_CASE_SIZE(test_sizes),
	GOALLOC_KUNIT_CASE_SIZE(test_zero),
	GOALLOC_KUNIT_CASE_SIZE(test_realloc),
	GOALLOC_KUNIT_CASE_SIZE(test_realloc_zero),
	GOALLOC_KUNIT_CASE_SIZE(test_sensitive),
	GOALLOC_KUNIT_CASE_SIZE(test_contexts),
	GOALLOC_KUNIT_CASE_SIZE(test_node),
	GOALLOC_KUNIT_CASE_SIZE(test_nofail),
	KUNIT_CASE(test_nothing),
	KUNIT_CASE(test_too_much),
	KUNIT_CASE(test_large),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_api", goalloc_api);
