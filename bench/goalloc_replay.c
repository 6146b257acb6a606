// SPDX-License-Identifier: GPL-2.0
/*
 * goalloc_replay: run a recorded allocation trace through kmalloc and goalloc.
 *
 * The trace (bench/gotrace.h, Documentation/trace.md) is read, checked in full
 * and replayed with its sizes, its order and its CPUs. Every object is filled
 * with a pattern made from its id, compared before it is freed, and freed; what
 * the recording left live is freed at the end. All memory of the replay itself
 * is vmalloc'ed before the first figure is taken, so it is in none of them.
 *
 * States: prepared by prepare(), then one run() a side and round, each of which
 * starts and ends with no object allocated. Loading the module does it all; the
 * results stay in debugfs (goalloc_replay/) until it is unloaded.
 *
 * Order: one kthread a CPU, bound to it. replay.turn is the next operation; it
 * alone says who runs. The thread whose CPU has that operation owns everything
 * in struct replay that is not constant, performs the operations up to the next
 * change of CPU and hands over with a store-release of replay.turn, which pairs
 * with the load-acquire in may_go(). There is no other lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kernel_read_file.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/wait.h>

#include "bench_common.h"
#include "gotrace.h"

static char *trace;
module_param(trace, charp, 0444);
MODULE_PARM_DESC(trace, "path of the trace file");

static char *alloc = "both";
module_param(alloc, charp, 0444);
MODULE_PARM_DESC(alloc, "both (default), kmalloc or goalloc");

static char *kinds = "all";
module_param(kinds, charp, 0444);
MODULE_PARM_DESC(kinds, "all (default), or kmalloc: leave out what kmem_cache_alloc() gave");

static bool verify = true;
module_param(verify, bool, 0444);
MODULE_PARM_DESC(verify, "fill and compare every object (default Y)");

static bool icount;
module_param(icount, bool, 0444);
MODULE_PARM_DESC(icount, "the cycle counter counts instructions (default N)");

static uint cpus;
module_param(cpus, uint, 0444);
MODULE_PARM_DESC(cpus, "CPUs to use, 0 (default) for all");

#define MAX_ROUNDS	15U

static uint rounds = 1;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "times each side runs, 1 (default) to 15");

/* A cost of this many cycles or more goes to the last bucket. */
#define NR_BUCKETS	65536U
/* Short waits spin: changes of CPU come every few microseconds. */
#define SPINS		2000
#define MAX_REPORTS	8

enum verb {
	VERB_ALLOC,
	VERB_FREE,
	NR_VERBS,
};

/* What one kind of call cost in one run, in cycles. */
struct cost {
	u64 calls;
	u64 sum;
	u32 *buckets;		/* calls by cost, NR_BUCKETS of them */
};

/*
 * What one run found out. Memory is in bytes, and above the run's baseline but
 * for what is goalloc's own and for goalloc's released_held: that is all that
 * it holds apart from metadata.
 */
struct result {
	s64 mean10[NR_VERBS];	/* tenths of a cycle a call */
	s64 median[NR_VERBS];
	s64 p99[NR_VERBS];
	s64 peak_held;
	s64 end_held;
	s64 released_held;
	s64 peak_absolute;	/* goalloc: all it holds at the peak, metadata included */
	s64 peak_metadata;
	s64 peak_other;		/* goalloc: what the slab caches grew by */
	s64 released_metadata;	/* goalloc: what stays for as long as it is loaded */
	s64 failures;
	s64 verify_errors;
};

struct worker {
	struct task_struct *task;
	wait_queue_head_t turn;
	unsigned int index;	/* among the workers */
	enum side side;
};

static struct replay {
	/* Constant after prepare() */
	void *file;
	struct gotrace_op *ops;
	u32 nr_ops, nr_allocs;
	u32 *sizes;		/* by id; 0 where the op is left out */
	u32 peak_op;		/* after it, the most bytes are live */
	u64 peak_requested;
	s64 counter_cost;
	unsigned int nr_workers;
	struct worker *workers;
	int *cpu_of_worker;

	/* Of whoever has the turn */
	void **objects;		/* by id */
	struct cost cost[NR_VERBS];
	struct result *result;
	s64 baseline, other_baseline;

