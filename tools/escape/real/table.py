#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# table.py - a table of several reports, see table.sh
#
# usage: table.py [--list] NAME...
#
# Each NAME is a file with the JSON of escape.sh. In the rows every call is
# counted once.

import json
import sys

# Title, verdict, start of an escape's reason
COLUMNS = [
    ("calls", None, ""), ("candidates", "stack", ""), ("stored", "escapes", "stored"),
    ("passed", "escapes", "passed"), ("returned", "escapes", "returned"),
    ("size not constant", "size", ""), ("above the limit", "limit", ""),
]


def count(calls, verdict, reason):
    return sum(verdict in (None, c["verdict"]) and c["reason"].startswith(reason) for c in calls)


def main():
    names = [a for a in sys.argv[1:] if a != "--list"]
    reports = {}
    for name in names:
        with open(name, encoding="utf-8") as f:
            reports[name] = json.load(f)["calls"]
    if "--list" in sys.argv:
        for name, calls in reports.items():
            for c in calls:
                print(f"{name}/{c['file']}:{c['line']}: {c['call']}: {c['text']}")
        return 0
    reports["together"] = [c for calls in reports.values() for c in calls]
    print("| module |", " | ".join(title for title, _, _ in COLUMNS), "|")
    print("| --- |" + " --- |" * len(COLUMNS))
    for name, calls in reports.items():
        row = [count(calls, verdict, reason) for _, verdict, reason in COLUMNS]
        if sum(row[1:]) != row[0]:
            sys.exit(f"table.py: {name}: {row[0] - sum(row[1:])} calls are in no column")
        print(f"| {name} |", " | ".join(map(str, row)), "|")
    for name in names:
        for c in reports[name]:
            if c["verdict"] != "escapes":
                print(f"{name}/{c['file']}:{c['line']}: {c['function']}(): {c['call']}: {c['text']}")
    return 0


sys.exit(main())
