// SPDX-License-Identifier: GPL-2.0
/*
 * Injected faults: memory that is there and is not given, on any kernel.
 *
 * Every place where goalloc asks the kernel for memory asks goalloc_fault()
 * first. The module's parameters say which requests fail:
 *
 *	fail_nth=N	the N-th from now on, once
 *	fail_from=N	the N-th from now on and all later ones
 *	fail_one_in=N	each with a chance of one in N
 *
 * They can be given at loading and changed later; 0 is off. A request with
 * __GFP_NOFAIL never fails and is not counted. Where the kernel has fault injection
 * of its own, its knobs are beside goalloc's other files in debugfs, in
 * fail_goalloc/, and work as those of failslab do. That folder asks for every
 * request, so it costs as much as a knob that is on.
 *
 * Requests take no lock: they read the knobs, and are counted by atomics. @setting
 * is for who sets them: a static key is not to be enabled and disabled at once.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fault-inject.h>
#include <linux/hash.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "goalloc_internal.h"

DEFINE_STATIC_KEY_FALSE(goalloc_fault_key);

static DEFINE_MUTEX(setting);
static unsigned long nth, from, one_in;
static unsigned long seed;
static atomic_long_t requests = ATOMIC_LONG_INIT(0);
static atomic_long_t hits = ATOMIC_LONG_INIT(0);

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
static DECLARE_FAULT_ATTR(attr);
static bool attr_there;

static bool attr_hit(size_t bytes)
{
	return READ_ONCE(attr_there) && should_fail(&attr, bytes);
}

/* Beside goalloc's own files: the kernel's knobs. */
void goalloc_fault_debugfs(struct dentry *dir)
{
	if (IS_ERR(fault_create_debugfs_attr("fail_goalloc", dir, &attr)))
		return;
	mutex_lock(&setting);
	WRITE_ONCE(attr_there, true);
	static_branch_enable(&goalloc_fault_key);
	mutex_unlock(&setting);
}
#else
static bool attr_there;

static bool attr_hit(size_t bytes)
{
	return false;
}

void goalloc_fault_debugfs(struct dentry *dir)
{
}
#endif

static bool from_hit(unsigned long n)
{
	unsigned long first = READ_ONCE(from);

	return first && n >= first;
}

/* get_random_u32() has a lock that sleeps on PREEMPT_RT */
static bool random_hit(unsigned long n)
{
	unsigned long chance = READ_ONCE(one_in);

	return chance && !(hash_long(n ^ READ_ONCE(seed), 32) % chance);
}

/**
 * goalloc_fault_hit() - is this request for memory to fail; goalloc_fault() is what to call
 * @bytes: what is asked for
 * @gfp: as the caller of gomalloc() gave them
 *
 * Context: any.
 * Return: true if it has to.
 */
bool goalloc_fault_hit(size_t bytes, gfp_t gfp)
{
	unsigned long n;

	if (gfp & __GFP_NOFAIL)
		return false;
	n = atomic_long_inc_return(&requests);
	if (n != READ_ONCE(nth) && !from_hit(n) && !random_hit(n) && !attr_hit(bytes))
		return false;
	atomic_long_inc(&hits);
	return true;
}

/**
 * goalloc_fault_set() - say which requests for memory fail, and count from 1 again
 * @new_nth: this one, once; 0: none
 * @new_from: this one and all later ones; 0: none
 * @new_one_in: each with a chance of one in so many; 0: none
 *
 * Context: task, may sleep.
 */
void goalloc_fault_set(unsigned long new_nth, unsigned long new_from, unsigned long new_one_in)
{
	mutex_lock(&setting);
	WRITE_ONCE(nth, 0);
	WRITE_ONCE(from, 0);
	WRITE_ONCE(one_in, 0);
	atomic_long_set(&requests, 0);
	atomic_long_set(&hits, 0);
	WRITE_ONCE(seed, get_random_long());
	/* pairs with the loads in goalloc_fault_hit() */
	WRITE_ONCE(nth, new_nth);
	WRITE_ONCE(from, new_from);
	WRITE_ONCE(one_in, new_one_in);
	/* Only a knob turns it off: tests come by thousands of times, and each patches code */
	if (new_nth || new_from || new_one_in)
		static_branch_enable(&goalloc_fault_key);
	mutex_unlock(&setting);
}
EXPORT_SYMBOL_GPL(goalloc_fault_set);

/* Requests that failed since goalloc_fault_set(). */
unsigned long goalloc_fault_hits(void)
{
	return atomic_long_read(&hits);
}
EXPORT_SYMBOL_GPL(goalloc_fault_hits);

static int knob_set(const char *val, const struct kernel_param *kp)
{
	unsigned long n;
	int err = kstrtoul(val, 0, &n);

	if (err) {
		pr_err("goalloc: %s=%.*s: a number from 0 to %lu is allowed\n", kp->name,
		       (int)strcspn(val, "\n"), val, ULONG_MAX);
		return err;
	}
	goalloc_fault_set(kp->arg == &nth ? n : 0, kp->arg == &from ? n : 0,
			  kp->arg == &one_in ? n : 0);
	if (n)
		return 0;
	mutex_lock(&setting);
	if (!READ_ONCE(nth) && !READ_ONCE(from) && !READ_ONCE(one_in) && !READ_ONCE(attr_there))
		static_branch_disable(&goalloc_fault_key);
	mutex_unlock(&setting);
	return 0;
}

static int knob_get(char *buf, const struct kernel_param *kp)
{
	const unsigned long *knob = kp->arg;

	return sysfs_emit(buf, "%lu\n", READ_ONCE(*knob));
}

static const struct kernel_param_ops knob_ops = {
	.set = knob_set,
	.get = knob_get,
};

module_param_cb(fail_nth, &knob_ops, &nth, 0600);
MODULE_PARM_DESC(fail_nth, "for tests: the so many-th request for memory fails, once; 0: none");
module_param_cb(fail_from, &knob_ops, &from, 0600);
MODULE_PARM_DESC(fail_from, "for tests: so does every one from the so many-th on");
module_param_cb(fail_one_in, &knob_ops, &one_in, 0600);
MODULE_PARM_DESC(fail_one_in, "for tests: so does one in so many, at random");

static int hits_set(const char *val, const struct kernel_param *kp)
{
	pr_err("goalloc: %s is to be read only\n", kp->name);
	return -EPERM;
}

static int hits_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%lu\n", goalloc_fault_hits());
}

static const struct kernel_param_ops hits_ops = {
	.set = hits_set,
	.get = hits_get,
};

module_param_cb(fail_hits, &hits_ops, NULL, 0400);
MODULE_PARM_DESC(fail_hits, "requests that failed so since one of the above was set");
