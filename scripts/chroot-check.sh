#!/bin/sh
# Proves the two promises of the README in a Debian that has nothing but git, make, python3 and
# python3-venv: `chroot-check.sh bookworm|trixie [run|again|test|deb|shell]` (default: run, again, test).
# Needs root and mmdebstrap. The clone holds what is committed, not the work tree.
#
# For machines behind a proxy, a mirror or an own certificate authority:
#   CHROOT_FILES  files and directories to copy in at the same path, e.g. "/etc/pip.conf"
#   CHROOT_ENV    names of variables to pass on, e.g. "PIP_INDEX_URL PIP_CERT"
#   CHROOT_CACHE  where the bare system is kept between runs (default: ${TMPDIR:-/tmp}/vfio-wizard-chroot)
set -eu

suite=${1:?bookworm or trixie}
shift
[ $# -gt 0 ] || set -- run again test
repo=$(cd "$(dirname "$0")/.." && pwd)
cache=${CHROOT_CACHE:-${TMPDIR:-/tmp}/vfio-wizard-chroot}
tarball=$cache/$suite.tar
root=$cache/$suite.root

say() { printf 'chroot-check %s: %s\n' "$suite" "$*" >&2; }

mkdir -p "$cache"
if [ ! -f "$tarball" ]; then
    say "making a minimal system"
    mmdebstrap --quiet --format=tar --variant=minbase --include=git,make,python3,python3-venv "$suite" "$tarball.part"
    mv "$tarball.part" "$tarball"
fi

# Everything below happens in a mount namespace of its own, so nothing stays mounted whatever happens.
if [ "${CHROOT_INSIDE:-}" != yes ]; then
    CHROOT_INSIDE=yes exec unshare --mount --propagation private -- sh "$0" "$suite" "$@"
fi

rm -rf --one-file-system "$root"
mkdir -p "$root"
tar -C "$root" --exclude=./dev/\* -xf "$tarball"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
for path in ${CHROOT_FILES:-}; do
    mkdir -p "$root$(dirname "$path")"
    cp -aL "$path" "$root$(dirname "$path")/"
done
git clone --quiet "file://$repo" "$root/root/vfio-wizard"
if [ -d "$repo/../shared" ]; then
    mkdir -p "$root/root/shared"
    mount --bind -o ro "$repo/../shared" "$root/root/shared"
fi
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"

inside() { # with a clean environment, as after a fresh log-in
    set -- "$@"
    passed=
    for name in ${CHROOT_ENV:-}; do
        eval "value=\${$name:-}"
        [ -z "$value" ] || passed="$passed $name=$value"
    done
    # shellcheck disable=SC2086 # a list of words is meant; values with spaces are not supported
    chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LANG=C.UTF-8 TERM="${TERM:-dumb}" CI="${CI:-}" $passed "$@"
}

for step in "$@"; do
    case $step in
    run)
        inside make --no-print-directory -C /root/vfio-wizard run ARGS=--check </dev/null
        # A finding and a crash could share an exit code; a report could not be mistaken for one.
        inside make --no-print-directory -C /root/vfio-wizard run ARGS="check --json" </dev/null >"$root/root/report.json"
        inside python3 -c 'import json; print("verdict:", json.load(open("/root/report.json"))["verdict"])'
        ;;
    again) # a second run, without a network
        unshare --net -- chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/bin:/bin make --no-print-directory -C /root/vfio-wizard run ARGS=--check </dev/null
        ;;
    test) inside make --no-print-directory -C /root/vfio-wizard test </dev/null ;;
    deb) # the package, built outside from what is committed
        sh "$repo/scripts/build-deb.sh" "$cache" >/dev/null
        cp "$cache"/vfio-wizard_*_all.deb "$root/root/"
        inside sh -c 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends /root/vfio-wizard_*_all.deb >/root/apt.log 2>&1 || { tail -n 20 /root/apt.log >&2; exit 1; }' </dev/null
        inside sh -c 'vfio-wizard --version && vfio-wizard --check; case $? in 0 | 1 | 3) ;; *) exit 1 ;; esac' </dev/null
        inside sh -c 'vfio-wizard capture -o /root/host.json && vfio-wizard groups --host /root/host.json' </dev/null
        inside sh -c 'apt-get -qq purge --yes vfio-wizard >/dev/null 2>&1 && test ! -e /usr/lib/vfio-wizard' </dev/null
        ;;
    shell) inside sh -c 'cd /root/vfio-wizard && exec bash' ;;
    *) say "run, again, test, deb or shell, not $step"; exit 2 ;;
    esac
    say "$step passed"
done
