// SPDX-License-Identifier: GPL-2.0
/*
 * Allocators beside one another in userspace: nanoseconds an operation.
 *
 *	bench PATTERN THREADS SECONDS
 *
 * Built twice: with -DGOALLOC over the userspace build of goalloc's core, which is
 * called directly; and without, over malloc() and free(), which LD_PRELOAD can
 * replace. An operation is an allocation and its free.
 *
 *	pair	an object of 8 to 1024 bytes and its free, at once
 *	burst	1024 objects of 64 bytes, then their frees
 *	larson	a random one of 4096 objects is replaced by one of 8 to 1024 bytes; from
 *		time to time each thread goes on with those that another had (after P. Larson)
 *	xmalloc	one thread allocates batches of 120, the other frees them; a single
 *		thread does both (after C. Lever's and D. Boreham's malloc-test)
 *	mstress	batches of objects, small ones mostly, a part of which lives on, is freed
 *		at random, or passes to other threads (after D. Leijen's)
 *
 * Each object's first and last word is written. Threads are pinned. Two figures are
 * printed: nanoseconds of wall time, of which each thread has its own, and of CPU
 * time, in which the threads' times are added. Who waits for another thread does
 * so asleep.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef GOALLOC
#include <linux/goalloc.h>

#define NAME		"goalloc"
#define alloc(n)	__gomalloc(n, GFP_KERNEL)
#define release(p)	gofree(p)
#define breathe()	shim_poll()
#else
#define NAME		"malloc"
#define alloc(n)	malloc(n)
#define release(p)	free(p)
#define breathe()	((void)0)
#endif

#define MAX_THREADS	8
#define NR_SIZES	1024
#define BURST		1024
#define LARSON		4096
#define BATCH		120
#define RING		64
#define TRANSFER	1000

struct batch {
	void *p[BATCH];
};

static double seconds;
static int nthreads;
static atomic_bool stop;
static uint32_t sizes[NR_SIZES];
static void *blocks[MAX_THREADS + 1][LARSON];
static _Atomic(void **) parked;		/* larson: the blocks that no thread has */
static pthread_barrier_t barrier;
/* one producer, one consumer */
static struct batch ring[RING];
static sem_t ring_full, ring_free;
static _Atomic(void *) transfer[TRANSFER];

static uint32_t next(uint64_t *r)
{
	*r = *r * 6364136223846793005ULL + 1442695040888963407ULL;
	return *r >> 33;
}

static inline void *get(size_t n)
{
	char *p = alloc(n);

	if (!p) {
		fprintf(stderr, "bench: no memory\n");
		exit(1);
	}
	*(volatile uint64_t *)p = n;
	*(volatile uint64_t *)(p + n - 8) = n;
	return p;
}

static inline bool stopped(void)
{
	breathe();
	return atomic_load_explicit(&stop, memory_order_relaxed);
}

static uint64_t pair(int id)
{
	uint64_t n = 0;
	int i;

	while (!stopped())
		for (i = 0; i < NR_SIZES; i++, n++)
			release(get(sizes[i]));
	return n;
}

static uint64_t burst(int id)
{
	uint64_t n = 0;
	void **p = blocks[id];
	volatile size_t size = 64;
	int i;

	for (; !stopped(); n += BURST) {
		for (i = 0; i < BURST; i++)
			p[i] = get(size);
		for (i = 0; i < BURST; i++)
			release(p[i]);
	}
	return n;
}

static void larson_fill(void **p)
{
	int i;

	for (i = 0; i < LARSON; i++)
		p[i] = get(sizes[i % NR_SIZES]);
}

static uint64_t larson(int id)
{
	uint64_t n = 0, r = id + 1;
	void **p = blocks[id];
	uint32_t x;
	int i;

	larson_fill(p);
	if (!id && nthreads > 1) {
		larson_fill(blocks[nthreads]);
		atomic_store(&parked, blocks[nthreads]);
	}
	while (!stopped()) {
		for (i = 0; i < 1024; i++, n++) {
			x = next(&r) % LARSON;
			release(p[x]);
			p[x] = get(sizes[next(&r) % NR_SIZES]);
		}
		if (n % (1 << 18) == 0 && atomic_load(&parked))
			p = atomic_exchange(&parked, p);
	}
	return n;
}

static uint64_t produce(void)
{
	unsigned long in = 0;
	uint64_t n = 0, r = 7;
	struct batch *b;
	int i;

	while (!stopped()) {
		sem_wait(&ring_free);
		b = &ring[in++ % RING];
		for (i = 0; i < BATCH; i++)
			b->p[i] = get(sizes[next(&r) % NR_SIZES] / 2 + 8);
		sem_post(&ring_full);
		n += BATCH;
	}
	sem_post(&ring_full);
	return n;
}

