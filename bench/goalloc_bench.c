// SPDX-License-Identifier: GPL-2.0
/*
 * goalloc_bench: what kmalloc and goalloc cost, and what memory they hold.
 *
 * Loading the module runs every test of tests[] on both sides: once to warm up,
 * then ROUNDS times. Each test fills rows of the results; a row's figure is the
 * median of its rounds, with the least and the greatest beside it. The table
 * goes to the kernel log and, as JSON, to debugfs: goalloc_bench/results.json.
 *
 * Costs are those of a loop around the calls less those of the same loop around
 * nothing. Interrupts stay on, as neither side turns them off on its fast path;
 * a tick that hits a round is what the median is for.
 *
 * One thread does it all while the module is being loaded, and the results
 * never change afterwards: there is no lock. The tasklet of the softirq test
 * owns objects[] from tasklet_schedule() until it completes batch_freed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/utsname.h>

#include "bench_common.h"

static bool icount;
module_param(icount, bool, 0444);
MODULE_PARM_DESC(icount, "the cycle counter counts instructions (default N)");

#define ROUNDS		5
#define WARM_UP		(-1)
#define PAIRS		20000
#define LARGE_PAIRS	4000
#define BATCH		1024
#define BATCHES		16
#define LIVE		60000
#define LIVE_MAX	2048
#define FREED_PERCENT	59
#define SPARSE_PERCENT	76	/* of what is left then: 90 in all */
#define REPLACEMENTS	10	/* an object, on average */
#define SEED		20240229

/* What the loops run around. */
enum work {
	WORK_KMALLOC = SIDE_KMALLOC,
	WORK_GOALLOC = SIDE_GOALLOC,
	WORK_NOTHING,
	WORK_PAGE,
};

enum unit {
	UNIT_COST,		/* cycles or instructions */
	UNIT_PERCENT,
	UNIT_PAGES,
	UNIT_KIB,
};

enum row_id {
	PAIR_8, PAIR_64, PAIR_256, PAIR_1024, PAIR_16K, PAIR_32K,
	BURST_64_ALLOC, BURST_64_FREE, BURST_64,
	BURST_1K_ALLOC, BURST_1K_FREE, BURST_1K,
	SOFTIRQ_ALLOC, SOFTIRQ_FREE, SOFTIRQ,
	PAGE_PAIR,
	/* in the order of memory_rows */
	UNIFORM_HELD, UNIFORM_REPLACE, UNIFORM_REPLACED, UNIFORM_THINNED, UNIFORM_SPARSE,
	UNIFORM_FREED,
	SKEWED_HELD, SKEWED_REPLACE, SKEWED_REPLACED, SKEWED_THINNED, SKEWED_SPARSE,
	SKEWED_FREED,
	METADATA,
	NR_ROWS,
};

/* The rows of a memory test, from its first on. */
enum memory_row {
	HELD, REPLACE, REPLACED, THINNED, SPARSE, FREED,
};

/* Figures are in tenths of the unit. */
struct row {
	const char *id, *what;
	enum unit unit;
	bool measured[NR_SIDES];
	s64 values[NR_SIDES][ROUNDS];
	s64 median[NR_SIDES], least[NR_SIDES], most[NR_SIDES];
};

