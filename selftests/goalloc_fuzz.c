// SPDX-License-Identifier: GPL-2.0
/*
 * goalloc_fuzz: random operations from all contexts, against a model.
 *
 * Loading it runs ops= operations in rounds and prints TAP to the kernel log;
 * loading fails if anything was wrong. On every CPU two tasks (one bound, one that
 * may migrate), a hardirq (hrtimer) and a softirq (tasklet) allocate, resize, free
 * and misuse objects of their own, and exchange some with all the others. While
 * they do, goalloc is checked and gives back memory; after each round nobody
 * runs, every object's contents are verified, and goalloc's figures have to be
 * exactly the model's.
 *
 * seed= makes each of them do the same again, but for what others hand it, when
 * its interrupts come, and how they share the operations of a round.
 *
 * Locks: none; models[] belong to one thread of execution each, and to the
 * loading task between rounds.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

static atomic_t errors;

#define model_fail(fmt, ...) do {						\
	if (atomic_inc_return(&errors) <= 5)					\
		pr_err("goalloc_fuzz: # " fmt, ##__VA_ARGS__);			\
} while (0)

#include "goalloc_model.h"

static unsigned long seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "of all random numbers; 0: a random one");

static unsigned long ops = 1000000;
module_param(ops, ulong, 0444);
MODULE_PARM_DESC(ops, "operations in all");

static unsigned long round_ops = 2500000;
module_param(round_ops, ulong, 0444);
MODULE_PARM_DESC(round_ops, "operations between two comparisons of all figures, at most");

static unsigned int irq_us = 400;
module_param(irq_us, uint, 0444);
MODULE_PARM_DESC(irq_us, "microseconds between two interrupts of a CPU");

enum { BOUND, FREE, SOFTIRQ, HARDIRQ, NR_WHO };

#define NR_TASKS	2
#define TASK_SLOTS	1500
#define IRQ_SLOTS	150
#define NR_BOXES	512
#define HARDIRQ_STEPS	8
#define SOFTIRQ_STEPS	16
#define CHUNK		256	/* operations that a task takes from the round's at once */

struct fuzz_cpu {
	struct model models[NR_WHO];
	struct hrtimer timer;
	struct tasklet_struct tasklet;
};

static struct fuzz_cpu *fuzz_cpus;
static struct model_box *boxes;
static unsigned long *tiny;
static atomic_long_t left;		/* operations of the round that nobody has taken */
static atomic_t nrunning;
static DECLARE_COMPLETION(round_done);
static struct goalloc_stats before;

static bool stop(void)
{
	return atomic_read(&errors);
}

static void steps(struct model *m, unsigned int n)
{
	while (n-- && !stop())
		model_step(m);
}

static enum hrtimer_restart hardirq(struct hrtimer *timer)
{
	struct fuzz_cpu *fc = container_of(timer, struct fuzz_cpu, timer);

