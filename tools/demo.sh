#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh - what goalloc does, shown on a stock Debian kernel
#
# Installs what is missing, builds the module, and boots the kernel three times
# in QEMU: to record every allocation of the kernel while it works, to replay
# them through kmalloc and through goalloc on two CPUs with every object
# verified, and once more on one CPU to count instructions.
#
# usage: demo.sh [--kernel NAME] [--keep-trace]
#
# --keep-trace replays the recording of the last run.

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$tools")
kernel=6.12
keep=

die() {
	echo "demo.sh: $*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case $1 in
	--keep-trace) keep=1 ;;
	--kernel)
		kernel=${2:?--kernel needs a value}
		shift
		;;
	*) die "usage: demo.sh [--kernel NAME] [--keep-trace]" ;;
	esac
	shift
done

step() {
	printf '\n== %s\n' "$*"
}

# replay NAME PARAMETERS [option of vm.sh...]: leaves its results in build/demo/NAME
replay() {
	local name=$1 params=$2
	shift 2

	rm -rf "${out:?}/$name"
	"$tools/vm.sh" --kernel "$kernel" --name "demo-$name" --quiet --timeout 900 "$@" \
		--module "$dir/goalloc.ko" --module "$dir/bench/goalloc_replay.ko" \
		--file "$trace:/trace.gotrace" --out "$out/$name" \
		--file "$top/bench/replay.sh:/bench/replay.sh" \
		--file "$top/bench/settle.sh:/bench/settle.sh" \
		--run "sh /bench/replay.sh /trace.gotrace $params" ||
		die "the replay failed: what the guest said is in ${GOALLOC_OUT:-build/logs}/demo-$name"
}

begin=$SECONDS
out=$top/build/demo
trace=$top/build/trace/demo.gotrace

step "1 of 5: what the demo needs"
"$tools/deps.sh" build vm
mkdir -p "$out" || die "cannot create $out: is the disk full?"
echo "Debian kernel $("$tools/kernel.sh" version "$kernel")"

step "2 of 5: building goalloc.ko"
dir=$("$tools/build.sh" "$kernel" 2>"$out/build.log") || {
	tail -n 20 "$out/build.log" >&2
	die "goalloc cannot be built for $kernel: the messages are above"
}
size "$dir/goalloc.ko" | awk 'NR == 2 { print "goalloc.ko: " $1 " bytes of code and constants, " $2 + $3 " of data" }'

step "3 of 5: recording every allocation of a kernel at work (2 CPUs)"
if [ "$keep" ] && [ -e "$trace" ]; then
	echo "kept: $trace"
else
	"$tools/record-trace.sh" --kernel "$kernel" --name demo
fi

step "4 of 5: replaying it, every object filled and verified (2 CPUs)"
replay memory "verify=1" --cpus 2

step "5 of 5: replaying it, instructions counted (1 CPU)"
replay instructions "verify=0 icount=1" --icount --append init_on_alloc=0

step "kmalloc and goalloc, the same allocations"
"$tools/demo-table.py" "$out/memory/replay.json" "$out/instructions/replay.json"

step "goalloc's own account, /sys/kernel/debug/goalloc/stats, after all was freed and released"
cat "$out/memory/stats"
printf 'checked by goalloc itself: '
cat "$out/memory/check"
printf '\nThe demo took %d s. Everything is in build/: demo, logs, trace.\n' $((SECONDS - begin))
