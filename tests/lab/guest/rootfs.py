"""Builds what a lab machine boots: one Debian release's kernel, and a small root around it.

The root holds busybox, kmod, pciutils and Python from the same release, the release's own module
index, the few modules that the topologies need, and the wheel's dependencies.
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from tests.lab import cpio
from tests.lab.archive import Archive, unpack

HERE = Path(__file__).parent

PACKAGES = (
    "python3-minimal",
    "libpython3-stdlib",
    "kmod",
    "pciutils",
    "busybox-static",
    "libudev1",
    "libc-bin",
)
"""What the machine needs by name; apt finds what these need."""

LEFT_OUT = (
    "dpkg", "tar", "debconf", "tzdata", "gcc-", "libdb5", "libacl1", "libselinux1", "libpcre2", "libmd0",
    "media-types", "readline-common", "libtirpc", "libgssapi", "libkrb5", "libk5crypto", "libkeyutils",
    "libcom-err2", "libnsl2", "openssl-provider-legacy", "netbase", "linux-image", "perl",
)  # fmt: skip
"""Packages of that closure which nothing here calls: smaller loads faster."""

MODULES = (
    "vfio-pci", "vfio_iommu_type1", "kvm", "kvm_amd", "kvm_intel",
    "radeon", "bochs", "virtio_gpu", "qxl", "cirrus", "cirrus-qemu",
    "snd_hda_intel", "snd_hda_codec_generic",
    "nvme", "e1000", "e1000e", "xhci_pci",
    "virtio_pci", "virtio_blk", "virtio_net", "9p", "9pnet_virtio", "efivarfs",
)  # fmt: skip
"""Kernel modules by name, with everything they depend on; a name that a kernel lacks is passed over."""

DROPPED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/i18n",
           "usr/lib/x86_64-linux-gnu/gconv", "usr/lib/locale", "usr/share/perl5")  # fmt: skip
DROPPED_FROM_PYTHON = ("test", "lib2to3", "idlelib", "tkinter", "ensurepip", "pydoc_data", "turtledemo")


class Base(NamedTuple):
    """A release made bootable: its kernel image, and the base archive that scenarios are appended to."""

    suite: str
    kernel: Path
    archive: Path
    root: Path
    release: str


def recipe() -> str:
    """A name for how bases are made now; another recipe makes another base."""
    sources = (Path(__file__), HERE / "init", Path(cpio.__file__))
    content = b"".join(path.read_bytes() for path in sources) + " ".join(_dependencies()).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def base(suite: str, lab: Path) -> Base:
    """The release's base, built when the folder does not hold one of today's recipe."""
    folder = lab / suite
    stamp = folder / "recipe"
    if not stamp.is_file() or stamp.read_text() != recipe():
        _build(suite, folder)
        stamp.write_text(recipe())
    return _found(suite, folder)


def _found(suite: str, folder: Path) -> Base:
    release = (folder / "release").read_text()
    return Base(suite, folder / "vmlinuz", folder / "base.cpio", folder / "root", release)


def _build(suite: str, folder: Path) -> None:
    archive = Archive(suite, folder.absolute() / "apt")
    archive.refresh()
    kernel = archive.kernel_package()
    archive.fetch_closure(PACKAGES)
    archive.fetch_alone(kernel, "base-files")
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    _userland(archive.package_files(), root)
    _kernel(archive.package_files()[kernel], folder, root)
    _python(root)
    with (folder / "base.cpio").open("wb") as out:
        written = cpio.Archive(out)
        written.directory("dev")
        written.console()
        written.file("init", (HERE / "init").read_bytes(), 0o755)
        written.tree(root)
        written.close()


def _userland(packages: dict[str, Path], root: Path) -> None:
    for link in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / link).mkdir(parents=True)
        (root / link).symlink_to(f"usr/{link}")
    for name, path in packages.items():
        if not name.startswith(LEFT_OUT):
            unpack(path, root)
    for place in DROPPED:
        shutil.rmtree(root / place, ignore_errors=True)
    (root / "busybox").mkdir()
    (root / "etc/modprobe.d").mkdir(parents=True, exist_ok=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\ntester:x:1000:1000::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nkvm:x:104:tester\ntester:x:1000:\n")
    native(root, "sbin/ldconfig", "-r", str(root))


def _kernel(package: Path, folder: Path, root: Path) -> None:
    unpacked = folder / "kernel"
    shutil.rmtree(unpacked, ignore_errors=True)
    (unpacked / "usr/lib").mkdir(parents=True)
    (unpacked / "lib").symlink_to("usr/lib")
    unpack(package, unpacked)
    image = next((unpacked / "boot").glob("vmlinuz-*"))
    release = image.name.removeprefix("vmlinuz-")
    shutil.copy(image, folder / "vmlinuz")
    (folder / "release").write_text(release)
    native(root, "usr/bin/kmod", "-b", str(unpacked.absolute()), release, called="depmod")
    _take_modules(unpacked / "usr/lib/modules" / release, root / "usr/lib/modules" / release)
    (root / "boot").mkdir(exist_ok=True)
    shutil.copy(unpacked / f"boot/config-{release}", root / "boot")
    shutil.rmtree(unpacked)


def _take_modules(source: Path, target: Path) -> None:
    """The index of all modules, as on an ordinary Debian, but only the files that are needed."""
    target.mkdir(parents=True)
    for index in source.glob("modules.*"):
        shutil.copy(index, target)
    for path in sorted(_needed_modules((source / "modules.dep").read_text())):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(_decompressed((source / path).read_bytes()))


def _decompressed(module: bytes) -> bytes:
    """A module without xz around it, which takes seconds to undo under emulation.

    kmod looks at the content, not at the name, so the index may go on saying ``.ko.xz``.
    """
    return lzma.decompress(module) if module.startswith(b"\xfd7zXZ") else module


def _needed_modules(dependencies: str) -> set[str]:
    """Paths of the wanted modules and of all below them, from modules.dep."""
    lines = dict(line.split(":", 1) for line in dependencies.splitlines())
    by_name = {_module_name(path): path for path in lines}
    wanted = [by_name[name] for name in map(_module_name, MODULES) if name in by_name]
    return {path for one in wanted for path in [one, *lines[one].split()]}


def _module_name(path: str) -> str:
    return path.rsplit("/", 1)[-1].split(".ko", 1)[0].replace("-", "_")


def _python(root: Path) -> None:
    library = next(path for path in (root / "usr/lib").glob("python3.*") if (path / "os.py").is_file())
    for name in DROPPED_FROM_PYTHON:
        shutil.rmtree(library / name, ignore_errors=True)
    for generated in library.glob("config-3*"):
        shutil.rmtree(generated)
    install_dependencies(root, library.name.removeprefix("python"))
    compile_tree(root, library)
    compile_tree(root, root / "opt/lab/deps")


def install_dependencies(root: Path, version: str) -> None:
    """The wheel's dependencies, as wheels for the machine's Python: nothing is built."""
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile"]
    ready = ["--only-binary=:all:", "--platform", "manylinux2014_x86_64", "--implementation", "cp"]
    place = ["--python-version", version, "--target", str(root / "opt/lab/deps")]
    subprocess.run([*pip, *ready, *place, *_dependencies()], check=True)
    shutil.rmtree(root / "opt/lab/deps/bin", ignore_errors=True)
    for spare in (root / "opt/lab/deps/zstandard").glob("_cffi*.so"):
        spare.unlink()  # 12 MB: the same library once more, for other interpreters


def _dependencies() -> list[str]:
    project = tomllib.loads((HERE.parents[2] / "pyproject.toml").read_text())["project"]
    return list(project["dependencies"])


def compile_tree(root: Path, tree: Path, top: Path | None = None) -> None:
    """Compile modules with the machine's own Python; emulated, that would cost seconds at every start.

    ``top`` is what will be the machine's root directory, ``root`` where nothing else is said.
    """
    compiler = ("-m", "compileall", "-q", "-f", "-s", str((top or root).absolute()), "-p", "/")
    python = next((root / "usr/bin").glob("python3.*[0-9]"))
    modes = ("--invalidation-mode", "unchecked-hash")
    native(root, str(python.relative_to(root)), *compiler, *modes, str(tree.absolute()))


def native(root: Path, program: str, *arguments: str, called: str = "") -> None:
    """Run one of the machine's own programs here, with the machine's own C library."""
    place = root.absolute()
    loader = place / "usr/lib64/ld-linux-x86-64.so.2"
    libraries = f"{place}/usr/lib/x86_64-linux-gnu"
    command = [
        str(loader),
        "--library-path",
        libraries,
        "--argv0",
        called or program,
        str(place / program),
        *arguments,
    ]
    home = {
        "PYTHONHOME": str(place / "usr"),
        "PYTHONPYCACHEPREFIX": "",
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(command, env=home, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{program} {' '.join(arguments)}: {(done.stdout + done.stderr).strip()[-400:]}"
        raise RuntimeError(message)
