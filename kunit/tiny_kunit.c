// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_tiny: several objects in a block. */
#include "../goalloc_tiny.c"

#include <linux/prandom.h>

#include "goalloc_kunit.h"

static const u8 tiny_sizes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static void size_desc(const u8 *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u bytes", *size);
}

KUNIT_ARRAY_PARAM(tiny_size, tiny_sizes, size_desc);

/* Every way to cut a block in two or three, and every byte of it asked for. */
static void test_part_last(struct kunit *test)
{
	unsigned int a, b, off;
	u32 word;
	int want;

	/* an end belongs to the last start below it, its own byte's included */
	for (a = 1; a < 16; a++) {
		word = start_bit(0) | start_bit(a) | end_bit(a);
		KUNIT_EXPECT_EQ(test, part_last(word, 0), -1);
		KUNIT_EXPECT_EQ(test, part_last(word, a), (int)a);
	}
	for (a = 1; a <= 16; a++) {
		for (b = a; b <= 16; b++) {
			/* parts [0, a) and [a, b), the rest still being filled */
			word = start_bit(0) | end_bit(a - 1);
			if (b > a)
				word |= start_bit(a) | end_bit(b - 1);
			if (b < 16)
				word |= start_bit(b);
			for (off = 0; off < 16; off++) {
				want = off == 0 ? (int)a - 1 : off == a && b > a ? (int)b - 1 : -1;
				KUNIT_EXPECT_EQ_MSG(test, part_last(word, off), want,
						    "cut at %u, %u; byte %u", a, b, off);
			}
			/* the first one is gone */
			word &= ~(start_bit(0) | end_bit(a - 1));
			KUNIT_EXPECT_EQ(test, part_last(word, 0), -1);
			want = b > a ? (int)b - 1 : -1;
			if (a < 16)
				KUNIT_EXPECT_EQ(test, part_last(word, a), want);
		}
	}
}

/* Aligned to 8, 4, 2 or 1, exactly as large as asked for, never across a block's end. */
static void test_size(struct kunit *test)
{
	unsigned int i, j, size = *(const u8 *)test->param_value;
	u8 *p[100];

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomalloc_tiny(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)p[i], min(size & -size, 8U)));
		KUNIT_EXPECT_EQ(test, gosize(p[i]), size);
		KUNIT_EXPECT_LE(test, (unsigned long)p[i] % 16 + size, 16);
		memset(p[i], i, size);
	}
	for (i = 0; i < ARRAY_SIZE(p); i++)
		for (j = 0; j < size; j++)
			KUNIT_ASSERT_EQ(test, p[i][j], i);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		gofree(p[(i * 37) % ARRAY_SIZE(p)]);
}

/* Small parts share blocks: 16 bytes hold 16 / size of them. */
static void test_share(struct kunit *test)
{
	unsigned int i, size = *(const u8 *)test->param_value, blocks = 0;
	unsigned int step = ALIGN(size, min(size & -size, 8U));
	u8 *p[64];

	migrate_disable();
	local_bh_disable();
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomalloc_tiny(size, GFP_ATOMIC);
		if (!i || (unsigned long)p[i] / 16 != (unsigned long)p[i - 1] / 16)
			blocks++;
	}
	local_bh_enable();
	migrate_enable();
	/* one more if the first block was begun by others */
	KUNIT_EXPECT_LE(test, blocks, DIV_ROUND_UP(ARRAY_SIZE(p), 16 / step) + 1);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		gofree(p[i]);
}

