// SPDX-License-Identifier: GPL-2.0
/*
 * The tiny allocator: several objects in a block of 16 bytes.
 *
 * As in Go (mallocgc, the tiny part) a CPU fills one block at a time, each part
 * aligned to 8, 4, 2 or 1 as its size allows. Go's parts are freed by the
 * collector, all at once; ours are freed one by one, in any order, on any CPU,
 * and the block goes back with the last.
 *
 * For that a block has a word out of line, changed by cmpxchg only:
 *
 *	bits  0..15	a part starts at this byte
 *	bits 16..31	a part's last byte is this byte
 *
 * A live part is a start and the first end at or above it, with no other start
 * between. The rest of a block that is still being filled is held by a start
 * without an end: it keeps the block from going back, and no free matches it. So is
 * a part that is being freed but not yet cleared.
 * The word is 0 when nothing lives in the block and nobody fills it; whoever
 * makes it 0 frees the block.
 *
 *	word 0 -> filling (open start) -> filled (no open start) -> word 0
 *
 * Who may touch tiny_current: its CPU at that level with preemption off; its CPU
 * from a task with interrupts off, or anyone for a dead CPU (drain).
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "goalloc_internal.h"
#include "goalloc_debug.h"

/* The block that a CPU fills at a level: NULL or with room from @off on. */
struct current_block {
	char *block;
	atomic_t *word;
	unsigned int off;
};

static DEFINE_PER_CPU(struct current_block[GOALLOC_LEVELS], tiny_current);

static u32 start_bit(unsigned int off)
{
	return 1U << off;
}

static u32 end_bit(unsigned int off)
{
	return 1U << (16 + off);
}

/* The last byte of the live part that starts at byte @off, or -1 if none does. */
static int part_last(u32 word, unsigned int off)
{
	u32 ends = word >> 16 & ~0U << off;
	u32 starts = word & 0xffff & ~0U << (off + 1);
	int last;

	if (!(word & start_bit(off)) || !ends)
		return -1;
	last = __ffs(ends);
	return starts && __ffs(starts) <= last ? -1 : last;
}

/* The word of the block that @p points into; @block: the block's index. */
static atomic_t *word_of(const struct goalloc_mspan *span, const void *p, unsigned int *block)
{
	*block = ((unsigned long)p - span->base) / GOALLOC_TINY_SIZE;
	return goalloc_span_tiny_words(span) + *block;
}

/* Nothing lives in the block any more: it goes the way of every object. */
static void block_free(struct goalloc_mspan *span, unsigned int block)
{
	struct goalloc_slot slot = {
		.obj = (void *)(span->base + block * GOALLOC_TINY_SIZE),
		.state = span->states + block,
	};

	goalloc_debug_close(slot.obj, GOALLOC_TINY_SIZE);
	goalloc_mcache_free(span, slot);
}

/* Stop filling a block. */
static void block_close(struct current_block *cur)
{
	struct goalloc_mspan *span;
	unsigned int block;
	u32 open;

	if (!cur->block)
		return;
	open = start_bit(cur->off);
	/* who leaves nothing frees: against the cmpxchg in goalloc_tiny_free() */
	if ((u32)atomic_fetch_andnot(open, cur->word) == open) {
		span = goalloc_span_of(cur->block);
		word_of(span, cur->block, &block);
		block_free(span, block);
	}
	cur->block = NULL;
}

/* A part of @size at the next byte of @cur that @align allows, or NULL. */
static void *part_take(struct current_block *cur, unsigned int size, unsigned int align)
{
	unsigned int off = ALIGN(cur->off, align);
	unsigned int end = off + size;
	int old;
	u32 set;
	void *p;

	if (!cur->block || end > GOALLOC_TINY_SIZE)
		return NULL;
	p = cur->block + off;
	set = start_bit(off) | end_bit(end - 1);
	if (end < GOALLOC_TINY_SIZE)
		set |= start_bit(end);
	old = atomic_read(cur->word);
	while (!atomic_try_cmpxchg(cur->word, &old, (old & ~start_bit(cur->off)) | set))
		;
	cur->off = end;
	if (end == GOALLOC_TINY_SIZE)
		cur->block = NULL;
	return p;
}

/* The same of a new block, which is filled from here on if it has more room than @level's. */
static void *part_take_new(char *block, unsigned int size)
{
	struct current_block new = { .block = block, .off = size }, *cur;
	unsigned int i;
	u32 set = start_bit(0) | end_bit(size - 1);

	new.word = word_of(goalloc_span_of(block), block, &i);
	if (size < GOALLOC_TINY_SIZE)
		set |= start_bit(size);
	else
		new.block = NULL;
	goalloc_debug_open(block, GOALLOC_TINY_SIZE);
	atomic_set(new.word, set);

	preempt_disable_notrace();
	cur = &raw_cpu_ptr(tiny_current)[interrupt_context_level()];
	if (new.block && (!cur->block || cur->off > new.off))
		swap(*cur, new);
	block_close(&new);
	preempt_enable_notrace();
	return block;
}

