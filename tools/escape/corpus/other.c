// SPDX-License-Identifier: GPL-2.0
/* other.c - functions that the corpus calls in another unit */

#include "corpus.h"

static struct item *kept;

long other_sum(const struct item *it)
{
	return it->value + it->error;
}

void other_keep(struct item *it)
{
	kept = it; /* other_keep */
}

struct item *other_same(struct item *it)
{
	return it;
}

struct item *other_make(void)
{
	return kzalloc(sizeof(struct item), GFP_KERNEL); /* want: escapes: returned (+0) */
}

void other_drop(struct item *it)
{
	kfree(it); /* other_drop */
}

/* Known only after other_sum() and size_of_name() in size.c are */
long size_of_name(const struct item *it);

long other_chain(const struct item *it)
{
	return other_sum(it) + size_of_name(it);
}

void doubled(struct item *it);

void doubled(struct item *it)
{
	kept = it;
}

long other_recursion(int n)
{
	return n ? hide_recursion(n - 1) : 0;
}

/* A name of the kernel's */
u16 crc16(u16 crc, const u8 *p, size_t n);

u16 crc16(u16 crc, const u8 *p, size_t n)
{
	kept = (void *)p;
	return crc;
}

/* What hide.c calls by this name is other_keep() */
void other_drop_all(struct item *it);

void other_drop_all(struct item *it)
{
}
