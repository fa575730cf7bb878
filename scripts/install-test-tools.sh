#!/bin/sh
# Installs the Debian packages that the tests (`test`), the virtual machines (`lab`) or the package builds
# (`packages`) use, where that is
# allowed: as root, or with sudo that asks for no password. Elsewhere it names what is missing and goes on;
# tests that need a missing tool are skipped with that reason, and fail where CI=true.
set -eu

what=${1:?test, lab or packages}

# nix-bin parses generated modules, libxml2-utils and libvirt-clients validate domains, pciutils is the
# reference for PCI reading, libvirt-dev to python3-dev build libvirt-python, tmux drives the wizard,
# chromium looks at the report,
# cpio to zstd pack initramfs images, acl, dosfstools, e2fsprogs, sudo, pkexec and dbus are for changes on real file systems
# and by an ordinary user, libvirt-daemon to swtpm-tools run guests, busybox to shellcheck try the
# generated scripts, fish, groff and zsh read the completions and the manual.
test_packages="git make ca-certificates nix-bin pciutils libxml2-utils libvirt-clients libvirt-dev pkg-config gcc libc6-dev python3-dev tmux chromium cpio bzip2 lz4 xz-utils zstd fish groff-base zsh libvirt-daemon libvirt-daemon-driver-qemu qemu-system-x86 qemu-utils ovmf swtpm swtpm-tools busybox-static dash shellcheck acl dosfstools e2fsprogs sudo pkexec dbus"

# Debian 12's QEMU brings SPICE itself; since then it is a package of its own.
# shellcheck source=/dev/null
case $(. /etc/os-release 2>/dev/null && echo "${ID:-}${VERSION_ID:-}") in
debian12) ;;
*) test_packages="$test_packages qemu-system-modules-spice" ;;
esac

case $what in
test) packages=$test_packages ;;
lab) packages=$(cd "$(dirname "$0")/.." && python3 -m tests.lab.run --packages | tr '\n' ' ') ;;
packages) packages="debhelper dh-python fakeroot libarchive-tools lintian makepkg rpm" ;;
*) printf 'install-test-tools: test, lab or packages, not %s\n' "$what" >&2; exit 2 ;;
esac

say() { printf 'install-test-tools: %s\n' "$*" >&2; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "no apt here; install the counterparts of: $packages"
    exit 0
fi

missing=
for package in $packages; do
    installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    say "not root; some tests will be skipped until you run: apt-get install$missing"
    exit 0
fi

apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"; }

say "installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of words is meant
if ! { apt update && apt install --yes --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
    tail -n 25 "$log" >&2
    say "apt could not install them"
    exit 1
fi
