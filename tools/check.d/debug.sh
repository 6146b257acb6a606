#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The smoke and misuse tests, watched by every debugging tool the kernel has
# kernels: A B C
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

dir=$("$TOOLS/build.sh" "$KERNEL")
# KCSAN slows the many checks of the whole heap down, and the test is one task, for
# the most part: minutes without a race to be found
misuse=1
[ "$KERNEL" != B ] || [ "${GOALLOC_FULL-}" ] || misuse=''
expect=()
[ -z "$misuse" ] || expect=(--expect 'goalloc: misuse' --expect 'bytes is more than an object can have')
# For B: an emulated CPU needs long to come to the other side of a race
"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE" --timeout 1200 \
	--append "numa=fake=2 kcsan.udelay_task=1000 kcsan.udelay_interrupt=300 kcsan.skip_watch=2000" \
	--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_smoke.ko" \
	--module "$dir/selftests/goalloc_misuse_test.ko" \
	${expect[@]+"${expect[@]}"} --run "
	misuse=$misuse
"'
	d=/sys/kernel/debug/goalloc
	k=/sys/kernel/debug/kmemleak
	[ ! -e /sys/kernel/debug/kcsan ] || echo on >/sys/kernel/debug/kcsan
	insmod /modules/goalloc.ko
	# Statistics and releases beside it all
	while :; do
		cat $d/stats $d/classes >/dev/null
		echo 1 >$d/release
	done &
	reader=$!
	insmod /modules/goalloc_smoke.ko
	kill $reader
	wait $reader || true
	echo 1 >$d/check
	cat $d/check $d/stats
	if [ -e $k ]; then
		# young objects are spared: they may be on their way to a list
		sleep 6
		echo scan >$k
		echo scan >$k
		cat $k
		[ -z "$(cat $k)" ]
	fi
	rmmod goalloc_smoke
	rmmod goalloc
	[ "$misuse" ] || exit 0
	insmod /modules/goalloc.ko
	insmod /modules/goalloc_misuse_test.ko
	rmmod goalloc_misuse_test
	rmmod goalloc
'
