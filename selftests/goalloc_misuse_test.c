// SPDX-License-Identifier: GPL-2.0
/*
 * goalloc_misuse_test: every misuse that goalloc promises to catch, one by one.
 *
 * Each must be refused and counted, and leave the heap consistent and the objects
 * around as they were. The lines that goalloc prints are matched by the script
 * that loads this. Loading fails if something was not caught.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/goalloc.h>

#include "goalloc_internal.h"

static int errors;

#define expect(cond) do {							\
	if (!(cond)) {								\
		errors++;							\
		pr_err("goalloc_misuse_test: # line %d: %s\n", __LINE__, #cond);	\
	}									\
} while (0)

static u64 refused(void)
{
	struct goalloc_stats st;

	goalloc_read_stats(&st);
	return st.misuse;
}

/* Freeing @p must be refused, from this call site once with a line. */
static noinline void refuse(const void *p, const char *what)
{
	static char verdict[200];
	u64 before = refused();

	gofree(p);
	if (refused() != before + 1) {
		errors++;
		pr_err("goalloc_misuse_test: # %s was not refused\n", what);
	}
	if (goalloc_check(verdict, sizeof(verdict))) {
		errors++;
		pr_err("goalloc_misuse_test: # after %s: %s", what, verdict);
	}
}

/* A double free wherever the object waits: in its bin, in a batch, in its span. */
static void double_frees(size_t size)
{
	enum { N = 200 };
	static void *p[N];
	int i;

	for (i = 0; i < N; i++) {
		p[i] = gomalloc(size, GFP_KERNEL);
		expect(p[i]);
	}
	for (i = 0; i < N; i++)
		gofree(p[i]);
	for (i = 0; i < N; i++)
		refuse(p[i], "double free");
	/* none of them is handed out twice */
	for (i = 0; i < N; i++) {
		p[i] = gomalloc(size, GFP_KERNEL);
		memset(p[i], i, size);
	}
	for (i = 0; i < N; i++)
		expect(!memchr_inv(p[i], (u8)i, size));
	for (i = 0; i < N; i++)
		gofree(p[i]);
}

static void interior(size_t size)
{
	char *p = gomalloc(size, GFP_KERNEL), *q;
	size_t off;

	memset(p, 0x5a, size);
	for (off = 1; off < size; off += size / 7 + 1)
		refuse(p + off, "interior pointer");
	expect(gosize(p + 1) == 0);
	q = gorealloc(p + 1, 2 * size, GFP_KERNEL);
	expect(!q);
	expect(!memchr_inv(p, 0x5a, size));
	gofree(p);
}

static void foreign(void)
{
	static int data;
	void *slab = kmalloc(64, GFP_KERNEL), *area = vmalloc(PAGE_SIZE);
	char *page = (char *)__get_free_page(GFP_KERNEL);
	int stack;

	refuse(slab, "slab object");
	refuse(area, "vmalloc area");
	refuse(page, "page");
	refuse(&data, "module data");
	refuse(&stack, "stack");
	refuse(ERR_PTR(-ENOMEM), "error pointer");
	refuse((void *)0x1000, "user address");
	refuse((void *)17, "odd small number");
	refuse(high_memory, "end of memory");
	kfree(slab);
	vfree(area);
	free_page((unsigned long)page);
}

static void free_memory(void)
{
	void *large = gomalloc(100000, GFP_KERNEL), *other = gomalloc(100000, GFP_KERNEL);
	char *p = gomalloc(24, GFP_KERNEL);

	gofree(large);
	refuse(large, "large object twice");
	refuse(large + 5000, "pointer into freed large object");
	refuse(other + 8192, "pointer into large object");
	gofree(other);
	gofree(p);
	goalloc_release_memory();
	refuse(p, "object of a span that went back");
	refuse(large, "large object that went back");
}

static void tail(void)
{
	const struct goalloc_mspan *span;
	void *p = gomalloc(48, GFP_KERNEL);

	/* 170 objects of 48 bytes leave 32 at the end of 8 KiB */
	span = goalloc_span_of(p);
	refuse((void *)span->base + span->nelems * 48, "tail of a span");
	refuse((void *)span->base + span->nelems * 48 + 8, "tail of a span");
	gofree(p);
}

static void tiny(void)
{
	u8 *a = gomalloc_tiny(4, GFP_KERNEL), *b = gomalloc_tiny(4, GFP_KERNEL);
	u8 *c = gomalloc_tiny(3, GFP_KERNEL);

	memset(a, 1, 4);
	memset(b, 2, 4);
	memset(c, 3, 3);
	refuse(a + 1, "inside a tiny part");
	refuse(c + 2, "inside a tiny part");
	gofree(b);
	refuse(b, "tiny part twice");
	refuse(b + 1, "inside a free tiny part");
	expect(!memchr_inv(a, 1, 4));
	expect(!memchr_inv(c, 3, 3));
	refuse((void *)((unsigned long)c | 15), "behind the last tiny part");
	gofree(a);
	gofree(c);
	refuse(a, "tiny part twice");
	refuse(c, "tiny part twice");
	expect(gosize(a) == 0);
}

