// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_mcentral: the spans of a class and the magazines before them. */
#include "../goalloc_mcentral.c"

#include "goalloc_kunit.h"

static struct goalloc_mcentral *central_of(struct kunit *test)
{
	struct goalloc_mcentral *central;

	central = goalloc_kunit_class(test)->central[numa_mem_id()];
	goalloc_release_memory();
	KUNIT_ASSERT_EQ(test, central->nspans, 0);
	return central;
}

/* Pages for the class, as the mcache sees to it. */
static void grow(struct kunit *test, struct goalloc_mcentral *central)
{
	const struct goalloc_class *class = central->class;

	KUNIT_ASSERT_GE(test, goalloc_mheap_grow(central->nid, class->npages, class->min_pages,
						 class->align_pages, GFP_KERNEL), 0);
}

/* Objects in a case's hands look like a user's to the check, and to nobody else. */
static void check_with(struct kunit *test, struct goalloc_slot *slots, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		*slots[i].state = GOALLOC_USED;
	goalloc_kunit_check(test);
	for (i = 0; i < n; i++)
		*slots[i].state = GOALLOC_CACHED;
}

static struct goalloc_mspan *fullest(struct goalloc_mcentral *central, struct list_head **list)
{
	struct goalloc_mspan *span;
	unsigned long flags;

	raw_spin_lock_irqsave(&central->lock, flags);
	span = fullest_span(central);
	*list = span ? span_list(central, span) : NULL;
	raw_spin_unlock_irqrestore(&central->lock, flags);
	return span;
}

static unsigned int take_n(struct kunit *test, struct goalloc_mcentral *central,
			   struct goalloc_slot *to, unsigned int n)
{
	unsigned int got = 0, more;

	while (got < n) {
		more = goalloc_mcentral_take(central, to + got, n - got, false);
		if (!more)
			grow(test, central);
		got += more;
	}
	/* the next magazine comes from the same regions as the spans just now */
	KUNIT_ASSERT_EQ(test, goalloc_meta_prepare(GFP_KERNEL), 0);
	return got;
}

/* Nothing at hand: nothing comes, and a magazine that was given stays empty. */
static void test_empty(struct kunit *test)
{
	struct goalloc_mcentral *central = central_of(test);
	struct goalloc_magazine *mag = NULL;
	struct goalloc_slot slot;

	KUNIT_EXPECT_EQ(test, goalloc_mcentral_refill(central, &mag, false), 0);
	KUNIT_EXPECT_EQ(test, goalloc_mcentral_take(central, &slot, 1, true), 0);
	if (mag)
		goalloc_mcentral_drop(central, mag);
	KUNIT_EXPECT_EQ(test, central->nspans, 0);
}

/* A refill from the spans is half a magazine, its objects wait. */
static void test_refill(struct kunit *test)
{
	struct goalloc_mcentral *central = central_of(test);
	const struct goalloc_class *class = central->class;
	struct goalloc_magazine *mag = NULL;
	struct goalloc_slot *first;
	unsigned int i, n;

	grow(test, central);
	n = goalloc_mcentral_refill(central, &mag, false);
	KUNIT_ASSERT_NOT_NULL(test, mag);
	KUNIT_EXPECT_GE(test, n, 1);
	KUNIT_EXPECT_LE(test, n, DIV_ROUND_UP(class->capacity, 2));
	first = goalloc_magazine_first(mag, class);
	KUNIT_EXPECT_EQ(test, *first[-1].state, GOALLOC_NONE);
	KUNIT_EXPECT_PTR_EQ(test, first + class->capacity, (struct goalloc_slot *)(mag + 1));
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, *first[i].state, GOALLOC_CACHED);
		KUNIT_EXPECT_PTR_EQ(test, goalloc_span_class(goalloc_span_of(first[i].obj)), class);
	}
	KUNIT_EXPECT_EQ(test, central->nalloc, n);
	KUNIT_EXPECT_EQ(test, central->nspans, 1);
	goalloc_mcentral_give(central, first, n);
	KUNIT_EXPECT_EQ(test, central->nalloc, 0);
	KUNIT_EXPECT_EQ(test, central->nspans, 0);
	goalloc_mcentral_drop(central, mag);
}

