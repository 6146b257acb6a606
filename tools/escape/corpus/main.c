// SPDX-License-Identifier: GPL-2.0
/* main.c - a module needs it */

#include "corpus.h"

MODULE_DESCRIPTION("goalloc: corpus of the escape analysis");
MODULE_LICENSE("GPL");
