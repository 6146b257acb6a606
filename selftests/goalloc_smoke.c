// SPDX-License-Identifier: GPL-2.0
/*
 * goalloc_smoke: does every call of the API do what kmalloc's contract says, in
 * task, softirq and hardirq context, and on all CPUs at once?
 *
 * Loading it runs everything and prints TAP to the kernel log; loading fails if
 * a test does. With hold=N it keeps N objects until it is unloaded, and with
 * account=N so many MiB that the loader's memory cgroup pays for, so that
 * debugfs can be looked at and the module be unloaded with objects in use.
 *
 * States: none but held[]. Locks: none; the threads share slots by xchg().
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/goalloc.h>

#include "goalloc_internal.h"

static unsigned int hold;
module_param(hold, uint, 0444);
MODULE_PARM_DESC(hold, "objects to keep until unloading");

static unsigned int leak;
module_param(leak, uint, 0444);
MODULE_PARM_DESC(leak, "objects to keep for ever");

static unsigned int rounds = 20000;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "operations of each thread of the stress test");

static char *only;
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "names of the tests to run, separated by commas");

static unsigned int account;
module_param(account, uint, 0444);
MODULE_PARM_DESC(account, "MiB to keep until unloading, charged to the loader's memory cgroup");

static unsigned int flight;
module_param(flight, uint, 0444);
MODULE_PARM_DESC(flight, "objects that wait for a grace period when this module is gone");

static void **held, **charged;
static atomic_t errors;

#define expect(cond) ({								\
	bool ok_ = (cond);							\
	if (!ok_ && atomic_inc_return(&errors) < 20)				\
		pr_err("goalloc_smoke: # line %d: %s\n", __LINE__, #cond);	\
	ok_;									\
})

static size_t align_of(size_t size)
{
	return max_t(size_t, size & -size, 8);
}

/* Fill @p so that it can be told from every other object. */
static void fill(void *p, size_t size)
{
	memset(p, (unsigned long)p >> 3 ^ size, size);
}

static bool filled(const void *p, size_t size)
{
	return !size || !memchr_inv(p, (u8)((unsigned long)p >> 3 ^ size), size);
}

static void verify(void)
{
	static char verdict[200];

	if (!expect(!goalloc_check(verdict, sizeof(verdict))))
		pr_err("goalloc_smoke: # %s", verdict);
}

/* Every size up to 40 KiB: size, alignment, contents, no overlap. */
static void test_sizes(void)
{
	const size_t max = 40 << 10;
	void **p = vzalloc(array_size(max + 1, sizeof(*p)));
	size_t size;

	if (!expect(p))
		return;
	for (size = 1; size <= max; size += size < 2100 ? 1 : 61) {
		p[size] = gomalloc(size, GFP_KERNEL);
		if (!expect(p[size]))
			break;
		expect(IS_ALIGNED((unsigned long)p[size], align_of(size)));
		expect(gosize(p[size]) >= size);
		expect(goalloc_owns(p[size]));
		expect(virt_addr_valid(p[size]));
		fill(p[size], size);
	}
	verify();
	for (size = 1; size <= max; size++) {
		if (p[size])
			expect(filled(p[size], size));
		gofree(p[size]);
	}
	verify();
	vfree(p);
}

/* Every class, more than a span of it, all of gosize() used. */
static void test_classes(void)
{
	struct goalloc_class *class;
	unsigned int i, j, n;
	static void *p[300];

	for (i = 1; i <= GOALLOC_NR_SIZES; i++) {
		class = goalloc_classes[i];
		n = min_t(unsigned int, ARRAY_SIZE(p), (1 << 20) / class->size);
		for (j = 0; j < n; j++) {
			p[j] = gomalloc(class->size, GFP_KERNEL);
			if (!expect(p[j]))
				break;
			expect(gosize(p[j]) == class->size);
			fill(p[j], class->size);
		}
		n = j;
		for (j = 0; j < n; j++)
			expect(filled(p[j], class->size));
		/* every other one first, so that spans go through all fullnesses */
		for (j = 0; j < n; j += 2)
			gofree(p[j]);
		verify();
		for (j = 1; j < n; j += 2)
			gofree(p[j]);
	}
	verify();
}

