#!/bin/sh
# Makes .venv: `bootstrap.sh run` with what the program needs, `bootstrap.sh dev` with what the tests
# need as well. Does nothing, and needs no network, while pyproject.toml is the one it last installed.
set -eu

what=${1:?run or dev}
cd "$(dirname "$0")/.."

say() { printf 'bootstrap: %s\n' "$*" >&2; }

inputs=$(cat pyproject.toml scripts/bootstrap.sh | sha256sum)
stamp=.venv/.installed-$what

# The interpreter is part of the key: a venv does not outlive the Python that it was made with.
key() { .venv/bin/python -c 'import sys; print(sys.argv[1], sys.version)' "${inputs%% *}" 2>/dev/null; }

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(key)" ]; then
    exit 0
fi

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "vfio-wizard needs Python 3.11 or later; this is $("$python" -V). Set PYTHON=/path/to/python3."
    exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    say "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"
    exit 1
fi

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    say "making .venv with $("$python" -V)"
    "$python" -m venv --clear .venv
fi

pip() {
    .venv/bin/python -m pip --disable-pip-version-check --quiet "$@"
}

again() { # a package index that stumbles once should not fail the whole run
    "$@" && return 0
    sleep 5
    say "trying once more: $*"
    "$@"
}

# libvirt-python is source only: it is built where everything for that is there, and left out elsewhere.
can_build_libvirt() {
    command -v pkg-config >/dev/null && pkg-config --exists libvirt && command -v gcc >/dev/null &&
        .venv/bin/python -c 'import os, sysconfig; open(os.path.join(sysconfig.get_path("include"), "Python.h"))' 2>/dev/null
}

install() {
    say "installing vfio-wizard and its dependencies ($what)"
    if [ "$what" = dev ]; then
        again pip install --upgrade 'pip>=25.1' || return 1 # the first that knows dependency groups
        again pip install --group dev --editable . || return 1
    else
        again pip install --editable . || return 1
    fi
    if can_build_libvirt; then
        pip install --editable '.[libvirt]' || say "libvirt-python could not be built; going on without it"
    fi
}

if install; then
    key >"$stamp"
elif [ "$what" = run ] && [ -x .venv/bin/vfio-wizard ] && .venv/bin/vfio-wizard --version >/dev/null 2>&1; then
    say "could not bring .venv up to date (no network?); running what is there"
else
    say "could not install the dependencies. Is there a way to PyPI? 'make clean' starts over."
    exit 1
fi
