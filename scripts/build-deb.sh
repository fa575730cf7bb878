#!/bin/sh
# Builds the Debian package from what is committed: `build-deb.sh [DIRECTORY]` (default: dist). Needs git,
# debhelper, dh-python, python3 and pip (that of .venv where there is one). The same commit gives the same
# bytes; COMMIT says which, HEAD when it is not set.
set -eu

repo=$(cd "$(dirname "$0")/.." && pwd)
target=$(mkdir -p "${1:-$repo/dist}" && cd "${1:-$repo/dist}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/vfio-wizard
commit=${COMMIT:-HEAD}
epoch=$(git -C "$repo" log -1 --format=%ct "$commit")
export SOURCE_DATE_EPOCH="$epoch" LC_ALL=C.UTF-8 TZ=UTC
umask 022

mkdir "$tree"
git -C "$repo" archive "$commit" | tar -x -C "$tree"
cp -r "$tree/packaging/debian" "$tree/debian"
python=python3
[ ! -x "$repo/.venv/bin/python" ] || python=$repo/.venv/bin/python
"$python" "$tree/scripts/vendor.py" "$tree/vendor" --without pyudev --without pyroute2
find "$tree" -exec touch --no-dereference --date="@$epoch" {} +
(cd "$tree" && dpkg-buildpackage --build=all --unsigned-changes --unsigned-source --no-check-builddeps 1>&2)
mv "$work"/vfio-wizard_*_all.deb "$target"/
printf '%s\n' "$target"/vfio-wizard_*_all.deb