static void test_zero(void)
{
	size_t size, room;
	void *p;
	int i;

	for (size = 1; size < 100000; size += size / 3 + 1) {
		for (i = 0; i < 2; i++) {
			p = i ? gozalloc(size, GFP_KERNEL) : gocalloc(1, size, GFP_KERNEL);
			if (!expect(p))
				return;
			/* all of gosize(), which fortified functions know nothing of */
			OPTIMIZER_HIDE_VAR(p);
			/* but KASAN does: as of ksize(), it may not be used */
			room = IS_ENABLED(CONFIG_KASAN) ? size : gosize(p);
			expect(!memchr_inv(p, 0, room));
			memset(p, 0xa5, room);
			gofree(p);
		}
	}
}

static void test_corners(void)
{
	size_t huge = SIZE_MAX, max = GOALLOC_MAX_SIZE, n = SIZE_MAX / 2 + 1;
	void *p;

	OPTIMIZER_HIDE_VAR(huge);
	OPTIMIZER_HIDE_VAR(max);
	OPTIMIZER_HIDE_VAR(n);
	expect(gomalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR);
	expect(gozalloc(n - n, GFP_KERNEL) == ZERO_SIZE_PTR);
	expect(gomalloc_tiny(0, GFP_KERNEL) == ZERO_SIZE_PTR);
	expect(gomalloc_array(0, 8, GFP_KERNEL) == ZERO_SIZE_PTR);
	expect(gomalloc_node(n - n, GFP_KERNEL, numa_mem_id()) == ZERO_SIZE_PTR);
	gofree(NULL);
	gofree(ZERO_SIZE_PTR);
	gofree_sensitive(NULL);
	gofree_sensitive(ZERO_SIZE_PTR);
	expect(gosize(NULL) == 0);
	expect(gosize(ZERO_SIZE_PTR) == 0);
	expect(!gomalloc(huge, GFP_KERNEL | __GFP_NOWARN));
	expect(!gomalloc(max + 1, GFP_KERNEL | __GFP_NOWARN));
	expect(!gomalloc(max + 1, GFP_ATOMIC | __GFP_NOWARN));
	expect(!gomalloc_array(n, 2, GFP_KERNEL));
	expect(!gocalloc(n, 4, GFP_KERNEL));
	expect(!gorealloc_array(NULL, n, 2, GFP_KERNEL));
	/* a node that is not there is no wish, and a flag that means nothing here no harm */
	p = gomalloc_node(100, GFP_KERNEL, nr_node_ids);
	expect(p);
	gofree(p);
	p = gomalloc_node(100, GFP_KERNEL | __GFP_THISNODE, MAX_NUMNODES + 1);
	expect(p);
	gofree(p);
	p = gomalloc(9000, GFP_KERNEL | GFP_DMA32 | __GFP_COMP);
	expect(p);
	gofree(p);
	p = gomalloc(100, GFP_KERNEL | __GFP_NOFAIL);
	expect(p);
	gofree(p);
	p = gomalloc(100000, GFP_KERNEL | __GFP_NOFAIL);
	expect(p);
	gofree(p);
}

/* Objects of every node, freed from wherever we are. */
static void test_nodes(void)
{
	static const size_t sizes[] = { 8, 64, 1000, 4096, 30000, 70000 };
	unsigned int i, k;
	void *p[20];
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			for (k = 0; k < ARRAY_SIZE(p); k++) {
				p[k] = gomalloc_node(sizes[i], GFP_KERNEL | __GFP_THISNODE, nid);
				expect(p[k]);
				if (p[k])
					expect(page_to_nid(virt_to_page(p[k])) == nid);
			}
			for (k = 0; k < ARRAY_SIZE(p); k++)
				gofree(p[k]);
		}
		/* no other node's page serves a wish for just this one, and others do if it may */
		p[0] = gomalloc_node(GOALLOC_MAX_SIZE, GFP_NOWAIT | __GFP_NOWARN, nid);
		gofree(p[0]);
	}
}

