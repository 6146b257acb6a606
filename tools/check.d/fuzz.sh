#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# 10^7 random operations from all contexts do to goalloc what they do to a model
# kernels: 6.1 6.12 6.12-rt

set -euo pipefail

ops=1000000 append=init_on_alloc=0
case $KERNEL in
6.12) ops=10000000 ;;
# Everything goes the slow way here
6.1) append="init_on_alloc=1 init_on_free=1" ;;
esac
[ -z "${GOALLOC_FULL-}" ] || ops=${ops}00
"$TOOLS/fuzz.sh" -k "$KERNEL" -n "$SUITE" -a "$append" $ops
