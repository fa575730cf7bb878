"""What is kept of an image and under which path: links, hard links, later archives, and nothing private."""

from __future__ import annotations

from pathlib import Path

from tests.unit.system.archive.images import RELEASE, File, archive, link, module, packed
from tests.unit.system.archive.test_packings import read

OPTIONS = b"options vfio-pci ids=1002:5159\n"


def test_names_stay_below_the_root(tmp_path: Path) -> None:
    files = [File("../../etc/modprobe.d/a.conf", OPTIONS), File("/etc/./modprobe.d//b.conf", OPTIONS)]
    found = read(tmp_path, archive(*files))
    assert list(found["texts"]) == ["etc/modprobe.d/a.conf", "etc/modprobe.d/b.conf"]


def test_links_in_a_circle_lead_nowhere(tmp_path: Path) -> None:
    found = read(
        tmp_path, archive(link("etc/modprobe.d/a.conf", "b.conf"), link("etc/modprobe.d/b.conf", "a.conf"))
    )
    assert len(found["gaps"]) == 2


def test_file_masked_by_a_link_to_dev_null_is_there_and_empty(tmp_path: Path) -> None:
    found = read(tmp_path, archive(link("etc/modprobe.d/a.conf", "/dev/null")))
    assert (found["texts"], found["gaps"]) == ({"etc/modprobe.d/a.conf": []}, [])


def test_link_out_of_the_image_is_a_gap(tmp_path: Path) -> None:
    found = read(tmp_path, archive(link("etc/modprobe.d/a.conf", "/etc/alternatives/a")))
    assert "etc/alternatives/a" in found["gaps"][0]


def test_link_to_a_configuration_elsewhere_is_followed(tmp_path: Path) -> None:
    files = [
        link("etc/modprobe.d/a.conf", "../alternatives/a"),
        link("etc/alternatives/a", "/usr/share/a.conf"),
    ]
    found = read(tmp_path, archive(*files, File("usr/share/a.conf", OPTIONS)))
    assert found["texts"]["etc/modprobe.d/a.conf"] == ["1:options vfio-pci ids=1002:5159"]


def test_later_archive_replaces_a_file(tmp_path: Path) -> None:
    first = archive(File("etc/modprobe.d/a.conf", b"blacklist radeon\n"))
    found = read(tmp_path, first + packed("gzip", archive(File("etc/modprobe.d/a.conf", OPTIONS))))
    assert found["texts"]["etc/modprobe.d/a.conf"] == ["1:options vfio-pci ids=1002:5159"]


def test_hard_links_have_their_content_with_the_last_name(tmp_path: Path) -> None:
    names = ("etc/modprobe.d/a.conf", "etc/modprobe.d/b.conf", "usr/share/c")
    files = [File(name, OPTIONS if name == names[-1] else b"", inode=7, links=3) for name in names]
    assert list(read(tmp_path, archive(*files))["texts"]) == list(names[:2])


def test_comment_that_goes_on_behind_a_backslash_stays_a_comment(tmp_path: Path) -> None:
    text = b"# do not \\\nblacklist radeon\noptions vfio-pci \\\n ids=1002:5159\n"
    found = read(tmp_path, archive(File("etc/modprobe.d/a.conf", text)))
    assert found["texts"]["etc/modprobe.d/a.conf"] == ["3:options vfio-pci \\", "4: ids=1002:5159"]


def test_scripts_that_write_driver_override_are_shown_in_part(tmp_path: Path) -> None:
    text = "secret\n" * 50 + "echo vfio-pci > $d/driver_override\n" + "secret\n" * 50
    programs = [File("usr/bin/x", b"\x7fELF driver_override"), File("sbin/vfio.sh", text.encode())]
    found = read(tmp_path, archive(*programs))
    assert list(found["scripts"]) == ["sbin/vfio.sh"]
    assert len(found["scripts"]["sbin/vfio.sh"]) == 9


def test_nothing_private_is_told(tmp_path: Path) -> None:
    """An image holds disks' names, keys and hashes beside what is asked for."""
    files = [
        File("etc/crypttab", b"sekret"),
        File("etc/cmdline.d/10-luks.conf", b"rd.luks.uuid=sekret rd.driver.pre=vfio-pci root=sekret"),
        File(
            "etc/booster.init.yaml",
            b"emergency_shell_password: sekret\nnetwork:\n    ssh_host_key: sekret\nkernel: 6.1\n",
        ),
        File("config", b'MODULES="vfio"\nSECRET=sekret\n'),
        File("nix/store/abc-secrets", b"sekret"),
        File("root/.ssh/id.conf", b"sekret"),
    ]
    found = read(tmp_path, archive(*files))
    assert "sekret" not in str(found)
    assert found["texts"]["etc/cmdline.d/10-luks.conf"] == ["1:rd.driver.pre=vfio-pci"]


def test_builtin_modules_and_releases(tmp_path: Path) -> None:
    builtin = File(f"lib/modules/{RELEASE}/modules.builtin", b"kernel/drivers/vfio/pci/vfio-pci.ko\n")
    found = read(tmp_path, archive(module("radeon"), builtin))
    assert found["builtin"] == {RELEASE: ["vfio_pci"]}
    assert found["releases"] == [RELEASE]
