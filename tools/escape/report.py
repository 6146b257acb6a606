#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# report.py - turn what the plugin wrote into the report
#
# usage: report.py [--json] [--check] [--limit BYTES] [--frame BYTES] OUT BUILD
#
# OUT has the plugin's .calls files, BUILD is the folder that was compiled: its
# .su files say how large the stack frame of each function is. See escape.sh
# for the options and the exit status.

import argparse
import json
import os
import sys

PTA = "escapes: GCC's points-to analysis cannot rule it out"


def doubts(call):
    return (call["escapes"], call["gcc_escapes"], call["outlives_iteration"], call["recursive"],
            call["size"] is None, call["size"] or 0)


def read_recursive(out):
    """The functions that can come back to themselves through the folder's units"""
    edges = {}
    for name in os.listdir(out):
        if name.endswith(".edges"):
            with open(os.path.join(out, name), encoding="utf-8", errors="replace") as f:
                for line in f:
                    caller, callee = json.loads(line)
                    edges.setdefault(caller, set()).add(callee)
    recursive = set()
    for start in edges:
        todo, seen = list(edges[start]), set(edges[start])
        while todo:
            new = edges.get(todo.pop(), set()) - seen
            seen |= new
            todo += new
        if start in seen:
            recursive.add(start)
    return recursive


def read_calls(out):
    """One dict a call. A static function in a header comes once a unit."""
    calls = {}
    for name in sorted(os.listdir(out)):
        if not name.endswith(".calls"):
            continue
        with open(os.path.join(out, name), encoding="utf-8", errors="replace") as f:
            for line in f:
                call = json.loads(line)
                call["unit"] = name[:-len(".calls")].replace("!", "/")
                key = (call["file"], call["line"], call["column"], call["function"], call["call"])
                # The unit that knows less decides
                if key not in calls or doubts(call) > doubts(calls[key]):
                    calls[key] = call
    return sorted(calls.values(), key=lambda c: (c["file"], c["line"], c["column"], c["call"]))


def read_frames(build):
    """Bytes of stack: {unit: {function: bytes}}"""
    frames = {}
    for folder, _, files in os.walk(build):
        for name in files:
            if not name.endswith(".su"):
                continue
            path = os.path.join(folder, name)
            unit = os.path.relpath(path, build)[:-len(".su")] + ".c"
            with open(path, encoding="utf-8", errors="replace") as f:
                for line in f:
                    where, size, _ = line.rsplit("\t", 2)
                    function = where.rsplit(":", 1)[1].split(".")[0]
                    unit_frames = frames.setdefault(unit, {})
                    unit_frames[function] = max(unit_frames.get(function, 0), int(size))
    return frames


def frame_of(call, frames):
    """The frame that the object would be added to; an inlined function's is
    that of its caller, so the unit's largest stands for it."""
    unit = frames.get(call["unit"], {})
    return unit.get(call["function"], max(unit.values(), default=0))


def where(place):
    return f" ({place['file']}:{place['line']})" if place["line"] else ""


def judge(call, limit, frame_limit, frames, used):
    """The call's verdict, as a keyword, and its text"""
    if call["escapes"]:
        text = "escapes: " + call["reason"] + where(call["where"])
        if call["inner"]:
            text += ", " + call["inner"]
        return "escapes", text
    if call["gcc_escapes"]:
        return "escapes", PTA
    if call["resized"]:
        return "resized", "may be resized"
    if call["outlives_iteration"]:
        return "loop", "outlives an iteration of its loop"
    if call["recursive"]:
        return "recursion", f"{call['function']}() is recursive"
    if call["size"] is None:
        return "size", "size not constant"
    if call["size"] > limit:
        return "limit", f"larger than the limit ({call['size']} > {limit})"
    key = (call["unit"], call["function"])
    frame = frame_of(call, frames) + used.get(key, 0)
    # The next multiple of the stack's alignment
    size = -(-call["size"] // 16) * 16
    if frame_limit and frame + size > frame_limit:
        return "frame", (f"the stack frame of {call['function']}() would be too large "
                         f"({frame} + {size} > {frame_limit})")
    used[key] = used.get(key, 0) + size
    text = "does not escape, could be on the stack"
    if call["freed_in"]:
        text += ", freed in " + ", ".join(call["freed_in"])
    return "stack", text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--limit", type=int, default=1024)
    parser.add_argument("--frame", type=int, default=2048)
    parser.add_argument("--prefix", default="")
    parser.add_argument("out")
    parser.add_argument("build")
    args = parser.parse_args()

    calls = read_calls(args.out)
    recursive = read_recursive(args.out)
    for call in calls:
        name = call["function"]
        call["recursive"] |= (name in recursive if call["public"] else
                              any(r.endswith(f"/{call['unit']}:{name}") for r in recursive))
    frames = read_frames(args.build)
    used = {}
    rows = []
    for call in calls:
        verdict, text = judge(call, args.limit, args.frame, frames, used)
        rows.append({
            "file": call["file"], "line": call["line"], "column": call["column"],
            "function": call["function"], "call": call["call"], "size": call["size"],
            "verdict": verdict, "text": text,
            "reason": call["reason"] if call["escapes"] else "",
            "where": call["where"] if call["escapes"] and call["where"]["line"] else None,
            "freed_in": call["freed_in"], "gcc_escapes": call["gcc_escapes"],
        })
    stack = sum(row["verdict"] == "stack" for row in rows)
    if args.json:
        json.dump({"version": 1, "limit": args.limit, "frame_limit": args.frame,
                   "calls": rows}, sys.stdout, indent=1)
        print()
    else:
        for row in rows:
            print(f"{row['file']}:{row['line']}: {row['call']}: {row['text']}")
        print(f"{len(rows)} calls, {stack} could be on the stack", file=sys.stderr)
    return 1 if args.check and stack else 0


if __name__ == "__main__":
    sys.exit(main())
