#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages that a group of verbs needs, where any is missing: `setup.sh build|lint|fuzz|package|synth`.
# Without root and sudo it prints the one command to run and stops with 2.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config verilator python3 libcli11-dev libfmt-dev nlohmann-json3-dev
       libtomlplusplus-dev libgtest-dev libgmock-dev libfdt-dev zlib1g-dev
       libfuse3-dev fuse3 libpci-dev pciutils
       python3-dev pybind11-dev python3-numpy python3-pytest python3-matplotlib mypy)
lint=(clang clang-tidy clang-format git)
# The runtime of libFuzzer is a package of its own.
fuzz=(clang libclang-rt-14-dev)
package=(debootstrap dpkg-dev file)
synth=(python3)
command -v npm >/dev/null || synth+=(npm)
# Yosys with the slang front end, in WebAssembly, and a Node that is new enough to run it.
node_packages=(@yowasp/yosys@0.70.62-dev.1236 node@24.21.0)
node_folder="$(dirname "$0")/../build/tools"

case "${1:-}" in
  build) wanted=("${build[@]}") ;;
  lint) wanted=("${build[@]}" "${lint[@]}") ;;
  fuzz) wanted=("${build[@]}" "${fuzz[@]}") ;;
  package) wanted=("${build[@]}" "${package[@]}") ;;
  synth) wanted=("${synth[@]}") ;;
  *) echo "setup.sh: say which group to install: build, lint, fuzz, package or synth" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done

install_node_packages() {
  [ "$1" = synth ] && [ ! -d "$node_folder/node_modules/@yowasp/yosys" ] || return 0
  echo "installing from npm into build/tools: ${node_packages[*]}"
  mkdir -p "$node_folder"
  if ! output=$(npm install --no-audit --no-fund --prefix "$node_folder" "${node_packages[@]}" 2>&1); then
    printf '%s\n' "$output" | tail -n 20 >&2
    echo "setup.sh: npm could not install: ${node_packages[*]}" >&2
    exit 2
  fi
}

if [ ${#missing[@]} -eq 0 ]; then
  install_node_packages "$1"
  exit 0
fi

install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}")
if [ "$(id -u)" -eq 0 ]; then
  as=()
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  as=(sudo)
else
  echo "Holdover needs Debian packages that are not installed, and neither root nor sudo is at hand. Run as root:" >&2
  echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
  exit 2
fi
echo "installing: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as[@]}" apt-get update -q && "${as[@]}" "${install[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "setup.sh: apt-get could not install: ${missing[*]}" >&2
  exit 2
fi
install_node_packages "$1"
