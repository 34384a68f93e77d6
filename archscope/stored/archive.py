"""Reads zip archives that hold weights: a list of what is in them, and small parts as they stand.

torch writes its archives without compression, so a part is never larger than the file: what is
compressed is refused, and with it all that would grow without end.
The format: PKWARE, APPNOTE.TXT, sections 4.3.12 to 4.3.16.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from archscope.records import frozen
from archscope.stored.reading import BadFileError, opened

MAGIC = b"PK\x03\x04"
LARGEST_LIST = 256 << 20
"""Bytes of the list of parts that are read."""
MOST_PARTS = 2_000_000
_END, _END64, _LOCATOR, _ENTRY = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02"
_FAR16, _FAR32 = 0xFFFF, 0xFFFFFFFF
_TAIL = 22 + _FAR16 + 20
"""Bytes at the end of a file in which its end record stands."""


@frozen
class Part:
    """One file of an archive."""

    name: str
    size: int
    """Bytes."""
    offset: int
    """Where its own header stands in the archive."""
    compressed: bool


@frozen
class Archive:
    """What an archive lists."""

    path: Path
    shown: str
    parts: Mapping[str, Part]

    def data(self, name: str, limit: int) -> bytes:
        """Return a part's bytes; raises `BadFileError` where it is missing, packed or too large."""
        part = self.parts.get(name)
        if part is None:
            raise BadFileError(f"{self.shown} holds no {name.rpartition('/')[2]}")
        if part.compressed:
            raise BadFileError(
                f"{self.shown}: {name!r} is compressed, which torch never does; it is not read"
            )
        if part.size > limit:
            raise BadFileError(
                f"{self.shown}: {name!r} has {part.size:,} bytes; up to {limit:,} are read"
            )
        with opened(self.path, self.shown) as (file, _):
            file.seek(part.offset)
            head = file.read(30)
            if len(head) < 30 or head[:4] != MAGIC:
                raise BadFileError(f"{self.shown} is cut off or damaged at {name!r}")
            before, extra = struct.unpack("<HH", head[26:30])
            file.seek(part.offset + 30 + before + extra)
            found = file.read(part.size)
        if len(found) < part.size:
            raise BadFileError(f"{self.shown} is cut off within {name!r}")
        return found


def read(path: Path, shown: str) -> Archive:
    """Return what an archive lists; raises `BadFileError`."""
    with opened(path, shown) as (file, size):
        start, length, count = _end(file, size, shown)
        if length > LARGEST_LIST or count > MOST_PARTS:
            raise BadFileError(f"{shown} lists {count:,} parts in {length:,} bytes, too many")
        if start + length > size:
            raise BadFileError(f"{shown} is cut off: its list of entries is beyond its end")
        file.seek(start)
        listed = file.read(length)
    try:
        return Archive(path=path, shown=shown, parts=_parts(listed, size, shown))
    except struct.error:
        raise BadFileError(f"{shown} is damaged: its list of parts ends too early") from None


def _end(file: BinaryIO, size: int, shown: str) -> tuple[int, int, int]:
    """Return where the list of parts begins, its bytes and its entries."""
    tail_at = max(0, size - _TAIL)
    file.seek(tail_at)
    tail = file.read(_TAIL)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise BadFileError(f"{shown} is cut off: the end of its zip archive is missing")
    _, count, length, start = struct.unpack("<HHII", tail[at + 8 : at + 20])
    locator = tail[at - 20 : at] if at >= 20 else b""
    if locator[:4] == _LOCATOR:
        (far,) = struct.unpack("<Q", locator[8:16])
        file.seek(min(far, size))
        record = file.read(56)
        if record[:4] != _END64 or len(record) < 56:
            raise BadFileError(f"{shown} is damaged: its zip archive has no end where it says")
        count, length, start = struct.unpack("<QQQ", record[32:56])
    return start, length, count


def _parts(listed: bytes, size: int, shown: str) -> dict[str, Part]:
    found: dict[str, Part] = {}
    at = 0
    while listed[at : at + 4] == _ENTRY:
        flags, method = struct.unpack_from("<HH", listed, at + 8)
        packed, whole, name_len, extra_len, comment = struct.unpack_from("<IIHHH", listed, at + 20)
        (offset,) = struct.unpack_from("<I", listed, at + 42)
        raw = listed[at + 46 : at + 46 + name_len]
        extra = listed[at + 46 + name_len : at + 46 + name_len + extra_len]
        whole, packed, offset = _far(extra, whole, packed, offset)
        name = raw.decode("utf-8" if flags & 0x800 else "cp437", errors="replace")
        if name in found:
            raise BadFileError(f"{shown} holds {name!r} twice")
        if offset + packed > size:
            raise BadFileError(f"{shown} is cut off: {name!r} stands behind its end")
        compressed = method != 0 or bool(flags & 1) or packed != whole
        found[name] = Part(name=name, size=whole, offset=offset, compressed=compressed)
        at += 46 + name_len + extra_len + comment
    return found


def _far(extra: bytes, whole: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Return sizes and place, those that 32 bits do not hold from an entry's further fields."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = at + 4
            values = []
            for value in (whole, packed, offset):
                if value == _FAR32 and field + 8 <= at + 4 + length:
                    (value,) = struct.unpack_from("<Q", extra, field)
                    field += 8
                values.append(value)
            whole, packed, offset = values
        at += 4 + length
    return whole, packed, offset
