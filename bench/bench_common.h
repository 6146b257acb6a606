/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_common: what the bench modules share: how much memory either allocator
 * holds, how long something takes, random numbers, order statistics.
 *
 * Nothing here has a state or a lock. How exact the figures are stands at each.
 */
#ifndef _GOALLOC_BENCH_COMMON_H
#define _GOALLOC_BENCH_COMMON_H

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/goalloc.h>
#include <linux/math64.h>
#include <linux/mm.h>		/* and vmstat.h, which does not stand alone */
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/timex.h>
#include <linux/vmalloc.h>

/* The sides of every comparison. */
enum side {
	SIDE_KMALLOC,
	SIDE_GOALLOC,
	NR_SIDES,
};

static const char * const side_names[NR_SIDES] = { "kmalloc", "goalloc" };

/*
 * Pages that slab caches and large kmalloc() objects hold. The counters are
 * kept with a difference a CPU and node that is folded in later; adding the
 * differences makes the sum exact while nobody else allocates. The rest of the
 * kernel allocates too: an idle guest moves it by a few pages.
 */
static inline long bench_slab_pages(void)
{
	static const enum node_stat_item items[] = {
		NR_SLAB_RECLAIMABLE_B, NR_SLAB_UNRECLAIMABLE_B,
	};
	long pages = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(items); i++) {
		pages += atomic_long_read(&vm_node_stat[items[i]]);
#ifdef CONFIG_SMP
		{
			int cpu, node;

			for_each_online_node(node)
				for_each_online_cpu(cpu)
					pages += per_cpu_ptr(NODE_DATA(node)->per_cpu_nodestats,
							     cpu)->vm_node_stat_diff[items[i]];
		}
#endif
	}
	return pages;
}

/* Bytes that a side holds; for goalloc all of them, metadata included. */
static inline s64 bench_held(enum side side)
{
	struct goalloc_stats st;

	if (side == SIDE_KMALLOC)
		return (s64)bench_slab_pages() << PAGE_SHIFT;
	goalloc_read_stats(&st);
	return st.held;
}

static inline u64 bench_metadata(void)
{
	struct goalloc_stats st;

	goalloc_read_stats(&st);
	return st.metadata;
}

static inline int bench_shrink_cache(const char *name)
{
	char path[64];
	struct file *f;
	loff_t pos = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", name);
	f = filp_open(path, O_WRONLY, 0);
	if (IS_ERR(f))
		return PTR_ERR(f);
	n = kernel_write(f, "1", 1, &pos);
	filp_close(f, NULL);
	return n < 0 ? n : 0;
}

/*
 * Gives empty slabs of the kmalloc caches back, through the same sysfs files
 * that a user would write to: no function of the kernel's own is exported for
 * it. Return: number of caches shrunk; 0 where there is no sysfs.
 */
static inline int bench_shrink_kmalloc(void)
{
	static const char * const sizes[] = {
		"8", "16", "32", "64", "96", "128", "192", "256", "512", "1k", "2k", "4k", "8k",
	};
	char name[32];
	int i, k, done = 0;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(name, sizeof(name), "kmalloc-%s", sizes[i]);
		if (!bench_shrink_cache(name))
			done++;
		/* CONFIG_RANDOM_KMALLOC_CACHES has 15 more of each. */
		for (k = 1; k <= 15; k++) {
			snprintf(name, sizeof(name), "kmalloc-rnd-%02d-%s", k, sizes[i]);
			if (bench_shrink_cache(name))
				break;
			done++;
		}
	}
	return done;
}

/* Everything that @side can give back goes back. */
static inline void bench_release(enum side side)
{
	if (side == SIDE_KMALLOC)
		bench_shrink_kmalloc();
	else
		goalloc_release_memory();
}

static inline u32 bench_random(u32 *state)
{
	u32 x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return x;
}

static inline int bench_compare(const void *a, const void *b)
{
	s64 x = *(const s64 *)a, y = *(const s64 *)b;

	return (x > y) - (x < y);
}

/* Sorts @v. Return: the median of the @n values. */
static inline s64 bench_median(s64 *v, unsigned int n)
{
	sort(v, n, sizeof(*v), bench_compare, NULL);
	return v[n / 2];
}

#define BENCH_CALIBRATE		101

/* Cycles that two readings of the counter themselves take. */
static inline s64 bench_counter_cost(void)
{
	s64 v[BENCH_CALIBRATE];
	cycles_t t;
	int i;

	for (i = 0; i < BENCH_CALIBRATE; i++) {
		t = get_cycles();
		v[i] = get_cycles() - t;
	}
	return bench_median(v, BENCH_CALIBRATE);
}

/* Cycles that a thousand instructions take: a thousand where QEMU counts them. */
static inline s64 bench_thousand_nops(void)
{
	s64 v[BENCH_CALIBRATE];
	cycles_t t;
	int i;

	for (i = 0; i < BENCH_CALIBRATE; i++) {
		t = get_cycles();
		asm volatile(".rept 1000\n\tnop\n\t.endr" : : : "memory");
		v[i] = get_cycles() - t;
	}
	return bench_median(v, BENCH_CALIBRATE) - bench_counter_cost();
}

/*
 * With icount set, cycles are called instructions, so that had better be true.
 * Return: 0 or -EINVAL.
 */
static inline int bench_check_icount(void)
{
	s64 cycles = bench_thousand_nops();

	if (cycles >= 990 && cycles <= 1010)
		return 0;
	pr_err("icount=1, but 1000 instructions take %lld cycles: boot with QEMU's -icount shift=0\n",
	       cycles);
	return -EINVAL;
}

#endif /* _GOALLOC_BENCH_COMMON_H */
