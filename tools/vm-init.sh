#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vm-init.sh - the guest's init, started by the kernel from vm.sh's initramfs
#
# ttyS0 is the kernel's console. The guest script writes to ttyS1. ttyS2 has
# the result and nothing else, so that no output can be mistaken for it.

export PATH=/bin:/sbin HOME=/root TERM=linux
# shellcheck source=/dev/null
. /vm.conf

mount -t devtmpfs dev /dev
# The kernel gave no stdio if the initramfs has no console node
exec </dev/console >/dev/console 2>&1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
mount -t debugfs debug /sys/kernel/debug
[ ! -d /sys/kernel/tracing ] || mount -t tracefs trace /sys/kernel/tracing
mkdir -p /dev/pts /dev/shm /out
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs out /out
ip link set lo up 2>/dev/null
hostname goalloc

stty -F /dev/ttyS1 raw -echo
stty -F /dev/ttyS2 raw -echo

finish() {
	status=$1
	if [ "$vm_out" ]; then
		# /out goes to the host as a tar on a raw disk
		# shellcheck disable=SC3040 # busybox sh has it
		if (set -o pipefail; tar -cf - -C /out . | dd of=/dev/vda bs=64k conv=fsync 2>/dev/null); then
			echo "out ok" >/dev/ttyS2
		else
			echo "out failed" >/dev/ttyS2
		fi
	fi
	echo "exit $status" >/dev/ttyS2
	sync
	# With qemu's -no-reboot this ends the machine, ACPI or not
	reboot -f
}

for ko in /modules/kernel/*.ko; do
	[ -e "$ko" ] || continue
	insmod "$ko" || finish 98
done

cd /root || finish 97
if [ "$vm_shell" ]; then
	[ ! -e /guest.sh ] || sh /guest.sh
	echo "modules are in /modules; 'exit' ends the machine"
	setsid cttyhack sh
	finish 0
else
	sh /guest.sh </dev/null >/dev/ttyS1 2>&1
	finish $?
fi
