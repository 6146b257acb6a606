// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel behind goalloc's core in userspace: see shim.h.
 *
 * CPUs: a thread plays one from shim_cpu_attach() on and holds its mutex; what
 * has to run on a CPU that nobody plays is done by whoever wants it, as that CPU.
 *
 * Pages: a reserved range is the linear map, with a buddy allocator per zone. It
 * hands out memory full of rubbish and knows of each page whether it is out, so
 * that a page freed twice, or with a wrong order, kills.
 *
 * Interrupts: SIGUSR1. While the CPU has them off, the handler only notes it.
 * The bottom half of one, if nothing forbids it, is the softirq.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

#if defined(SHIM_ASAN)
#include <sanitizer/asan_interface.h>
#endif

#define NR_ORDERS	(MAX_PAGE_ORDER + 1)
#define NR_ZONES	(2 + MAX_NUMNODES)
#define PERCPU_BYTES	(1UL << 20)
#define RUBBISH		0xd5

enum { PAGE_OUT = 1, PAGE_HEAD, PAGE_FREE, PAGE_TAIL };	/* struct page.state */

struct cpu {
	pthread_mutex_t played;
	pthread_t thread;
	int attached;
	int parked;
	unsigned long quiescent;	/* counts up where no RCU reader can be */
	struct work_struct *works;
	struct irq_work *irq_works;
} __aligned(128);

struct zone {
	unsigned long start, end;	/* page numbers */
	struct list_head free[NR_ORDERS];
};

__thread struct shim_this shim_this __attribute__((tls_model("local-exec"))) = { .cpu = -1 };
unsigned long shim_cpu_offset[NR_CPUS];
int nr_node_ids = 1;
unsigned long shim_linear, shim_linear_bytes;
struct page *shim_pages;
bool shim_init_on_alloc, shim_init_on_free;
bool shim_quiet, shim_warnings_expected, shim_fail_then_all;
unsigned long shim_warnings, shim_requests, shim_faults, shim_pages_out, shim_bytes_out;
long shim_fail_countdown;
void (*shim_preempted)(void);
struct task_struct shim_current = { "test" };

static struct cpu cpus[NR_CPUS];
static struct zone zones[NR_ZONES];
static DEFINE_RAW_SPINLOCK(zone_lock);
static void (*hard_hook)(void), (*soft_hook)(void);

/* ---- log ---- */

static __thread char last_line[400];

static void say(const char *fmt, va_list ap)
{
	vsnprintf(last_line, sizeof(last_line), fmt, ap);
}

static void out(const char *s)
{
	if (write(2, s, strlen(s)) < 0)
		_exit(3);
}

void shim_printk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	if (!shim_quiet)
		out(last_line);
}

const char *shim_last_line(void)
{
	return last_line;
}

void shim_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	out("shim: ");
	out(last_line);
	out("\n");
	abort();
}

bool shim_warn(const char *file, int line, const char *what)
{
	__atomic_fetch_add(&shim_warnings, 1, __ATOMIC_RELAXED);
	if (!shim_warnings_expected)
		shim_die("WARNING: %s:%d: %s", file, line, what);
	return true;
}

int kstrtouint(const char *s, unsigned int base, unsigned int *res)
{
	char *end;

	errno = 0;
	*res = strtoul(s, &end, base);
	return errno || end == s || *end ? -EINVAL : 0;
}

void *memchr_inv(const void *p, int c, size_t n)
{
	const u8 *at = p;

	for (; n; n--, at++)
		if (*at != (u8)c)
			return (void *)at;
	return NULL;
}

void sort(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b),
	  void (*swap_func)(void *a, void *b, int size))
{
	(void)swap_func;
	if (n)
		qsort(base, n, size, cmp);
}

/* ---- bitmaps ---- */

void bitmap_set(unsigned long *map, unsigned int start, unsigned int n)
{
	while (n--)
		__set_bit(start++, map);
}

void bitmap_clear(unsigned long *map, unsigned int start, unsigned int n)
{
	while (n--)
		__clear_bit(start++, map);
}

void bitmap_fill(unsigned long *map, unsigned int n)
{
	memset(map, 0xff, BITS_TO_LONGS(n) * sizeof(long));
}

void bitmap_zero(unsigned long *map, unsigned int n)
{
	memset(map, 0, BITS_TO_LONGS(n) * sizeof(long));
}

unsigned int bitmap_weight(const unsigned long *map, unsigned int n)
{
	unsigned int i, weight = 0;

	for (i = 0; i < n; i++)
		weight += test_bit(i, map);
	return weight;
}

