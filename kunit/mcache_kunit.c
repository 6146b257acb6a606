// SPDX-License-Identifier: GPL-2.0
/* KUnit suite goalloc_mcache: bins and magazines, the way in and out of them. */
#include "../goalloc_mcache.c"

#include "goalloc_kunit.h"

/* Objects of the class in all bins of this CPU and level. */
static unsigned int in_bin(struct goalloc_class *class, unsigned int level)
{
	struct goalloc_bin *bin = goalloc_mcache_bin(class, raw_smp_processor_id(), level);
	struct goalloc_slot *first;

	return goalloc_mcache_count(class, bin, &first) + bin->nprev;
}

static void *take_one(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	void *p = goalloc_mcache_alloc(class, GFP_KERNEL, NUMA_NO_NODE);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_TRUE(test, IS_ALIGNED((unsigned long)p, class->size & -class->size));
	KUNIT_ASSERT_PTR_EQ(test, goalloc_span_class(goalloc_span_of(p)), class);
	return p;
}

static void give_one(void *p)
{
	struct goalloc_mspan *span = goalloc_span_of(p);
	struct goalloc_slot slot = {
		.obj = p,
		.state = span->states + ((unsigned long)p - span->base) /
			 goalloc_span_class(span)->size,
	};

	preempt_disable();
	goalloc_mcache_free(span, slot);
	preempt_enable();
}

/* A bin without magazine is empty and full at once. */
static void test_no_magazine(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	struct goalloc_bin *bin;
	unsigned int level;
	void *p;

	goalloc_mcache_drain_all();
	migrate_disable();
	for (level = 0; level < GOALLOC_LEVELS; level++) {
		bin = goalloc_mcache_bin(class, smp_processor_id(), level);
		KUNIT_EXPECT_EQ(test, in_bin(class, level), 0);
		KUNIT_EXPECT_NULL(test, bin_magazine(bin));
		KUNIT_EXPECT_NULL(test, bin->prev);
		KUNIT_EXPECT_NULL(test, bin_pop(bin));
		KUNIT_EXPECT_EQ(test, (unsigned long)bin->top % GOALLOC_MAGAZINE_BYTES, 0);
	}
	KUNIT_EXPECT_FALSE(test, fast_pop(class->bins, &p));
	migrate_enable();
}

/* Last in, first out. */
static void test_lifo(struct kunit *test)
{
	void *p, *q;

	migrate_disable();
	p = take_one(test);
	q = take_one(test);
	KUNIT_EXPECT_PTR_NE(test, p, q);
	give_one(p);
	give_one(q);
	KUNIT_EXPECT_PTR_EQ(test, take_one(test), q);
	KUNIT_EXPECT_PTR_EQ(test, take_one(test), p);
	give_one(p);
	give_one(q);
	migrate_enable();
}

/* The bin's own window serves what lies in the bin, and counts it. */
static void test_window(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	struct goalloc_bin *bin;
	unsigned long nalloc;
	unsigned int n;
	void *p;

	migrate_disable();
	p = take_one(test);
	if (goalloc_span_of(p)->nid != numa_mem_id()) {
		/* this node had no pages: it goes home, not to the bin */
		give_one(p);
		migrate_enable();
		kunit_skip(test, "the object is of another node");
	}
	give_one(p);
	bin = raw_cpu_ptr(class->bins);
	n = in_bin(class, 0);
	nalloc = bin->nalloc;
	KUNIT_EXPECT_GT(test, n, 0);
	KUNIT_ASSERT_TRUE(test, fast_pop(class->bins, &p));
	KUNIT_EXPECT_EQ(test, in_bin(class, 0), n - 1);
	KUNIT_EXPECT_EQ(test, bin->nalloc, nalloc + 1);
	/* with softirqs off it is still a task */
	local_bh_disable();
	give_one(p);
	KUNIT_EXPECT_EQ(test, in_bin(class, 0), n);
	KUNIT_EXPECT_TRUE(test, fast_pop(class->bins, &p));
	local_bh_enable();
	give_one(p);
	migrate_enable();
}

