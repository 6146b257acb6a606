#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fuzz.sh - random operations on goalloc in a guest, against a model
#
# usage: fuzz.sh [-k KERNEL] [-s SEED] [-c CPUS] [-t SECONDS] [-n NAME] [-a STRING] [OPS]
#
# Boots a kernel that kernel.sh knows (6.12), loads goalloc_fuzz.ko, and has it
# do OPS operations (1000000000) from tasks, softirqs and hardirqs on all CPUs
# (2). Without SEED a random one is taken; the log says which. The exit status is
# 0 if all was right. The fast path is tried, as init_on_alloc=0 is on the kernel's
# command line; -a names something else for it. See selftests/goalloc_fuzz.c for what is verified.
# Example: fuzz.sh -s 42 10000000

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)

usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

kernel=6.12 seed=0 cpus=2 seconds='' name=fuzz append=init_on_alloc=0
while getopts k:s:c:t:n:a: opt; do
	case $opt in
	k) kernel=$OPTARG ;;
	s) seed=$OPTARG ;;
	c) cpus=$OPTARG ;;
	t) seconds=$OPTARG ;;
	n) name=$OPTARG ;;
	a) append=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
ops=${1:-1000000000}
case $ops$seed in
*[!0-9]*) usage ;;
esac
# Ten times what an emulated machine on two slow CPUs needs
[ "$seconds" ] || seconds=$((600 + ops / 30000))

dir=$("$tools/build.sh" "$kernel")
"$tools/vm.sh" --kernel "$kernel" --name "$name" --cpus "$cpus" --cpu max,-erms,-fsrm --timeout "$seconds" --append "$append" \
	--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_fuzz.ko" \
	--expect 'goalloc: misuse: double free of' \
	--expect 'goalloc: misuse: free of an interior pointer' \
	--expect 'goalloc: misuse: size asked of no object' --run "
	insmod /modules/goalloc.ko
	insmod /modules/goalloc_fuzz.ko seed=$seed ops=$ops || exit 1
	rmmod goalloc_fuzz
	rmmod goalloc
	dmesg | grep goalloc_fuzz
"
