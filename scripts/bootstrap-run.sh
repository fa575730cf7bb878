#!/bin/sh
# Runs the program for `make run`. make turns every non-zero exit code into its own "Error" line and
# code 2, which would make a diagnosis look like a crash: 1 and 3 are findings about the machine, so
# they are named and make goes on. Scripts that want the code call .venv/bin/vfio-wizard themselves.
set -u

"$(dirname "$0")/../.venv/bin/vfio-wizard" "$@"
code=$?
case $code in
0) ;;
1) printf 'vfio-wizard finished with exit code 1: something blocks, or was refused; see above.\n' >&2 ;;
3) printf 'vfio-wizard finished with exit code 3: nothing blocks that could be measured, but not everything could.\n' >&2 ;;
*) exit "$code" ;;
esac
