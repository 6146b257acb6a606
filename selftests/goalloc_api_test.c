// SPDX-License-Identifier: GPL-2.0
/*
 * goalloc_api_test: what slab offers around kmalloc() and kfree(), each call with
 * its corner cases: strings, kvmalloc, bulk calls, mempools, cleanup, RCU. Unloading it
 * leaves objects to RCU, for goalloc to wait for when it is unloaded.
 *
 * Loading it runs everything and prints TAP to the kernel log; loading fails if
 * a test does. After every test all of goalloc is checked, and nothing may be in use.
 *
 * Locks: none.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/goalloc.h>

#include "goalloc_internal.h"

static atomic_t errors;

#define expect(cond) ({								\
	bool ok_ = (cond);							\
	if (!ok_ && atomic_inc_return(&errors) < 20)				\
		pr_err("goalloc_api_test: # line %d: %s\n", __LINE__, #cond);	\
	ok_;									\
})

/* Objects in use, but for the blocks that the tiny allocator fills. */
static u64 objects(void)
{
	struct goalloc_stats st;

	goalloc_read_stats(&st);
	return st.objects;
}

static u64 misuse(void)
{
	struct goalloc_stats st;

	goalloc_read_stats(&st);
	return st.misuse;
}

static void test_strings(void)
{
	char *s = kmalloc(5000, GFP_KERNEL), *p;
	size_t len, none = 0;

	if (!expect(s))
		return;
	OPTIMIZER_HIDE_VAR(none);
	for (len = 0; len < 5000; len += len / 4 + 1) {
		memset(s, 'a' + len % 26, len);
		s[len] = 0;
		p = gostrdup(s, GFP_KERNEL);
		expect(p && p != s && !strcmp(p, s) && gosize(p) > len);
		gofree(p);
		/* as much as there is, some of it, nothing */
		p = gostrndup(s, 5000, GFP_KERNEL);
		expect(p && !strcmp(p, s));
		gofree(p);
		p = gostrndup(s, len / 2, GFP_KERNEL);
		expect(p && strlen(p) == len / 2 && !strncmp(p, s, len / 2));
		gofree(p);
		p = gostrndup(s, none, GFP_KERNEL);
		expect(p && !*p);
		gofree(p);
		p = gomemdup(s, len + 1, GFP_KERNEL);
		expect(p && !memcmp(p, s, len + 1));
		gofree(p);
	}
	expect(!gostrdup(NULL, GFP_KERNEL));
	expect(!gostrndup(NULL, 10, GFP_KERNEL));
	expect(gomemdup(s, none, GFP_KERNEL) == ZERO_SIZE_PTR);
	/* no byte behind the limit is read: there is no 0 */
	memset(s, 'x', 5000);
	p = gostrndup(s, 100, GFP_ATOMIC);
	expect(p && strlen(p) == 100);
	gofree(p);
	kfree(s);
}

static void test_kv(void)
{
	size_t size, huge = SIZE_MAX, half = SIZE_MAX / 2 + 1, max = GOALLOC_MAX_SIZE, none = 0;
	char *p;

	OPTIMIZER_HIDE_VAR(huge);
	OPTIMIZER_HIDE_VAR(half);
	OPTIMIZER_HIDE_VAR(max);
	OPTIMIZER_HIDE_VAR(none);
	for (size = 1; size <= 2 * max; size = size * 5 / 2 + 1) {
		p = gokvzalloc(size, GFP_KERNEL);
		if (!expect(p))
			break;
		expect(is_vmalloc_addr(p) || goalloc_owns(p));
		if (size <= PAGE_SIZE)
			expect(goalloc_owns(p));
		if (size > max)
			expect(is_vmalloc_addr(p));
		expect(!memchr_inv(p, 0, size));
		memset(p, 0x5a, size);
		gokvfree(p);
	}
	p = gokvmalloc(max + 1, GFP_KERNEL);
	expect(p && is_vmalloc_addr(p));
	gokvfree(p);
	p = gokvmalloc_array(max / 8, 16, GFP_KERNEL | __GFP_NOFAIL);
	expect(p && is_vmalloc_addr(p));
	gokvfree(p);
	p = gokvmalloc_array(10, 10, GFP_ATOMIC);
	expect(goalloc_owns(p));
	gokvfree(p);
	p = gomalloc(100, GFP_KERNEL);
	gokvfree(p);
	gokvfree(vmalloc(PAGE_SIZE));
	gokvfree(NULL);
	gokvfree(ZERO_SIZE_PTR);
	expect(gokvmalloc(none, GFP_KERNEL) == ZERO_SIZE_PTR);
	/* vmalloc is not for who may not sleep, nor for sizes that no sum should give */
	expect(!gokvmalloc(max + 1, GFP_NOWAIT | __GFP_NOWARN));
	expect(!gokvmalloc(huge, GFP_KERNEL | __GFP_NOWARN));
	expect(!gokvmalloc((size_t)INT_MAX + 1, GFP_KERNEL | __GFP_NOWARN));
	expect(!gokvmalloc_array(half, 2, GFP_KERNEL));
}

