// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of goalloc's core in userspace: unit tests, every fault, and a stress
 * against the model with threads as CPUs, signals as interrupts, and tasks that
 * preempt one another.
 *
 *	test [-n OPS] [-t THREADS] [-s SEED] [-r ROUNDS] [-v] [NAME...]
 *
 * Each test runs in a process of its own, as the module's data can be loaded
 * only once. TAP on stdout; exit status 1 if a test failed. A thread of a stress
 * does the same operations for the same SEED, but for what others hand it.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define model_fail(...)	shim_die(__VA_ARGS__)
#include "goalloc_model.h"

#define expect(cond) ({								\
	bool ok_ = (cond);							\
	if (!ok_)								\
		shim_die("%s:%d: %s", __FILE__, __LINE__, #cond);		\
	ok_;									\
})

static unsigned long opt_ops = 200000;
static unsigned int opt_threads = 3;
static unsigned int opt_rounds = 4;
static u64 opt_seed = 1;

static void verify(void)
{
	static char verdict[200];

	if (goalloc_check(verdict, sizeof(verdict)))
		shim_die("%s", verdict);
}

static void start(unsigned long bytes, int nodes)
{
	const struct shim_config config = { .bytes = bytes, .nodes = nodes };

	shim_boot(&config);
	shim_cpu_attach(0);
	expect(!shim_module_init());
}

/* Unload, and see that nothing stays. */
static void end(void)
{
	shim_module_exit();
	if (shim_pages_out || shim_bytes_out)
		shim_die("unloaded, but %lu pages and %lu bytes are out", shim_pages_out,
			 shim_bytes_out);
	shim_cpu_detach();
}

/* All is free: so no page is held, and unloading has nothing to say. */
static void end_empty(void)
{
	struct goalloc_stats st;

	goalloc_release_memory();
	verify();
	goalloc_read_stats(&st);
	expect(!st.objects && !st.in_use && !st.cached);
	/* PREEMPT_RT has its reserve */
	expect(!st.pages || IS_ENABLED(CONFIG_PREEMPT_RT));
	end();
}

/* ---- unit tests ---- */

