#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# No row of the benchmark takes more instructions or memory than bench/expected says

set -euo pipefail

# Targets are DESIGN's; what a row took before is this file's
GOALLOC_BENCH_OUT=$SCRATCH "$TOOLS/bench.sh"
python3 - "$SCRATCH/bench.json" "$TREE/bench/expected" <<'EOF'
import json
import sys

rows = {row["id"]: row["goalloc"]["median"]
        for row in json.load(open(sys.argv[1]))["rows"] if "goalloc" in row}
bad = []
for line in open(sys.argv[2]):
    if line.startswith("#"):
        continue
    name, median, margin = line.split()
    if name not in rows:
        bad.append(f"{name} was not measured")
        continue
    more = rows[name] - float(median)
    if more > float(margin):
        bad.append(f"{name} is {rows[name]}, was {median}")
    elif more < -float(margin):
        bad.append(f"{name} is {rows[name]}, was {median}: better; enter it in bench/expected")
sys.exit("; ".join(bad) or 0)
EOF
