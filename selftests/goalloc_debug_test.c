// SPDX-License-Identifier: GPL-2.0
/*
 * goalloc_debug_test: errors for KASAN and kmemleak to find. Not for a machine
 * that is needed for anything else.
 *
 * what=NAME commits one error when the module is loaded: uaf_read, uaf_write,
 * uaf_large, oob_read, oob_write, oob_large, oob_realloc, tiny_block. The
 * functions have these names, for the report. what=leak loses @count objects and
 * keeps others in ways that are no leak: in a list of goalloc's objects, with
 * slab objects hanging on them, and in tiny parts.
 *
 * No locks: only loading and unloading.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/goalloc.h>

static char *what = "";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "the error to commit");

static unsigned int count = 10;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "objects to lose");

static unsigned int size = 100;
module_param(size, uint, 0444);
MODULE_PARM_DESC(size, "bytes of an object");

static u8 sink;

static noinline void uaf_read(void)
{
	u8 *p = gomalloc(size, GFP_KERNEL);

	gofree(p);
	OPTIMIZER_HIDE_VAR(p);
	sink = READ_ONCE(p[size / 2]);
}

static noinline void uaf_write(void)
{
	u8 *p = gomalloc(size, GFP_KERNEL);

	gofree(p);
	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[0], 1);
}

static noinline void uaf_large(void)
{
	u8 *p = gomalloc(100000, GFP_KERNEL);

	gofree(p);
	OPTIMIZER_HIDE_VAR(p);
	sink = READ_ONCE(p[50000]);
}

static noinline void oob_read(void)
{
	u8 *p = gomalloc(size, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	sink = READ_ONCE(p[size]);
	gofree(p);
}

static noinline void oob_write(void)
{
	u8 *p = gomalloc(size, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[size], 1);
	gofree(p);
}

static noinline void oob_large(void)
{
	u8 *p = gomalloc(100000, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	sink = READ_ONCE(p[100000]);
	gofree(p);
}

static noinline void oob_realloc(void)
{
	u8 *p = gomalloc(size, GFP_KERNEL);

	p = gorealloc(p, size - 20, GFP_KERNEL);
	OPTIMIZER_HIDE_VAR(p);
	sink = READ_ONCE(p[size - 20]);
	gofree(p);
}

static noinline void tiny_block(void)
{
	u8 *p = gomalloc_tiny(16, GFP_KERNEL);

	gofree(p);
	OPTIMIZER_HIDE_VAR(p);
	sink = READ_ONCE(p[3]);
}

struct node {
	struct list_head list;
	void *slab;
	u8 *tiny;
};

static LIST_HEAD(kept);

static noinline void leak(void)
{
	struct node *node;
	void *lost, *large;
	unsigned int i;

	for (i = 0; i < count; i++) {
		lost = gomalloc(size, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(lost);
		large = gomalloc(70000, GFP_KERNEL);
		gofree(large);
		node = gozalloc(sizeof(*node), GFP_KERNEL);
		if (!node)
			return;
		node->slab = kmalloc(64, GFP_KERNEL);
		node->tiny = gomalloc_tiny(3, GFP_KERNEL);
		list_add(&node->list, &kept);
		if (!node->slab || !node->tiny)
			return;
	}
}

static const struct {
	const char *name;
	void (*fn)(void);
} errors[] = {
	{ "uaf_read", uaf_read },
	{ "uaf_write", uaf_write },
	{ "uaf_large", uaf_large },
	{ "oob_read", oob_read },
	{ "oob_write", oob_write },
	{ "oob_large", oob_large },
	{ "oob_realloc", oob_realloc },
	{ "tiny_block", tiny_block },
	{ "leak", leak },
};

static int __init debug_test_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (!strcmp(what, errors[i].name)) {
			errors[i].fn();
			return 0;
		}
	}
	pr_err("goalloc_debug_test: what=%s is no error that it knows\n", what);
	return -EINVAL;
}

static void __exit debug_test_exit(void)
{
	struct node *node, *next;

	list_for_each_entry_safe(node, next, &kept, list) {
		kfree(node->slab);
		gofree(node->tiny);
		gofree(node);
	}
}

module_init(debug_test_init);
module_exit(debug_test_exit);

MODULE_DESCRIPTION("Errors for KASAN and kmemleak to find in goalloc's users");
MODULE_LICENSE("GPL");
