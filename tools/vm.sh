#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vm.sh - boot a kernel in QEMU, run a script in it, judge the run
#
# usage: vm.sh [option...] [--script FILE | --run COMMANDS | --shell]
#
#   --kernel NAME         as for kernel.sh: 6.12 (the default), 6.1, 6.12-rt, an
#                         exact Debian release, or the path of a bzImage
#   --module FILE.ko      put it at /modules/FILE.ko (may be repeated)
#   --module-from-kernel NAME
#                         load the kernel's own module, and what it depends on,
#                         before the script starts (may be repeated)
#   --file HOST:GUEST     put a file or a whole directory there (may be repeated)
#   --script FILE         run it in the guest, with busybox sh
#   --run COMMANDS        the same, given as text
#   --shell               a shell on the terminal, after the script if any
#   --out DIR             what the script leaves in /out comes here
#   --expect REGEX        the kernel log must have such a line, and it is no
#                         failure (Python's syntax; may be repeated)
#   --cpus N              2
#   --mem MB              1024
#   --nodes N             NUMA nodes, which share CPUs and memory evenly; 1
#   --append STRING       added to the kernel's command line
#   --cpu MODEL           the CPU that QEMU shows to the guest
#   --icount              count instructions: one is one nanosecond of the
#                         guest's time; one CPU, and never KVM
#   --one-thread          emulate the CPUs in turns: slower, and no race can be
#                         found, but QEMU makes no mistake about patched code
#   --tcg                 software emulation even where KVM works
#   --qemu ARG            one more argument for QEMU (may be repeated)
#   --timeout S           180
#   --name NAME           the log directory's name
#   --quiet               do not show what the script prints
#
# The run passes if the script ended with status 0, and said so on a port of
# its own, and the kernel log is clean (see vm-log.py). The last line is PASS
# or FAIL with the reason; the exit status is 0, 1, or 2 if nothing was run.
#
# Logs are in build/logs/NAME (GOALLOC_OUT in place of build/logs): console.log
# is the kernel log, guest.log what the script printed, cmdline QEMU's command.

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
export PATH=$PATH:/usr/sbin:/sbin

die() {
	echo "vm.sh: $*" >&2
	exit 2
}

usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
	exit "$1"
}

kernel=6.12
cpus=2
mem=1024
nodes=1
timeout=180
cpu=max
out_disk_size=4G
modules=() kernel_modules=() files=() expects=() qemu_args=()
script='' run='' shell='' out='' append='' icount='' tcg='' name='' quiet='' threads=multi

while [ $# -gt 0 ]; do
	case $1 in
	--one-thread)
		threads=single
		shift
		continue
		;;
	--shell | --icount | --tcg | --quiet)
		declare "${1#--}=1"
		shift
		continue
		;;
	-h | --help) usage 0 ;;
	esac
	[ $# -ge 2 ] || usage 2 >&2
	case $1 in
	--kernel) kernel=$2 ;;
	--module) modules+=("$2") ;;
	--module-from-kernel) kernel_modules+=("$2") ;;
	--file | --input) files+=("$2") ;;
	--script) script=$2 ;;
	--run) run=$2 ;;
	--out) out=$2 ;;
	--expect) expects+=(--expect "$2") ;;
	--cpus) cpus=$2 ;;
	--mem) mem=$2 ;;
	--nodes) nodes=$2 ;;
	--append) append=$2 ;;
	--cpu) cpu=$2 ;;
	--qemu) qemu_args+=("$2") ;;
	--timeout) timeout=$2 ;;
	--name) name=$2 ;;
	*) usage 2 >&2 ;;
	esac
	shift 2
done

[ "$script$run$shell" ] || usage 2 >&2
[ -z "$script" ] || [ -r "$script" ] || die "cannot read $script"
for tool in qemu-system-x86_64 cpio modprobe xz python3; do
	command -v "$tool" >/dev/null || die "$tool is missing: run tools/deps.sh vm"
done
busybox=/bin/busybox
# The one of the package busybox needs libraries
if [ ! -x $busybox ] || ldd $busybox >/dev/null 2>&1; then
	die "$busybox is missing or not static: run tools/deps.sh vm"
fi

image=$("$tools/kernel.sh" image "$kernel") || exit 2
release=$("$tools/kernel.sh" version "$kernel") || exit 2

if [ -z "$name" ]; then
	name=run
	[ -z "$script" ] || name=$(basename "$script" .sh)
	[ -z "$shell" ] || name=shell
	name=$name-$(basename "$kernel")
