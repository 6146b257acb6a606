#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Clean by shellcheck, and no file has what none should have

set -euo pipefail

cd "$TREE"
mapfile -t files < <("$TOOLS/list-sources.sh")
mapfile -t text < <(grep -lI . "${files[@]}")
failed=()

# complain WHAT OUTPUT: if there is output
complain() {
	[ -n "$2" ] || return 0
	printf '%s\n' "$1:" "$2"
	failed+=("$1")
}

mapfile -t scripts < <(grep -lE '^#! ?/bin/(ba)?sh' "${text[@]}")
complain "shellcheck" "$(shellcheck "${scripts[@]}" 2>&1 || true)"
complain "scripts that cannot be executed" "$(find "${scripts[@]}" ! -perm -u+x)"
mapfile -t python < <("$TOOLS/list-sources.sh" '*.py')
for file in "${python[@]}"; do
	complain "python" "$(python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$file" 2>&1)"
done

# COPYING is not ours
mapfile -t ours < <(printf '%s\n' "${text[@]}" | grep -vx COPYING)
complain "trailing blanks" "$(grep -nE '[[:blank:]]+$' "${ours[@]}" || true)"
complain "no newline at the end" "$(for f in "${ours[@]}"; do [ -z "$(tail -c 1 "$f")" ] || echo "$f"; done)"
complain "conflict markers" "$(grep -nE '^(<{7}|>{7})( |$)' "${ours[@]}" || true)"
complain "paths of a machine" "$(grep -nE '(^|[^[:alnum:]_.}/-])/(work|home|root/[a-z.])' "${ours[@]}" |
	grep -v '^tools/check.d/scripts.sh:' || true)"
complain "hosts of a registry" "$(grep -nEi '(deb|snapshot|security)\.debian\.org|registry\.npmjs|pypi\.org|proxy\.golang' \
	"${ours[@]}" | grep -v '^tools/check.d/scripts.sh:' || true)"
complain "no licence" "$(printf '%s\n' "${ours[@]}" | grep -E '\.(c|h|sh|py)$|(^|/)(Kbuild|Makefile)$|^\.ci/run$' |
	xargs grep -L SPDX-License-Identifier || true)"
# What a suite calls must come with a clone
# shellcheck disable=SC2016 # patterns, not variables
complain "not in the repository" "$(grep -ohE '\$(TOOLS|TREE)/[[:alnum:]_./-]+' tools/check.d/*.sh |
	sed 's|^$TOOLS|tools|; s|^$TREE/||; s|\.$||' | sort -u | while read -r path; do
	# What is built is not there
	[[ $path == build/* ]] || [ -n "$(git ls-files -- "$path")" ] || echo "$path"
done)"
complain "large files" "$(find "${files[@]}" -size +2M)"

[ ${#failed[@]} -eq 0 ] || {
	printf -v list ', %s' "${failed[@]}"
	echo "not clean: ${list:2}"
	exit 1
}