	u32 turn;		/* acquire and release, see above */
	atomic_t running;
	bool stop;		/* set once; READ_ONCE and WRITE_ONCE, no order needed */
	wait_queue_head_t done;
} replay;

static struct result results[NR_SIDES][MAX_ROUNDS];
static struct result medians[NR_SIDES];
static bool ran[NR_SIDES];
static s64 first_baseline;
static struct dentry *debugfs;

/* Objects */

/* Word 0 of object @id; each further word is greater by STRIDE. */
#define STRIDE	0x9e3779b97f4a7c15ULL

static u64 pattern(u32 id)
{
	return (id + 1) * 0xd6e8feb86659fd93ULL;
}

static void fill(void *p, u32 size, u32 id)
{
	u64 *w = p, *end = w + size / sizeof(u64), word = pattern(id);

	for (; w < end; word += STRIDE)
		*w++ = word;
	memcpy(w, &word, size % sizeof(u64));
}

static bool intact(const void *p, u32 size, u32 id)
{
	const u64 *w = p, *end = w + size / sizeof(u64);
	u64 word = pattern(id);

	for (; w < end; word += STRIDE)
		if (*w++ != word)
			return false;
	return !memcmp(w, &word, size % sizeof(u64));
}

static void report(const char *what, const void *p, u32 size, u32 id, enum side side)
{
	if (replay.result->verify_errors++ < MAX_REPORTS)
		pr_err("%s: object %u of %u bytes at %p %s\n", side_names[side], id, size, p,
		       what);
}

/* What the caller of either side was promised. */
static void check_new(const void *p, u32 size, u32 id, u8 flags, enum side side)
{
	unsigned long align = max(size & -size, 8U);

	/* Before 6.12, kmalloc() promised alignment for powers of two only. */
	if (side == SIDE_KMALLOC && !is_power_of_2(size))
		align = ARCH_KMALLOC_MINALIGN;
	if (!IS_ALIGNED((unsigned long)p, min(align, PAGE_SIZE)))
		report("is not aligned", p, size, id, side);
	if ((flags & GOTRACE_ZERO) && memchr_inv(p, 0, size))
		report("is not zeroed", p, size, id, side);
}

static void account(enum verb verb, s64 cycles)
{
	struct cost *c = &replay.cost[verb];

	cycles = max(cycles - replay.counter_cost, 0LL);
	c->calls++;
	c->sum += cycles;
	c->buckets[min_t(s64, cycles, NR_BUCKETS - 1)]++;
}

static __always_inline void do_alloc(const struct gotrace_op *op, const enum side side)
{
	u32 id = le32_to_cpu(op->id), size = le32_to_cpu(op->size);
	gfp_t gfp = op->flags & GOTRACE_ATOMIC ? GFP_ATOMIC : GFP_KERNEL;
	cycles_t t;
	void *p;

	if (op->flags & GOTRACE_ZERO)
		gfp |= __GFP_ZERO;
	t = get_cycles();
	if (side == SIDE_KMALLOC)
		p = kmalloc(size, gfp);
	else
		p = gomalloc(size, gfp);
	t = get_cycles() - t;
	account(VERB_ALLOC, t);
	replay.objects[id] = p;
	if (!p) {
		replay.result->failures++;
	} else if (verify) {
		check_new(p, size, id, op->flags, side);
		fill(p, size, id);
	}
}

static __always_inline void do_free(u32 id, const enum side side)
{
	void *p = replay.objects[id];
	cycles_t t;

	if (!p)
		return;
	if (verify && !intact(p, replay.sizes[id], id))
		report("was changed", p, replay.sizes[id], id, side);
	replay.objects[id] = NULL;
	t = get_cycles();
	if (side == SIDE_KMALLOC)
		kfree(p);
	else
		gofree(p);
	t = get_cycles() - t;
	account(VERB_FREE, t);
}

static void take_peak(enum side side)
{
	struct result *r = replay.result;

	r->peak_absolute = bench_held(side);
	r->peak_held = r->peak_absolute - replay.baseline;
	if (side == SIDE_GOALLOC) {
		r->peak_metadata = bench_metadata();
		r->peak_other = bench_held(SIDE_KMALLOC) - replay.other_baseline;
	}
}

