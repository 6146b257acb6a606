#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print what two replays of one trace found, for a person.

usage: demo-table.py MEMORY.json INSTRUCTIONS.json

The first is the replay with verification, the second counted instructions.
The exit status is 1 if an allocation failed or an object was found changed.
"""

import json
import sys


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def pages(n):
    return n / 4096


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    memory, counted = load(sys.argv[1]), load(sys.argv[2])
    mk, mg = (memory["sides"][side] for side in ("kmalloc", "goalloc"))
    ck, cg = (counted["sides"][side] for side in ("kmalloc", "goalloc"))
    requested = memory["peak_requested"]
    pair = [c["alloc_mean"] + c["free_mean"] for c in (ck, cg)]
    rows = [
        ("operations replayed", f"{memory['operations']}", f"{memory['operations']}",
         "allocations and frees, in the recorded order, on the recorded CPU"),
        ("failed allocations", f"{mk['failures']}", f"{mg['failures']}", "must be 0"),
        ("objects found changed", f"{mk['verify_errors']}", f"{mg['verify_errors']}",
         "must be 0: each was filled, and compared before its free"),
        None,
        ("instructions an allocation", f"{ck['alloc_mean']:.1f}", f"{cg['alloc_mean']:.1f}",
         "mean over the trace, slow paths included"),
        ("  median", f"{ck['alloc_median']}", f"{cg['alloc_median']}",
         "half of them take no more than this"),
        ("instructions a free", f"{ck['free_mean']:.1f}", f"{cg['free_mean']:.1f}", "mean"),
        ("  median", f"{ck['free_median']}", f"{cg['free_median']}", ""),
        ("instructions for both", f"{pair[0]:.1f}", f"{pair[1]:.1f}",
         f"goalloc takes {100 * pair[1] / pair[0]:.0f} % of kmalloc's"),
        None,
        ("KiB requested at the peak", f"{requested >> 10}", f"{requested >> 10}",
         "what the users of the memory asked for"),
        ("KiB held at the peak", f"{mk['peak_held'] >> 10}", f"{mg['peak_held'] >> 10}",
         "taken from the kernel since the start of the replay, metadata included"),
        ("  of what was requested", f"{100 * mk['peak_held'] / requested:.1f} %",
         f"{100 * mg['peak_held'] / requested:.1f} %", "100 % would be no overhead at all"),
        ("pages held at the peak", f"{pages(mk['peak_held']):.0f}",
         f"{pages(mg['peak_held']):.0f}", "the same in pages of 4 KiB"),
        ("pages held after the end", f"{pages(mk['end_held']):.0f}",
         f"{pages(mg['end_held']):.0f}", "all is freed, some is kept for the next to come"),
        ("pages held after release", f"{pages(mk['released_held']):.0f}",
         f"{pages(mg['released_held']):.0f}", "slabs shrunk; goalloc told to give all back"),
        ("KiB of metadata that stays", "-", f"{mg['released_metadata'] >> 10}",
         "goalloc's own, until it is unloaded"),
    ]
    left = max(len(row[0]) for row in rows if row)
    print(f"{'':{left}}  {'kmalloc':>9}  {'goalloc':>9}")
    for row in rows:
        if row is None:
            print()
        else:
            print(f"{row[0]:{left}}  {row[1]:>9}  {row[2]:>9}   {row[3]}".rstrip())
    bad = sum(s[key] for s in (mk, mg, ck, cg) for key in ("failures", "verify_errors"))
    if bad:
        sys.exit("demo: the replay found errors: goalloc is not to be trusted")


if __name__ == "__main__":
    main()
