"""Reads headers of safetensors files: 8 bytes of length, JSON, and tensors that are not read.

The format: https://github.com/huggingface/safetensors, README, "Format".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archscope.stored.number_types import BITS
from archscope.stored.reading import BadFileError, elements_of, json_object, opened
from archscope.stored.tensors import Entry

LARGEST_HEADER = 100_000_000
"""Bytes of JSON that the format allows."""
METADATA = "__metadata__"
TYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "F6_E2M3": "float6_e2m3",
    "F6_E3M2": "float6_e3m2",
    "F4": "float4_e2m1",
}
"""By its name in a header: the number type as torch calls it."""
_FIELDS = {"dtype", "shape", "data_offsets"}
_SMALL = 1 << 16
"""Bytes of a tensor whose values may be asked for: what packed weights say of themselves."""


def read(path: Path, shown: str) -> list[Entry]:
    """Return the tensors that a file lists, in the order of their data; raises `BadFileError`."""
    with opened(path, shown) as (file, size):
        header = _header(file.read(8), size, shown)
        text = file.read(header)
    if text[:1] != b"{":
        raise BadFileError(f"{shown} is not a safetensors file: its header is not a JSON object")
    found = json_object(text, f"the header of {shown}", object_pairs_hook=_object)
    found.pop(METADATA, None)
    data = size - 8 - header
    spans = [_span(name, entry, data, shown) for name, entry in found.items()]
    spans.sort()
    _hold_apart(spans, shown)
    return [
        Entry(
            name=name,
            shape=tuple(shape),
            dtype=dtype,
            bytes=end - begin,
            place=(shown, begin, end),
        )
        for begin, end, name, shape, dtype in spans
    ]


def value(path: Path, shown: str, entry: Entry) -> bytes | None:
    """Return the bytes of a small tensor, of a large one None."""
    if not 0 < entry.bytes <= _SMALL:
        return None
    with opened(path, shown) as (file, size):
        header = _header(file.read(8), size, shown)
        file.seek(8 + header + entry.place[1])
        return file.read(entry.bytes)


def _header(first: bytes, size: int, shown: str) -> int:
    if len(first) < 8:
        raise BadFileError(f"{shown} is not a safetensors file: it has {size} bytes")
    length = int.from_bytes(first, "little")
    if length > LARGEST_HEADER:
        raise BadFileError(
            f"{shown} is not a safetensors file: its header would have {length:,} bytes, and "
            f"{LARGEST_HEADER:,} are allowed"
        )
    if length > size - 8:
        raise BadFileError(
            f"{shown} is cut off: its header has {length:,} bytes, the file {size:,}"
        )
    return length


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        left = dict(pairs)
        twice = next(name for name, _ in pairs if left.pop(name, None) is None)
        raise BadFileError(f"names {twice!r} twice")
    return found


_Span = tuple[int, int, str, list[int], str]


def _span(name: str, entry: Any, data: int, shown: str) -> _Span:
    """Return where a tensor stands, and what it is; raises `BadFileError` where it cannot be."""
    what = f"{shown}: {name!r}"
    if type(entry) is not dict or entry.keys() != _FIELDS:
        raise BadFileError(f"{what} is not a tensor: it needs dtype, shape and data_offsets")
    dtype = TYPES.get(entry["dtype"]) if type(entry["dtype"]) is str else None
    if dtype is None:
        raise BadFileError(f"{what} has an unknown number type {str(entry['dtype'])[:40]!r}")
    offsets = entry["data_offsets"]
    if type(offsets) is not list or len(offsets) != 2 or {*map(type, offsets)} != {int}:
        raise BadFileError(f"{what} has no data_offsets of two numbers")
    begin, end = offsets
    if not 0 <= begin <= end:
        raise BadFileError(f"{what} stands at {begin:,} to {end:,}, which is not a valid range")
    if end > data:
        raise BadFileError(
            f"{what} ends at byte {end:,} of the data, and the file holds {data:,}: it is cut off"
        )
    shape = entry["shape"]
    bits = elements_of(shape, what) * BITS[dtype]
    if bits != 8 * (end - begin):
        sizes = "×".join(map(str, shape)) or "one number"
        raise BadFileError(
            f"{what} has {end - begin:,} bytes; {sizes} of {dtype} take {bits / 8:,.0f}"
        )
    return begin, end, name, shape, dtype


def _hold_apart(spans: list[_Span], shown: str) -> None:
    """Raise `BadFileError` where tensors overlap; two names for the same bytes do not."""
    last = (0, 0)
    before = ""
    for begin, end, name, _, _ in spans:
        if begin < last[1] and (begin, end) != last and begin != end:
            raise BadFileError(f"{shown}: {name!r} overlaps {before!r}")
        if end > begin:
            last, before = (begin, end), name