static void test_api(void)
{
	struct goalloc_stats before, st;
	struct model_object o = { 0 };
	struct model m = { .random = 1, .gfp = GFP_KERNEL, .thorough = true };
	size_t huge = SIZE_MAX;
	unsigned int kind;
	void *p, *q;
	u32 size;

	start(1UL << 30, 1);
	for (kind = MODEL_MALLOC; kind < MODEL_KINDS; kind++) {
		for (size = 0; size < 70000; size += size < 300 ? 1 : size / 50) {
			model_alloc(&m, &o, kind, size, GFP_KERNEL, 0);
			if (o.kind == MODEL_NONE)
				continue;
			model_realloc(&m, &o, 1 + model_random(&m) % (2 * o.size), GFP_KERNEL);
			model_free_interior(&m, &o);
			model_free(&o, size & 1);
		}
		verify();
	}
	goalloc_read_stats(&before);
	expect(before.misuse == m.misuses);

	/* what is refused, and how it is called */
	p = gomalloc(100, GFP_KERNEL);
	gofree(p);
	gofree(p);
	expect(strstr(shim_last_line(), "double free"));
	p = gomalloc(100, GFP_KERNEL);
	gofree((char *)p + 8);
	expect(strstr(shim_last_line(), "interior"));
	gofree(&p);
	expect(strstr(shim_last_line(), "foreign"));
	gofree((void *)-1L);
	gofree((void *)(shim_linear + shim_linear_bytes));
	gofree((void *)(shim_linear - 8));
	gofree(p);
	p = gomalloc(100000, GFP_KERNEL);
	gofree((char *)p + 4096);
	expect(strstr(shim_last_line(), "interior"));
	gofree(p);
	gofree(p);
	expect(strstr(shim_last_line(), "free memory"));
	p = gomalloc_tiny(5, GFP_KERNEL);
	q = gomalloc_tiny(5, GFP_KERNEL);
	gofree(p);
	gofree(p);
	expect(strstr(shim_last_line(), "double free"));
	gofree((char *)q + 4);
	expect(strstr(shim_last_line(), "interior"));
	gofree(q);
	p = gomalloc(64, GFP_KERNEL);
	shim_this.preempt += NMI_OFFSET;
	gofree(p);
	expect(strstr(shim_last_line(), "NMI"));
	shim_warnings_expected = true;
	expect(!gomalloc(64, GFP_KERNEL));
	expect(!gomalloc_tiny(4, GFP_KERNEL));
	shim_warnings_expected = false;
	expect(shim_warnings >= 1);
	shim_this.preempt -= NMI_OFFSET;
	gofree(p);
	goalloc_read_stats(&st);
	expect(st.misuse == before.misuse + 11);

	expect(!gomalloc(GOALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
	OPTIMIZER_HIDE_VAR(huge);
	expect(!gomalloc(huge, GFP_KERNEL | __GFP_NOWARN));
	expect(!gocalloc(huge / 2 + 1, 2, GFP_KERNEL));
	p = gomalloc(GOALLOC_MAX_SIZE, GFP_KERNEL);
	expect(p && IS_ALIGNED((unsigned long)p, GOALLOC_MAX_SIZE));
	gofree(p);
	end_empty();
}

/* The largest power of two that divides the size, up to the largest object. */
static void test_align(void)
{
	static void *p[200];
	unsigned int i, n = 0;
	size_t size;

	start(1UL << 30, 1);
	for (size = 8; size <= GOALLOC_MAX_SIZE; size *= 2) {
		/* one page first, so that no run begins aligned by itself */
		p[n++] = gomalloc(8000, GFP_KERNEL);
		p[n++] = gomalloc(size, GFP_KERNEL);
		expect(p[n - 1] && IS_ALIGNED((unsigned long)p[n - 1], size));
		p[n++] = gomalloc(size / 4 * 3, GFP_KERNEL);
		expect(p[n - 1] && IS_ALIGNED((unsigned long)p[n - 1], max(size / 4, 2UL)));
		p[n++] = gomalloc(40000, GFP_KERNEL);
		p[n++] = gomalloc(size, GFP_KERNEL);
		expect(p[n - 1] && IS_ALIGNED((unsigned long)p[n - 1], size));
	}
	verify();
	for (i = 0; i < n; i++)
		gofree(p[i]);
	end_empty();
}

/* Allocate @n objects of @size, and free them in the order that @stride makes. */
static void churn(size_t size, unsigned int n, unsigned int stride)
{
	void **p = calloc(n, sizeof(*p));
	unsigned int i, at;

	for (i = 0; i < n; i++)
		expect((p[i] = gomalloc(size, GFP_KERNEL)));
	for (i = 0, at = stride; i < n; i++, at = (at + stride) % n) {
		gofree(p[at]);
		/* each time one more neighbour joins, at first */
		if (i < 40 || i % 256 == 0)
			verify();
	}
	verify();
	free(p);
}

/* What the mheap knows of its free runs, while they are taken, freed and join. */
static void test_runs(void)
{
	unsigned int i;

	start(1UL << 30, 1);
	/* whole pages, in one arena: from the low end, from the high one, and across */
	churn(100000, 60, 1);
	churn(100000, 60, 59);
	churn(100000, 61, 7);
	goalloc_release_memory();
	/* over several arenas, none of which has a page left; the last one's come back first */
	churn(GOALLOC_MAX_SIZE, 60, 59);
	churn(3 << 20, 61, 3);
	/* more than depots hold of spans of several pages: they go through page caches */
	for (i = 0; i < 4; i++) {
		churn(4096, 4000, 1);
		churn(9472, 2001, 7);
		churn(24576, 1001, 1000);
	}
	end_empty();
}

/* Promises that only matter when memory is short. */
static void test_nofail(void)
{
	void *p[3];

	start(1UL << 30, 1);
	shim_fail_countdown = 1;
	p[0] = gomalloc(3000, GFP_KERNEL | __GFP_NOFAIL);
	shim_fail_countdown = 1;
	p[1] = gomalloc(300000, GFP_KERNEL | __GFP_NOFAIL);
	shim_fail_countdown = 1;
	p[2] = gomalloc_tiny(7, GFP_KERNEL | __GFP_NOFAIL);
	expect(p[0] && p[1] && p[2]);
	/* nothing more is to be had, but what is free is found */
	gofree(p[0]);
	shim_fail_then_all = true;
	shim_fail_countdown = 1;
	p[0] = gomalloc(3000, GFP_ATOMIC | __GFP_NOWARN);
	expect(p[0]);
	expect(!gomalloc(GOALLOC_MAX_SIZE, GFP_ATOMIC | __GFP_NOWARN));
	shim_fail_countdown = 0;
	gofree(p[0]);
	gofree(p[1]);
	gofree(p[2]);
	end_empty();
}

/* ---- every fault ---- */

/* What asks for all kinds of memory. */
static void fault_scenario(struct model *m)
{
	static const u32 sizes[] = { 8, 100, 1000, 4096, 5000, 20000, 32768, 40000, 1 << 20 };
	unsigned int i;

	for (i = 0; i < m->nslots; i++) {
		gfp_t gfp = i & 1 ? GFP_KERNEL : GFP_ATOMIC;

		model_alloc(m, &m->slots[i], i % 8 == 7 ? MODEL_TINY : i % 32 == 9 ? MODEL_DMA :
			    MODEL_ZALLOC, sizes[i % ARRAY_SIZE(sizes)], gfp, 0);
		if (m->slots[i].kind != MODEL_NONE && i % 5 == 0)
			model_realloc(m, &m->slots[i], sizes[(i + 1) % ARRAY_SIZE(sizes)], gfp);
	}
	verify();
	for (i = 0; i < m->nslots; i++)
		if (m->slots[i].kind != MODEL_NONE)
			model_free(&m->slots[i], false);
	goalloc_release_memory();
}

/* The @n-th request fails, or all from it on. False if there are not so many. */
static bool fault_run(unsigned long n, bool all)
{
	static struct model_object slots[300];
	struct model m = { .random = 1, .slots = slots, .nslots = ARRAY_SIZE(slots),
			   .may_fail = true };
	const struct shim_config config = { .bytes = 1UL << 28, .nodes = 1 };
	struct goalloc_stats st;
	bool reached;

	shim_boot(&config);
	shim_cpu_attach(0);
	shim_fail_then_all = all;
	shim_fail_countdown = n;
	if (shim_module_init()) {
		expect(shim_faults);
		expect(!shim_pages_out && !shim_bytes_out);
		return true;
	}
	fault_scenario(&m);
	reached = shim_faults;
	goalloc_read_stats(&st);
	expect(st.failures == m.nulls);
	shim_fail_countdown = 0;
	/* and it works again */
	m.may_fail = false;
	fault_scenario(&m);
	end_empty();
	return reached;
}

static bool in_child(bool (*run)(unsigned long n, bool all), unsigned long n, bool all)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(run(n, all) ? 0 : 77);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		shim_die("no process");
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 77 && WEXITSTATUS(status)))
		shim_die("fault %lu%s: the process died, status %#x", n, all ? " and later" : "",
			 status);
	return !WEXITSTATUS(status);
}

