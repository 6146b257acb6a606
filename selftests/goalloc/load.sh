#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Loading and unloading: what comes goes

# shellcheck disable=SC1091,SC2086,SC2154 # lib.sh has the names
. ./lib.sh

begin goalloc_smoke

no_trace() {
	! loaded goalloc && [ ! -e $debugfs ] && ! grep -q goalloc /proc/vmallocinfo &&
		! grep -q '^goalloc' /proc/modules
}

# Users of goalloc keep it
in_use() {
	load goalloc_smoke only=none hold=10 && fails rmmod goalloc && unload goalloc_smoke
}

again() {
	i=0
	while [ $i -lt 10 ]; do
		load goalloc && load goalloc_smoke only=tiny &&
			unload goalloc_smoke && unload goalloc || return 1
		i=$((i + 1))
	done
}

check "loads" load goalloc
check "has its files in debugfs" [ -r $debugfs/stats ]
check "is not loaded twice" fails load goalloc
check "has no objects yet" [ "$(figure objects 'in use')" = 0 ]
check "starts consistent" consistent
check "cannot be unloaded under its users" in_use
check "unloads" unload goalloc
check "leaves no trace" no_trace
check "loads and unloads ten times" again
check "still leaves no trace" no_trace
check "has nothing to say" [ "$(lines 'goalloc: (misuse|check|unloaded)')" = 0 ]
end
