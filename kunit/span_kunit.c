// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_span: objects of a span, by their bits and state bytes. */
#include "../goalloc_span.c"

#include <linux/prandom.h>

#include "goalloc_kunit.h"

/* More than any span has. */
#define MAX_OBJECTS	((unsigned int)(2 * GOALLOC_PAGE_SIZE / 8))

struct fixture {
	struct goalloc_mspan *span;
	struct goalloc_class *class;
	struct goalloc_slot *slots;
	unsigned int n;
};

/* A span of the case's class, at an address where nothing is: it is never touched. */
static struct fixture *new_span(struct kunit *test, unsigned int npages)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	void *block;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->class = goalloc_kunit_class(test);
	KUNIT_ASSERT_EQ(test, goalloc_meta_prepare(GFP_KERNEL), 0);
	f->span = goalloc_meta_span_get(goalloc_span_block(f->class, npages), &block);
	KUNIT_ASSERT_NOT_NULL(test, f->span);
	f->span->base = 0x1000000000UL;
	f->span->npages = npages;
	f->span->nid = 0;
	goalloc_span_init(f->span, f->class, block);
	f->n = f->span->nelems;
	KUNIT_ASSERT_LT(test, f->n, MAX_OBJECTS);
	f->slots = kunit_kcalloc(test, f->n + 1, sizeof(*f->slots), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->slots);
	return f;
}

static void check_all_free(struct kunit *test, struct fixture *f)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, f->span->nalloc, 0);
	for (i = 0; i < f->n; i++) {
		KUNIT_ASSERT_FALSE(test, goalloc_span_bit(f->span, i));
		KUNIT_ASSERT_EQ(test, f->span->states[i], GOALLOC_FREE);
	}
	KUNIT_EXPECT_EQ(test, f->span->states[f->n], GOALLOC_NONE);
}

static void init_of(struct kunit *test, unsigned int npages)
{
	struct fixture *f = new_span(test, npages);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, f->n, ((size_t)npages << GOALLOC_PAGE_SHIFT) / f->class->size);
	KUNIT_EXPECT_EQ(test, goalloc_span_kind(f->span), f->class->kind);
	KUNIT_EXPECT_PTR_EQ(test, goalloc_span_class(f->span), f->class);
	KUNIT_EXPECT_PTR_EQ(test, f->span->bins, f->class->bins);
	check_all_free(test, f);
	for (i = f->n; i < round_up(f->n, 64); i++)
		KUNIT_EXPECT_TRUE(test, goalloc_span_bit(f->span, i));
	if (f->class->kind == GOALLOC_SPAN_TINY)
		for (i = 0; i < f->n; i++)
			KUNIT_ASSERT_EQ(test, atomic_read(goalloc_span_tiny_words(f->span) + i), 0);
	goalloc_span_retire(f->span);
}

static void test_init(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);

	init_of(test, class->npages);
	init_of(test, class->min_pages);
}

/* Every byte of the span, and the pages around it. */
static void test_index(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	struct fixture *f = new_span(test, class->npages);
	size_t off, bytes = goalloc_span_bytes(f->span);
	long i, want;

	for (off = 0; off < bytes; off++) {
		i = goalloc_span_index(f->span, (void *)f->span->base + off);
		want = off % class->size || class->kind == GOALLOC_SPAN_TINY ? -1 :
		       (long)(off / class->size);
		if (i != want) {
			KUNIT_FAIL(test, "byte %zu has index %ld, not %ld", off, i, want);
			break;
		}
	}
	/* behind the last object there may be room that looks like one: the guard says no */
	off = (size_t)f->n * class->size;
	if (off < bytes && class->kind != GOALLOC_SPAN_TINY) {
		i = goalloc_span_index(f->span, (void *)f->span->base + off);
		KUNIT_EXPECT_EQ(test, i, (long)f->n);
		KUNIT_EXPECT_EQ(test, f->span->states[f->n], GOALLOC_NONE);
	}
	goalloc_span_retire(f->span);
}

