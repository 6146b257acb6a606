// SPDX-License-Identifier: GPL-2.0
/*
 * doubt.c - where the analysis errs on the safe side, or could be led astray
 *
 * Some of these stay in their function in truth; that it is not seen is the
 * price of no false "does not escape". The others try to hide an escape.
 */

#include <linux/stdarg.h>

#include "corpus.h"

static void *hidden;

/* The name of a helper, and not the helper */
static noinline void seq_puts(void *m, const char *s)
{
	hidden = (void *)s;
}

void doubt_helpers_name(void)
{
	char *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to seq_puts() (+3), stored in hidden (-5) */

	if (p)
		seq_puts(NULL, p);
}

/* A weak function may be another one */
__weak noinline long weak_value(struct item *it)
{
	return it->value;
}

long doubt_weak(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to weak_value() (+1) */
	long r = weak_value(it);

	kfree(it);
	return r;
}

/* Variable arguments */
static noinline void many(int n, ...)
{
	va_list ap;

	va_start(ap, n);
	hidden = va_arg(ap, void *);
	va_end(ap);
}

void doubt_variable_arguments(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to many() (+2), as a variable argument */

	many(1, p);
}

/* In halves */
void doubt_halves(u32 *hi, u32 *lo)
{
	u64 v = (unsigned long)kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *hi (+2) */

	*hi = v >> 32;
	*lo = v;
}

/* As the bytes of a union */
void doubt_union(u32 *hi, u32 *lo)
{
	union { void *p; u32 h[2]; } u;

	u.p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *hi (+1) */
	*hi = u.h[1];
	*lo = u.h[0];
}

/* As a distance from something else */
void doubt_distance(struct dev *dev, char *from)
{
	char *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *dev (+2) */

	dev->cookie = p - from;
}

/* As an offset to something else */
void doubt_offset(struct dev *dev)
{
	unsigned long p = (unsigned long)kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *dev (+2) */

	dev->priv = (char *)dev + (p - (unsigned long)dev);
}

/* As the address of an array's element */
void doubt_index(struct dev *dev, char *from)
{
	long p = (long)kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *dev (+2) */

	dev->priv = &from[p];
}

/* Assembly sees it */
void doubt_asm(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: used in inline assembly (+2) */

	asm volatile("# %0" : : "r" (p));
	kfree(p);
}

/* The pointer's pointer */
void doubt_pointer_to_pointer(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to unknown() (+3) */
	struct item **pp = &it, ***ppp = &pp;

	unknown(ppp);
}

static noinline void move(void **to, void **from)
{
	*to = *from;
}

/* Both ends are local, which the callee cannot know */
void doubt_moved(void)
{
	void *a = kmalloc(16, GFP_KERNEL), *b; /* want: escapes: passed to move() (+2), stored in *to (-6) */

	move(&b, &a);
	kfree(b);
}

static noinline void move_out(void **from)
{
	move(&hidden, from);
}

void doubt_moved_out(void)
{
	void *a = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to move_out() (+2), passed to move() (-5), stored in *to (-19) */

	move_out(&a);
}

/* Freed, then kept all the same */
void doubt_after_free(struct dev *dev)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *dev (+3) */

	kfree(p);
	dev->priv = p;
}

/* A copy of what holds it */
void doubt_copies(struct dev *dev)
{
	struct { void *p; long a[3]; } x = {}, y, z;

	x.p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *dev (+3) */
	y = x;
	memcpy(&z, &y, sizeof(z));
	dev->priv = z.p;
}

/* The first field of a local structure */
void doubt_cast(struct dev *dev)
{
	struct { void *p; } x;

	x.p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *dev (+1) */
	dev->priv = *(void **)&x;
}

/* Stored in the object, found again by a callee */
static noinline void publish(struct item *it)
{
	hidden = it->data;
}

void doubt_through_object(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to publish() (+3), stored in hidden (-5) */

	it->data = &it->value;
	publish(it);
	kfree(it);
}

static noinline void point_to_self(struct item *it)
{
	it->data = it;
}

void doubt_callee_stores_in_object(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: stored in hidden (+3) */

	point_to_self(it);
	hidden = it->data;
	kfree(it);
}

/* A local holds its own address and the object */
struct knot {
	struct knot *self;
	void *p;
};

void doubt_knot(void)
{
	struct knot k = {}, *q;

	k.self = &k;
	k.p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in hidden (+2) */
	q = k.self;
	hidden = q->p;
}

/* A local of the caller */
static noinline void fill_caller(struct knot *k)
{
	k->p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *k (+0) */
}

void doubt_callers_local(void)
{
	struct knot k = {};

	fill_caller(&k);
	kfree(k.p);
}

/* Its address in the name of another variable */
void doubt_alias(struct dev *dev)
{
	void *a = NULL;
	void **pa = &a;

	*pa = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *dev (+1) */
	dev->priv = a;
}

/* One way in, by a select */
void doubt_select(struct dev *dev, bool b)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *dev (+2) */

	dev->priv = b ? p : dev;
}

/* A function that returns its second argument's contents */
static noinline void *contents(int unused, void **p)
{
	return *p;
}

void *doubt_contents(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: returned (+2) */

	return contents(3, &p);
}

/* The list is local, which list_add() cannot know */
long doubt_local_list(void)
{
	LIST_HEAD(list);
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to list_add() (+4), ... */

	if (!it)
		return -ENOMEM;
	list_add(&it->list, &list);
	list_del(&it->list);
	kfree(it);
	return 0;
}

/* GCC's points-to analysis takes an empty asm for one that does something */
void doubt_hidden_value(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: GCC's points-to analysis cannot rule it out */

	OPTIMIZER_HIDE_VAR(it);
	kfree(it);
}

/* A lock is not a known helper */
void doubt_mutex(void)
{
	struct mutex *m = kmalloc(sizeof(*m), GFP_KERNEL); /* want: escapes: passed to __mutex_init() (+3) */

	if (m)
		mutex_init(m);
	kfree(m);
}