/* Processes with a sanitizer start slowly. */
#if defined(SHIM_ASAN) || defined(SHIM_TSAN)
#define FAULT_STEP	7
#else
#define FAULT_STEP	1
#endif

static void test_faults(void)
{
	unsigned long n, all;

	for (all = 0; all < 2; all++) {
		for (n = 1; in_child(fault_run, n, all); n += n < 40 ? 1 : FAULT_STEP)
			;
		printf("# %s: up to %lu\n", all ? "all from the n-th on" : "the n-th", n);
		expect(n > 100);
	}
}

/* ---- stress ---- */

enum { TASK, PREEMPTING, SOFTIRQ, HARDIRQ, NR_MODELS };

#define NR_SLOTS	1500
#define NR_IRQ_SLOTS	150
#define NR_BOXES	256

static struct model models[NR_CPUS][NR_MODELS];
static struct model_box boxes[NR_BOXES];
static int running, interrupting;
static int nthreads;
static unsigned int faults_every;

static void steps(int which, unsigned int n)
{
	struct model *m = &models[shim_this.cpu][which];

	if (!__atomic_load_n(&running, __ATOMIC_ACQUIRE) || !m->slots)
		return;
	while (n--)
		model_step(m);
}

static void on_hardirq(void)
{
	expect(in_hardirq() && irqs_disabled() && interrupt_context_level() == 2);
	steps(HARDIRQ, 7);
}

