#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench-native.sh - goalloc's core in userspace beside other allocators: one table
#
# usage: bench-native.sh [-s SECONDS] [-r RUNS] [PATTERN...]
#
# Runs pair, burst, larson, xmalloc and mstress (see bench/native/bench.c) with 1
# and 2 threads on the userspace build of goalloc, TCMalloc, jemalloc, mimalloc,
# glibc and Go; SECONDS (0.4) a run, the median of RUNS (5). The allocators take
# turns, so that what disturbs the machine disturbs all of them.

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$tools")
out=${GOALLOC_NATIVE:-$top/build/native}
seconds=0.4 runs=5
allocators=(goalloc tcmalloc jemalloc mimalloc glibc go)

usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

while getopts s:r: opt; do
	case $opt in
	s) seconds=$OPTARG ;;
	r) runs=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
patterns=("$@")
[ $# -gt 0 ] || patterns=(pair burst larson xmalloc mstress)

"$tools/deps.sh" build native
mkdir -p "$out"
make -C "$top/bench/native" OUT="$out" >"$out/build.log" 2>&1 || {
	tail -n 20 "$out/build.log" >&2
	echo "bench-native.sh: the programs cannot be built: the compiler's messages are above" >&2
	exit 1
}

# run ALLOCATOR PATTERN THREADS: two figures, or "- -"
run() {
	local preload='' program=$out/bench-malloc

	case $1 in
	goalloc) program=$out/bench-goalloc ;;
	go) program=$out/bench-go ;;
	tcmalloc) preload=libtcmalloc_minimal.so.4 ;;
	jemalloc) preload=libjemalloc.so.2 ;;
	mimalloc) preload=libmimalloc.so.2.0 ;;
	esac
	if [ "$1 $2" = "go mstress" ]; then
		echo "- -"
		return
	fi
	# ld.so only warns if there is no such library, and it would be glibc's figure
	if ! LD_PRELOAD=$preload timeout 60 "$program" "$2" "$3" "$seconds" 2>"$out/run.log" ||
		[ -s "$out/run.log" ]; then
		cat "$out/run.log" >&2
		echo "bench-native.sh: $1 failed at $2" >&2
		return 1
	fi
}

results=$out/results
: >"$results"
for pattern in "${patterns[@]}"; do
	for threads in 1 2; do
		for ((i = 0; i < runs; i++)); do
			for a in "${allocators[@]}"; do
				echo "$pattern $threads $a $(run "$a" "$pattern" "$threads")" >>"$results"
			done
		done
	done
done

echo "nanoseconds an operation (an allocation and its free), median of $runs runs of $seconds s;"
echo "in brackets: times TCMalloc's. $(uname -m), $(nproc) CPUs, load $(cut -d' ' -f1 /proc/loadavg)."
awk -v names="${allocators[*]}" '
	function median(key,   n, v, i, j, t) {
		n = split(values[key], v, " ")
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
				t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
			}
		return v[int((n + 1) / 2)]
	}
	function table(what, title,   i, k, m, base, line) {
		printf "\n%-12s", title
		for (i = 1; i <= n; i++)
			printf "%18s", name[i]
		print ""
		for (k = 1; k <= rows; k++) {
			line = sprintf("%-12s", row[k])
			base = median(row[k] " tcmalloc " what)
			for (i = 1; i <= n; i++) {
				m = median(row[k] " " name[i] " " what)
				line = line (m == "-" ? sprintf("%18s", "-") :
					sprintf("%10.1f (%4.2f)", m, m / base))
			}
			print line
		}
	}
	BEGIN { n = split(names, name, " ") }
	{
		r = $1 " x" $2
		if (!(r in seen)) {
			seen[r] = 1
			row[++rows] = r
		}
		values[r " " $3 " wall"] = values[r " " $3 " wall"] " " $4
		values[r " " $3 " cpu"] = values[r " " $3 " cpu"] " " $5
	}
	END {
		table("wall", "wall time")
		table("cpu", "CPU time")
	}
' "$results"
cat <<'TEXT'

What this says: how the algorithms of goalloc, misuse detection included, compare with
allocators that were made for userspace, on this machine, with its caches and branch
predictors. What it does not say: how fast goalloc is in a kernel (contexts and
preemption cost nothing here), or how the others would be if they were called directly
as goalloc is, and not through a PLT (about 1 ns a pair), or if they detected double
frees. Wall time means nothing on a machine that does something else too; CPU time
leaves out waiting. Go's figures contain its garbage collection.
TEXT