static unsigned long find_bit(const unsigned long *map, unsigned long size, unsigned long at,
			      unsigned long invert)
{
	unsigned long word;

	if (at >= size)
		return size;
	word = (map[at / 64] ^ invert) & ~0UL << (at % 64);
	for (at &= ~63UL; !word; word = map[at / 64] ^ invert) {
		at += 64;
		if (at >= size)
			return size;
	}
	return min(at + __builtin_ctzl(word), size);
}

unsigned long find_next_bit(const unsigned long *map, unsigned long size, unsigned long at)
{
	return find_bit(map, size, at, 0);
}

unsigned long find_next_zero_bit(const unsigned long *map, unsigned long size, unsigned long at)
{
	return find_bit(map, size, at, ~0UL);
}

unsigned long find_last_bit(const unsigned long *map, unsigned long size)
{
	unsigned long i;

	for (i = size; i--;) {
		if (i % 64 == 63 && !map[i / 64])
			i -= 63;
		else if (test_bit(i, map))
			return i;
	}
	return size;
}

unsigned long bitmap_find_next_zero_area(unsigned long *map, unsigned long size,
					 unsigned long start, unsigned int n,
					 unsigned long align_mask)
{
	unsigned long at, next;

	for (;;) {
		at = find_next_zero_bit(map, size, start);
		at = (at + align_mask) & ~align_mask;
		if (at + n > size)
			return size + 1;
		next = find_next_bit(map, at + n, at);
		if (next >= at + n)
			return at;
		start = next + 1;
	}
}

/* ---- faults ---- */

static bool fault(void)
{
	__atomic_fetch_add(&shim_requests, 1, __ATOMIC_RELAXED);
	if (!READ_ONCE(shim_fail_countdown))
		return false;
	if (__atomic_sub_fetch(&shim_fail_countdown, 1, __ATOMIC_RELAXED))
		return false;
	if (shim_fail_then_all)
		WRITE_ONCE(shim_fail_countdown, 1);
	__atomic_fetch_add(&shim_faults, 1, __ATOMIC_RELAXED);
	return true;
}

/* What no request for memory may have. */
static void check_context(const char *what, bool may_sleep)
{
#ifdef SHIM_DEBUG
	if (shim_this.nlocks)
		shim_die("%s with %s held", what, ((raw_spinlock_t *)shim_this.locks[0])->name);
	if (in_nmi())
		shim_die("%s in NMI", what);
	if (may_sleep && !preemptible())
		shim_die("%s sleeps in atomic context (%#x)", what, preempt_count());
#else
	(void)what;
	(void)may_sleep;
#endif
}

#ifdef SHIM_DEBUG
void might_alloc(gfp_t gfp)
{
	if (gfpflags_allow_blocking(gfp) && !preemptible())
		shim_die("an allocation that may sleep in atomic context");
}
#endif

/* ---- pages ---- */

#ifdef SHIM_ASAN
__no_sanitize_address void __memset(void *p, int c, size_t n)
{
	volatile char *to = p;

	while (n--)
		*to++ = c;
}

#define own(p, n)	__asan_unpoison_memory_region(p, n)
#define disown(p, n)	__asan_poison_memory_region(p, n)
#else
#define own(p, n)	((void)0)
#define disown(p, n)	((void)0)
#endif

static void block_add(struct zone *z, unsigned long i, unsigned int order)
{
	struct page *page = &shim_pages[i];

	page->order = order;
	page->state = PAGE_FREE;
	list_add(&page->list, &z->free[order]);
}

static void block_del(unsigned long i)
{
	list_del(&shim_pages[i].list);
	shim_pages[i].state = PAGE_TAIL;
}

static long block_take(struct zone *z, unsigned int order)
{
	unsigned int from = order;
	unsigned long i;

	while (from < NR_ORDERS && list_empty(&z->free[from]))
		from++;
	if (from == NR_ORDERS)
		return -1;
	i = list_first_entry(&z->free[from], struct page, list) - shim_pages;
	block_del(i);
	while (from > order) {
		from--;
		block_add(z, i + (1UL << from), from);
	}
	return i;
}

