#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What goalloc may hold, what goes back in the background, and in whose books it is

# shellcheck disable=SC1091,SC2086,SC2154,SC2312 # lib.sh has the names
. ./lib.sh

begin goalloc_smoke

set_to() {
	echo "$2" >"$parameters/$1"
}

hold() {
	load goalloc_smoke only=none hold="$1"
}

held_kib() {
	figure bytes held
}

# KiB of memory that no user has
idle_kib() {
	echo $(($(figure bytes cached) + $(figure bytes free)))
}

# within SECONDS COMMAND...: it is true at last
within() {
	seconds=$1
	shift
	while [ "$seconds" -gt 0 ]; do
		if "$@"; then
			return 0
		fi
		sleep 1
		seconds=$((seconds - 1))
	done
	return 1
}

nothing_cached() {
	[ "$(column mcache)" = 0 ]
}

idle_below() {
	[ "$(idle_kib)" -le "$1" ]
}

# KiB that the kernel says are slab and not to be reclaimed
slab_kib() {
	cat /proc/sys/vm/stat_refresh
	awk '/^SUnreclaim:/ { print $2 }' /proc/meminfo
}

# KiB that a memory cgroup's kernel memory has
charged_kib() {
	awk '/^kernel / { print int($2 / 1024) }' /tmp/cgroup/goalloc/memory.stat
}

have_memory_cgroup() {
	mkdir -p /tmp/cgroup && mount -t cgroup2 none /tmp/cgroup &&
		echo +memory >/tmp/cgroup/cgroup.subtree_control &&
		mkdir -p /tmp/cgroup/goalloc && grep -q '^kernel ' /tmp/cgroup/goalloc/memory.stat
} 2>/dev/null

in_cgroup() {
	sh -c 'echo $$ >/tmp/cgroup/goalloc/cgroup.procs && exec "$@"' sh "$@"
}

# ---- the limit ----

check "loads with a limit" load goalloc limit_mb=16 scavenge_ms=0
check "more than that is refused" fails hold 20000
check "the limit held" [ "$(held_kib)" -le 16384 ]
check "refusals are counted" [ "$(figure events refused)" -gt 0 ]
check "nothing stays in use" [ "$(figure objects 'in use')" = 0 ]
check "consistent" consistent
check "less than that is not" hold 5000
check "still within it" [ "$(held_kib)" -le 16384 ]
check "a limit below what is in use" set_to limit_mb 2
check "takes nobody's objects" [ "$(figure objects 'in use')" = 5000 ]
check "they are freed as they were" unload goalloc_smoke
# What lies free may be used, also beyond the limit, until it has gone back
release
check "too much is refused" fails hold 5000
check "what fits is given" hold 200
check "within the new limit" [ "$(held_kib)" -le 2048 ]
check "that is freed" unload goalloc_smoke
check "no limit" set_to limit_mb 0
check "and all is given" hold 20000
check "consistent again" consistent
check "all is freed" unload goalloc_smoke
check "no limit is a negative one" fails set_to limit_mb -1
check "no slack is above 1000" fails set_to retain_percent 1001
check "no period is a word" fails set_to scavenge_ms often
check "unloads" unload goalloc

# ---- the scavenger ----

check "loads without rounds" load goalloc retain_percent=100 scavenge_ms=0
hold 20000 && unload goalloc_smoke
hold 8000
used=$(figure bytes 'in use')
check "more lies idle than is in use" [ "$(idle_kib)" -gt "$used" ]
check "rounds" set_to scavenge_ms 50
check "CPUs that are idle are drained" within 60 nothing_cached
check "what is beyond the slack goes back" within 120 idle_below $((used * 5 / 4 + 512))
sleep 2
check "the slack stays" [ "$(idle_kib)" -gt $((used * 3 / 4)) ]
check "less slack" set_to retain_percent 10
# the tails of spans and what is free in those in use are not the scavenger's
check "more goes back" within 120 idle_below $((used / 4 + 512))
check "it is counted" [ "$(figure pages scavenged)" -gt 0 ]
check "nothing of what is in use" [ "$(figure objects 'in use')" = 8000 ]
check "consistent with it" consistent
check "no rounds any more" set_to scavenge_ms 0
check "what is in use is freed" unload goalloc_smoke
scavenged=$(figure pages scavenged)
sleep 2
check "nothing goes back now" [ "$(figure pages scavenged)" = "$scavenged" ]
check "rounds again" set_to scavenge_ms 50
check "and all goes back" within 120 idle_below 512
check "unloads again" unload goalloc

# ---- the kernel's books ----

check "loads once more" load goalloc scavenge_ms=0
before=$(slab_kib)
check "32 MiB are taken" hold 21800
taken=$(($(slab_kib) - before))
pages=$(($(figure pages held) * $(getconf PAGESIZE 2>/dev/null || echo 4096) / 1024))
check "they are slab in the kernel's books" near $taken $pages 2048
check "32 MiB are freed" unload goalloc_smoke
release
check "and out of the books" near "$(slab_kib)" "$before" 2048
if have_memory_cgroup; then
	ko=$(find_module goalloc_smoke)
	before=$(charged_kib)
	check "16 MiB are taken in a cgroup" in_cgroup insmod "$ko" only=none account=16
	check "it is charged" near $(($(charged_kib) - before)) 16384 1024
	check "they are freed" unload goalloc_smoke
	check "and uncharged" near "$(charged_kib)" "$before" 1024
	umount /tmp/cgroup
else
	skip "a memory cgroup is charged" "the kernel has no memory cgroups of version 2"
fi
check "consistent at the end" consistent
check "unloads at the end" unload goalloc
end
