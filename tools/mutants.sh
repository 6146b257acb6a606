#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants.sh - make the core wrong, in one place at a time, and see a test find it
#
# usage: mutants.sh [-n] [-t] [NAME...]
#
# Applies each wrong change of tools/mutants/core.list (or the NAMEd ones) to a
# copy of the sources, runs the suite that is to find it, and prints a table. The
# exit status is 1 if one survives, or does not apply, or does not build.
#
#   -n   only see whether each still applies
#   -t   in place of the killer named in the list, try all userspace ones
#
# The killers: plain, asan, tsan, rt and fuzz are the variants of
# tools/userspace, with the names of its tests; guest is tools/kselftest.sh on
# 6.12 with the names of kselftests. Without a change all of them have to pass,
# which is tried first. Logs are in build/logs/mutants (GOALLOC_OUT).

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
tree=$(dirname "$tools")
list=$tools/mutants/core.list
logs=${GOALLOC_OUT:-$tree/build/logs}/mutants
# Operations of a stress, inputs of a fuzz run; enough for every mutant
ops=40000
runs=1500
limit=60
only_check='' try_all=''

while getopts nt opt; do
	case $opt in
	n) only_check=1 ;;
	t) try_all=1 ;;
	*)
		sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
done
shift $((OPTIND - 1))

"$tools/mutants/mutate.py" "$list" --check "$tree"
[ -z "$only_check" ] || exit 0

mkdir -p "$logs"
work=$(mktemp -d "${TMPDIR:-/tmp}/goalloc-mutants.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$tree" && "$tools/list-sources.sh" | tr '\n' '\0' | xargs -0 cp --parents -t "$work")
# Builds for a guest stay from one mutant to the next
export GOALLOC_BUILD=$work/build GOALLOC_OUT=$logs

# A mutant that does not build says nothing
no_build=125

# build PROGRAM, of the userspace ones
build() {
	make -j"$(nproc)" -C "$tree/tools/userspace" CORE="$work" OUT="$work/out" "$work/out/$1"
}

# run_killer KIND TEST...: its status
run_killer() {
	local kind=$1 limit=$limit
	shift

	# A process a fault
	[[ " $* " != *" faults "* ]] || limit=600

	case $kind in
	guest) "$work/tools/kselftest.sh" -n "mutants-guest" 6.12 "$@" ;;
	fuzz)
		build fuzz-goalloc || return $no_build
		timeout $limit "$work/out/fuzz-goalloc" -seed=1 -runs=$runs -max_len=4096 -len_control=0 \
			-verbosity=0 -timeout=60 -artifact_prefix="$work/"
		;;
	*)
		build "test-$kind" || return $no_build
		# A second is enough for most; who does not end is found, too
		timeout $limit "$work/out/test-$kind" -n $ops "$@"
		;;
	esac
}

# The line that says what was found
reason() {
	grep -m 1 -oE '^shim: .*|runtime error: .*|(ERROR|WARNING): [A-Za-z]*Sanitizer: .*' "$1" ||
		grep -m 1 -E '^FAIL |# not ok|not ok' "$1" || tail -n 1 "$1"
}

mapfile -t all < <("$tools/mutants/mutate.py" "$list")
chosen=()
for entry in "${all[@]}"; do
	[ $# -eq 0 ] || [[ " $* " == *" ${entry%% *} "* ]] || continue
	chosen+=("$entry")
done
[ ${#chosen[@]} -gt 0 ] || {
	echo "mutants.sh: no mutant has such a name" >&2
	exit 2
}

# What kills all would kill without a mutant, too
while read -r killer; do
	read -ra words <<<"$killer"
	run_killer "${words[@]}" >"$logs/none.log" 2>&1 </dev/null || {
		echo "mutants.sh: '$killer' fails without a mutant: $(reason "$logs/none.log") ($logs/none.log)" >&2
		exit 1
	}
done < <(printf '%s\n' "${chosen[@]}" | cut -d ' ' -f 3- | sort -u)

survivors=0
printf '%-24s %-20s %-26s %s\n' mutant file "killed by" "what it found"
for entry in "${chosen[@]}"; do
	read -r name file killer <<<"$entry"
	"$tools/mutants/mutate.py" "$list" --apply "$name" "$work"
	killers=("$killer")
	[ -z "$try_all" ] || killers=('plain api stress numa short races nofail' fuzz 'asan api stress short_numa' 'tsan stress races' 'plain faults random_faults')
	by='' why=''
	for k in "${killers[@]}"; do
		read -ra words <<<"$k"
		status=0
		run_killer "${words[@]}" >"$logs/$name.log" 2>&1 </dev/null || status=$?
		[ $status != $no_build ] || {
			echo "mutants.sh: $name does not build ($logs/$name.log)" >&2
			exit 1
		}
		[ $status != 0 ] || continue
		by=$k
		why=$(reason "$logs/$name.log")
		[ $status != 124 ] || why="no end"
		break
	done
	[ "$by" ] || survivors=$((survivors + 1))
	printf '%-24s %-20s %-26s %s\n' "$name" "$file" "${by:-SURVIVES $killer}" "${why:0:110}"
	# With a new time, for make
	cp "$tree/$file" "$work/$file"
done
echo "${#chosen[@]} mutants, $survivors survivors"
[ $survivors = 0 ]
