#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print what goalloc_bench measured, beside the targets.

usage: bench-table.py bench.json
"""

import json
import sys

# What goalloc is to reach, by the row's id: a figure, or a function of SLUB's.
TARGETS = {
    "pair_8": 80,
    "pair_64": 80,
    "pair_256": 80,
    "pair_1024": 80,
    "pair_16k": 120,
    "pair_32k": 120,
    "burst_64": 110,
    "burst_1k": 130,
    "softirq": lambda slub: slub / 2,
    "uniform_held": 109,
    "uniform_thinned": lambda slub: slub,
    "uniform_freed": 0,
    "skewed_held": 110,
    "skewed_thinned": lambda slub: slub,
    "skewed_freed": 0,
}


def figure(side):
    """The median, and the spread where there is one."""
    if side is None:
        return "-"
    text = f"{side['median']:.1f}"
    if side["max"] - side["min"] >= 0.1 * max(1, side["median"] / 10):
        text += f" ({side['min']:.1f}..{side['max']:.1f})"
    return text


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    with open(sys.argv[1], encoding="utf-8") as file:
        results = json.load(file)
    table = [("", "unit", "SLUB", "goalloc", "target", "")]
    for row in results["rows"]:
        slub, goalloc = row.get("kmalloc"), row.get("goalloc")
        target = TARGETS.get(row["id"])
        if callable(target):
            target = target(slub["median"])
        verdict = ""
        if target is not None and goalloc:
            verdict = "reached" if goalloc["median"] <= target else "not yet"
        table.append((row["what"], row["unit"], figure(slub), figure(goalloc),
                      "" if target is None else f"{target:.0f}", verdict))
    widths = [max(len(row[i]) for row in table) for i in range(6)]
    print(f"\nLinux {results['release']}; medians of five rounds, least..most where they differ;")
    print("figures of a pair are for one allocation and its free\n")
    for row in table:
        cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
        cells += [row[i].rjust(widths[i]) for i in (2, 3, 4)]
        print("  ".join(cells + [row[5]]).rstrip())


if __name__ == "__main__":
    main()
