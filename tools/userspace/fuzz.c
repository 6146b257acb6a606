// SPDX-License-Identifier: GPL-2.0
/*
 * A libFuzzer target: the input is a sequence of operations on goalloc's core, done
 * by one thread as several CPUs and at all context levels, against the model.
 *
 *	fuzz-goalloc [libFuzzer's options] [CORPUS or FILE to replay]
 *
 * Each operation is a byte, its arguments follow; an input that ends early has
 * zeros. As nobody else is there, every pointer that is no object of the model's
 * has to be refused, whatever it is. After each input all is freed, and goalloc
 * has to hold nothing.
 */
#define model_fail(...)	shim_die(__VA_ARGS__)
#include "goalloc_model.h"

#define NR_SLOTS	256
#define CPUS		3

static const u8 *in, *in_end;
static struct model_object slots[NR_SLOTS];
static struct model m = { .random = 1, .slots = slots, .nslots = NR_SLOTS, .thorough = true };
static struct goalloc_stats before;

static u32 arg(unsigned int bytes)
{
	u32 v = 0;

	while (bytes--)
		v = v << 8 | (in < in_end ? *in++ : 0);
	return v;
}

static void verify(void)
{
	static char verdict[200];

	if (goalloc_check(verdict, sizeof(verdict)))
		shim_die("%s", verdict);
}

/* The level until further notice: 0 to 2. */
static void set_level(unsigned int level)
{
	shim_this.preempt = level == 2 ? HARDIRQ_OFFSET : level ? SOFTIRQ_OFFSET : 0;
	m.gfp = level ? GFP_ATOMIC | __GFP_NOWARN : GFP_KERNEL;
}

static struct model_object *find(const void *p)
{
	unsigned int i;

	for (i = 0; i < NR_SLOTS; i++)
		if (slots[i].kind != MODEL_NONE && slots[i].p == p)
			return &slots[i];
	return NULL;
}

/* Any address, rather one near what is in use. */
static void *wild(void)
{
	u32 how = arg(1);
	struct model_object *o = &slots[arg(1)];

	if (how & 1 && o->p)
		return o->p + (int)arg(2) - 0x8000;
	if (how & 2 && o->p)
		return (void *)(((unsigned long)o->p & ~8191UL) + arg(2));
	if (how & 4)
		return (void *)((u64)arg(4) << 32 | arg(4));
	return (void *)(shim_linear + ((u64)arg(4) << 3) % (2 * shim_linear_bytes));
}

static void free_wild(void)
{
	void *p = wild();

	if (ZERO_OR_NULL_PTR(p) || find(p))
		return;
	m.misuses++;
	gofree(p);
}

static void size_wild(void)
{
	void *p = wild();
	struct model_object *o = find(p);
	size_t size = gosize(p);

	goalloc_owns(p);
	if (o ? size < o->size : size)
		shim_die("gosize(%p) is %zu", p, size);
	if (!o && !ZERO_OR_NULL_PTR(p))
		m.misuses++;
}

static void alloc(struct model_object *o, u32 kind, u32 size)
{
	static const u32 limits[] = { 17, 129, 1025, 8193, 32769, 70000, 1200000, 17 };
	bool direct;

	if (o->kind != MODEL_NONE)
		return;
	size %= limits[kind >> 5];
	kind = 1 + (kind & 31) % (MODEL_KINDS - 1);
	direct = kind == MODEL_DMA || kind == MODEL_DMA32;
	/* what is freed there waits for the worker */
	if (direct && IS_ENABLED(CONFIG_PREEMPT_RT))
		return;
	model_alloc(&m, o, kind, size, m.gfp, 0);
}

static void free_one(struct model_object *o, u32 how)
{
	u8 *p = o->p;

	if (o->kind == MODEL_NONE)
		return;
	model_free(o, how & 1);
	if (how & 2) {
		m.misuses++;
		gofree(p);
	}
}

/* What only a task may do. */
static void task_op(u32 op)
{
	u32 level = interrupt_context_level();

	set_level(0);
	switch (op & 7) {
	case 0:
		goalloc_release_memory();
		break;
	case 1:
		verify();
		break;
	case 2:
		shim_poll();
		break;
	case 3:
		goalloc_mcache_drain(shim_this.cpu);
		break;
	case 4:
		rcu_barrier();
		break;
	default:
		shim_cpu_detach();
		shim_cpu_attach((op >> 3) % CPUS);
		break;
	}
	set_level(level);
}

static void step(void)
{
	u32 op = arg(1), n;
	struct model_object *o = &slots[arg(1)];

	switch (op & 15) {
	case 0: case 1: case 2:
		alloc(o, arg(1), arg(3));
		break;
	case 3: case 4:
		free_one(o, 0);
		break;
	case 5:
		free_one(o, op >> 4);
		break;
	case 6:
		if (o->kind != MODEL_NONE)
			model_realloc(&m, o, arg(3) % (op & 64 ? 200000 : 3000), m.gfp);
		break;
	case 7:
		if (o->kind != MODEL_NONE)
			model_free_interior(&m, o);
		break;
	case 8:
		free_wild();
		break;
	case 9:
		size_wild();
		break;
	case 10:
		set_level((op >> 4) % 3);
		break;
	case 11:
		task_op(op >> 4);
		break;
	case 12:
		shim_fail_then_all = op & 128;
		shim_fail_countdown = op >> 4 & 7;
		break;
	case 13: case 14:
		/* many of a kind; the slots behind this one */
		n = arg(1);
		for (op = arg(1); n-- && o < slots + NR_SLOTS; o++)
			alloc(o, op, (op & 31) * 97 + 1);
		break;
	default:
		for (n = arg(1); n-- && o < slots + NR_SLOTS; o++)
			free_one(o, 0);
		break;
	}
}

/* All figures, and then there is nothing. */
static void account(void)
{
	unsigned long tiny[NR_SLOTS];
	struct model_sum s = { .tiny = tiny, .max_tiny = NR_SLOTS };
	struct goalloc_stats st;
	unsigned int i;

	goalloc_release_memory();
	verify();
	for (i = 0; i < NR_SLOTS; i++)
		model_count(&s, &slots[i]);
	model_compare_stats(&s);
	goalloc_read_stats(&st);
	if (st.misuse - before.misuse != m.misuses || st.failures - before.failures != m.nulls)
		shim_die("%llu misuses, %llu failures; there were %llu, %llu",
			 st.misuse - before.misuse, st.failures - before.failures, m.misuses,
			 m.nulls);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct shim_config config = { .bytes = 64UL << 20, .nodes = 1 };

	shim_quiet = true;
	shim_boot(&config);
	shim_cpu_attach(0);
	if (shim_module_init())
		shim_die("not loaded");
	m.may_fail = true;
	set_level(0);
	goalloc_read_stats(&before);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct goalloc_stats st;
	unsigned int i;

	in = data;
	in_end = data + size;
	while (in < in_end)
		step();
	shim_fail_countdown = 0;
	set_level(0);
	account();
	for (i = 0; i < NR_SLOTS; i++)
		free_one(&slots[i], 0);
	account();
	goalloc_read_stats(&st);
	if (st.pages && !IS_ENABLED(CONFIG_PREEMPT_RT))
		shim_die("%llu pages are held, and no object", st.pages);
	return 0;
}