/* Turns */

static unsigned int worker_of(u32 i)
{
	return replay.ops[i].cpu % replay.nr_workers;
}

static bool may_go(u32 i)
{
	/* Pairs with the release in run_worker(). */
	return smp_load_acquire(&replay.turn) == i;
}

/* Return: false if the replay is to stop. */
static bool wait_turn(struct worker *w, u32 i)
{
	int spins;

	for (spins = 0; spins < SPINS; spins++) {
		if (may_go(i))
			return true;
		if (READ_ONCE(replay.stop))
			return false;
		cpu_relax();
		cond_resched();
	}
	wait_event_idle(w->turn, may_go(i) || READ_ONCE(replay.stop));
	return !READ_ONCE(replay.stop);
}

static __always_inline void run_worker(struct worker *w, const enum side side)
{
	u32 i = 0, done = 0;

	for (;;) {
		while (i < replay.nr_ops && worker_of(i) != w->index)
			i++;
		if (i == replay.nr_ops || !wait_turn(w, i))
			return;
		while (i < replay.nr_ops && worker_of(i) == w->index) {
			const struct gotrace_op *op = &replay.ops[i];

			if (op->flags & GOTRACE_FREE)
				do_free(le32_to_cpu(op->id), side);
			else
				do_alloc(op, side);
			if (i == replay.peak_op)
				take_peak(side);
			i++;
			if (++done % 64 == 0) {
				cond_resched();
				if (READ_ONCE(replay.stop))
					return;
			}
		}
		/* Pairs with the acquire in may_go(). */
		smp_store_release(&replay.turn, i);
		if (i < replay.nr_ops) {
			struct worker *next = &replay.workers[worker_of(i)];

			if (wq_has_sleeper(&next->turn))
				wake_up(&next->turn);
		}
	}
}

static int worker_fn(void *data)
{
	struct worker *w = data;

	if (w->side == SIDE_KMALLOC)
		run_worker(w, SIDE_KMALLOC);
	else
		run_worker(w, SIDE_GOALLOC);
	if (atomic_dec_and_test(&replay.running))
		wake_up(&replay.done);
	/* kthread_stop() wants to find the thread. */
	while (!kthread_should_stop())
		schedule_timeout_idle(HZ);
	return 0;
}

static void stop_workers(void)
{
	unsigned int i;

	WRITE_ONCE(replay.stop, true);
	for (i = 0; i < replay.nr_workers; i++)
		wake_up(&replay.workers[i].turn);
	for (i = 0; i < replay.nr_workers; i++) {
		if (!IS_ERR_OR_NULL(replay.workers[i].task))
			kthread_stop(replay.workers[i].task);
		replay.workers[i].task = NULL;
	}
}

static int run_workers(enum side side)
{
	unsigned int i;
	int err = 0;

	replay.turn = 0;
	replay.stop = false;
	atomic_set(&replay.running, replay.nr_workers);
	for (i = 0; i < replay.nr_workers; i++) {
		struct worker *w = &replay.workers[i];

		w->index = i;
		w->side = side;
		init_waitqueue_head(&w->turn);
		w->task = kthread_create_on_cpu(worker_fn, w, replay.cpu_of_worker[i],
						"goalloc_replay/%u");
		if (IS_ERR(w->task)) {
			err = PTR_ERR(w->task);
			stop_workers();
			return err;
		}
	}
	for (i = 0; i < replay.nr_workers; i++)
		wake_up_process(replay.workers[i].task);
	if (wait_event_killable(replay.done, !atomic_read(&replay.running)))
		err = -EINTR;
	stop_workers();
	return err;
}

/* One run */

static void finish_cost(struct result *r, enum verb verb)
{
	struct cost *c = &replay.cost[verb];
	u64 seen = 0;
	u32 i;

	if (!c->calls)
		return;
	r->mean10[verb] = div64_u64(c->sum * 10, c->calls);
	r->median[verb] = -1;
	for (i = 0; i < NR_BUCKETS; i++) {
		seen += c->buckets[i];
		if (r->median[verb] < 0 && seen * 2 >= c->calls)
			r->median[verb] = i;
		if (seen * 100 >= c->calls * 99) {
			r->p99[verb] = i;
			return;
		}
	}
}

