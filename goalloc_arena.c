// SPDX-License-Identifier: GPL-2.0
/*
 * Arenas: from any address to its span, without a lock.
 *
 * As in Go's heapArena, the address space is cut into arenas of 64 MiB with a
 * sparse index, but of the kernel's linear map, as that is where pages are. The
 * table of spans is cut finer, into leaves of 512 pages, as the page allocator
 * gives chunks from all over memory: a leaf is 4 KiB for 4 MiB where Go's whole
 * table would be 64 KiB. What is not there is answered by stand-ins, so that a
 * lookup needs no test: &goalloc_no_span for a page, no_leaf for a leaf.
 *
 *	goalloc_arenas.leaves[i] -> leaf -> spans[page] -> mspan
 *
 * Arenas and leaves come and never go before the module does. The index covers the
 * memory there is; for memory that is plugged in it gets longer tables, before the page
 * allocator can give any of it (as slab does). Where the memory of
 * two nodes meets in 64 MiB, each node has an arena of its own for them: so a
 * node's mheap has pages of that node only.
 *
 * Locks: arena_lock protects the installation of arenas, leaves and tables, and the
 * spares; the mheap's lock nests inside. An entry of ->spans is written by the owner of
 * its page.
 */
#include <linux/bitmap.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/spinlock.h>

#include "goalloc_internal.h"

static const u8 guard = GOALLOC_NONE;

/* Every pointer fails its test for an object's first byte, as recip is 0. */
struct goalloc_mspan goalloc_no_span = {
	.states = (u8 *)&guard,
	.kind_class = GOALLOC_SPAN_DEAD,
};
EXPORT_SYMBOL_GPL(goalloc_no_span);

struct goalloc_arena_index goalloc_arenas __read_mostly;
EXPORT_SYMBOL_GPL(goalloc_arenas);

#define SPARE_LEAVES	4	/* for atomic context */

static DEFINE_RAW_SPINLOCK(arena_lock);
static struct goalloc_arena *spare_arena;	/* for atomic context, too */
static struct goalloc_leaf *spare_leaves[SPARE_LEAVES];
static struct goalloc_leaf *no_leaf;

/* ---- the reserve ---- */

static struct goalloc_arena *arena_create(gfp_t gfp)
{
	struct goalloc_arena *arena = goalloc_meta_vzalloc(sizeof(*arena), gfp);

	if (arena)
		bitmap_fill(arena->busy, GOALLOC_ARENA_PAGES);
	return arena;
}

static struct goalloc_leaf *leaf_create(gfp_t gfp)
{
	struct goalloc_leaf *leaf = goalloc_meta_vzalloc(sizeof(*leaf), gfp);
	unsigned long i;

	for (i = 0; leaf && i < GOALLOC_LEAF_PAGES; i++)
		leaf->spans[i] = &goalloc_no_span;
	return leaf;
}

/* Put @new where nothing is; what is left over. */
static void *fill(void **slot, void *new)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&arena_lock, flags);
	if (!*slot) {
		WRITE_ONCE(*slot, new);		/* pairs with goalloc_arena_wants() */
		new = NULL;
	}
	raw_spin_unlock_irqrestore(&arena_lock, flags);
	return new;
}

/* Take what is in @slot. */
static void *take(void **slot)
{
	unsigned long flags;
	void *p;

	raw_spin_lock_irqsave(&arena_lock, flags);
	p = *slot;
	WRITE_ONCE(*slot, NULL);	/* pairs with goalloc_arena_wants() */
	raw_spin_unlock_irqrestore(&arena_lock, flags);
	return p;
}

/* Does the worker have to fill the reserve? */
bool goalloc_arena_wants(void)
{
	return !READ_ONCE(spare_arena) || !READ_ONCE(spare_leaves[SPARE_LEAVES - 1]);
}

/* The worker's part: keep an arena and leaves at hand. */
void goalloc_arena_refill(void)
{
	int i;

	if (!READ_ONCE(spare_arena))
		goalloc_meta_free(fill((void **)&spare_arena, arena_create(GFP_KERNEL)),
				  sizeof(struct goalloc_arena));
	for (i = 0; i < SPARE_LEAVES; i++)
		if (!READ_ONCE(spare_leaves[i]))
			goalloc_meta_free(fill((void **)&spare_leaves[i], leaf_create(GFP_KERNEL)),
					  sizeof(struct goalloc_leaf));
}

static struct goalloc_arena *arena_get(gfp_t gfp)
{
	struct goalloc_arena *arena = NULL;

	if (gfpflags_allow_blocking(gfp))
		arena = arena_create(gfp);
	return arena ?: take((void **)&spare_arena) ?: arena_create(gfp);
}

static struct goalloc_leaf *leaf_get(gfp_t gfp)
{
	struct goalloc_leaf *leaf = NULL;
	int i;