static void block_give(struct zone *z, unsigned long i, unsigned int order)
{
	unsigned long buddy;

	for (; order < MAX_PAGE_ORDER; order++) {
		buddy = i ^ 1UL << order;
		if (buddy < z->start || buddy >= z->end ||
		    shim_pages[buddy].state != PAGE_FREE || shim_pages[buddy].order != order)
			break;
		block_del(buddy);
		shim_pages[i].state = PAGE_TAIL;
		i &= buddy;
	}
	block_add(z, i, order);
}

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	unsigned long flags, j;
	struct page *page = NULL;
	int z, k, top;
	long i = -1;

	check_context("alloc_pages", gfpflags_allow_blocking(gfp));
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible())
		shim_die("alloc_pages in atomic context on PREEMPT_RT");
	if (gfp & (__GFP_NOFAIL | __GFP_COMP))
		shim_die("alloc_pages with __GFP_NOFAIL or __GFP_COMP");
	if (order > MAX_PAGE_ORDER || fault())
		return NULL;
	/* zones 0 and 1 are DMA and DMA32, of node 0; then one a node */
	top = gfp & __GFP_DMA ? 0 : gfp & __GFP_DMA32 ? 1 : 1 + nr_node_ids;
	raw_spin_lock_irqsave(&zone_lock, flags);
	for (k = -1; k <= top && i < 0; k++) {
		/* the node's own first, then from the highest down */
		z = k < 0 ? 2 + nid : top - k;
		if (z > top || ((gfp & __GFP_THISNODE) && shim_pages[zones[z].start].nid != nid))
			continue;
		i = block_take(&zones[z], order);
	}
	if (i >= 0) {
		page = &shim_pages[i];
		page->order = order;
		page->state = PAGE_HEAD;
		shim_pages_out += 1UL << order;
	}
	for (j = 1; page && j < 1UL << order; j++)
		page[j].state = PAGE_OUT;
	raw_spin_unlock_irqrestore(&zone_lock, flags);
	if (!page)
		return NULL;
#ifdef SHIM_DEBUG
	own(page_address(page), PAGE_SIZE << order);
	memset(page_address(page), RUBBISH, PAGE_SIZE << order);
#endif
	if (gfp & __GFP_ZERO)
		shim_die("alloc_pages for a chunk with __GFP_ZERO");
	return page;
}

/* Pages that the core uses itself. */
struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages_node(numa_mem_id(), gfp & ~__GFP_ZERO, order);

	if (page && (gfp & __GFP_ZERO))
		memset(page_address(page), 0, PAGE_SIZE << order);
	return page;
}

void split_page(struct page *page, unsigned int order)
{
	unsigned long flags, j;

	raw_spin_lock_irqsave(&zone_lock, flags);
	if (page->state != PAGE_HEAD || page->order != order)
		shim_die("split_page of no allocation of order %u", order);
	for (j = 0; j < 1UL << order; j++) {
		page[j].state = PAGE_HEAD;
		page[j].order = 0;
	}
	raw_spin_unlock_irqrestore(&zone_lock, flags);
}

void __free_pages(struct page *page, unsigned int order)
{
	unsigned long flags, i = page - shim_pages;
	struct zone *z = zones;

	check_context("__free_pages", false);
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible())
		shim_die("__free_pages in atomic context on PREEMPT_RT");
	if (i >= shim_linear_bytes >> PAGE_SHIFT)
		shim_die("__free_pages of no page");
	raw_spin_lock_irqsave(&zone_lock, flags);
	if (page->state != PAGE_HEAD || page->order != order)
		shim_die("__free_pages of page %lu, state %u, order %u, not %u", i, page->state,
			 page->order, order);
#ifdef SHIM_DEBUG
	disown(page_address(page), PAGE_SIZE << order);
#endif
	while (i >= z->end)
		z++;
	block_give(z, i, order);
	shim_pages_out -= 1UL << order;
	raw_spin_unlock_irqrestore(&zone_lock, flags);
}

void *alloc_pages_exact(size_t bytes, gfp_t gfp)
{
	unsigned int order = get_order(bytes);
	struct page *page = alloc_pages(gfp, order);
	unsigned long i;

	if (!page)
		return NULL;
	split_page(page, order);
	for (i = DIV_ROUND_UP(bytes, PAGE_SIZE); i < 1UL << order; i++)
		__free_page(page + i);
	return page_address(page);
}

void free_pages_exact(void *p, size_t bytes)
{
	unsigned long i;

	for (i = 0; i < DIV_ROUND_UP(bytes, PAGE_SIZE); i++)
		__free_page(virt_to_page(p) + i);
}

static void zone_init(struct zone *z, unsigned long start, unsigned long end, int type, int nid)
{
	unsigned long i;
	unsigned int order;

	z->start = start;
	z->end = end;
	for (order = 0; order < NR_ORDERS; order++)
		INIT_LIST_HEAD(&z->free[order]);
	for (i = start; i < end; i++) {
		shim_pages[i].zone = type;
		shim_pages[i].nid = nid;
	}
	/* the lowest addresses are taken first */
	for (i = end; i > start; i -= 1UL << MAX_PAGE_ORDER)
		block_add(z, i - (1UL << MAX_PAGE_ORDER), MAX_PAGE_ORDER);
}

