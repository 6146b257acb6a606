/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel's debugging tools are told of goalloc's memory. Without KASAN
 * and kmemleak in the kernel all of it is compiled out.
 *
 * KASAN (generic): all that goalloc holds is poisoned, but for what users asked
 * for of their objects. An access to the rest is reported as for kmalloc(). The
 * functions that poison are not exported to modules of every version; the shadow
 * is plain memory, a byte for 8 bytes, and its address is public. Of a tiny
 * block only the whole is poisoned: parts are smaller than what a shadow byte can say.
 *
 * kmemleak: every object with a user is known and scanned. Metadata is not: the
 * slots that objects pass through keep stale pointers, which would hide leaks.
 */
#ifndef _GOALLOC_DEBUG_H
#define _GOALLOC_DEBUG_H

#include <linux/bits.h>
#include <linux/kasan.h>
#include <linux/kmemleak.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/string.h>

#include "goalloc_internal.h"

#define GOALLOC_DEBUG_MEMORY	(IS_ENABLED(CONFIG_KASAN_GENERIC) || \
				 IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))

/* As mm/kasan/kasan.h has them; the report's name of the error hangs on them. */
#define GOALLOC_KASAN_FREE	0xfb	/* "slab-use-after-free" */
#define GOALLOC_KASAN_REDZONE	0xfc	/* "slab-out-of-bounds" */

#ifdef CONFIG_KASAN_GENERIC
#define GOALLOC_KASAN_GRANULE	BIT(KASAN_SHADOW_SCALE_SHIFT)

/* @p and @bytes are multiples of a granule; the shadow has no shadow: not memset(). */
static inline void goalloc_kasan_set(const void *p, size_t bytes, u8 value)
{
	__memset(kasan_mem_to_shadow(p), value, bytes >> KASAN_SHADOW_SCALE_SHIFT);
}

/* The first @size of the @room bytes at @p may be used, the others not. */
static __no_sanitize_address inline void goalloc_kasan_open(const void *p, size_t size,
							    size_t room)
{
	size_t whole = round_down(size, GOALLOC_KASAN_GRANULE);
	size_t end = round_up(size, GOALLOC_KASAN_GRANULE);

	/* a tiny part that shares granules with others */
	if (!IS_ALIGNED((unsigned long)p | room, GOALLOC_KASAN_GRANULE))
		return;
	goalloc_kasan_set(p, whole, 0);
	if (end != whole)
		*(u8 *)kasan_mem_to_shadow(p + whole) = size - whole;
	if (end < room)
		goalloc_kasan_set(p + end, room - end, GOALLOC_KASAN_REDZONE);
}

static inline void goalloc_kasan_close(const void *p, size_t room)
{
	goalloc_kasan_set(p, room, GOALLOC_KASAN_FREE);
}
#else
static inline void goalloc_kasan_open(const void *p, size_t size, size_t room)
{
}

static inline void goalloc_kasan_close(const void *p, size_t room)
{
}
#endif

/* Would this allocation be allowed to sleep here? Asked only where somebody watches. */
static __always_inline void goalloc_debug_might_alloc(gfp_t gfp)
{
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP) || IS_ENABLED(CONFIG_LOCKDEP))
		might_alloc(gfp);
}

/* @p, an object of @room bytes, goes to a user who asked for @size. Context: as @gfp says. */
static __always_inline void goalloc_debug_alloc(const void *p, size_t size, size_t room, gfp_t gfp)
{
	goalloc_kasan_open(p, size, room);
	kmemleak_alloc(p, room, 1, gfp);
}

/* @p, an object of @room bytes, comes from its user. Before anybody else can get it. */
static __always_inline void goalloc_debug_free(const void *p, size_t room)
{
	kmemleak_free(p);
	goalloc_kasan_close(p, room);
}

/* The same of the fast path's objects. */
static __always_inline void goalloc_debug_alloc_class(const void *p, size_t size,
						      unsigned int class, gfp_t gfp)
{
	if (GOALLOC_DEBUG_MEMORY)
		goalloc_debug_alloc(p, size, goalloc_classes[class]->size, gfp);
}

static __always_inline void goalloc_debug_free_class(const void *p,
						     const struct goalloc_mspan *span)
{
	if (GOALLOC_DEBUG_MEMORY)
		goalloc_debug_free(p, goalloc_span_class(span)->size);
}

/* The same of a tiny part. */
static __always_inline void goalloc_debug_part_alloc(const void *p, size_t size, gfp_t gfp)
{
	kmemleak_alloc(p, size, 1, gfp);
}

static __always_inline void goalloc_debug_part_free(const void *p)
{
	kmemleak_free(p);
}

/* All of @p's @room bytes may be used, for goalloc itself to clear or copy them. */
static __always_inline void goalloc_debug_open(const void *p, size_t room)
{
	goalloc_kasan_open(p, room, room);
}

/* None of it may be used: the opposite. */
static __always_inline void goalloc_debug_close(const void *p, size_t room)
{
	goalloc_kasan_close(p, room);
}

/* @p, an object of @room bytes that stays with its user, has @size bytes now. */
static __always_inline void goalloc_debug_resize(const void *p, size_t size, size_t room)
{
	goalloc_kasan_open(p, size, room);
}

/* Pages that goalloc holds from now on. */
static __always_inline void goalloc_debug_held(const void *p, size_t bytes)
{
	goalloc_kasan_close(p, bytes);
}

/* vmalloc'ed memory for metadata: no leak, not to be scanned. */
static __always_inline void goalloc_debug_metadata(const void *p)
{
	kmemleak_ignore(p);
}

/* The pages of @arena go back: objects that are still in use are none any more. */
#ifdef CONFIG_DEBUG_KMEMLEAK
void goalloc_debug_forget(const struct goalloc_arena *arena);
#else
static inline void goalloc_debug_forget(const struct goalloc_arena *arena)
{
}
#endif

#endif /* _GOALLOC_DEBUG_H */
