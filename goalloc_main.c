// SPDX-License-Identifier: GPL-2.0
/*
 * The module: parameters, start, end.
 *
 * Start brings up metadata, mheap, arenas, classes, mcaches, and last what lets
 * others in; the end undoes it in reverse order. Nobody can hold a reference to
 * goalloc's functions at the end, so only what goalloc started itself (RCU callbacks,
 * workers, the hotplug callback) has to be waited for.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "goalloc_internal.h"

struct param_range {
	unsigned int *value;
	unsigned int min;
	unsigned int max;
	void (*changed)(void);
};

static int range_set(const char *val, const struct kernel_param *kp)
{
	const struct param_range *range = kp->arg;
	unsigned int n;

	if (kstrtouint(val, 0, &n) || n < range->min || n > range->max) {
		pr_err("goalloc: %s=%.*s: a number from %u to %u is allowed\n", kp->name,
		       (int)strcspn(val, "\n"), val, range->min, range->max);
		return -EINVAL;
	}
	WRITE_ONCE(*range->value, n);
	if (range->changed)
		range->changed();
	return 0;
}

static int range_get(char *buf, const struct kernel_param *kp)
{
	const struct param_range *range = kp->arg;

	return sysfs_emit(buf, "%u\n", READ_ONCE(*range->value));
}

static const struct kernel_param_ops range_ops = {
	.set = range_set,
	.get = range_get,
};

static struct param_range bin_kb = { &goalloc_bin_kb, 1, 1024, NULL };
module_param_cb(bin_kb, &range_ops, &bin_kb, 0444);
MODULE_PARM_DESC(bin_kb, "KiB of objects in a magazine, at most, 1 to 1024; a CPU's bin has two of them");

static struct param_range chunk_kb = { &goalloc_chunk_kb, 64, 4096, NULL };
module_param_cb(chunk_kb, &range_ops, &chunk_kb, 0444);
MODULE_PARM_DESC(chunk_kb, "KiB taken from the page allocator at once, at most, 64 to 4096; less than a power of two counts as the next lower one");

static struct param_range retain_percent = { &goalloc_retain_percent, 0, 1000, NULL };
module_param_cb(retain_percent, &range_ops, &retain_percent, 0644);
MODULE_PARM_DESC(retain_percent, "free pages that the scavenger leaves, in percent of the pages lately in use, 0 to 1000");

static struct param_range scavenge_ms = {
	&goalloc_scavenge_ms, 0, 60 * 60 * 1000, goalloc_scavenger_changed,
};
module_param_cb(scavenge_ms, &range_ops, &scavenge_ms, 0644);
MODULE_PARM_DESC(scavenge_ms, "milliseconds between two rounds of the scavenger, at most an hour; 0: it rests");

static struct param_range limit_mb = {
	&goalloc_limit_mb, 0, BITS_PER_LONG == 64 ? 4 << 20 : 4095, goalloc_limit_changed,
};
module_param_cb(limit_mb, &range_ops, &limit_mb, 0644);
MODULE_PARM_DESC(limit_mb, "MiB that goalloc may hold, metadata included; what is beyond fails; 0: no limit");

static void end(void)
{
	goalloc_nolock_exit();
	goalloc_mheap_exit();
	goalloc_class_exit_all();
	goalloc_arena_exit();
	goalloc_meta_exit();
}

static int __init start(void)
{
	int err;

	goalloc_rcu_init();
	err = goalloc_meta_init();
	if (!err)
		err = goalloc_mheap_init();
	if (!err)
		err = goalloc_arena_init();
	if (!err)
		err = goalloc_class_init_all();
	if (!err)
		err = goalloc_nolock_init();
	if (!err)
		err = goalloc_mcache_init();
	if (!err)
		err = goalloc_shrinker_init();
	if (err) {
		goalloc_meta_stop();
		goalloc_mcache_exit();
		end();
		return err;
	}
	goalloc_mheap_refill();
	goalloc_debugfs_init();
	goalloc_scavenger_start();
	goalloc_limit_start();
	return 0;
}

/* Say what is still in use: its pages are freed all the same. */
static void report_live(void)
{
	struct goalloc_class_stats cs;
	struct goalloc_class *class;
	struct goalloc_stats st;
	int i;

	goalloc_read_stats(&st);
	if (!st.objects)
		return;
	pr_warn("goalloc: unloaded with %llu objects in use, %llu bytes\n", st.objects, st.in_use);
	for_each_goalloc_class(class, i) {
		goalloc_stats_class(class, &cs);
		if (cs.in_use)
			pr_warn("goalloc:   %llu of size class %s\n", cs.in_use, class->name);
	}
	if (st.large_objects)
		pr_warn("goalloc:   %llu large objects, %llu bytes\n", st.large_objects, st.large);
}

static void __exit stop(void)
{
	struct goalloc_class *class;
	int cpu, i, nid;

	goalloc_rcu_barrier();
	goalloc_debugfs_exit();
	goalloc_shrinker_exit();
	goalloc_meta_stop();
	goalloc_scavenger_stop();
	goalloc_nolock_stop();
	goalloc_mcache_exit();
	/* nobody else is left: the CPUs' bins can be drained from here */
	for_each_possible_cpu(cpu)
		goalloc_mcache_drain(cpu);
	for_each_goalloc_class(class, i)
		for_each_node(nid)
			goalloc_mcentral_release(class->central[nid]);
	report_live();
	end();
}

module_init(start);
module_exit(stop);

MODULE_DESCRIPTION("The memory manager of the Go runtime as a slab-like allocator");
MODULE_LICENSE("GPL");