static void linear_init(unsigned long bytes)
{
	const unsigned long align = 1UL << 30, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	unsigned long n = bytes >> PAGE_SHIFT, dma = n / 64, dma32 = n / 4, half = n / 4 + n / 8;
	char *p;

	dma = round_up(dma, 1UL << MAX_PAGE_ORDER);
	p = mmap(NULL, bytes + align, PROT_READ | PROT_WRITE, flags, -1, 0);
	shim_pages = mmap(NULL, n * sizeof(*shim_pages), PROT_READ | PROT_WRITE, flags, -1, 0);
	if (p == MAP_FAILED || (void *)shim_pages == MAP_FAILED)
		shim_die("no room for a linear map of %lu bytes", bytes);
#ifndef SHIM_DEBUG
	/* as the kernel's linear map */
	madvise(p, bytes + align, MADV_HUGEPAGE);
#endif
	shim_linear = ALIGN((unsigned long)p, align);
	shim_linear_bytes = bytes;
	zone_init(&zones[0], 0, dma, ZONE_DMA, 0);
	zone_init(&zones[1], dma, dma32, ZONE_DMA32, 0);
	half = nr_node_ids > 1 ? round_down(dma32 + half, 1UL << MAX_PAGE_ORDER) : n;
	zone_init(&zones[2], dma32, half, ZONE_NORMAL, 0);
	if (nr_node_ids > 1)
		zone_init(&zones[3], half, n, ZONE_NORMAL, 1);
#ifdef SHIM_DEBUG
	disown((void *)shim_linear, bytes);
#endif
}

/* ---- slab, vmalloc, percpu ---- */

struct chunk {
	size_t bytes;
	size_t pad[7];
};

static void *memory_get(size_t bytes, size_t align, bool zero)
{
	size_t head = max(align, sizeof(struct chunk));
	char *p;

	if (fault())
		return NULL;
	p = aligned_alloc(head, round_up(bytes + head, head));
	if (!p)
		shim_die("out of memory");
	memset(p + head, zero ? 0 : RUBBISH, bytes);
	((struct chunk *)(p + head))[-1].bytes = bytes;
	__atomic_fetch_add(&shim_bytes_out, bytes, __ATOMIC_RELAXED);
	return p + head;
}

static void memory_put(const void *p, size_t align)
{
	size_t head = max(align, sizeof(struct chunk));

	if (!p)
		return;
	__atomic_fetch_sub(&shim_bytes_out, ((struct chunk *)p)[-1].bytes, __ATOMIC_RELAXED);
	free((char *)p - head);
}

void *kmalloc_node(size_t size, gfp_t gfp, int nid)
{
	check_context("kmalloc", gfpflags_allow_blocking(gfp));
	(void)nid;
	return memory_get(size, 64, gfp & __GFP_ZERO);
}

void kfree(const void *p)
{
	memory_put(p, 64);
}

size_t ksize(const void *p)
{
	return ((struct chunk *)p)[-1].bytes;
}

void *__vmalloc(size_t bytes, gfp_t gfp)
{
	check_context("vmalloc", true);
	return memory_get(PAGE_ALIGN(bytes), PAGE_SIZE, gfp & __GFP_ZERO);
}

void vfree(const void *p)
{
	memory_put(p, PAGE_SIZE);
}

bool is_vmalloc_addr(const void *p)
{
	return !virt_addr_valid(p);
}

/* Copies: they may only be read. */
void *vmap(struct page **pages, unsigned int n, unsigned long flags, int prot)
{
	unsigned int i;
	char *p;

	(void)flags;
	(void)prot;
	if (fault())
		return NULL;
	p = mmap(NULL, (n + 1) * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		 0);
	if (p == MAP_FAILED)
		shim_die("out of memory");
	*(size_t *)p = (n + 1) * PAGE_SIZE;
	for (i = 0; i < n; i++)
		memcpy(p + (i + 1) * PAGE_SIZE, page_address(pages[i]), PAGE_SIZE);
	mprotect(p, (n + 1) * PAGE_SIZE, PROT_READ);
	return p + PAGE_SIZE;
}

void vunmap(const void *p)
{
	char *start = (char *)p - PAGE_SIZE;

	munmap(start, *(size_t *)start);
}

extern char __start_shim_percpu[], __stop_shim_percpu[];
static size_t percpu_used;
static DEFINE_PER_CPU(long, percpu_anchor);	/* so that the section exists */

void *__alloc_percpu(size_t size, size_t align)
{
	size_t at;
	int cpu;

	check_context("alloc_percpu", true);
	if (fault())
		return NULL;
	/* the copies are aligned to their size */
	at = round_up(percpu_used, align);
	percpu_used = at + size;
	if (percpu_used > PERCPU_BYTES)
		shim_die("out of percpu memory");
	for_each_possible_cpu(cpu)
		memset((void *)((unsigned long)__start_shim_percpu + at + shim_cpu_offset[cpu]), 0,
		       size);
	return __start_shim_percpu + at;
}

