/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of the heap that goalloc is tested against: what objects there are,
 * how large, with which contents. Random or given operations are applied to both.
 *
 * Used by goalloc_fuzz.ko and by the userspace programs in tools/userspace, so it
 * has only what both offer. Whoever includes it defines model_fail(fmt, ...).
 *
 * Every object has a tag nobody else has. Its first and last eight bytes are made
 * of it, and of some objects all the bytes between: two objects that overlap
 * spoil each other's. Nothing behind the size that was asked for is touched.
 *
 * Locks: a struct model belongs to one thread of execution. Objects change hands
 * through struct model_box, which is only ever tried to lock.
 */
#ifndef _GOALLOC_MODEL_H
#define _GOALLOC_MODEL_H

#include "goalloc_internal.h"

enum model_kind {
	MODEL_NONE,		/* no object */
	MODEL_MALLOC,
	MODEL_ZALLOC,
	MODEL_ARRAY,
	MODEL_CALLOC,
	MODEL_NODE,
	MODEL_ZNODE,
	MODEL_CONSTANT,		/* a size that the compiler knows */
	MODEL_TINY,
	MODEL_DMA,
	MODEL_DMA32,
	MODEL_KINDS,
};

struct model_object {
	u8 *p;
	u32 size;
	u32 tag;
	u8 kind;
	bool zeroed;		/* __GFP_ZERO was given every time */
};

/* Where objects change hands. */
struct model_box {
	atomic_t busy;
	struct model_object o;
};

/**
 * struct model - one thread's objects
 * @random: state of its random numbers, never 0
 * @slots: its objects
 * @nslots: room there
 * @boxes: shared with others, or NULL
 * @nboxes: how many
 * @gfp: for allocations
 * @focus: a size that most allocations have for a while, or 0
 * @next_tag: for the next object
 * @may_fail: allocations may return NULL
 * @thorough: ask for the size of each object
 * @ops: operations done
 * @nulls: allocations that returned NULL
 * @misuses: misuses that goalloc has to refuse
 */
struct model {
	u64 random;
	struct model_object *slots;
	unsigned int nslots;
	struct model_box *boxes;
	unsigned int nboxes;
	gfp_t gfp;
	u32 focus;
	u32 next_tag;
	bool may_fail;
	bool thorough;
	u64 ops;
	u64 nulls;
	u64 misuses;
};

/* What goalloc_read_stats() has to say of all objects. */
struct model_sum {
	u64 objects;
	u64 bytes;
	unsigned long *tiny;	/* numbers of the blocks with tiny parts */
	unsigned int ntiny;
	unsigned int max_tiny;
};

/* xorshift64*, by G. Marsaglia and S. Vigna; the upper bits are the good ones */
static inline u32 model_random(struct model *m)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return m->random * 0x2545f4914f6cdd1dULL >> 32;
}

