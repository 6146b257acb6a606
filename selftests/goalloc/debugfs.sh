#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# debugfs: the files' formats, and that all figures add up

# shellcheck disable=SC1091,SC2086,SC2154 # lib.sh has the names
. ./lib.sh

begin goalloc_smoke
load goalloc scavenge_ms=0 || skip_all "goalloc does not load"

# mode FILE MODE
mode() {
	[ "$(stat -c %a "$debugfs/$1")" = "$2" ]
}

# refuses FILE TEXT
refuses() {
	! (printf '%s\n' "$2" >"$debugfs/$1") 2>/dev/null
}

stats_format() {
	head -n 1 $debugfs/stats | grep -q '^goalloc: see ' || return 1
	for section in bytes metadata objects pages events; do
		grep -qx $section $debugfs/stats || return 1
	done
	# A section's lines: a name, a number, perhaps a unit, and what it is
	! tail -n +2 $debugfs/stats | grep -vE '^$|^[a-z]+$|^  [a-z][a-z ]* +[0-9]+( KiB)?(   .*)?$'
}

classes_format() {
	head -n 1 $debugfs/classes | grep -qx 'goalloc classes version [0-9]*' || return 1
	awk '
		NR == 2 {
			columns = NF
			wrong = $1 != "class" || $2 != "objsize"
		}
		NR > 2 {
			if (NF != columns || ($1 != "tiny" && $1 != $2))
				wrong = 1
			for (i = 2; i <= NF; i++)
				if ($i !~ /^[0-9]+$/)
					wrong = 1
			if ($2 < size && $1 != "tiny")
				wrong = 1
			size = $2
		}
		END { exit wrong || NR < 60 }' $debugfs/classes
}

# Each to a KiB, which figures are rounded down to
sums() {
	total=$(($(figure bytes "in use") + $(figure bytes cached) + $(figure bytes free) +
		$(figure bytes metadata)))
	near "$(figure bytes held)" $total 4 || return 1
	parts=$(($(figure metadata regions) + $(figure metadata arenas) + $(figure metadata classes) +
		$(figure metadata stashes)))
	near "$(figure bytes metadata)" $parts 4 || return 1
	page_kb=$(awk '/^pages/ { at = 1 } at && /held/ { print $4 / 1024 }' $debugfs/stats)
	near "$(figure bytes held)" $(($(figure pages held) * page_kb + $(figure bytes metadata))) 2
}

# stats and classes say the same
same() {
	large=$(awk '/of them large/ { print $(NF - 1) }' $debugfs/stats)
	[ $(($(bytes in_use) / 1024 + large)) = "$(figure bytes "in use")" ] &&
		[ $(($(bytes mcache batch) / 1024)) = "$(figure bytes cached)" ]
}

check "stats is for all to read" mode stats 444
check "classes too" mode classes 444
check "release can be written" mode release 200
check "check can be read and written" mode check 600
for text in 0 2 -1 x ''; do
	check "release refuses '$text'" refuses release "$text"
	check "check refuses '$text'" refuses check "$text"
done
check "no verdict before the first check" grep -q '^never run' $debugfs/check
check "check says ok" consistent

for when in empty "in use" freed released; do
	case $when in
	"in use") check "objects are taken" load goalloc_smoke only=none hold=5000 ;;
	freed) check "objects are freed" unload goalloc_smoke ;;
	released) check "memory is released" release ;;
	esac
	check "$when: stats has its format" stats_format
	check "$when: classes has its format" classes_format
	check "$when: the bytes held are the sum of their parts" sums
	check "$when: stats and classes agree" same
	case $when in
	"in use") n=5000 ;;
	*) n=0 ;;
	esac
	check "$when: $n objects" [ "$(figure objects 'in use')" = $n ]
	check "$when: $n in the classes" [ "$(column in_use)" = $n ]
	check "$when: consistent" consistent
done
check "nothing is cached any more" [ "$(figure bytes cached)" = 0 ]
case $(uname -v) in
*PREEMPT_RT*) skip "no page is held any more" "a reserve is kept on PREEMPT_RT" ;;
*) check "no page is held any more" [ "$(figure pages held)" = 0 ] ;;
esac
check "nothing failed" [ "$(figure events failures)$(figure events misuse)" = 00 ]
check "unloads" unload goalloc
end