void free_percpu(void *p)
{
	/* not used again: what it is for is loaded once a process */
	(void)p;
}

static void percpu_init(void)
{
	size_t bytes = __stop_shim_percpu - __start_shim_percpu;
	int cpu;
	char *p;

	percpu_anchor = 0;
	percpu_used = bytes;
	p = mmap(NULL, (NR_CPUS + 1) * PERCPU_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		shim_die("out of memory");
	p = (char *)ALIGN((unsigned long)p, PERCPU_BYTES);
	for_each_possible_cpu(cpu) {
		memcpy(p + cpu * PERCPU_BYTES, __start_shim_percpu, bytes);
		shim_cpu_offset[cpu] = (unsigned long)p + cpu * PERCPU_BYTES -
				       (unsigned long)__start_shim_percpu;
	}
}

/* ---- locks ---- */

void shim_lock_wait(raw_spinlock_t *lock)
{
	unsigned int i;

	for (i = 1; !(READ_ONCE(lock->locked) == 0 && shim_lock_try(lock)); i++) {
		cpu_relax();
		/* more threads than CPUs of the machine */
		if (i % 256 == 0)
			sched_yield();
	}
}

/* Which class was ever taken with which held. */
static const char *lock_names[16];
static char lock_before[16][16];
static pthread_mutex_t lock_mutex = PTHREAD_MUTEX_INITIALIZER;

static int lock_class(const char *name)
{
	int i;

	for (i = 0; i < 16; i++) {
		if (!lock_names[i])
			lock_names[i] = name;
		if (!strcmp(lock_names[i], name))
			return i;
	}
	shim_die("too many classes of locks");
}

/* About to take @lock, waiting for it if need be; NULL: not waiting. */
void shim_lock_note(raw_spinlock_t *lock)
{
	raw_spinlock_t *held;
	int i, a, b;

	if (shim_this.nlocks == ARRAY_SIZE(shim_this.locks))
		shim_die("too many locks held");
	if (!lock)
		return;
	if (!irqs_disabled())
		shim_die("%s taken with interrupts on", lock->name);
	if (!lock->name)
		shim_die("a lock that was not initialised");
	if (shim_this.nlocks) {
		/* interrupts are off: no handler can want this mutex */
		pthread_mutex_lock(&lock_mutex);
		b = lock_class(lock->name);
		for (i = 0; i < shim_this.nlocks; i++) {
			held = shim_this.locks[i];
			a = lock_class(held->name);
			if (a == b || lock_before[b][a])
				shim_die("%s taken with %s held", lock->name, held->name);
			lock_before[a][b] = 1;
		}
		pthread_mutex_unlock(&lock_mutex);
	}
	shim_this.locks[shim_this.nlocks++] = lock;
}

void shim_lock_forget(raw_spinlock_t *lock)
{
	if (!shim_this.nlocks || shim_this.locks[shim_this.nlocks - 1] != lock)
		shim_die("%s dropped, but it is not the last that was taken", lock->name);
	shim_this.nlocks--;
}

void mutex_lock(struct mutex *m)
{
	int old = 0;

	while (!__atomic_compare_exchange_n(&m->locked, &old, 1, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		old = 0;
		shim_idle();
	}
	shim_this.nmutexes++;
}

void mutex_unlock(struct mutex *m)
{
	shim_this.nmutexes--;
	__atomic_store_n(&m->locked, 0, __ATOMIC_RELEASE);
}

void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	barrier();
#endif
}

/* ---- CPUs ---- */

static void become(int cpu)
{
	shim_this.offset = cpu < 0 ? 0 : shim_cpu_offset[cpu];
	shim_this.cpu = cpu;
	shim_this.nid = cpu < 0 ? 0 : cpu_to_node(cpu);
}

void shim_cpu_attach(int cpu)
{
	struct cpu *c = &cpus[cpu];

	if (shim_this.cpu >= 0)
		shim_die("plays a CPU already");
	pthread_mutex_lock(&c->played);
	__atomic_fetch_add(&c->quiescent, 1, __ATOMIC_SEQ_CST);
	c->thread = pthread_self();
	__atomic_store_n(&c->attached, 1, __ATOMIC_SEQ_CST);
	become(cpu);
}

void shim_cpu_detach(void)
{
	struct cpu *c = &cpus[shim_this.cpu];

	if (!preemptible())
		shim_die("leaves its CPU in atomic context");
	shim_poll();
	become(-1);
	__atomic_store_n(&c->attached, 0, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&c->played);
}

static void run_works(struct work_struct **list)
{
	struct work_struct *work, *next;

	if (!READ_ONCE(*list))
		return;
	for (work = xchg(list, NULL); work; work = next) {
		next = work->next;
		__atomic_store_n(&work->running, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&work->pending, 0, __ATOMIC_SEQ_CST);
		work->func(work);
		__atomic_store_n(&work->running, 0, __ATOMIC_SEQ_CST);
	}
}

static struct work_struct *any_works;

static void push_work(struct work_struct **list, struct work_struct *work)
{
	work->next = READ_ONCE(*list);
	while (!try_cmpxchg(list, &work->next, work))
		;
}

bool queue_work_on(int cpu, struct workqueue_struct *wq, struct work_struct *work)
{
	(void)wq;
	if (xchg(&work->pending, 1))
		return false;
	work->cpu = cpu;
	push_work(cpu < 0 ? &any_works : &cpus[cpu].works, work);
	return true;
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	return queue_work_on(-1, wq, work);
}

static void run_irq_works(struct cpu *c);

/* If nobody plays @cpu, be it and do its work. */
static void stand_in(int cpu)
{
	int was = shim_this.cpu;

	if (cpu == was || pthread_mutex_trylock(&cpus[cpu].played))
		return;
	become(cpu);
	run_works(&cpus[cpu].works);
	run_irq_works(&cpus[cpu]);
	become(was);
	pthread_mutex_unlock(&cpus[cpu].played);
}

bool flush_work(struct work_struct *work)
{
	bool busy = false;

	while (__atomic_load_n(&work->pending, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&work->running, __ATOMIC_SEQ_CST)) {
		busy = true;
		if (work->cpu >= 0)
			stand_in(work->cpu);
		shim_idle();
	}
	return busy;
}

bool cancel_work_sync(struct work_struct *work)
{
	return flush_work(work);
}

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max)
{
	static int some;

	(void)name;
	(void)flags;
	(void)max;
	return fault() ? NULL : (void *)&some;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	(void)wq;
}

