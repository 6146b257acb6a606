// SPDX-License-Identifier: GPL-2.0
/*
 * Memory pressure: what goalloc gives back when the kernel asks.
 *
 * goalloc_reclaim() says in which order. Counted are free pages and depots: all of the
 * first go, of the second what was not spread over spans that are still in use. So the
 * count is an upper bound, and scanning says what really went. Before the kernel kills a
 * process for want of memory all of it goes, by the OOM notifier.
 *
 * No state but the shrinker itself; locks are those of what is called. The kernel calls
 * in here from any allocation that may sleep, goalloc's own too: those hold no lock.
 */
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/oom.h>
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

static unsigned long scan_objects(struct shrinker *shrinker, struct shrink_control *sc)
{
	return goalloc_reclaim(sc->nid, sc->nr_to_scan) ?: SHRINK_STOP;
}

/* Before a process is killed for want of memory: all that is free or cached. */
static int on_oom(struct notifier_block *nb, unsigned long action, void *freed)
{
	unsigned long *pages = freed, released = 0;
	int nid;

	for_each_node(nid)
		released += goalloc_reclaim(nid, ULONG_MAX);
	*pages += released;
	return NOTIFY_OK;
}

static struct notifier_block oom_nb = {
	.notifier_call = on_oom,
};

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
	return register_oom_notifier(&oom_nb);
}

void goalloc_shrinker_exit(void)
{
	unregister_oom_notifier(&oom_nb);
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
	return err ?: register_oom_notifier(&oom_nb);
}

void goalloc_shrinker_exit(void)
{
	unregister_oom_notifier(&oom_nb);
	if (registered)
		unregister_shrinker(&goalloc_shrinker);
	registered = false;
}
#endif
