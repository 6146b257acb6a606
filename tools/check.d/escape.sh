#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The escape analysis is right about its corpus, the scoped helpers about their paths
# kernels: 6.1 6.12
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

escape=$TOOLS/escape
failures=0

not_ok() {
	echo "not ok: $*"
	failures=$((failures + 1))
}

echo "== corpus"
"$escape/escape.sh" --json --kernel "$KERNEL" "$escape/corpus" >"$SCRATCH/report.json"
"$escape/run.py" "$SCRATCH/report.json" "$escape/corpus" || not_ok "corpus"

# must_fail WHAT PATTERN REPORT CORPUS: the runner sees that they differ
must_fail() {
	local out

	if out=$("$escape/run.py" "$3" "$4"); then
		not_ok "the runner did not see $1"
	elif ! grep -qE "$2" <<<"$out"; then
		not_ok "the runner saw something else than $1: $out"
	fi
}

echo "== the runner can fail"
cp -r "$escape/corpus" "$SCRATCH/wrong"
sed -i '0,/want: escapes: stored in global_item/s//want: escapes: stored in nowhere/' "$SCRATCH/wrong/leave.c"
must_fail "a wrong verdict" ' 1 wrong, 0 false' "$SCRATCH/report.json" "$SCRATCH/wrong"
# A lie about a function: its argument would be on the stack
"$escape/escape.sh" --json --kernel "$KERNEL" --unit --trust unknown "$escape/corpus" >"$SCRATCH/lie.json"
must_fail "a false 'does not escape'" '[1-9] false' "$SCRATCH/lie.json" "$escape/corpus"

echo "== random programs"
for seed in 1 2; do
	"$escape/fuzz.py" make $seed 150 "$SCRATCH/fuzz$seed"
	"$escape/escape.sh" --json --unit --kernel "$KERNEL" "$SCRATCH/fuzz$seed" >"$SCRATCH/fuzz.json"
	"$escape/fuzz.py" judge "$SCRATCH/fuzz$seed" "$SCRATCH/fuzz.json" || not_ok "random programs, seed $seed"
done

echo "== bad input and exit status"
# bad WHAT STATUS PATTERN ARG...: the status and the last line of stderr
bad() {
	local what=$1 want=$2 pattern=$3 status=0 last
	shift 3

	last=$("$escape/escape.sh" "$@" 2>&1 >/dev/null | tail -n 1) || status=$?
	if [ "$status" != "$want" ] || ! grep -qE -- "$pattern" <<<"$last"; then
		not_ok "$what: status $status, not $want: $last"
	fi
}

mkdir "$SCRATCH/none" "$SCRATCH/broken" "$SCRATCH/small" "$SCRATCH/unset"
echo "obj-\$(CONFIG_GOALLOC_NOTHING) += a.o" >"$SCRATCH/unset/Kbuild"
echo 'obj-m += a.o' | tee "$SCRATCH/broken/Kbuild" >"$SCRATCH/small/Kbuild"
echo 'int f(void) { return x; }' >"$SCRATCH/broken/a.c"
cat >"$SCRATCH/small/a.c" <<'C'
#include <linux/module.h>
#include <linux/slab.h>
MODULE_LICENSE("GPL");
static int __init a_init(void)
{
	char *p = kmalloc(32, GFP_KERNEL);
	int r = p ? 0 : -ENOMEM;

	kfree(p);
	return r;
}
module_init(a_init);
C
cat >"$SCRATCH/fake-cc" <<'SH'
#!/bin/sh
case $1 in
-print-file-name=plugin) echo /nonexistent ;;
*) exec gcc-12 "$@" ;;
esac
SH
chmod +x "$SCRATCH/fake-cc"
k=(--kernel "$KERNEL")
bad "no folder named" 2 'of which module\? give the folder' "${k[@]}"
bad "no folder" 2 'there is no folder .*: give the one' "${k[@]}" "$SCRATCH/nothing"
bad "no Kbuild" 2 'neither Kbuild nor Makefile: give' "${k[@]}" "$SCRATCH/none"
bad "does not build" 2 'does not build, .*: make it build with' "${k[@]}" "$SCRATCH/broken"
bad "nothing compiled" 2 "nothing was compiled .*CONFIG_FOO" "${k[@]}" "$SCRATCH/unset"
bad "clang" 2 'is clang, .*: leave CC out' "${k[@]}" CC=clang "$SCRATCH/small"
bad "no such compiler" 2 "no compiler 'gcc-99': as root" "${k[@]}" CC=gcc-99 "$SCRATCH/small"
bad "no plugin headers" 2 'no plugin headers: as root, run' "${k[@]}" CC="$SCRATCH/fake-cc" "$SCRATCH/small"
bad "no kernel" 2 'no kernel build folder: install' --kdir "$SCRATCH" "$SCRATCH/small"
bad "bad limit" 2 'takes a number of bytes' "${k[@]}" --limit 1k "$SCRATCH/small"
bad "report" 0 '^1 calls, 1 could be on the stack$' "${k[@]}" "$SCRATCH/small"
bad "check" 1 '^1 calls, 1 could be on the stack$' "${k[@]}" --check "$SCRATCH/small"
bad "check, small limit" 0 '^1 calls, 0 could be on the stack$' "${k[@]}" --check --limit 31 "$SCRATCH/small"