/* Full magazines pass through without touching spans, up to max_full of them. */
static void test_magazines(struct kunit *test)
{
	struct goalloc_mcentral *central = central_of(test);
	const struct goalloc_class *class = central->class;
	struct goalloc_magazine *mag, *back, **mags;
	unsigned int i, got, n = class->max_full + 2;

	mags = kunit_kcalloc(test, n, sizeof(*mags), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mags);
	KUNIT_ASSERT_EQ(test, goalloc_meta_prepare(GFP_KERNEL), 0);
	for (i = 0; i < n; i++) {
		mags[i] = goalloc_mcentral_empty(central);
		KUNIT_ASSERT_NOT_NULL(test, mags[i]);
		take_n(test, central, goalloc_magazine_first(mags[i], class), class->capacity);
	}
	KUNIT_EXPECT_EQ(test, central->nalloc, n * class->capacity);
	for (i = 0; i < n; i++) {
		mag = goalloc_mcentral_flush(central, mags[i]);
		KUNIT_ASSERT_NOT_NULL(test, mag);
		KUNIT_EXPECT_EQ(test, central->nfull, min(i + 1, class->max_full + 0U));
		if (i < class->max_full)
			KUNIT_EXPECT_PTR_NE(test, mag, mags[i]);
		else
			KUNIT_EXPECT_PTR_EQ(test, mag, mags[i]);
		goalloc_mcentral_drop(central, mag);
	}
	KUNIT_EXPECT_EQ(test, central->nalloc, class->max_full * class->capacity);
	goalloc_kunit_check(test);
	/* and come back, last in first out, in exchange for an empty one */
	for (i = class->max_full; i--;) {
		back = goalloc_mcentral_empty(central);
		got = goalloc_mcentral_refill(central, &back, false);
		KUNIT_EXPECT_EQ(test, got, class->capacity);
		KUNIT_EXPECT_PTR_EQ(test, back, mags[i]);
		goalloc_mcentral_give(central, goalloc_magazine_first(back, class), got);
		goalloc_mcentral_drop(central, back);
	}
	KUNIT_EXPECT_EQ(test, central->nfull, 0);
	KUNIT_EXPECT_EQ(test, central->nalloc, 0);
	KUNIT_EXPECT_EQ(test, central->nspans, 0);
}

/* A release brings full magazines home, and keeps none. */
static void test_release(struct kunit *test)
{
	struct goalloc_mcentral *central = central_of(test);
	struct goalloc_magazine *mag;

	KUNIT_ASSERT_EQ(test, goalloc_meta_prepare(GFP_KERNEL), 0);
	mag = goalloc_mcentral_empty(central);
	KUNIT_ASSERT_NOT_NULL(test, mag);
	take_n(test, central, goalloc_magazine_first(mag, central->class),
	       central->class->capacity);
	goalloc_mcentral_drop(central, goalloc_mcentral_flush(central, mag));
	KUNIT_EXPECT_EQ(test, central->nfull, 1);
	goalloc_mcentral_release(central);
	KUNIT_EXPECT_EQ(test, central->nfull, 0);
	KUNIT_EXPECT_NULL(test, central->full_mags);
	KUNIT_EXPECT_NULL(test, central->empty_mags);
	KUNIT_EXPECT_EQ(test, central->nspans, 0);
}

/* A span is on the list of its fullness; the fullest serves first; an empty one leaves. */
static void test_fullness(struct kunit *test)
{
	struct goalloc_mcentral *central = central_of(test);
	unsigned int i, n, per_span;
	struct goalloc_mspan *span, *second, *best;
	struct goalloc_slot *slots, other;
	struct list_head *list;

	take_n(test, central, &other, 1);
	span = goalloc_span_of(other.obj);
	per_span = span->nelems;
	slots = kunit_kcalloc(test, per_span + 1, sizeof(*slots), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, slots);
	slots[0] = other;
	n = 1 + take_n(test, central, slots + 1, per_span);
	KUNIT_EXPECT_EQ(test, central->nspans, 2);
	KUNIT_EXPECT_PTR_EQ(test, span_list(central, span), &central->full);
	KUNIT_EXPECT_PTR_EQ(test, central->full.next, &span->list);
	second = goalloc_span_of(slots[n - 1].obj);
	KUNIT_EXPECT_PTR_NE(test, second, span);
	/* give the first span's back one by one: it wanders down through the lists */
	for (i = 0; i < per_span - 1; i++) {
		goalloc_mcentral_give(central, slots + i, 1);
		KUNIT_EXPECT_EQ(test, span->nalloc, per_span - 1 - i);
		best = fullest(central, &list);
		KUNIT_EXPECT_PTR_EQ(test, list->next, &best->list);
		if (span_list(central, span) > span_list(central, second))
			KUNIT_EXPECT_PTR_EQ(test, best, span);
		if (i % 64 == 0)
			check_with(test, slots + i + 1, n - i - 1);
	}
	goalloc_mcentral_give(central, slots + i, 1);
	KUNIT_EXPECT_EQ(test, central->nspans, 1);
	KUNIT_EXPECT_EQ(test, goalloc_span_kind(span), GOALLOC_SPAN_DEAD);
	goalloc_mcentral_give(central, slots + n - 1, 1);
	KUNIT_EXPECT_EQ(test, central->nspans, 0);
	KUNIT_EXPECT_EQ(test, central->span_pages, 0);
	KUNIT_EXPECT_EQ(test, central->nelems, 0);
}

