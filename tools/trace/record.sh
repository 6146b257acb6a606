#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# record.sh - in the guest: record the kernel's kmem events while it works
#
# usage: record.sh TREE.tar FILE.gotrace
#
# The ring buffers are as large as the whole recording and nobody reads them
# until it has ended, so the recorder itself is not in the trace. A recording
# that lost a single event is refused.

set -e
dir=$(dirname "$0")
tree=$1
trace=$2
tracefs=/sys/kernel/tracing
work=/tmp/work
buffer_kb=262144
events="kmalloc kmem_cache_alloc kfree kmem_cache_free"
min_events=1000000

die() {
	echo "record.sh: $*" >&2
	exit 1
}

# A tree is unpacked, read, searched, copied in part, archived and read back
files() {
	mkdir "$work/tree"
	tar -xf "$tree" -C "$work/tree"
	find "$work/tree" -name '*.h' -print0 | xargs -0 cat | wc -c
	grep -rl spin_lock "$work/tree" | wc -l
	cp -r "$work/tree/include/net" "$work/copy"
	find "$work/copy" -type f -print0 | xargs -0 md5sum | sort | uniq -c | tail -n 1
	tar -cf - -C "$work" copy | gzip -1 | gunzip | tar -tf - | wc -l
	rm -r "$work/copy"
	"$dir/workload" file "$work/many" 5000
}

# Half of what is there goes, so that the rest is spread thin
remove_half() {
	n=0
	find "$work/tree/include" -type f | while read -r f; do
		n=$((n + 1))
		[ $((n % 2)) = 0 ] || echo "$f"
	done | xargs rm
	rm -r "$work/tree/arch"
}

# The same on a file system with a journal's code paths, if the kernel has one
disk() {
	grep -qw ext2 /proc/filesystems && [ -e /dev/loop-control ] || return 0
	dd if=/dev/zero of="$work/disk" bs=1M count=0 seek=96 2>/dev/null
	mke2fs -F "$work/disk" >/dev/null
	mkdir "$work/mnt"
	mount -o loop "$work/disk" "$work/mnt"
	"$dir/workload" file "$work/mnt/files" 5000
	sync
	find "$work/mnt" -type f -print0 | xargs -0 cat | wc -c
	umount "$work/mnt"
	rm "$work/disk"
}

network() {
	httpd -p 127.0.0.1:8080 -h /tmp
	"$dir/workload" tcp 1500
	i=0
	while [ $i -lt 40 ]; do
		wget -q -O - http://127.0.0.1:8080/page >/dev/null
		i=$((i + 1))
	done
	ping -c 3 -i 0.1 127.0.0.1 >/dev/null || true
	killall httpd
}

processes() {
	"$dir/workload" process 600
	"$dir/workload" pipe 30000
	i=0
	while [ $i -lt 100 ]; do
		# shellcheck disable=SC2002
		cat "$0" | sed s/a/b/ | sort | head -n 3 >/dev/null
		i=$((i + 1))
	done
	ps >/dev/null
	cat /proc/[0-9]*/status /proc/[0-9]*/maps /proc/slabinfo >/dev/null 2>&1 || true
}

mount -t tracefs tracefs $tracefs 2>/dev/null || true
cd $tracefs || die "the kernel has no tracefs"
[ -e events/kmem/kmalloc ] || die "the kernel has no kmem events"
echo 0 >tracing_on
echo nop >current_tracer
echo 0 >events/enable
# One atomic counter for all CPUs: exact order
echo counter >trace_clock
echo 0 >options/overwrite
echo $buffer_kb >buffer_size_kb || die "no memory for the ring buffers: give the guest more"
: >trace
for e in $events; do
	echo 1 >events/kmem/"$e"/enable
done

mkdir $work
head -c 40000 "$tree" >/tmp/page
ip link set lo up
echo 1 >tracing_on
cd /
(network && processes) &
files
disk
remove_half
wait $! || die "a part of the workload failed"
cd $tracefs
echo 0 >tracing_on
echo 0 >events/enable

for stats in per_cpu/cpu*/stats; do
	grep -E '^(overrun|commit overrun|dropped events): ' "$stats" | grep -qv ': 0$' &&
		die "events were lost on $stats: $(tr '\n' ' ' <"$stats")"
done
"$dir/gotrace" convert $tracefs "$trace" >/tmp/converted || die "the conversion failed"
cat /tmp/converted
seen=$(sed 's/.*events=\([0-9]*\).*/\1/' /tmp/converted)
[ "$seen" -ge $min_events ] || die "only $seen events, wanted $min_events"