static void test_realloc(void)
{
	char *p, *q;
	size_t size;

	p = gorealloc(NULL, 10, GFP_KERNEL);
	if (!expect(p))
		return;
	memset(p, 'x', 10);
	q = gorealloc(p, 16, GFP_KERNEL);
	expect(q == p);
	for (size = 17; size < 300000; size = size * 3 / 2) {
		q = gorealloc(p, size, GFP_KERNEL);
		if (!expect(q))
			break;
		p = q;
		expect(!memchr_inv(p, 'x', 10));
		expect(gosize(p) >= size);
	}
	expect(gorealloc(p, 5, GFP_KERNEL) == p);
	expect(gorealloc(p, 0, GFP_KERNEL) == ZERO_SIZE_PTR);
	p = gorealloc(NULL, 20, GFP_KERNEL | __GFP_ZERO);
	if (!expect(p))
		return;
	q = gorealloc(p, 200, GFP_KERNEL | __GFP_ZERO);
	if (expect(q)) {
		expect(!memchr_inv(q, 0, 200));
		p = q;
	}
	gofree_sensitive(p);
	p = gomalloc_tiny(3, GFP_KERNEL);
	if (!expect(p))
		return;
	memcpy(p, "abc", 3);
	p = gorealloc(p, 50, GFP_KERNEL);
	if (expect(p))
		expect(!memcmp(p, "abc", 3));
	gofree(p);
}

static void test_large(void)
{
	size_t size, sizes[] = { 32769, 40 << 10, 64 << 10, 96 << 10, 100000, 1 << 20, 3 << 20 };
	void *p[ARRAY_SIZE(sizes) * 4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		size = sizes[i % ARRAY_SIZE(sizes)];
		p[i] = gomalloc(size, GFP_KERNEL);
		if (!expect(p[i]))
			break;
		expect(IS_ALIGNED((unsigned long)p[i], align_of(size)));
		expect(gosize(p[i]) >= size);
		fill(p[i], size);
	}
	verify();
	while (i--) {
		expect(filled(p[i], sizes[i % ARRAY_SIZE(sizes)]));
		gofree(p[i]);
	}
	verify();
	/* the largest there is; memory may be too fragmented for it */
	size = GOALLOC_MAX_SIZE;
	p[0] = gomalloc(size, GFP_KERNEL | __GFP_NOWARN);
	if (p[0])
		expect(IS_ALIGNED((unsigned long)p[0], size));
	gofree(p[0]);
}

static void test_zones(void)
{
	void *p;

	p = gomalloc(100, GFP_KERNEL | GFP_DMA);
	if (IS_ENABLED(CONFIG_ZONE_DMA) && expect(p))
		expect(page_zonenum(virt_to_page(p)) == ZONE_DMA);
	gofree(p);
#ifdef CONFIG_ZONE_DMA32
	p = gomalloc(70000, GFP_KERNEL | GFP_DMA32);
	if (expect(p))
		expect(page_zonenum(virt_to_page(p)) <= ZONE_DMA32);
	gofree(p);
#endif
	p = gomalloc_node(100, GFP_KERNEL | __GFP_THISNODE, numa_mem_id());
	if (expect(p))
		expect(page_to_nid(virt_to_page(p)) == numa_mem_id());
	gofree(p);
	p = gozalloc_node(5000, GFP_KERNEL, NUMA_NO_NODE);
	expect(p);
	gofree(p);
	verify();
}

/* What belongs to nobody, and what belongs to others: answered without a fault. */
static void test_owns(void)
{
	static int module_data;
	void *slab = kmalloc(64, GFP_KERNEL), *pages = (void *)__get_free_page(GFP_KERNEL);
	void *area = vmalloc(PAGE_SIZE);
	int i;

	expect(!goalloc_owns(NULL));
	expect(!goalloc_owns(ZERO_SIZE_PTR));
	expect(!goalloc_owns(ERR_PTR(-ENOMEM)));
	expect(!goalloc_owns((void *)0x400000));
	expect(!goalloc_owns((void *)-1L));
	expect(!goalloc_owns(&module_data));
	expect(!goalloc_owns(&i));
	expect(!goalloc_owns(slab));
	expect(!goalloc_owns(pages));
	expect(!goalloc_owns(area));
	expect(!goalloc_owns(high_memory));
	expect(!goalloc_owns((void *)(PAGE_OFFSET - 1)));
	for (i = 0; i < 100000; i++)
		expect(!goalloc_owns((void *)(get_random_long() & ~(1UL << (BITS_PER_LONG - 1)))));
	kfree(slab);
	free_page((unsigned long)pages);
	vfree(area);
}

