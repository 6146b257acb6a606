// SPDX-License-Identifier: GPL-2.0
/*
 * Spans: a run of pages that holds objects of one class.
 *
 * A span's metadata is one block out of line:
 *
 *	bits	a bit an object, set unless the object is free in the span;
 *		the bits behind the last object are set for good
 *	words	of a tiny span only: an atomic word a block (goalloc_tiny.c)
 *	states	a byte an object (enum goalloc_state), and a guard, so that the
 *		index that the tail of the span gives finds no object there
 *
 * As in Go, objects are found by count trailing zeros in a 64-bit cache of the
 * complement of the bits (mspan.allocCache, mspan.freeindex).
 *
 * States: see enum goalloc_kind. All functions but the lookups are called with
 * the lock of the mcentral held that owns the span, or before it is on a list.
 */
#include <linux/bitops.h>
#include <linux/string.h>

#include "goalloc_internal.h"

static size_t bits_bytes(const struct goalloc_mspan *span)
{
	return DIV_ROUND_UP(span->nelems, 64) * sizeof(u64);
}

static size_t words_bytes(enum goalloc_kind kind, unsigned int nelems)
{
	return kind == GOALLOC_SPAN_TINY ? round_up(nelems * sizeof(atomic_t), sizeof(u64)) : 0;
}

static u64 *span_bits(const struct goalloc_mspan *span)
{
	return (u64 *)(span->states - words_bytes(goalloc_span_kind(span), span->nelems) -
		       bits_bytes(span));
}

static size_t block_bytes(enum goalloc_kind kind, unsigned int nelems)
{
	return round_up(DIV_ROUND_UP(nelems, 64) * sizeof(u64) + words_bytes(kind, nelems) +
			nelems + 1, 16);
}

/* Objects in a span of @npages. */
static unsigned int objects(const struct goalloc_class *class, unsigned int npages)
{
	return ((unsigned long)npages << GOALLOC_PAGE_SHIFT) / class->size;
}

/* Bytes of the metadata block of a span. */
size_t goalloc_span_block(const struct goalloc_class *class, unsigned int npages)
{
	return block_bytes(class->kind, objects(class, npages));
}

/* The words of a tiny span, an atomic_t a block. */
atomic_t *goalloc_span_tiny_words(const struct goalloc_mspan *span)
{
	return (atomic_t *)(span->states - words_bytes(GOALLOC_SPAN_TINY, span->nelems));
}

/* Is the allocation bit of object @i set? */
bool goalloc_span_bit(const struct goalloc_mspan *span, unsigned int i)
{
	return span_bits(span)[i / 64] >> (i % 64) & 1;
}

/*
 * Make @span, which has base, npages and nid, a span of @class with all objects
 * free; @block is of goalloc_span_block() bytes.
 */
void goalloc_span_init(struct goalloc_mspan *span, const struct goalloc_class *class, void *block)
{
	unsigned int nelems = objects(class, span->npages);
	size_t i, bytes = block_bytes(class->kind, nelems);
	u64 *bits = block;

	span->nelems = nelems;
	span->kind_class = class->kind | class->id << 4;
	/* a loop: memset() would be a byte an instruction by what emulators count */
	for (i = 0; i < bytes / sizeof(u64); i++)
		WRITE_ONCE(bits[i], 0);
	if (nelems % 64)
		bits[nelems / 64] = ~0ULL << (nelems % 64);
	span->states = (u8 *)bits + bits_bytes(span) + words_bytes(class->kind, nelems);
	span->states[nelems] = GOALLOC_NONE;
	span->bins = class->bins;
	span->nalloc = 0;
	span->freeindex = 0;
	span->alloc_cache = ~bits[0];
	/*
	 * From here on frees of its objects find it. Tiny parts never take the
	 * fast path: no pointer passes for an object's first byte. Pairs with
	 * the address dependency in goalloc_span_of(), as the page's entry is
	 * stored after this.
	 */
	smp_store_release(&span->recip, class->kind == GOALLOC_SPAN_TINY ? 0 : class->recip);
}

/*
 * Take @span, whose pages no longer name it, out of use. A free that races with
 * this by mistake may still read what the fast path reads: that stays as it is
 * while it is in limbo, but for the reciprocal, which refuses the rest.
 */
void goalloc_span_retire(struct goalloc_mspan *span)
{
	size_t bytes = 0;
	void *block = NULL;

	switch (goalloc_span_kind(span)) {
	case GOALLOC_SPAN_SMALL:
	case GOALLOC_SPAN_TINY:
		bytes = block_bytes(goalloc_span_kind(span), span->nelems);
		block = span_bits(span);
		break;
	default:
		break;
	}
	WRITE_ONCE(span->recip, 0);
	/* the class stays: who has just seen it in use may ask for it */
	WRITE_ONCE(span->kind_class, (span->kind_class & ~15) | GOALLOC_SPAN_DEAD);
	goalloc_meta_span_put(span, block, bytes);
}