static void on_softirq(void)
{
	expect(in_serving_softirq() && interrupt_context_level() == 1);
	steps(SOFTIRQ, 11);
}

static void on_preemption(void)
{
	steps(PREEMPTING, 3);
}

/* Wait for the other threads, preemptible. */
static void meet(void)
{
	static int arrived, round;
	int now = __atomic_load_n(&round, __ATOMIC_SEQ_CST);

	if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == nthreads) {
		__atomic_store_n(&arrived, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&round, now + 1, __ATOMIC_SEQ_CST);
	}
	while (__atomic_load_n(&round, __ATOMIC_SEQ_CST) == now)
		shim_idle();
}

/* Nobody else does anything. */
static void account(void)
{
	struct model_sum s = { .max_tiny = 1 << 20 };
	struct goalloc_stats st;
	u64 misuses = 0, nulls = 0;
	unsigned int i, j, k;

	s.tiny = malloc(s.max_tiny * sizeof(*s.tiny));
	verify();
	goalloc_release_memory();
	verify();
	for (i = 0; i < NR_CPUS; i++) {
		for (j = 0; j < NR_MODELS; j++) {
			misuses += models[i][j].misuses;
			nulls += models[i][j].nulls;
			for (k = 0; k < models[i][j].nslots; k++)
				model_count(&s, &models[i][j].slots[k]);
		}
	}
	for (i = 0; i < NR_BOXES; i++)
		model_count(&s, &boxes[i].o);
	model_compare_stats(&s);
	goalloc_read_stats(&st);
	if (st.misuse != misuses || st.failures != nulls)
		shim_die("%llu misuses, %llu failures; there were %llu, %llu", st.misuse,
			 st.failures, misuses, nulls);
	free(s.tiny);
}

static void free_all(void)
{
	unsigned int i, j, k;

	for (i = 0; i < NR_CPUS; i++)
		for (j = 0; j < NR_MODELS; j++)
			for (k = 0; k < models[i][j].nslots; k++)
				if (models[i][j].slots[k].kind != MODEL_NONE)
					model_free(&models[i][j].slots[k], false);
	for (i = 0; i < NR_BOXES; i++)
		if (boxes[i].o.kind != MODEL_NONE)
			model_free(&boxes[i].o, false);
}

static void set_running(int on)
{
	meet();
	__atomic_store_n(&running, on, __ATOMIC_RELEASE);
	meet();
}

static void *stress_thread(void *arg)
{
	int cpu = (long)arg;
	struct model *m = &models[cpu][TASK];
	unsigned int round;
	unsigned long i;

	if (cpu)
		shim_cpu_attach(cpu);
	for (round = 0; round < opt_rounds; round++) {
		set_running(1);
		for (i = 0; i < opt_ops / opt_rounds; i++) {
			model_step(m);
			if (i % 64 == 0)
				shim_poll();
			if (faults_every && i % faults_every == 0)
				WRITE_ONCE(shim_fail_countdown, 1 + model_random(m) % 6);
			/* the others go on meanwhile */
			if (!cpu && i % 20000 == 10000)
				verify();
			if (!cpu && i % 30000 == 20000)
				goalloc_release_memory();
		}
		set_running(0);
		if (!cpu) {
			WRITE_ONCE(shim_fail_countdown, 0);
			account();
		}
		meet();
	}
	if (cpu)
		shim_cpu_detach();
	return NULL;
}

/* Keeps the CPUs interrupted. */
static void *interrupter(void *arg)
{
	const struct timespec pause = { .tv_nsec = 30000 };
	unsigned int n = 0;

	while (__atomic_load_n(&interrupting, __ATOMIC_ACQUIRE)) {
		shim_interrupt_cpu(n++ % nthreads);
		nanosleep(&pause, NULL);
	}
	return arg;
}

static void models_init(bool may_fail)
{
	unsigned int i, j, n;

	for (i = 0; i < nthreads; i++) {
		for (j = 0; j < NR_MODELS; j++) {
			n = j == TASK ? NR_SLOTS : NR_IRQ_SLOTS;
			models[i][j] = (struct model){
				.random = model_seed(opt_seed, i * NR_MODELS + j),
				.slots = calloc(n, sizeof(struct model_object)),
				.nslots = n,
				.boxes = boxes,
				.nboxes = NR_BOXES,
				.gfp = j == TASK || j == PREEMPTING ? GFP_KERNEL :
				       GFP_ATOMIC | __GFP_NOWARN,
				.may_fail = may_fail || IS_ENABLED(CONFIG_PREEMPT_RT),
				.thorough = true,
				.next_tag = (i * NR_MODELS + j) << 24,
			};
		}
	}
}

