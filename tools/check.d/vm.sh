#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vm.sh and vm-log.py tell a good run from every kind of bad one

set -euo pipefail

failures=0
begin=$SECONDS

# try WHAT STATUS PATTERN ARG...: vm.sh's exit status and last line
try() {
	local what=$1 want=$2 pattern=$3 status=0 last name
	shift 3

	name=vm-${what// /-}
	last=$("$TOOLS/vm.sh" --quiet --name "$name" "$@" 2>&1 | tail -n 1) || status=$?
	if [ "$status" = "$want" ] && [[ $last =~ $pattern ]]; then
		echo "ok     $what: $last"
	else
		echo "not ok $what: status $status, not $want: $last"
		return 1
	fi
}

# log WHAT STATUS PATTERN TEXT [ARG...]: vm-log.py's
log() {
	local what=$1 want=$2 pattern=$3 text=$4 status=0 last
	shift 4

	printf '%b\n' "$text" >"$SCRATCH/log"
	last=$("$TOOLS/vm-log.py" "$@" "$SCRATCH/log") || status=$?
	if [ "$status" = "$want" ] && [[ $last =~ $pattern ]]; then
		echo "ok     log, $what"
	else
		echo "not ok log, $what: status $status, not $want: $last"
		failures=$((failures + 1))
	fi
}

stamp='[    1.234567] '
clean="${stamp}Run /init as init process"
warn="${stamp}------------[ cut here ]------------
${stamp}WARNING: CPU: 0 PID: 1 at mm/page_alloc.c:1 f+0x1/0x2
${stamp}Call Trace:
${stamp}---[ end trace 0000000000000000 ]---"
trace="${stamp}goalloc: misuse: double free
${stamp}CPU: 1 PID: 42 Comm: insmod
${stamp}Call Trace:"

log "clean" 0 '^$' "$clean"
log "a warning" 1 'has: WARNING: CPU: 0' "$clean\n$warn"
log "a warning that is expected" 0 '^$' "$warn" --expect '^WARNING: .*page_alloc'
log "another warning than expected" 1 'has: WARNING' "$warn\n$clean" --expect 'init process'
log "a second warning" 1 'has: WARNING: two' "$warn\n${stamp}WARNING: two" --expect page_alloc
log "expected, but absent" 1 'lacks: foo' "$clean" --expect foo
log "misuse" 1 'has: goalloc: misuse' "$trace"
log "misuse that is expected, with its trace" 0 '^$' "$trace" --expect 'double free'
log "a trace alone" 1 'has: Call Trace' "$clean\n${stamp}Call Trace:"
log "a stale breakpoint" 3 'QEMU should' \
	"${stamp}Oops: int3: 0000 [#1] SMP\n${stamp}Code: f3 0f 1e fa 66 <90> c3 cc"
log "a stale breakpoint, patched once more" 3 'QEMU should' \
	"${stamp}Oops: int3: 0000 [#1] SMP\n${stamp}Code: f3 0f 1e fa cc <1f> 44 00 00 c3 cc"
log "a true breakpoint" 1 'has: Oops: int3.*; RIP: 0010:f.*; Code: f3' \
	"${stamp}Oops: int3: 0000 [#1] SMP\n${stamp}RIP: 0010:f+0x1/0x2\n${stamp}Code: f3 0f 1e fa c3 cc <cc> cc cc"
log "a breakpoint before a function" 1 'has: Oops: int3' \
	"${stamp}Oops: int3: 0000 [#1] SMP\n${stamp}Code: c3 cc cc cc <f3> 0f 1e fa"
log "a failed test" 1 'has: not ok 3' "$clean\n${stamp}not ok 3 pair"
log "a skipped test" 0 '^$' "${stamp}not ok 3 pair # SKIP no NUMA"
# race FRAME...: a report of KCSAN's whose first stack has these frames
race() {
	printf '%s' "$stamp==================================================================\n"
	printf '%s' "${stamp}BUG: KCSAN: data-race in f / g\n$stamp\n"
	printf '%s' "${stamp}write to 0xffff888000000000 of 8 bytes by interrupt on cpu 0:\n"
	printf '%s' "${@/#/$stamp }"
	printf '%s' "$stamp\n${stamp}read to 0xffff888000000000 of 8 bytes by task 42 on cpu 1:\n"
	printf '%s' "$stamp hrtimer_active+0x1/0x20\n$stamp hrtimer_cancel+0x1/0x20\n$stamp m_exit+0x1/0x20 [m]\n"
}
race_end="$stamp==================================================================\n"
log "a race of the kernel's own" 0 '^$' "$(race 'f+0x1/0x2\n' 'g+0x1/0x2\n' 'h+0x1/0x2 [m]\n')$race_end"
log "a race of a module's" 1 'has: BUG: KCSAN' "$(race 'f+0x1/0x2 [m]\n')$race_end"
log "a race in what a module calls" 1 'has: BUG: KCSAN' "$(race 'f+0x1/0x2\n' 'g+0x1/0x2 [m]\n')$race_end"
log "a race with a stack missing" 1 'has: BUG: KCSAN' "$(race)$race_end"
log "a race whose report is cut" 1 'has: BUG: KCSAN' "$(race 'f+0x1/0x2\n')"
while read -r line; do
	log "$line" 1 'has: ' "$clean\n${stamp}$line"
	log "$line [RT]" 1 'has: ' "${stamp}[    T1] $line"
done <<'LINES'
BUG: KASAN: slab-use-after-free in f+0x1/0x2
BUG: sleeping function called from invalid context at mm/slab.h:1
BUG: scheduling while atomic: insmod/42/0x00000002
BUG: Bad page state in process insmod  pfn:12345
BUG: unable to handle page fault for address: 0000000000001234
Oops: general protection fault, probably for non-canonical address
kernel BUG at mm/slub.c:1!
Kernel panic - not syncing: Fatal exception
WARNING: possible circular locking dependency detected
WARNING: inconsistent lock state
INFO: possible recursive locking detected
INFO: task insmod:42 blocked for more than 120 seconds.
rcu: INFO: rcu_preempt self-detected stall on CPU
rcu: INFO: rcu_sched detected stalls on CPUs/tasks:
watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [insmod:42]
UBSAN: array-index-out-of-bounds in mm/slub.c:1:2
BUG: KCSAN: data-race in f / g
kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
insmod: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)
list_del corruption. prev->next should be ffff888000000000
LINES

