"""Reads headers of GGUF files: what the network is called and made of, and each tensor's blocks.

The header is a list of values with their lengths, so it is read here; the package `gguf` would map
the whole file and import numpy, and trusts every length.
The format: ggml, docs/gguf.md; blocks of number types: ggml, `ggml-common.h`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from archscope.records import frozen
from archscope.stored.reading import BadFileError, elements_of, opened
from archscope.stored.tensors import Entry

MAGIC = b"GGUF"
LARGEST_HEADER = 512 << 20
"""Bytes of a header that are read; the words of a large vocabulary take some 10 MiB."""
_VERSIONS = (2, 3)
_KEPT = 512
"""Values of a list that are kept; a vocabulary is not."""
BLOCKS: Mapping[int, tuple[str, int, int]] = {
    0: ("float32", 1, 4), 1: ("float16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("int8", 1, 1), 25: ("int16", 1, 2), 26: ("int32", 1, 4),
    27: ("int64", 1, 8), 28: ("float64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("bfloat16", 1, 2),
    34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18),
}  # fmt: skip
"""By its number in a file: the type, numbers of a block, bytes of a block."""
_NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_TEXT, _LIST = 8, 9
_SPLIT = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.gguf")


@frozen
class Header:
    """What a GGUF file says before its numbers."""

    facts: Mapping[str, Any]
    """Its values by their names; lists of more than some hundred as their lengths."""
    entries: tuple[Entry, ...]


def read(path: Path, shown: str) -> Header:
    """Return what a file says, and the other parts of one that is split; raises `BadFileError`."""
    first = _one(path, shown)
    count = first.facts.get("split.count", 0)
    named = _SPLIT.fullmatch(path.name)
    if not (type(count) is int and count > 1):
        return first
    if named is None or int(named[3]) != count:
        raise BadFileError(f"{shown} is one of {count:,} parts, and is not called as one")
    facts = dict(first.facts)
    entries: list[Entry] = []
    for number in range(1, count + 1):
        other = path.with_name(f"{named[1]}-{number:05d}-of-{count:05d}.gguf")
        part = first if other == path else _one(other, str(Path(shown).with_name(other.name)))
        facts = {**part.facts, **facts}
        entries += part.entries
    return Header(facts=facts, entries=tuple(entries))


def _one(path: Path, shown: str) -> Header:
    with opened(path, shown) as (file, size):
        data = file.read(min(size, 1 << 20))
        while True:
            try:
                return _header(data, size, shown)
            except _TooShortError:
                if len(data) >= size:
                    raise BadFileError(f"{shown} is cut off within its header") from None
                if len(data) >= LARGEST_HEADER:
                    raise BadFileError(
                        f"{shown} has a header of more than {LARGEST_HEADER >> 20} MiB"
                    ) from None
                data += file.read(3 * len(data))


class _TooShortError(Exception):
    """The header goes on behind what was read of it."""


class _Reader:
    """Takes values off a text of bytes, one after another."""

    def __init__(self, data: bytes, shown: str) -> None:
        self.data, self.shown, self.at, self.order = data, shown, 4, "<"

    def number(self, code: str) -> Any:
        try:
            (value,) = struct.unpack_from(self.order + code, self.data, self.at)
        except struct.error:
            raise _TooShortError from None
        self.at += struct.calcsize(self.order + code)
        return value

    def text(self) -> str:
        length = self.number("Q")
        return self._taken(length).decode("utf-8", errors="replace")

    def _taken(self, length: int) -> bytes:
        end = self.at + length
        if end > LARGEST_HEADER:
            raise BadFileError(f"{self.shown} claims that a string has {length:,} bytes")
        if end > len(self.data):
            raise _TooShortError
        found = self.data[self.at : end]
        self.at = end
        return found

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        if kind == _TEXT:
            return self.text()
        if kind != _LIST or depth > 2:
            raise BadFileError(f"{self.shown} holds a value of unknown kind {kind}")
        inner, count = self.number("I"), self.number("Q")
        if inner in _NUMBERS:
            return self._numbers(_NUMBERS[inner], count)
        if count > LARGEST_HEADER // 8:
            raise BadFileError(f"{self.shown} holds a list of {count:,} values")
        if inner == _TEXT and count > _KEPT:
            return self._passed_texts(count)
        return [self.value(inner, depth + 1) for _ in range(count)]

    def _numbers(self, code: str, count: int) -> Any:
        width = struct.calcsize(self.order + code)
        if count > LARGEST_HEADER // width:
            raise BadFileError(f"{self.shown} holds a list of {count:,} numbers")
        found = self._taken(count * width)
        if count > _KEPT:
            return f"{count:,} numbers"
        return list(struct.unpack(f"{self.order}{count}{code}", found))

    def _passed_texts(self, count: int) -> str:
        unpack, data, at, end = struct.Struct(self.order + "Q").unpack_from, self.data, self.at, 0
        limit = len(data)
        for _ in range(count):
            end = at + 8
            if end > limit:
                raise _TooShortError
            at = end + unpack(data, at)[0]
        if at > LARGEST_HEADER:
            raise BadFileError(f"{self.shown} claims that a string ends at byte {at:,}")
        if at > limit:
            raise _TooShortError
        self.at = at
        return f"{count:,} texts"


def _header(data: bytes, size: int, shown: str) -> Header:
    if data[:4] != MAGIC:
        raise BadFileError(f"{shown} is not a GGUF file: it begins with {data[:4]!r}")
    reader = _Reader(data, shown)
    version = reader.number("I")
    if version > 0xFFFF:  # the other order of bytes
        reader.order, reader.at = ">", 4
        version = reader.number("I")
    if version not in _VERSIONS:
        raise BadFileError(f"{shown} is of GGUF version {version}; 2 and 3 are read")
    tensors, values = reader.number("Q"), reader.number("Q")
    if 24 * tensors + 13 * values > size:
        raise BadFileError(f"{shown} is cut off: it lists {tensors:,} tensors in {size:,} bytes")
    facts: dict[str, Any] = {}
    for _ in range(values):
        name = reader.text()
        if name in facts:
            raise BadFileError(f"{shown} contains the key {name[:60]!r} twice")
        facts[name] = reader.value(reader.number("I"))
    listed = [_listed(reader, shown) for _ in range(tensors)]
    align = facts.get("general.alignment", 32)
    if type(align) is not int or not 0 < align <= 1 << 20:
        raise BadFileError(f"{shown} has an alignment of {align!r}")
    start = -(-reader.at // align) * align
    return Header(facts=facts, entries=tuple(_entries(listed, start, size, shown)))


_Listed = tuple[int, int, str, tuple[int, ...], str]


def _listed(reader: _Reader, shown: str) -> _Listed:
    name = reader.text()
    rank = reader.number("I")
    if rank > 8:
        raise BadFileError(f"{shown}: {name[:80]!r} has {rank:,} axes")
    sizes = tuple(reader.number("Q") for _ in range(rank))
    kind, offset = reader.number("I"), reader.number("Q")
    what = f"{shown}: {name[:80]!r}"
    if kind not in BLOCKS:
        raise BadFileError(f"{what} has an unknown number type {kind}")
    dtype, block, width = BLOCKS[kind]
    elements = elements_of(sizes, what)
    if sizes and sizes[0] % block:
        raise BadFileError(f"{what} has rows of {sizes[0]:,} numbers, no multiple of {block}")
    return offset, elements // block * width, name, sizes[::-1], dtype


def _entries(listed: list[_Listed], start: int, size: int, shown: str) -> Iterator[Entry]:
    last, before = 0, ""
    names: set[str] = set()
    for offset, length, name, *_ in sorted(listed):
        if start + offset + length > size:
            raise BadFileError(
                f"{shown} is cut off: {name[:80]!r} ends at byte {start + offset + length:,} of "
                f"{size:,}"
            )
        if offset < last and length:
            raise BadFileError(f"{shown}: {name[:80]!r} overlaps {before[:80]!r}")
        if name in names:
            raise BadFileError(f"{shown} names {name[:80]!r} twice")
        names.add(name)
        last, before = max(last, offset + length), name
    for offset, length, name, shape, dtype in listed:
        yield Entry(
            name=name, shape=shape, dtype=dtype, bytes=length, place=(shown, offset, length)
        )
