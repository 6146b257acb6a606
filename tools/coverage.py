#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print which lines of the core were run: a table, from the kernel's gcov counters.

usage: coverage.py [-l] BUILD PERCENT DATA...

BUILD is where the modules were built, DATA folders that hold copies of the
kernel's gcov folder in debugfs. A file of the core that several modules contain
counts once: a line was run if one of them ran it. -l lists the others. The exit
status is 1 if less than PERCENT of all lines were run.
"""

import collections
import json
import os
import re
import subprocess
import sys
import tempfile

CORE = re.compile(r"^goalloc_[a-z]+\.[ch]$")


def find(folder, end):
    for path, _, files in os.walk(folder):
        for name in files:
            if name.endswith(end):
                yield os.path.join(path, name)


def add_counts(counts, gcda, build):
    """What gcov has to say of one file of counters."""
    at = gcda.find(build + "/")
    if at < 0:
        return
    gcno = gcda[at:-len("gcda")] + "gcno"
    if not os.path.exists(gcno):
        return
    with tempfile.TemporaryDirectory() as tmp:
        base = os.path.join(tmp, os.path.basename(gcno)[:-len(".gcno")])
        for source, end in ((gcno, ".gcno"), (gcda, ".gcda")):
            with open(source, "rb") as f, open(base + end, "wb") as to:
                to.write(f.read())
        out = subprocess.run(["gcov-12", "--json-format", "--stdout", base + ".gcda"], cwd=tmp,
                             check=True, capture_output=True).stdout
    for line in out.splitlines():
        for f in json.loads(line)["files"]:
            path = os.path.normpath(os.path.join("/", f["file"]))
            name = os.path.relpath(path, build)
            if not CORE.match(name):
                continue
            for entry in f["lines"]:
                counts[name][entry["line_number"]] += entry["count"]


def main():
    args = sys.argv[1:]
    listing = args[:1] == ["-l"]
    if listing:
        del args[0]
    if len(args) < 3:
        sys.exit(__doc__)
    build, percent = os.path.realpath(args[0]), float(args[1])
    counts = collections.defaultdict(collections.Counter)
    for data in args[2:]:
        for gcda in find(os.path.realpath(data), ".gcda"):
            add_counts(counts, gcda, build)
    if not counts:
        sys.exit("coverage.py: no counters of the core")

    total = run = 0
    print(f"{'file':<22} {'lines':>6} {'run':>6} {'%':>7}")
    for name, lines in sorted(counts.items()):
        hit = sum(1 for n in lines.values() if n)
        total += len(lines)
        run += hit
        print(f"{name:<22} {len(lines):6} {hit:6} {100 * hit / len(lines):7.1f}")
    print(f"{'all':<22} {total:6} {run:6} {100 * run / total:7.1f}")
    if listing:
        for name, lines in sorted(counts.items()):
            with open(os.path.join(build, name), encoding="utf-8") as f:
                text = f.read().split("\n")
            for number in sorted(n for n, count in lines.items() if not count):
                print(f"{name}:{number}: {text[number - 1].strip()}")
    return 0 if 100 * run >= percent * total else 1


if __name__ == "__main__":
    sys.exit(main())