static int (*dead_call)(unsigned int);

int cpuhp_setup_state_nocalls(int state, const char *name, int (*up)(unsigned int),
			      int (*dead)(unsigned int))
{
	(void)state;
	(void)name;
	(void)up;
	dead_call = dead;
	return 42;
}

void cpuhp_remove_state_nocalls(int state)
{
	if (state != 42 || !dead_call)
		shim_die("a hotplug state that is not");
	dead_call = NULL;
}

/* @cpu, which nobody plays, has died: another one tidies up. */
void shim_cpu_dead(int cpu)
{
	pthread_mutex_lock(&cpus[cpu].played);
	dead_call(cpu);
	pthread_mutex_unlock(&cpus[cpu].played);
}

/* ---- RCU ---- */

static struct rcu_head *rcu_new;		/* since the grace period began */
static struct rcu_head *rcu_waiting;
static unsigned long rcu_seen[NR_CPUS];
static unsigned long rcu_queued, rcu_done;
static pthread_mutex_t rcu_mutex = PTHREAD_MUTEX_INITIALIZER;

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	__atomic_fetch_add(&rcu_queued, 1, __ATOMIC_SEQ_CST);
	head->next = READ_ONCE(rcu_new);
	while (!try_cmpxchg(&rcu_new, &head->next, head))
		;
}

static bool grace_period_over(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (__atomic_load_n(&cpus[cpu].attached, __ATOMIC_SEQ_CST) &&
		    __atomic_load_n(&cpus[cpu].quiescent, __ATOMIC_SEQ_CST) == rcu_seen[cpu])
			return false;
	return true;
}

static void rcu_advance(void)
{
	struct rcu_head *head, *done = NULL;
	int cpu;

	if (__atomic_load_n(&rcu_queued, __ATOMIC_RELAXED) ==
	    __atomic_load_n(&rcu_done, __ATOMIC_RELAXED) || pthread_mutex_trylock(&rcu_mutex))
		return;
	if (rcu_waiting && grace_period_over()) {
		done = rcu_waiting;
		rcu_waiting = NULL;
	}
	if (!rcu_waiting && READ_ONCE(rcu_new)) {
		rcu_waiting = xchg(&rcu_new, NULL);
		for_each_possible_cpu(cpu)
			rcu_seen[cpu] = __atomic_load_n(&cpus[cpu].quiescent, __ATOMIC_SEQ_CST);
	}
	pthread_mutex_unlock(&rcu_mutex);
	while ((head = done)) {
		done = head->next;
		shim_count_add(SOFTIRQ_OFFSET);
		head->func(head);
		shim_count_sub(SOFTIRQ_OFFSET);
		__atomic_fetch_add(&rcu_done, 1, __ATOMIC_SEQ_CST);
	}
}

