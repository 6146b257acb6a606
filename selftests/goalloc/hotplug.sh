#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# CPUs come and go: what a dead one had goes home, and work goes on

# shellcheck disable=SC1091,SC2086,SC2154 # lib.sh has the names
. ./lib.sh

begin goalloc_smoke
cpu=$(find /sys/devices/system/cpu/cpu[1-9]*/ -maxdepth 1 -name online 2>/dev/null | sort | head -n 1)
[ -n "$cpu" ] || skip_all "no CPU can be taken offline"
id=${cpu%/online}
id=${id##*cpu}
[ "$(cat "$cpu")" = 1 ] || skip_all "cpu $id is offline"
command -v taskset >/dev/null || skip_all "there is no taskset"
load goalloc scavenge_ms=0 || skip_all "goalloc does not load"
trap 'echo 1 >"$cpu"; clean_up' EXIT

online() {
	echo "$1" >"$cpu"
}

# on_cpu FUNCTION...: in a process that runs there only
on_cpu() {
	taskset "$(printf '%x' $((1 << id)))" "$@"
}

use_and_free() {
	on_cpu insmod "$(find_module goalloc_smoke)" only=none hold=3000 && on_cpu rmmod goalloc_smoke
}

# While all CPUs allocate, and free what others have allocated
while_in_use() {
	load goalloc_smoke only=stress rounds=40000 &
	pid=$!
	i=0
	while [ $i -lt 6 ]; do
		online 0 && online 1 || return 1
		i=$((i + 1))
	done
	wait $pid && unload goalloc_smoke
}

release
check "nothing is cached" [ "$(column mcache)" = 0 ]
check "objects are taken and freed on cpu $id" use_and_free
check "it has cached some" [ "$(column mcache)" -gt 0 ]
check "cpu $id goes" online 0
check "what it had has gone home" [ "$(column mcache)" = 0 ]
check "consistent" consistent
check "goalloc works without it" load goalloc_smoke only=sizes,classes,tiny,stats
check "the test unloads" unload goalloc_smoke
check "cpu $id comes" online 1
check "it can be used" use_and_free
check "consistent again" consistent
check "it comes and goes under load" while_in_use
check "still consistent" consistent
check "nothing stays in use" [ "$(figure objects 'in use')" = 0 ]
check "cpu $id goes once more" online 0
check "unloads without it" unload goalloc
check "loads without it" load goalloc
check "it comes to a goalloc that never saw it" online 1
check "and can be used" use_and_free
check "consistent at the end" consistent
check "unloads" unload goalloc
end
