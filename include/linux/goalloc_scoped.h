/* SPDX-License-Identifier: GPL-2.0 */
/*
 * goalloc_scoped.h - objects that live as long as a scope, on the stack if small
 *
 * For allocations of which "make escape" says that they could be on the stack.
 * The choice is made by the compiler, so that the path not taken leaves no code:
 * up to a limit the object is a variable of the function and costs nothing, a
 * larger one comes from gomalloc(). Either way it is gone at the end of the
 * scope, whichever way that is left.
 *
 * The stack is part of the function's frame, so -Wframe-larger-than= counts it
 * like any variable's; GOALLOC_SCOPED_LIMIT is at most half of what the kernel
 * allows a frame (CONFIG_FRAME_WARN). A function that is near the limit already,
 * or has several of them, can lower it by a definition before <linux/goalloc.h>.
 *
 * Neither form may follow a label that is jumped to from before it: a goto must
 * not enter the scope of a variable with a cleanup.
 */
#ifndef _LINUX_GOALLOC_SCOPED_H
#define _LINUX_GOALLOC_SCOPED_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/string.h>
#include <linux/goalloc.h>

#ifndef GOALLOC_SCOPED_LIMIT
#if defined(CONFIG_FRAME_WARN) && CONFIG_FRAME_WARN > 0 && CONFIG_FRAME_WARN < 2048
#define GOALLOC_SCOPED_LIMIT (CONFIG_FRAME_WARN / 2)
#else
#define GOALLOC_SCOPED_LIMIT 1024
#endif
#endif

static __always_inline void __goalloc_scoped_free(void *heap)
{
	void *p = *(void **)heap;

	if (p)
		gofree(p);
}

static __always_inline void *__goalloc_scoped_zero(void *p, size_t size, gfp_t gfp)
{
	if (gfp & __GFP_ZERO)
		memset(p, 0, size);
	return p;
}

/* What needs more than 8 bytes of alignment would make GCC realign the stack */
#define __goalloc_scoped_fits(type, size) \
	((size) <= GOALLOC_SCOPED_LIMIT && __alignof__(type) <= __alignof__(u64))

#define __goalloc_scoped_words(type)						\
	(__goalloc_scoped_fits(type, sizeof(type)) ? DIV_ROUND_UP(sizeof(type), sizeof(u64)) : 0)

#define __goalloc_scoped_heap(name, size, on_stack, gfp)			\
	void *__goalloc_##name##_heap __attribute__((__cleanup__(__goalloc_scoped_free))) = \
		(on_stack) ? NULL : gomalloc(size, gfp)

#define __goalloc_scoped_pointer(name, size, on_stack, gfp)			\
	((on_stack) ? __goalloc_scoped_zero(__goalloc_##name##_stack, size, gfp) : \
	 __goalloc_##name##_heap)

/**
 * goalloc_scoped() - declare a pointer to an object that lives in this scope
 * @type: the object's type
 * @name: the pointer, a constant: it can be neither freed nor set
 * @gfp: as for gomalloc(); with __GFP_ZERO the object is zeroed
 *
 * The object is on the stack if it has at most GOALLOC_SCOPED_LIMIT bytes and
 * needs no more than 8 bytes of alignment. The pointer must not be used after
 * the scope, and nothing may be done with it that needs a heap object: no
 * gofree(), gosize(), gorealloc() or DMA.
 *
 * @name is NULL if there is no memory, which cannot be on the stack; testing it
 * costs nothing then.
 *
 * Context: as gomalloc().
 */
#define goalloc_scoped(type, name, gfp)						\
	u64 __goalloc_##name##_stack[__goalloc_scoped_words(type)];		\
	__goalloc_scoped_heap(name, sizeof(type),				\
			      __goalloc_scoped_fits(type, sizeof(type)), gfp);	\
	type * const name =							\
		__goalloc_scoped_pointer(name, sizeof(type),			\
					 __goalloc_scoped_fits(type, sizeof(type)), gfp)

/**
 * goalloc_scoped_sized() - declare a pointer to bytes that live in this scope
 * @type: what the pointer points to, such as u8 or a struct with a flexible array
 * @name: the pointer; setting it changes nothing about what is freed
 * @size: bytes, computed once at run time; struct_size(@name, ...) works
 * @room: bytes to have on the stack, a constant, at most GOALLOC_SCOPED_LIMIT
 * @gfp: as for goalloc_scoped()
 *
 * Up to @room bytes are on the stack, more come from gomalloc(). @name is NULL
 * if there is no memory; it may be NULL only if @size is above @room.
 *
 * Context: as gomalloc().
 */
#define goalloc_scoped_sized(type, name, size, room, gfp)			\
	static_assert((room) <= GOALLOC_SCOPED_LIMIT &&				\
		      __alignof__(type) <= __alignof__(u64),			\
		      "goalloc_scoped_sized: too much for the stack");		\
	type * (name);								\
	const size_t __goalloc_##name##_size = (size);				\
	u64 __goalloc_##name##_stack[DIV_ROUND_UP(room, sizeof(u64))];		\
	__goalloc_scoped_heap(name, __goalloc_##name##_size,			\
			      __goalloc_##name##_size <= (room), gfp);		\
	void *__goalloc_##name##_set __maybe_unused = (name) =			\
		__goalloc_scoped_pointer(name, __goalloc_##name##_size,		\
					 __goalloc_##name##_size <= (room), gfp)

#endif /* _LINUX_GOALLOC_SCOPED_H */