	if (gfpflags_allow_blocking(gfp))
		leaf = leaf_create(gfp);
	for (i = SPARE_LEAVES; !leaf && i--;)
		leaf = take((void **)&spare_leaves[i]);
	return leaf ?: leaf_create(gfp);
}

/* ---- arenas ---- */

/* Where the arenas that @addr lies in begin, or NULL. */
static struct goalloc_arena **arenas_of(unsigned long addr)
{
	unsigned long off = addr - goalloc_arenas.base;

	/* pairs with index_grow() */
	if (off >> GOALLOC_LEAF_SHIFT >= smp_load_acquire(&goalloc_arenas.nr))
		return NULL;
	return &READ_ONCE(goalloc_arenas.arenas)[off >> GOALLOC_ARENA_SHIFT];
}

/* The arena of @nid that @addr lies in, or NULL. */
struct goalloc_arena *goalloc_arena_of(unsigned long addr, int nid)
{
	struct goalloc_arena **slot = arenas_of(addr), *arena;

	if (!slot)
		return NULL;
	for (arena = READ_ONCE(*slot); arena && arena->nid != nid; arena = arena->other)
		;
	return arena;
}

/* Has goalloc the page at @p from the page allocator? A snapshot. */
bool goalloc_arena_held(const void *p)
{
	struct goalloc_arena **slot = arenas_of((unsigned long)p), *arena;

	if (!slot)
		return false;
	for (arena = READ_ONCE(*slot); arena; arena = arena->other)
		if (test_bit(((unsigned long)p - arena->base) >> GOALLOC_PAGE_SHIFT, arena->held))
			return true;
	return false;
}

/* Have a leaf with index @i. */
static bool leaf_ensure(unsigned long i, gfp_t gfp)
{
	struct goalloc_leaf *leaf;
	unsigned long flags;

	if (READ_ONCE(READ_ONCE(goalloc_arenas.leaves)[i]) != no_leaf)
		return true;
	leaf = leaf_get(gfp);
	if (!leaf)
		return false;
	raw_spin_lock_irqsave(&arena_lock, flags);
	if (goalloc_arenas.leaves[i] == no_leaf) {
		/* its spans are there before it; pairs with goalloc_span_of() */
		smp_store_release(&goalloc_arenas.leaves[i], leaf);
		leaf = NULL;
	}
	raw_spin_unlock_irqrestore(&arena_lock, flags);
	goalloc_meta_free_later(leaf, sizeof(*leaf));
	return true;
}

/**
 * goalloc_arena_ensure() - have an arena and leaves for pages
 * @addr: in the linear map
 * @bytes: a power of two that @addr is a multiple of, at most an arena
 * @nid: node of the pages
 * @gfp: if it does not allow to sleep, the reserve is used
 *
 * Context: as @gfp says, no lock held.
 * Return: the arena, or NULL: no memory, or an address beyond the index.
 */
struct goalloc_arena *goalloc_arena_ensure(unsigned long addr, unsigned long bytes, int nid,
					   gfp_t gfp)
{
	unsigned long off = addr - goalloc_arenas.base, i;
	struct goalloc_arena **slot, *arena, *new;
	unsigned long flags;

	/* pairs with index_grow() */
	if ((off + bytes - 1) >> GOALLOC_LEAF_SHIFT >= smp_load_acquire(&goalloc_arenas.nr))
		return NULL;
	for (i = off >> GOALLOC_LEAF_SHIFT; i <= (off + bytes - 1) >> GOALLOC_LEAF_SHIFT; i++)
		if (!leaf_ensure(i, gfp))
			return NULL;
	arena = goalloc_arena_of(addr, nid);
	if (!arena) {
		new = arena_get(gfp);
		if (!new)
			return NULL;
		new->base = goalloc_arenas.base + round_down(off, 1UL << GOALLOC_ARENA_SHIFT);
		new->nid = nid;
		raw_spin_lock_irqsave(&arena_lock, flags);
		arena = goalloc_arena_of(addr, nid);
		if (!arena) {
			slot = arenas_of(addr);
			new->other = *slot;
			goalloc_mheap_add_arena(new);
			/* pairs with the address dependency in goalloc_arena_of() */
			smp_store_release(slot, new);
			swap(arena, new);
		}
		raw_spin_unlock_irqrestore(&arena_lock, flags);
		goalloc_meta_free_later(new, sizeof(*new));
	}
	if (goalloc_arena_wants())
		goalloc_meta_kick();
	return arena;
}

/**
 * goalloc_arena_set() - say what span pages belong to
 * @addr: first page
 * @npages: goalloc pages, within one arena
 * @span: a complete mspan, or &goalloc_no_span
 *
 * Context: any, by the owner of the pages.
 */
