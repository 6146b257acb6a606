#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# checkpatch, kernel-doc and the kernel's Coccinelle rules find nothing in the C sources

set -euo pipefail

cd "$TREE"
scripts=$("$TOOLS/kernel.sh" scripts 6.12)
mapfile -t sources < <("$TOOLS/list-sources.sh" '*.c' '*.h')
# Programs of user space have another style
mapfile -t kernel_sources < <(grep -LE '^#include <(std[a-z]*|unistd)\.h>' "${sources[@]}" | grep -v ^tools/)
failed=()

echo "== checkpatch"
# .checkpatch.conf has the options
"$scripts/checkpatch.pl" -f "${kernel_sources[@]}" || failed+=(checkpatch)

echo "== kernel-doc"
"$scripts/kernel-doc" -none -Wall -Werror "${sources[@]}" || failed+=(kernel-doc)

echo "== coccinelle"
while read -r rule; do
	# Debian's spatch has no OCaml
	! grep -q '@script:ocaml\|@initialize:ocaml' "$rule" || continue
	grep -q 'virtual report' "$rule" || continue
	read -ra options < <(sed -n 's|^/\{2,3\} Options: ||p' "$rule" | head -n 1) || true
	out=$(spatch -D report --very-quiet --no-show-diff --cocci-file "$rule" "${options[@]}" \
		-I include "${kernel_sources[@]}" 2>"$SCRATCH/err") || {
		cat "$SCRATCH/err"
		failed+=("coccinelle on ${rule##*/}")
	}
	if [ "$out" ]; then
		echo "${rule##*/}: $out"
		failed+=("coccinelle's ${rule##*/}")
	fi
done < <(find "$scripts/coccinelle" -name '*.cocci' | sort)

[ ${#failed[@]} -eq 0 ] || {
	printf -v list ', %s' "${failed[@]}"
	echo "not clean: ${list:2}"
	exit 1
}
