#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# goalloc comes and goes while CPUs do: with frees in flight, workers running, the
# kernel asking for memory. GOALLOC_STORMS is the number of rounds.

# shellcheck disable=SC1091,SC2086,SC2154 # lib.sh has the names
. ./lib.sh

begin goalloc_smoke
cpu=$(find /sys/devices/system/cpu/cpu[1-9]*/ -maxdepth 1 -name online 2>/dev/null | sort | head -n 1)
[ -n "$cpu" ] || skip_all "no CPU can be taken offline"
[ "$(cat "$cpu")" = 1 ] || skip_all "the CPU of $cpu is offline"
stop=$(mktemp)
cycles=$(mktemp)
trap 'rm -f "$stop" "$cycles"; wait; echo 1 >"$cpu"; clean_up' EXIT

cpu_storm() {
	while [ -e "$stop" ]; do
		echo 0 >"$cpu"
		echo 1 >"$cpu"
		echo >>"$cycles"
		# PREEMPT_RT gets on with nothing else without a pause
		sleep 0.1
	done
}

memory_storm() {
	while [ -e "$stop" ]; do
		echo 3 >/proc/sys/vm/drop_caches
		sleep 0.1
	done
}

# All that is wrong is said; nobody waits for anything between the steps
round() {
	load goalloc scavenge_ms=10 retain_percent=0 || return 1
	load goalloc_smoke only=stress rounds=3000 hold=2000 flight=5000 || return 1
	case $1 in
	*[02468]) unload goalloc_smoke && unload goalloc ;;
	*)
		# Drains and the scavenger are at it
		release &
		releaser=$!
		unload goalloc_smoke || return 1
		wait $releaser
		consistent && unload goalloc
		;;
	esac
}

cpu_storm &
memory_storm &
i=0
while [ $i -lt "${GOALLOC_STORMS:-6}" ]; do
	i=$((i + 1))
	check "round $i" round $i
done
rm -f "$stop"
wait
n=$(wc -l <"$cycles")
check "the CPU has come and gone ($n times)" [ "$n" -gt 0 ]
check "nothing was in use at the end of a round" [ "$(lines 'goalloc: unloaded with')" = 0 ]
check "nothing was wrong" [ "$(lines 'goalloc: (misuse|check)|goalloc_smoke: not ok')" = 0 ]
check "goalloc leaves no trace" fails grep -q goalloc /proc/vmallocinfo
check "it loads" load goalloc
check "and works" load goalloc_smoke only=sizes,large,contexts
check "the test unloads" unload goalloc_smoke
check "consistent" consistent
check "unloads" unload goalloc
end
