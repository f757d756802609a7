#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the Debian package of a build folder, installs it in a root that holds nothing but a minimal Debian, and uses it
# there: `try_package.sh BUILD_FOLDER [ROOT_FOLDER]`. Needs root, debootstrap, and the mirror that apt uses here. Nothing
# stays behind but the package; a ROOT_FOLDER that is named is made where it is not there, and kept for the next time.
set -euo pipefail
build=$(realpath "$1")
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

fail() { echo "try_package.sh: $*" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || fail "a root of its own takes root; run it with sudo"
for tool in debootstrap cpack dpkg-deb file; do
  command -v $tool >/dev/null || fail "$tool is not there; install it with: apt-get install debootstrap cmake dpkg file"
done

echo "== the package"
(cd "$build" && rm -f ./*.deb && cpack -G DEB >cpack.log 2>&1) || { tail -n 20 "$build/cpack.log" >&2; fail "cpack failed"; }
package=$(ls "$build"/holdover_*.deb)
dpkg-deb --info "$package" | sed -n 's/^ \(Package\|Version\|Architecture\|Installed-Size\|Depends\):/  \1:/p'

echo "== what a package must not have"
listed=$(dpkg-deb --contents "$package")
! grep -vE '^[-dl]rw[-x]r-[-x]r-[-x] root/root' <<<"$listed" | grep -v '^l' || fail "these have other owners or modes"
! grep -E '/__pycache__/|/build/|\.o$' <<<"$listed" || fail "these do not belong into a package"
for file in usr/bin/holdover usr/lib/holdover/holdover-kernel-image usr/share/doc/holdover/copyright \
            usr/share/doc/holdover/changelog.gz usr/share/man/man1/holdover.1.gz usr/lib/libholdover.a \
            usr/share/bash-completion/completions/holdover usr/lib/python3/dist-packages/holdover/__init__.py; do
  grep -q " \./$file\$" <<<"$listed" || fail "$file is not in the package"
done

if [ $# -gt 1 ]; then
  root=$2
  keep=yes
  mkdir -p "$root"
else
  root=$(mktemp -d)
  keep=no
fi
leave() {
  umount -q "$root/proc" 2>/dev/null || true
  [ $keep = yes ] || rm -rf --one-file-system "$root"
}
trap leave EXIT

if [ ! -x "$root/usr/bin/apt-get" ]; then
  echo "== a minimal $suite in $root"
  mirror=$(apt-get indextargets --format '$(SITE)' "Created-By: Packages" "Suite: $suite" 2>/dev/null | head -n 1)
  [ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(SITE)' "Created-By: Packages" | head -n 1)
  [ -n "$mirror" ] || fail "apt knows no mirror; run apt-get update"
  debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$build/debootstrap.log" 2>&1 ||
    { tail -n 20 "$build/debootstrap.log" >&2; fail "debootstrap failed"; }
  # What apt fetches from, and through, is the same inside.
  cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
  rm -f "$root"/etc/apt/apt.conf.d/*docker*
  cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
fi
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
mount -t proc proc "$root/proc" 2>/dev/null || echo "(/proc cannot be mounted here)"

echo "== installed, with what it depends on and nothing else"
cp "$package" "$root/tmp/"
inside dpkg --purge holdover >/dev/null 2>&1
inside sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends \
  /tmp/'"$(basename "$package")" >"$build/package-install.log" 2>&1 ||
  { tail -n 20 "$build/package-install.log" >&2; fail "it does not install"; }

echo "== used"
inside holdover --version
inside holdover run --before 20us --after 20us --blackout 100us | tail -n 3
inside holdover run --isolation in-process --before 20us --after 20us --blackout 100us --topology wide | tail -n 1
inside python3 -c "
import holdover
print('python', holdover.__version__, holdover.__file__)
assert holdover.run(before='20us', after='20us', blackout='100us').verdict
with holdover.Machine() as machine, machine.open() as device, device.driver() as driver:
    assert driver.copy_to_card(driver.buffer(4096)) == holdover.DmaStatus.OK
"
inside apt-get install -y -q --no-install-recommends man-db python3-pytest bash-completion >>"$build/package-install.log" 2>&1
inside sh -c 'man -P cat holdover | head -n 4'
inside bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader holdover; complete -p holdover'
inside sh -c 'cd /tmp && python3 -m pytest -q -p no:cacheprovider /usr/share/doc/holdover/examples/python/card_regression.py' |
  tail -n 1

echo "== removed"
inside apt-get purge -y -q holdover >>"$build/package-install.log" 2>&1
left=$(inside find / -xdev -path '*holdover*' -not -path '/tmp/*' -not -path '/var/lib/apt/*' -not -path '/proc/*' \
  -not -path '/var/log/*' -not -path '/var/cache/*')
[ -z "$left" ] || fail "this is left behind: $left"
echo "the package is in order: $package"
