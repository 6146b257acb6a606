#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A part of a real trace runs through both allocators, every object verified
# kernels: 6.1 6.12 6.12-rt
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

dir=$("$TOOLS/build.sh" "$KERNEL")
append=init_on_alloc=0
# Everything goes the slow way here
[ "$KERNEL" != 6.1 ] || append="init_on_alloc=1 init_on_free=1"
small=$SCRATCH/small.gotrace
xz -dc "$TREE/selftests/data/small.gotrace.xz" >"$small"
# A trace that is cut, one that is none, and one that frees what it never had
head -c 100000 "$small" >"$SCRATCH/cut"
echo nothing >"$SCRATCH/none"
{
	head -c 104 "$small"
	tail -c 12 "$small"
	tail -c +117 "$small"
} >"$SCRATCH/wrong"

"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE" --timeout 600 --cpus 2 --append "$append" \
	--module "$dir/goalloc.ko" --module "$dir/bench/goalloc_replay.ko" \
	--file "$small:/trace/small" --file "$SCRATCH/cut:/trace/cut" \
	--file "$SCRATCH/none:/trace/none" --file "$SCRATCH/wrong:/trace/wrong" --run '
	refused() {
		! insmod /modules/goalloc_replay.ko "$@" 2>/dev/null || {
			echo "$* was not refused"
			exit 1
		}
	}
	d=/sys/kernel/debug/goalloc
	insmod /modules/goalloc.ko
	insmod /modules/goalloc_replay.ko trace=/trace/small
	cat /sys/kernel/debug/goalloc_replay/*
	echo 1 >$d/check
	grep ^ok $d/check
	rmmod goalloc_replay
	insmod /modules/goalloc_replay.ko trace=/trace/small kinds=kmalloc cpus=1 rounds=3
	rmmod goalloc_replay
	for bad in cut none wrong missing; do
		refused trace=/trace/$bad
	done
	refused
	refused trace=/trace/small alloc=malloc
	refused trace=/trace/small rounds=16
	rmmod goalloc
'