/* Two frees that race: the object waits in two bins, and is handed out once. */
static void race(void)
{
	struct goalloc_slot *slot;
	struct goalloc_bin *bin;
	void *p, *q, *r;
	u64 before = refused();

	p = gomalloc(640, GFP_KERNEL);
	gofree(p);
	preempt_disable();
	bin = raw_cpu_ptr(goalloc_span_of(p)->bins);
	slot = bin->top - 1;
	expect(slot->obj == p);
	*bin->top = *slot;	/* what a second CPU would have done */
	bin->top++;
	q = gomalloc(640, GFP_ATOMIC);
	r = gomalloc(640, GFP_ATOMIC);
	preempt_enable();
	expect(q == p && r != p);
	expect(refused() == before + 1);
	gofree(q);
	gofree(r);

	/* the same, found when the bins are flushed */
	p = gomalloc(640, GFP_KERNEL);
	gofree(p);
	preempt_disable();
	bin = raw_cpu_ptr(goalloc_span_of(p)->bins);
	*bin->top = bin->top[-1];
	bin->top++;
	preempt_enable();
	goalloc_release_memory();
	expect(refused() == before + 2);
}

/* Too large: NULL, and a warning as of kmalloc(), if it is not unwanted. */
static void too_large(void)
{
	size_t size = GOALLOC_MAX_SIZE + 1;

	OPTIMIZER_HIDE_VAR(size);
	expect(!gomalloc(size, GFP_KERNEL | __GFP_NOWARN));
	expect(!gomalloc(size, GFP_KERNEL));
	expect(!gomalloc(size, GFP_KERNEL));
}

/*
 * Two tasks free the same objects at the same time, and others use the heap. What is
 * refused is refused on one side or later; nothing may be handed out twice.
 */
#define RACE_OBJECTS	64

static void *race_objects[RACE_OBJECTS];
static atomic_t race_turn;

static int race_thread(void *data)
{
	int turn, i;

	for (turn = 1; !kthread_should_stop(); ) {
		if (atomic_read(&race_turn) != turn) {
			cond_resched();
			continue;
		}
		for (i = 0; i < RACE_OBJECTS; i++)
			gofree(race_objects[i]);
		atomic_inc(&race_turn);
		turn += 2;
	}
	return 0;
}

static void race_threads(size_t size)
{
	static char verdict[200];
	struct task_struct *task;
	int turn, i, k;

	atomic_set(&race_turn, 0);
	task = kthread_run(race_thread, NULL, "goalloc_race");
	if (IS_ERR(task)) {
		expect(false);
		return;
	}
	for (turn = 1; turn < 200; turn += 2) {
		for (i = 0; i < RACE_OBJECTS; i++) {
			race_objects[i] = gomalloc(size, GFP_KERNEL);
			expect(race_objects[i]);
			memset(race_objects[i], i, size);
			for (k = 0; k < i; k++)
				if (race_objects[i] == race_objects[k])
					break;
			expect(k == i);
		}
		for (i = 0; i < RACE_OBJECTS; i++)
			expect(!memchr_inv(race_objects[i], i, size));
		atomic_set(&race_turn, turn);
		for (i = 0; i < RACE_OBJECTS; i++)
			gofree(race_objects[i]);
		while (atomic_read(&race_turn) == turn)
			cond_resched();
	}
	kthread_stop(task);
	/* brings home what waits, the second copies too */
	goalloc_release_memory();
	expect(!goalloc_check(verdict, sizeof(verdict)));
}

static int __init misuse_init(void)
{
	static char verdict[200];

	double_frees(64);
	double_frees(4096);
	interior(24);
	interior(1000);
	interior(32768);
	interior(100000);
	foreign();
	free_memory();
	tail();
	tiny();
	race();
	race_threads(32);
	race_threads(1024);
	race_threads(32768);
	race_threads(100000);
	too_large();
	expect(!goalloc_check(verdict, sizeof(verdict)));
	pr_info("goalloc_misuse_test: %s\n", errors ? "failed" : "passed");
	return errors ? -EINVAL : 0;
}

static void __exit misuse_exit(void)
{
}

module_init(misuse_init);
module_exit(misuse_exit);

MODULE_DESCRIPTION("Misuse of goalloc, on purpose");
MODULE_LICENSE("GPL");