static int run(enum side side, struct result *r)
{
	u32 id;
	int err, verb;

	replay.result = r;
	for (verb = 0; verb < NR_VERBS; verb++) {
		struct cost *c = &replay.cost[verb];

		c->calls = 0;
		c->sum = 0;
		memset(c->buckets, 0, NR_BUCKETS * sizeof(*c->buckets));
	}
	bench_release(side);
	replay.baseline = bench_held(side);
	replay.other_baseline = bench_held(SIDE_KMALLOC);
	if (side == SIDE_KMALLOC && !ran[side])
		first_baseline = replay.baseline;
	err = run_workers(side);
	/* The recording left these live; or all that is left after an error. */
	for (id = 0; id < replay.nr_allocs; id++) {
		if (side == SIDE_KMALLOC)
			do_free(id, SIDE_KMALLOC);
		else
			do_free(id, SIDE_GOALLOC);
		if (id % 64 == 0)
			cond_resched();
	}
	r->end_held = bench_held(side) - replay.baseline;
	bench_release(side);
	r->released_held = bench_held(side) - replay.baseline;
	if (side == SIDE_GOALLOC) {
		r->released_metadata = bench_metadata();
		r->released_held = bench_held(side) - r->released_metadata;
	}
	for (verb = 0; verb < NR_VERBS; verb++)
		finish_cost(r, verb);
	ran[side] = true;
	return err;
}

/* Preparation */

static int bad_op(u32 i)
{
	pr_err("%s: operation %u is wrong\n", trace, i);
	return -EINVAL;
}

/*
 * Checks every operation, so that the replay need not, leaves out what is not
 * wanted, and finds the peak.
 */
static int check_ops(unsigned int nr_cpus)
{
	bool only_kmalloc = !strcmp(kinds, "kmalloc");
	u32 i, id, size, next_id = 0, kept = 0, nr = replay.nr_ops;
	u64 live = 0;

	for (i = 0; i < nr; i++) {
		struct gotrace_op *op = &replay.ops[i];

		id = le32_to_cpu(op->id);
		size = le32_to_cpu(op->size);
		if (op->cpu >= nr_cpus || op->flags & ~GOTRACE_KNOWN)
			return bad_op(i);
		if (op->flags & GOTRACE_FREE) {
			/* objects[] says for now who is live */
			if (id >= next_id || !replay.objects[id])
				return bad_op(i);
			replay.objects[id] = NULL;
			if (!replay.sizes[id])
				continue;
			live -= replay.sizes[id];
		} else {
			if (id != next_id || id >= replay.nr_allocs || !size ||
			    size > KMALLOC_MAX_SIZE)
				return bad_op(i);
			next_id++;
			replay.objects[id] = ZERO_SIZE_PTR;
			if (only_kmalloc && op->flags & GOTRACE_CACHE)
				continue;
			replay.sizes[id] = size;
			live += size;
			if (live > replay.peak_requested) {
				replay.peak_requested = live;
				replay.peak_op = kept;
			}
		}
		replay.ops[kept++] = *op;
		if (i % 1024 == 0)
			cond_resched();
	}
	if (next_id != replay.nr_allocs)
		return bad_op(nr);
	replay.nr_ops = kept;
	memset(replay.objects, 0, replay.nr_allocs * sizeof(*replay.objects));
	return 0;
}

