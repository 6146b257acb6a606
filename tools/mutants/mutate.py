#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Apply a wrong change from a list of them.

usage: mutate.py LIST                     names, files and killers, a line each
       mutate.py LIST --check TREE        does each still apply, exactly once?
       mutate.py LIST --apply NAME TREE   change TREE's file

An entry of LIST:

    = NAME
    file goalloc_span.c
    by plain api stress         which suite kills it; see mutants.sh
    why one line for people
    -the lines to be replaced, which the file has exactly once
    +what takes their place; nothing: they are left out
"""

import os
import sys


def read_list(path):
    mutants = []
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if line.startswith("= "):
                mutants.append({"name": line[2:], "old": [], "new": []})
            elif line[:1] == "-":
                mutants[-1]["old"].append(line[1:])
            elif line[:1] == "+":
                mutants[-1]["new"].append(line[1:])
            elif line.split(" ", 1)[0] in ("file", "by", "why"):
                key, value = line.split(" ", 1)
                mutants[-1][key] = value
            elif line and line[:1] != "#":
                sys.exit(f"{path}:{number}: {line}")
    return mutants


def mutate(m, tree):
    """The changed text of the mutant's file, or what is wrong."""
    path = os.path.join(tree, m["file"])
    with open(path, encoding="utf-8") as f:
        text = f.read()
    old = "".join(line + "\n" for line in m["old"])
    new = "".join(line + "\n" for line in m["new"])
    # Whole lines only
    n = ("\n" + text).count("\n" + old)
    if not old or n != 1:
        return None, f"{m['name']}: its lines are in {m['file']} {n} times, not once"
    at = ("\n" + text).index("\n" + old)
    return text[:at] + new + text[at + len(old):], None


def main():
    args = sys.argv[1:]
    mutants = read_list(args[0]) if args else sys.exit(__doc__)
    if len(args) == 1:
        for m in mutants:
            print(m["name"], m["file"], m["by"])
    elif args[1] == "--check":
        wrong = [w for _, w in (mutate(m, args[2]) for m in mutants) if w]
        names = [m["name"] for m in mutants]
        wrong += [f"{n}: twice in the list" for n in set(names) if names.count(n) > 1]
        print("\n".join(wrong), end="\n" if wrong else "")
        return 1 if wrong else 0
    elif args[1] == "--apply":
        m = next(m for m in mutants if m["name"] == args[2])
        text, wrong = mutate(m, args[3])
        if wrong:
            sys.exit(wrong)
        with open(os.path.join(args[3], m["file"]), "w", encoding="utf-8") as f:
            f.write(text)
    else:
        sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
