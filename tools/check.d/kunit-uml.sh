#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The KUnit suites by kunit.py, on User-mode Linux

set -euo pipefail

"$TOOLS/kunit.sh" uml
