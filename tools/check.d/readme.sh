#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What README.md and Documentation name exists: make targets, files and links; and
# every suite has its row in Documentation/running.md

set -euo pipefail

cd "$TREE"
mapfile -t pages < <("$TOOLS/list-sources.sh" '*.md')
failed=()

for page in "${pages[@]}"; do
	while read -r target; do
		grep -q "^$target:" Makefile || failed+=("$page: make $target")
	done < <(grep -oE '(^ *|`|&& )make [a-z][a-z-]*' "$page" | sed 's/.*make //' | sort -u)
	while read -r file; do
		[ -e "$file" ] || failed+=("$page: $file")
	done < <(grep -oE '\b(tools|bench|selftests|samples|kunit|Documentation|include)/[A-Za-z0-9_./-]*[A-Za-z0-9_]' \
		"$page" | sort -u)
	while read -r link; do
		[ -e "$(dirname "$page")/$link" ] || failed+=("$page: link to $link")
	done < <(grep -oE '\]\([^)#:]+[)#]' "$page" | sed 's/^](//; s/[)#]$//' | sort -u)
done

for suite in tools/check.d/*.sh; do
	suite=$(basename "$suite" .sh)
	# kunit-uml is kunit's second half
	grep -q "^| \`${suite%-uml}\` |" Documentation/running.md ||
		failed+=("Documentation/running.md: no row for the suite $suite")
done

[ ${#failed[@]} -eq 0 ] || {
	printf '%s\n' "${failed[@]}"
	echo "${#failed[@]} things are named that do not exist, or not named"
	exit 1
}
