#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh - run the test suites
#
# usage: check.sh [-l] [suite...]
#
# Every file in tools/check.d is a suite; one with a line "# kernels: A B" runs
# once for each of these kernels, as suite-A and suite-B, with the kernel's name
# in KERNEL. A suite ends with status 0 if it passed, 4 if it has nothing to
# run on (its last line says why), else it failed. A name given without its
# kernel means all of them; -l lists the names.
#
# With GOALLOC_FULL=1 they run at full length, for which the suites look at it.
#
# Two suites run at a time (GOALLOC_JOBS). One line a suite is printed, and at
# the end "N passed, N failed, N skipped"; the exit status is 1 if one failed.
# Logs are in build/logs (GOALLOC_OUT).

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
tree=$(dirname "$tools")
logs=${GOALLOC_OUT:-$tree/build/logs}
jobs=${GOALLOC_JOBS:-2}
# None takes this long; but the fuzzer's 10^9 operations take hours
limit=1800
[ -z "${GOALLOC_FULL-}" ] || limit=50000

kernels_of() {
	sed -n 's/^# kernels: //p' "$1"
}

# All names, a line each
list_suites() {
	local file name k

	for file in "$tools"/check.d/*.sh; do
		name=$(basename "$file" .sh)
		if [ "$(kernels_of "$file")" ]; then
			for k in $(kernels_of "$file"); do
				echo "$name-$k"
			done
		else
			echo "$name"
		fi
	done
}

# The file of a suite's name, and its kernel
find_suite() {
	local file k

	for file in "$tools"/check.d/*.sh; do
		for k in '' $(kernels_of "$file"); do
			if [ "$(basename "$file" .sh)${k:+-$k}" = "$1" ]; then
				echo "$file $k"
				return
			fi
		done
	done
}

# run_suite NAME: one line in NAME.result
run_suite() {
	local name=$1 file kernel log=$logs/$1.log begin=$SECONDS status=0 line scratch pid

	read -r file kernel < <(find_suite "$name")
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/goalloc-check.XXXXXX")
	# timeout hands a signal on to all that the suite has started
	KERNEL=$kernel SUITE=$name SCRATCH=$scratch TOOLS=$tools TREE=$tree \
		timeout -k 10 $limit bash "$file" >"$log" 2>&1 </dev/null &
	pid=$!
	trap 'kill $pid; wait; rm -rf "$scratch"; exit 130' INT TERM
	wait $pid || status=$?
	rm -rf "$scratch"
	case $status in
	0) line="ok   $name ($((SECONDS - begin)) s)" ;;
	4) line="skip $name: $(tail -n 1 "$log")" ;;
	124) line="FAIL $name ($((SECONDS - begin)) s): no end after $limit s ($log)" ;;
	*) line="FAIL $name ($((SECONDS - begin)) s): $(tail -n 1 "$log") ($log)" ;;
	esac
	echo "$line" >"$logs/$name.result"
	echo "$line"
	# In CI the log is all that is left
	case $line in
	FAIL*) tail -n "${GOALLOC_TAIL:-40}" "$log" | sed 's/^/     | /' ;;
	esac
}

count() {
	cat "${results[@]}" 2>/dev/null | grep -c "^$1" || true
}

case ${1-} in
-l)
	list_suites
	exit
	;;
-*)
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac

all=$(list_suites)
suites=()
if [ $# -eq 0 ]; then
	mapfile -t suites <<<"$all"
fi
for name; do
	n=${#suites[@]}
	while read -r s; do
		case $s in
		"$name" | "$name"-[0-9ABC]*) suites+=("$s") ;;
		esac
	done <<<"$all"
	[ ${#suites[@]} -gt "$n" ] || {
		echo "check.sh: no suite is called $name; these are:" "${all//$'\n'/ }" >&2
		exit 2
	}
done

"$tools/deps.sh" build clang vm lint debug escape
mkdir -p "$logs"
results=()
for name in "${suites[@]}"; do
	results+=("$logs/$name.result")
done
rm -f "${results[@]}"

# Before the suites, so that their times tell nothing of the network, nor of the
# debug kernels, which are built the first time
for k in $(for name in "${suites[@]}"; do
	read -r _ kernel < <(find_suite "$name")
	echo "$kernel"
done | sort -u); do
	"$tools/kernel.sh" image "$k" >/dev/null
	"$tools/kernel.sh" kdir "$k" >/dev/null
done

pids=()
# shellcheck disable=SC2317 # called by the trap
stop() {
	trap - INT TERM
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
	wait
	exit 130
}
trap stop INT TERM

for name in "${suites[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n || true
	done
	run_suite "$name" &
	pids+=($!)
done
wait

passed=$(count ok) failed=$(count FAIL) skipped=$(count skip)
# A suite that died without a line
failed=$((failed + ${#suites[@]} - passed - failed - skipped))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
