#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What slab offers around kmalloc and kfree goalloc offers, with the same corner cases
# kernels: 6.1 6.12 6.12-rt
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

dir=$("$TOOLS/build.sh" "$KERNEL")
for init in init_on_alloc=0 "init_on_alloc=1 init_on_free=1"; do
	"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE${init//[^01]/}" --timeout 300 --append "$init" \
		--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_api_test.ko" \
		--expect 'goalloc: misuse: double free of' \
		--expect 'goalloc: misuse: free of an interior pointer' \
		--expect 'goalloc: misuse: free of a foreign pointer' --run '
		d=/sys/kernel/debug/goalloc
		insmod /modules/goalloc.ko
		insmod /modules/goalloc_api_test.ko
		echo 1 >$d/check
		grep ^ok $d/check
		rmmod goalloc_api_test
		rmmod goalloc
		[ ! -e $d ]
		! dmesg | grep "goalloc: unloaded with"
	'
done