void rcu_barrier(void)
{
	unsigned long until = __atomic_load_n(&rcu_queued, __ATOMIC_SEQ_CST);

	while ((long)(__atomic_load_n(&rcu_done, __ATOMIC_SEQ_CST) - until) < 0)
		shim_idle();
}

void synchronize_rcu(void)
{
	int cpu;
	unsigned long seen[NR_CPUS];

	for_each_possible_cpu(cpu)
		seen[cpu] = __atomic_load_n(&cpus[cpu].quiescent, __ATOMIC_SEQ_CST);
	for_each_possible_cpu(cpu)
		while (__atomic_load_n(&cpus[cpu].attached, __ATOMIC_SEQ_CST) &&
		       __atomic_load_n(&cpus[cpu].quiescent, __ATOMIC_SEQ_CST) == seen[cpu])
			shim_idle();
}

/* ---- stop_machine, polling ---- */

static int stopping;
static struct mutex stop_mutex;

static void park(struct cpu *c)
{
	unsigned long flags;

	local_irq_save(flags);
	__atomic_store_n(&c->parked, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&stopping, __ATOMIC_SEQ_CST))
		sched_yield();
	__atomic_store_n(&c->parked, 0, __ATOMIC_SEQ_CST);
	local_irq_restore(flags);
}

int stop_machine(int (*fn)(void *data), void *data, const void *mask)
{
	bool standing_in[NR_CPUS] = { false };
	unsigned long flags;
	int cpu, ret;

	(void)mask;
	check_context("stop_machine", true);
	mutex_lock(&stop_mutex);
	__atomic_store_n(&stopping, 1, __ATOMIC_SEQ_CST);
	for_each_possible_cpu(cpu) {
		if (cpu == shim_this.cpu)
			continue;
		while (!__atomic_load_n(&cpus[cpu].parked, __ATOMIC_SEQ_CST)) {
			standing_in[cpu] = !pthread_mutex_trylock(&cpus[cpu].played);
			if (standing_in[cpu])
				break;
			sched_yield();
		}
	}
	local_irq_save(flags);
	ret = fn(data);
	local_irq_restore(flags);
	__atomic_store_n(&stopping, 0, __ATOMIC_SEQ_CST);
	for_each_possible_cpu(cpu) {
		if (standing_in[cpu])
			pthread_mutex_unlock(&cpus[cpu].played);
		while (__atomic_load_n(&cpus[cpu].parked, __ATOMIC_SEQ_CST))
			sched_yield();
	}
	mutex_unlock(&stop_mutex);
	return ret;
}

static void run_irq_works(struct cpu *c)
{
	struct irq_work *work, *next;

	if (!READ_ONCE(c->irq_works))
		return;
	shim_count_add(HARDIRQ_OFFSET);
	for (work = xchg(&c->irq_works, NULL); work; work = next) {
		next = work->next;
		__atomic_store_n(&work->pending, 2, __ATOMIC_SEQ_CST);
		work->func(work);
		/* unless it was queued again meanwhile */
		cmpxchg(&work->pending, 2, 0);
	}
	shim_count_sub(HARDIRQ_OFFSET);
}

/*
 * What goes on behind the CPU's back happens now; with @unbound also what any CPU may
 * do. Work that takes a mutex is such, and never begins where one is held: in the
 * kernel it would have a thread of its own to wait in.
 */
static void poll_cpu(bool unbound)
{
	struct cpu *c;
	int was_errno = errno, was_polling = shim_this.polling;

	if (shim_this.cpu < 0 || !preemptible())
		return;
	c = &cpus[shim_this.cpu];
	shim_this.polling = 1;
	__atomic_store_n(&c->quiescent, c->quiescent + 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&stopping, __ATOMIC_SEQ_CST))
		park(c);
	run_irq_works(c);
	run_works(&c->works);
	if (unbound)
		run_works(&any_works);
	rcu_advance();
	shim_this.polling = was_polling;
	errno = was_errno;
}

/* The CPU is preemptible. */
void shim_poll(void)
{
	if (!shim_this.polling)
		poll_cpu(!shim_this.nmutexes);
}

/* Wait a moment: as work does, too, and the CPU has to go on meanwhile. */
void shim_idle(void)
{
	poll_cpu(!shim_this.polling && !shim_this.nmutexes);
	sched_yield();
}

void schedule_timeout_uninterruptible(long ticks)
{
	(void)ticks;
	shim_idle();
}

