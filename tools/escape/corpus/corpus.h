/* SPDX-License-Identifier: GPL-2.0 */
/*
 * corpus.h - what the corpus has in common
 *
 * Each call of an allocator is followed, on its line or the next, by a comment
 *
 *	want: TEXT
 *
 * with the report's words. A place in them is (+N) or (-N), counted in lines
 * from the call, or (FILE:TEXT) for the line of another file that has TEXT.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#include <linux/cleanup.h>
#endif

struct item {
	struct list_head list;
	struct item *next;
	void *data;
	long value;
	int error;
	char name[16];
};

struct ops {
	int (*take)(struct item *it);
};

struct dev {
	struct item *current_item;
	struct list_head items;
	const struct ops *ops;
	void *priv;
	unsigned long cookie;
	char name[16];
};

/* Defined nowhere: anything may happen in there */
void unknown(void *p);
int unknown_const(const void *p);
long number(void);

/* In other.c */
long other_sum(const struct item *it);
void other_keep(struct item *it);
struct item *other_same(struct item *it);
struct item *other_make(void);
void other_drop(struct item *it);
long other_chain(const struct item *it);
long other_recursion(int n);
long hide_recursion(int n);

#endif
