#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# record-trace.sh - record an allocation trace of a stock kernel at work
#
# usage: record-trace.sh [--kernel NAME] [--name NAME]
#
# Boots the kernel (6.12) in a guest with two CPUs, records its kmem events
# while the guest unpacks and reads the kernel's own headers, talks TCP, and so
# on (tools/trace/record.sh), and leaves build/trace/NAME.gotrace (demo).

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$tools")
kernel=6.12
name=demo

die() {
	echo "record-trace.sh: $*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	[ $# -ge 2 ] || die "$1 needs a value"
	case $1 in
	--kernel) kernel=$2 ;;
	--name) name=$2 ;;
	*) die "usage: record-trace.sh [--kernel NAME] [--name NAME]" ;;
	esac
	shift 2
done

out=$top/build/trace
bin=$top/build/bin
logs=${GOALLOC_OUT:-$top/build/logs}/record-$name
mkdir -p "$out" "$bin"
free=$(df -Pm "$out" | awk 'NR == 2 { print $4 }')
[ "$free" -ge 500 ] || die "$out has $free MB free and the recording needs 500 MB: make room"
for prog in gotrace workload; do
	gcc -O2 -Wall -Wextra -static -o "$bin/$prog" "$tools/trace/$prog.c" ||
		die "cannot build tools/trace/$prog.c: install gcc and libc6-dev"
done

work=$(mktemp -d "${TMPDIR:-/tmp}/goalloc-trace.XXXXXX")
trap 'rm -rf "$work"' EXIT
kdir=$("$tools/kernel.sh" kdir "$kernel")
# Debian keeps what its kernels have in common in a directory beside
common=$(sed -n 's|^include \(.*\)/Makefile$|\1|p' "$kdir/Makefile" | head -n 1)
[ -d "$common/include" ] || common=$kdir
tar -cf "$work/tree.tar" -C "$common" include arch || die "cannot write $work/tree.tar: is the disk full?"

"$tools/vm.sh" --kernel "$kernel" --name "record-$name" --cpus 2 --mem 2048 --timeout 900 --quiet \
	--module-from-kernel ext4 --module-from-kernel loop \
	--file "$work/tree.tar:/trace/tree.tar" \
	--file "$tools/trace/record.sh:/trace/record.sh" \
	--file "$bin/gotrace:/trace/gotrace" --file "$bin/workload:/trace/workload" \
	--run "sh /trace/record.sh /trace/tree.tar /out/$name.gotrace" --out "$out" || {
	tail -n 5 "$logs/guest.log" >&2
	die "the recording failed: what the guest said is above, its kernel log is in $logs"
}
"$bin/gotrace" summary "$out/$name.gotrace"