void goalloc_arena_set(unsigned long addr, unsigned long npages, struct goalloc_mspan *span)
{
	unsigned long i = (addr - goalloc_arenas.base) >> GOALLOC_PAGE_SHIFT;
	struct goalloc_leaf *leaf;

	for (; npages--; i++) {
		leaf = READ_ONCE(READ_ONCE(goalloc_arenas.leaves)[i / GOALLOC_LEAF_PAGES]);
		/* whoever sees @span sees its fields; pairs with goalloc_span_of() */
		smp_store_release(&leaf->spans[i % GOALLOC_LEAF_PAGES], span);
	}
}

/* ---- the index ---- */

/*
 * The tables of the index, arenas first. Lookups may be reading those that were
 * replaced, so all stay; each is at least twice as long as the one before.
 */
struct tables {
	struct tables *older;
	size_t bytes;
	void *slots[];
};

static struct tables *tables;
static DEFINE_MUTEX(index_mutex);	/* for who makes it grow */

static unsigned long nr_arenas(unsigned long nr)
{
	return DIV_ROUND_UP(nr << GOALLOC_LEAF_SHIFT, 1UL << GOALLOC_ARENA_SHIFT);
}

/* Have the index cover the linear map up to @end. Context: may sleep. */
static int index_grow(unsigned long end)
{
	unsigned long nr, i, flags, old_nr;
	struct tables *new;
	size_t bytes;
	int err = 0;

	mutex_lock(&index_mutex);
	old_nr = goalloc_arenas.nr;
	nr = DIV_ROUND_UP(end - goalloc_arenas.base, 1UL << GOALLOC_LEAF_SHIFT);
	if (nr <= old_nr)
		goto out;
	nr = max(nr, 2 * old_nr);
	bytes = struct_size(new, slots, nr_arenas(nr) + nr);
	new = goalloc_meta_vzalloc(bytes, GFP_KERNEL);
	if (!new) {
		err = -ENOMEM;
		goto out;
	}
	new->bytes = bytes;
	new->older = tables;
	tables = new;
	for (i = old_nr; i < nr; i++)
		new->slots[nr_arenas(nr) + i] = no_leaf;
	raw_spin_lock_irqsave(&arena_lock, flags);
	for (i = 0; i < nr_arenas(old_nr); i++)
		new->slots[i] = goalloc_arenas.arenas[i];
	for (i = 0; i < old_nr; i++)
		new->slots[nr_arenas(nr) + i] = goalloc_arenas.leaves[i];
	/*
	 * Filled before they are seen; pairs with the address dependencies. Who still
	 * reads the old ones finds all there that existed before.
	 */
	smp_store_release(&goalloc_arenas.arenas, (void *)new->slots);
	/* the same */
	smp_store_release(&goalloc_arenas.leaves, (void *)(new->slots + nr_arenas(nr)));
	/* only who sees the tables may see how long they are; pairs with goalloc_span_of() */
	smp_store_release(&goalloc_arenas.nr, nr);
	raw_spin_unlock_irqrestore(&arena_lock, flags);
out:
	mutex_unlock(&index_mutex);
	return err;
}

static int memory_comes(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct memory_notify *mem = data;

	if (action != MEM_GOING_ONLINE)
		return NOTIFY_OK;
	return notifier_from_errno(index_grow((unsigned long)
			__va(PFN_PHYS(mem->start_pfn + mem->nr_pages))));
}

static struct notifier_block memory_nb = { .notifier_call = memory_comes };

int goalloc_arena_init(void)
{
	int err;

	goalloc_arenas.base = PAGE_OFFSET;
	no_leaf = leaf_create(GFP_KERNEL);
	if (!no_leaf)
		return -ENOMEM;
	err = register_memory_notifier(&memory_nb);
	if (!err)
		err = index_grow((unsigned long)high_memory);
	if (err)
		return err;
	goalloc_arena_refill();
	return goalloc_arena_wants() ? -ENOMEM : 0;
}

void goalloc_arena_exit(void)
{
	struct goalloc_arena *arena;
	struct tables *old;
	unsigned long i;

	/* it may never have been registered, then nothing happens */
	unregister_memory_notifier(&memory_nb);
	for (i = 0; i < goalloc_arenas.nr; i++)
		if (goalloc_arenas.leaves[i] != no_leaf)
			goalloc_meta_free(goalloc_arenas.leaves[i], sizeof(struct goalloc_leaf));
	for (i = 0; i < nr_arenas(goalloc_arenas.nr); i++) {
		while ((arena = goalloc_arenas.arenas[i])) {
			goalloc_arenas.arenas[i] = arena->other;
			goalloc_meta_free(arena, sizeof(*arena));
		}
	}
	for (i = 0; i < SPARE_LEAVES; i++)
		goalloc_meta_free(spare_leaves[i], sizeof(struct goalloc_leaf));
	goalloc_meta_free(spare_arena, sizeof(struct goalloc_arena));
	goalloc_meta_free(no_leaf, sizeof(struct goalloc_leaf));
	while ((old = tables)) {
		tables = old->older;
		goalloc_meta_free(old, old->bytes);
	}
}
