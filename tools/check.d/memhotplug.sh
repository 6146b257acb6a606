#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Memory that comes while the module is loaded serves as any other
# kernels: 6.1 6.12
# shellcheck disable=SC2016 # the guest expands it

set -euo pipefail

dir=$("$TOOLS/build.sh" "$KERNEL")
# A path of a socket may have 107 bytes
cd "$SCRATCH"
log=${GOALLOC_OUT:-$(dirname "$TOOLS")/build/logs}/$SUITE/guest.log
# That of the last run says that it waits, too
rm -f "$log"

# QEMU adds the memory once the guest says that it waits
python3 - "$log" <<'EOF' &
import json, socket, sys, time

for _ in range(3000):
    try:
        if "waiting for memory" in open(sys.argv[1]).read():
            break
    except OSError:
        pass
    time.sleep(0.1)
with socket.socket(socket.AF_UNIX) as s:
    s.connect("qmp")
    f = s.makefile("rw")
    for command, arguments in (
            ("qmp_capabilities", {}),
            ("object-add", {"qom-type": "memory-backend-ram", "id": "m", "size": 512 << 20}),
            ("device_add", {"driver": "pc-dimm", "id": "d", "memdev": "m"})):
        json.dump({"execute": command, "arguments": arguments}, f)
        f.flush()
        while not (line := f.readline()).startswith('{"return"'):
            assert line and not line.startswith('{"error"'), line
EOF
plugger=$!
trap 'kill $plugger 2>/dev/null || true' EXIT

"$TOOLS/vm.sh" --kernel "$KERNEL" --name "$SUITE" --timeout 300 --append init_on_alloc=0 \
	--mem 512,slots=1,maxmem=4G --qemu -qmp --qemu unix:qmp,server=on,wait=off \
	--module "$dir/goalloc.ko" --module "$dir/selftests/goalloc_smoke.ko" --run '
	d=/sys/kernel/debug/goalloc
	blocks() {
		ls -d /sys/devices/system/memory/memory[0-9]* | wc -l
	}

	insmod /modules/goalloc.ko
	before=$(blocks)
	echo "waiting for memory"
	until [ $(blocks) -ge $((before + 4)) ]; do
		sleep 1
	done
	for m in /sys/devices/system/memory/memory[0-9]*; do
		grep -q "^online" $m/state || echo online_kernel >$m/state
	done
	# The page allocator gives pages of the new zone first
	insmod /modules/goalloc_smoke.ko only=sizes,classes,large,owns,contexts,stress
	rmmod goalloc_smoke
	echo 1 >$d/release
	echo 1 >$d/check
	cat $d/check $d/stats
	grep -q "^ok: 0 spans" $d/check
	rmmod goalloc
	! grep goalloc /proc/vmallocinfo
'
wait $plugger
