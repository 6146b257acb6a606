#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run.sh - in the guest: measure, and leave the results in /out
#
# usage: run.sh [parameter of goalloc_bench...]

set -e
sh "$(dirname "$0")/settle.sh"
insmod /modules/goalloc.ko
insmod /modules/goalloc_bench.ko "$@" || {
	dmesg | grep goalloc_bench | tail -n 5
	exit 1
}
cp /sys/kernel/debug/goalloc_bench/results.json /out/bench.json
rmmod goalloc_bench
rmmod goalloc
