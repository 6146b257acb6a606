// SPDX-License-Identifier: GPL-2.0
/*
 * goalloc_fault_test: what goalloc does when it gets no memory.
 *
 * Each scenario runs with its first request for memory failing, then its second,
 * and so on until it has no more; then the same with all later ones failing, too;
 * then with requests that fail at random. Whatever fails, the caller has NULL or
 * a whole object, every NULL is counted, nothing stays in use, no page stays held,
 * and the checker of the heap finds it consistent. What was asked for with
 * __GFP_NOFAIL is there.
 *
 * Loading runs everything and prints TAP; it fails if a test does.
 *
 * Locks: none. Scenarios run one after the other; the threads of the last one
 * have slots of their own.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/goalloc.h>

#include "goalloc_internal.h"

static unsigned int step = 1;
module_param(step, uint, 0444);
MODULE_PARM_DESC(step, "past the 64th request, take only each so many-th");

static atomic_t errors;
static atomic_long_t nulls;	/* allocations that gave NULL */

#define expect(cond) ({								\
	bool ok_ = (cond);							\
	if (!ok_ && atomic_inc_return(&errors) < 20)				\
		pr_err("goalloc_fault_test: # line %d: %s\n", __LINE__, #cond);	\
	ok_;									\
})

#define MAX_OBJECTS	3000

struct object {
	u8 *p;
	size_t size;
};

static struct object *objects;
static unsigned int nobjects;

static u8 pattern(const struct object *o)
{
	return (unsigned long)o->p >> 3 ^ o->size;
}

/* Keep @p of @size, if there is one; true if so. */
static bool keep(void *p, size_t size)
{
	struct object *o = &objects[nobjects];

	if (!p) {
		atomic_long_inc(&nulls);
		return false;
	}
	expect(gosize(p) >= size);
	o->p = p;
	o->size = size;
	memset(p, pattern(o), size);
	nobjects++;
	return true;
}

static void free_all(void)
{
	while (nobjects) {
		struct object *o = &objects[--nobjects];

		expect(!memchr_inv(o->p, pattern(o), o->size));
		gofree(o->p);
	}
}

/* ---- scenarios: each leaves what it has in objects[] ---- */

static void each_class(gfp_t gfp)
{
	unsigned int i;

	for (i = 1; i <= GOALLOC_NR_SIZES; i++)
		keep(gomalloc(goalloc_classes[i]->size, gfp), goalloc_classes[i]->size);
}

static void run_small(void)
{
	each_class(GFP_KERNEL);
}

static void run_atomic(void)
{
	preempt_disable();
	each_class(GFP_ATOMIC | __GFP_NOWARN);
	preempt_enable();
}

static void run_large(void)
{
	static const size_t sizes[] = { 40000, 65536, 100000, 1 << 20, 3 << 20 };
	unsigned int i;

	for (i = 0; i < 2 * ARRAY_SIZE(sizes); i++)
		keep(gomalloc(sizes[i / 2], (i & 1 ? GFP_KERNEL : GFP_ATOMIC) | __GFP_NOWARN),
		     sizes[i / 2]);
}

static void run_direct(void)
{
	keep(gomalloc(100, GFP_KERNEL | GFP_DMA), 100);
	keep(gomalloc(9000, GFP_ATOMIC | GFP_DMA), 9000);
#ifdef CONFIG_ZONE_DMA32
	keep(gomalloc(70000, GFP_KERNEL | GFP_DMA32), 70000);
	keep(gomalloc(24, GFP_ATOMIC | GFP_DMA32), 24);
#endif
}

static void run_tiny(void)
{
	unsigned int i;

	for (i = 0; i < 600; i++)
		keep(gomalloc_tiny(1 + i % 16, i & 1 ? GFP_KERNEL : GFP_ATOMIC), 1 + i % 16);
}

static void run_zero(void)
{
	size_t size;
	u8 *p;

	for (size = 1; size < 200000; size += size / 2 + 1) {
		p = gozalloc(size, GFP_KERNEL);
		if (p)
			expect(!memchr_inv(p, 0, size));
		keep(p, size);
	}
}

/* The old object stays as it is if there is no new one. */
static void run_realloc(void)
{
	static const size_t sizes[] = { 16, 100, 1000, 5000, 32768, 50000, 300000, 64 };
	struct object *o;
	unsigned int i;
	u8 *p;

	if (!keep(gomalloc(8, GFP_KERNEL), 8))
		return;
	o = &objects[0];
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = gorealloc(o->p, sizes[i], GFP_KERNEL);
		if (!p) {
			atomic_long_inc(&nulls);
			expect(!memchr_inv(o->p, pattern(o), o->size));
			continue;
		}
		/* the pattern is of the old address */
		expect(!memchr_inv(p, pattern(o), min(o->size, sizes[i])));
		o->p = p;
		o->size = sizes[i];
		memset(p, pattern(o), o->size);
	}
}

