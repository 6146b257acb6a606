#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module loads, passes its smoke test, is consistent and unloads: on the fast
# path, which init_on_alloc keeps away from, and with everything cleared
# kernels: 6.1 6.12 6.12-rt
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

dir=$("$TOOLS/build.sh" "$KERNEL")
for init in init_on_alloc=0 "init_on_alloc=1 init_on_free=1"; do
	"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE${init//[^01]/}" --timeout 300 --append "$init" \
		--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_smoke.ko" --run '
		d=/sys/kernel/debug/goalloc
		insmod /modules/goalloc.ko
		insmod /modules/goalloc_smoke.ko
		echo 1 >$d/check
		grep ^ok $d/check
		cat $d/stats $d/classes
		rmmod goalloc_smoke
		echo 1 >$d/release
		cat $d/stats
		rmmod goalloc
		[ ! -e $d ]
	'
done
