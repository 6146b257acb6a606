// SPDX-License-Identifier: GPL-2.0
/*
 * Misuse: what is reported of a free that is refused.
 *
 * The free path finds out that a pointer is not to be freed; here it is found
 * out why, and one line is printed, once a call site and kind. The object, if
 * there is one, stays as it is.
 *
 * No locks: reported[] is claimed by cmpxchg.
 */
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "goalloc_internal.h"

#define SITES	256	/* call sites that are remembered; later ones are only counted */

static unsigned long reported[SITES];
static atomic64_t count = ATOMIC64_INIT(0);

static const char * const what_str[] = {
	[GOALLOC_MISUSE_DOUBLE]		= "double free of",
	[GOALLOC_MISUSE_INTERIOR]	= "free of an interior pointer",
	[GOALLOC_MISUSE_FOREIGN]	= "free of a foreign pointer",
	[GOALLOC_MISUSE_FREE_SPAN]	= "free of a pointer into free memory,",
	[GOALLOC_MISUSE_RACE]		= "two frees at once of",
	[GOALLOC_MISUSE_CONTEXT]	= "free in NMI context of",
	[GOALLOC_MISUSE_SIZE]		= "size asked of no object,",
	[GOALLOC_MISUSE_LOST]		= "too many frees at once without interrupts, lost is",
};

/* Frees that were refused. */
u64 goalloc_misuse_count(void)
{
	return atomic64_read(&count);
}

/* First report of this kind at @ip? */
static bool first_time(enum goalloc_misuse what, unsigned long ip)
{
	unsigned long key = (ip << 3 | what) ?: 1;
	unsigned int i, at = hash_long(key, 8);
	unsigned long old;

	BUILD_BUG_ON(SITES != 1 << 8);
	for (i = 0; i < 8; i++) {
		old = cmpxchg(&reported[(at + i) % SITES], 0, key);
		if (!old)
			return true;
		if (old == key)
			return false;
	}
	return false;
}

/* What is wrong with freeing @p. Context: preemption off since the lookup of @span. */
enum goalloc_misuse goalloc_misuse_of(const struct goalloc_mspan *span, const void *p)
{
	long i = goalloc_span_index(span, p);

	switch (goalloc_span_kind(span)) {
	case GOALLOC_SPAN_DEAD:
		return goalloc_arena_held(p) ? GOALLOC_MISUSE_FREE_SPAN : GOALLOC_MISUSE_FOREIGN;
	case GOALLOC_SPAN_TINY:
		return goalloc_tiny_interior(span, p) ? GOALLOC_MISUSE_INTERIOR :
							GOALLOC_MISUSE_DOUBLE;
	default:
		if (i < 0 || READ_ONCE(span->states[i]) == GOALLOC_NONE)
			return GOALLOC_MISUSE_INTERIOR;
		return GOALLOC_MISUSE_DOUBLE;
	}
}

/* Which object @p is or points into, for a person. */
static void describe(char *buf, size_t len, const void *p)
{
	struct goalloc_mspan *span = goalloc_span_of(p);
	unsigned long off = (unsigned long)p - span->base;
	const char *where = "";
	u32 size, i;

	switch (goalloc_span_kind(span)) {
	case GOALLOC_SPAN_DEAD:
		strscpy(buf, goalloc_arena_held(p) ? "a free page of goalloc's" :
						     "not goalloc's memory", len);
		return;
	case GOALLOC_SPAN_LARGE:
	case GOALLOC_SPAN_DIRECT:
		snprintf(buf, len, "byte %lu of a large object of %zu bytes", off,
			 goalloc_span_bytes(span));
		return;
	default:
		break;
	}
	size = goalloc_span_class(span)->size;
	i = off / size;
	if (i < span->nelems) {
		switch (READ_ONCE(span->states[i])) {
		case GOALLOC_FREE:
			where = ", free in its span";
			break;
		case GOALLOC_CACHED:
			where = ", free in an mcache or mcentral";
			break;
		case GOALLOC_STASHED:
			where = ", free in a stash";
			break;
		default:
			where = ", in use";
			break;
		}
	}
	snprintf(buf, len, "byte %lu of object %u of %u in a span of size class %s%s",
		 off % size, i, span->nelems, goalloc_span_class(span)->name, where);
}

/**
 * goalloc_misuse_report() - count a refused free, and report it once a call site
 * @what: what it was
 * @p: the pointer
 * @ip: who called, 0 if that is not known any more
 *
 * Context: any, preemption off since @p was looked up.
 */
void goalloc_misuse_report(enum goalloc_misuse what, const void *p, unsigned long ip)
{
	char object[120], by[80];

	atomic64_inc(&count);
	if (!first_time(what, ip))
		return;
	describe(object, sizeof(object), p);
	if (ip)
		snprintf(by, sizeof(by), "by %pS, ", (void *)ip);
	else
		by[0] = 0;
	pr_err("goalloc: misuse: %s %p: %s; %s%s[%d] on cpu %d; refused\n", what_str[what], p,
	       object, by, current->comm, task_pid_nr(current), raw_smp_processor_id());
}