static void run_node(void)
{
	int nid;

	for_each_online_node(nid) {
		keep(gomalloc_node(200, GFP_KERNEL, nid), 200);
		keep(gomalloc_node(3000, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, nid), 3000);
		keep(gozalloc_node(60000, GFP_KERNEL, nid), 60000);
	}
}

/* So many that metadata, magazines and arenas are asked for, too. */
static void run_many(void)
{
	unsigned int i;
	size_t size;

	for (i = 0; i < MAX_OBJECTS; i++) {
		size = i % 100 == 99 ? 70000 : 1 + i * 37 % 4000;
		keep(gomalloc(size, i & 1 ? GFP_KERNEL : GFP_ATOMIC | __GFP_NOWARN), size);
		/* what comes home meanwhile */
		if (i % 7 == 6)
			gofree(objects[--nobjects].p);
		if (!nobjects)
			break;
	}
}

static void in_softirq_(struct tasklet_struct *t)
{
	each_class(GFP_ATOMIC | __GFP_NOWARN);
}

static void run_softirq(void)
{
	struct tasklet_struct soft;

	tasklet_setup(&soft, in_softirq_);
	tasklet_schedule(&soft);
	/* waits for it to have run */
	tasklet_unlock_wait(&soft);
	while (test_bit(TASKLET_STATE_SCHED, &soft.state))
		schedule_timeout_uninterruptible(1);
	tasklet_kill(&soft);
}

static const struct scenario {
	const char *name;
	void (*run)(void);
} scenarios[] = {
	{ "small", run_small },
	{ "atomic", run_atomic },
	{ "large", run_large },
	{ "direct", run_direct },
	{ "tiny", run_tiny },
	{ "zero", run_zero },
	{ "realloc", run_realloc },
	{ "node", run_node },
	{ "many", run_many },
	{ "softirq", run_softirq },
};

/* ---- the rounds ---- */

/* No page is at hand, so everything has to be asked for. */
static void empty(void)
{
	struct goalloc_stats st;

	goalloc_release_memory();
	goalloc_read_stats(&st);
	expect(!st.objects && !st.in_use && !st.cached);
	/* which has its reserve */
	expect(!st.pages || IS_ENABLED(CONFIG_PREEMPT_RT));
}

static void verify(void)
{
	static char verdict[200];

	if (!expect(!goalloc_check(verdict, sizeof(verdict))))
		pr_err("goalloc_fault_test: # %s", verdict);
}

/* Run @s with such faults; how many there were. */
static unsigned long run_round(const struct scenario *s, unsigned long nth, unsigned long from,
			       unsigned long one_in)
{
	struct goalloc_stats before, st;
	unsigned long hits;

	empty();
	goalloc_read_stats(&before);
	atomic_long_set(&nulls, 0);
	goalloc_fault_set(nth, from, one_in);
	s->run();
	/* freeing needs no memory that it cannot do without */
	free_all();
	hits = goalloc_fault_hits();
	goalloc_fault_set(0, 0, 0);
	verify();
	goalloc_read_stats(&st);
	expect(st.failures - before.failures == atomic_long_read(&nulls));
	expect(st.misuse == before.misuse);
	return hits;
}

/* Every n until there is no n-th request; the last n. */
static unsigned long every_n(const struct scenario *s, bool and_later)
{
	unsigned long n, all_null = 0;

	for (n = 1; run_round(s, and_later ? 0 : n, and_later ? n : 0, 0); n += n < 64 ? 1 : step) {
		all_null += atomic_long_read(&nulls);
		if (atomic_read(&errors))
			return n;
		cond_resched();
	}
	/* where nothing more is to be had somebody must have got nothing */
	if (and_later && !IS_ENABLED(CONFIG_PREEMPT_RT))
		expect(n > 1 && all_null);
	empty();
	return n - 1;
}

/* From the first request on there is nothing, whatever is asked for. */
static void test_dry(void)
{
	unsigned int i;

	/* which has a reserve */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return;
	empty();
	goalloc_fault_set(0, 1, 0);
	for (i = 1; i <= GOALLOC_NR_SIZES; i++) {
		expect(!gomalloc(goalloc_classes[i]->size, GFP_KERNEL));
		expect(!gozalloc(goalloc_classes[i]->size, GFP_ATOMIC));
	}
	expect(!gomalloc(100000, GFP_KERNEL));
	expect(!gomalloc(100, GFP_KERNEL | GFP_DMA));
	expect(!gomalloc_tiny(3, GFP_KERNEL));
	expect(!gorealloc(NULL, 77, GFP_KERNEL));
	expect(goalloc_fault_hits());
	goalloc_fault_set(0, 0, 0);
	verify();
	empty();
}

/* Allocations that fail take nothing, so what was at hand before is at hand afterwards. */
static void test_useless(void)
{
	unsigned int i;
	void *p;

	empty();
	gofree(gomalloc(70000, GFP_KERNEL));	/* pages at hand */
	goalloc_fault_set(0, 1, 0);
	preempt_disable();	/* the worker cannot bring back what is only wasted */
	for (i = 0; i < 50000; i++)
		if (!expect(!gomalloc(GOALLOC_MAX_SIZE, GFP_ATOMIC | __GFP_NOWARN)))
			break;
	p = gomalloc(70000, GFP_ATOMIC | __GFP_NOWARN);
	preempt_enable();
	goalloc_fault_set(0, 0, 0);
	expect(p);
	gofree(p);
	verify();
	empty();
}