/* All objects, in rows of @step: in order, each once, then no more. */
static void take_all(struct kunit *test, unsigned int step)
{
	struct fixture *f = new_span(test, goalloc_kunit_class(test)->npages);
	unsigned int i, got = 0, more;

	while (got < f->n) {
		more = goalloc_span_take(f->span, f->slots + got, min(step, f->n - got + 1));
		KUNIT_ASSERT_EQ(test, more, min(step, f->n - got));
		got += more;
		KUNIT_ASSERT_EQ(test, f->span->nalloc, got);
	}
	KUNIT_EXPECT_EQ(test, goalloc_span_take(f->span, f->slots + got, 1), 0);
	for (i = 0; i < f->n; i++) {
		KUNIT_ASSERT_EQ(test, (unsigned long)f->slots[i].obj,
				f->span->base + (unsigned long)i * f->class->size);
		KUNIT_ASSERT_PTR_EQ(test, f->slots[i].state, f->span->states + i);
		KUNIT_ASSERT_EQ(test, f->span->states[i], GOALLOC_CACHED);
		KUNIT_ASSERT_TRUE(test, goalloc_span_bit(f->span, i));
	}
	KUNIT_EXPECT_EQ(test, goalloc_span_give(f->span, f->slots, f->n), f->n);
	check_all_free(test, f);
	goalloc_span_retire(f->span);
}

static void test_take(struct kunit *test)
{
	take_all(test, 1);
	take_all(test, 7);
	take_all(test, MAX_OBJECTS);
}

/* Random takes and gives: the lowest free objects are always the ones that come. */
static void test_random(struct kunit *test)
{
	struct fixture *f = new_span(test, goalloc_kunit_class(test)->npages);
	unsigned int round, i, k, out = 0, got, want;
	struct rnd_state rnd;
	u8 *taken;

	taken = kunit_kzalloc(test, f->n, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, taken);
	prandom_seed_state(&rnd, f->class->id);
	for (round = 0; round < 300; round++) {
		if (prandom_u32_state(&rnd) % 2) {
			want = prandom_u32_state(&rnd) % (f->n - out + 1);
			got = goalloc_span_take(f->span, f->slots + out, want);
			KUNIT_ASSERT_EQ(test, got, want);
			for (k = 0, i = 0; k < got; k++) {
				i = f->slots[out + k].state - f->span->states;
				KUNIT_ASSERT_LT(test, i, f->n);
				KUNIT_ASSERT_FALSE(test, taken[i]);
				taken[i] = 1;
			}
			if (got)
				KUNIT_ASSERT_PTR_EQ(test, memchr(taken, 0, i), NULL);
			out += got;
		} else {
			want = prandom_u32_state(&rnd) % (out + 1);
			for (k = 0; k < want; k++) {
				i = prandom_u32_state(&rnd) % out;
				swap(f->slots[i], f->slots[out - 1 - k]);
			}
			got = goalloc_span_give(f->span, f->slots + out - want, want);
			KUNIT_ASSERT_EQ(test, got, want);
			for (k = 0; k < want; k++)
				taken[f->slots[out - 1 - k].state - f->span->states] = 0;
			out -= want;
		}
		KUNIT_ASSERT_EQ(test, f->span->nalloc, out);
		for (i = 0; i < f->n; i++)
			KUNIT_ASSERT_EQ(test, goalloc_span_bit(f->span, i), taken[i]);
	}
	goalloc_span_give(f->span, f->slots, out);
	check_all_free(test, f);
	goalloc_span_retire(f->span);
}

/* What does not wait to come back is reported and passed over. */
static void test_give_refuses(struct kunit *test)
{
	struct fixture *f = new_span(test, goalloc_kunit_class(test)->npages);
	u64 misuse = goalloc_kunit_misuse();
	struct goalloc_slot other;

	KUNIT_ASSERT_EQ(test, goalloc_span_take(f->span, f->slots, 1), 1);
	f->slots[1] = f->slots[0];
	KUNIT_EXPECT_EQ(test, goalloc_span_give(f->span, f->slots, 2), 2);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + 1);
	check_all_free(test, f);

	/* with its user */
	KUNIT_ASSERT_EQ(test, goalloc_span_take(f->span, f->slots, 1), 1);
	*f->slots[0].state = GOALLOC_USED;
	KUNIT_EXPECT_EQ(test, goalloc_span_give(f->span, f->slots, 1), 1);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + 2);
	KUNIT_EXPECT_EQ(test, f->span->nalloc, 1);
	KUNIT_EXPECT_EQ(test, *f->slots[0].state, GOALLOC_USED);
	*f->slots[0].state = GOALLOC_CACHED;

	/* of another span: where it stops */
	other = f->slots[0];
	other.obj += goalloc_span_bytes(f->span);
	f->slots[1] = other;
	KUNIT_EXPECT_EQ(test, goalloc_span_give(f->span, f->slots, 2), 1);
	KUNIT_EXPECT_EQ(test, goalloc_span_give(f->span, f->slots + 1, 1), 0);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + 2);
	check_all_free(test, f);
	goalloc_span_retire(f->span);
}