# make_escape WHAT STATUS PATTERN ARG...: by make, what it says in all
make_escape() {
	local what=$1 want=$2 pattern=$3 status=0 out
	shift 3

	out=$(make -s -C "$TREE" escape "KERNEL=$KERNEL" "$@" 2>&1) || status=$?
	if [ "$status" != "$want" ] || ! grep -qE -- "$pattern" <<<"$out"; then
		not_ok "make escape, $what: status $status, not $want: $out"
	fi
}

mkdir -p "$SCRATCH/up/include" "$SCRATCH/up/driver"
echo '#define SIZE 48' >"$SCRATCH/up/include/size.h"
sed 's|32|SIZE|; 1i #include "../include/size.h"' "$SCRATCH/small/a.c" >"$SCRATCH/up/driver/a.c"
# shellcheck disable=SC2016 # make expands it
echo 'obj-$(CONFIG_GOALLOC_UP) += a.o' >"$SCRATCH/up/driver/Kbuild"
make_escape "the report" 0 '^a.c:6: kmalloc\(32\): does not escape, could be on the stack$' M="$SCRATCH/small"
make_escape "a header of ../, and a variable" 0 '^a.c:7: kmalloc\(48\): does not escape' \
	M="$SCRATCH/up/driver" ARGS=CONFIG_GOALLOC_UP=m
make_escape "for programs" 0 '"verdict": "stack"' M="$SCRATCH/small" ESCAPE=--json
make_escape "with a candidate" 2 '^1 calls, 1 could be' M="$SCRATCH/small" ESCAPE=--check
make_escape "with a limit" 0 '^1 calls, 0 could be' M="$SCRATCH/small" ESCAPE="--check --limit 31"
make_escape "another compiler" 2 'is clang, .*: leave CC out' M="$SCRATCH/small" CC=clang
make_escape "no folder" 2 'of which module' M=
[ "$(find "$SCRATCH/small" -type f | wc -l)" = 2 ] || not_ok "the folder was written to"

echo "== scoped helpers"
dir=$("$TOOLS/build.sh" "$KERNEL")
kdir=$("$TOOLS/kernel.sh" kdir "$KERNEL")
cp -r "$escape/scoped" "$SCRATCH/scoped"
build() {
	make -C "$kdir" M="$SCRATCH/scoped" CC=gcc-12 W=1 GOALLOC="$TREE" \
		KBUILD_EXTRA_SYMBOLS="$dir/Module.symvers" "$@" modules >"$SCRATCH/log" 2>&1
}
build KCFLAGS=-DFRAME_TEST || true
grep -q 'frame size of [0-9]* bytes is larger' "$SCRATCH/log" ||
	not_ok "no warning for a frame that two scoped objects make too large"
build || not_ok "the test of the scoped helpers does not build"
! grep -i warning: "$SCRATCH/log" || not_ok "warnings"
"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE" --timeout 300 \
	--module "$dir/goalloc.ko" --module "$SCRATCH/scoped/goalloc_scoped_test.ko" --run '
	insmod /modules/goalloc.ko
	insmod /modules/goalloc_scoped_test.ko
	rmmod goalloc_scoped_test
	echo 1 >/sys/kernel/debug/goalloc/check
	cat /sys/kernel/debug/goalloc/check
	rmmod goalloc
' || not_ok "the scoped helpers in the guest"

[ $failures -eq 0 ] || {
	echo "$failures parts of the escape analysis failed"
	exit 1
}