static int read_trace(void)
{
	struct gotrace_header *head;
	unsigned int nr_cpus;
	ssize_t len;

	/* A kind that every security module knows: data that a driver asks for. */
	len = kernel_read_file_from_path(trace, 0, &replay.file, INT_MAX, NULL, READING_FIRMWARE);
	if (len < 0) {
		pr_err("cannot read %s: error %zd\n", trace, len);
		replay.file = NULL;
		return len;
	}
	head = replay.file;
	if (len < sizeof(*head) || memcmp(head->magic, GOTRACE_MAGIC, GOTRACE_MAGIC_LEN)) {
		pr_err("%s is not a trace\n", trace);
		return -EINVAL;
	}
	if (le32_to_cpu(head->version) != GOTRACE_VERSION) {
		pr_err("%s is of version %u, this module reads version %u\n", trace,
		       le32_to_cpu(head->version), GOTRACE_VERSION);
		return -EINVAL;
	}
	replay.ops = (void *)(head + 1);
	replay.nr_ops = le32_to_cpu(head->ops);
	replay.nr_allocs = le32_to_cpu(head->allocs);
	nr_cpus = le32_to_cpu(head->cpus);
	if (le32_to_cpu(head->header_size) != sizeof(*head) ||
	    le32_to_cpu(head->op_size) != sizeof(*replay.ops) ||
	    len != sizeof(*head) + (u64)replay.nr_ops * sizeof(*replay.ops) ||
	    replay.nr_allocs > replay.nr_ops || !replay.nr_ops) {
		pr_err("%s is cut, or its header is wrong\n", trace);
		return -EINVAL;
	}
	replay.objects = vzalloc((size_t)replay.nr_allocs * sizeof(*replay.objects));
	replay.sizes = vzalloc((size_t)replay.nr_allocs * sizeof(*replay.sizes));
	if (!replay.objects || !replay.sizes)
		return -ENOMEM;
	return check_ops(nr_cpus);
}

static int prepare(void)
{
	unsigned int max = min_not_zero(cpus, num_online_cpus());
	int verb, cpu;

	init_waitqueue_head(&replay.done);
	replay.workers = vzalloc(max * sizeof(*replay.workers));
	replay.cpu_of_worker = vzalloc(max * sizeof(*replay.cpu_of_worker));
	if (!replay.workers || !replay.cpu_of_worker)
		return -ENOMEM;
	for_each_online_cpu(cpu)
		if (replay.nr_workers < max)
			replay.cpu_of_worker[replay.nr_workers++] = cpu;
	for (verb = 0; verb < NR_VERBS; verb++) {
		replay.cost[verb].buckets = vzalloc(NR_BUCKETS * sizeof(u32));
		if (!replay.cost[verb].buckets)
			return -ENOMEM;
	}
	replay.counter_cost = bench_counter_cost();
	return read_trace();
}

static void unprepare(void)
{
	int verb;

	for (verb = 0; verb < NR_VERBS; verb++)
		vfree(replay.cost[verb].buckets);
	vfree(replay.objects);
	vfree(replay.sizes);
	vfree(replay.file);
	vfree(replay.workers);
	vfree(replay.cpu_of_worker);
}

/* Results */

/* The fields of struct result, all s64, as an array. */
#define NR_FIELDS	(sizeof(struct result) / sizeof(s64))

static void make_medians(enum side side)
{
	s64 *to = (s64 *)&medians[side], v[MAX_ROUNDS];
	unsigned int field, round;

	for (field = 0; field < NR_FIELDS; field++) {
		for (round = 0; round < rounds; round++)
			v[round] = ((s64 *)&results[side][round])[field];
		to[field] = bench_median(v, rounds);
	}
	/* One failure in one round is one too many. */
	medians[side].failures = 0;
	medians[side].verify_errors = 0;
	for (round = 0; round < rounds; round++) {
		medians[side].failures += results[side][round].failures;
		medians[side].verify_errors += results[side][round].verify_errors;
	}
}

static void print_keys(enum side side, unsigned int round)
{
	const struct result *r = &results[side][round];

	pr_info("side=%s round=%u unit=%s alloc_mean10=%lld alloc_median=%lld alloc_p99=%lld free_mean10=%lld free_median=%lld free_p99=%lld\n",
		side_names[side], round, icount ? "instructions" : "cycles",
		r->mean10[VERB_ALLOC], r->median[VERB_ALLOC], r->p99[VERB_ALLOC],
		r->mean10[VERB_FREE], r->median[VERB_FREE], r->p99[VERB_FREE]);
	pr_info("side=%s round=%u peak_held=%lld end_held=%lld released_held=%lld peak_absolute=%lld peak_metadata=%lld peak_other=%lld released_metadata=%lld failures=%lld verify_errors=%lld\n",
		side_names[side], round, r->peak_held, r->end_held, r->released_held,
		r->peak_absolute, r->peak_metadata, r->peak_other, r->released_metadata,
		r->failures, r->verify_errors);
}

