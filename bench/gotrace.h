/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gotrace: the file format of a recorded allocation trace.
 *
 * A file is one header and then header.ops operations of header.op_size bytes
 * each, in the order in which they happened. All integers are little endian.
 * The n-th allocation in the file has the id n, counted from 0, so an id names
 * one object for ever; a free names the object that it ends. An object is
 * freed at most once and after its allocation. What is live at the end of the
 * file was live at the end of the recording.
 *
 * Shared by the recorder (tools/trace/gotrace.c) and by the replay module.
 * Nothing here has a state or a lock.
 */
#ifndef _GOTRACE_H
#define _GOTRACE_H

#include <linux/types.h>

#define GOTRACE_MAGIC		"gotrace\n"
#define GOTRACE_MAGIC_LEN	8
#define GOTRACE_VERSION		1

/* The largest object that kmalloc() can give with 4 KiB pages. */
#define GOTRACE_MAX_SIZE	(4U << 20)
#define GOTRACE_MAX_CPUS	256U

/**
 * struct gotrace_header - the first bytes of a trace
 * @magic: GOTRACE_MAGIC without its final NUL
 * @version: GOTRACE_VERSION; a reader refuses any other
 * @header_size: bytes from the start of the file to the first operation
 * @op_size: bytes an operation
 * @cpus: CPUs of the recording; every op's cpu is below it
 * @ops: number of operations
 * @allocs: how many of them allocate
 * @implied: how many of them are frees that the recorder inferred
 * @dropped: frees left out, as their object is older than the recording
 * @release: kernel release of the recording, NUL padded
 */
struct gotrace_header {
	__u8 magic[GOTRACE_MAGIC_LEN];
	__le32 version;
	__le32 header_size;
	__le32 op_size;
	__le32 cpus;
	__le32 ops;
	__le32 allocs;
	__le32 implied;
	__le32 dropped;
	char release[64];
};

enum gotrace_flags {
	GOTRACE_FREE	= 1 << 0,	/* else it allocates */
	GOTRACE_IMPLIED	= 1 << 1,	/* a free without an event of its own */
	GOTRACE_ATOMIC	= 1 << 2,	/* no __GFP_DIRECT_RECLAIM */
	GOTRACE_ZERO	= 1 << 3,	/* __GFP_ZERO */
	GOTRACE_CACHE	= 1 << 4,	/* by kmem_cache_alloc(), not kmalloc() */
	GOTRACE_KNOWN	= (1 << 5) - 1,
};

enum gotrace_context {
	GOTRACE_TASK,
	GOTRACE_SOFTIRQ,
	GOTRACE_HARDIRQ,
	GOTRACE_NMI,
};

/**
 * struct gotrace_op - one operation
 * @id: which object
 * @size: bytes requested, never 0; 0 in a free
 * @cpu: the CPU it ran on
 * @flags: of enum gotrace_flags
 * @context: of enum gotrace_context, the context it ran in
 * @reserved: 0
 */
struct gotrace_op {
	__le32 id;
	__le32 size;
	__u8 cpu;
	__u8 flags;
	__u8 context;
	__u8 reserved;
};

#endif /* _GOTRACE_H */
