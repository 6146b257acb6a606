#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# edit.py - change squashfs_lookup() of linux-source-6.12 for real.sh
#
# usage: edit.py NAMEI.C kmalloc|gomalloc|scoped
#
# All three get a wrapper that counts cycles, and the parameters lookup_min and
# lookup_count of the module. Beyond that kmalloc is left as it is, gomalloc takes
# goalloc in the two functions that allocate, and scoped takes goalloc_scoped_sized()
# there. A source that is not as expected is an error.

import re
import sys

INCLUDE = "#include <linux/goalloc.h>\n#include <linux/goalloc_scoped.h>\n"

WRAPPER = """
static ulong lookup_min = ULONG_MAX;
module_param(lookup_min, ulong, 0644);
static ulong lookup_count;
module_param(lookup_count, ulong, 0644);

static struct dentry *counted_lookup(struct inode *dir, struct dentry *dentry,
				     unsigned int flags)
{
	cycles_t begin = get_cycles();
	struct dentry *found = squashfs_lookup(dir, dentry, flags);
	cycles_t took = get_cycles() - begin;

	lookup_count++;
	if (took < lookup_min)
		lookup_min = took;
	return found;
}

"""


def replace(text, pattern, new, count):
    text, n = re.subn(pattern, new, text)
    if n != count:
        sys.exit(f"edit.py: '{pattern}' is there {n} times, not {count}: this is not linux-source-6.12")
    return text


def main():
    path, how = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for name, struct in (("index", "squashfs_dir_index"), ("dire", "squashfs_dir_entry")):
        call = rf"\t{name} = kmalloc\(sizeof\(\*{name}\) \+ SQUASHFS_NAME_LEN \+ 1, GFP_KERNEL\);\n"
        size = f"sizeof(struct {struct}) + SQUASHFS_NAME_LEN + 1"
        frees = 1 if name == "index" else 2
        if how == "gomalloc":
            text = replace(text, call, f"\t{name} = gomalloc({size}, GFP_KERNEL);\n", 1)
            text = replace(text, rf"\tkfree\({name}\);\n", f"\tgofree({name});\n", frees)
        elif how == "scoped":
            text = replace(text, rf"\tstruct {struct} \*{name};\n", "", 1)
            text = replace(text, call, f"\tgoalloc_scoped_sized(struct {struct}, {name}, {size},\n"
                                       f"\t\t\t     {size}, GFP_KERNEL);\n", 1)
            text = replace(text, rf"\tkfree\({name}\);\n", "", frees)
    text = replace(text, r"#include <linux/slab.h>\n", "#include <linux/slab.h>\n#include <linux/module.h>\n"
                   "#include <linux/timex.h>\n" + (INCLUDE if how != "kmalloc" else ""), 1)
    text = replace(text, r"static struct dentry \*squashfs_lookup\(",
                   "static noinline struct dentry *squashfs_lookup(", 1)
    text = replace(text, r"const struct inode_operations squashfs_dir_inode_ops",
                   WRAPPER + "const struct inode_operations squashfs_dir_inode_ops", 1)
    text = replace(text, r"\.lookup = squashfs_lookup,", ".lookup = counted_lookup,", 1)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


main()