vm_tests() {
	local bad=0

	try "good" 0 '^PASS vm-good ' --run 'echo hello' || bad=1
	try "panic" 1 'FAIL .*kernel log has: ' --run 'echo c >/proc/sysrq-trigger; sleep 60' || bad=1
	# Just before the end: no console may lose it
	try "warning" 1 'FAIL .*kernel log has: WARNING: fake' \
		--kernel 6.12-rt --run 'echo "<4>WARNING: fake" >/dev/kmsg' || bad=1
	try "status" 1 'FAIL .*ended with status 3' --run 'exit 3' || bad=1
	try "early end" 1 'FAIL .*no marker' --run 'echo exit 0; reboot -f' || bad=1
	try "hang" 1 'FAIL .*timed out after 8 s' --timeout 8 --run 'sleep 1000' || bad=1
	try "no such file" 2 'cannot read' --script /nonexistent || bad=1
	return $bad
}

vm_more_tests() {
	local bad=0

	try "expected warning" 0 '^PASS ' --expect 'WARNING: fake' --kernel 6.1 \
		--run 'echo "<4>WARNING: fake" >/dev/kmsg' || bad=1
	try "expected but absent" 1 'FAIL .*kernel log lacks: foo' --expect foo --run true || bad=1
	mkdir -p "$SCRATCH/in/sub"
	head -c 5000000 /dev/urandom >"$SCRATCH/in/sub/data"
	try "files" 0 '^PASS ' --kernel 6.1 --file "$SCRATCH/in:/data" --out "$SCRATCH/out" \
		--run 'cp /data/sub/data /out/' || bad=1
	cmp "$SCRATCH/in/sub/data" "$SCRATCH/out/data" || bad=1
	try "one thread" 0 '^PASS ' --one-thread --run true || bad=1
	try "files of a failed run" 1 'FAIL .*status 1' --out "$SCRATCH/out2" \
		--run 'echo why >/out/why; false' || bad=1
	[ "$(cat "$SCRATCH/out2/why")" = why ] || bad=1
	try "no exit of the script" 1 'FAIL .*ended with status' --run 'kill -9 $$' || bad=1
	try "module of the kernel" 0 '^PASS ' --module-from-kernel zram --run 'grep -q zram /proc/modules' || bad=1
	# Its time is the host's, however much that has to do
	try "time" 0 '^PASS ' --tcg --run 'dmesg | grep -F "tsc: Detected '"$("$TOOLS/tsc-khz.sh" | sed 's/...$/.&/')"' MHz"' || bad=1
	try "icount" 0 '^PASS ' --icount --run 'grep -c ^processor /proc/cpuinfo | grep -qx 1' || bad=1
	return $bad
}

vm_tests &
one=$!
vm_more_tests || failures=$((failures + 1))
wait $one || failures=$((failures + 1))

[ $failures -eq 0 ] || {
	echo "$failures parts of vm.sh's test failed"
	exit 1
}
echo "vm.sh is right about every case ($((SECONDS - begin)) s)"
