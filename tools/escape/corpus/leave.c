// SPDX-License-Identifier: GPL-2.0
/* leave.c - objects that leave their function, in every way there is */

#include "corpus.h"

static struct item *global_item;
static struct item *table[4];
struct item *visible_item;

void *leave_returned(void)
{
	return kmalloc(32, GFP_KERNEL); /* want: escapes: returned (+0) */
}

struct item *leave_returned_later(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: returned */

	if (!it)
		return NULL;
	it->value = 1;

	return it;
}

void leave_global(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: stored in global_item (+2) */

	global_item = it;
}

void leave_global_array(int i)
{
	table[i] = kzalloc(sizeof(struct item), GFP_KERNEL); /* want: escapes: stored in table (+0) */
}

void leave_static_local(void)
{
	static struct item *last;

	last = kzalloc(sizeof(*last), GFP_KERNEL); /* want: escapes: stored in last (+0) */
}

void leave_in_argument(struct dev *dev)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: stored in *dev (+2) */

	dev->current_item = it;
}

void leave_behind_argument(struct dev *dev)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: stored in *dev->current_item (+2) */

	dev->current_item->next = it;
}

int leave_out_parameter(struct item **out)
{
	*out = kzalloc(sizeof(**out), GFP_KERNEL); /* want: escapes: stored in *out (+0) */
	return *out ? 0 : -ENOMEM;
}

void leave_unknown(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to unknown() (+2) */

	unknown(p);
	kfree(p);
}

/* const says nothing about who keeps it */
int leave_const(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to unknown_const() (+1) */
	int r = unknown_const(p);

	kfree(p);
	return r;
}

int leave_indirect(struct dev *dev)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to (*dev->ops->take)() (+1) */
	int r = dev->ops->take(it);

	kfree(it);
	return r;
}

static void keep(struct item *it)
{
	global_item = it; /* keep */
}

static void keep_later(struct item *it)
{
	it->value++;
	keep(it); /* keep_later */
}

void leave_followed(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to keep_later() (+3), passed to keep() (-5), stored in global_item (-11) */

	if (it)
		keep_later(it);
}

static void attach(struct dev *dev, struct item *it)
{
	dev->current_item = it;
}

void leave_attached(struct dev *dev)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to attach() (+3), stored in *dev (-5) */

	if (it)
		attach(dev, it);
}

void leave_list(struct dev *dev)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to list_add() (+3), ... */

	if (it)
		list_add(&it->list, &dev->items);
}

/* Only a field's address */
void leave_interior(struct dev *dev)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: stored in *dev (+3) */

	if (it)
		dev->priv = &it->value;
}

/* As a number */
void leave_as_number(struct dev *dev)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: stored in *dev (+2) */

	dev->cookie = (unsigned long)it | 1;
}

/* Through a number and back */
void leave_tagged(void)
{
	unsigned long v = (unsigned long)kzalloc(sizeof(struct item), GFP_KERNEL); /* want: escapes: stored in visible_item (+3) */

	v ^= 0x5a;
	visible_item = (struct item *)(v ^ 0x5a);
}

/* In a structure that is returned by value */
struct holder {
	struct item *it;
	long n;
	long m;
};

struct holder leave_by_value(void)
{
	struct holder h = { .n = 1 };

	h.it = kzalloc(sizeof(*h.it), GFP_KERNEL); /* want: escapes: returned (+1) */
	return h;
}

/* ... that is copied to memory of others */
void leave_struct_copied(struct holder *to)
{
	struct holder h = { .n = 1 };

	h.it = kzalloc(sizeof(*h.it), GFP_KERNEL); /* want: escapes: stored in *to (+1) */
	*to = h;
}

/* ... by memcpy() */
void leave_memcpy(struct holder *to)
{
	struct holder h = { .n = 1 };

	h.it = kzalloc(sizeof(*h.it), GFP_KERNEL); /* want: escapes: passed to memcpy() (+1) */
	memcpy(to, &h, sizeof(h));
}