static struct goalloc_reserve *reserve;
static void *taken[2];

static void take_in_irq(struct irq_work *work)
{
	taken[0] = goalloc_reserve_take(reserve, __GFP_ZERO);
	taken[1] = goalloc_reserve_take(reserve, 0);
}

/* What was taken beforehand is there with interrupts off, and in an interrupt. */
static void test_reserve(void)
{
	struct irq_work work = IRQ_WORK_INIT_HARD(take_in_irq);
	u64 before = misuse();
	unsigned long flags;
	unsigned int i;

	reserve = goalloc_reserve(300, 40, GFP_KERNEL);
	if (!expect(reserve))
		return;
	expect(objects() == 41);
	local_irq_save(flags);
	for (i = 0; i < 38; i++)
		gofree(goalloc_reserve_take(reserve, 0));
	local_irq_restore(flags);
	irq_work_queue(&work);
	irq_work_sync(&work);
	expect(taken[0] && !memchr_inv(taken[0], 0, 300));
	expect(taken[1] && taken[1] != taken[0]);
	expect(!goalloc_reserve_left(reserve));
	gofree_bulk(2, taken);
	expect(!goalloc_reserve_refill(reserve, GFP_KERNEL));
	expect(objects() == 41);
	goalloc_reserve_release(reserve);
	expect(!objects());
	expect(misuse() == before);
}

static void test_bulk(void)
{
	static void *p[500];
	u64 before = misuse();
	unsigned int i;

	gofree_bulk(0, NULL);
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomalloc(i < 200 ? 64 : 8 + i * 97 % 50000, GFP_KERNEL);
		expect(p[i]);
	}
	/* as gofree() each, also where the bin is full, or the object large */
	gofree(p[20]);
	p[20] = NULL;
	gofree(p[300]);
	p[300] = ZERO_SIZE_PTR;
	gofree_bulk(ARRAY_SIZE(p), p);
	expect(!objects());
	expect(misuse() == before);
	for (i = 0; i < 40; i++)
		p[i] = i % 2 ? gomalloc(100, GFP_KERNEL) : gomalloc_tiny(5, GFP_KERNEL);
	gofree_bulk(40, p);
	goalloc_release_memory();
	expect(!objects());
	/* what is no object is refused, and its neighbours are freed */
	for (i = 0; i < 40; i++)
		p[i] = gomalloc(256, GFP_KERNEL);
	p[40] = p[3];
	p[41] = p[4] + 8;
	gofree_bulk(42, p);
	expect(misuse() == before + 2);
	expect(!objects());
}

static void test_mempool(void)
{
	mempool_t *pool = mempool_create(8, gomempool_alloc, gomempool_free, (void *)200UL);
	void *p[20];
	unsigned int i;

	if (!expect(pool))
		return;
	expect(objects() == 8);
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = mempool_alloc(pool, GFP_KERNEL);
		expect(p[i] && goalloc_owns(p[i]) && gosize(p[i]) >= 200);
		memset(p[i], i, 200);
	}
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		expect(!memchr_inv(p[i], i, 200));
		mempool_free(p[i], pool);
	}
	expect(objects() == 8);
	mempool_destroy(pool);
	expect(!objects());
}

#ifdef DEFINE_FREE
static char *keep(bool really)
{
	char *p __free(gofree) = gomalloc(100, GFP_KERNEL);
	char *kv __free(gokvfree) = gokvmalloc(2 * GOALLOC_MAX_SIZE, GFP_KERNEL);
	char *none __free(gofree) = ERR_PTR(-ENOMEM);
	char *null __free(gokvfree) = NULL;

	expect(p && kv && !null && IS_ERR(none));
	return really ? no_free_ptr(p) : NULL;
}

static void test_cleanup(void)
{
	char *p;

	expect(!keep(false));
	expect(!objects());
	p = keep(true);
	expect(p && objects() == 1);
	gofree(p);
}
#endif

/* ---- RCU ---- */

struct guarded {
	u64 value;
	struct rcu_head rcu;
	u8 more[40];
};

static DECLARE_COMPLETION(context_done);

/* Two batches and more, in whatever context this is. */
static void free_some_rcu(void)
{
	struct guarded *p;
	unsigned int i;

	for (i = 0; i < 300; i++) {
		p = gomalloc(sizeof(*p), GFP_ATOMIC | __GFP_NOWARN);
		gofree_rcu(p, rcu);
	}
}

