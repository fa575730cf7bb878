"""The packings of an initramfs: told by their first bytes, undone piece by piece.

The kernel knows these and no others (lib/decompress.c); which of them were built in does not matter
here. Each unpacker leaves its span just behind what it unpacked, where the next archive may begin.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

from vfio_wizard.system.archive.budget import DamagedError, NotReadableError
from vfio_wizard.system.archive.streams import CHUNK, Span

MEMORY = 160 << 20
"""Bytes that an unpacker may use for its window: the largest presets of xz and zstd ask for 65 and 128."""

_WINDOW = 1 << 27
_LZ4_BLOCK = 8 << 20
"""Unpacked size of a block in lz4's old form, which the kernel uses."""

MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x1f\x9e", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"]\0\0", "lzma"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\x04\x22\x4d\x18", "lz4 frame"),
    (b"\x89LZ", "lzo"),
)


def packing(start: bytes) -> str | None:
    """The name of the packing that begins so; None for any other bytes."""
    return next((name for magic, name in MAGIC if start.startswith(magic)), None)


def unpack(span: Span, name: str) -> Iterator[bytes]:
    """What is packed there, in pieces of bounded size. Raises DamagedError and NotReadableError."""
    unpacker = _UNPACKERS.get(name)
    if unpacker is None:
        message = f"packed with {name}, which is not read here; look with the generator's own lister"
        raise NotReadableError(message)
    return unpacker(span)


def _gzip(span: Span) -> Iterator[bytes]:
    import zlib  # noqa: PLC0415 - this and the others: only for images that are packed so

    decoder = zlib.decompressobj(wbits=31)
    data = b""
    while not decoder.eof:
        data = decoder.unconsumed_tail or _next(span)
        try:
            piece = decoder.decompress(data, CHUNK)
        except zlib.error as error:
            raise DamagedError(_damage("gzip", error)) from error
        if piece:
            yield piece
    span.at -= len(decoder.unused_data)


def _xz(span: Span) -> Iterator[bytes]:
    import lzma  # noqa: PLC0415 - see above

    yield from _steps(span, "xz", lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY), lzma.LZMAError)


def _lzma(span: Span) -> Iterator[bytes]:
    import lzma  # noqa: PLC0415 - see above

    yield from _steps(span, "lzma", lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MEMORY), lzma.LZMAError)


def _bzip2(span: Span) -> Iterator[bytes]:
    import bz2  # noqa: PLC0415 - see above

    yield from _steps(span, "bzip2", bz2.BZ2Decompressor(), OSError)


def _lz4_frame(span: Span) -> Iterator[bytes]:
    decoder = _lz4_module("frame").LZ4FrameDecompressor()
    yield from _steps(span, "lz4", decoder, RuntimeError)


def _steps(span: Span, name: str, decoder: Any, error_type: type[Exception]) -> Iterator[bytes]:
    """For decoders of the shape that Python's own have."""
    while not decoder.eof:
        data = _next(span) if decoder.needs_input else b""
        try:
            piece = decoder.decompress(data, CHUNK)
        except (error_type, EOFError, MemoryError, ValueError) as error:
            raise DamagedError(_damage(name, error)) from error
        if piece:
            yield piece
    span.at -= len(decoder.unused_data or b"")


def _zstd(span: Span) -> Iterator[bytes]:
    """One frame, block by block: a block unpacks to 128 KiB at most (RFC 8878, 3.1.1.2.4)."""
    decode, error_type = _zstd_decoder()
    for block in _zstd_blocks(span):
        try:
            piece = decode(block)
        except (error_type, EOFError, MemoryError) as error:
            raise DamagedError(_damage("zstd", error)) from error
        if piece:
            yield piece


def _zstd_decoder() -> tuple[Callable[[bytes], bytes], type[Exception]]:
    try:
        from compression import zstd as own  # type: ignore[import-not-found] # noqa: PLC0415 - since Python 3.14
    except ImportError:
        pass
    else:
        options = {own.DecompressionParameter.window_log_max: _WINDOW.bit_length() - 1}
        return own.ZstdDecompressor(options=options).decompress, own.ZstdError
    try:
        import zstandard  # noqa: PLC0415 - see above
    except ImportError as error:
        message = "packed with zstd, which is read with the Python package zstandard: pip install zstandard"
        raise NotReadableError(message) from error
    return zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj().decompress, zstandard.ZstdError


def _zstd_blocks(span: Span) -> Iterator[bytes]:
    """The frame's header, then each block, the last with the checksum (RFC 8878, 3.1.1)."""
    start = span.exactly(5)
    descriptor = start[4]
    is_single = bool(descriptor & 0x20)
    id_size = (0, 1, 2, 4)[descriptor & 3]
    content_size = (1 if is_single else 0, 2, 4, 8)[descriptor >> 6]
    yield start + span.exactly((0 if is_single else 1) + id_size + content_size)
    is_last = False
    while not is_last:
        header = span.exactly(3)
        word = int.from_bytes(header, "little")
        is_last = bool(word & 1)
        size = 1 if word >> 1 & 3 == 1 else word >> 3
        if size > CHUNK:
            message = "damaged (zstd: a block that is too large)"
            raise DamagedError(message)
        yield header + span.exactly(size + (4 if is_last and descriptor & 4 else 0))


def _lz4(span: Span) -> Iterator[bytes]:
    """The old form: blocks with their packed size before each, up to the end of the file or another magic."""
    block = _lz4_module("block")
    span.exactly(4)
    most = _LZ4_BLOCK + _LZ4_BLOCK // 255 + 16
    while size := _lz4_size(span, most):
        try:
            yield block.decompress(span.exactly(size), uncompressed_size=_LZ4_BLOCK)
        except (block.LZ4BlockError, MemoryError, ValueError) as error:
            raise DamagedError(_damage("lz4", error)) from error


def _lz4_size(span: Span, most: int) -> int:
    while True:
        head = span.peek(4)
        size = struct.unpack("<I", head)[0] if len(head) == 4 else 0
        if head == MAGIC_LZ4:
            span.exactly(4)
            continue
        if 0 < size <= most:
            span.exactly(4)
            return int(size)
        return 0


MAGIC_LZ4 = b"\x02\x21\x4c\x18"


def _lz4_module(name: str) -> Any:
    import importlib  # noqa: PLC0415 - see above

    try:
        return importlib.import_module(f"lz4.{name}")
    except ImportError as error:
        message = "packed with lz4, which is read with the Python package lz4: pip install lz4"
        raise NotReadableError(message) from error


def _next(span: Span) -> bytes:
    data = span.read(CHUNK)
    if not data:
        message = "cut off"
        raise DamagedError(message)
    return data


def _damage(name: str, error: Exception) -> str:
    return f"damaged ({name}: {str(error).partition(chr(10))[0][:80]})"


_UNPACKERS: dict[str, Callable[[Span], Iterator[bytes]]] = {
    "gzip": _gzip,
    "xz": _xz,
    "lzma": _lzma,
    "bzip2": _bzip2,
    "zstd": _zstd,
    "lz4": _lz4,
    "lz4 frame": _lz4_frame,
}
