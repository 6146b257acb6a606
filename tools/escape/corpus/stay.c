// SPDX-License-Identifier: GPL-2.0
/* stay.c - objects that do not leave their function */

#include "corpus.h"

/* The simplest one */
long stay_local(void)
{
	struct item *it = kmalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack */
	long v;

	if (!it)
		return -ENOMEM;
	it->value = number();
	v = it->value;
	kfree(it);
	return v;
}

/* All helpers for memory */
int stay_mem(const void *src, size_t n)
{
	char *buf = kzalloc(64, GFP_KERNEL); /* want: does not escape, could be on the stack */
	int r;

	if (!buf)
		return -ENOMEM;
	memset(buf, 1, 64);
	memcpy(buf, src, 32);
	memmove(buf + 8, buf, 16);
	r = memcmp(buf, src, 16);
	memzero_explicit(buf, 64);
	kfree(buf);
	return r;
}

/* Strings */
int stay_strings(const char *name)
{
	char *buf = kmalloc(48, GFP_KERNEL); /* want: does not escape, could be on the stack */
	char *p;
	int r = 0;

	if (!buf)
		return -ENOMEM;
	strscpy(buf, name, 48);
	p = strchr(buf, '/');
	if (p)
		*p = '\0';
	r = strlen(buf) + strcmp(buf, "abc") + strncmp(strim(buf), "xyz", 3);
	snprintf(buf, 48, "%s-%d", name, r);
	pr_debug("%s\n", buf);
	kfree(buf);
	return r;
}

/* From and to user space */
long stay_user(void __user *u)
{
	struct item *it = kmalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack */
	long r = -EFAULT;

	if (!it)
		return -ENOMEM;
	if (copy_from_user(it, u, sizeof(*it)))
		goto out;
	it->value++;
	if (copy_to_user(u, it, sizeof(*it)))
		goto out;
	r = 0;
out:
	kfree(it);
	return r;
}

static long sum(const struct item *it)
{
	return it->value + it->error;
}

static noinline void fill(struct item *it, long v)
{
	it->value = v;
	it->error = sum(it);
}

/* Functions of the unit, two deep */
long stay_followed(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack */
	long v;

	if (!it)
		return -ENOMEM;
	fill(it, 3);
	v = sum(it);
	kfree(it);
	return v;
}

static struct item *same(struct item *it)
{
	it->error = 0;
	return it;
}

/* A function that gives its argument back */
long stay_given_back(void)
{
	struct item *it = same(kzalloc(sizeof(*it), GFP_KERNEL)); /* want: does not escape, could be on the stack */
	long v = it->value;

	kfree(it);
	return v;
}

static void drop(struct item *it)
{
	kfree(it);
}

/* Freed by somebody else, who is named */
long stay_freed_elsewhere(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack, freed in drop() (-6) */
	long v;

	if (!it)
		return -ENOMEM;
	v = it->value;
	drop(it);
	return v;
}

struct pair {
	struct item *a;
	int n;
};

/* In a structure on the stack */
long stay_in_local(void)
{
	struct pair p = {};
	long v;

	p.a = kmalloc(sizeof(*p.a), GFP_KERNEL); /* want: does not escape, could be on the stack */
	p.n = 1;
	if (!p.a)
		return -ENOMEM;
	p.a->value = number();
	v = p.a->value + p.n;
	kfree(p.a);
	return v;
}

static long pair_value(const struct pair *p)
{
	return p->a->value + p->n;
}

/* ... whose address is passed on */
long stay_in_local_passed(void)
{
	struct pair p = {};
	long v;

	p.a = kzalloc(sizeof(*p.a), GFP_KERNEL); /* want: does not escape, could be on the stack */
	if (!p.a)
		return -ENOMEM;
	v = pair_value(&p);
	kfree(p.a);
	return v > 4;
}

/* Its own list head points to itself */
int stay_self(void)
{
	struct item *it = kmalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack */
	bool empty;

	if (!it)
		return -ENOMEM;
	INIT_LIST_HEAD(&it->list);
	empty = list_empty(&it->list);
	kfree(it);
	return empty ? 0 : -EINVAL;
}

