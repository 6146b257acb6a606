#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# settle.sh - in the guest: wait until the kernel has nothing left to do
#
# After its start the kernel still tests its ciphers for a while. That takes
# every other tick away from whoever measures. Under QEMU's icount an idle
# guest's seconds pass at once, so waiting costs nothing.

tries=60
while [ $tries -gt 0 ]; do
	before=$(awk '/^cpu / { print $5 }' /proc/stat)
	sleep 1
	after=$(awk '/^cpu / { print $5 }' /proc/stat)
	[ $((after - before)) -lt $((97 * $(nproc))) ] || exit 0
	tries=$((tries - 1))
done
echo "settle.sh: the guest is still busy after a minute" >&2
exit 1
