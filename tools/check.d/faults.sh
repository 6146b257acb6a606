#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Whatever request for memory fails, at loading or later, goalloc says NULL, loses
# nothing, and stays consistent
# kernels: 6.1 6.12 6.12-rt A
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

# Past the first ones the requests of a start are all alike, four a size class:
# coprime to that, the step meets all of them. check-full takes each.
load_step=13 step=1 append='' fragment=''
if [ "$KERNEL" = A ]; then
	# Each round takes a second or more there
	load_step=53
	step=13
	append=numa=fake=2
	fragment='
	# The kernel has knobs of its own
	insmod /modules/goalloc.ko
	f=/sys/kernel/debug/goalloc/fail_goalloc
	echo 0 >$f/verbose
	echo 100 >$f/probability
	echo -1 >$f/times
	fails insmod /modules/goalloc_smoke.ko leak=1 only=none
	echo 0 >$f/probability
	insmod /modules/goalloc_smoke.ko only=sizes,tiny
	rmmod goalloc_smoke
	rmmod goalloc
	k=/sys/kernel/debug/kmemleak
	sleep 6
	echo scan >$k
	echo scan >$k
	cat $k
	[ -z "$(cat $k)" ]
'
fi
[ -z "${GOALLOC_FULL-}" ] || load_step=1 step=1
dir=$("$TOOLS/build.sh" "$KERNEL")
"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE" --timeout 1200 --append "$append" \
	--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_fault_test.ko" \
	--module "$dir/selftests/goalloc_smoke.ko" --run "
	step=$step
	load_step=$load_step
"'
	p=/sys/module/goalloc/parameters

	# "set -e" does not see the result of !
	fails() {
		if "$@"; then
			echo "should have failed: $*"
			exit 1
		fi
	}

	# every_load KNOB: until so many requests are not made
	every_load() {
		n=1
		failed=0
		while :; do
			if insmod /modules/goalloc.ko $1=$n 2>/dev/null; then
				hits=$(cat $p/fail_hits)
				rmmod goalloc
				[ $hits != 0 ] || break
			else
				failed=$((failed + 1))
				[ ! -e /sys/kernel/debug/goalloc ]
				[ ! -e /sys/module/goalloc ]
			fi
			if [ $n -lt 40 ]; then
				n=$((n + 1))
			else
				n=$((n + load_step))
			fi
		done
		echo "$1: up to $n, $failed loads failed"
		[ $failed -gt 40 ]
	}

	every_load fail_nth
	every_load fail_from
	fails grep goalloc /proc/vmallocinfo
	fails insmod /modules/goalloc.ko fail_nth=x
	fails insmod /modules/goalloc.ko fail_hits=1

	insmod /modules/goalloc.ko
	insmod /modules/goalloc_fault_test.ko step=$step
	rmmod goalloc_fault_test
	echo 1 >/sys/kernel/debug/goalloc/check
	cat /sys/kernel/debug/goalloc/check
	rmmod goalloc
'"$fragment"