/**
 * gomalloc_tiny() - allocate a few bytes with an alignment to match
 * @size: bytes; 0 gives ZERO_SIZE_PTR, more than 16 is gomalloc()'s
 * @gfp: as for gomalloc()
 *
 * Aligned to 8, 4 or 2 if @size is a multiple of it, else not at all. For many
 * small objects that live about as long: a block of 16 bytes is only used again
 * when all its parts are free. Go's tiny allocator, with a free of its own.
 *
 * Context: task, softirq, hardirq; sleeps only if @gfp allows it.
 * Return: the object, for gofree(); or NULL.
 */
void *gomalloc_tiny(size_t size, gfp_t gfp)
{
	unsigned int align = min_t(size_t, size & -size, 8);
	struct current_block *cur;
	unsigned int level;
	void *p = NULL;

	if (!size || size > GOALLOC_TINY_SIZE || in_nmi() ||
	    gfp & (__GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM | __GFP_THISNODE))
		return gomalloc(size, gfp);
	goalloc_debug_might_alloc(gfp);
	preempt_disable_notrace();
	level = interrupt_context_level();
	cur = &raw_cpu_ptr(tiny_current)[level];
	p = part_take(cur, size, align);
	preempt_enable_notrace();
	if (!p) {
		p = goalloc_alloc_retry(goalloc_classes[GOALLOC_TINY_CLASS], gfp);
		if (!p)
			return NULL;
		p = part_take_new(p, size);
	}
	if (want_init_on_alloc(gfp))
		memset(p, 0, size);
	goalloc_debug_part_alloc(p, size, gfp);
	return p;
}
EXPORT_SYMBOL_GPL(gomalloc_tiny);

/*
 * Free the part at @p. One cmpxchg makes it ours; if there is something left to do to
 * it, its start stays meanwhile: without an end it holds the block, and no free matches.
 *
 * Context: preemption off since the lookup of @span.
 */
void goalloc_tiny_free(struct goalloc_mspan *span, const void *p, unsigned long ip)
{
	unsigned int off = (unsigned long)p & (GOALLOC_TINY_SIZE - 1);
	bool hold = GOALLOC_DEBUG_MEMORY || want_init_on_free();
	unsigned int block;
	atomic_t *word;
	int old, last;
	u32 new;

	word = word_of(span, p, &block);
	old = atomic_read(word);
	do {
		last = part_last(old, off);
		if (last < 0) {
			goalloc_misuse_report(goalloc_misuse_of(span, p), p, ip);
			return;
		}
		new = old & ~end_bit(last);
		if (!hold)
			new &= ~start_bit(off);
		/* full order: what was written to the part is there before the block is reused */
	} while (!atomic_try_cmpxchg(word, &old, new));
	if (hold) {
		goalloc_debug_part_free(p);
		if (want_init_on_free()) {
			/* gorealloc() may have closed its end */
			goalloc_debug_open(p, last - off + 1);
			memset((void *)p, 0, last - off + 1);
		}
		new = atomic_fetch_andnot(start_bit(off), word) & ~start_bit(off);
	}
	if (!new)
		block_free(span, block);
}

/* Bytes of the part at @p, 0 if none starts there. */
size_t goalloc_tiny_size(const struct goalloc_mspan *span, const void *p)
{
	unsigned int off = (unsigned long)p & (GOALLOC_TINY_SIZE - 1);
	unsigned int block;
	int last = part_last(atomic_read(word_of(span, p, &block)), off);

	return last < 0 ? 0 : last - off + 1;
}

/* Does the byte at @p lie inside a live part, behind its first byte? */
bool goalloc_tiny_interior(const struct goalloc_mspan *span, const void *p)
{
	unsigned int at = (unsigned long)p & (GOALLOC_TINY_SIZE - 1);
	unsigned int block, off;
	u32 word = atomic_read(word_of(span, p, &block));

	for (off = 0; off < at; off++)
		if (part_last(word, off) >= (int)at)
			return true;
	return false;
}

/* Can @word be that of a block in use? Every end has its start; 0 has who just got the block. */
bool goalloc_tiny_word_valid(u32 word)
{
	unsigned int off, open = 0;

	for (off = 0; off < GOALLOC_TINY_SIZE; off++) {
		if (word & start_bit(off))
			open = 1;
		if (word & end_bit(off) && !open--)
			return false;
	}
	return true;
}

/* Stop filling @cpu's blocks. By @cpu itself in a task, or for a dead CPU. */
void goalloc_tiny_drain(unsigned int cpu)
{
	unsigned int level;
	unsigned long flags;

	for (level = 0; level < GOALLOC_LEVELS; level++) {
		local_irq_save(flags);
		block_close(&per_cpu(tiny_current, cpu)[level]);
		local_irq_restore(flags);
	}
}