/* A bin never holds more than two magazines, and nothing is lost on the way. */
static void test_many(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	const unsigned int n = 5 * class->capacity + 3;
	struct goalloc_class_stats st;
	unsigned int i;
	void **p;

	p = kunit_kcalloc(test, n, sizeof(*p), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	migrate_disable();
	for (i = 0; i < n; i++) {
		p[i] = take_one(test);
		KUNIT_EXPECT_LE(test, in_bin(class, 0), 2 * class->capacity);
	}
	goalloc_stats_class(class, &st);
	KUNIT_EXPECT_EQ(test, st.in_use, n);
	KUNIT_EXPECT_EQ(test, st.objects, st.in_use + st.mcache + st.batch + st.free);
	goalloc_kunit_check(test);
	for (i = 0; i < n; i++) {
		give_one(p[i]);
		KUNIT_EXPECT_LE(test, in_bin(class, 0), 2 * class->capacity);
	}
	goalloc_stats_class(class, &st);
	KUNIT_EXPECT_EQ(test, st.in_use, 0);
	migrate_enable();
	goalloc_mcache_drain_all();
	goalloc_stats_class(class, &st);
	KUNIT_EXPECT_EQ(test, st.mcache, 0);
}

/* A user who wavers around a magazine's end does not go to mcentral for it. */
static void test_waver(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	const unsigned int n = 2 * class->capacity + 2;
	struct goalloc_class_stats before, after;
	unsigned int i, round;
	void **p;

	p = kunit_kcalloc(test, n, sizeof(*p), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	migrate_disable();
	for (i = 0; i < n; i++)
		p[i] = take_one(test);
	for (i = 0; i < n; i++)
		give_one(p[i]);
	/* two magazines' worth lies here: take to the border between them */
	while (in_bin(class, 0) > class->capacity)
		p[--i] = take_one(test);
	goalloc_stats_class(class, &before);
	for (round = 0; round < 10; round++) {
		void *a = take_one(test), *b = class->capacity > 1 ? take_one(test) : NULL;

		if (b)
			give_one(b);
		give_one(a);
	}
	goalloc_stats_class(class, &after);
	KUNIT_EXPECT_EQ(test, after.refills, before.refills);
	KUNIT_EXPECT_EQ(test, after.flushes, before.flushes);
	while (i < n)
		give_one(p[i++]);
	migrate_enable();
}

static void take_and_give(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	unsigned int level = interrupt_context_level();
	void *p = goalloc_mcache_alloc(class, GFP_ATOMIC, NUMA_NO_NODE);
	unsigned int n;

	KUNIT_EXPECT_NOT_NULL(test, p);
	if (!p)
		return;
	preempt_disable();
	n = in_bin(class, level);
	give_one(p);
	KUNIT_EXPECT_EQ(test, in_bin(class, level), n + 1);
	preempt_enable();
}

/* Each level of a CPU has its own bin. */
static void test_levels(struct kunit *test)
{
	goalloc_kunit_in_contexts(test, take_and_give);
}

/* An object that two frees put into a bin: its second copy is thrown away. */
static void test_race(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	u64 misuse = goalloc_kunit_misuse();
	struct goalloc_bin *bin;
	void *p, *q;

	if (class->capacity < 3)
		kunit_skip(test, "no room for a copy in a bin");
	goalloc_mcache_drain_all();
	migrate_disable();
	p = take_one(test);
	give_one(p);
	bin = raw_cpu_ptr(class->bins);
	KUNIT_ASSERT_PTR_EQ(test, bin->top[-1].obj, p);
	KUNIT_ASSERT_PTR_NE(test, bin->top, magazine_end(bin_magazine(bin)));
	*bin->top = bin->top[-1];
	bin->top++;
	KUNIT_EXPECT_PTR_EQ(test, take_one(test), p);
	q = take_one(test);
	KUNIT_EXPECT_PTR_NE(test, q, p);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + 1);
	goalloc_kunit_check(test);
	give_one(p);
	give_one(q);
	migrate_enable();
}

/*
 * All of a span's objects wait on this CPU, @n of them a second time in @mag; then
 * the first copies go home, and the span with them.
 */
static void leave_stale(struct kunit *test, struct goalloc_magazine *mag, unsigned int n)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	struct goalloc_slot *slots = goalloc_magazine_first(mag, class);
	struct goalloc_mspan *span;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < n; i++)
		slots[i].obj = take_one(test);
	for (i = 0; i < n; i++) {
		span = goalloc_span_of(slots[i].obj);
		slots[i].state = span->states + (slots[i].obj - (void *)span->base) / class->size;
		give_one(slots[i].obj);
	}
	local_irq_save(flags);
	bin_drain(raw_cpu_ptr(class->bins), class, smp_processor_id());
	local_irq_restore(flags);
	goalloc_mcentral_release(class->central[numa_mem_id()]);
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_PTR_EQ(test, goalloc_span_of(slots[i].obj), &goalloc_no_span);
}

/* A copy whose span has died is gone before the span's state bytes are another's. */
static void test_stale_bin(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	u64 misuse = goalloc_kunit_misuse();
	struct goalloc_magazine *mag;
	struct goalloc_bin *bin;

	goalloc_release_memory();
	KUNIT_ASSERT_EQ(test, goalloc_kunit_case_init(test), 0);
	migrate_disable();
	mag = goalloc_mcentral_empty(class->central[numa_mem_id()]);
	KUNIT_ASSERT_NOT_NULL(test, mag);
	leave_stale(test, mag, 1);
	bin = goalloc_mcache_bin(class, smp_processor_id(), 2);
	KUNIT_ASSERT_NULL(test, bin_magazine(bin));
	bin_load(bin, class, mag, 1);
	goalloc_mcache_scan_all();
	KUNIT_EXPECT_EQ(test, in_bin(class, 2), 0);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + 1);
	migrate_enable();
	goalloc_kunit_check(test);
}

