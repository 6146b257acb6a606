#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every kind of misuse is reported and refused, and the heap stays consistent; on
# the fast path, which init_on_alloc keeps away from
# kernels: 6.1 6.12 6.12-rt
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

dir=$("$TOOLS/build.sh" "$KERNEL")
"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE" --timeout 300 --append init_on_alloc=0 \
	--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_misuse_test.ko" \
	--expect 'goalloc: misuse: double free of' \
	--expect 'goalloc: misuse: free of an interior pointer' \
	--expect 'goalloc: misuse: free of a foreign pointer' \
	--expect 'goalloc: misuse: free of a pointer into free memory' \
	--expect 'goalloc: misuse: two frees at once of' \
	--expect 'goalloc: [0-9]+ bytes is more than an object can have' \
	--expect 'goalloc: misuse: size asked of no object' --run '
	d=/sys/kernel/debug/goalloc
	insmod /modules/goalloc.ko
	insmod /modules/goalloc_misuse_test.ko
	echo 1 >$d/check
	grep ^ok $d/check
	rmmod goalloc_misuse_test
	rmmod goalloc
'
