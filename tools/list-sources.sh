#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# list-sources.sh - the files of the project, relative to the tree, a line each
#
# usage: list-sources.sh [PATTERN...]
#
# PATTERN is matched against the whole path: '*.c', 'tools/*'. In a git
# checkout these are the files that git knows or would add; elsewhere all that
# no build has made.

set -euo pipefail

cd "$(dirname "$0")/.."
{
	if [ -e .git ] && command -v git >/dev/null; then
		git ls-files --cached --others --exclude-standard
	else
		find . \( -path ./build -o -path ./.git \) -prune -o -type f ! -name '*.o' ! -name '*.ko' \
			! -name '*.cmd' ! -name '*.mod' ! -name '*.mod.c' ! -name '*.pyc' -printf '%P\n'
	fi
} | LC_ALL=C sort -u | while IFS= read -r file; do
	# git lists what was deleted but not yet committed
	[ -f "$file" ] || continue
	[ $# -gt 0 ] || echo "$file"
	for pattern; do
		# shellcheck disable=SC2053 # a pattern it is
		if [[ $file == $pattern ]]; then
			echo "$file"
			break
		fi
	done
done
