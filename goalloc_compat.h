/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernel versions, and nothing else: the code reads as if
 * written for the newest kernel. Supported are 6.1 and later.
 */
#ifndef _GOALLOC_COMPAT_H
#define _GOALLOC_COMPAT_H

#include <linux/mmzone.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "goalloc needs Linux 6.1 or later"
#endif

/* MAX_ORDER became inclusive in 6.4 and MAX_PAGE_ORDER in 6.8 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define MAX_PAGE_ORDER		(MAX_ORDER - 1)
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define MAX_PAGE_ORDER		MAX_ORDER
#endif

#endif /* _GOALLOC_COMPAT_H */
