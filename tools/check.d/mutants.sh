#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each wrong change of the core still applies; at full length, each is found by a test

set -euo pipefail

if [ "${GOALLOC_FULL-}" ]; then
	GOALLOC_OUT=$SCRATCH "$TOOLS/mutants.sh"
else
	"$TOOLS/mutants.sh" -n
fi