static uint64_t consume(void)
{
	unsigned long out = 0;
	struct batch *b;
	int i;

	while (!stopped()) {
		sem_wait(&ring_full);
		b = &ring[out++ % RING];
		for (i = 0; i < BATCH; i++)
			if (b->p[i])
				release(b->p[i]);
		memset(b, 0, sizeof(*b));
		sem_post(&ring_free);
	}
	sem_post(&ring_free);
	return 0;
}

static uint64_t xmalloc(int id)
{
	uint64_t n = 0, r = 7;
	void **p = blocks[0];
	int i;

	if (nthreads > 1)
		return id & 1 ? consume() : produce();
	for (; !stopped(); n += BATCH) {
		for (i = 0; i < BATCH; i++)
			p[i] = get(sizes[next(&r) % NR_SIZES] / 2 + 8);
		for (i = 0; i < BATCH; i++)
			release(p[i]);
	}
	return n;
}

static size_t mstress_size(uint64_t *r)
{
	uint32_t x = next(r);
	size_t words = 1 + x % 16;

	/* one in 128 is large, one in 8 medium */
	if (x >> 8 & 127 ? 0 : 1)
		words *= 100;
	else if (!(x >> 16 & 7))
		words *= 8;
	return words * 8;
}

static uint64_t mstress(int id)
{
	uint64_t n = 0, r = id + 1;
	void **kept = blocks[id], *old;
	int i, nkept = 0;
	uint32_t x;

	while (!stopped()) {
		for (i = 0; i < 512; i++) {
			void *p = get(mstress_size(&r));

			x = next(&r);
			n++;
			if (x % 4 == 0 && nkept < LARSON) {
				kept[nkept++] = p;
			} else if (x % 4 == 1) {
				old = atomic_exchange(&transfer[(x >> 4) % TRANSFER], p);
				if (old)
					release(old);
			} else {
				release(p);
			}
			if (x % 8 > 4 && nkept) {
				x = next(&r) % nkept;
				release(kept[x]);
				kept[x] = kept[--nkept];
			}
		}
	}
	return n;
}

static const struct {
	const char *name;
	uint64_t (*run)(int id);
} patterns[] = {
	{ "pair", pair },
	{ "burst", burst },
	{ "larson", larson },
	{ "xmalloc", xmalloc },
	{ "mstress", mstress },
};

static uint64_t (*run)(int id);
static uint64_t done[MAX_THREADS];
static double wall[MAX_THREADS], cpu[MAX_THREADS];

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void *thread(void *arg)
{
	int id = (long)arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(id % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
#ifdef GOALLOC
	if (id)
		shim_cpu_attach(id);
#endif
	pthread_barrier_wait(&barrier);
	wall[id] = -now(CLOCK_MONOTONIC);
	cpu[id] = -now(CLOCK_THREAD_CPUTIME_ID);
	done[id] = run(id);
	cpu[id] += now(CLOCK_THREAD_CPUTIME_ID);
	wall[id] += now(CLOCK_MONOTONIC);
	return NULL;
}

static void *clock_thread(void *arg)
{
	usleep(seconds * 1e6);
	atomic_store(&stop, true);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[MAX_THREADS], timer;
	uint64_t r = 1, n = 0;
	double w = 0, c = 0;
	size_t i;

	if (argc != 4)
		goto usage;
	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (!strcmp(patterns[i].name, argv[1]))
			run = patterns[i].run;
	nthreads = atoi(argv[2]);
	seconds = atof(argv[3]);
	if (!run || nthreads < 1 || nthreads > MAX_THREADS || seconds <= 0)
		goto usage;
	for (i = 0; i < NR_SIZES; i++)
		sizes[i] = 8 + next(&r) % 1017;
#ifdef GOALLOC
	const struct shim_config config = { .bytes = 4UL << 30, .nodes = 1 };

	shim_boot(&config);
	shim_cpu_attach(0);
	if (shim_module_init())
		return 1;
#endif
	sem_init(&ring_free, 0, RING);
	sem_init(&ring_full, 0, 0);
	pthread_barrier_init(&barrier, NULL, nthreads);
	pthread_create(&timer, NULL, clock_thread, NULL);
	for (i = 1; i < nthreads; i++)
		pthread_create(&threads[i], NULL, thread, (void *)i);
	thread(NULL);
	for (i = 0; i < nthreads; i++) {
		if (i)
			pthread_join(threads[i], NULL);
		n += done[i];
		w = wall[i] > w ? wall[i] : w;
		c += cpu[i];
	}
	/* an operation of xmalloc takes two threads */
	printf("%.2f %.2f\n", w * 1e9 / n * (run == xmalloc ? 1 : nthreads), c * 1e9 / n);
	fflush(stdout);
	_exit(0);
usage:
	fprintf(stderr, "usage: bench pair|burst|larson|xmalloc|mstress THREADS SECONDS\n");
	return 2;
}
