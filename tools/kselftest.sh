#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kselftest.sh - run the kernel's kind of selftests in a guest
#
# usage: kselftest.sh [-n NAME] [KERNEL [TEST...]]
#
# Boots KERNEL, as kernel.sh names it (6.12), and runs selftests/goalloc in it by
# the kernel's own runner, or only TESTs of it, such as leak.sh. TAP is printed;
# the exit status is 1 if a test failed or the kernel log has anything to say.
# lib.mk and the runner are from linux-source-6.12, unpacked in the cache by
# debug-kernel.sh. Logs are in build/logs/NAME (GOALLOC_OUT).
# GOALLOC_GCOV is a folder for the kernel's gcov counters (coverage.sh).
# Example: kselftest.sh 6.1 load.sh params.sh
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$tools")/selftests/goalloc

usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

name=''
while getopts n: opt; do
	case $opt in
	n) name=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
kernel=${1:-6.12}
[ $# -eq 0 ] || shift
[ "$name" ] || name=kselftest-$(basename "$kernel")

source=$("$tools/debug-kernel.sh" tree)
kselftest=$source/tools/testing/selftests
if [ $# -eq 0 ]; then
	# As kselftest_install would have them
	list=$(make -s -C "$tests" KSELFTEST="$kselftest" COLLECTION=goalloc emit_tests)
	mapfile -t list <<<"$list"
	set -- "${list[@]#goalloc:}"
fi

dir=$("$tools/build.sh" "$kernel")
modules=()
for m in "$dir/goalloc.ko" "$dir"/selftests/*.ko; do
	modules+=(--module "$m")
done
out=()
[ -z "${GOALLOC_GCOV-}" ] || out=(--out "$GOALLOC_GCOV")
# What is reported on purpose; QEMU forgets to say that it has no fast strings
expect=()
for t; do
	case $t in
	params.sh | limit.sh) expect+=(--expect 'goalloc: [a-z_]+=.* is allowed') ;;
	misuse.sh) expect+=(--expect 'goalloc: misuse: ' --expect 'bytes is more than an object can have') ;;
	stress.sh) expect+=(--expect 'goalloc: misuse: ') ;;
	leak.sh) expect+=(--expect 'goalloc: unloaded with') ;;
	esac
done
"$tools/vm.sh" --kernel "$kernel" --name "$name" --timeout 1500 --cpu max,-erms,-fsrm \
	"${modules[@]}" ${expect[@]+"${expect[@]}"} ${out[@]+"${out[@]}"} --file "$tests:/kselftest/goalloc" \
	--file "$kselftest/kselftest:/kselftest/kselftest" --run "
	tests='$*'
	export GOALLOC_STORMS=${GOALLOC_FULL:+100}
"'
	set +e
	export GOALLOC_MODULES=/modules BASE_DIR=/kselftest
	# The runner writes there; nobody else in the guest needs it
	ln -s /proc/self/fd/1 /dev/stdout
	cd /kselftest/goalloc
	. ../kselftest/runner.sh
	run_many $tests 2>&1 | tee /tmp/tap
	[ ! -d /sys/kernel/debug/gcov ] || cp -r /sys/kernel/debug/gcov /out/
	! grep "^not ok" /tmp/tap && [ $(grep -c "^ok" /tmp/tap) = $(echo $tests | wc -w) ]
'
