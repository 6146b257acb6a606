// SPDX-License-Identifier: GPL-2.0
/* loop.c - loops and recursion */

#include "corpus.h"

/* A new one each time, gone at the end of the body */
long loop_inside(int n)
{
	long s = 0;

	for (int i = 0; i < n; i++) {
		struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack */

		if (!it)
			return -ENOMEM;
		it->value = i;
		s += it->value > 3;
		kfree(it);
	}
	return s;
}

/* The list outlives the iteration */
long loop_list(int n)
{
	struct item *head = NULL, *it;
	long count = 0;

	while (n--) {
		it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: outlives an iteration of its loop */
		if (!it)
			break;
		it->next = head;
		head = it;
	}
	while (head) {
		it = head->next;
		kfree(head);
		head = it;
		count++;
	}
	return count;
}

/* The last one is used in the next iteration */
long loop_previous(int n)
{
	struct item *prev = NULL;
	long r = 0;

	for (int i = 0; i < n; i++) {
		struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: outlives an iteration of its loop */

		if (!it)
			break;
		it->value = i;
		if (prev && prev->value > 4)
			r++;
		kfree(prev);
		prev = it;
	}
	kfree(prev);
	return r;
}

/* An array of them */
long loop_array(void)
{
	struct item *v[4];
	long r = 0;

	for (int i = 0; i < 4; i++)
		v[i] = kzalloc(sizeof(*v[i]), GFP_KERNEL); /* want: outlives an iteration of its loop */
	for (int i = 0; i < 4; i++) {
		r += v[i] && v[i]->value > 2;
		kfree(v[i]);
	}
	return r;
}

/* Used after the loop */
long loop_after(int n)
{
	struct item *it = NULL;
	long r = 0;

	for (;;) {
		it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: outlives an iteration of its loop */
		if (!it)
			return -ENOMEM;
		it->value = number();
		if (it->value > n)
			break;
		kfree(it);
	}
	if (it->value > 10)
		r = 1;
	kfree(it);
	return r;
}

/* A variable outside, but dead at the end of each iteration */
long loop_variable_outside(int n)
{
	struct item *it;
	long r = 0;

	do {
		it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: does not escape, could be on the stack */
		if (!it)
			return -ENOMEM;
		it->value = number();
		r += it->value > n;
		kfree(it);
	} while (n--);
	return r;
}

/* By goto */
long loop_goto(void)
{
	struct item *it, *old = NULL;
	long r;

again:
	it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: outlives an iteration of its loop */
	if (!it)
		goto out;
	it->value = number();
	if (!old && it->value == 3) {
		old = it;
		goto again;
	}
	kfree(it);
out:
	r = old && old->value > 2;
	kfree(old);
	return r;
}

/* Into a loop: it has two entries */
long loop_irreducible(bool b, int n)
{
	struct item *it = NULL;
	long r = 0;

	if (b)
		goto middle;
	for (;;) {
		r += number() > 4;
		if (r > n)
			return r;
middle:
		it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: outlives an iteration of its loop */
		if (!it)
			return -ENOMEM;
		r += it->value > 2;
		kfree(it);
	}
}

/* The outer loop keeps it */
long loop_nested(int n)
{
	long r = 0;

	for (int i = 0; i < n; i++) {
		struct item *it = NULL;

		for (int j = 0; j < n; j++) {
			it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: outlives an iteration of its loop */
			if (number() > 5)
				break;
			kfree(it);
			it = NULL;
		}
		r += it && it->value > 3;
		kfree(it);
	}
	return r;
}

/* A structure of the body holds it */
long loop_holder(int n)
{
	long r = 0;

	for (int i = 0; i < n; i++) {
		struct { struct item *it; long n; } h = { .n = i };

		h.it = kzalloc(sizeof(*h.it), GFP_KERNEL); /* want: does not escape, could be on the stack */
		r += h.it && h.it->value > h.n;
		kfree(h.it);
	}
	return r;
}

/* A structure outside of it */
long loop_holder_outside(int n)
{
	struct { struct item *it; long n; } h = { .n = n };
	long r = 0;

	for (int i = 0; i < n; i++) {
		h.it = kzalloc(sizeof(*h.it), GFP_KERNEL); /* want: outlives an iteration of its loop */
		r += h.it && h.it->value > h.n;
		kfree(h.it);
	}
	return r;
}

/* An older object holds it */
long loop_older_object(int n)
{
	struct item *old = kzalloc(sizeof(*old), GFP_KERNEL); /* want: does not escape, could be on the stack */
	long r = 0;

	while (old && n--) {
		struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: outlives an iteration of its loop */

		if (old->next && old->next->value > 4)
			r++;
		old->next = it;
	}
	return r > 3;
}

/* Recursion */
long recursion_direct(int n)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: recursion_direct() is recursive */
	long r = 0;

	if (it && n)
		r = recursion_direct(n - 1);
	kfree(it);
	return r;
}

static long recursion_b(int n);

static noinline long recursion_a(int n)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: recursion_a() is recursive */
	long r = 0;

	if (it && n)
		r = recursion_b(n - 1);
	kfree(it);
	return r;
}

static noinline long recursion_b(int n)
{
	return n ? recursion_a(n / 2) : 0;
}

long recursion_start(int n)
{
	return recursion_a(n);
}

static long recursion_walk(struct item *it, int n)
{
	if (!n)
		return it->value > 3;
	return recursion_walk(it, n - 1); /* recursion_walk */
}

/* The callee is recursive, and nothing is known about the argument then */
long recursion_argument(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to recursion_walk() (+5), passed to recursion_walk() (-6), which is recursive */
	long r;

	if (!it)
		return -ENOMEM;
	r = recursion_walk(it, 3);
	kfree(it);
	return r;
}