static struct row rows[NR_ROWS] = {
	[PAIR_8] = { "pair_8", "pair of 8 B" },
	[PAIR_64] = { "pair_64", "pair of 64 B" },
	[PAIR_256] = { "pair_256", "pair of 256 B" },
	[PAIR_1024] = { "pair_1024", "pair of 1 KiB" },
	[PAIR_16K] = { "pair_16k", "pair of 16 KiB" },
	[PAIR_32K] = { "pair_32k", "pair of 32 KiB" },
	[BURST_64_ALLOC] = { "burst_64_alloc", "burst of 1024 x 64 B, allocation" },
	[BURST_64_FREE] = { "burst_64_free", "burst of 1024 x 64 B, free" },
	[BURST_64] = { "burst_64", "burst of 1024 x 64 B, a pair" },
	[BURST_1K_ALLOC] = { "burst_1k_alloc", "burst of 1024 x 1 KiB, allocation" },
	[BURST_1K_FREE] = { "burst_1k_free", "burst of 1024 x 1 KiB, free" },
	[BURST_1K] = { "burst_1k", "burst of 1024 x 1 KiB, a pair" },
	[SOFTIRQ_ALLOC] = { "softirq_alloc", "64 B freed in softirq, allocation in task" },
	[SOFTIRQ_FREE] = { "softirq_free", "64 B freed in softirq, free" },
	[SOFTIRQ] = { "softirq", "64 B freed in softirq, a pair" },
	[PAGE_PAIR] = { "page", "alloc_page and __free_page, for scale" },
	[UNIFORM_HELD] = { "uniform_held", "held / requested, 60000 of 1..2048 B",
			   UNIT_PERCENT },
	[UNIFORM_REPLACE] = { "uniform_replace", "one replaced at random, a pair" },
	[UNIFORM_REPLACED] = { "uniform_replaced", "held / requested, each replaced ten times",
			       UNIT_PERCENT },
	[UNIFORM_THINNED] = { "uniform_thinned", "held / live, 59 % of them freed",
			      UNIT_PERCENT },
	[UNIFORM_SPARSE] = { "uniform_sparse", "held / live, 90 % of them freed", UNIT_PERCENT },
	[UNIFORM_FREED] = { "uniform_freed", "held, all freed and released", UNIT_PAGES },
	[SKEWED_HELD] = { "skewed_held", "held / requested, 60000 mostly small ones",
			  UNIT_PERCENT },
	[SKEWED_REPLACE] = { "skewed_replace", "one replaced at random, a pair" },
	[SKEWED_REPLACED] = { "skewed_replaced", "held / requested, each replaced ten times",
			      UNIT_PERCENT },
	[SKEWED_THINNED] = { "skewed_thinned", "held / live, 59 % of them freed",
			     UNIT_PERCENT },
	[SKEWED_SPARSE] = { "skewed_sparse", "held / live, 90 % of them freed", UNIT_PERCENT },
	[SKEWED_FREED] = { "skewed_freed", "held, all freed and released", UNIT_PAGES },
	[METADATA] = { "metadata", "metadata that stays, in held / requested above",
		       UNIT_KIB },
};

static void **objects;		/* LIVE of them */
static u16 *sizes;		/* of the objects of the memory tests */
static bool failed;
static struct dentry *debugfs;

static void record(enum row_id id, enum side side, int round, s64 value)
{
	if (round == WARM_UP)
		return;
	rows[id].values[side][round] = value;
	rows[id].measured[side] = true;
}

/* The loops. Each is compiled once for each kind of work. */

static __always_inline void *take(const enum work work, size_t size)
{
	switch (work) {
	case WORK_KMALLOC:
		return kmalloc(size, GFP_KERNEL);
	case WORK_GOALLOC:
		return gomalloc(size, GFP_KERNEL);
	case WORK_PAGE:
		return alloc_page(GFP_KERNEL);
	default:
		OPTIMIZER_HIDE_VAR(size);
		return (void *)size;
	}
}

static __always_inline void give(const enum work work, void *p)
{
	switch (work) {
	case WORK_KMALLOC:
		kfree(p);
		break;
	case WORK_GOALLOC:
		gofree(p);
		break;
	case WORK_PAGE:
		if (p)
			__free_page(p);
		break;
	default:
		OPTIMIZER_HIDE_VAR(p);
	}
}

static __always_inline s64 pair_loop(const enum work work, size_t size, unsigned int n)
{
	bool missed = false;
	cycles_t t;
	void *p;

	t = get_cycles();
	while (n--) {
		p = take(work, size);
		missed |= !p;
		give(work, p);
	}
	t = get_cycles() - t;
	failed |= missed;
	return t;
}

static __always_inline s64 take_loop(const enum work work, size_t size)
{
	bool missed = false;
	cycles_t t;
	int i;

	t = get_cycles();
	for (i = 0; i < BATCH; i++) {
		objects[i] = take(work, size);
		missed |= !objects[i];
	}
	t = get_cycles() - t;
	failed |= missed;
	return t;
}

static __always_inline s64 give_loop(const enum work work)
{
	cycles_t t;
	int i;

	t = get_cycles();
	for (i = 0; i < BATCH; i++)
		give(work, objects[i]);
	return get_cycles() - t;
}

static noinline s64 pairs(enum work work, size_t size, unsigned int n)
{
	switch (work) {
	case WORK_KMALLOC:
		return pair_loop(WORK_KMALLOC, size, n);
	case WORK_GOALLOC:
		return pair_loop(WORK_GOALLOC, size, n);
	case WORK_PAGE:
		return pair_loop(WORK_PAGE, size, n);
	default:
		return pair_loop(WORK_NOTHING, size, n);
	}
}

