#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# replay.sh - in the guest: replay a trace, and leave the results in /out
#
# usage: replay.sh FILE.gotrace [parameter of goalloc_replay...]
#
# In /out: replay.json, goalloc's stats as they are after the replay and after
# everything was released, and the verdict of its checker.

set -e
d=/sys/kernel/debug/goalloc
trace=$1
shift
sh "$(dirname "$0")/settle.sh"
insmod /modules/goalloc.ko
insmod /modules/goalloc_replay.ko trace="$trace" "$@" || {
	dmesg | grep goalloc_replay | tail -n 30
	exit 1
}
cp /sys/kernel/debug/goalloc_replay/result /out/replay.json
cat $d/stats >/out/stats
echo 1 >$d/check
cat $d/check >/out/check
rmmod goalloc_replay
rmmod goalloc
