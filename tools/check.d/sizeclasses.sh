#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The size classes' header is what its generator writes

set -euo pipefail

cd "$TREE"
python3 tools/gen_sizeclasses.py --check
