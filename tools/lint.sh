#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Everything that is judged without running: `lint.sh BUILD_FOLDER`. Runs all checks, fails if one failed.
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1
failed=0
check() {
  local name=$1
  shift
  if output=$("$@" 2>&1); then
    echo "ok      $name"
  else
    failed=1
    echo "FAILED  $name"
    printf '%s\n' "$output"
  fi
}

rtl_lint() { verilator --lint-only -Wall -Wwarn-BLKSEQ --top-module sim_top rtl/lint.vlt -f rtl/endpoint.f sim/rtl/sim_top.sv; }
formatted() { git ls-files '*.h' '*.cc' | xargs clang-format --dry-run -Werror; }
shellscripts() { git ls-files '*.sh' | xargs -n 1 bash -n && bash -n .ci/run; }
# The tests of the design need the models that the build wrote; the header filter leaves those models themselves out.
# The compiler's precompiled headers are none for clang-tidy. Only files of the models that are built (core_matrix has more).
lint_database='
import json, os, re, sys
entries = []
for entry in json.load(sys.stdin):
    entry["command"] = re.sub(r" -Winvalid-pch| -include \S*cmake_pch\.hxx", "", entry["command"])
    model = re.search(r"HOLDOVER_MODEL_HEADER=\S*?(V\w+\.h)", entry["command"])
    folders = re.findall(r"-isystem (\S+)", entry["command"])
    if not model or any(os.path.exists(os.path.join(folder, model[1])) for folder in folders):
        entries.append(entry)
json.dump(entries, sys.stdout)
'
tidy() {
  mkdir -p "$build/lint"
  /usr/bin/python3 -c "$lint_database" <"$build/compile_commands.json" >"$build/lint/compile_commands.json" || return 1
  # What is compiled against an installation is in no database of this tree.
  git ls-files '*.cc' ':!tests/install' | xargs -P "$(nproc)" -n 4 clang-tidy -p "$build/lint" --quiet
}

check "include directions" /usr/bin/python3 tools/check_includes.py
check "generated files are fresh" /usr/bin/python3 tools/regmap.py --check
check "shell scripts parse" shellscripts
check "formatting" formatted
check "Verilator -Wall" rtl_lint
check "clang-tidy" tidy
exit $failed
