#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# table.sh - the escape report over modules of the kernel tree, as a table
#
# usage: table.sh [--list]
#
# ext2, zram, squashfs and nilfs2 of Debian's linux-source-6.12 are each built
# against Debian's 6.12 headers. A row a module is printed: how many calls there
# are, how many are candidates, why the others are none. Below it stands what a
# person has to read: the candidates, and those that stay but for their size or
# a loop. --list prints every call instead.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../../.." && pwd)
sources=$("$here/sources.sh")

work=$(mktemp -d "${TMPDIR:-/tmp}/goalloc-table.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

modules=()
while read -r folder options; do
	name=$(basename "$folder")
	modules+=("$name")
	# shellcheck disable=SC2086 # several options
	"$tree/tools/escape/escape.sh" --json --kernel 6.12 "$sources/$folder" $options >"$work/$name" </dev/null
done <<'LIST'
fs/ext2 CONFIG_EXT2_FS=m CONFIG_EXT2_FS_XATTR=y CONFIG_EXT2_FS_POSIX_ACL=y CONFIG_EXT2_FS_SECURITY=y
drivers/block/zram CONFIG_ZRAM=m
fs/squashfs CONFIG_SQUASHFS=m
fs/nilfs2 CONFIG_NILFS2_FS=m
LIST

(cd "$work" && python3 "$here/table.py" "$@" "${modules[@]}")