/* Parts are distinct, aligned as their size says, keep their contents, go in any order. */
static void test_tiny(void)
{
	struct part {
		u8 *p;
		u8 size;
	} *parts;
	const unsigned int n = 5000;
	unsigned int i, j;

	parts = vzalloc(array_size(n, sizeof(*parts)));
	if (!expect(parts))
		return;
	for (i = 0; i < n; i++) {
		parts[i].size = 1 + get_random_u32() % 16;
		parts[i].p = gomalloc_tiny(parts[i].size, GFP_KERNEL);
		if (!expect(parts[i].p))
			break;
		expect(IS_ALIGNED((unsigned long)parts[i].p,
				  min(parts[i].size & -parts[i].size, 8)));
		expect(gosize(parts[i].p) == parts[i].size);
		memset(parts[i].p, i, parts[i].size);
	}
	verify();
	for (i = n - 1; i; i--) {
		j = get_random_u32() % (i + 1);
		swap(parts[i], parts[j]);
	}
	for (i = 0; i < n; i++) {
		u8 first = parts[i].p ? *parts[i].p : 0;

		if (!parts[i].p)
			continue;
		expect(!memchr_inv(parts[i].p, first, parts[i].size));
		if (i % 3)
			gofree(parts[i].p);
		else
			gofree_sensitive(parts[i].p);
		if (i == n / 2)
			verify();
	}
	verify();
	vfree(parts);
	/* 8 B parts share a block two by two */
	{
		u8 *a = gomalloc_tiny(16, GFP_KERNEL), *b = gomalloc_tiny(8, GFP_KERNEL);
		u8 *c = gomalloc_tiny(8, GFP_KERNEL);

		expect(c == b + 8 || b == c + 8 || ((unsigned long)b & 8));
		gofree(a);
		gofree(b);
		gofree(c);
	}
}

/* ---- contexts ---- */

/*
 * Where the page allocator must not be entered on PREEMPT_RT goalloc has its
 * reserve. A lockdep that looks for such places on any kernel does not know of
 * it, and would say of goalloc what it says of kmalloc().
 */
#ifdef CONFIG_PROVE_RAW_LOCK_NESTING
#define nest_lock_t		spinlock_t
#define nest_lock_init		spin_lock_init
#define nest_lock_irqsave	spin_lock_irqsave
#define nest_unlock_irqrestore	spin_unlock_irqrestore
#define HARDIRQ_WORK		IRQ_WORK_INIT(hardirq_work)
#else
#define nest_lock_t		raw_spinlock_t
#define nest_lock_init		raw_spin_lock_init
#define nest_lock_irqsave	raw_spin_lock_irqsave
#define nest_unlock_irqrestore	raw_spin_unlock_irqrestore
#define HARDIRQ_WORK		IRQ_WORK_INIT_HARD(hardirq_work)
#endif

static DECLARE_COMPLETION(context_done);
static atomic_t contexts;

/* More than any bin holds, in whatever context this is. */
static void churn(void)
{
	static const size_t sizes[] = { 8, 24, 64, 500, 1024, 4000 };
	void *p[64];
	unsigned int i, j, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (n = 0; n < ARRAY_SIZE(p); n++) {
			p[n] = gomalloc(sizes[i], GFP_ATOMIC | __GFP_NOWARN);
			/* PREEMPT_RT: the reserve may be used up */
			if (!p[n])
				break;
			fill(p[n], sizes[i]);
		}
		if (!IS_ENABLED(CONFIG_PREEMPT_RT))
			expect(n == ARRAY_SIZE(p));
		for (j = 0; j < n; j++) {
			expect(filled(p[j], sizes[i]));
			gofree(p[j]);
		}
	}
	for (n = 0; n < 40; n++)
		p[n] = gomalloc_tiny(1 + n % 16, GFP_ATOMIC | __GFP_NOWARN);
	while (n--)
		gofree(p[n]);
}

static void hardirq_work(struct irq_work *work)
{
	expect(in_hardirq());
	expect(interrupt_context_level() == 2);
	churn();
	atomic_inc(&contexts);
	complete(&context_done);
}

static void softirq_work(struct tasklet_struct *t)
{
	expect(in_serving_softirq());
	churn();
	atomic_inc(&contexts);
	complete(&context_done);
}