/*
 * A racing free may change a state after the object was brought home: the object is then
 * where that free has put it, and the span goes on, until it is home again.
 */
static void test_late_push(struct kunit *test)
{
	struct fixture *f = new_span(test, goalloc_kunit_class(test)->npages);
	u64 misuse = goalloc_kunit_misuse();
	u32 recip = f->span->recip;
	unsigned int last = f->n - 1;
	struct goalloc_slot late = {
		.obj = (void *)f->span->base + (size_t)last * f->class->size,
		.state = f->span->states + last,
	};

	/* found by the end of the span */
	*late.state = GOALLOC_CACHED;
	KUNIT_EXPECT_FALSE(test, goalloc_span_settle(f->span));
	KUNIT_EXPECT_EQ(test, f->span->nalloc, 1);
	KUNIT_EXPECT_TRUE(test, goalloc_span_bit(f->span, last));
	KUNIT_EXPECT_EQ(test, f->span->recip, recip);
	KUNIT_EXPECT_EQ(test, goalloc_span_give(f->span, &late, 1), 1);
	check_all_free(test, f);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse);

	/* found by who would hand it out again */
	*late.state = GOALLOC_CACHED;
	KUNIT_EXPECT_EQ(test, goalloc_span_take(f->span, f->slots, f->n), last);
	KUNIT_EXPECT_EQ(test, f->span->nalloc, f->n);
	KUNIT_EXPECT_EQ(test, goalloc_span_give(f->span, f->slots, last), last);
	KUNIT_EXPECT_EQ(test, goalloc_span_give(f->span, &late, 1), 1);
	check_all_free(test, f);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse);

	/* home before anybody has found it */
	*late.state = GOALLOC_CACHED;
	KUNIT_EXPECT_EQ(test, goalloc_span_give(f->span, &late, 1), 1);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + 1);
	check_all_free(test, f);

	KUNIT_EXPECT_TRUE(test, goalloc_span_settle(f->span));
	KUNIT_EXPECT_EQ(test, f->span->recip, 0);
	goalloc_span_retire(f->span);
}

/* A retired span serves no free, and what the fast path reads stays readable. */
static void test_retire(struct kunit *test)
{
	struct fixture *f = new_span(test, goalloc_kunit_class(test)->npages);
	u8 *states = f->span->states;

	preempt_disable();
	goalloc_span_retire(f->span);
	KUNIT_EXPECT_EQ(test, goalloc_span_kind(f->span), GOALLOC_SPAN_DEAD);
	KUNIT_EXPECT_EQ(test, goalloc_span_index(f->span, (void *)f->span->base), -1L);
	KUNIT_EXPECT_PTR_EQ(test, f->span->states, states);
	KUNIT_EXPECT_EQ(test, states[f->n], GOALLOC_NONE);
	preempt_enable();
}

static struct kunit_case goalloc_span[] = {
	GOALLOC_KUNIT_CASE_CLASS(test_init),
	GOALLOC_KUNIT_CASE_CLASS(test_index),
	GOALLOC_KUNIT_CASE_CLASS(test_take),
	GOALLOC_KUNIT_CASE_CLASS(test_random),
	GOALLOC_KUNIT_CASE_CLASS(test_give_refuses),
	GOALLOC_KUNIT_CASE_CLASS(test_late_push),
	GOALLOC_KUNIT_CASE_CLASS(test_retire),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_span", goalloc_span);