static void hardirq_work(struct irq_work *work)
{
	expect(in_hardirq());
	free_some_rcu();
	complete(&context_done);
}

static void softirq_work(struct tasklet_struct *t)
{
	expect(in_serving_softirq());
	free_some_rcu();
	complete(&context_done);
}

static void test_rcu_reader(void)
{
	struct guarded *p = gozalloc(sizeof(*p), GFP_KERNEL), *none = NULL;
	u64 before = misuse();
	unsigned int i;

	if (!expect(p))
		return;
	gofree_rcu(none, rcu);
	gofree_rcu_mightsleep(NULL);
	gofree_rcu_mightsleep(ZERO_SIZE_PTR);
	goalloc_rcu_barrier();
	expect(objects() == 1);
	rcu_read_lock();
	p->value = 12345;
	gofree_rcu(p, rcu);
	/* others come and go meanwhile, and fill batches */
	free_some_rcu();
	for (i = 0; i < 30; i++) {
		mdelay(1);
		expect(gosize(p) >= sizeof(*p) && p->value == 12345);
	}
	rcu_read_unlock();
	goalloc_rcu_barrier();
	expect(!objects());
	expect(misuse() == before);
}

static void test_rcu_sizes(void)
{
	u64 before = misuse();
	struct guarded *p;
	unsigned int i;

	for (i = 0; i < 5000; i++) {
		p = gokvmalloc(sizeof(*p) + i * 37 % 60000, GFP_KERNEL);
		if (i % 10)
			gofree_rcu(p, rcu);
		else
			gofree_rcu_mightsleep(p);
	}
	/* all over the place in its object, and vmalloc'ed */
	for (i = 0; i < 10; i++) {
		p = gokvmalloc(2 * GOALLOC_MAX_SIZE, GFP_KERNEL);
		expect(p && is_vmalloc_addr(p));
		gofree_rcu(p, rcu);
	}
	gofree_rcu_mightsleep(gokvmalloc(2 * GOALLOC_MAX_SIZE, GFP_KERNEL));
	goalloc_rcu_barrier();
	expect(!objects());
	expect(misuse() == before);
}

static void test_rcu_contexts(void)
{
	struct irq_work hard = IRQ_WORK_INIT_HARD(hardirq_work);
	struct tasklet_struct soft;
	raw_spinlock_t lock;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_init(&lock);
	tasklet_setup(&soft, softirq_work);
	for (i = 0; i < 20; i++) {
		irq_work_queue(&hard);
		wait_for_completion(&context_done);
		tasklet_schedule(&soft);
		wait_for_completion(&context_done);
		local_bh_disable();
		free_some_rcu();
		local_bh_enable();
		rcu_read_lock();
		free_some_rcu();
		rcu_read_unlock();
		raw_spin_lock_irqsave(&lock, flags);
		free_some_rcu();
		raw_spin_unlock_irqrestore(&lock, flags);
	}
	tasklet_kill(&soft);
	irq_work_sync(&hard);
	goalloc_rcu_barrier();
	expect(!objects());
}

/* What is no object is refused, when it is due. */
static void test_rcu_misuse(void)
{
	struct guarded *p = gomalloc(sizeof(*p), GFP_KERNEL);
	u64 before = misuse();

	if (!expect(p))
		return;
	rcu_read_lock();
	gofree_rcu(p, rcu);
	gofree_rcu(p, rcu);
	rcu_read_unlock();
	goalloc_rcu_barrier();
	expect(misuse() == before + 1);
	expect(!objects());
}

/* ---- nolock ---- */

static unsigned int probes, nmis, nmi_allocs;

/* A place for a probe that nobody optimizes away */
static noinline notrace void probed(void)
{
	barrier();
	probes++;
	barrier();
}

/* In the context of an NMI, where the kernel has int3. */
static int nmi_handler(struct kprobe *kp, struct pt_regs *regs)
{
	static const size_t sizes[] = { 1, 8, 64, 100, 256, 1000, 4096 };
	void *p[2 * ARRAY_SIZE(sizes)] = { };
	unsigned int i;

	nmis += !!in_nmi();
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomalloc_nolock(sizes[i / 2], i % 2 ? __GFP_ZERO : 0);
		if (!p[i])
			continue;
		nmi_allocs++;
		if (i % 2)
			expect(!memchr_inv(p[i], 0, sizes[i / 2]));
		memset(p[i], i + 1, sizes[i / 2]);
	}
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		if (p[i])
			expect(!memchr_inv(p[i], i + 1, sizes[i / 2]));
		gofree_nolock(p[i]);
	}
	return 0;
}

/* Its presence keeps the probe from being anything but an int3. */
static void nmi_post(struct kprobe *kp, struct pt_regs *regs, unsigned long flags)
{
}