static void test_contexts(void)
{
	struct irq_work hard = HARDIRQ_WORK;
	struct tasklet_struct soft;
	nest_lock_t lock;
	unsigned long flags;
	int i;

	nest_lock_init(&lock);
	tasklet_setup(&soft, softirq_work);
	atomic_set(&contexts, 0);
	for (i = 0; i < 50; i++) {
		irq_work_queue(&hard);
		wait_for_completion(&context_done);
		tasklet_schedule(&soft);
		wait_for_completion(&context_done);
		churn();
		local_bh_disable();
		churn();
		local_bh_enable();
		preempt_disable();
		churn();
		preempt_enable();
		nest_lock_irqsave(&lock, flags);
		churn();
		nest_unlock_irqrestore(&lock, flags);
	}
	tasklet_kill(&soft);
	irq_work_sync(&hard);
	expect(atomic_read(&contexts) == 100);
	verify();
}

/* ---- all CPUs ---- */

#define SLOTS	1024

struct shared {
	void *p[SLOTS];
	refcount_t running;
	struct completion done;
};

/* The object's size is in its first bytes, the rest is filled. */
static void put_object(void *p)
{
	u32 size;

	if (!p)
		return;
	memcpy(&size, p, sizeof(size));
	expect(size <= 60000 && gosize(p) >= size);
	expect(filled(p + sizeof(size), size - sizeof(size)));
	gofree(p);
}

static int stress_thread(void *data)
{
	struct shared *sh = data;
	unsigned int i;
	u32 size, r;
	void *p;

	for (i = 0; i < rounds; i++) {
		r = get_random_u32();
		switch (r >> 28) {
		case 0:
			size = 40000 + r % 20000;
			break;
		case 1: case 2:
			size = 4 + r % 30000;
			break;
		default:
			size = 4 + r % 600;
			break;
		}
		p = gomalloc(size, i & 1 ? GFP_KERNEL : GFP_ATOMIC | __GFP_NOWARN);
		if (p) {
			memcpy(p, &size, sizeof(size));
			fill(p + sizeof(size), size - sizeof(size));
		}
		/* what another CPU has put there is freed here */
		put_object(xchg(&sh->p[r % SLOTS], p));
		if (!(i % 1024))
			cond_resched();
	}
	if (refcount_dec_and_test(&sh->running))
		complete(&sh->done);
	return 0;
}

static void test_stress(void)
{
	struct shared *sh = vzalloc(sizeof(*sh));
	struct task_struct *task;
	int cpu, i;

	if (!expect(sh))
		return;
	init_completion(&sh->done);
	refcount_set(&sh->running, 1);
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		for (i = 0; i < 2; i++) {
			task = kthread_create_on_cpu(stress_thread, sh, cpu, "goalloc_smoke/%u");
			if (!expect(!IS_ERR(task)))
				continue;
			refcount_inc(&sh->running);
			wake_up_process(task);
		}
	}
	cpus_read_unlock();
	for (i = 0; i < 20; i++) {
		verify();
		goalloc_release_memory();
		msleep(20);
	}
	if (!refcount_dec_and_test(&sh->running))
		wait_for_completion(&sh->done);
	verify();
	for (i = 0; i < SLOTS; i++)
		put_object(sh->p[i]);
	verify();
	vfree(sh);
}

static void test_stats(void)
{
	struct goalloc_stats before, st;
	void *p[100];
	int i;

	goalloc_release_memory();
	goalloc_read_stats(&before);
	expect(before.held == before.in_use + before.cached + before.free + before.metadata);
	expect(!before.objects);
	expect(!before.pages || IS_ENABLED(CONFIG_PREEMPT_RT));
	for (i = 0; i < 100; i++)
		p[i] = gomalloc(i < 99 ? 100 : 50000, GFP_KERNEL);
	goalloc_read_stats(&st);
	expect(st.objects == 100);
	expect(st.in_use == 99 * 112 + round_up(50000, GOALLOC_PAGE_SIZE));
	expect(st.large == round_up(50000, GOALLOC_PAGE_SIZE));
	expect(st.held == st.in_use + st.cached + st.free + st.metadata);
	expect(st.held - st.metadata == st.pages * PAGE_SIZE);
	for (i = 0; i < 100; i++)
		gofree(p[i]);
	goalloc_release_memory();
	goalloc_read_stats(&st);
	expect(!st.objects && !st.in_use && !st.cached);
	expect(!st.pages || IS_ENABLED(CONFIG_PREEMPT_RT));
	expect(st.misuse == before.misuse);
	verify();
}

/* More than the regions and leaves that may stay have bytes. */
#define METADATA_OBJECTS	80000U