static noinline s64 takes(enum work work, size_t size)
{
	switch (work) {
	case WORK_KMALLOC:
		return take_loop(WORK_KMALLOC, size);
	case WORK_GOALLOC:
		return take_loop(WORK_GOALLOC, size);
	default:
		return take_loop(WORK_NOTHING, size);
	}
}

static noinline s64 gives(enum work work)
{
	switch (work) {
	case WORK_KMALLOC:
		return give_loop(WORK_KMALLOC);
	case WORK_GOALLOC:
		return give_loop(WORK_GOALLOC);
	default:
		return give_loop(WORK_NOTHING);
	}
}

/* In tenths. */
static s64 per_call(s64 cycles, s64 loop, s64 calls)
{
	return div64_s64(max(cycles - loop, 0LL) * 10, calls);
}

/* The tests */

static void test_pairs(enum side side, int round)
{
	static const struct {
		enum row_id id;
		unsigned int size, n;
	} tests[] = {
		{ PAIR_8, 8, PAIRS },
		{ PAIR_64, 64, PAIRS },
		{ PAIR_256, 256, PAIRS },
		{ PAIR_1024, 1024, PAIRS },
		{ PAIR_16K, 16 << 10, LARGE_PAIRS },
		{ PAIR_32K, 32 << 10, LARGE_PAIRS },
	};
	s64 loop, cycles;
	int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		loop = pairs(WORK_NOTHING, tests[i].size, tests[i].n);
		cycles = pairs((enum work)side, tests[i].size, tests[i].n);
		record(tests[i].id, side, round, per_call(cycles, loop, tests[i].n));
		cond_resched();
	}
}

static void test_burst(enum side side, int round, size_t size, enum row_id alloc_row,
		       enum row_id free_row, enum row_id pair_row)
{
	s64 take_time = 0, give_time = 0, take_nothing = 0, give_nothing = 0, a, f;
	int i;

	for (i = 0; i < BATCHES; i++) {
		take_nothing += takes(WORK_NOTHING, size);
		give_nothing += gives(WORK_NOTHING);
		take_time += takes((enum work)side, size);
		give_time += gives((enum work)side);
		cond_resched();
	}
	a = per_call(take_time, take_nothing, BATCHES * BATCH);
	f = per_call(give_time, give_nothing, BATCHES * BATCH);
	record(alloc_row, side, round, a);
	record(free_row, side, round, f);
	record(pair_row, side, round, a + f);
}

static void test_bursts(enum side side, int round)
{
	test_burst(side, round, 64, BURST_64_ALLOC, BURST_64_FREE, BURST_64);
	test_burst(side, round, 1024, BURST_1K_ALLOC, BURST_1K_FREE, BURST_1K);
}

static enum side batch_side;
static s64 batch_time;
static DECLARE_COMPLETION(batch_freed);

static void free_batch(struct tasklet_struct *unused)
{
	batch_time = gives((enum work)batch_side);
	complete(&batch_freed);
}

static DECLARE_TASKLET(free_batch_tasklet, free_batch);

static void test_softirq(enum side side, int round)
{
	s64 take_time = 0, give_time = 0, take_nothing = 0, give_nothing = 0, a, f;
	int i;

	for (i = 0; i < BATCHES; i++) {
		take_nothing += takes(WORK_NOTHING, 64);
		give_nothing += gives(WORK_NOTHING);
		take_time += takes((enum work)side, 64);
		batch_side = side;
		tasklet_schedule(&free_batch_tasklet);
		wait_for_completion(&batch_freed);
		give_time += batch_time;
	}
	a = per_call(take_time, take_nothing, BATCHES * BATCH);
	f = per_call(give_time, give_nothing, BATCHES * BATCH);
	record(SOFTIRQ_ALLOC, side, round, a);
	record(SOFTIRQ_FREE, side, round, f);
	record(SOFTIRQ, side, round, a + f);
}

static void test_page(enum side side, int round)
{
	s64 loop;

	if (side != SIDE_KMALLOC)
		return;
	loop = pairs(WORK_NOTHING, 1, PAIRS);
	record(PAGE_PAIR, side, round, per_call(pairs(WORK_PAGE, 1, PAIRS), loop, PAIRS));
}

/*
 * What @side holds: the growth of all slab caches since @baseline, but all that
 * goalloc has, metadata included.
 */
static s64 held_since(enum side side, s64 baseline)
{
	return bench_held(side) - (side == SIDE_KMALLOC ? baseline : 0);
}

