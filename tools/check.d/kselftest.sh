#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kselftests: loading, parameters, debugfs, misuse, leaks, CPU hotplug, faults, stress
# kernels: 6.1 6.12 6.12-rt

set -euo pipefail

"$TOOLS/kselftest.sh" -n "$SUITE" "$KERNEL"
[ -z "${GOALLOC_FULL-}" ] || [ "$KERNEL" != 6.12 ] || for k in A C; do
	"$TOOLS/kselftest.sh" -n "$SUITE-$k" "$k"
done
