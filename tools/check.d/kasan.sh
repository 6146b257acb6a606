#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KASAN and kmemleak report errors of goalloc's users as they do for kmalloc's
# kernels: A
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

dir=$("$TOOLS/build.sh" "$KERNEL")
# Others than the expected reports are a failure
"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE" --timeout 600 --append kasan_multi_shot \
	--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_debug_test.ko" \
	--expect 'BUG: KASAN: slab-use-after-free in uaf_read\+' \
	--expect 'BUG: KASAN: slab-use-after-free in uaf_write\+' \
	--expect 'BUG: KASAN: slab-use-after-free in uaf_large\+' \
	--expect 'BUG: KASAN: slab-out-of-bounds in oob_read\+' \
	--expect 'BUG: KASAN: slab-out-of-bounds in oob_write\+' \
	--expect 'BUG: KASAN: slab-out-of-bounds in oob_large\+' \
	--expect 'BUG: KASAN: slab-out-of-bounds in oob_realloc\+' \
	--expect 'BUG: KASAN: slab-use-after-free in tiny_block\+' \
	--expect 'kmemleak: [0-9]+ new suspected memory leaks' \
	--expect 'goalloc: unloaded with 10 objects in use' --run '
	k=/sys/kernel/debug/kmemleak
	insmod /modules/goalloc.ko
	echo scan >$k
	echo clear >$k
	for what in uaf_read uaf_write uaf_large oob_read oob_write oob_large oob_realloc tiny_block; do
		insmod /modules/goalloc_debug_test.ko what=$what
		rmmod goalloc_debug_test
	done

	# Just the lost objects, all of them: not what hangs on others, nor what is free
	insmod /modules/goalloc_debug_test.ko what=leak count=10
	sleep 6
	echo scan >$k
	echo scan >$k
	cat $k
	found=$(grep -c "^unreferenced object" $k)
	by=$(grep -c "leak+.*goalloc_debug_test" $k)
	echo "$found leaks, $by by the test"
	# a stale register or stack slot may save one
	[ $found -ge 9 ]
	[ $found -le 10 ]
	[ $by = $found ]

	# What was lost is unknown after unloading: its pages are of others
	rmmod goalloc_debug_test
	rmmod goalloc
	echo scan >$k
	[ "$(grep -c "^unreferenced object" $k)" = 0 ]
'