/* In another object that stays; a count of the list is all that leaves */
int stay_in_object(void)
{
	struct item *a = kzalloc(sizeof(*a), GFP_KERNEL); /* want: does not escape, could be on the stack */
	struct item *b = kzalloc(sizeof(*b), GFP_KERNEL); /* want: does not escape, could be on the stack */
	int n = 0;

	if (a && b) {
		a->next = b;
		b->value = 4;
		if (a->next->value == 4)
			n = 1;
	}
	kfree(a);
	kfree(b);
	return n;
}

/* Either of two */
long stay_phi(bool first)
{
	struct item *a = kzalloc(sizeof(*a), GFP_KERNEL); /* want: does not escape, could be on the stack */
	struct item *b = kzalloc(sizeof(*b), GFP_KERNEL); /* want: does not escape, could be on the stack */
	struct item *it = first ? a : b;
	long v = 0;

	if (it)
		v = it->value;
	kfree(a);
	kfree(b);
	return v;
}

/* The distance of two pointers is a number */
long stay_distance(const char *name)
{
	char *buf = kmalloc(32, GFP_KERNEL); /* want: does not escape, could be on the stack */
	char *end;
	long n;

	if (!buf)
		return -ENOMEM;
	strscpy(buf, name, 32);
	end = strchr(buf, ':');
	n = end ? end - buf : -1;
	kfree(buf);
	return n;
}

/* An interior pointer and back */
long stay_container(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack */
	struct list_head *l;
	long v;

	if (!it)
		return -ENOMEM;
	l = &it->list;
	v = container_of(l, struct item, list)->value;
	kfree(it);
	return v;
}

/* Never freed: a leak, but not an escape */
long stay_leaked(void)
{
	long *p = kzalloc(sizeof(*p), GFP_KERNEL); /* want: does not escape, could be on the stack */

	return p ? *p : 0;
}

/* kmemdup() copies what is behind its argument */
int stay_memdup(const struct item *from)
{
	struct item *it = kmemdup(from, sizeof(*from), GFP_KERNEL); /* want: does not escape, could be on the stack */
	int e;

	if (!it)
		return -ENOMEM;
	e = it->error;
	kfree_sensitive(it);
	return e;
}

/* A copy of the object's bytes has no pointer to it */
void stay_contents_copied(struct item *to)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack */

	if (!it)
		return;
	it->value = 7;
	*to = *it;
	memcpy(to, it, sizeof(*it));
	kfree(it);
}

/* Parsing */
int stay_parse(const char *s)
{
	long *v = kmalloc(sizeof(*v), GFP_KERNEL); /* want: does not escape, could be on the stack */
	int r;

	if (!v)
		return -ENOMEM;
	r = kstrtol(s, 10, v);
	if (!r)
		r = *v > 5;
	kfree(v);
	return r;
}

/* An array of a constant size */
long stay_array(void)
{
	u32 *v = kcalloc(16, sizeof(*v), GFP_KERNEL); /* want: does not escape, could be on the stack */
	long s = 0;
	int i;

	if (!v)
		return -ENOMEM;
	for (i = 0; i < 16; i++)
		v[i] = number();
	for (i = 0; i < 16; i++)
		s += v[i];
	kfree(v);
	return s;
}

/* Functions of another unit */
long stay_other_unit(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack */
	long v;

	if (!it)
		return -ENOMEM;
	v = other_sum(other_same(it)) + other_chain(it);
	kfree(it);
	return v;
}

long stay_other_unit_drops(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack, freed in other_drop() (other.c:kfree(it); /* other_drop) */
	long v;

	if (!it)
		return -ENOMEM;
	v = it->value;
	other_drop(it);
	return v;
}

#ifdef DEFINE_FREE
/* <linux/cleanup.h> */
long stay_cleanup(bool early)
{
	struct item *it __free(kfree) =
		kzalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack (optional) */

	if (!it)
		return -ENOMEM;
	if (early)
		return 0;
	return it->value > 3;
}
#endif