fi
logs=${GOALLOC_OUT:-$tools/../build/logs}/$name
rm -rf "$logs"
mkdir -p "$logs"
logs=$(realpath "$logs")

work=$(mktemp -d "${TMPDIR:-/tmp}/goalloc-vm.XXXXXX")
qemu_pid=
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# A module file of the kernel itself, in the form that insmod takes
put_kernel_module() {
	local to
	to=$root/modules/kernel/$(printf %03d "$2")-$(basename "${1%.ko*}").ko

	case $1 in
	*.xz) xz -dc "$1" >"$to" ;;
	*.zst) zstd -qdc "$1" >"$to" ;;
	*) cp "$1" "$to" ;;
	esac
}

put_kernel_modules() {
	local dir n=0 list file

	dir=$("$tools/kernel.sh" modules "$kernel") || exit 2
	# A kernel without modules has everything built in
	[ -d "$dir/lib/modules/$release" ] || return 0
	list=$(for m in "$@"; do
		modprobe -d "$dir" -S "$release" --ignore-install --show-depends "$m" ||
			die "the kernel $release has no module $m"
	done) || exit 2
	while read -r verb file _; do
		[ "$verb" = insmod ] || continue
		put_kernel_module "$file" "$n"
		n=$((n + 1))
	done < <(awk '!seen[$2]++' <<<"$list")
}

