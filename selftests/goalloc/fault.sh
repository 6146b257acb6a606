#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Requests for memory fail: at loading, by the knobs, and in every scenario

# shellcheck disable=SC1091,SC2086,SC2154 # lib.sh has the names
. ./lib.sh

begin goalloc_fault_test goalloc_smoke

# fails_at N: loading is refused, and leaves nothing
fails_at() {
	fails load goalloc fail_nth="$1" && ! loaded goalloc && [ ! -e $debugfs ] &&
		! grep -q goalloc /proc/vmallocinfo
}

# knob NAME VALUE
knob() {
	echo "$2" >"$parameters/$1"
}

# Some of the others are for reserves that it can do without at first
for n in 1 2 3 50 100 200 300; do
	check "loading without the ${n}th request" fails_at $n
done
check "a knob that is no number is refused" fails load goalloc fail_nth=x
check "the count of faults is not to be set" fails load goalloc fail_hits=1
check "loads" load goalloc
check "there were no faults" [ "$(cat $parameters/fail_hits)" = 0 ]
check "all requests are to fail" knob fail_from 1
check "the knob can be read" [ "$(cat $parameters/fail_from)" = 1 ]
case $(uname -v) in
*PREEMPT_RT*) skip "a user gets nothing" "PREEMPT_RT has a reserve" ;;
*)
	check "a user gets nothing" fails load goalloc_smoke only=none leak=1
	check "as there were faults" [ "$(cat $parameters/fail_hits)" -gt 0 ]
	;;
esac
check "no more faults" knob fail_from 0
check "and users get all again" load goalloc_smoke only=sizes,large,tiny
check "the test unloads" unload goalloc_smoke
check "each scenario without each request" load goalloc_fault_test step=20
check "the scenarios unload" unload goalloc_fault_test
check "consistent" consistent
end