/* Four parts of a block in all 24 orders: it goes back with the last, not before. */
static void test_orders(struct kunit *test)
{
	unsigned int order, k, i, n, rest[4];
	struct goalloc_mspan *span;
	u8 *block, *state, *p[4];

	for (order = 0; order < 24; order++) {
		migrate_disable();
		goalloc_mcache_drain_all();
		for (i = 0; i < 4; i++)
			p[i] = gomalloc_tiny(4, GFP_KERNEL);
		migrate_enable();
		block = p[0];
		span = goalloc_span_of(block);
		state = span->states + ((unsigned long)block - span->base) / 16;
		for (i = 0; i < 4; i++) {
			KUNIT_ASSERT_PTR_EQ(test, p[i], block + 4 * i);
			rest[i] = i;
		}
		for (n = 4, k = order; n; k /= n, n--) {
			i = k % n;
			KUNIT_EXPECT_EQ(test, *state, GOALLOC_USED);
			gofree(p[rest[i]]);
			rest[i] = rest[n - 1];
		}
		KUNIT_EXPECT_NE(test, *state, GOALLOC_USED);
	}
}

/* A block that is still being filled does not go back, however empty it is. */
static void test_open_block(struct kunit *test)
{
	u8 *a, *b;

	migrate_disable();
	goalloc_mcache_drain_all();
	a = gomalloc_tiny(4, GFP_KERNEL);
	gofree(a);
	b = gomalloc_tiny(4, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, b, a + 4);
	gofree(b);
	goalloc_mcache_drain_all();
	migrate_enable();
}

static void test_corners(struct kunit *test)
{
	u8 *p;

	KUNIT_EXPECT_PTR_EQ(test, gomalloc_tiny(0, GFP_KERNEL), ZERO_SIZE_PTR);
	p = gomalloc_tiny(17, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, gosize(p), 24);
	gofree(p);
	p = gomalloc_tiny(7, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, 7));
	memset(p, 0xaa, 7);
	p = gorealloc(p, 100, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0xaa, 7));
	gofree(p);
}

static void tiny_here(struct kunit *test)
{
	u8 *p[40];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomalloc_tiny(1 + i % 16, GFP_ATOMIC);
		KUNIT_EXPECT_NOT_NULL(test, p[i]);
		if (p[i])
			memset(p[i], i, 1 + i % 16);
	}
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		if (p[i])
			KUNIT_EXPECT_NULL(test, memchr_inv(p[i], i, 1 + i % 16));
		gofree(p[i]);
	}
}

static void test_contexts(struct kunit *test)
{
	goalloc_kunit_in_contexts(test, tiny_here);
}

/* Every free of what is no live part's first byte is refused, and harms no neighbour. */
static void test_misuse(struct kunit *test)
{
	unsigned int i, size = *(const u8 *)test->param_value;
	u64 misuse = goalloc_kunit_misuse(), n = 0;
	u8 *p[4];

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomalloc_tiny(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
		memset(p[i], i, size);
	}
	for (i = 1; i < size; i++, n++) {
		gofree(p[1] + i);
		KUNIT_EXPECT_TRUE(test, goalloc_tiny_interior(goalloc_span_of(p[1]), p[1] + i));
	}
	KUNIT_EXPECT_FALSE(test, goalloc_tiny_interior(goalloc_span_of(p[1]), p[1]));
	gofree(p[2]);
	gofree(p[2]);
	n++;
	KUNIT_EXPECT_EQ(test, gosize(p[2]), 0);
	n++;
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + n);
	KUNIT_EXPECT_NULL(test, memchr_inv(p[0], 0, size));
	KUNIT_EXPECT_NULL(test, memchr_inv(p[1], 1, size));
	KUNIT_EXPECT_NULL(test, memchr_inv(p[3], 3, size));
	gofree(p[0]);
	gofree(p[1]);
	gofree(p[3]);
}

static struct kunit_case goalloc_tiny[] = {
	KUNIT_CASE(test_part_last),
	KUNIT_CASE_PARAM(test_size, tiny_size_gen_params),
	KUNIT_CASE_PARAM(test_share, tiny_size_gen_params),
	KUNIT_CASE(test_orders),
	KUNIT_CASE(test_open_block),
	KUNIT_CASE(test_corners),
	KUNIT_CASE(test_contexts),
	KUNIT_CASE_PARAM(test_misuse, tiny_size_gen_params),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_tiny", goalloc_tiny);
