#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tsc-khz.sh - print how fast this machine's time stamp counter is, in kHz
#
# A guest that QEMU emulates has the host's counter. It measures how fast that is
# while it boots, against emulated timers, and on a host with much to do it may be
# wrong by two orders of magnitude: its time then flies, and its watchdogs bite.
# Told the right figure (tsc_early_khz=) it does not measure.
#
# Prints nothing where that cannot be known: no x86, no compiler.

set -euo pipefail

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/goalloc
file=$cache/tsc-khz-$(cat /proc/sys/kernel/random/boot_id)
# A virtual machine may wake up on another host, without booting
if [ "$(find "$file" -mmin -60 -size +0 2>/dev/null)" ]; then
	cat "$file"
	exit
fi
[ "$(uname -m)" = x86_64 ] && command -v cc >/dev/null || exit 0

work=$(mktemp -d "${TMPDIR:-/tmp}/goalloc-tsc.XXXXXX")
trap 'rm -rf "$work"' EXIT
cat >"$work/tsc.c" <<'EOF'
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct point {
	unsigned long long tsc, ns;
};

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Both clocks at once: the best of many, as a busy host may come in between */
static struct point look(void)
{
	unsigned long long before, after, tsc, best = ~0ULL;
	struct point p = { 0 };
	int i;

	for (i = 0; i < 1000; i++) {
		before = now();
		tsc = __rdtsc();
		after = now();
		if (after - before < best) {
			best = after - before;
			p.tsc = tsc;
			p.ns = before + best / 2;
		}
	}
	return p;
}

int main(void)
{
	struct timespec wait = { 0, 200000000 };
	struct point a = look(), b;

	nanosleep(&wait, NULL);
	b = look();
	printf("%.0f\n", (b.tsc - a.tsc) * 1e6 / (b.ns - a.ns));
	return 0;
}
EOF
cc -O2 -o "$work/tsc" "$work/tsc.c" 2>/dev/null || exit 0
mkdir -p "$cache"
rm -f "$cache"/tsc-khz-*
"$work/tsc" >"$work/khz"
cp "$work/khz" "$file.$$"
mv "$file.$$" "$file"
cat "$work/khz"
