#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh - goalloc beside the kernel's slab allocator: one table
#
# usage: bench.sh [--kernel NAME]
#
# Boots the kernel (6.12) with one CPU, in QEMU's emulation that counts
# instructions, so the figures repeat to the digit and do not depend on this
# machine. The results stay in build/bench/bench.json (GOALLOC_BENCH_OUT in place
# of build/bench).

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$tools")
kernel=6.12
out=${GOALLOC_BENCH_OUT:-$top/build/bench}

die() {
	echo "bench.sh: $*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case $1 in
	--kernel) kernel=${2:?--kernel needs a value} ;;
	*) die "usage: bench.sh [--kernel NAME]" ;;
	esac
	shift 2
done

"$tools/deps.sh" build vm
mkdir -p "$top/build"
dir=$("$tools/build.sh" "$kernel" 2>"$top/build/bench-build.log") || {
	tail -n 20 "$top/build/bench-build.log" >&2
	die "the modules cannot be built for $kernel: the compiler's messages are above"
}
"$tools/vm.sh" --kernel "$kernel" --name "bench-$kernel" --icount --quiet --timeout 600 \
	--append init_on_alloc=0 --out "$out" \
	--module "$dir/goalloc.ko" --module "$dir/bench/goalloc_bench.ko" \
	--file "$top/bench/run.sh:/bench/run.sh" --file "$top/bench/settle.sh:/bench/settle.sh" \
	--run "sh /bench/run.sh icount=1"
"$tools/bench-table.py" "$out/bench.json"
