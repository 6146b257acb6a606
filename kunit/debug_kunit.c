// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_debug: what KASAN is told. Its reports: selftests/goalloc_debug_test.c. */
#include "goalloc_kunit.h"
#include "goalloc_debug.h"

#ifdef CONFIG_KASAN_GENERIC
/* May byte @p be used? As the compiler's checks have it. */
static __no_sanitize_address bool usable(const u8 *p)
{
	s8 shadow = *(s8 *)kasan_mem_to_shadow(p);

	return !shadow || (shadow > 0 && ((unsigned long)p & 7) < (unsigned long)shadow);
}

static __no_sanitize_address u8 shadow_of(const u8 *p)
{
	return *(u8 *)kasan_mem_to_shadow(p);
}
#else
static bool usable(const u8 *p)
{
	return true;
}

static u8 shadow_of(const u8 *p)
{
	return 0;
}
#endif

static void expect_usable(struct kunit *test, const u8 *p, size_t size, size_t room)
{
	size_t i;

	for (i = 0; i < room; i++) {
		if (i < size ? !usable(p + i) : usable(p + i)) {
			KUNIT_FAIL(test, "byte %zu of %zu, room for %zu: shadow %#x", i, size, room,
				   shadow_of(p + i));
			return;
		}
	}
}

static void expect_free(struct kunit *test, const u8 *p, size_t room)
{
	size_t i;

	for (i = 0; i < room; i++) {
		if (shadow_of(p + i) != GOALLOC_KASAN_FREE) {
			KUNIT_FAIL(test, "byte %zu of %zu free ones: shadow %#x", i, room,
				   shadow_of(p + i));
			return;
		}
	}
}

static void poison_of(struct kunit *test, size_t size)
{
	size_t room, more;
	u8 *p, *q;

	p = gomalloc(size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	room = gosize(p);
	expect_usable(test, p, size, room);
	q = gorealloc(p, room, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, q, p);
	expect_usable(test, p, room, room);
	more = room / 2 + 1;
	q = gorealloc(p, more, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_PTR_EQ(test, q, p);
	expect_usable(test, p, more, room);
	q = gorealloc(p, room + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, q);
	expect_usable(test, q, room + 1, gosize(q));
	expect_free(test, p, room);
	p = gozalloc(size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	expect_usable(test, p, size, room);
	gofree_sensitive(p);
	expect_free(test, p, room);
	gofree(q);
}

/* Just what was asked for may be used, and nothing of a free object. */
static void test_poison(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	size_t low = class->id > 1 ? goalloc_classes[class->id - 1]->size + 1 : 1;

	if (!IS_ENABLED(CONFIG_KASAN_GENERIC))
		kunit_skip(test, "no KASAN");
	poison_of(test, low);
	poison_of(test, class->size - 3);
	poison_of(test, class->size);
}

static void test_poison_large(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_KASAN_GENERIC))
		kunit_skip(test, "no KASAN");
	poison_of(test, GOALLOC_MAX_SMALL + 1);
	poison_of(test, 100001);
}

/* A tiny block as a whole. */
static void test_poison_tiny(struct kunit *test)
{
	u8 *p, *block;

	if (!IS_ENABLED(CONFIG_KASAN_GENERIC))
		kunit_skip(test, "no KASAN");
	p = gomalloc_tiny(16, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	expect_usable(test, p, 16, 16);
	gofree(p);
	expect_free(test, p, 16);
	p = gomalloc_tiny(3, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	block = PTR_ALIGN_DOWN(p, 16);
	expect_usable(test, block, 16, 16);
	gofree(p);
	goalloc_release_memory();
}

/* Pages that went back are the page allocator's to poison, and usable when they come again. */
static void test_pages(struct kunit *test)
{
	u8 *p = gomalloc(64, GFP_KERNEL), *page;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	gofree(p);
	goalloc_release_memory();
	for (i = 0; i < 16; i++) {
		page = (u8 *)__get_free_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, page);
		expect_usable(test, page, PAGE_SIZE, PAGE_SIZE);
		free_page((unsigned long)page);
	}
}

static struct kunit_case goalloc_debug[] = {
	GOALLOC_KUNIT_CASE_SIZE(test_poison),
	KUNIT_CASE(test_poison_large),
	KUNIT_CASE(test_poison_tiny),
	KUNIT_CASE(test_pages),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_debug", goalloc_debug);
