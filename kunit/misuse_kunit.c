// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_misuse: what is no free object's business is refused and counted. */
#include "../goalloc_misuse.c"

#include "goalloc_kunit.h"

/* Freeing @p is refused, and everything stays consistent. */
#define EXPECT_REFUSED(test, p, kind) do {						\
	const void *p_ = (p);								\
	u64 misuse_ = goalloc_kunit_misuse();						\
											\
	KUNIT_EXPECT_EQ(test, goalloc_misuse_of(goalloc_span_of(p_), p_), kind);	\
	gofree(p_);									\
	KUNIT_EXPECT_EQ_MSG(test, goalloc_kunit_misuse(), misuse_ + 1, "%s", #p);	\
} while (0)

/* Wherever the object waits: in a bin, in a magazine, in its span. */
static void test_double(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	unsigned int i, n = 3 * class->capacity;
	void *other, **p;

	p = kunit_kcalloc(test, n, sizeof(*p), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	for (i = 0; i < n; i++) {
		p[i] = gomalloc(class->size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
	}
	/* its span stays in use, so that the object is always one */
	other = p[0];
	for (i = 1; i < n; i++)
		gofree(p[i]);
	for (i = 1; i < n; i++)
		if (goalloc_span_of(p[i]) == goalloc_span_of(other))
			EXPECT_REFUSED(test, p[i], GOALLOC_MISUSE_DOUBLE);
	goalloc_mcache_drain_all();
	for (i = 1; i < n; i++)
		if (goalloc_span_of(p[i]) == goalloc_span_of(other))
			EXPECT_REFUSED(test, p[i], GOALLOC_MISUSE_DOUBLE);
	gofree(other);
}

static void test_interior(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	u8 *p = gomalloc(class->size, GFP_KERNEL);
	size_t off;

	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0x5a, class->size);
	for (off = 1; off < class->size; off += off < 16 ? 1 : class->size / 8 + 1)
		EXPECT_REFUSED(test, p + off, GOALLOC_MISUSE_INTERIOR);
	EXPECT_REFUSED(test, p + class->size - 1, GOALLOC_MISUSE_INTERIOR);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0x5a, class->size));
	KUNIT_EXPECT_EQ(test, gosize(p + 1), 0);
	gofree(p);
}

/* Where no object fits any more. */
static void test_tail(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	const struct goalloc_mspan *span;
	void *p = gomalloc(class->size, GFP_KERNEL);
	unsigned long tail;

	KUNIT_ASSERT_NOT_NULL(test, p);
	span = goalloc_span_of(p);
	tail = span->base + (unsigned long)span->nelems * class->size;
	if (tail < span->base + goalloc_span_bytes(span))
		EXPECT_REFUSED(test, (void *)tail, GOALLOC_MISUSE_INTERIOR);
	gofree(p);
}

