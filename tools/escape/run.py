#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# run.py - compare a report on the corpus with what its comments want
#
# usage: run.py REPORT.json CORPUS
#
# A verdict "could be on the stack" where an escape or a loop is wanted is
# counted by itself, as FALSE: there must be none. Status 0 if all agree.

import json
import os
import re
import sys

WANT = re.compile(r"/\* want: (.*?) \*/")
# Every reason there is; the corpus must have each
REASONS = ["stored in", "passed to", "returned", "used in inline assembly", "called as a function",
           "passed by value", "size not constant", "larger than the limit", "would be too large",
           "outlives an iteration", "is recursive", "may be resized", "as a variable argument",
           "which is recursive", "does not escape", "freed in", "(*", "points-to analysis"]
# Ends the text of a call that an #ifdef may leave out
OPTIONAL = " (optional)"
STACK = "does not escape, could be on the stack"


def place(match, name, line, lines):
    """(+3) to (file.c:45), (other.c:text) to (other.c:12)"""
    what = match.group(1)
    if re.fullmatch(r"[+-]\d+", what):
        return f"({name}:{line + int(what)})"
    file, text = what.split(":", 1)
    for number, content in enumerate(lines[file], 1):
        if text in content:
            return f"({file}:{number})"
    raise SystemExit(f"{file} has no line with '{text}'")


def read_wanted(corpus):
    """{(file, line of the call): text}"""
    lines = {}
    for name in sorted(os.listdir(corpus)):
        if name.endswith(".c"):
            with open(os.path.join(corpus, name), encoding="utf-8") as f:
                lines[name] = f.read().splitlines()
    wanted = {}
    for name, content in lines.items():
        for number, text in enumerate(content, 1):
            match = WANT.search(text)
            if match:
                wanted[name, number] = re.sub(
                    r"\(([+-]\d+|\w+\.c:[^)]*(?:\)[^)]*)?)\)(?=$|,)",
                    lambda m, n=name, i=number: place(m, n, i, lines), match.group(1))
    return wanted


def agrees(want, got):
    want = want.replace(OPTIONAL, "")
    pattern = ".*".join(re.escape(part) for part in want.split("..."))
    return re.fullmatch(pattern, got) is not None


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        report = {(c["file"], c["line"]): c for c in json.load(f)["calls"]}
    wanted = read_wanted(sys.argv[2])
    bad = false = 0
    for key in sorted(set(wanted) | set(report)):
        want = wanted.get(key)
        got = report[key]["text"] if key in report else None
        if want is None or got is None:
            # Some kernels have no such thing
            if got is None and OPTIONAL in wanted[key]:
                continue
            print(f"not ok {key[0]}:{key[1]}: wanted {want}, got {got}")
            bad += 1
        elif not agrees(want, got):
            kind = ""
            if got.startswith(STACK) and not want.startswith(STACK):
                false += 1
                kind = "FALSE "
            print(f"not ok {kind}{key[0]}:{key[1]}: wanted {want}, got {got}")
            bad += 1
    missing = [r for r in REASONS if not any(r in c["text"] for c in report.values())]
    for reason in missing:
        print(f"not ok: no call has the reason '{reason}'")
    stack = sum(t.startswith(STACK) for t in wanted.values())
    print(f"corpus: {len(wanted)} calls ({stack} stay), {bad} wrong, "
          f"{false} false 'does not escape', {len(missing)} reasons missing")
    return 1 if bad or missing else 0


if __name__ == "__main__":
    sys.exit(main())
