// SPDX-License-Identifier: GPL-2.0
/* twin.c - a second module in the folder, with a function that the first has too */

#include "corpus.h"

MODULE_DESCRIPTION("goalloc: second module of the corpus");
MODULE_LICENSE("GPL");

void doubled(struct item *it);

void doubled(struct item *it)
{
	it->value = 0;
}