static void free_object(enum side side, int i)
{
	if (side == SIDE_KMALLOC)
		kfree(objects[i]);
	else
		gofree(objects[i]);
	objects[i] = NULL;
	if (i % 256 == 0)
		cond_resched();
}

static __always_inline u16 random_size(u32 *state, bool skewed)
{
	u64 u, power;

	if (!skewed)
		return 1 + bench_random(state) % LIVE_MAX;
	/* 1 + 2048 u^5 with u in 0..1, here 16 bits: mean 341 */
	u = bench_random(state) >> 16;
	power = u * u >> 16;
	power = power * power >> 16;
	return 1 + (LIVE_MAX * (power * u >> 16) >> 16);
}

/* Replace random objects; the loop around nothing leaves them alone. */
static __always_inline s64 replace_loop(const enum work work, bool skewed, u32 *state, s64 *live)
{
	s64 cycles = 0, start;
	unsigned int n, k, i;
	u16 size;

	for (n = 0; n < REPLACEMENTS * LIVE; n += BATCH) {
		start = get_cycles();
		for (k = 0; k < BATCH; k++) {
			i = bench_random(state) % LIVE;
			size = random_size(state, skewed);
			*live += size - sizes[i];
			give(work, objects[i]);
			if (work == WORK_NOTHING) {
				take(work, size);
				continue;
			}
			objects[i] = take(work, size);
			failed |= !objects[i];
			sizes[i] = size;
		}
		cycles += get_cycles() - start;
		cond_resched();
	}
	return cycles;
}

static noinline s64 replace(enum work work, bool skewed, u32 *state, s64 *live)
{
	switch (work) {
	case WORK_KMALLOC:
		return replace_loop(WORK_KMALLOC, skewed, state, live);
	case WORK_GOALLOC:
		return replace_loop(WORK_GOALLOC, skewed, state, live);
	default:
		return replace_loop(WORK_NOTHING, skewed, state, live);
	}
}

/* Free @percent of what lives, and record what is held for the rest. */
static void thin(enum side side, int round, unsigned int percent, enum row_id row, u32 *state,
		 s64 *live, s64 baseline)
{
	int i;

	for (i = 0; i < LIVE; i++) {
		if (!objects[i] || bench_random(state) % 100 >= percent)
			continue;
		free_object(side, i);
		*live -= sizes[i];
	}
	bench_release(side);
	record(row, side, round, div64_s64(held_since(side, baseline) * 1000, *live));
}

static void test_memory(enum side side, int round, bool skewed, enum row_id first)
{
	s64 live = 0, baseline, held, cycles, unused = 0;
	u32 state = SEED, again;
	int i;

	bench_release(side);
	baseline = bench_held(side);
	for (i = 0; i < LIVE; i++) {
		sizes[i] = random_size(&state, skewed);
		objects[i] = side == SIDE_KMALLOC ? kmalloc(sizes[i], GFP_KERNEL) :
						    gomalloc(sizes[i], GFP_KERNEL);
		failed |= !objects[i];
		live += sizes[i];
		if (i % 256 == 0)
			cond_resched();
	}
	held = held_since(side, baseline);
	record(first + HELD, side, round, div64_s64(held * 1000, live));

	again = state;
	cycles = replace(WORK_NOTHING, skewed, &again, &unused);
	record(first + REPLACE, side, round,
	       per_call(replace((enum work)side, skewed, &state, &live), cycles,
			round_up(REPLACEMENTS * LIVE, BATCH)));
	record(first + REPLACED, side, round,
	       div64_s64(held_since(side, baseline) * 1000, live));

	thin(side, round, FREED_PERCENT, first + THINNED, &state, &live, baseline);
	thin(side, round, SPARSE_PERCENT, first + SPARSE, &state, &live, baseline);
	for (i = 0; i < LIVE; i++)
		free_object(side, i);
	bench_release(side);
	held = held_since(side, baseline);
	if (side == SIDE_GOALLOC) {
		held -= bench_metadata();
		record(METADATA, side, round, (s64)bench_metadata() * 10 >> 10);
	}
	record(first + FREED, side, round, (held * 10) >> PAGE_SHIFT);
}

static void test_uniform(enum side side, int round)
{
	test_memory(side, round, false, UNIFORM_HELD);
}

static void test_skewed(enum side side, int round)
{
	test_memory(side, round, true, SKEWED_HELD);
}

