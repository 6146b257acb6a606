// SPDX-License-Identifier: GPL-2.0
/*
 * goalloc_kunit: what the suites share.
 *
 * The first suite starts a goalloc of the module's own, by the very function that
 * loads goalloc.ko, and the end of this module stops it likewise. After every case
 * the whole of it is checked, and nothing may be in use; after every suite it must
 * be able to give back all pages.
 *
 * No locks: suites run one after the other.
 */
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/module.h>

/* They run long after this module's start, and built in, too */
#undef __init
#define __init
#undef __exit
#define __exit
#undef module_init
#define module_init(fn)
#undef module_exit
#define module_exit(fn)

#include "../goalloc_main.c"

#include "goalloc_kunit.h"

static bool started;

int goalloc_kunit_start(struct kunit_suite *suite)
{
	int err = started ? 0 : start();

	/* cases count what lies in bins and depots: nobody is to take it meanwhile */
	if (!started && !err) {
		goalloc_shrinker_exit();
		goalloc_scavenger_stop();
	}
	started = !err;
	return err;
}

/* A suite's end: nothing is held but metadata, and that goes with the module. */
void goalloc_kunit_stop(struct kunit_suite *suite)
{
	struct goalloc_stats st;

	goalloc_release_memory();
	goalloc_read_stats(&st);
	if (st.pages || st.in_use || st.cached)
		pr_err("not ok - suite %s: %llu pages held, %llu bytes in use, %llu cached\n",
		       suite->name, st.pages, st.in_use, st.cached);
}

#ifdef MODULE
void cleanup_module(void)
{
	if (started)
		stop();
}
#endif

/* Verify all of goalloc's structures. */
void goalloc_kunit_check(struct kunit *test)
{
	static char verdict[200];

	KUNIT_EXPECT_EQ_MSG(test, goalloc_check(verdict, sizeof(verdict)), 0, "%s", verdict);
}

/* Bytes that users have. */
u64 goalloc_kunit_in_use(void)
{
	struct goalloc_stats st;

	goalloc_read_stats(&st);
	return st.in_use;
}

/* Frees that were refused. */
u64 goalloc_kunit_misuse(void)
{
	struct goalloc_stats st;

	goalloc_read_stats(&st);
	return st.misuse;
}

/*
 * Magazines are carved from a region that a worker fetches, and while there is none
 * objects go past the bins: a case is not to depend on how soon that is.
 */
int goalloc_kunit_case_init(struct kunit *test)
{
	goalloc_meta_settle();
	return goalloc_meta_prepare(GFP_KERNEL);
}

void goalloc_kunit_case_exit(struct kunit *test)
{
	goalloc_kunit_check(test);
	/* the tiny blocks that CPUs fill count as in use */
	if (goalloc_kunit_in_use())
		goalloc_mcache_drain_all();
	KUNIT_EXPECT_EQ(test, goalloc_kunit_in_use(), 0);
}

/* ---- contexts ---- */

struct context {
	struct kunit *test;
	void (*fn)(struct kunit *test);
	struct completion done;
	struct irq_work hard;
	struct tasklet_struct soft;
};

static void in_hard(struct irq_work *work)
{
	struct context *ctx = container_of(work, struct context, hard);

	ctx->fn(ctx->test);
	complete(&ctx->done);
}

static void in_soft(struct tasklet_struct *t)
{
	struct context *ctx = from_tasklet(ctx, t, soft);

	ctx->fn(ctx->test);
	complete(&ctx->done);
}

/* Call @fn as a task, in a softirq and in a hardirq. */
void goalloc_kunit_in_contexts(struct kunit *test, void (*fn)(struct kunit *test))
{
	struct context ctx = {
		.test = test,
		.fn = fn,
		.hard = IRQ_WORK_INIT(in_hard),
	};

	fn(test);
	init_completion(&ctx.done);
	tasklet_setup(&ctx.soft, in_soft);
	tasklet_schedule(&ctx.soft);
	wait_for_completion(&ctx.done);
	tasklet_kill(&ctx.soft);
	reinit_completion(&ctx.done);
	irq_work_queue(&ctx.hard);
	wait_for_completion(&ctx.done);
	irq_work_sync(&ctx.hard);
}

/* ---- parameters ---- */

static const u8 class_ids[] = {
#define CLASS_ID(class, size, span, recip) class,
	GOALLOC_SIZE_CLASSES(CLASS_ID)
#undef CLASS_ID
	GOALLOC_TINY_CLASS,
};

static const void *next_class(const void *prev, char *desc, unsigned int n)
{
	const u8 *id = prev ? (const u8 *)prev + 1 : class_ids;

	if (id == class_ids + n)
		return NULL;
	if (*id == GOALLOC_TINY_CLASS)
		strscpy(desc, "tiny", KUNIT_PARAM_DESC_SIZE);
	else
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "class %u", *id);
	return id;
}

const void *goalloc_kunit_class_gen(const void *prev, char *desc)
{
	return next_class(prev, desc, ARRAY_SIZE(class_ids));
}

const void *goalloc_kunit_size_gen(const void *prev, char *desc)
{
	return next_class(prev, desc, GOALLOC_NR_SIZES);
}