/* ... passed on by address or by value */
void leave_holder_passed(void)
{
	struct holder h = { .n = 1 };

	h.it = kzalloc(sizeof(*h.it), GFP_KERNEL); /* want: escapes: passed to unknown() (+1) */
	unknown(&h);
}

static void keep_inner(struct holder *h)
{
	global_item = h->it; /* keep_inner */
}

void leave_holder_followed(void)
{
	struct holder h = { .n = 1 };

	h.it = kzalloc(sizeof(*h.it), GFP_KERNEL); /* want: escapes: passed to keep_inner() (+1), stored in global_item (-7) */
	keep_inner(&h);
}

void take_by_value(struct holder h);

void leave_holder_by_value(void)
{
	struct holder h = { .n = 1 };

	h.it = kzalloc(sizeof(*h.it), GFP_KERNEL); /* want: escapes: passed by value to take_by_value() (+1) */
	take_by_value(h);
}

/* In an object that leaves */
struct item *leave_in_object(void)
{
	struct item *a = kzalloc(sizeof(*a), GFP_KERNEL); /* want: escapes: returned (+5) */
	struct item *b = kzalloc(sizeof(*b), GFP_KERNEL); /* want: escapes: returned (+4) */

	if (a)
		a->data = b;
	return a;
}

/* Out of the object that it was kept in */
struct item *leave_out_of_object(void)
{
	struct item *a = kzalloc(sizeof(*a), GFP_KERNEL); /* want: does not escape, could be on the stack */
	struct item *b = kzalloc(sizeof(*b), GFP_KERNEL), *r; /* want: escapes: returned (+5) */

	a->next = b;
	r = a->next;
	kfree(a);
	return r;
}

/* Through itself */
void *leave_self(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: returned (+4) */

	it->data = it;
	it->value = 3;
	return it->data;
}

/* One way of two */
struct item *leave_sometimes(bool keep_it)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: returned */

	if (keep_it)
		return it;
	kfree(it); it = NULL;
	return NULL;
}

void leave_phi_store(struct item *other, bool which)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: stored in *to (+4) */
	struct item *to;

	to = which ? it : other;
	to->data = it;
}

void leave_other_unit(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to other_keep() (+2) */

	other_keep(it);
}

/* WRITE_ONCE() and its kin are stores */
void leave_write_once(struct dev *dev)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: stored in *dev (+2) */

	WRITE_ONCE(dev->current_item, it);
}

void leave_release(struct dev *dev)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: stored in *dev (+2) */

	smp_store_release(&dev->current_item, it);
}

void leave_xchg(struct dev *dev)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: used in inline assembly (+2) */

	it = xchg(&dev->current_item, it);
	kfree(it);
}

/* Its page */
void leave_page(struct dev *dev)
{
	void *p = kmalloc(64, GFP_KERNEL); /* want: escapes: stored in *dev (+2) */

	dev->priv = virt_to_page(p);
}

void leave_called(void)
{
	void (*f)(void) = kmalloc(64, GFP_KERNEL); /* want: escapes: called as a function (+2) */

	f();
}

/* kfree_rcu() keeps it for a while */
struct late {
	long v;
	struct rcu_head rcu;
};

void leave_rcu(void)
{
	struct late *l = kzalloc(sizeof(*l), GFP_KERNEL); /* want: escapes: passed to kvfree_call_rcu() (+3) */

	if (l)
		kfree_rcu(l, rcu);
}

/* Only an object of a slab has a ksize() */
size_t leave_ksize(void)
{
	void *p = kmalloc(40, GFP_KERNEL); /* want: escapes: passed to ksize() (+1) */
	size_t n = ksize(p);

	kfree(p);
	return n;
}

/* Nobody has it */
void leave_unused(void)
{
	kmalloc(8, GFP_KERNEL); /* want: does not escape, could be on the stack */
}
