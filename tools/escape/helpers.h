/* SPDX-License-Identifier: GPL-2.0 */
/*
 * helpers.h - what escape.cc knows about the kernel's functions
 *
 * Two tables: the functions that allocate, and the functions that keep none of
 * the pointers they are given. Both have the kernel's names; escape.cc strips
 * the suffix _noprof of 6.10 and later, and maps goalloc's names to them
 * (gofoo to kfoo, gokvfoo to kvfoo) before it looks one up.
 *
 * A function belongs into the second table only if it keeps no copy of the
 * pointer after it has returned, whatever its arguments are: what registers,
 * queues, maps for DMA or takes a reference does not.
 */
#ifndef ESCAPE_HELPERS_H
#define ESCAPE_HELPERS_H

/* A size is the product of up to two arguments, or not known (-1, -1) */
struct allocator {
	const char *name;
	int n;
	int size;
};

static const struct allocator allocators[] = {
	{ "kmalloc", -1, 0 },
	{ "kzalloc", -1, 0 },
	{ "kmalloc_node", -1, 0 },
	{ "kzalloc_node", -1, 0 },
	{ "kmalloc_array", 0, 1 },
	{ "kcalloc", 0, 1 },
	{ "kmalloc_array_node", 0, 1 },
	{ "kcalloc_node", 0, 1 },
	{ "kvmalloc", -1, 0 },
	{ "kvzalloc", -1, 0 },
	{ "kvmalloc_node", -1, 0 },
	{ "kvzalloc_node", -1, 0 },
	{ "kvmalloc_array", 0, 1 },
	{ "kvcalloc", 0, 1 },
	{ "kvmalloc_array_node", 0, 1 },
	{ "kvcalloc_node", 0, 1 },
	{ "kmemdup", -1, 1 },
	{ "kvmemdup", -1, 1 },
	{ "kmemdup_array", 1, 2 },
	{ "kmemdup_nul", -1, -1 },
	{ "kstrdup", -1, -1 },
	{ "kstrdup_const", -1, -1 },
	{ "kstrndup", -1, -1 },
	{ "krealloc", -1, 1 },
	{ "krealloc_array", 1, 2 },
	{ "kvrealloc", -1, -1 },
	{ "kasprintf", -1, -1 },
	{ "kvasprintf", -1, -1 },
	{ "memdup_user", -1, 1 },
	{ "memdup_user_nul", -1, -1 },
	{ "kmem_cache_alloc", -1, -1 },
	{ "kmem_cache_zalloc", -1, -1 },
	{ "kmem_cache_alloc_node", -1, -1 },
	{ "kmem_cache_alloc_lru", -1, -1 },
	{ "alloc_inode_sb", -1, -1 },
	/* What the names above expand to, in case a module says it itself */
	{ "__kmalloc", -1, 0 },
	{ "__kmalloc_node", -1, 0 },
	{ "kmalloc_large", -1, 0 },
	{ "kmalloc_large_node", -1, 0 },
	{ "__kmalloc_large", -1, 0 },
	{ "__kmalloc_large_node", -1, 0 },
	{ "kmalloc_trace", -1, 2 },
	{ "kmalloc_node_trace", -1, 3 },
	{ "__kmalloc_cache", -1, 2 },
	{ "__kmalloc_cache_node", -1, 3 },
	{ "kmalloc_track_caller", -1, 0 },
	{ "__kmalloc_node_track_caller", -1, 0 },
	{ "kmalloc_node_track_caller", -1, 0 },
	{ "__kvmalloc_node", -1, 0 },
	/* Macros, which only lend the report their names */
	{ "kmalloc_obj", -1, -1 },
	{ "kmalloc_objs", -1, -1 },
	{ "kmalloc_flex", -1, -1 },
	{ "kzalloc_obj", -1, -1 },
	{ "kzalloc_objs", -1, -1 },
	{ "kzalloc_flex", -1, -1 },
	{ "kvmalloc_obj", -1, -1 },
	{ "kvmalloc_objs", -1, -1 },
	{ "kvmalloc_flex", -1, -1 },
	{ "kvzalloc_obj", -1, -1 },
	{ "kvzalloc_objs", -1, -1 },
	{ "kvzalloc_flex", -1, -1 },
	/* goalloc's own */
	{ "gomalloc_tiny", -1, 0 },
	{ "gomalloc_nolock", -1, 0 },
	{ "__gomalloc", -1, 0 },
	{ "__gomalloc_class", -1, 1 },
};