make_initramfs() {
	local f to

	root=$work/root
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,root,modules/kernel}
	ln -s bin "$root/sbin"
	cp $busybox "$root/bin/busybox"
	"$busybox" --list | while read -r f; do
		[ "$f" = busybox ] || ln -s busybox "$root/bin/$f"
	done
	cp "$tools/vm-init.sh" "$root/init"
	chmod 755 "$root/init"
	printf 'vm_shell=%s\nvm_out=%s\n' "$shell" "$out" >"$root/vm.conf"
	if [ "$script" ]; then
		cp "$script" "$root/guest.sh"
	elif [ "$run" ]; then
		printf 'set -e\n%s\n' "$run" >"$root/guest.sh"
	fi
	for f in ${modules[@]+"${modules[@]}"}; do
		[ -r "$f" ] || die "cannot read the module $f"
		cp "$f" "$root/modules/"
	done
	for f in ${files[@]+"${files[@]}"}; do
		to=$root/${f#*:}
		[ -e "${f%%:*}" ] || die "cannot read ${f%%:*}"
		mkdir -p "$(dirname "$to")"
		cp -aT "${f%%:*}" "$to"
	done
	[ -z "$out" ] || kernel_modules+=(virtio_pci virtio_blk)
	[ ${#kernel_modules[@]} -eq 0 ] || put_kernel_modules "${kernel_modules[@]}"
	(cd "$root" && find . | cpio --quiet -o -H newc -R +0:+0) >"$work/initramfs" ||
		die "cannot write the initramfs to $work: is the disk full?"
}

# Only a CPU with the extensions has a KVM that works; /dev/kvm proves nothing
have_kvm() {
	[ -z "$tcg$icount" ] && [ "${GOALLOC_ACCEL:-}" != tcg ] &&
		grep -qE '^flags.* (vmx|svm)( |$)' /proc/cpuinfo && [ -w /dev/kvm ]
}

qemu_command() {
	local khz=''

	# With icount and KVM the guest's counter is not the host's
	[ "$1" = kvm ] || [ "$icount" ] || khz=$("$tools/tsc-khz.sh")
	qemu=(qemu-system-x86_64 -nodefaults -no-user-config -no-reboot
		-display none -m "$mem" -kernel "$image" -initrd "$work/initramfs"
		-append "console=ttyS0 loglevel=7 oops=panic panic=-1 no_timer_check ${khz:+tsc_early_khz=$khz }$append")
	if [ "$1" = kvm ]; then
		qemu+=(-accel kvm -cpu host -smp "$cpus,sockets=$nodes")
	elif [ "$icount" ]; then
		qemu+=(-accel "tcg,thread=single" -icount "shift=0,sleep=off" -cpu "$cpu" -smp 1)
	else
		qemu+=(-accel "tcg,thread=$threads" -cpu "$cpu" -smp "$cpus,sockets=$nodes")
	fi
	for ((node = 0; nodes > 1 && node < nodes; node++)); do
		qemu+=(-object "memory-backend-ram,id=node$node,size=$((mem / nodes))M"
			-numa "node,nodeid=$node,memdev=node$node,cpus=$((cpus * node / nodes))-$((cpus * (node + 1) / nodes - 1))")
	done
	if [ "$shell" ]; then
		qemu+=(-chardev "stdio,id=console,mux=on,signal=off,logfile=$logs/console.log"
			-serial chardev:console -mon chardev=console
			-serial "file:$logs/guest.log")
	else
		qemu+=(-serial "file:$logs/console.log")
		if [ "$quiet" ]; then
			qemu+=(-serial "file:$logs/guest.log")
		else
			qemu+=(-chardev "stdio,id=guest,signal=off,logfile=$logs/guest.log"
				-serial chardev:guest)
		fi
	fi
	qemu+=(-serial "file:$logs/result")
	[ -z "$out" ] ||
		qemu+=(-drive "if=none,id=out,format=raw,cache=unsafe,file=$work/out.img"
			-device "virtio-blk-pci,drive=out")
	qemu+=(${qemu_args[@]+"${qemu_args[@]}"})
}

# run_qemu ACCEL: leaves QEMU's exit status in qemu_status
run_qemu() {
	qemu_command "$1"
	rm -f "$logs"/{console.log,guest.log,result}
	touch "$logs"/{console.log,guest.log,result}
	printf '%q ' "${qemu[@]}" >"$logs/cmdline"
	qemu_status=0
	if [ "$shell" ]; then
		"${qemu[@]}" 2>"$logs/qemu.log" || qemu_status=$?
		return
	fi
	timeout -k 5 "$timeout" "${qemu[@]}" </dev/null 2>"$logs/qemu.log" &
	qemu_pid=$!
	wait $qemu_pid || qemu_status=$?
	qemu_pid=
}

# Why the run failed, or nothing
judge() {
	local status why=

	status=$(sed -n 's/^exit //p' "$logs/result")
	# What the log says is the cause of everything that comes after it
	why=$("$tools/vm-log.py" ${expects[@]+"${expects[@]}"} "$logs/console.log") || {
		# A log that ends early lacks much
		case $why in
		*" has: "*)
			echo "$why"
			return
			;;
		esac
	}
	if [ "$qemu_status" = 124 ] || [ "$qemu_status" = 137 ]; then
		echo "timed out after $timeout s"
	elif [ "$qemu_status" != 0 ]; then
		echo "QEMU failed: $(tail -n 1 "$logs/qemu.log")"
	elif [ -z "$status" ]; then
		echo "no marker: the guest ended early"
	elif [ "$status" = 98 ]; then
		echo "a module of the kernel could not be loaded"
	elif [ "$status" != 0 ]; then
		echo "the guest script ended with status $status"
	elif [ "$out" ] && ! grep -qx "out ok" "$logs/result"; then
		echo "the guest could not write its files to the disk"
	else
		echo "$why"
	fi
}

make_initramfs
[ -z "$out" ] || truncate -s $out_disk_size "$work/out.img"

# QEMU's own fault, see stale_breakpoint(): about one boot in a hundred
qemu_at_fault() {
	local status=0

	"$tools/vm-log.py" "$logs/console.log" >/dev/null || status=$?
	[ $status = 3 ]
}

accel=tcg
have_kvm && accel=kvm
begin=$SECONDS
for try in 1 2 3 4; do
	run_qemu $accel
	# Nothing on the console: KVM is there and does not work
	[ $accel = tcg ] || [ -s "$logs/console.log" ] || run_qemu tcg
	if [ $try = 4 ] || ! qemu_at_fault; then
		break
	fi
	echo "vm.sh: QEMU executed a breakpoint that is not in memory; once more"
done
seconds=$((SECONDS - begin))
# ttyS0 is a terminal for the kernel
sed -i 's/\r//g' "$logs/console.log"

if [ "$out" ] && grep -qx "out ok" "$logs/result"; then
	mkdir -p "$out"
	tar -xf "$work/out.img" --no-same-owner -C "$out" || die "cannot write to $out: is the disk full?"
fi

why=$(judge)
if [ -z "$why" ]; then
	echo "PASS $name ($release, $seconds s)"
	exit 0
fi
echo "---- the last lines of $logs/console.log"
tail -n 25 "$logs/console.log"
echo "----"
echo "FAIL $name ($release, $seconds s): $why"
exit 1
