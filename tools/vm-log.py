#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judge a kernel log: print the first line that must not be there.

usage: vm-log.py [--expect REGEX]... LOG

Exit status 0: the log is clean, and every REGEX occurs in it; 1: not so, and
one line says what was found; 3: QEMU itself was at fault, and the run tells
nothing. A line that matches a REGEX is allowed. So is the
whole report around it: from "cut here" to "end trace", or the trace that
dump_stack() prints after the line. A data race of KCSAN's counts unless the
kernel is at it by itself, in both stacks: see kernels_own_race().
"""

import argparse
import re
import sys

# What the kernel prints when something is wrong with it
BAD = re.compile("|".join((
    r"\bWARNING:",
    r"\bBUG:",
    r"\bkernel BUG at\b",
    r"\bOops\b",
    r"\bCall Trace:",
    r"\bKernel panic\b",
    r"\bgeneral protection fault\b",
    r"\b[Uu]nable to handle\b",
    r"\b(divide|stack segment|invalid opcode|double fault|int3)\b.*\[#",
    # lockdep and its kin
    r"\bpossible (circular|recursive) locking\b",
    r"\bINFO: .*\block",
    r"\bINFO: trying to register non-static key\b",
    r"\binconsistent lock state\b",
    r"\block inversion\b",
    r"-safe -> .*-unsafe lock order\b",
    r"\bbad unlock balance\b",
    r"\bInvalid wait context\b",
    r"\bheld lock freed\b",
    r"\block held when returning\b",
    r"\bsuspicious RCU usage\b",
    r"\bDEBUG_LOCKS_WARN_ON\b",
    # sanitizers and checkers of memory
    r"\b(KASAN|KCSAN|KMSAN|UBSAN|ODEBUG|KFENCE): ",
    r"\bkmemleak: [0-9]+ new suspected\b",
    r"\brefcount_t: ",
    r"\blist_(add|del) corruption\b",
    r"\bBad (page|rss-counter)\b",
    r"\bbad page state\b",
    r"\bpage allocation failure\b",
    r"\bSLUB: Unable to allocate\b",
    r"\bOut of memory\b",
    r"\binvoked oom-killer\b",
    # scheduling and time
    r"\bsleeping function called\b",
    r"\bscheduling while atomic\b",
    r"\bvoluntary context switch within RCU\b",
    r"\brcu.*\b(stalls? on|self-detected stall|kthread starved)\b",
    r"\bblocked for more than [0-9]+ seconds\b",
    r"\bsoft lockup\b",
    r"\bhard LOCKUP\b",
    r"\bworkqueue lockup\b",
    r"\bNMI handler .* took too long\b",
    # a test inside the kernel
    r"^(\w+:)?\s*not ok\b(?!.*# (SKIP|TODO)\b)",
    # goalloc's own reports
    r"\bgoalloc: (misuse|unloaded with|check)\b",
)))
STAMP = re.compile(r"^\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? ?")
CUT = "------------[ cut here ]------------"
END = "---[ end trace"
# How far a report's first line is from the trace that dump_stack() prints
TRACE_DISTANCE = 12

# What is left of a nop of 2 or 5 bytes when int3 is its first
NOP_REST = re.compile(r"90\b|1f 44 00 00\b")

RACE = re.compile(r"\bBUG: KCSAN: data-race in ")
RACE_END = re.compile(r"^={20,}$")
RACE_STACK = re.compile(r"\b(by (task|interrupt)|by .*) on cpu [0-9]+:$")
FRAME = re.compile(r"^ ([\w.]+)\+0x[0-9a-f]+/0x[0-9a-f]+( \[(\w+)\])?$")
# A function of a module, and what it may have called that touches its data
RACE_DEPTH = 2


def read_lines(path):
    with open(path, encoding="utf-8", errors="replace") as log:
        return [STAMP.sub("", line.rstrip("\r\n")) for line in log]


def find_reports(lines):
    """Give every line the range of the report that it belongs to."""
    ranges = [(i, i + 1) for i in range(len(lines))]
    start = None
    for i, line in enumerate(lines):
        if CUT in line:
            start = i
        elif END in line and start is not None:
            for j in range(start, i + 1):
                ranges[j] = (start, i + 1)
            start = None
        elif "Call Trace:" in line and start is None:
            ranges[i] = (max(0, i - TRACE_DISTANCE), i + 1)
    return ranges


def kernels_own_race(lines, start):
    """Tell whether the race reported at @start is between two places of the kernel's.

    KCSAN in its strict mode finds races in stock code too, as between the timer
    interrupt and hrtimer_cancel(). What a module reads or writes, itself or by a
    helper that it calls (list_del() and the like), is the module's: a report with
    one in the first frames of a stack counts, and so does one that is cut short.
    """
    stacks = []
    for line in lines[start + 1:]:
        if RACE_END.match(line):
            break
        frame = FRAME.match(line)
        if RACE_STACK.search(line):
            stacks.append([])
        elif frame and stacks:
            stacks[-1].append(frame.group(3))
    else:
        return False
    return bool(stacks) and all(s and not any(s[:RACE_DEPTH]) for s in stacks)


def first_bad(lines, expected):
    allowed = [any(e.search(line) for e in expected) for line in lines]
    ranges = find_reports(lines)
    for i, line in enumerate(lines):
        if not BAD.search(line) or any(allowed[slice(*ranges[i])]):
            continue
        if not (RACE.search(line) and kernels_own_race(lines, i)):
            return line
    return None


def died_of(lines):
    """Return the log from the first breakpoint on that the kernel died of, or nothing."""
    for i, line in enumerate(lines):
        if re.search(r"\bint3: 0000 \[#1\]", line):
            return lines[i:i + TRACE_DISTANCE]
    return []


def stale_breakpoint(lines):
    """Tell whether the kernel died of a breakpoint that is not in its memory.

    With a thread for each CPU, QEMU before 8.1 can keep the translation of a
    page that another CPU has just written: the int3 that the kernel puts there
    for a moment, when it patches its own code, is then executed for ever. The
    byte before the RIP shows it: a real int3 is 0xcc. It is 0xcc too while the
    kernel patches that place once more, but then the rest of a nop follows it;
    the kernel itself has no int3 before such bytes.
    """
    for code in died_of(lines):
        at_rip = re.search(r"Code:.* ([0-9a-f]{2}) <([0-9a-f]{2})>((?: [0-9a-f]{2})*)", code)
        if at_rip:
            rest = at_rip.group(2) + at_rip.group(3)
            return at_rip.group(1) != "cc" or bool(NOP_REST.match(rest))
    return False


def where(lines):
    """Return where the kernel died of a breakpoint, for who sees only the verdict."""
    found = [line.strip() for line in died_of(lines) if re.search(r"\b(RIP|Code|Workqueue):", line)]
    return "".join("; " + line for line in found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--expect", action="append", default=[], metavar="REGEX")
    parser.add_argument("log")
    args = parser.parse_args()

    lines = read_lines(args.log)
    expected = [re.compile(e) for e in args.expect]
    if stale_breakpoint(lines):
        print("the kernel log has: a breakpoint that QEMU should have forgotten")
        return 3
    bad = first_bad(lines, expected)
    if bad is not None:
        print("the kernel log has: " + bad.strip() + where(lines))
        return 1
    for regex in expected:
        if not any(regex.search(line) for line in lines):
            print("the kernel log lacks: " + regex.pattern)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
