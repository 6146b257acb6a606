#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The core in userspace: units, faults, stress, short fuzzing; ASan, UBSan, TSan

set -euo pipefail

length=(OPS=60000 RUNS=2000)
[ -z "${GOALLOC_FULL-}" ] || length=(OPS=3000000 RUNS=200000)
make -C "$TREE/tools/userspace" OUT="$SCRATCH/userspace" check "${length[@]}"
