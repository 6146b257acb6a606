#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Random operations from tasks, softirqs and hardirqs against a model, while others
# read all figures and have memory released

# shellcheck disable=SC1091,SC2086,SC2154 # lib.sh has the names
. ./lib.sh

begin goalloc_fuzz
load goalloc || skip_all "goalloc does not load"

readers() {
	while :; do
		cat $debugfs/stats $debugfs/classes >/dev/null
		release
		sleep 1
	done
}

readers &
pid=$!
check "the model agrees" load goalloc_fuzz ops="${GOALLOC_OPS:-400000}"
kill $pid
wait $pid 2>/dev/null
check "the fuzzer unloads" unload goalloc_fuzz
check "nothing stays in use" [ "$(figure objects 'in use')" = 0 ]
check "consistent" consistent
release
check "nothing is cached any more" [ "$(figure bytes cached)" = 0 ]
check "unloads" unload goalloc
end
