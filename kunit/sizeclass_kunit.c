// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_sizeclass: the table of classes. */
#include "../goalloc_class.c"

#include "goalloc_kunit.h"

static size_t align_of(size_t size)
{
	return max_t(size_t, size & -size, 8);
}

/* May @class serve @size? As kmalloc() aligns. */
static bool serves(const struct goalloc_class *class, size_t size)
{
	return class->size >= size && align_of(class->size) >= align_of(size);
}

/* Every size up to 32 KiB goes to the smallest class whose objects are large and aligned enough. */
static void test_lookup(struct kunit *test)
{
	unsigned int id, want = 1;
	size_t size;

	for (size = 1; size <= GOALLOC_MAX_SMALL; size++) {
		id = goalloc_size_class(size);
		KUNIT_ASSERT_GE(test, id, 1);
		KUNIT_ASSERT_LE(test, id, GOALLOC_NR_SIZES);
		KUNIT_ASSERT_TRUE(test, serves(goalloc_classes[id], size));
		while (goalloc_classes[want]->size < size)
			want++;
		/* the tables are for sizes rounded up to 8, and to 128 above 1 KiB */
		if (size <= GOALLOC_SMALL ? size % 8 == 0 : size % 128 == 0) {
			unsigned int best = want;

			while (!serves(goalloc_classes[best], size))
				best++;
			KUNIT_EXPECT_EQ_MSG(test, id, best, "size %zu", size);
		}
	}
	KUNIT_EXPECT_EQ(test, goalloc_size_class(0), 0);
}

/* What the compiler knows is what the tables say. */
static void test_constant(struct kunit *test)
{
	size_t size = 2560;

	OPTIMIZER_HIDE_VAR(size);
	KUNIT_EXPECT_EQ(test, goalloc_size_class(2560), goalloc_size_class(size));
	KUNIT_EXPECT_EQ(test, goalloc_classes[goalloc_size_class(2560)]->size, 2560);
}

/* Go's bound on waste: an eighth, but for the few smallest sizes. */
static void test_waste(struct kunit *test)
{
	size_t size, room;

	for (size = 1024; size <= GOALLOC_MAX_SMALL; size++) {
		room = goalloc_classes[goalloc_size_class(size)]->size;
		KUNIT_ASSERT_LE_MSG(test, (room - size) * 4, room, "size %zu", size);
	}
}

static void test_fields(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	unsigned int align = class->size & -class->size;

	KUNIT_ASSERT_NOT_NULL(test, class);
	KUNIT_EXPECT_EQ(test, class->size % 8, 0);
	KUNIT_EXPECT_GE(test, (size_t)class->npages << GOALLOC_PAGE_SHIFT, class->size);
	KUNIT_EXPECT_LE(test, class->min_pages, class->npages);
	KUNIT_EXPECT_GE(test, (size_t)class->min_pages << GOALLOC_PAGE_SHIFT, class->size);
	KUNIT_EXPECT_GE(test, max_t(size_t, class->align_pages, 1) << GOALLOC_PAGE_SHIFT, align);
	KUNIT_EXPECT_TRUE(test, is_power_of_2(class->align_pages));
	KUNIT_EXPECT_GE(test, class->capacity, 1);
	KUNIT_EXPECT_LE(test, class->capacity, GOALLOC_MAGAZINE_SLOTS);
	KUNIT_EXPECT_GE(test, class->max_full, 1);
	KUNIT_EXPECT_EQ(test, class->kind == GOALLOC_SPAN_TINY, class->id == GOALLOC_TINY_CLASS);
	KUNIT_EXPECT_PTR_EQ(test, goalloc_bins[class->id], class->bins);
	if (class->id > 1 && class->id <= GOALLOC_NR_SIZES)
		KUNIT_EXPECT_GT(test, class->size, goalloc_classes[class->id - 1]->size);
}

/* The reciprocal tells of every byte of a span if an object starts there, and which. */
static void test_recip(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	size_t off, bytes = (size_t)class->npages << GOALLOC_PAGE_SHIFT;
	u64 product;

	KUNIT_EXPECT_EQ(test, class->recip, DIV_ROUND_UP_ULL(1ULL << 32, class->size));
	for (off = 0; off < bytes; off++) {
		product = (u64)(u32)off * class->recip;
		if (((u32)product < class->recip) != (off % class->size == 0) ||
		    (off % class->size == 0 && product >> 32 != off / class->size)) {
			KUNIT_FAIL(test, "class %u, byte %zu: %#llx", class->id, off, product);
			return;
		}
	}
}

static struct kunit_case goalloc_sizeclass[] = {
	KUNIT_CASE(test_lookup),
	KUNIT_CASE(test_constant),
	KUNIT_CASE(test_waste),
	GOALLOC_KUNIT_CASE_CLASS(test_fields),
	GOALLOC_KUNIT_CASE_CLASS(test_recip),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_sizeclass", goalloc_sizeclass);
