#!/bin/sh
# Builds every package that can be built here, and says of each what was checked: `check-packages.sh [NAME…]` with
# wheel, zipapp, deb, arch, rpm (default: all). What is built twice must have the same bytes.
set -eu

repo=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- wheel zipapp deb arch rpm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
export PATH="$repo/.venv/bin:$PATH" LC_ALL=C.UTF-8
COMMIT=$(git -C "$repo" rev-parse HEAD) # all that is built, whatever is committed meanwhile
SOURCE_DATE_EPOCH=$(git -C "$repo" log -1 --format=%ct "$COMMIT")
export COMMIT SOURCE_DATE_EPOCH
log=$work/log

say() { printf 'packages: %s\n' "$*"; }

quietly() { "$@" >"$log" 2>&1 || { tail -n 30 "$log" >&2; say "FAILED: $*"; exit 1; }; }

need() { command -v "$1" >/dev/null || { say "$1 is not installed"; exit 1; }; }

same() { # NAME FIRST SECOND
    cmp "$2" "$3" || { say "$1: two builds differ"; exit 1; }
    say "$1: $(basename "$2"), $(stat -c %s "$2") bytes, the same twice"
}

committed() { # what is built: two builds of a tree that somebody works in would differ
    mkdir -p "$work/tree"
    [ -f "$work/tree/pyproject.toml" ] || git -C "$repo" archive "$COMMIT" | tar -x -C "$work/tree"
}

archives() { # DIRECTORY: the wheel and the source archive
    committed
    quietly python -m build --no-isolation --outdir "$1" "$work/tree"
}

wheel() {
    archives "$work/one"
    archives "$work/two"
    for file in "$work"/one/*; do same wheel "$file" "$work/two/$(basename "$file")"; done
}

zipapp() {
    committed
    quietly python "$work/tree/scripts/zipapp.py" -o "$work/one.pyz"
    quietly python "$work/tree/scripts/zipapp.py" -o "$work/two.pyz"
    same zipapp "$work/one.pyz" "$work/two.pyz"
    (cd / && "$work/one.pyz" --version)
}

deb() {
    need dpkg-buildpackage
    quietly sh "$repo/scripts/build-deb.sh" "$work/first"
    quietly sh "$repo/scripts/build-deb.sh" "$work/second"
    for file in "$work"/first/*.deb; do same deb "$file" "$work/second/$(basename "$file")"; done
    ! command -v lintian >/dev/null || lintian --allow-root --fail-on error --tag-display-limit 0 \
        --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog "$work"/first/*.deb
}

arch() { # makepkg refuses to run as root and asks pacman, which has no database here
    need makepkg
    archives "$work/sdist"
    mkdir "$work/arch"
    cp "$repo/packaging/arch/PKGBUILD" "$work"/sdist/*.tar.gz "$work/arch/"
    quietly as_nobody "$work/arch" makepkg --nodeps --noconfirm --skipinteg
    say "arch: $(as_nobody "$work/arch" makepkg --printsrcinfo | grep -c 'depends = ') dependencies named"
    holds arch "$(tar -tf "$work"/arch/*.pkg.tar*)"
}

as_nobody() { # DIRECTORY COMMAND…
    place=$1
    shift
    if [ "$(id -u)" != 0 ]; then (cd "$place" && "$@"); return; fi
    (cd "$place" && HOME=$place PACMAN=true unshare --user --map-user=65534 --map-group=65534 -- "$@")
}

rpm() {
    need rpmbuild
    archives "$work/sdist"
    quietly rpmbuild -bb --nodeps --define "_topdir $work/rpm" --define "_sourcedir $work/sdist" \
        --define "_build_id_links none" "$repo/packaging/rpm/vfio-wizard.spec"
    holds rpm "$(command rpm -qpl "$work"/rpm/RPMS/noarch/*.rpm)"
}

holds() { # NAME LIST: what a package of this program must bring
    for file in bin/vfio-wizard vfio_wizard/cli/__init__.py man/man1/vfio-wizard.1 completions/vfio-wizard; do
        case $2 in *"$file"*) ;; *) say "$1: $file is missing"; exit 1 ;; esac
    done
    say "$1: built, with program, manual and completions"
}

for name in "$@"; do
    case $name in
    wheel | zipapp | deb | arch | rpm) "$name" ;;
    *) say "wheel, zipapp, deb, arch or rpm, not $name"; exit 2 ;;
    esac
done
