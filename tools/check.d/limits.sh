#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Wrong parameters are refused, and what is in use at unloading is reported
# kernels: 6.1 6.12 6.12-rt
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

dir=$("$TOOLS/build.sh" "$KERNEL")
"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE" --timeout 300 \
	--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_smoke.ko" \
	--expect 'goalloc: bin_kb=0: a number from 1 to 1024 is allowed' \
	--expect 'goalloc: chunk_kb=many: a number from 64 to 4096 is allowed' \
	--expect 'goalloc: unloaded with [0-9]+ objects in use' --run '
	for bad in bin_kb=0 bin_kb=1025 bin_kb=-1 chunk_kb=63 chunk_kb=4097 chunk_kb=many; do
		if insmod /modules/goalloc.ko $bad; then
			echo "$bad is taken"
			exit 1
		fi
	done
	for good in bin_kb=1 bin_kb=1024 chunk_kb=64 chunk_kb=4096; do
		insmod /modules/goalloc.ko $good
		rmmod goalloc
	done
	insmod /modules/goalloc.ko
	insmod /modules/goalloc_smoke.ko rounds=100 leak=1000
	rmmod goalloc_smoke
	rmmod goalloc
'
