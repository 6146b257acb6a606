# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# lib.sh - what goalloc's selftests share. Any POSIX shell runs it, busybox too.
#
# The modules are in the folder GOALLOC_MODULES; without it in the tree that this
# folder lies in, as "make GOALLOC_TESTS=1" leaves them there, or where modprobe
# finds them. goalloc must not be loaded: each test loads its own.

# shellcheck disable=SC2034 # the tests use them
debugfs=/sys/kernel/debug/goalloc
# shellcheck disable=SC2034
parameters=/sys/module/goalloc/parameters
number=0
bad=0

skip_all() {
	echo "1..0 # SKIP $*"
	exit 4
}

# find_module NAME: what insmod takes
find_module() {
	for dir in "${GOALLOC_MODULES-}" ../.. ..; do
		if [ -n "$dir" ] && [ -r "$dir/$1.ko" ]; then
			echo "$dir/$1.ko"
			return
		fi
	done
	modinfo -n "$1" 2>/dev/null
}

# load NAME [PARAMETER...]
load() {
	ko=$(find_module "$1")
	shift
	insmod "$ko" "$@"
}

# unload NAME
unload() {
	rmmod "$1"
}

loaded() {
	[ -d "/sys/module/$1" ]
}

# Nothing of ours stays, however a test ends
clean_up() {
	for m in goalloc_smoke goalloc_misuse_test goalloc_fault_test goalloc_fuzz goalloc; do
		! loaded $m || rmmod $m
	done
}

# begin MODULE...: what the test needs
begin() {
	[ "$(id -u)" = 0 ] || skip_all "root is needed"
	[ -d /sys/kernel/debug ] || skip_all "debugfs is not mounted"
	! loaded goalloc || skip_all "goalloc is loaded: unload it"
	for m in goalloc "$@"; do
		[ -n "$(find_module "$m")" ] || skip_all "there is no $m.ko: set GOALLOC_MODULES"
	done
	trap clean_up EXIT
	# Lines of before are not ours
	echo "goalloc selftest $0 $$ begins" >/dev/kmsg
}

# The kernel log since begin
log() {
	dmesg | sed -n "/goalloc selftest .* $$ begins/,\$p"
}

# logged REGEX: is there such a line
logged() {
	log | grep -qE "$1"
}

# lines REGEX: how many there are
lines() {
	log | grep -cE "$1"
}

# check WHAT COMMAND...: a test, passed if the command ends with 0
check() {
	what=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number $what"
	else
		bad=$((bad + 1))
		echo "not ok $number $what"
	fi
}

# The opposite of a command
fails() {
	! "$@" 2>/dev/null
}

# skip WHAT WHY
skip() {
	number=$((number + 1))
	echo "ok $number $1 # SKIP $2"
}

# end: the last line of a test
end() {
	echo "1..$number"
	[ $bad = 0 ] || log | tail -n 30 | sed 's/^/# /'
	[ $bad = 0 ]
	exit
}

# figure SECTION NAME: of stats
figure() {
	awk -v section="$1" -v name="  $2 " '
		/^[a-z]+$/ { at = $1 }
		at == section && index($0, name) == 1 {
			print substr($0, length(name)) + 0
			exit
		}' $debugfs/stats
}

# column FIELD: its sum over all classes
column() {
	awk -v field="$1" '
		NR == 2 { for (i = 1; i <= NF; i++) if ($i == field) at = i }
		NR > 2 { sum += $at }
		END { print sum + 0 }' $debugfs/classes
}

# bytes FIELD...: the same, times the objects' size
bytes() {
	awk -v fields="$*" '
		NR == 2 {
			n = split(fields, f)
			for (i = 1; i <= NF; i++)
				for (j = 1; j <= n; j++)
					if ($i == f[j])
						at[i] = 1
		}
		NR > 2 { for (i in at) sum += $i * $2 }
		END { printf "%.0f\n", sum }' $debugfs/classes
}

# Every structure of goalloc's is as it should be
consistent() {
	echo 1 >$debugfs/check && grep -q '^ok: ' $debugfs/check
}

release() {
	echo 1 >$debugfs/release
}

# Is N within D of M
near() {
	[ $(($1 - $2)) -le "$3" ] && [ $(($2 - $1)) -le "$3" ]
}