/* preempt_enable() has made the CPU preemptible. */
void shim_preempt_check(void)
{
	static __thread unsigned int n;

	if (shim_this.polling)
		return;
	shim_poll();
	if (shim_preempted && ++n % 61 == 0) {
		shim_this.polling = 1;
		shim_preempted();
		shim_this.polling = 0;
	}
}

/* ---- interrupts ---- */

void init_irq_work(struct irq_work *work, void (*func)(struct irq_work *work))
{
	*work = (struct irq_work){ .func = func };
}

bool irq_work_queue(struct irq_work *work)
{
	struct cpu *c = &cpus[shim_this.cpu];

	if (xchg(&work->pending, 1) == 1)
		return false;
	work->next = READ_ONCE(c->irq_works);
	while (!try_cmpxchg(&c->irq_works, &work->next, work))
		;
#ifdef SHIM_DEBUG
	*(volatile int *)&shim_this.irq_pending = 1;
	if (!irqs_disabled() && !in_hardirq())
		shim_irq_run();
#endif
	return true;
}

void irq_work_sync(struct irq_work *work)
{
	while (__atomic_load_n(&work->pending, __ATOMIC_SEQ_CST))
		shim_idle();
}

/* Interrupts are on, and one has come. */
void shim_irq_run(void)
{
	int was_errno = errno;

	if (in_hardirq() || shim_this.cpu < 0)
		return;
	do {
		shim_this.irq_off = 1;
		*(volatile int *)&shim_this.irq_pending = 0;
		run_irq_works(&cpus[shim_this.cpu]);
		shim_count_add(HARDIRQ_OFFSET);
		if (hard_hook)
			hard_hook();
		shim_count_sub(HARDIRQ_OFFSET);
		barrier();
		*(volatile int *)&shim_this.irq_off = 0;
		if (soft_hook && !in_interrupt()) {
			shim_count_add(SOFTIRQ_OFFSET);
			soft_hook();
			shim_count_sub(SOFTIRQ_OFFSET);
		}
	} while (*(volatile int *)&shim_this.irq_pending);
	errno = was_errno;
}

static void on_signal(int sig)
{
	(void)sig;
	*(volatile int *)&shim_this.irq_pending = 1;
	if (shim_this.cpu >= 0 && !irqs_disabled() && !in_hardirq())
		shim_irq_run();
}

void shim_interrupts(void (*hard)(void), void (*soft)(void))
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	hard_hook = hard;
	soft_hook = soft;
	sigaction(SIGUSR1, &sa, NULL);
}

void shim_interrupt_me(void)
{
	raise(SIGUSR1);
}

void shim_interrupt_cpu(int cpu)
{
	if (__atomic_load_n(&cpus[cpu].attached, __ATOMIC_SEQ_CST))
		pthread_kill(cpus[cpu].thread, SIGUSR1);
}

/* ---- start ---- */

void goalloc_debugfs_init(void);
void goalloc_debugfs_exit(void);

/*
 * goalloc_debugfs.c, goalloc_fault.c, goalloc_shrinker.c and goalloc_scavenger.c are
 * left out: faults are the shim's own, and nobody is short of memory.
 */
int goalloc_shrinker_init(void);
void goalloc_shrinker_exit(void);
bool goalloc_scavenger_wants(void);
void goalloc_scavenger_arm(void);
void goalloc_scavenger_changed(void);
extern unsigned int goalloc_scavenge_ms;

unsigned int goalloc_scavenge_ms;

void goalloc_scavenger_changed(void)
{
}

void goalloc_scavenger_start(void);
void goalloc_scavenger_stop(void);
unsigned long long goalloc_scavenger_pages(void);

bool goalloc_scavenger_wants(void)
{
	return false;
}

void goalloc_scavenger_arm(void)
{
}

void goalloc_scavenger_start(void)
{
}

void goalloc_scavenger_stop(void)
{
}

unsigned long long goalloc_scavenger_pages(void)
{
	return 0;
}

int goalloc_shrinker_init(void)
{
	return 0;
}

void goalloc_shrinker_exit(void)
{
}

void goalloc_debugfs_init(void)
{
}

void goalloc_debugfs_exit(void)
{
}

DEFINE_STATIC_KEY_FALSE(goalloc_fault_key);
bool goalloc_fault_hit(size_t bytes, gfp_t gfp);

bool goalloc_fault_hit(size_t bytes, gfp_t gfp)
{
	return false;
}

void shim_boot(const struct shim_config *config)
{
	int cpu;

	nr_node_ids = config->nodes;
	for_each_possible_cpu(cpu)
		pthread_mutex_init(&cpus[cpu].played, NULL);
	percpu_init();
	linear_init(config->bytes);
}