	if (!in_hardirq())
		model_fail("the timer is not in hardirq context\n");
	steps(&fc->models[HARDIRQ], HARDIRQ_STEPS);
	tasklet_schedule(&fc->tasklet);
	hrtimer_forward_now(timer, ns_to_ktime(irq_us * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static void softirq(struct tasklet_struct *t)
{
	struct fuzz_cpu *fc = container_of(t, struct fuzz_cpu, tasklet);

	if (!in_serving_softirq())
		model_fail("the tasklet is not in softirq context\n");
	steps(&fc->models[SOFTIRQ], SOFTIRQ_STEPS);
}

static int task(void *data)
{
	unsigned long who = (unsigned long)data;
	struct fuzz_cpu *fc = &fuzz_cpus[who / NR_TASKS];
	struct model *m = &fc->models[who % NR_TASKS];

	if (m == &fc->models[BOUND])
		hrtimer_start(&fc->timer, ns_to_ktime(irq_us * NSEC_PER_USEC),
			      HRTIMER_MODE_REL_PINNED_HARD);
	while (!stop() && atomic_long_sub_return(CHUNK, &left) > -CHUNK) {
		steps(m, CHUNK);
		cond_resched();
	}
	if (m == &fc->models[BOUND])
		hrtimer_cancel(&fc->timer);
	if (atomic_dec_and_test(&nrunning))
		complete(&round_done);
	return 0;
}

static void verify(void)
{
	static char verdict[200];

	if (goalloc_check(verdict, sizeof(verdict)))
		model_fail("%s", verdict);
}

/* All tasks do their share of @n operations. */
static int run_round(unsigned long n)
{
	struct task_struct *t;
	unsigned long who;
	int cpu;

	atomic_long_set(&left, n);
	atomic_set(&nrunning, 1);
	reinit_completion(&round_done);
	for_each_online_cpu(cpu) {
		for (who = cpu * NR_TASKS; who < (cpu + 1) * NR_TASKS; who++) {
			t = kthread_create(task, (void *)who, "goalloc_fuzz/%lu", who);
			if (IS_ERR(t))
				return PTR_ERR(t);
			if (who % NR_TASKS == BOUND)
				kthread_bind(t, cpu);
			atomic_inc(&nrunning);
			wake_up_process(t);
		}
	}
	if (atomic_dec_and_test(&nrunning))
		complete(&round_done);
	while (!wait_for_completion_timeout(&round_done, HZ / 2)) {
		verify();
		goalloc_release_memory();
	}
	for_each_possible_cpu(cpu)
		tasklet_kill(&fuzz_cpus[cpu].tasklet);
	return 0;
}

/* Nobody runs: is everything there, and nothing else? */
static void account(void)
{
	struct model_sum s = { .tiny = tiny };
	u64 misuses = 0, nulls = 0;
	struct goalloc_stats st;
	struct model *m;
	unsigned int i;
	int cpu, who;

	s.max_tiny = num_possible_cpus() * (2 * TASK_SLOTS + 2 * IRQ_SLOTS) + NR_BOXES;
	verify();
	goalloc_release_memory();
	verify();
	for_each_possible_cpu(cpu) {
		for (who = 0; who < NR_WHO; who++) {
			m = &fuzz_cpus[cpu].models[who];
			misuses += m->misuses;
			nulls += m->nulls;
			for (i = 0; i < m->nslots; i++)
				model_count(&s, &m->slots[i]);
		}
		cond_resched();
	}
	for (i = 0; i < NR_BOXES; i++)
		model_count(&s, &boxes[i].o);
	model_compare_stats(&s);
	goalloc_read_stats(&st);
	if (st.misuse - before.misuse != misuses || st.failures - before.failures != nulls)
		model_fail("%llu misuses, %llu failures; there were %llu, %llu\n",
			   st.misuse - before.misuse, st.failures - before.failures, misuses,
			   nulls);
}

static void free_all(void)
{
	struct model *m;
	unsigned int i;
	int cpu, who;

	for_each_possible_cpu(cpu) {
		for (who = 0; who < NR_WHO; who++) {
			m = &fuzz_cpus[cpu].models[who];
			for (i = 0; i < m->nslots; i++)
				if (m->slots[i].kind != MODEL_NONE)
					model_free(&m->slots[i], false);
		}
		cond_resched();
	}
	for (i = 0; i < NR_BOXES; i++)
		if (boxes[i].o.kind != MODEL_NONE)
			model_free(&boxes[i].o, false);
}

static void fuzz_cpu_init(int cpu)
{
	struct fuzz_cpu *fc = &fuzz_cpus[cpu];
	int who;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(&fc->timer, hardirq, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
#else
	hrtimer_init(&fc->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	fc->timer.function = hardirq;
#endif
	tasklet_setup(&fc->tasklet, softirq);
	for (who = 0; who < NR_WHO; who++) {
		struct model *m = &fc->models[who];
		bool irq = who >= NR_TASKS;

		m->random = model_seed(seed, cpu * NR_WHO + who);
		m->next_tag = (u32)(cpu * NR_WHO + who) << 24;
		m->boxes = boxes;
		m->nboxes = NR_BOXES;
		m->gfp = irq ? GFP_ATOMIC | __GFP_NOWARN : GFP_KERNEL;
		/* the reserves of atomic context have an end */
		m->may_fail = irq;
		m->nslots = irq ? IRQ_SLOTS : TASK_SLOTS;
		m->slots = vzalloc(array_size(m->nslots, sizeof(*m->slots)));
		if (!m->slots)
			m->nslots = 0;
	}
}

static void all_free(void)
{
	int cpu, who;

	for (cpu = 0; fuzz_cpus && cpu < nr_cpu_ids; cpu++)
		for (who = 0; who < NR_WHO; who++)
			vfree(fuzz_cpus[cpu].models[who].slots);
	vfree(fuzz_cpus);
	vfree(boxes);
	vfree(tiny);
}

static int all_init(void)
{
	unsigned int n = num_possible_cpus() * (2 * TASK_SLOTS + 2 * IRQ_SLOTS) + NR_BOXES;
	int cpu, who;

	fuzz_cpus = vzalloc(array_size(nr_cpu_ids, sizeof(*fuzz_cpus)));
	boxes = vzalloc(array_size(NR_BOXES, sizeof(*boxes)));
	tiny = vzalloc(array_size(n, sizeof(*tiny)));
	if (!fuzz_cpus || !boxes || !tiny)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		fuzz_cpu_init(cpu);
		for (who = 0; who < NR_WHO; who++)
			if (!fuzz_cpus[cpu].models[who].slots)
				return -ENOMEM;
	}
	return 0;
}

static void report(void)
{
	static const char * const names[] = { "bound task", "free task", "softirq", "hardirq" };
	u64 done, nulls, misuses;
	int cpu, who;

	for (who = 0; who < NR_WHO; who++) {
		done = 0;
		nulls = 0;
		misuses = 0;
		for_each_possible_cpu(cpu) {
			done += fuzz_cpus[cpu].models[who].ops;
			nulls += fuzz_cpus[cpu].models[who].nulls;
			misuses += fuzz_cpus[cpu].models[who].misuses;
		}
		pr_info("goalloc_fuzz: # %s: %llu operations, %llu misuses, %llu without memory\n",
			names[who], done, misuses, nulls);
	}
}

static int fuzz(void)
{
	unsigned long done, n;
	int err;

	for (done = 0; done < ops && !stop(); done += n) {
		n = min(ops - done, round_ops);
		err = run_round(n);
		if (err)
			return err;
		account();
		if (done / (ops / 20 + 1) != (done + n) / (ops / 20 + 1))
			pr_info("goalloc_fuzz: # %lu of %lu\n", done + n, ops);
	}
	report();
	if (stop())
		return -EINVAL;
	free_all();
	account();
	return stop() ? -EINVAL : 0;
}

static int __init fuzz_init(void)
{
	int err;

	if (!seed)
		seed = get_random_u32();
	pr_info("goalloc_fuzz: 1..1\n");
	pr_info("goalloc_fuzz: # seed=%lu ops=%lu\n", seed, ops);
	goalloc_read_stats(&before);
	err = all_init();
	if (!err)
		err = fuzz();
	all_free();
	pr_info("goalloc_fuzz: %sok 1 - random operations\n", err ? "not " : "");
	return err;
}

static void __exit fuzz_exit(void)
{
}

module_init(fuzz_init);
module_exit(fuzz_exit);

MODULE_DESCRIPTION("Random operations on goalloc from all contexts, against a model");
MODULE_LICENSE("GPL");
