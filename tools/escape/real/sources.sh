#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sources.sh - unpack the modules that table.sh and real.sh are about
#
# usage: sources.sh
#
# Prints the folder that they are in, as in the kernel's tree. They come from
# the package linux-source-6.12, which is installed if need be.

set -euo pipefail

tree=$(cd "$(dirname "$0")/../../.." && pwd)
dir=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/goalloc/src

"$tree/tools/deps.sh" build vm escape real
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9
missing=()
for folder in fs/ext2 drivers/block/zram fs/squashfs fs/nilfs2; do
	[ -e "$dir/linux-source-6.12/$folder/Makefile" ] || missing+=("linux-source-6.12/$folder")
done
[ ${#missing[@]} -eq 0 ] || tar -xJf /usr/src/linux-source-6.12.tar.xz -C "$dir" "${missing[@]}" || {
	echo "sources.sh: cannot unpack linux-source-6.12 to $dir: is the disk full?" >&2
	exit 1
}
echo "$dir/linux-source-6.12"
