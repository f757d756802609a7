#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Configures a preset where needed and builds it: `build.sh PRESET`. Quiet unless something is built or fails.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
if [ ! -f "build/$preset/build.ninja" ]; then
  cmake --preset "$preset" >"/dev/null"
fi
exec cmake --build --preset "$preset"