/* A thread's end. Others may wait for what only this CPU can do: it goes on meanwhile. */
static bool join(pthread_t thread)
{
	int err;

	while ((err = pthread_tryjoin_np(thread, NULL)) == EBUSY)
		shim_idle();
	return !err;
}

static void stress(unsigned long bytes, int nodes, bool may_fail)
{
	pthread_t threads[NR_CPUS], irqs;
	long i;

	start(bytes, nodes);
	nthreads = opt_threads;
	models_init(may_fail);
	shim_interrupts(on_hardirq, on_softirq);
	shim_preempted = on_preemption;
	__atomic_store_n(&interrupting, 1, __ATOMIC_RELEASE);
	for (i = 1; i < nthreads; i++)
		expect(!pthread_create(&threads[i], NULL, stress_thread, (void *)i));
	expect(!pthread_create(&irqs, NULL, interrupter, NULL));
	stress_thread(NULL);
	__atomic_store_n(&interrupting, 0, __ATOMIC_RELEASE);
	expect(join(irqs));
	for (i = 1; i < nthreads; i++)
		expect(join(threads[i]));
	shim_preempted = NULL;
	/* CPUs that are gone leave nothing behind */
	for (i = 1; i < nthreads; i++)
		shim_cpu_dead(i);
	account();
	free_all();
	end_empty();
	for (i = 0; i < nthreads; i++)
		printf("# cpu %ld: %llu + %llu + %llu + %llu operations\n", i,
		       models[i][TASK].ops, models[i][PREEMPTING].ops, models[i][SOFTIRQ].ops,
		       models[i][HARDIRQ].ops);
}

static void test_stress(void)
{
	stress(2UL << 30, 1, false);
}

static void test_numa(void)
{
	stress(2UL << 30, 2, false);
}

static void test_init_on(void)
{
	shim_init_on_alloc = true;
	shim_init_on_free = true;
	stress(2UL << 30, 1, false);
}

/* So little memory that most of the time there is none. */
static void test_short(void)
{
	stress(16UL << 20, 1, true);
}

static void test_short_numa(void)
{
	stress(32UL << 20, 2, true);
}

static void test_random_faults(void)
{
	faults_every = 17;
	stress(2UL << 30, 1, true);
}

/* ---- frees that race ---- */

static void *raced[64];
static u64 race_misuses;

static void *race_thread(void *arg)
{
	int cpu = (long)arg;
	struct goalloc_stats before, st;
	void *again[64];
	unsigned long i;
	unsigned int j;

	if (cpu)
		shim_cpu_attach(cpu);
	for (i = 0; i < opt_ops / 2000; i++) {
		meet();
		if (!cpu) {
			goalloc_read_stats(&before);
			for (j = 0; j < ARRAY_SIZE(raced); j++)
				raced[j] = j % 8 ? gomalloc(j % 8 == 5 ? 50000 : 48, GFP_KERNEL) :
						   gomalloc_tiny(16, GFP_KERNEL);
		}
		meet();
		for (j = 0; j < ARRAY_SIZE(raced); j++)
			gofree(raced[j]);
		meet();
		if (!cpu) {
			/* all copies come home, and all but one of each are found */
			goalloc_release_memory();
			verify();
			goalloc_read_stats(&st);
			expect(!st.objects);
			race_misuses += st.misuse - before.misuse;
			if (st.misuse - before.misuse != ARRAY_SIZE(raced) * (nthreads - 1))
				shim_die("%llu of %lu racing frees were found",
					 st.misuse - before.misuse,
					 ARRAY_SIZE(raced) * (nthreads - 1));
			/* no object is handed out twice */
			for (j = 0; j < ARRAY_SIZE(again); j++) {
				again[j] = gomalloc(48, GFP_KERNEL);
				memset(again[j], j, 48);
			}
			for (j = 0; j < ARRAY_SIZE(again); j++) {
				expect(!memchr_inv(again[j], j, 48));
				gofree(again[j]);
			}
		}
	}
	meet();
	if (cpu)
		shim_cpu_detach();
	return NULL;
}

