#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# 100 rounds of load, use and unload leave the guest's memory as it was
# kernels: 6.1 6.12 6.12-rt
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

dir=$("$TOOLS/build.sh" "$KERNEL")
"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE" --timeout 1500 \
	--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_smoke.ko" --run '
	free_kb() {
		# kworkers free what was unmapped; RCU has its own pace
		sleep 2
		echo 3 >/proc/sys/vm/drop_caches
		echo 1 >/proc/sys/vm/compact_memory
		sleep 1
		# pages on per-CPU lists are free, too, but not in MemFree
		awk "/nr_free_pages / { n = \$2 } END { print n }" /proc/vmstat >/tmp/free
		awk "/ count:/ { n += \$2 } END { print n }" /proc/zoneinfo >>/tmp/free
		awk "{ n += \$1 } END { print n * 4 }" /tmp/free
	}

	rounds() {
		for i in $(seq "$1"); do
			insmod /modules/goalloc.ko
			insmod /modules/goalloc_smoke.ko only=sizes,large,tiny,stats
			rmmod goalloc_smoke
			rmmod goalloc
		done
	}

	# The first ones fill what the kernel keeps: slabs, stackdepot, per-CPU lists
	rounds 10
	before=$(free_kb)
	least=
	for batch in 1 2 3 4; do
		rounds 25
		after=$(free_kb)
		loss=$((before - after))
		echo "batch $batch: free before $before kB, after $after kB"
		if [ -z "$least" ] || [ $loss -lt $least ]; then
			least=$loss
		fi
		before=$after
	done
	# "set -e" does not see the result of !
	if grep goalloc /proc/vmallocinfo; then
		exit 1
	fi
	# The kernel itself takes and gives megabytes; a leak takes in every batch,
	# 100 kB if it is a page a round
	echo "least loss of a batch: $least kB"
	[ $least -lt 80 ]
'