/*
 * One letter an argument; the last one stands for all that follow.
 *
 *   n  the memory behind it is read or written, the pointer is not kept; or a
 *      number, of which the result may be made
 *   b  the same, and the result is a number made of its bytes
 *   d  the same; takes the bytes of the argument marked c
 *   c  its bytes are copied: to d, or else out of sight. Bytes that are
 *      themselves a pointer to the object go with them
 *   v  a value that is written to d
 *   t  a format: as c, and says what the arguments marked w are
 *   w  a value that becomes text in d, or text out of sight; of a string the
 *      bytes are copied
 *   f  it is freed
 *   .  nothing is known
 *
 * @ret is the argument that the function returns a pointer into, or -1.
 */
struct helper {
	const char *name;
	const char *args;
	int ret;
};

static const struct helper helpers[] = {
	/* free */
	{ "kfree", "f", -1 },
	{ "kfree_sensitive", "f", -1 },
	{ "kfree_const", "f", -1 },
	{ "kvfree", "f", -1 },
	{ "kvfree_sensitive", "f", -1 },
	{ "kvfree_atomic", "f", -1 },
	{ "kmem_cache_free", ".f", -1 },
	{ "kfree_bulk", ".f", -1 },
	{ "kmem_cache_free_bulk", "..f", -1 },
	{ "gofree_nolock", "f", -1 },
	{ "kfree_nolock", "f", -1 },

	/* memory */
	{ "memset", "dvn", 0 },
	{ "memset16", "dvn", 0 },
	{ "memset32", "dvn", 0 },
	{ "memset64", "dvn", 0 },
	{ "memzero_explicit", "n", -1 },
	{ "memcpy", "dc", 0 },
	{ "mempcpy", "dc", 0 },
	{ "memmove", "dc", 0 },
	{ "__memcpy", "dc", 0 },
	{ "__memmove", "dc", 0 },
	{ "__memset", "dvn", 0 },
	{ "memcpy_and_pad", "d.cnv", -1 },
	{ "memcmp", "b", -1 },
	{ "bcmp", "b", -1 },
	{ "memchr", "n", 0 },
	{ "memchr_inv", "n", 0 },
	{ "memscan", "n", 0 },
	{ "memcpy_fromio", "dc", -1 },
	{ "memcpy_toio", "dc", -1 },
	{ "crypto_memneq", "n", -1 },
	{ "__crypto_memneq", "n", -1 },

	/* strings */
	{ "strlen", "n", -1 },
	{ "strnlen", "n", -1 },
	{ "__fortify_strlen", "n", -1 },
	{ "strcmp", "b", -1 },
	{ "strncmp", "b", -1 },
	{ "strcasecmp", "b", -1 },
	{ "strncasecmp", "b", -1 },
	{ "sysfs_streq", "n", -1 },
	{ "strcpy", "dc", 0 },
	{ "strncpy", "dc", 0 },
	{ "stpcpy", "dc", 0 },
	{ "strcat", "dc", 0 },
	{ "strncat", "dc", 0 },
	{ "strlcpy", "dc", -1 },
	{ "strlcat", "dc", -1 },
	{ "strscpy", "dc", -1 },
	{ "sized_strscpy", "dc", -1 },
	{ "strscpy_pad", "dc", -1 },
	{ "strchr", "n", 0 },
	{ "strchrnul", "n", 0 },
	{ "strrchr", "n", 0 },
	{ "strnchr", "n", 0 },
	{ "strstr", "n", 0 },
	{ "strnstr", "n", 0 },
	{ "strspn", "b", -1 },
	{ "strcspn", "b", -1 },
	{ "strpbrk", "n", 0 },
	{ "strim", "n", 0 },
	{ "skip_spaces", "n", 0 },
	{ "strreplace", "dnv", 0 },
	{ "bin2hex", "dc", 0 },
	{ "hex2bin", "dc", -1 },

	/* numbers and text */
	{ "kstrtoull", "c.d", -1 },
	{ "kstrtoll", "c.d", -1 },
	{ "_kstrtoul", "c.d", -1 },
	{ "_kstrtol", "c.d", -1 },
	{ "kstrtoul", "c.d", -1 },
	{ "kstrtol", "c.d", -1 },
	{ "kstrtouint", "c.d", -1 },
	{ "kstrtoint", "c.d", -1 },
	{ "kstrtou16", "c.d", -1 },
	{ "kstrtos16", "c.d", -1 },
	{ "kstrtou8", "c.d", -1 },
	{ "kstrtos8", "c.d", -1 },
	{ "kstrtobool", "cd", -1 },
	/* Formatted at once: nobody keeps what a %s stood for */
	{ "sprintf", "dtw", -1 },
	{ "snprintf", "d.tw", -1 },
	{ "scnprintf", "d.tw", -1 },
	{ "sscanf", "cnn", -1 },
	{ "_printk", "tw", -1 },
	{ "_printk_deferred", "tw", -1 },
	{ "__warn_printk", "tw", -1 },
	{ "__dynamic_pr_debug", "ntw", -1 },
	{ "_dev_err", ".tw", -1 },
	{ "_dev_warn", ".tw", -1 },
	{ "_dev_notice", ".tw", -1 },
	{ "_dev_info", ".tw", -1 },
	{ "seq_printf", "ntw", -1 },
	{ "seq_puts", "nc", -1 },
	{ "seq_putc", "n", -1 },
	{ "seq_write", "nc", -1 },

	/* user space */
	{ "copy_from_user", "dn", -1 },
	{ "_copy_from_user", "dn", -1 },
	{ "__copy_from_user", "dn", -1 },
	{ "__copy_from_user_inatomic", "dn", -1 },
	{ "copy_struct_from_user", "d.n", -1 },
	{ "strncpy_from_user", "dn", -1 },
	{ "copy_to_user", "nc", -1 },
	{ "_copy_to_user", "nc", -1 },
	{ "__copy_to_user", "nc", -1 },
	{ "__copy_to_user_inatomic", "nc", -1 },
	{ "simple_read_from_buffer", "n.nc", -1 },
	{ "simple_write_to_buffer", "n.nn", -1 },
	{ "copy_from_kernel_nofault", "dc", -1 },
	{ "copy_to_kernel_nofault", "dc", -1 },
	{ "__check_object_size", "n", -1 },
	{ "check_object_size", "n", -1 },

	/* checksums, random bytes, bits */
	{ "crc32_le", ".b", -1 },
	{ "crc32_be", ".b", -1 },
	{ "__crc32c_le", ".b", -1 },
	{ "crc32c", ".b", -1 },
	{ "crc16", ".b", -1 },
	{ "crc_itu_t", ".b", -1 },
	{ "crc_ccitt", ".b", -1 },
	{ "get_random_bytes", "n", -1 },
	{ "_find_first_bit", "b", -1 },
	{ "_find_next_bit", "b", -1 },
	{ "_find_first_zero_bit", "b", -1 },
	{ "_find_next_zero_bit", "b", -1 },
	{ "_find_last_bit", "b", -1 },
	{ "__bitmap_weight", "b", -1 },
	{ "__bitmap_set", "dvv", -1 },
	{ "__bitmap_clear", "dvv", -1 },

	/* atomic operations that give no contents back; they are inline assembly */
	{ "atomic_set", "dv", -1 },
	{ "atomic_inc", "d", -1 },
	{ "atomic_dec", "d", -1 },
	{ "atomic_add", "vd", -1 },
	{ "atomic_sub", "vd", -1 },
	{ "atomic_dec_and_test", "d", -1 },
	{ "atomic64_set", "dv", -1 },
	{ "atomic64_inc", "d", -1 },
	{ "atomic64_dec", "d", -1 },
	{ "atomic64_add", "vd", -1 },
	{ "atomic64_sub", "vd", -1 },
	{ "atomic64_dec_and_test", "d", -1 },
	{ "atomic_long_set", "dv", -1 },
	{ "atomic_long_inc", "d", -1 },
	{ "atomic_long_dec", "d", -1 },
	{ "atomic_long_add", "vd", -1 },
	{ "atomic_long_sub", "vd", -1 },
	{ "atomic_long_dec_and_test", "d", -1 },
	{ "set_bit", "vd", -1 },
	{ "clear_bit", "vd", -1 },
	{ "change_bit", "vd", -1 },
	{ "__set_bit", "vd", -1 },
	{ "__clear_bit", "vd", -1 },

	/* instrumentation */
	{ "__kasan_check_read", "n", -1 },
	{ "__kasan_check_write", "n", -1 },
	{ "__kcsan_check_access", "n", -1 },
	{ "kmsan_unpoison_memory", "n", -1 },

	/* GCC's builtins, "__builtin_" stripped */
	{ "object_size", "n", -1 },
	{ "dynamic_object_size", "n", -1 },
	{ "constant_p", "n", -1 },
	{ "prefetch", "n", -1 },
	{ "expect", "n", 0 },
	{ "assume_aligned", "n", 0 },
};

#endif
