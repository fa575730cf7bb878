"""Who has a card open: nodes of its functions, found among the open files of processes."""

from __future__ import annotations

from pathlib import Path

from tests.builders import PCI, RELEASE, SysfsTree
from vfio_wizard.model.pci import Holder
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.pci import read_pci
from vfio_wizard.system.host import RootHost

GPU = "0000:01:00.0"
AUDIO = "0000:01:00.1"


class LiveTree(RootHost):
    """A tree that is taken for this machine; ``closed`` are processes of other users."""

    closed: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        return True

    def names(self, path: str) -> tuple[str, ...] | Unread:
        if path in [f"proc/{pid}/fd" for pid in self.closed]:
            return Unread(path, Gap.DENIED)
        return super().names(path)


def card(root: Path, driver: str = "amdgpu") -> SysfsTree:
    tree = SysfsTree(root).pci(GPU, cls=0x030000, driver=driver, group=14)
    tree.pci(AUDIO, cls=0x040300, driver="snd_hda_intel", group=14).pci("0000:02:00.0", cls=0x020000)
    tree.directory(f"{PCI}/{GPU}/drm/card1").directory(f"{PCI}/{GPU}/drm/renderD129")
    tree.directory(f"{PCI}/{AUDIO}/sound/card2")
    for node in ("controlC2", "pcmC2D3p", "pcmC12D0p", "seq"):
        tree.file(f"dev/snd/{node}", "")
    return tree


def process(tree: SysfsTree, pid: int, name: str, *nodes: str) -> SysfsTree:
    tree.directory(f"proc/{pid}/fd").files(f"proc/{pid}", comm=name)
    for number, node in enumerate(nodes):
        place = tree.root / f"proc/{pid}/fd/{number}"
        place.symlink_to(node)  # absolute, as the kernel shows it
    return tree


def held(root: Path, address: str = GPU, closed: tuple[str, ...] = ()) -> tuple[Holder, ...] | Unread:
    host = LiveTree(str(root))
    host.closed = closed
    found = read_pci(host, RELEASE, ())
    assert not isinstance(found, Unread)
    return next(one.holders for one in found if str(one.address) == address)


def test_processes_are_named_with_the_node_that_they_hold(tmp_path: Path) -> None:
    tree = process(card(tmp_path), 700, "kwin_wayland", "/dev/dri/card1", "/dev/null", "/dev/dri/card1")
    process(tree, 800, "pipewire", "/dev/snd/pcmC2D3p", "socket:[1234]", "/dev/snd/pcmC12D0p")
    process(tree, 900, "bystander", "/dev/dri/card0", "/dev/dri/renderD128")

    assert held(tmp_path) == (Holder(700, "kwin_wayland", "dev/dri/card1"),)
    assert held(tmp_path, AUDIO) == (Holder(800, "pipewire", "dev/snd/pcmC2D3p"),)


def test_a_card_that_nobody_holds_is_free(tmp_path: Path) -> None:
    process(card(tmp_path), 900, "bystander", "/dev/null")
    assert held(tmp_path) == ()


def test_hidden_processes_leave_it_open_whether_a_card_is_free(tmp_path: Path) -> None:
    process(process(card(tmp_path), 1, "init"), 900, "bystander", "/dev/null")
    answer = held(tmp_path, closed=("1",))
    assert isinstance(answer, Unread)
    assert answer.gap is Gap.DENIED


def test_what_was_found_is_told_although_some_processes_are_hidden(tmp_path: Path) -> None:
    process(process(card(tmp_path), 1, "init"), 900, "vlc", "/dev/dri/renderD129")
    assert held(tmp_path, closed=("1",)) == (Holder(900, "vlc", "dev/dri/renderD129"),)


def test_a_running_guest_holds_its_card_by_the_group(tmp_path: Path) -> None:
    process(card(tmp_path, "vfio-pci"), 4000, "qemu-system-x86", "/dev/vfio/14", "/dev/vfio/vfio")
    assert held(tmp_path) == (Holder(4000, "qemu-system-x86", "dev/vfio/14"),)


def test_a_running_guest_holds_its_card_by_its_own_node(tmp_path: Path) -> None:
    tree = card(tmp_path, "vfio-pci").directory(f"{PCI}/{GPU}/vfio-dev/vfio0")
    process(tree, 4000, "qemu-system-x86", "/dev/vfio/devices/vfio0")
    assert held(tmp_path) == (Holder(4000, "qemu-system-x86", "dev/vfio/devices/vfio0"),)


def test_the_node_of_an_nvidia_card_is_told_by_its_driver(tmp_path: Path) -> None:
    tree = card(tmp_path, "nvidia")
    tree.file(f"proc/driver/nvidia/gpus/{GPU}/information", "Model: \t\t NVIDIA\nDevice Minor: \t 1\n")
    process(tree, 55, "nvidia-persiste", "/dev/nvidia1", "/dev/nvidiactl", "/dev/nvidia0")
    assert held(tmp_path) == (Holder(55, "nvidia-persiste", "dev/nvidia1"),)


def test_functions_of_no_card_are_not_looked_for(tmp_path: Path) -> None:
    process(card(tmp_path), 700, "x", "/dev/dri/card1")
    answer = held(tmp_path, "0000:02:00.0")
    assert isinstance(answer, Unread)
    assert answer.gap is Gap.UNTOLD


def test_a_recorder_can_leave_it_out(tmp_path: Path) -> None:
    process(card(tmp_path), 700, "x", "/dev/dri/card1")
    found = read_pci(LiveTree(str(tmp_path)), RELEASE, (), holders=False)
    assert not isinstance(found, Unread)
    assert all(isinstance(one.holders, Unread) for one in found)
