#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two nodes, and four: each node's objects are on its pages, and freed elsewhere go home
# kernels: 6.1 6.12 6.12-rt
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

dir=$("$TOOLS/build.sh" "$KERNEL")
for nodes in 2 4; do
	"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE-$nodes" --timeout 600 --append init_on_alloc=0 \
		--nodes $nodes --cpus 4 --mem 1024 \
		--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_smoke.ko" --run '
		d=/sys/kernel/debug/goalloc
		[ "$(ls -d /sys/devices/system/node/node* | wc -l)" = '$nodes' ]
		insmod /modules/goalloc.ko
		insmod /modules/goalloc_smoke.ko only=sizes,nodes,large,contexts,stress
		rmmod goalloc_smoke
		echo 1 >$d/release
		echo 1 >$d/check
		cat $d/check $d/stats
		grep -q "^ok: 0 spans" $d/check
		rmmod goalloc
	'
done
