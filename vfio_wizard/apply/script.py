"""The way back without this program and without Python: a script for any POSIX shell, beside the journal.

It is written and synced before the first change. It finds the root by its own place, so that it runs from a
rescue system as well as from the installed one.
"""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.apply.disk import LINK, Disk
from vfio_wizard.apply.journal import Transaction, hash_of
from vfio_wizard.apply.kept import Kept
from vfio_wizard.apply.patterns import VOLATILE, is_match
from vfio_wizard.apply.work import TEMPORARY, TRANSACTIONS, Work

_HEAD = f"""#!/bin/sh
# Takes a change of vfio-wizard back without vfio-wizard and without Python.
#   sh undo.sh            takes back what still is as the change left it
#   sh undo.sh --force    also what was edited since
# From a rescue system: mount the root (and /boot, and the EFI partition below it), and run this very file.
force=; [ "${{1-}}" = --force ] && force=1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 4
root=${{here%/{TRANSACTIONS}/*}}
failed=0; left=0; done=0
hash() {{
  if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1" | cut -d' ' -f1; else echo unknown; fi
}}
say() {{ printf '%s\\n' "$*"; }}
complete() {{ grep -q '"step": "applied"' "$here/journal.jsonl"; }}
made() {{ grep -qF "\\"$1\\": \\"$2\\"" "$here/journal.jsonl"; }}
# ours PATH NEW: whether the file may be put back. NEW is the hash of what was written there, or empty for
# a generated file, whose hash the journal has.
ours() {{
  [ -n "$force" ] && return 0
  [ -s "$root/$1" ] || return 0
  now=$(hash "$root/$1")
  [ "$now" = unknown ] && return 0
  [ -n "$2" ] && [ "$now" = "$2" ] && return 0
  made "$1" "$now" && return 0
  [ -z "$2" ] && ! complete && return 0
  say "left alone, since it changed after the change: /$1"; left=1; return 1
}}
# back PATH NEW BLOB MODE OWNER GROUP
back() {{
  folder=$(dirname -- "$root/$1"); new=$folder/.$(basename -- "$1"){TEMPORARY}
  rm -f -- "$new"
  cmp -s "$here/$3" "$root/$1" && {{ done=$((done+1)); return; }}
  ours "$1" "$2" || return
  cp -p -- "$here/$3" "$new" 2>/dev/null || {{ rm -f -- "$new" "$root/$1"; cp -p -- "$here/$3" "$new"; }} &&
    {{ chown "$5:$6" "$new" && chmod "$4" "$new" || say "mode and owner of /$1 are not as before"; }} &&
    mv -f -- "$new" "$root/$1" && cmp -s "$here/$3" "$root/$1" &&
    {{ say "restored /$1"; done=$((done+1)); return; }}
  say "FAILED /$1 (its old content is $here/$3)"; failed=1
}}
# link PATH TARGET
link() {{
  [ "$(readlink "$root/$1")" = "$2" ] && {{ done=$((done+1)); return; }}
  rm -f -- "$root/$1" && ln -s -- "$2" "$root/$1" && {{ say "restored /$1"; done=$((done+1)); return; }}
  say "FAILED /$1 (a link to $2)"; failed=1
}}
# gone PATH NEW
gone() {{
  rm -f -- "$(dirname -- "$root/$1")/.$(basename -- "$1"){TEMPORARY}"
  [ -e "$root/$1" ] || [ -h "$root/$1" ] || {{ done=$((done+1)); return; }}
  ours "$1" "$2" || return
  rm -f -- "$root/$1" && {{ say "removed /$1"; done=$((done+1)); return; }}
  say "FAILED to remove /$1"; failed=1
}}
"""

_TAIL = """sync
if [ -n "$root" ] || [ "$(id -u)" != 0 ]; then :; elif command -v restorecon >/dev/null 2>&1; then
  restorecon -R /etc /boot >/dev/null 2>&1
fi
say "$done files are as before the change"
"""


def write(disk: Disk, work: Work, transaction: Transaction) -> None:
    """Put the script beside the journal, and on the medium."""
    path = f"{transaction.folder}/undo.sh"
    disk.create(path, text(work, transaction).encode("utf-8", "surrogateescape"))
    disk.sync(path)
    disk.sync_folder(transaction.folder)


def text(work: Work, transaction: Transaction) -> str:
    """The whole script."""
    new = {one.path: hash_of(one.content) for one in work.changes}
    generated = [one for one in transaction.kept if one.path not in new]
    written = [one for one in transaction.kept if one.path in new]
    lines = [_HEAD]
    lines += [_back(one, "") for one in reversed(generated)]
    lines += list(_new_ones(work, transaction))
    lines += [_back(one, new[one.path]) for one in reversed(written)]
    lines += [f'rmdir -- "$root"/{_quoted(folder)} 2>/dev/null' for folder in reversed(transaction.folders)]
    lines += [_TAIL, *_advice(work), '[ "$failed" = 0 ] && [ "$left" = 0 ] || exit 4', "exit 0", ""]
    return "\n".join(lines)


def _back(kept: Kept, new: str) -> str:
    path = _quoted(kept.path)
    if kept.look is None:
        return f"gone {path} '{new}'"
    if kept.look.kind == LINK:
        return f"link {path} {_quoted(kept.look.target)}"
    look = kept.look
    return f"back {path} '{new}' {kept.blob} {look.mode:04o} {look.owner} {look.group}"


def _new_ones(work: Work, transaction: Transaction) -> Iterator[str]:
    """Files that a command makes and that were not there before."""
    for pattern in work.patterns:
        if pattern.startswith(VOLATILE):
            continue
        kept = [_quoted(one.path) for one in transaction.kept if is_match(one.path, (pattern,))]
        yield f'for file in "$root"/{_glob(pattern)}; do'
        yield '  [ -f "$file" ] || [ -h "$file" ] || continue'
        if kept:
            yield f'  case ${{file#"$root"/}} in {"|".join(kept)}) continue;; esac'
        yield '  gone "${file#"$root"/}" \'\''
        yield "done"


def _advice(work: Work) -> Iterator[str]:
    """What only a running system can do."""
    back = [argv for run in work.runs if not run.makes for argv in run.undo]
    if back:
        yield "say 'Not in files; run in the installed system (chroot, or after booting it):'"
        yield from (f"say {_quoted('  ' + ' '.join(argv))}" for argv in back)
    again = [run.shown for run in work.runs if run.makes]
    if again:
        yield 'if [ "$left" = 1 ]; then'
        yield "say 'What was left alone is made again, without the change, in the installed system by:'"
        yield from (f"say {_quoted('  ' + shown)}" for shown in again)
        yield "fi"


def _glob(pattern: str) -> str:
    return "*".join(_quoted(part) if part else "" for part in pattern.split("*"))


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