static void test_nofail(void)
{
	void *p[6];
	unsigned int i;

	empty();
	goalloc_fault_set(0, 1, 0);
	p[0] = gomalloc(8, GFP_KERNEL | __GFP_NOFAIL);
	p[1] = gozalloc(3000, GFP_KERNEL | __GFP_NOFAIL);
	p[2] = gomalloc(32768, GFP_KERNEL | __GFP_NOFAIL);
	p[3] = gomalloc(300000, GFP_KERNEL | __GFP_NOFAIL);
	p[4] = gomalloc_tiny(5, GFP_KERNEL | __GFP_NOFAIL);
	p[5] = gorealloc(NULL, 10000, GFP_KERNEL | __GFP_NOFAIL);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		expect(p[i]);
	goalloc_fault_set(0, 0, 0);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		gofree(p[i]);
	verify();
	empty();
}

/* ---- all CPUs, at random ---- */

static refcount_t running;
static DECLARE_COMPLETION(done);

static int thread(void *data)
{
	struct object slots[64] = { }, *o;
	unsigned int i;
	u32 r;

	for (i = 0; i < 6000; i++) {
		r = get_random_u32();
		o = &slots[r % ARRAY_SIZE(slots)];
		if (o->p) {
			expect(!memchr_inv(o->p, pattern(o), o->size));
			gofree(o->p);
		}
		o->size = r >> 28 ? 1 + (r >> 8) % 3000 : 1 + (r >> 8) % 100000;
		o->p = gomalloc(o->size, (i & 1 ? GFP_KERNEL : GFP_ATOMIC) | __GFP_NOWARN);
		if (o->p)
			memset(o->p, pattern(o), o->size);
		else
			atomic_long_inc(&nulls);
		/* so that pages are asked for again and again */
		if (i % 500 == 499)
			goalloc_release_memory();
		cond_resched();
	}
	for (o = slots; o < slots + ARRAY_SIZE(slots); o++)
		gofree(o->p);
	if (refcount_dec_and_test(&running))
		complete(&done);
	return 0;
}

static void run_threads(void)
{
	struct task_struct *task;
	int cpu;

	refcount_set(&running, 1);
	reinit_completion(&done);
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		task = kthread_create_on_cpu(thread, NULL, cpu, "goalloc_fault/%u");
		if (!expect(!IS_ERR(task)))
			continue;
		refcount_inc(&running);
		wake_up_process(task);
	}
	cpus_read_unlock();
	if (!refcount_dec_and_test(&running))
		wait_for_completion(&done);
}

static const struct scenario threads = { "threads", run_threads };

/* ---- start ---- */

static unsigned int nr;

static void result(int before, const char *what, unsigned long n)
{
	pr_info("goalloc_fault_test: %sok %u - %s # %lu\n",
		atomic_read(&errors) != before ? "not " : "", ++nr, what, n);
}

static int __init fault_init(void)
{
	static const unsigned int chances[] = { 2, 5, 50 };
	unsigned int i, tries;
	unsigned long n;
	char what[40];
	int before;

	objects = vcalloc(MAX_OBJECTS, sizeof(*objects));
	if (!objects)
		return -ENOMEM;
	pr_info("goalloc_fault_test: 1..%zu\n", 2 * ARRAY_SIZE(scenarios) + 3 +
		2 * ARRAY_SIZE(chances));
	for (i = 0; i < 2 * ARRAY_SIZE(scenarios); i++) {
		before = atomic_read(&errors);
		n = every_n(&scenarios[i / 2], i & 1);
		snprintf(what, sizeof(what), "%s: the n-th%s", scenarios[i / 2].name,
			 i & 1 ? " and all later" : "");
		result(before, what, n);
	}
	before = atomic_read(&errors);
	test_dry();
	result(before, "dry", 0);
	before = atomic_read(&errors);
	test_useless();
	result(before, "useless", 0);
	before = atomic_read(&errors);
	test_nofail();
	result(before, "nofail", 0);
	for (i = 0; i < 2 * ARRAY_SIZE(chances); i++) {
		before = atomic_read(&errors);
		/* a round may make so few requests that chance spares them all */
		for (n = 0, tries = 0; !n && tries < 100; tries++)
			n = run_round(i & 1 ? &threads : &scenarios[8], 0, 0, chances[i / 2]);
		snprintf(what, sizeof(what), "%s: one in %u", i & 1 ? "threads" : "many",
			 chances[i / 2]);
		expect(n);
		empty();
		result(before, what, n);
	}
	vfree(objects);
	return atomic_read(&errors) ? -EINVAL : 0;
}

static void __exit fault_exit(void)
{
}

module_init(fault_init);
module_exit(fault_exit);

MODULE_DESCRIPTION("Test of goalloc when memory is short");
MODULE_LICENSE("GPL");