/* The worker may still be about to fill what is emptied here. */
static void empty_stashes(void)
{
	unsigned int i;

	for (i = 0; i < 100; i++) {
		goalloc_release_memory();
		if (!objects())
			return;
		msleep(20);
	}
	expect(!objects());
}

static void test_nolock_nmi(void)
{
	struct kprobe kp = {
		.addr = (void *)probed,
		.pre_handler = nmi_handler,
		.post_handler = nmi_post,
	};
	u64 before = misuse();
	unsigned int i;

	if (register_kprobe(&kp)) {
		pr_info("goalloc_api_test: # no kprobe can be had\n");
		return;
	}
	for (i = 0; i < 200; i++) {
		probed();
		if (i % 20 == 19)
			msleep(20);
	}
	unregister_kprobe(&kp);
	pr_info("goalloc_api_test: # %u NMIs, %u objects\n", nmis, nmi_allocs);
	if (IS_ENABLED(CONFIG_X86))
		expect(nmis == 200);
	/* every second one at least, with a stash of four */
	expect(nmi_allocs > 200 * 7);
	expect(probes == 200);
	expect(misuse() == before);
	empty_stashes();
}

static void test_nolock(void)
{
	u64 before = misuse();
	static void *p[600];
	unsigned long flags;
	unsigned int i, n;
	void *q;

	expect(gomalloc_nolock(0, 0) == ZERO_SIZE_PTR);
	expect(!gomalloc_nolock(4097, 0));
	expect(!gomalloc_nolock(8, GFP_DMA));
	expect(!gomalloc_nolock(8, GFP_KERNEL));
	gofree_nolock(NULL);
	gofree_nolock(ZERO_SIZE_PTR);
	/* whatever comes from the other calls can be freed here, and the other way round */
	for (i = 0; i < 200; i++)
		p[i] = gomalloc(8 + i * 331 % 100000, GFP_KERNEL);
	for (; i < 250; i++)
		p[i] = gomalloc_tiny(1 + i % 16, GFP_KERNEL);
	for (i = 0; i < 250; i++)
		gofree_nolock(p[i]);
	for (i = 0; i < 10; i++) {
		gofree(gomalloc_nolock(200, 0));
		msleep(20);
	}
	empty_stashes();
	/* more than one CPU has room for, without interrupts */
	for (n = 0; n < ARRAY_SIZE(p); n++)
		p[n] = gomalloc(40, GFP_KERNEL);
	local_irq_save(flags);
	for (i = 0; i < min(n, 250U); i++)
		gofree_nolock(p[i]);
	local_irq_restore(flags);
	for (; i < n; i++)
		gofree_nolock(p[i]);
	empty_stashes();
	expect(misuse() == before);
	/* a second free, by whichever call, and what is no object */
	q = gomalloc(40, GFP_KERNEL);
	local_irq_save(flags);
	gofree_nolock(q);
	gofree_nolock(q);
	gofree(q);
	local_irq_restore(flags);
	gofree_nolock(&before);
	expect(misuse() == before + 3);
	empty_stashes();
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "strings", test_strings },
	{ "kv", test_kv },
	{ "bulk", test_bulk },
	{ "mempool", test_mempool },
	{ "reserve", test_reserve },
#ifdef DEFINE_FREE
	{ "cleanup", test_cleanup },
#endif
	{ "rcu_reader", test_rcu_reader },
	{ "rcu_sizes", test_rcu_sizes },
	{ "rcu_contexts", test_rcu_contexts },
	{ "rcu_misuse", test_rcu_misuse },
	{ "nolock", test_nolock },
	{ "nolock_nmi", test_nolock_nmi },
};

static int __init api_test_init(void)
{
	static char verdict[200];
	int i, before, failed = 0;

	pr_info("goalloc_api_test: 1..%zu\n", ARRAY_SIZE(tests));
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		before = atomic_read(&errors);
		tests[i].run();
		if (!expect(!goalloc_check(verdict, sizeof(verdict))))
			pr_err("goalloc_api_test: # %s", verdict);
		expect(!objects());
		if (atomic_read(&errors) != before)
			failed++;
		pr_info("goalloc_api_test: %sok %d - %s\n",
			atomic_read(&errors) != before ? "not " : "", i + 1, tests[i].name);
		cond_resched();
	}
	return failed ? -EINVAL : 0;
}

static void __exit api_test_exit(void)
{
	free_some_rcu();
	gofree_nolock(gomalloc(100, GFP_KERNEL));
}

module_init(api_test_init);
module_exit(api_test_exit);

MODULE_DESCRIPTION("Test of what goalloc offers around gomalloc() and gofree()");
MODULE_LICENSE("GPL");
