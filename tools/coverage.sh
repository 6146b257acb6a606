#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# coverage.sh - which lines of the core do the KUnit suites and the kselftests run
#
# usage: coverage.sh [-l] [PERCENT]
#
# Builds everything with gcov for debug kernel C, runs goalloc_kunit.ko, also on two
# nodes with everything cleared, and the kselftests in QEMU, and prints a table of the
# core's files; -l also the lines that were not run. The exit status is 1 if a test
# failed or less than PERCENT (0) of all lines were run. The counters are in
# build/coverage (GOALLOC_COVERAGE).

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
tree=$(dirname "$tools")
data=${GOALLOC_COVERAGE:-$tree/build/coverage}
list='' failed=''

while getopts l opt; do
	case $opt in
	l) list=-l ;;
	*)
		sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
done
shift $((OPTIND - 1))

"$tools/deps.sh" build vm debug
mkdir -p "$data"
rm -rf "$data"/kunit* "$data/kselftest"

# The kernel keeps the counters of modules that are gone
export GOALLOC_BUILD=$data/build GOALLOC_MAKE=GCOV_PROFILE=y
dir=$("$tools/build.sh" C)
# Two nodes and clearing have paths of their own
for append in "" "numa=fake=2 init_on_alloc=1 init_on_free=1"; do
	"$tools/vm.sh" --kernel C --name coverage-kunit --quiet --timeout 1500 --append "$append" \
		--out "$data/kunit${append:+-numa}" --module "$dir/kunit/goalloc_kunit.ko" \
		--expect 'goalloc: misuse' --expect 'goalloc: check: ' --run '
		insmod /modules/goalloc_kunit.ko
		rmmod goalloc_kunit
		cp -r /sys/kernel/debug/gcov /out/
	' || failed=1
done
GOALLOC_GCOV=$data/kselftest "$tools/kselftest.sh" -n coverage-kselftest C >"$data/kselftest.tap" || {
	grep 'not ok' "$data/kselftest.tap" || true
	tail -n 1 "$data/kselftest.tap"
	failed=1
}
# What was run was run, but a test that fails is no proof
"$tools/coverage.py" $list "$dir" "${1:-0}" "$data"/k*/
[ -z "$failed" ]