/* Metadata grows with the heap, and goes back with it. */
static void test_metadata(void)
{
	struct goalloc_stats before, st;
	struct list_head *p, *next;
	LIST_HEAD(list);
	unsigned int i;

	goalloc_release_memory();
	goalloc_read_stats(&before);
	for (i = 0; i < METADATA_OBJECTS; i++) {
		p = gomalloc(i % 2 ? 16 : 200, GFP_KERNEL);
		expect(p);
		if (!p)
			break;
		list_add(p, &list);
	}
	goalloc_read_stats(&st);
	/* a state byte and a bit an object */
	expect(st.metadata > before.metadata + METADATA_OBJECTS);
	list_for_each_safe(p, next, &list)
		gofree(p);
	goalloc_release_memory();
	goalloc_read_stats(&st);
	/* leaves and arenas stay, and what is spare; a worker may be about to see to it */
	expect(st.metadata < before.metadata + METADATA_OBJECTS);
	verify();
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "sizes", test_sizes },
	{ "classes", test_classes },
	{ "zero", test_zero },
	{ "corners", test_corners },
	{ "nodes", test_nodes },
	{ "realloc", test_realloc },
	{ "large", test_large },
	{ "zones", test_zones },
	{ "owns", test_owns },
	{ "tiny", test_tiny },
	{ "contexts", test_contexts },
	{ "stress", test_stress },
	{ "stats", test_stats },
	{ "metadata", test_metadata },
};

static size_t hold_size(unsigned int i)
{
	return 1 + i * 7 % 3000;
}

static size_t account_size(unsigned int i)
{
	return SZ_1M;
}

/* Free what keep() gave; whatever happened meanwhile, it is as it was. */
static void keep_no_more(void **p, unsigned int n, size_t (*size)(unsigned int i))
{
	unsigned int i, bad = 0;

	for (i = 0; i < n && p[i]; i++) {
		bad += !filled(p[i], size(i));
		gofree(p[i]);
	}
	if (bad)
		pr_err("goalloc_smoke: not ok - %u of %u objects have changed\n", bad, n);
	vfree(p);
}

/* @n objects, filled; NULL if that much is not to be had. */
static void **keep(unsigned int n, size_t (*size)(unsigned int i), gfp_t gfp)
{
	void **p = vzalloc(array_size(n + 1, sizeof(*p)));
	unsigned int i;

	for (i = 0; p && i < n; i++) {
		p[i] = gomalloc(size(i), gfp | __GFP_NOWARN);
		if (!p[i]) {
			keep_no_more(p, n, size);
			return NULL;
		}
		fill(p[i], size(i));
	}
	return p;
}

struct traveller {
	struct rcu_head rcu;
	u8 luggage[100];
};

/* Free @n objects after a grace period, and do not wait for it. */
static void send_off(unsigned int n)
{
	struct traveller *p;

	while (n--) {
		p = gomalloc(sizeof(*p), GFP_KERNEL);
		if (p)
			gofree_rcu(p, rcu);
		cond_resched();
	}
}

static int __init smoke_init(void)
{
	int i, before, failed = 0;

	pr_info("goalloc_smoke: 1..%zu\n", ARRAY_SIZE(tests));
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (only && !strstr(only, tests[i].name)) {
			pr_info("goalloc_smoke: ok %d - %s # SKIP\n", i + 1, tests[i].name);
			continue;
		}
		before = atomic_read(&errors);
		tests[i].run();
		if (atomic_read(&errors) != before)
			failed++;
		pr_info("goalloc_smoke: %sok %d - %s\n",
			atomic_read(&errors) != before ? "not " : "", i + 1, tests[i].name);
		cond_resched();
	}
	if (failed)
		return -EINVAL;
	for (i = 0; i < leak; i++)
		if (!gomalloc(200, GFP_KERNEL))
			return -ENOMEM;
	charged = keep(account, account_size, GFP_KERNEL_ACCOUNT);
	if (!charged)
		return -ENOMEM;
	held = keep(hold, hold_size, GFP_KERNEL);
	if (!held) {
		keep_no_more(charged, account, account_size);
		return -ENOMEM;
	}
	return 0;
}

static void __exit smoke_exit(void)
{
	keep_no_more(held, hold, hold_size);
	keep_no_more(charged, account, account_size);
	send_off(flight);
}

module_init(smoke_init);
module_exit(smoke_exit);

MODULE_DESCRIPTION("Smoke test of goalloc");
MODULE_LICENSE("GPL");
