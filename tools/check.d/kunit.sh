#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The KUnit suites as a module, under KASAN and lockdep
# kernels: A

set -euo pipefail

"$TOOLS/kunit.sh" "$KERNEL"
[ -z "${GOALLOC_FULL-}" ] || "$TOOLS/kunit.sh" B C
