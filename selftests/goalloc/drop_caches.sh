#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The kernel wants its memory back: what is in use stays, and the heap is consistent

# shellcheck disable=SC1091,SC2086,SC2154 # lib.sh has the names
. ./lib.sh

begin goalloc_smoke
load goalloc scavenge_ms=0 || skip_all "goalloc does not load"

drop() {
	echo 3 >/proc/sys/vm/drop_caches
}

under_load() {
	load goalloc_smoke only=stress rounds=20000 &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		drop
	done
	wait $pid && unload goalloc_smoke
}

check "drops of nothing" drop
check "objects are taken" load goalloc_smoke only=none hold=5000
check "caches are dropped" drop
check "what is in use stays" [ "$(figure objects 'in use')" = 5000 ]
check "consistent" consistent
check "objects are freed" unload goalloc_smoke
before=$(figure pages held)
check "pages are kept for the next" [ "$before" -gt 100 ]
check "caches are dropped again" drop
# The CPUs drain their mcaches after that
sleep 1
drop
check "the kernel has got them back" [ "$(figure pages held)" -lt $((before / 10)) ]
check "consistent again" consistent
check "caches are dropped under load" under_load
check "consistent at the end" consistent
check "nothing stays in use" [ "$(figure objects 'in use')" = 0 ]
check "unloads" unload goalloc
end