static void (* const tests[])(enum side side, int round) = {
	test_pairs, test_bursts, test_softirq, test_page, test_uniform, test_skewed,
};

/* Results */

static const char *unit_name(enum unit unit)
{
	switch (unit) {
	case UNIT_PERCENT:
		return "%";
	case UNIT_PAGES:
		return "pages";
	case UNIT_KIB:
		return "KiB";
	default:
		return icount ? "instructions" : "cycles";
	}
}

/* Tenths as a decimal number; @v may be negative, if only just. */
static const char *decimal(char *buf, size_t len, s64 v)
{
	u64 tenths = v < 0 ? -v : v;

	snprintf(buf, len, "%s%llu.%llu", v < 0 ? "-" : "", div64_u64(tenths, 10),
		 tenths - 10 * div64_u64(tenths, 10));
	return buf;
}

static void print_table(void)
{
	struct row *r;
	int side;

	pr_info("%-48s %-12s %s\n", "median (least..most) of five rounds", "unit",
		"kmalloc | goalloc");
	for (r = rows; r < rows + NR_ROWS; r++) {
		char text[NR_SIDES][80] = { "-", "-" }, a[24], b[24], c[24];

		for (side = 0; side < NR_SIDES; side++) {
			if (!r->measured[side])
				continue;
			snprintf(text[side], sizeof(text[side]), "%s (%s..%s)",
				 decimal(a, sizeof(a), r->median[side]),
				 decimal(b, sizeof(b), r->least[side]),
				 decimal(c, sizeof(c), r->most[side]));
		}
		pr_info("%-48s %-12s %s | %s\n", r->what, unit_name(r->unit), text[0], text[1]);
	}
}

static int results_show(struct seq_file *m, void *unused)
{
	char a[24], b[24], c[24];
	struct row *r;
	int side;

	seq_printf(m, "{\n  \"version\": 1,\n  \"release\": \"%s\",\n", utsname()->release);
	seq_printf(m, "  \"cost_unit\": \"%s\",\n  \"rows\": [\n", unit_name(UNIT_COST));
	for (r = rows; r < rows + NR_ROWS; r++) {
		seq_printf(m, "    {\"id\": \"%s\", \"what\": \"%s\", \"unit\": \"%s\"", r->id,
			   r->what, unit_name(r->unit));
		for (side = 0; side < NR_SIDES; side++)
			if (r->measured[side])
				seq_printf(m, ",\n     \"%s\": {\"median\": %s, \"min\": %s, \"max\": %s}",
					   side_names[side],
					   decimal(a, sizeof(a), r->median[side]),
					   decimal(b, sizeof(b), r->least[side]),
					   decimal(c, sizeof(c), r->most[side]));
		seq_printf(m, "}%s\n", r + 1 < rows + NR_ROWS ? "," : "");
	}
	seq_puts(m, "  ]\n}\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(results);

static int run_tests(void)
{
	int i, side, round;
	struct row *r;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		for (side = 0; side < NR_SIDES; side++)
			for (round = WARM_UP; round < ROUNDS; round++)
				tests[i](side, round);
	if (failed) {
		pr_err("an allocation failed: give the guest more memory\n");
		return -ENOMEM;
	}
	for (r = rows; r < rows + NR_ROWS; r++) {
		for (side = 0; side < NR_SIDES; side++) {
			r->median[side] = bench_median(r->values[side], ROUNDS);
			r->least[side] = r->values[side][0];
			r->most[side] = r->values[side][ROUNDS - 1];
		}
	}
	print_table();
	return 0;
}

static int __init goalloc_bench_init(void)
{
	int err = 0;

	if (icount)
		err = bench_check_icount();
	if (err)
		return err;
	objects = vzalloc(LIVE * sizeof(*objects));
	sizes = vzalloc(LIVE * sizeof(*sizes));
	err = objects && sizes ? run_tests() : -ENOMEM;
	tasklet_kill(&free_batch_tasklet);
	vfree(objects);
	vfree(sizes);
	if (err)
		return err;
	debugfs = debugfs_create_dir("goalloc_bench", NULL);
	debugfs_create_file("results.json", 0444, debugfs, NULL, &results_fops);
	return 0;
}

static void __exit goalloc_bench_exit(void)
{
	debugfs_remove(debugfs);
}

module_init(goalloc_bench_init);
module_exit(goalloc_bench_exit);

MODULE_DESCRIPTION("Measures goalloc beside kmalloc");
MODULE_LICENSE("GPL");
