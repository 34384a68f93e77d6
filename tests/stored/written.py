"""Writes files that hold networks, by the letter of their formats."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

WIDTHS = {"F32": 4, "F16": 2, "BF16": 2, "I32": 4, "I64": 8, "U8": 1, "I8": 1, "F8_E4M3": 1}
Listed = Mapping[str, tuple[str, tuple[int, ...]]]
"""Number type and shape by name."""


def header_of(tensors: Listed) -> tuple[dict[str, Any], int]:
    """Return a safetensors header, and the bytes of its data."""
    header: dict[str, Any] = {}
    at = 0
    for name, (dtype, shape) in tensors.items():
        size = WIDTHS[dtype] * prod(shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    return header, at


def raw_safetensors(path: Path, header: object, data: bytes) -> str:
    """Write any header before any data; return the name to give to a command."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return str(path)


def safetensors(path: Path, tensors: Listed, values: Mapping[str, bytes] | None = None) -> str:
    """Write a file whose tensors are 0, but for those whose bytes are given."""
    header, size = header_of(tensors)
    data = bytearray(size)
    for name, value in (values or {}).items():
        begin, end = header[name]["data_offsets"]
        assert end - begin == len(value)
        data[begin:end] = value
    return raw_safetensors(path, header, bytes(data))


def _text(word: str) -> bytes:
    return struct.pack("<Q", len(word)) + word.encode()


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, list):
        words = value and isinstance(value[0], str)
        inner = b"".join(map(_text, value)) if words else struct.pack(f"<{len(value)}i", *value)
        return struct.pack("<IIQ", 9, 8 if words else 5, len(value)) + inner
    return struct.pack("<II", 4, value)


def gguf(
    path: Path, facts: Mapping[str, Any], tensors: Mapping[str, tuple[int, int, tuple[int, ...]]]
) -> str:
    """Write a GGUF file: of each tensor its type's number, its bytes and its shape."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(facts))
    head += b"".join(_text(name) + _value(value) for name, value in facts.items())
    at = 0
    for name, (kind, size, shape) in tensors.items():
        axes = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        head += _text(name) + axes + struct.pack("<IQ", kind, at)
        at += -(-size // 32) * 32
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(at))
    return str(path)
