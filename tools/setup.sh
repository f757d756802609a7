#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages that a group of verbs needs, where any is missing: `setup.sh build|lint`.
# Without root and sudo it prints the one command to run and stops with 2.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config verilator python3 libcli11-dev libfmt-dev nlohmann-json3-dev
       libtomlplusplus-dev libgtest-dev libgmock-dev libfdt-dev zlib1g-dev)
lint=(clang clang-tidy clang-format git)

case "${1:-}" in
  build) wanted=("${build[@]}") ;;
  lint) wanted=("${build[@]}" "${lint[@]}") ;;
  *) echo "setup.sh: say which group to install: build or lint" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

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