static void test_free_span(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	void *keep = gomalloc(GOALLOC_MAX_SMALL + 1, GFP_KERNEL);
	void *p = gomalloc(class->size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	gofree(p);
	goalloc_release_memory();
	KUNIT_EXPECT_FALSE(test, goalloc_owns(p));
	EXPECT_REFUSED(test, p, goalloc_arena_held(p) ? GOALLOC_MISUSE_FREE_SPAN :
						       GOALLOC_MISUSE_FOREIGN);
	gofree(keep);
}

static void test_foreign(struct kunit *test)
{
	void *page = (void *)__get_free_page(GFP_KERNEL);
	static int data;
	int stack;

	EXPECT_REFUSED(test, page, GOALLOC_MISUSE_FOREIGN);
	EXPECT_REFUSED(test, test, GOALLOC_MISUSE_FOREIGN);
	EXPECT_REFUSED(test, &data, GOALLOC_MISUSE_FOREIGN);
	EXPECT_REFUSED(test, &stack, GOALLOC_MISUSE_FOREIGN);
	EXPECT_REFUSED(test, (void *)17, GOALLOC_MISUSE_FOREIGN);
	EXPECT_REFUSED(test, (void *)-1L, GOALLOC_MISUSE_FOREIGN);
	EXPECT_REFUSED(test, high_memory, GOALLOC_MISUSE_FOREIGN);
	free_page((unsigned long)page);
}

static void test_large(struct kunit *test)
{
	void *keep = gomalloc(100000, GFP_KERNEL), *p = gomalloc(100000, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, keep);
	KUNIT_ASSERT_NOT_NULL(test, p);
	EXPECT_REFUSED(test, p + 1, GOALLOC_MISUSE_INTERIOR);
	EXPECT_REFUSED(test, p + GOALLOC_PAGE_SIZE, GOALLOC_MISUSE_INTERIOR);
	gofree(p);
	EXPECT_REFUSED(test, p, GOALLOC_MISUSE_FREE_SPAN);
	gofree(keep);
}

/* A site is reported once for each kind, and forgotten sites are counted all the same. */
static void test_once(struct kunit *test)
{
	unsigned long site, base = 0x100000;
	unsigned int news = 0;

	for (site = 0; site < 4 * SITES; site++)
		news += first_time(GOALLOC_MISUSE_DOUBLE, base + site * 64);
	KUNIT_EXPECT_GT(test, news, 0);
	KUNIT_EXPECT_LE(test, news, SITES);
	for (site = 0; site < 4 * SITES; site++)
		KUNIT_ASSERT_FALSE(test, first_time(GOALLOC_MISUSE_DOUBLE, base + site * 64));
	memset(reported, 0, sizeof(reported));
	KUNIT_EXPECT_TRUE(test, first_time(GOALLOC_MISUSE_DOUBLE, base));
	KUNIT_EXPECT_TRUE(test, first_time(GOALLOC_MISUSE_INTERIOR, base));
	KUNIT_EXPECT_FALSE(test, first_time(GOALLOC_MISUSE_DOUBLE, base));
	KUNIT_EXPECT_TRUE(test, first_time(GOALLOC_MISUSE_DOUBLE, base + 1));
	memset(reported, 0, sizeof(reported));
}

/* What is said of an object, word by word. */
static void test_describe(struct kunit *test)
{
	u8 *p = gomalloc(48, GFP_KERNEL), *q = gomalloc(100000, GFP_KERNEL);
	const struct goalloc_mspan *span = goalloc_span_of(p);
	char buf[120], want[120];

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, q);
	describe(buf, sizeof(buf), p + 5);
	snprintf(want, sizeof(want), "byte 5 of object %lu of %u in a span of size class ",
		 ((unsigned long)p - span->base) / 48, span->nelems);
	KUNIT_EXPECT_EQ(test, strncmp(buf, want, strlen(want)), 0);
	KUNIT_EXPECT_STREQ(test, buf + strlen(want), "48, in use");
	describe(buf, sizeof(buf), q + 12345);
	KUNIT_EXPECT_NOT_NULL(test, strstr(buf, "byte 12345 of a large object"));
	describe(buf, sizeof(buf), test);
	KUNIT_EXPECT_STREQ(test, buf, "not goalloc's memory");
	gofree(p);
	gofree(q);
	describe(buf, sizeof(buf), q);
	KUNIT_EXPECT_STREQ(test, buf, "a free page of goalloc's");
}

static struct kunit_case goalloc_misuse_cases[] = {
	GOALLOC_KUNIT_CASE_SIZE(test_double),
	GOALLOC_KUNIT_CASE_SIZE(test_interior),
	GOALLOC_KUNIT_CASE_SIZE(test_tail),
	GOALLOC_KUNIT_CASE_SIZE(test_free_span),
	KUNIT_CASE(test_foreign),
	KUNIT_CASE(test_large),
	KUNIT_CASE(test_once),
	KUNIT_CASE(test_describe),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_misuse", goalloc_misuse_cases);