/*
 * Take up to @n free objects of @span to @to; the number taken. One that is not free by
 * its state was pushed by the second of two racing frees after the first had brought it
 * home: it is where that push put it, and allocated.
 */
unsigned int goalloc_span_take(struct goalloc_mspan *span, struct goalloc_slot *to, unsigned int n)
{
	u64 *bits = span_bits(span);
	unsigned int word = span->freeindex / 64;
	unsigned int words = DIV_ROUND_UP(span->nelems, 64);
	u32 size = goalloc_span_class(span)->size;
	u64 cache = span->alloc_cache;
	unsigned int got = 0, elsewhere = 0;

	for (;;) {
		while (cache && got < n) {
			unsigned int i = word * 64 + __builtin_ctzll(cache);

			cache &= cache - 1;
			if (unlikely(READ_ONCE(span->states[i]) != GOALLOC_FREE)) {
				elsewhere++;
				continue;
			}
			to[got].obj = (void *)(span->base + i * size);
			to[got].state = span->states + i;
			WRITE_ONCE(span->states[i], GOALLOC_CACHED);
			got++;
		}
		bits[word] = ~cache;
		if (got == n || word + 1 == words)
			break;
		cache = ~bits[++word];
	}
	span->alloc_cache = cache;
	span->freeindex = word * 64;
	span->nalloc += got + elsewhere;
	return got;
}

/*
 * Nothing of @span is allocated by its bits. Set those of objects whose state says that
 * a racing free has pushed them, see goalloc_span_take(). Who pushes later sees the
 * reciprocal gone: it is taken away first.
 *
 * Return: whether nothing is allocated, and @span can be retired.
 */
bool goalloc_span_settle(struct goalloc_mspan *span)
{
	u64 *bits = span_bits(span);
	u32 recip = span->recip;
	unsigned int i;

	WRITE_ONCE(span->recip, 0);
	smp_mb();	/* pairs with the one of goalloc_mcache_free() */
	for (i = 0; i + sizeof(u64) <= span->nelems; i += sizeof(u64))
		if (READ_ONCE(*(u64 *)(span->states + i)))
			break;
	for (; i < span->nelems; i++) {
		if (likely(READ_ONCE(span->states[i]) == GOALLOC_FREE))
			continue;
		bits[i / 64] |= 1ULL << (i % 64);
		span->nalloc++;
	}
	if (likely(!span->nalloc))
		return true;
	span->alloc_cache = ~bits[span->freeindex / 64];
	smp_store_release(&span->recip, recip);		/* as in goalloc_span_init() */
	return false;
}

/*
 * Take back the objects at @from up to the first of another span; how many. What
 * does not wait to come back is reported and passed over: two frees raced for it,
 * and its other copy was here before.
 */
unsigned int goalloc_span_give(struct goalloc_mspan *span, const struct goalloc_slot *from,
			       unsigned int n)
{
	unsigned int word, first = span->freeindex / 64;
	unsigned long bytes = goalloc_span_bytes(span);
	u32 size = goalloc_span_class(span)->size;
	u64 bit, *bits = span_bits(span);
	unsigned int k, gone = 0;
	unsigned long i;

	for (k = 0; k < n; k++) {
		if ((unsigned long)from[k].obj - span->base >= bytes)
			break;
		i = from[k].state - span->states;
		word = i / 64;
		bit = 1ULL << (i % 64);
		if (unlikely(i >= span->nelems || READ_ONCE(*from[k].state) != GOALLOC_CACHED ||
			     !(bits[word] & bit) ||
			     (unsigned long)from[k].obj != span->base + i * size)) {
			goalloc_misuse_report(GOALLOC_MISUSE_RACE, from[k].obj, 0);
			/* pushed after it was home: free it is */
			if (i < span->nelems && !(bits[word] & bit) &&
			    READ_ONCE(*from[k].state) == GOALLOC_CACHED)
				WRITE_ONCE(*from[k].state, GOALLOC_FREE);
			continue;
		}
		WRITE_ONCE(*from[k].state, GOALLOC_FREE);
		bits[word] &= ~bit;
		first = min(first, word);
		gone++;
	}
	span->nalloc -= gone;
	span->freeindex = first * 64;
	span->alloc_cache = ~bits[first];
	return k;
}
