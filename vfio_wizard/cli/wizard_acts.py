"""What the wizard does: it runs the command that it shows, and hands its lines on as they come.

A command of its own keeps the promise that both have the same result, can be interrupted as in a terminal,
and is the only thing that ever gets root's rights.
"""

# ruff: noqa: PTH111, S603 - argument lists that the wizard itself made, shown before
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from vfio_wizard.cli import remembered
from vfio_wizard.cli.export import refuse_strangers
from vfio_wizard.model.errors import WizardError
from vfio_wizard.planning.answers import print_answers
from vfio_wizard.report.pages.rows import Line, Tone, said
from vfio_wizard.report.pages.ways import Way
from vfio_wizard.system.files import write_whole
from vfio_wizard.tui.survey import Done, Memory, Order, Progress, Stopped, Tell

_PATIENCE = 0.05
_ASKERS = (("sudo", ("sudo", "--")), ("doas", ("doas",)), ("run0", ("run0",)), ("pkexec", ("pkexec",)))
_OWN = "vfio-wizard"


def act(source: str | None, order: Order, tell: Tell, stopped: Stopped) -> Done:
    """Go a way in the background. Raises WizardError where it cannot be begun."""
    if order.way.key == "answers":
        return _save_answers(order)
    _keep_answers(source, order)
    argv = _argv(order)
    code = _follow(argv, tell, stopped, _steps(order))
    return _ended(source, order.way, code)


def _save_answers(order: Order) -> Done:
    text = print_answers(order.selection).encode("utf-8")
    path = os.path.expanduser(order.answer.strip())
    if not _is_answers(path):
        refuse_strangers(path, text, force=False)
    write_whole(path, text)
    return Done(True, tuple(said(f"wrote {path}", 76, Tone.GOOD)))


def _is_answers(path: str) -> bool:
    """Whether the file is one that was saved before: it reads as answers."""
    from vfio_wizard.cli.choice import answers  # noqa: PLC0415 - reads TOML

    try:
        answers(path)
    except WizardError:
        return False
    return True


def _keep_answers(source: str | None, order: Order) -> None:
    """The command reads the answers from the file that it names."""
    before = remembered.memory(source)
    remembered.keep(source, before._replace(selection=order.selection))


def _argv(order: Order) -> tuple[str, ...]:
    """The words of the way with what the user answered, and the program by its place."""
    words = list(order.way.argv)
    if order.way.asks and "-o" in words:
        words[words.index("-o") + 1] = os.path.expanduser(order.answer.strip())
    if words[0] != _OWN:
        return tuple(words)
    return (*program(), *words[1:], *order.way.unasked)


def program() -> tuple[str, ...]:
    """How this very program is started again; never from the present folder, where anything may lie."""
    script = os.path.abspath(sys.argv[0])  # noqa: PTH100
    if os.path.basename(script) == _OWN and os.access(script, os.X_OK):  # noqa: PTH119
        return (script,)
    return (sys.executable, "-P", "-m", "vfio_wizard")


def _steps(order: Order) -> int:
    """How many steps a change will tell of; 0 where that is not known."""
    if order.way.key != "apply" or order.proposal is None:
        return 0
    rendered = order.proposal.rendered
    stages = {one.stage for one in rendered.artifacts} | {one.stage for one in rendered.commands}
    return len(rendered.artifacts) + len(rendered.commands) + len(stages) + 3


def _follow(argv: tuple[str, ...], tell: Tell, stopped: Stopped, total: int) -> int:
    """Run it to its end; each line is told. Escape is Ctrl-C to it, and it tidies up by itself.

    It writes into a file and not into a pipe: where the terminal is closed in the middle, nobody reads any
    more, and a change must not fail for that.
    """
    with tempfile.TemporaryFile() as sink:
        child = _started(argv, sink)
        log = _Log(sink.fileno(), tell, total)
        asked = False
        while log.more() or child.poll() is None:
            if stopped() and not asked:
                child.send_signal(signal.SIGINT)
                asked = True
            time.sleep(_PATIENCE)
        log.close()
    return child.returncode


def _started(argv: tuple[str, ...], sink: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1"},
            start_new_session=True,
        )
    except OSError as error:
        message = f"cannot run {argv[0]}: {(error.strerror or str(error)).lower()}"
        raise WizardError(message) from None


class _Log:
    """The lines of a file that grows, each told once it is whole. A step begins with its time: ``[0:01]``."""

    def __init__(self, handle: int, tell: Tell, total: int) -> None:
        self._handle = handle
        self._tell = tell
        self._total = total
        self._place = self._done = 0
        self._held = b""

    def more(self) -> bool:
        """Tell what is new; whether anything was."""
        found = os.pread(self._handle, 1 << 16, self._place)
        self._place += len(found)
        *lines, self._held = (self._held + found).split(b"\n")
        for line in lines:
            self._say(line)
        return bool(found)

    def close(self) -> None:
        """The rest, which has no end of line."""
        while self.more():
            pass
        if self._held:
            self._say(self._held)

    def _say(self, line: bytes) -> None:
        text = line.decode("utf-8", "backslashreplace")
        self._done += text.startswith("[")
        self._tell(Progress(min(self._done, self._total), self._total, text))


def _ended(source: str | None, way: Way, code: int) -> Done:
    if code == 0 and way.key == "verify":
        _note_proven(source)
    words = {0: "done", 130: "stopped; nothing was left half-done"}.get(code, f"ended with code {code}")
    tone = Tone.GOOD if code == 0 else Tone.BAD
    return Done(code == 0, (Line(words, tone),), look_again=way.key in ("apply", "undo", "verify"))


def _note_proven(source: str | None) -> None:
    """A change that was proven needs no further proof: the wizard opens elsewhere the next time."""
    change = remembered.change_in_force()
    if change is not None:
        kept: Memory = remembered.memory(source)
        remembered.keep(source, kept._replace(selection=remembered.recall(source), proven=change.transaction))


def in_terminal(source: str | None, order: Order, say: Callable[[str], None] | None = None) -> Done:
    """Run it in the terminal itself, as root. Raises nothing: the wizard's screen is away meanwhile."""
    tell = say or _print
    try:
        _keep_answers(source, order)
    except WizardError as error:
        return Done(False, tuple(said(str(error), 76, Tone.BAD)))
    asker = next((words for name, words in _ASKERS if shutil.which(name)), None)
    if asker is None:
        text = f"no sudo, doas, run0 or pkexec here; as root, run: {order.way.command}"
        return Done(False, tuple(said(text, 76, Tone.BAD)))
    tell(f"\nvfio-wizard needs root's rights now, for {order.way.root_for}.")
    tell(f"Nothing else runs with them. The command:\n  {order.way.command}\n")
    with _undisturbed():
        code = subprocess.run((*asker, *_argv(order)), check=False).returncode
    if say is None:
        sys.stdout.write("\nEnter goes back to the wizard. ")
        sys.stdout.flush()
        sys.stdin.readline()
    return _ended(source, order.way, code)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C is for the command in the terminal, which tidies up; the wizard waits for it."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
