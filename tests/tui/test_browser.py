"""The report page, looked at in a real browser, from a file; it has no scripts, and allows none."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.tui.conftest import Machine
from tests.tui.machines import GUEST_CARD, SEED
from vfio_wizard.cli import main

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=900,1400",
)  # fmt: skip
EVIL = "<script>alert(1)</script><img src=//evil.example/x onerror=alert(2)>\"'&"


def report(folder: Path, *words: str) -> Path:
    path = folder / "report.html"
    assert main(["report", *words, "-o", str(path)]) == 0
    return path


def browse(folder: Path, *words: str) -> str:
    argv = ("chromium", *FLAGS, f"--user-data-dir={folder / 'profile'}", *words)
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=120).stdout


def pixels(path: Path) -> set[bytes]:
    """The colours of a PNG that Chromium wrote: eight bits, RGB or RGBA, not interlaced."""
    data = path.read_bytes()
    width, _, _, kind = struct.unpack(">IIBB", data[16:26])
    size = {2: 3, 6: 4}[kind]
    packed, place = b"", 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        if data[place + 4 : place + 8] == b"IDAT":
            packed += data[place + 8 : place + 8 + length]
        place += 12 + length
    raw = zlib.decompress(packed)
    line = width * size + 1
    # Unfiltered differences of a uniform line are zeros: what counts is how many lines are anything else.
    return {raw[at + 1 : at + line] for at in range(0, len(raw), line)}


@pytest.mark.browser
def test_the_page_is_seen_in_a_browser(tmp_path: Path) -> None:
    page = report(tmp_path, "--host", str(SEED), "--gpu", GUEST_CARD)
    picture = tmp_path / "page.png"
    browse(tmp_path, f"--screenshot={picture}", page.as_uri())
    seen = browse(tmp_path, "--dump-dom", page.as_uri())
    text = " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", seen, flags=re.DOTALL).split())
    for words in (
        "READY nothing blocks GPU passthrough",
        "AMD Navi 10 [Radeon RX 5600 OEM/5600 XT / 5700/5700 XT]",
        "group 15 - graphics card",
        "gpu.reset 0000:2f:00.0",
        "gpu_passthrough.nix",
        "vfio-pci.ids=1002:731f,1002:ab38",
    ):
        assert words in text
    assert len(pixels(picture)) > 100, "the page is almost blank"


class _Reader(HTMLParser):
    """Which tags there are, what they point to, and whether they are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.points: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.points += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader


@pytest.mark.parametrize("name", ["healthy", "blocked", "denied", "server", "single"])
def test_the_page_stands_alone_on_every_machine(machine: Machine, tmp_path: Path, name: str) -> None:
    page = report(tmp_path, "--host", machine(name)).read_text()
    reader = read(page)
    assert not reader.points
    assert not reader.handlers
    assert not {"script", "link", "img", "iframe", "object"} & set(reader.tags)
    assert "default-src 'none'" in page
    assert not re.search(r"url\(|@import|https?://", page.partition("<body>")[0])


def test_names_from_hardware_are_read_and_never_obeyed(tmp_path: Path) -> None:
    listing = tmp_path / "groups.txt"
    listing.write_text(f"IOMMU Group 1 04:00.0 VGA compatible controller [0300]: {EVIL} [10de:1b81]\n")
    page = report(tmp_path, "--host", str(listing)).read_text()
    reader = read(page)
    assert not {"script", "img"} & set(reader.tags)
    assert not reader.handlers
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_what_is_nobodys_business_is_taken_out(tmp_path: Path) -> None:
    text = SEED.read_text().replace("quiet", "quiet root=UUID=0a1b2c3d-1111-4222-8333-123456789abc", 1)
    assert "0a1b2c3d" in text or "quiet" not in text
    record = tmp_path / "host.json"
    record.write_text(text.replace('"proc/cmdline": "', '"proc/cmdline": "crypt=52:54:00:ab:cd:ef ', 1))
    page = report(tmp_path, "--host", str(record), "--gpu", GUEST_CARD).read_text()
    assert "0a1b2c3d" not in page
    assert "52:54:00:ab:cd:ef" not in page
    assert str(tmp_path) not in page


def test_a_refused_plan_says_why_and_a_strangers_file_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = report(tmp_path, "--host", str(SEED), "--gpu", "0000:28:00.0").read_text()
    assert "REFUSED" in page
    strange = tmp_path / "mine.html"
    strange.write_text("<p>my page</p>")
    assert main(["report", "--host", str(SEED), "-o", str(strange)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["report", "--host", str(SEED)]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")


@pytest.mark.browser
def test_chromium_is_here() -> None:
    assert shutil.which("chromium")
