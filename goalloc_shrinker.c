// SPDX-License-Identifier: GPL-2.0
/*
 * Memory pressure: what goalloc gives back when the kernel asks.
 *
 * First the free pages of a node's mheap. If these are not enough, the objects in the
 * node's depots go home and with them the pages of spans that they kept in use; and every
 * CPU is asked to drain its mcache, as only a CPU itself may touch its bins: what comes
 * of that is there when the kernel asks the next time.
 *
 * Counted are free pages and depots: all of the first go, of the second what was not
 * spread over spans that are still in use. So the count is an upper bound, and scanning
 * says what really went.
 *
 * No state but the shrinker itself; locks are those of what is called. The kernel calls
 * in here from any allocation that may sleep, goalloc's own too: those hold no lock.
 */
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/shrinker.h>

#include "goalloc_internal.h"

static unsigned long depot_bytes(int nid)
{
	struct goalloc_class *class;
	unsigned long bytes = 0;
	int i;

	for_each_goalloc_class(class, i)
		bytes += (unsigned long)READ_ONCE(class->central[nid]->nfull) * class->capacity *
			 class->size;
	return bytes;
}

static unsigned long count_objects(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long pages;

	pages = (READ_ONCE(goalloc_mheaps[sc->nid]->free) << GOALLOC_PAGE_ORDER) +
		(depot_bytes(sc->nid) >> PAGE_SHIFT);
	return pages ?: SHRINK_EMPTY;
}

/* Give back @pages of @heap, if it has them free. */
static unsigned long release(struct goalloc_mheap *heap, unsigned long pages)
{
	unsigned long n = DIV_ROUND_UP(pages, 1 << GOALLOC_PAGE_ORDER);
	unsigned long free = READ_ONCE(heap->free);

	return goalloc_mheap_release(heap, free - min(free, n));
}

static unsigned long scan_objects(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct goalloc_mheap *heap = goalloc_mheaps[sc->nid];
	unsigned long want = sc->nr_to_scan, released;
	struct goalloc_class *class;
	int i;

	released = release(heap, want);
	if (released < want) {
		for_each_goalloc_class(class, i)
			goalloc_mcentral_release(class->central[sc->nid]);
		released += release(heap, want - released);
	}
	if (released < want)
		goalloc_mcache_drain_ask();
	return released ?: SHRINK_STOP;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
static struct shrinker *goalloc_shrinker;

int goalloc_shrinker_init(void)
{
	if (!goalloc_fault(0, GFP_KERNEL))
		goalloc_shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "goalloc");
	if (!goalloc_shrinker)
		return -ENOMEM;
	goalloc_shrinker->count_objects = count_objects;
	goalloc_shrinker->scan_objects = scan_objects;
	goalloc_shrinker->seeks = 1;	/* nothing has to be read again */
	shrinker_register(goalloc_shrinker);
	return 0;
}

void goalloc_shrinker_exit(void)
{
	shrinker_free(goalloc_shrinker);
	goalloc_shrinker = NULL;
}
#else
static struct shrinker goalloc_shrinker = {
	.count_objects = count_objects,
	.scan_objects = scan_objects,
	.seeks = 1,		/* nothing has to be read again */
	.flags = SHRINKER_NUMA_AWARE,
};

static bool registered;

int goalloc_shrinker_init(void)
{
	int err = -ENOMEM;

	if (!goalloc_fault(0, GFP_KERNEL))
		err = register_shrinker(&goalloc_shrinker, "goalloc");
	registered = !err;
	return err;
}

void goalloc_shrinker_exit(void)
{
	if (registered)
		unregister_shrinker(&goalloc_shrinker);
	registered = false;
}
#endif
