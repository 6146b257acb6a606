#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A process drives a guest of 128 MB out of memory: goalloc's cached memory goes first
# kernels: 6.1 6.12 6.12-rt
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

dir=$("$TOOLS/build.sh" "$KERNEL")
# The kernel says much about the process that it kills
"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE" --mem 128 --timeout 300 \
	--expect 'awk(: page allocation failure| invoked oom-killer)' --expect 'Out of memory: Killed process [0-9]+ \(awk\)' \
	--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_smoke.ko" --run '
	d=/sys/kernel/debug/goalloc
	pages() {
		awk "/^pages/ { at = 1 } at && /^  held / { print \$2; exit }" $d/stats
	}
	grow() {
		awk "BEGIN { for (x = \"0123456789abcdef\"; ; x = x x); }"
	}

	# Nothing goes back but under pressure
	insmod /modules/goalloc.ko scavenge_ms=0
	insmod /modules/goalloc_smoke.ko only=none hold=12000
	rmmod goalloc_smoke
	cached=$(pages)
	insmod /modules/goalloc_smoke.ko only=none hold=1000
	for round in 1 2 3; do
		if grow; then
			echo "the process has come to an end by itself"
			exit 1
		fi
		echo "round $round: pages held before $cached, now $(pages)"
		[ $cached -gt 3000 ]
		# 1000 objects are 1.5 MiB; what is left of spans, and the slack of PREEMPT_RT
		[ $(pages) -lt 900 ]
		echo 1 >$d/check
		grep "^ok" $d/check
	done
	# Their contents are verified
	rmmod goalloc_smoke
	rmmod goalloc
'
