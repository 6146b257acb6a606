#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# real.sh - what the stack saves in a real module: squashfs of Debian's 6.12
#
# usage: real.sh
#
# squashfs_lookup() and its helper each allocate a name buffer that the escape
# report calls a candidate. squashfs is built as it is, with goalloc, and with
# goalloc_scoped_sized(); each is loaded in one boot of a guest that counts
# instructions, mounts an image and looks up names. The fewest instructions of
# a lookup are printed, for a name that the first entry of the directory decides
# and for one that needs all 40; every file is read and compared as well.
#
# What it needs is installed. Logs are in build/logs/escape-real.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../../.." && pwd)

die() {
	echo "real.sh: $*" >&2
	exit 2
}

sources=$("$here/sources.sh")
dir=$("$tree/tools/build.sh" 6.12)
kdir=$("$tree/tools/kernel.sh" kdir 6.12)
work=$(mktemp -d "${TMPDIR:-/tmp}/goalloc-real.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

mkdir "$work/files" "$work/guest"
for i in $(seq 10 49); do
	printf 'file %s\n' "$i" >"$work/files/f$i"
done
mksquashfs "$work/files" "$work/guest/image" -quiet -no-progress -all-root -mkfs-time 0 -all-time 0 >/dev/null

for how in kmalloc gomalloc scoped; do
	cp -r "$sources/fs/squashfs" "$work/$how"
	python3 "$here/edit.py" "$work/$how/namei.c" $how
	make -C "$kdir" "M=$work/$how" CONFIG_SQUASHFS=m CC=gcc-12 -j"$(nproc)" \
		"KBUILD_EXTRA_SYMBOLS=$dir/Module.symvers" \
		"KCFLAGS=-I$tree/include -fstack-usage" modules >"$work/log" 2>&1 || {
		tail -n 20 "$work/log" >&2
		die "squashfs with $how does not build"
	}
	! grep -i 'warning: .*frame' "$work/log" || die "the frame is too large with $how"
	cp "$work/$how/squashfs.ko" "$work/guest/$how.ko"
	printf '%-9s stack frame of squashfs_lookup(): ' $how
	grep ':squashfs_lookup' "$work/$how/namei.su" | cut -f 2
done

cat >"$work/script" <<'GUEST'
set -e
rmmod squashfs
insmod /modules/goalloc.ko
mkdir /mnt
p=/sys/module/squashfs/parameters
# NAME PREFIX: 300 names that are not there
measure() {
	echo 18446744073709551615 >$p/lookup_min
	echo 0 >$p/lookup_count
	i=0
	while [ $i -lt 300 ]; do
		[ ! -e /mnt/$2$i ]
		i=$((i + 1))
	done
	echo "$how $1 $(cat $p/lookup_min) $(cat $p/lookup_count)" | tee -a /out/result
}
for how in kmalloc gomalloc scoped kmalloc gomalloc scoped; do
	insmod /real/$how.ko
	mount -t squashfs -o loop,ro /real/image /mnt
	for i in $(seq 10 49); do
		[ "$(cat /mnt/f$i)" = "file $i" ]
	done
	measure first a
	measure all z
	umount /mnt
	rmmod squashfs
done
echo 1 >/sys/kernel/debug/goalloc/check
cat /sys/kernel/debug/goalloc/check
rmmod goalloc
GUEST
"$tree/tools/vm.sh" --quiet --icount --kernel 6.12 --name escape-real --timeout 600 \
	--append init_on_alloc=0 --module-from-kernel loop --module-from-kernel squashfs \
	--module "$dir/goalloc.ko" --file "$work/guest:/real" --out "$work/out" --script "$work/script"

awk '
	{ if (!(($1, $2) in min) || $3 < min[$1, $2]) min[$1, $2] = $3; n[$1, $2] += $4 }
	END {
		printf "%-10s %14s %14s\n", "lookup", "first entry", "all 40"
		split("kmalloc gomalloc scoped", how)
		for (i = 1; i <= 3; i++)
			printf "%-10s %14d %14d\n", how[i], min[how[i], "first"], min[how[i], "all"]
		printf "%-10s %14d %14d\n", "saved", min["kmalloc", "first"] - min["scoped", "first"], \
			min["kmalloc", "all"] - min["scoped", "all"]
		printf "instructions, the fewest of %d lookups each\n", n["scoped", "first"]
		exit min["scoped", "first"] >= min["kmalloc", "first"]
	}' "$work/out/result"