static void test_races(void)
{
	pthread_t threads[NR_CPUS];
	long i;

	start(1UL << 30, 1);
	nthreads = opt_threads;
	for (i = 1; i < nthreads; i++)
		expect(!pthread_create(&threads[i], NULL, race_thread, (void *)i));
	race_thread(NULL);
	for (i = 1; i < nthreads; i++)
		expect(join(threads[i]));
	printf("# %llu racing frees were found\n", race_misuses);
	end_empty();
}

/* ---- frees that wait for a grace period ---- */

struct guarded {
	u64 value;
	struct rcu_head rcu;
};

static struct guarded *rcu_shared;

/* Read what others replace and free: nothing that a reader holds may change. */
static void *rcu_thread(void *arg)
{
	struct guarded *p, *old;
	unsigned long i;

	if (arg)
		shim_cpu_attach((long)arg);
	for (i = 0; i < opt_ops / 10; i++) {
		rcu_read_lock();
		old = __atomic_load_n(&rcu_shared, __ATOMIC_ACQUIRE);
		if (old)
			expect(old->value == (unsigned long)old && gosize(old) >= sizeof(*old));
		rcu_read_unlock();
		p = gomalloc(sizeof(*p), GFP_KERNEL);
		if (!expect(p))
			break;
		p->value = (unsigned long)p;
		old = xchg(&rcu_shared, p);
		if (i % 64)
			gofree_rcu(old, rcu);
		else
			gofree_rcu_mightsleep(old);
		cond_resched();
	}
	if (arg)
		shim_cpu_detach();
	return NULL;
}

static void test_rcu(void)
{
	pthread_t threads[NR_CPUS];
	unsigned long i;

	start(1UL << 30, 1);
	for (i = 1; i < opt_threads; i++)
		expect(!pthread_create(&threads[i], NULL, rcu_thread, (void *)i));
	rcu_thread(NULL);
	for (i = 1; i < opt_threads; i++)
		expect(join(threads[i]));
	gofree_rcu(rcu_shared, rcu);
	rcu_shared = NULL;
	goalloc_rcu_barrier();
	end_empty();
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "api", test_api },
	{ "align", test_align },
	{ "runs", test_runs },
	{ "nofail", test_nofail },
	{ "faults", test_faults },
	{ "stress", test_stress },
	{ "numa", test_numa },
	{ "init_on", test_init_on },
	{ "short", test_short },
	{ "short_numa", test_short_numa },
	{ "random_faults", test_random_faults },
	{ "races", test_races },
	{ "rcu", test_rcu },
};

static bool selected(char **names, const char *name)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	unsigned int i, failed = 0;
	struct timespec t0, t1;
	int c, status;
	pid_t pid;

	shim_quiet = true;
	while ((c = getopt(argc, argv, "n:t:s:r:v")) != -1) {
		switch (c) {
		case 'n':
			opt_ops = strtoul(optarg, NULL, 0);
			break;
		case 't':
			opt_threads = clamp(atoi(optarg), 1, NR_CPUS - 1);
			break;
		case 's':
			opt_seed = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			opt_rounds = max(atoi(optarg), 1);
			break;
		case 'v':
			shim_quiet = false;
			break;
		default:
			fprintf(stderr, "usage: test [-n OPS] [-t THREADS] [-s SEED] [-r ROUNDS] [-v] [NAME...]\n");
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%zu\n# seed %llu\n", ARRAY_SIZE(tests), opt_seed);
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!selected(argv + optind, tests[i].name)) {
			printf("ok %u - %s # SKIP not asked for\n", i + 1, tests[i].name);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &t0);
		fflush(stdout);
		pid = fork();
		if (!pid) {
			tests[i].run();
			fflush(stdout);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 2;
		clock_gettime(CLOCK_MONOTONIC, &t1);
		if (status)
			failed++;
		printf("%sok %u - %s # %.1f s\n", status ? "not " : "", i + 1, tests[i].name,
		       t1.tv_sec - t0.tv_sec + (t1.tv_nsec - t0.tv_nsec) / 1e9);
	}
	return failed ? 1 : 0;
}