/* When pages are short a span may be as short as an object needs. */
static void test_shortest(struct kunit *test)
{
	struct goalloc_mcentral *central = central_of(test);
	const struct goalloc_class *class = central->class;
	struct goalloc_mspan *span;
	struct goalloc_slot slot;
	unsigned long flags;

	if (class->min_pages == class->npages)
		kunit_skip(test, "one length only");
	KUNIT_ASSERT_GE(test, goalloc_mheap_grow(central->nid, class->min_pages, class->min_pages,
						 class->align_pages, GFP_KERNEL), 0);
	raw_spin_lock_irqsave(&central->lock, flags);
	span = goalloc_mheap_span_alloc(class, central->nid, true);
	raw_spin_unlock_irqrestore(&central->lock, flags);
	KUNIT_ASSERT_NOT_NULL(test, span);
	KUNIT_EXPECT_GE(test, span->npages, class->min_pages);
	KUNIT_EXPECT_GE(test, span->nelems, 1);
	raw_spin_lock_irqsave(&central->lock, flags);
	goalloc_mheap_span_free(span);
	raw_spin_unlock_irqrestore(&central->lock, flags);
	take_n(test, central, &slot, 1);
	goalloc_mcentral_give(central, &slot, 1);
}

/* Objects of another class, or that came back before, are reported, not taken. */
static void test_give_refuses(struct kunit *test)
{
	struct goalloc_mcentral *central = central_of(test);
	u64 misuse = goalloc_kunit_misuse();
	struct goalloc_slot slots[2];
	struct goalloc_mcentral *wrong;

	wrong = goalloc_classes[central->class->id == 1 ? 2 : 1]->central[central->nid];
	take_n(test, central, slots, 1);
	goalloc_mcentral_give(wrong, slots, 1);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + 1);
	KUNIT_EXPECT_EQ(test, central->nalloc, 1);
	slots[1] = slots[0];
	goalloc_mcentral_give(central, slots, 2);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + 2);
	KUNIT_EXPECT_EQ(test, central->nalloc, 0);
	KUNIT_EXPECT_EQ(test, central->nspans, 0);
}

/* What waits in depots goes home when pages are short, a bounded part at a time. */
static void test_reclaim(struct kunit *test)
{
	struct goalloc_mcentral *central = central_of(test);
	const struct goalloc_class *class = central->class;
	unsigned int i, n = min_t(unsigned int, class->max_full, RECLAIM_BATCH + 1);
	struct goalloc_magazine *mag, *empty;
	struct goalloc_class_stats st;

	KUNIT_EXPECT_FALSE(test, goalloc_mcentral_reclaim(central->nid));
	for (i = 0; i < n; i++) {
		mag = goalloc_mcentral_empty(central);
		KUNIT_ASSERT_NOT_NULL(test, mag);
		KUNIT_ASSERT_EQ(test, take_n(test, central, goalloc_magazine_first(mag, class),
					     class->capacity), class->capacity);
		empty = goalloc_mcentral_flush(central, mag);
		KUNIT_ASSERT_NOT_NULL(test, empty);
		KUNIT_ASSERT_PTR_NE(test, empty, mag);
		goalloc_mcentral_drop(central, empty);
	}
	KUNIT_EXPECT_EQ(test, central->nfull, n);
	KUNIT_EXPECT_TRUE(test, goalloc_mcentral_reclaim(central->nid));
	KUNIT_EXPECT_EQ(test, central->nfull, n > RECLAIM_BATCH ? 1 : 0);
	goalloc_kunit_check(test);
	while (goalloc_mcentral_reclaim(central->nid))
		;
	goalloc_stats_class(class, &st);
	KUNIT_EXPECT_EQ(test, st.batch, 0);
	KUNIT_EXPECT_EQ(test, st.spans, 0);
	goalloc_kunit_check(test);
}

static struct kunit_case goalloc_mcentral[] = {
	GOALLOC_KUNIT_CASE_CLASS(test_empty),
	GOALLOC_KUNIT_CASE_CLASS(test_refill),
	GOALLOC_KUNIT_CASE_CLASS(test_magazines),
	GOALLOC_KUNIT_CASE_CLASS(test_release),
	GOALLOC_KUNIT_CASE_CLASS(test_fullness),
	GOALLOC_KUNIT_CASE_SIZE(test_shortest),
	GOALLOC_KUNIT_CASE_CLASS(test_give_refuses),
	GOALLOC_KUNIT_CASE_CLASS(test_reclaim),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_mcentral", goalloc_mcentral);
