// SPDX-License-Identifier: GPL-2.0
/*
 * Debugging: what goalloc_debug.h cannot do in a line. Only in kernels that have
 * kmemleak. No state and no locks.
 */
#include "goalloc_debug.h"

static void forget_block(const struct goalloc_mspan *span, unsigned int block)
{
	u32 word = atomic_read(goalloc_span_tiny_words(span) + block);
	const char *p = (char *)span->base + block * GOALLOC_TINY_SIZE;
	unsigned int off;

	for (off = 0; off < GOALLOC_TINY_SIZE; off++)
		if (word >> off & 1)
			kmemleak_free(p + off);
}

static void forget_span(const struct goalloc_mspan *span)
{
	unsigned int i;

	for (i = 0; i < span->nelems; i++) {
		if (span->states[i] != GOALLOC_USED)
			continue;
		if (goalloc_span_kind(span) == GOALLOC_SPAN_TINY)
			forget_block(span, i);
		else if (goalloc_span_kind(span) == GOALLOC_SPAN_SMALL)
			kmemleak_free((char *)span->base + i * goalloc_span_class(span)->size);
		else
			kmemleak_free((void *)span->base);
	}
}

/*
 * Have kmemleak forget the objects in @arena, which are lost: it would scan pages
 * that belong to others. Context: nobody but the module's end is left.
 */
void goalloc_debug_forget(const struct goalloc_arena *arena)
{
	const struct goalloc_mspan *span;
	unsigned long i;

	for (i = 0; i < GOALLOC_ARENA_PAGES; i++) {
		unsigned long addr = arena->base + (i << GOALLOC_PAGE_SHIFT);

		span = goalloc_span_of((void *)addr);
		if (span->base == addr)
			forget_span(span);
	}
}
