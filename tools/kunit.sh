#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kunit.sh - run the KUnit suites, both ways that people run KUnit
#
# usage: kunit.sh [-v] [uml|A|B|C]...
#
#   uml      kunit.py on User-mode Linux: goalloc is laid over a copy of the
#            kernel tree, as mm/goalloc, and built in
#   A, B, C  goalloc_kunit.ko in QEMU on that debug kernel (see debug-kernel.sh)
#
# Without an argument: uml and A. -v shows every case, not only what failed.
# The kernel's tree is linux-source-6.12, unpacked in the cache by
# debug-kernel.sh. Logs are in build/logs/kunit-* (GOALLOC_OUT). A line a suite
# is printed, and PASS or FAIL last; the exit status is 1 if a case failed.

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
tree=$(dirname "$tools")
logs=${GOALLOC_OUT:-$tree/build/logs}
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/goalloc/debug
verbose=

die() {
	echo "kunit.sh: $*" >&2
	exit 2
}

usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
	exit "$1"
}

# The results in a log, which may have the kernel's time stamps: what failed,
# and a line a suite
report() {
	sed -E 's/\r//; s/^\[ *[0-9.]+\](\[ *[TC][0-9]+\])? //' "$1" | awk -v all="$verbose" '
		all && /^ *(not )?ok [0-9]/ { print; next }
		# the last line before an end that came too early
		/^ *# .*: (EXPECTATION|ASSERTION) FAILED/ { show = 4 }
		/^ +not ok [0-9]/ { print }
		show-- > 0 { print; next }
		/^ *# Totals:/ { totals = $0; sub(/.*# Totals: /, "", totals) }
		/^(not )?ok [0-9]+ goalloc/ {
			printf "%-8s %s (%s)\n", $1 == "not" ? "not ok" : "ok", $NF, totals
		}'
}

# The tree that goalloc is laid over: hard links to the unpacked source, so that
# it takes no room and the source stays as it is
overlay() {
	local source=$1 to=$2 file

	if [ ! -e "$to/.overlay-of" ]; then
		rm -rf "$to" "$to.part"
		cp -al "$source" "$to.part"
		# New files in the place of links
		for file in mm/Makefile mm/Kconfig; do
			cp --remove-destination "$source/$file" "$to.part/$file"
		done
		# shellcheck disable=SC2016 # make expands it
		echo 'obj-$(CONFIG_GOALLOC_KUNIT_TEST) += goalloc/kunit/' >>"$to.part/mm/Makefile"
		cat >>"$to.part/mm/Kconfig" <<-'EOF'

			config GOALLOC_KUNIT_TEST
				bool "KUnit tests of goalloc"
				depends on KUNIT=y
				select IRQ_WORK
				help
				  A goalloc of the tests' own, and its KUnit suites.
		EOF
		echo "$source" >"$to.part/.overlay-of"
		mv "$to.part" "$to"
	fi
	mkdir -p "$to/mm/goalloc"
	# What is gone from our tree goes from there, the rest keeps its time
	rm -rf "$to/mm/goalloc.new"
	mkdir "$to/mm/goalloc.new"
	cp -p "$tree"/goalloc_*.[ch] "$to/mm/goalloc.new/"
	cp -pr "$tree/include" "$tree/kunit" "$to/mm/goalloc.new/"
	rm -rf "$to/mm/goalloc"
	mv "$to/mm/goalloc.new" "$to/mm/goalloc"
}

run_uml() {
	local source to=$cache/kunit-tree log=$logs/kunit-uml status=0

	for tool in python3 flex bison bc; do
		command -v $tool >/dev/null || die "$tool is missing: run tools/deps.sh build debug"
	done
	source=$("$tools/debug-kernel.sh" tree) || exit 2
	mkdir -p "$log"
	exec 9>"$cache/kunit.lock"
	flock 9
	[ ! -e "$to/.overlay-of" ] || [ "$(cat "$to/.overlay-of")" = "$source" ] || rm -rf "$to"
	overlay "$source" "$to"
	(
		cd "$to"
		# goalloc_sizeclass is first, goalloc_debug last
		./tools/testing/kunit/kunit.py run --build_dir="$cache/kunit-uml" \
			--kunitconfig="$to/mm/goalloc/kunit/.kunitconfig" --jobs="$(nproc)" \
			--timeout=900 --raw_output=all 'goalloc*'
	) >"$log/console.log" 2>&1 </dev/null || status=$?
	exec 9>&-
	# What the kernel says of itself before is not ours
	sed -n '/KTAP version/,$p' "$log/console.log" >"$log/ktap.log"
	report "$log/console.log"
	if [ $status != 0 ] || ! grep -qE '(^|\] )ok [0-9]+ goalloc_debug' "$log/ktap.log" ||
		grep -qE '(^|\] )(not ok|WARNING:|BUG:|Kernel panic)' "$log/ktap.log"; then
		tail -n 15 "$log/console.log"
		echo "FAIL kunit-uml ($log/console.log)"
		return 1
	fi
	echo "PASS kunit-uml"
}

run_qemu() {
	local image dir name=kunit-$1 status=0

	image=$("$tools/debug-kernel.sh" "$1") || exit 2
	dir=$("$tools/build.sh" "$image") || exit 2
	# Lines of misuse are what the suites are for
	"$tools/vm.sh" --kernel "$image" --name "$name" --timeout 1500 \
		--module "$dir/kunit/goalloc_kunit.ko" --expect 'goalloc: misuse' --expect 'goalloc: check: ' \
		--expect ' ok [0-9]+ goalloc_debug$|^ok [0-9]+ goalloc_debug$' --run '
		insmod /modules/goalloc_kunit.ko
		rmmod goalloc_kunit
	' >"$logs/$name.out" 2>&1 || status=1
	report "$logs/$name/console.log"
	tail -n 1 "$logs/$name.out"
	return $status
}

ways=()
for arg; do
	case $arg in
	-h | --help) usage 0 ;;
	-v) verbose=1 ;;
	uml | A | B | C) ways+=("$arg") ;;
	*) usage 2 >&2 ;;
	esac
done
[ ${#ways[@]} -gt 0 ] || ways=(uml A)

mkdir -p "$logs"
bad=0
for way in "${ways[@]}"; do
	if [ "$way" = uml ]; then
		run_uml || bad=1
	else
		run_qemu "$way" || bad=1
	fi
done
exit $bad