static void print_row(const char *what, s64 k, s64 g)
{
	char a[24] = "-", b[24] = "-";

	if (ran[SIDE_KMALLOC])
		snprintf(a, sizeof(a), "%lld", k);
	if (ran[SIDE_GOALLOC])
		snprintf(b, sizeof(b), "%lld", g);
	pr_info("%-44s %12s %12s\n", what, a, b);
}

static void print_row10(const char *what, s64 k, s64 g)
{
	char a[24] = "-", b[24] = "-";

	if (ran[SIDE_KMALLOC])
		snprintf(a, sizeof(a), "%lld.%lld", k / 10, k % 10);
	if (ran[SIDE_GOALLOC])
		snprintf(b, sizeof(b), "%lld.%lld", g / 10, g % 10);
	pr_info("%-44s %12s %12s\n", what, a, b);
}

static void print_table(void)
{
	const struct result *k = &medians[SIDE_KMALLOC], *g = &medians[SIDE_GOALLOC];
	const char *unit = icount ? "instructions" : "cycles";
	char what[48];

	pr_info("%-44s %12s %12s\n", "", "kmalloc", "goalloc");
	print_row("operations", replay.nr_ops, replay.nr_ops);
	snprintf(what, sizeof(what), "%s an allocation, mean", unit);
	print_row10(what, k->mean10[VERB_ALLOC], g->mean10[VERB_ALLOC]);
	snprintf(what, sizeof(what), "%s an allocation, median", unit);
	print_row(what, k->median[VERB_ALLOC], g->median[VERB_ALLOC]);
	snprintf(what, sizeof(what), "%s a free, mean", unit);
	print_row10(what, k->mean10[VERB_FREE], g->mean10[VERB_FREE]);
	snprintf(what, sizeof(what), "%s a free, median", unit);
	print_row(what, k->median[VERB_FREE], g->median[VERB_FREE]);
	print_row("KiB requested at the peak", replay.peak_requested >> 10,
		  replay.peak_requested >> 10);
	print_row("KiB held at the peak, above the start", k->peak_held >> 10,
		  g->peak_held >> 10);
	print_row("pages held at the peak, above the start", k->peak_held >> PAGE_SHIFT,
		  g->peak_held >> PAGE_SHIFT);
	print_row("pages held after the end", k->end_held >> PAGE_SHIFT,
		  g->end_held >> PAGE_SHIFT);
	print_row("pages held after shrink or release", k->released_held >> PAGE_SHIFT,
		  g->released_held >> PAGE_SHIFT);
	print_row("failed allocations", k->failures, g->failures);
	print_row("objects found changed", k->verify_errors, g->verify_errors);
	if (ran[SIDE_GOALLOC])
		pr_info("goalloc's metadata: %lld of %lld KiB held at the peak, %lld KiB when all is released\n",
			g->peak_metadata >> 10, g->peak_absolute >> 10,
			g->released_metadata >> 10);
}