/* A push that comes when its span has ended is taken back; one that is right stays. */
static void test_late(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	u64 misuse = goalloc_kunit_misuse();
	struct goalloc_magazine *mag;
	struct goalloc_mspan *span;
	struct goalloc_bin *bin;
	void *p;

	if (class->kind == GOALLOC_SPAN_TINY)
		kunit_skip(test, "words tell who is first");
	goalloc_release_memory();
	migrate_disable();
	bin = goalloc_mcache_bin(class, smp_processor_id(), 2);
	mag = goalloc_mcentral_empty(class->central[numa_mem_id()]);
	KUNIT_ASSERT_NOT_NULL(test, mag);

	p = take_one(test);
	span = goalloc_span_of(p);
	give_one(p);
	preempt_disable();
	leave_stale(test, mag, 1);
	bin_load(bin, class, mag, 1);
	bin->top[-1].state = span->states + (bin->top[-1].obj - (void *)span->base) / class->size;
	KUNIT_EXPECT_EQ(test, goalloc_span_kind(span), GOALLOC_SPAN_DEAD);
	goalloc_mcache_late(span, bin);
	KUNIT_EXPECT_EQ(test, in_bin(class, 2), 0);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + 1);
	preempt_enable();

	p = take_one(test);
	span = goalloc_span_of(p);
	give_one(p);
	preempt_disable();
	goalloc_mcache_late(span, raw_cpu_ptr(class->bins));
	KUNIT_EXPECT_GT(test, in_bin(class, 0), 0);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + 1);
	preempt_enable();
	migrate_enable();
	goalloc_mcache_drain_all();
	goalloc_kunit_check(test);
}

/* The same of a bin's spare magazine. */
static void test_stale_prev(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	u64 misuse = goalloc_kunit_misuse();
	struct goalloc_magazine *mag;
	struct goalloc_bin *bin;

	goalloc_release_memory();
	KUNIT_ASSERT_EQ(test, goalloc_kunit_case_init(test), 0);
	migrate_disable();
	mag = goalloc_mcentral_empty(class->central[numa_mem_id()]);
	KUNIT_ASSERT_NOT_NULL(test, mag);
	leave_stale(test, mag, class->capacity);
	bin = goalloc_mcache_bin(class, smp_processor_id(), 2);
	KUNIT_ASSERT_NULL(test, bin->prev);
	bin_set_prev(bin, mag, class->capacity);
	goalloc_mcache_scan_all();
	KUNIT_EXPECT_EQ(test, in_bin(class, 2), 0);
	KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + class->capacity);
	migrate_enable();
	goalloc_kunit_check(test);
}

/* The same of a magazine in mcentral, whether the scan or a refill gets to it first. */
static void test_stale_magazine(struct kunit *test)
{
	struct goalloc_class *class = goalloc_kunit_class(test);
	u64 misuse = goalloc_kunit_misuse();
	struct goalloc_mcentral *central;
	struct goalloc_magazine *mag;
	unsigned int round;
	void *p;

	for (round = 1; round <= 2; round++) {
		goalloc_release_memory();
		KUNIT_ASSERT_EQ(test, goalloc_kunit_case_init(test), 0);
		migrate_disable();
		central = class->central[numa_mem_id()];
		mag = goalloc_mcentral_empty(central);
		KUNIT_ASSERT_NOT_NULL(test, mag);
		leave_stale(test, mag, class->capacity);
		goalloc_mcentral_drop(central, goalloc_mcentral_flush(central, mag));
		KUNIT_EXPECT_EQ(test, central->nfull, 1);
		if (round == 1) {
			goalloc_mcache_scan_all();
		} else {
			goalloc_scanning = true;
			p = take_one(test);
			goalloc_scanning = false;
			KUNIT_EXPECT_PTR_NE(test, goalloc_span_of(p), &goalloc_no_span);
			give_one(p);
		}
		KUNIT_EXPECT_EQ(test, central->nfull, 0);
		KUNIT_EXPECT_EQ(test, goalloc_kunit_misuse(), misuse + round * class->capacity);
		migrate_enable();
		goalloc_kunit_check(test);
	}
}

static struct kunit_case goalloc_mcache[] = {
	GOALLOC_KUNIT_CASE_CLASS(test_no_magazine),
	GOALLOC_KUNIT_CASE_SIZE(test_lifo),
	GOALLOC_KUNIT_CASE_SIZE(test_window),
	GOALLOC_KUNIT_CASE_SIZE(test_many),
	GOALLOC_KUNIT_CASE_SIZE(test_waver),
	GOALLOC_KUNIT_CASE_SIZE(test_levels),
	GOALLOC_KUNIT_CASE_SIZE(test_race),
	GOALLOC_KUNIT_CASE_CLASS(test_late),
	GOALLOC_KUNIT_CASE_CLASS(test_stale_bin),
	GOALLOC_KUNIT_CASE_CLASS(test_stale_prev),
	GOALLOC_KUNIT_CASE_CLASS(test_stale_magazine),
	{}
};

GOALLOC_KUNIT_SUITE("goalloc_mcache", goalloc_mcache);