/* A generator for each of many @stream of one @seed. */
static inline u64 model_seed(u64 seed, u64 stream)
{
	u64 z = seed + (stream + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (z ^ z >> 31) ?: 1;
}

/* ---- contents ---- */

static inline u64 model_word(const struct model_object *o)
{
	return (o->tag + 1ULL) * 0x9e3779b97f4a7c15ULL;
}

static inline bool model_full(const struct model_object *o)
{
	if (o->size <= 64)
		return true;
	return !(o->tag & (o->size <= 1024 ? 7 : 255));
}

static inline void model_fill(const struct model_object *o)
{
	u64 word = model_word(o);

	if (o->size < 16) {
		memset(o->p, word >> 56, o->size);
		return;
	}
	memcpy(o->p, &word, 8);
	memcpy(o->p + o->size - 8, &word, 8);
	if (model_full(o))
		memset(o->p + 8, word >> 56, o->size - 16);
}

/* Are the first @n bytes at @p, at most all, what @o had? */
static inline bool model_same(const struct model_object *o, const u8 *p, u32 n)
{
	u64 word = model_word(o);

	if (!n)
		return true;
	if (o->size < 16)
		return !memchr_inv(p, word >> 56, n);
	if (memcmp(p, &word, min_t(u32, n, 8)))
		return false;
	if (n > o->size - 8 && memcmp(p + o->size - 8, &word, n - (o->size - 8)))
		return false;
	return n <= 8 || !model_full(o) ||
	       !memchr_inv(p + 8, word >> 56, min(n, o->size - 8) - 8);
}

static inline void model_verify(const struct model_object *o)
{
	u64 first = 0, last = 0;
	u32 n = min_t(u32, o->size, 8);

	if (likely(model_same(o, o->p, o->size)))
		return;
	memcpy(&first, o->p, n);
	memcpy(&last, o->p + o->size - n, n);
	model_fail("object at %p of %u bytes, kind %u, tag %u: contents are %llx to %llx, not %llx\n",
		   o->p, o->size, o->kind, o->tag, first, last, model_word(o));
}

/* ---- operations ---- */

static inline unsigned long model_align(const struct model_object *o)
{
	unsigned long align = o->size & -o->size;

	return o->kind == MODEL_TINY ? min(align, 8UL) : max(align, 8UL);
}

/* What a new or resized object must be. */
static inline void model_inspect(struct model *m, const struct model_object *o)
{
	if (!IS_ALIGNED((unsigned long)o->p, model_align(o)))
		model_fail("object at %p of %u bytes, kind %u: not aligned\n", o->p, o->size,
			   o->kind);
	if (!m->thorough && o->tag & 15)
		return;
	if (gosize(o->p) < o->size)
		model_fail("object at %p of %u bytes, kind %u: gosize() says %zu\n", o->p, o->size,
			   o->kind, gosize(o->p));
	if (!goalloc_owns(o->p) || !goalloc_owns(o->p + o->size - 1))
		model_fail("object at %p of %u bytes is not owned\n", o->p, o->size);
}

static inline void *model_constant(u32 *size, gfp_t gfp)
{
	switch (*size % 6) {
	case 0:
		*size = 8;
		return gomalloc(8, gfp);
	case 1:
		*size = 40;
		return gomalloc(40, gfp);
	case 2:
		*size = 192;
		return gozalloc(192, gfp);
	case 3:
		*size = 1000;
		return gomalloc(1000, gfp);
	case 4:
		*size = 4096;
		return gocalloc(16, 256, gfp);
	default:
		*size = 20000;
		return gomalloc(20000, gfp);
	}
}

/* Allocate @o, which is none yet. */
static inline void model_alloc(struct model *m, struct model_object *o, enum model_kind kind,
			       u32 size, gfp_t gfp, int node)
{
	bool zero = kind == MODEL_ZALLOC || kind == MODEL_CALLOC || kind == MODEL_ZNODE;
	void *p;

	if (kind == MODEL_TINY && size > GOALLOC_TINY_SIZE)
		size = 1 + size % GOALLOC_TINY_SIZE;
	switch (kind) {
	case MODEL_ZALLOC:
		p = gozalloc(size, gfp);
		break;
	case MODEL_ARRAY:
		size = round_up(size, 4);
		p = gomalloc_array(size / 4, 4, gfp);
		break;
	case MODEL_CALLOC:
		p = gocalloc(size, 1, gfp);
		break;
	case MODEL_NODE:
		p = gomalloc_node(size, gfp, node);
		break;
	case MODEL_ZNODE:
		p = gozalloc_node(size, gfp, node);
		break;
	case MODEL_CONSTANT:
		p = model_constant(&size, gfp);
		break;
	case MODEL_TINY:
		p = gomalloc_tiny(size, gfp);
		break;
	case MODEL_DMA:
		p = gomalloc(size, gfp | GFP_DMA);
		break;
	case MODEL_DMA32:
		p = gomalloc(size, gfp | GFP_DMA32);
		break;
	default:
		kind = MODEL_MALLOC;
		p = gomalloc(size, gfp);
		break;
	}
	if (!size) {
		if (p != ZERO_SIZE_PTR)
			model_fail("0 bytes, kind %u: %p\n", kind, p);
		gofree(p);
		return;
	}
	if (!p) {
		m->nulls++;
		if (!m->may_fail)
			model_fail("no memory for %u bytes, kind %u, gfp %#x\n", size, kind,
				   (__force u32)gfp);
		return;
	}
	o->p = p;
	o->size = size;
	o->tag = m->next_tag++;
	o->kind = kind;
	o->zeroed = zero;
	model_inspect(m, o);
	/* by another name: the compiler knows what a malloc has not written */
	OPTIMIZER_HIDE_VAR(p);
	if (zero && (size <= 64 || model_full(o)) && memchr_inv(p, 0, size))
		model_fail("object at %p of %u bytes, kind %u: not zero\n", p, size, kind);
	if (kind == MODEL_DMA && page_zonenum(virt_to_page(p)) != ZONE_DMA)
		model_fail("object at %p of %u bytes is not in ZONE_DMA\n", p, size);
	model_fill(o);
}

static inline void model_free(struct model_object *o, bool sensitive)
{
	model_verify(o);
	if (sensitive)
		gofree_sensitive(o->p);
	else
		gofree(o->p);
	o->kind = MODEL_NONE;
}

static inline void model_realloc(struct model *m, struct model_object *o, u32 size, gfp_t gfp)
{
	struct model_object old = *o;
	u8 *p;

	model_verify(o);
	if (o->zeroed)
		gfp |= __GFP_ZERO;
	p = gorealloc(o->p, size, gfp);
	if (!size) {
		if ((void *)p != ZERO_SIZE_PTR)
			model_fail("gorealloc() to 0 bytes: %p\n", p);
		o->kind = MODEL_NONE;
		return;
	}
	if (!p) {
		m->nulls++;
		if (!m->may_fail)
			model_fail("no memory for %u bytes by gorealloc()\n", size);
		model_verify(o);
		return;
	}
	if (!model_same(&old, p, min(old.size, size)))
		model_fail("object at %p of %u bytes: gorealloc() to %p, %u lost its contents\n",
			   old.p, old.size, p, size);
	if (old.zeroed && size > old.size && memchr_inv(p + old.size, 0, size - old.size))
		model_fail("object at %p of %u bytes: gorealloc() to %p, %u is not zero\n",
			   old.p, old.size, p, size);
	/* where it stays, it keeps its alignment; where it moves, it gets the size's */
	o->p = p;
	o->size = size;
	if (p != old.p) {
		o->kind = MODEL_MALLOC;
		model_inspect(m, o);
	}
	o->tag = m->next_tag++;
	model_fill(o);
}

/* A free of a byte inside of @o. */
static inline void model_free_interior(struct model *m, struct model_object *o)
{
	u32 at;

	if (o->size < 2)
		return;
	at = 1 + model_random(m) % (o->size - 1);
	gofree(o->p + at);
	m->misuses++;
	if (!(model_random(m) & 7)) {
		m->misuses++;
		if (gosize(o->p + at))
			model_fail("gosize() of byte %u of an object of %u\n", at, o->size);
	}
	model_verify(o);
}

/*
 * Free @o twice. Nobody else may get it in between: a small object that is of
 * this CPU's node waits on this CPU, unless there is no memory for a magazine.
 */
static inline void model_free_twice(struct model *m, struct model_object *o)
{
	/* a large object may have been made smaller */
	bool small = o->kind < MODEL_DMA && gosize(o->p) <= GOALLOC_MAX_SMALL;

	model_verify(o);
	preempt_disable();
	gofree(o->p);
	if (small && !m->may_fail && goalloc_span_of(o->p)->nid == numa_mem_id()) {
		gofree(o->p);
		m->misuses++;
	}
	preempt_enable();
	o->kind = MODEL_NONE;
}

static inline void model_swap(struct model *m, struct model_object *o)
{
	struct model_box *box = &m->boxes[model_random(m) % m->nboxes];

	/* acquire here, release below: the object goes with its contents */
	if (atomic_xchg(&box->busy, 1))
		return;
	swap(box->o, *o);
	atomic_set_release(&box->busy, 0);
}

static inline u32 model_random_size(struct model *m)
{
	u32 r = model_random(m);

	if (m->focus && r & 3 << 30)
		return m->focus;
	switch (r >> 24 & 31) {
	case 0:
		return 1 + r % GOALLOC_MAX_SMALL;
	case 1: case 2: case 3:
		return 1 + r % 8192;
	case 4: case 5: case 6: case 7: case 8: case 9: case 10:
		return 1 + r % 1024;
	case 11:
		/* at an edge of a class */
		r = goalloc_classes[1 + r % GOALLOC_NR_SIZES]->size;
		return r - 1 + model_random(m) % 3;
	default:
		return 1 + r % 160;
	}
}

static inline void model_alloc_random(struct model *m, struct model_object *o)
{
	u32 size = model_random_size(m), r = model_random(m);
	enum model_kind kind = MODEL_MALLOC;
	gfp_t gfp = m->gfp;

	if (gfpflags_allow_blocking(gfp) && r & 1 << 20)
		gfp = GFP_ATOMIC | __GFP_NOWARN;
	switch (r & 31) {
	case 0: case 1:
		kind = MODEL_ZALLOC;
		break;
	case 2:
		kind = MODEL_CALLOC;
		break;
	case 3:
		kind = MODEL_ARRAY;
		break;
	case 4:
		kind = r & 1 << 10 ? MODEL_NODE : MODEL_ZNODE;
		break;
	case 5: case 6:
		kind = MODEL_CONSTANT;
		break;
	case 7: case 8: case 9: case 10: case 11:
		kind = MODEL_TINY;
		break;
	case 12:
		r = model_random(m);
		if (!(r & 15)) {
			size = GOALLOC_MAX_SMALL + 1 + r % (r & 1 << 8 ? 300000 : 60000);
			/* a size with an alignment of pages */
			if (r & 1 << 9)
				size = round_up(size, PAGE_SIZE << (r >> 10 & 7));
		} else if (!(r & 2047 << 4) && !m->may_fail) {
			kind = r & 1 << 20 ? MODEL_DMA : MODEL_DMA32;
		}
		break;
	default:
		break;
	}
	/* much to clear: not so often */
	if (size > 2048 && kind < MODEL_TINY && r & 7 << 13)
		kind = MODEL_MALLOC;
	model_alloc(m, o, kind, size, gfp, r & 1 << 11 ? NUMA_NO_NODE : (int)numa_mem_id());
}

/* One random operation. */
static inline void model_step(struct model *m)
{
	u32 r = model_random(m);
	struct model_object *o = &m->slots[r % m->nslots];

	if (!(++m->ops & 8191)) {
		u32 f = model_random(m);
		u32 class = 1 + min(f % GOALLOC_NR_SIZES, f >> 8 & 127);

		m->focus = f & 1 << 31 ? goalloc_classes[class]->size : 0;
	}
	if (o->kind == MODEL_NONE) {
		model_alloc_random(m, o);
		return;
	}
	switch (r >> 24 & 63) {
	case 0: case 1:
		/* much to copy: not so often */
		if (o->size > 4096 && r & 7 << 21)
			model_free(o, false);
		else
			model_realloc(m, o, r & 63 << 12 ? model_random_size(m) : 0, m->gfp);
		break;
	case 2:
		model_verify(o);
		if (!(r & 7 << 16))
			model_free_interior(m, o);
		break;
	case 3:
		if (r & 3 << 16)
			model_free(o, true);
		else
			model_free_twice(m, o);
		break;
	case 4: case 5: case 6: case 7: case 8: case 9: case 10: case 11:
	case 12: case 13: case 14: case 15:
		if (m->boxes)
			model_swap(m, o);
		if (o->kind != MODEL_NONE)
			model_free(o, false);
		break;
	default:
		model_free(o, false);
		break;
	}
}

/* ---- sums ---- */

static inline void model_count(struct model_sum *s, const struct model_object *o)
{
	if (o->kind == MODEL_NONE)
		return;
	model_verify(o);
	if (o->kind != MODEL_TINY) {
		s->objects++;
		s->bytes += gosize(o->p);
		return;
	}
	if (s->ntiny == s->max_tiny) {
		model_fail("more tiny parts than the test has room for\n");
		return;
	}
	s->tiny[s->ntiny++] = (unsigned long)o->p / GOALLOC_TINY_SIZE;
}

static inline int model_compare(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	return x < y ? -1 : x > y;
}

/* Compare with goalloc's figures. Nobody uses it, and every CPU has been drained. */
static inline void model_compare_stats(struct model_sum *s)
{
	struct goalloc_stats st;
	unsigned int i;

	sort(s->tiny, s->ntiny, sizeof(*s->tiny), model_compare, NULL);
	for (i = 0; i < s->ntiny; i++) {
		if (i && s->tiny[i] == s->tiny[i - 1])
			continue;
		s->objects++;
		s->bytes += GOALLOC_TINY_SIZE;
	}
	goalloc_read_stats(&st);
	if (st.objects != s->objects || st.in_use != s->bytes)
		model_fail("%llu objects, %llu bytes in use; there are %llu, %llu\n", st.objects,
			   st.in_use, s->objects, s->bytes);
	if (st.held != st.in_use + st.cached + st.free + st.metadata ||
	    st.held - st.metadata != (u64)st.pages << PAGE_SHIFT)
		model_fail("held %llu: %llu in use, %llu cached, %llu free, %llu metadata; %llu pages\n",
			   st.held, st.in_use, st.cached, st.free, st.metadata, st.pages);
	if (st.cached)
		model_fail("%llu bytes are cached after a release\n", st.cached);
}

#endif /* _GOALLOC_MODEL_H */
