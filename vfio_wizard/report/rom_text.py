"""What is in a ROM, and whether it can be used, for people."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.model.rom import Code, Rom, RomImage
from vfio_wizard.planning.rom import RomVerdict
from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap

_MACHINES = {
    0x8664: "x64",
    0x014C: "x86, 32 bits",
    0xAA64: "ARM, 64 bits",
    0x01C2: "ARM",
    0x0EBC: "EFI bytecode",
}
_SUBSYSTEMS = {10: "application", 11: "boot service driver", 12: "runtime driver"}
_CODES = {Code.BIOS: "BIOS", Code.OPEN_FIRMWARE: "Open Firmware", Code.PA_RISC: "PA-RISC", Code.EFI: "UEFI"}


def rom_text(name: str, rom: Rom, verdict: RomVerdict, width: int = 80) -> str:
    """The images, then the verdict with its reasons."""
    lines = wrap(f"{clean(name)}: {rom.size} bytes", width)
    if rom.start:
        whose = f", as {rom.wrapper} write it" if rom.wrapper else ""
        lines += wrap(f"header of {rom.start} bytes before the ROM{whose}", width, "  ", "    ")
    for number, image in enumerate(rom.images):
        lines += wrap(image_words(number, image), width, "  ", "    ")
    rest = rom.size - rom.end
    if rom.images and rom.is_ended and rest:
        lines += wrap(f"{rest} bytes behind its end, which nobody reads", width, "  ", "    ")
    lines += ["", *_verdict(verdict, width)]
    return "\n".join(lines) + "\n"


def image_words(number: int, image: RomImage) -> str:
    """One image in a line: what it is for, whose, how long."""
    return f"image {number}: " + ", ".join(_parts(image))


def _parts(image: RomImage) -> Iterator[str]:
    yield kind_words(image)
    ids = [str(one) for one in image.ids]
    yield " ".join(ids[:4]) + (f" and {len(ids) - 4} more" if len(ids) > 4 else "")
    yield f"class {image.cls}"
    yield f"{image.length} bytes" + ("" if image.is_whole else f" ({image.held} are there)")
    if image.sums_to_zero is not None:
        yield "checksum right" if image.sums_to_zero else "checksum wrong"
    if image.is_last:
        yield "the last"


def kind_words(image: RomImage) -> str:
    """``UEFI for x64 (boot service driver, compressed)``."""
    if image.efi is None:
        if image.code == Code.EFI:
            return "UEFI without its signature"
        known = {int(code): words for code, words in _CODES.items()}
        return known.get(image.code, f"of the maker's own kind {image.code:#04x}")
    machine = _MACHINES.get(image.efi.machine, f"machine {image.efi.machine:#06x}")
    role = _SUBSYSTEMS.get(image.efi.subsystem, f"subsystem {image.efi.subsystem}")
    return f"UEFI for {machine} ({role}{', compressed' if image.efi.compressed else ''})"


def _verdict(verdict: RomVerdict, width: int) -> list[str]:
    lines = [f"{'usable' if verdict.usable else 'NOT usable'}"]
    for text in (*verdict.faults, *(f"mind: {one}" for one in verdict.doubts)):
        lines += wrap(clean(text), width, "  - ", "    ")
    if verdict.remedy:
        lines += wrap(clean(verdict.remedy), width, "  -> ", "     ")
    return lines