static int result_show(struct seq_file *m, void *unused)
{
	int side, first = 1;

	seq_printf(m, "{\n  \"version\": 1,\n  \"unit\": \"%s\",\n  \"operations\": %u,\n",
		   icount ? "instructions" : "cycles", replay.nr_ops);
	seq_printf(m, "  \"allocations\": %u,\n  \"cpus\": %u,\n  \"rounds\": %u,\n",
		   replay.nr_allocs, replay.nr_workers, rounds);
	seq_printf(m, "  \"peak_requested\": %llu,\n  \"sides\": {", replay.peak_requested);
	for (side = 0; side < NR_SIDES; side++) {
		const struct result *r = &medians[side];

		if (!ran[side])
			continue;
		seq_printf(m, "%s\n    \"%s\": {\n", first ? "" : ",", side_names[side]);
		first = 0;
		seq_printf(m, "      \"alloc_mean\": %lld.%lld,\n      \"alloc_median\": %lld,\n",
			   r->mean10[VERB_ALLOC] / 10, r->mean10[VERB_ALLOC] % 10,
			   r->median[VERB_ALLOC]);
		seq_printf(m, "      \"alloc_p99\": %lld,\n", r->p99[VERB_ALLOC]);
		seq_printf(m, "      \"free_mean\": %lld.%lld,\n      \"free_median\": %lld,\n",
			   r->mean10[VERB_FREE] / 10, r->mean10[VERB_FREE] % 10,
			   r->median[VERB_FREE]);
		seq_printf(m, "      \"free_p99\": %lld,\n", r->p99[VERB_FREE]);
		seq_printf(m, "      \"peak_held\": %lld,\n      \"end_held\": %lld,\n",
			   r->peak_held, r->end_held);
		seq_printf(m, "      \"released_held\": %lld,\n      \"peak_absolute\": %lld,\n",
			   r->released_held, r->peak_absolute);
		seq_printf(m, "      \"peak_metadata\": %lld,\n      \"peak_other\": %lld,\n",
			   r->peak_metadata, r->peak_other);
		seq_printf(m, "      \"released_metadata\": %lld,\n", r->released_metadata);
		seq_printf(m, "      \"failures\": %lld,\n      \"verify_errors\": %lld\n    }",
			   r->failures, r->verify_errors);
	}
	seq_puts(m, "\n  }\n}\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(result);

/* What is held now: the kernel's slab above its start, goalloc all in all. */
static int held_show(struct seq_file *m, void *unused)
{
	if (ran[SIDE_KMALLOC])
		seq_printf(m, "kmalloc %lld\n", bench_held(SIDE_KMALLOC) - first_baseline);
	seq_printf(m, "goalloc %lld\n", bench_held(SIDE_GOALLOC));
	seq_printf(m, "goalloc_metadata %llu\n", bench_metadata());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(held);

static int run_all(void)
{
	unsigned int round;
	int side, err;

	for (round = 0; round < rounds; round++) {
		for (side = 0; side < NR_SIDES; side++) {
			if (strcmp(alloc, "both") && strcmp(alloc, side_names[side]))
				continue;
			err = run(side, &results[side][round]);
			if (err)
				return err;
			print_keys(side, round);
		}
	}
	for (side = 0; side < NR_SIDES; side++)
		if (ran[side])
			make_medians(side);
	print_table();
	for (side = 0; side < NR_SIDES; side++)
		if (medians[side].failures || medians[side].verify_errors)
			return -EIO;
	return 0;
}

static int check_params(void)
{
	if (!trace) {
		pr_err("trace= is missing: the path of a recorded trace\n");
		return -EINVAL;
	}
	if (strcmp(alloc, "both") && strcmp(alloc, "kmalloc") && strcmp(alloc, "goalloc")) {
		pr_err("alloc=%s is none of both, kmalloc, goalloc\n", alloc);
		return -EINVAL;
	}
	if (strcmp(kinds, "all") && strcmp(kinds, "kmalloc")) {
		pr_err("kinds=%s is neither all nor kmalloc\n", kinds);
		return -EINVAL;
	}
	if (!rounds || rounds > MAX_ROUNDS) {
		pr_err("rounds=%u is not in 1..%u\n", rounds, MAX_ROUNDS);
		return -EINVAL;
	}
	return icount ? bench_check_icount() : 0;
}

static int __init goalloc_replay_init(void)
{
	int err;

	err = check_params();
	if (err)
		return err;
	err = prepare();
	if (!err)
		err = run_all();
	if (err) {
		unprepare();
		return err;
	}
	debugfs = debugfs_create_dir("goalloc_replay", NULL);
	debugfs_create_file("result", 0444, debugfs, NULL, &result_fops);
	debugfs_create_file("held", 0444, debugfs, NULL, &held_fops);
	return 0;
}

static void __exit goalloc_replay_exit(void)
{
	debugfs_remove(debugfs);
	unprepare();
}

module_init(goalloc_replay_init);
module_exit(goalloc_replay_exit);

MODULE_DESCRIPTION("Replays a recorded allocation trace through kmalloc and goalloc");
MODULE_LICENSE("GPL");
