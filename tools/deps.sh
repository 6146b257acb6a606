#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deps.sh - install the Debian packages that goalloc's commands need
#
# usage: deps.sh GROUP...
#
#   build   the module and the host's tools, with gcc
#   clang   the same with clang, and sparse
#   vm      the virtual machine
#   native  the allocators of userspace that goalloc is measured beside
#   lint    the checkers of sources and scripts
#   debug   a kernel built from Debian's source
#   escape  the escape analysis: GCC 12, and what a plugin for it needs
#   real    the kernel's modules that it was tried on
#
# If all is there, nothing is done. Else root is needed, apt-get installs what
# is missing by name, and recommended packages stay out.

set -euo pipefail

tree=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}
# The kernels take 1 GB, builds and logs up to 1 GB
need_mb=3000

die() {
	echo "deps.sh: $*" >&2
	exit 1
}

# need_space DIR MB: DIR may not exist yet
need_space() {
	local dir=$1 free

	while [ ! -d "$dir" ]; do
		dir=$(dirname "$dir")
	done
	free=$(df -Pm "$dir" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] ||
		die "$dir has $free MB free and goalloc needs $2 MB: make room there${3:+, or $3}"
}

packages=()
for group; do
	case $group in
	# The kernel's headers ask for gcc-12 by its name; pahole is for BTF, and
	# Coccinelle loads the libpython.so that only the -dev package has
	build) packages+=(gcc gcc-12 libc6-dev make bc pahole libelf1 python3 kmod xz-utils) ;;
	clang) packages+=(clang lld llvm sparse libclang-rt-dev) ;;
	vm) packages+=(qemu-system-x86 busybox-static cpio kmod xz-utils zstd python3) ;;
	native) packages+=(gcc libc6-dev make libtcmalloc-minimal4 libjemalloc2 libmimalloc2.0 golang-go) ;;
	lint) packages+=(shellcheck coccinelle libpython3-dev perl python3) ;;
	debug)
		packages+=(linux-source-6.12 gcc libc6-dev make bc flex bison libelf-dev libssl-dev perl xz-utils kmod cpio python3)
		# The source three times over, four build trees
		need_mb=6000
		;;
	escape) packages+=(gcc-12 g++-12 gcc-12-plugin-dev libc6-dev make libelf1 python3 xz-utils) ;;
	real) packages+=(linux-source-6.12 squashfs-tools xz-utils) ;;
	*) die "usage: deps.sh build|clang|vm|native|lint|debug|escape|real..." ;;
	esac
done
[ ${#packages[@]} -gt 0 ] || die "usage: deps.sh build|clang|vm|native|lint|debug|escape|real..."

need_space "$cache" $need_mb "set XDG_CACHE_HOME to another disk"
need_space "$tree" $need_mb
# An initramfs, a trace, a disk for what a guest leaves
[ -d "${TMPDIR:-/tmp}" ] || die "there is no directory $TMPDIR: make it, or set TMPDIR to another"
need_space "${TMPDIR:-/tmp}" 1000 "set TMPDIR to another disk"

command -v dpkg-query >/dev/null || die "this is not Debian: install by hand what matches ${packages[*]}"
mapfile -t missing < <(
	dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null |
		awk -v want="${packages[*]}" '
			$2 == "installed" { have[$1] = 1 }
			END {
				n = split(want, w, " ")
				for (i = 1; i <= n; i++)
					if (!(w[i] in have) && !seen[w[i]]++)
						print w[i]
			}'
)
[ ${#missing[@]} -gt 0 ] || exit 0

[ "$(id -u)" = 0 ] || die "as root, run: apt-get update && apt-get install ${missing[*]}"
need_space / 2000
echo "deps.sh: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -q=2 -o DPkg::Lock::Timeout=600)
"${apt[@]}" update >&2 || die "'apt-get update' failed: check the network and apt's sources"
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" >&2 ||
	die "apt-get could not install ${missing[*]}: its message is above"
