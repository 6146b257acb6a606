#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# gcc, clang and sparse have nothing to say against the sources
# kernels: 6.1 6.12 6.12-rt

set -euo pipefail

failed=
for compiler in gcc clang; do
	echo "== $compiler"
	log=$SCRATCH/$compiler.log
	# A place of its own: what was built before would not warn again
	GOALLOC_BUILD=$SCRATCH "$TOOLS/build.sh" "$KERNEL" "$compiler" C=2 >"$log" 2>&1 ||
		failed="$compiler cannot build it"
	cat "$log"
	if warning=$(grep -m 1 -iE '\b(warning|error):' "$log"); then
		failed=${warning//$SCRATCH\//}
	fi
done
[ -z "$failed" ] || {
	echo "$failed"
	exit 1
}
