"""Weights stored with fewer bits than a number type: how many they represent.

Each way is known by the names beside the packed numbers, and its bits by their shapes: GPTQ and AWQ
(words of 32 bits, with `qzeros` and `scales`), bitsandbytes (bytes with `absmax` or `SCB`),
compressed-tensors (`weight_packed`), NVFP4 and MXFP4 (two numbers in a byte).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

from archscope.records import frozen
from archscope.stored.tensors import Entry, Role

Value = Callable[[Entry], bytes | None]
Around = Mapping[str, Entry]
"""The tensors beside a packed one, by the rest of their names."""
_WORD = 32
_NF4 = ("quant_state.bitsandbytes__nf4", "quant_state.bitsandbytes__fp4")


@frozen
class Packed:
    """What a tensor is in a weight that is packed."""

    role: Role
    numbers: int = 0
    """Weights that it stands for."""
    stands_for: str = ""
    """The name that the weight has where it is not packed."""
    shape: tuple[int, ...] | None = None
    """Its shape there; None: not told."""
    why: str = ""
    """Which way of packing, in how many bits."""


def packed_in(entries: Mapping[str, Entry], value: Value) -> dict[str, Packed]:
    """Return what belongs to packed weights, by the names of all their tensors."""
    found: dict[str, Packed] = {}
    for name, entry in entries.items():
        last = name.rpartition(".")[2]
        way = next((each for key, each in _WAYS.items() if last.endswith(key)), None)
        if way is None or name in found:
            continue
        stem = name[: len(name) - len(last)]
        found.update(way(entry, stem, last, entries, value) or {})
    return found


def _beside(stem: str, entries: Around, *lasts: str) -> dict[str, Entry]:
    return {last: entries[stem + last] for last in lasts if stem + last in entries}


def _scales(names: Iterator[str] | list[str], why: str) -> dict[str, Packed]:
    return {name: Packed(role="scale", why=f"scale of {why}") for name in names}


def _words(entry: Entry, stem: str, last: str, entries: Around, value: Value) -> Any:
    """GPTQ (in*bits/32, out) or AWQ (in, out*bits/32), scales (groups, out)."""
    around = _beside(stem, entries, "qzeros", "scales", "g_idx")
    scales, zeros = around.get("scales"), around.get("qzeros")
    if scales is None or zeros is None or entry.dtype != "int32":
        return None
    if any(len(each.shape) != 2 for each in (entry, scales, zeros)) or not prod(scales.shape):
        return None
    rows, columns = entry.shape
    out = scales.shape[1]
    bits, rest = divmod(_WORD * zeros.shape[1], out)
    if not 1 <= bits <= 8 or rest:
        return None
    if columns == out:
        way, shape = "GPTQ", (out, rows * _WORD // bits)
    elif columns * _WORD == out * bits:
        way, shape = "AWQ", (out, rows)
    else:
        return None
    why = f"{way}, {bits} bits"
    packed = _packed(entry, stem + "weight", shape, why)
    return {**packed, **_scales([each.name for each in around.values()], why)}


def _packed(entry: Entry, name: str, shape: tuple[int, ...], why: str) -> dict[str, Packed]:
    numbers = prod(shape)
    return {
        entry.name: Packed(
            role="packed", numbers=numbers, stands_for=name, shape=tuple(shape), why=why
        )
    }


def _compressed(entry: Entry, stem: str, last: str, entries: Around, value: Value) -> Any:
    """compressed-tensors: int32 (out, in*bits/32), or bytes (out, in/2) of NVFP4."""
    names = ("scale", "zero_point", "shape", "g_idx", "global_scale")
    around = _beside(stem, entries, *(f"weight_{each}" for each in names), "input_global_scale")
    if "weight_scale" not in around or len(entry.shape) != 2:
        return None
    told = around.get("weight_shape")
    shape = _integers(value(told), told) if told is not None else None
    if shape is None and entry.dtype == "uint8":
        shape = (entry.shape[0], 2 * entry.shape[1])
    if shape is None or not prod(entry.shape):
        return None
    bits = 8 * entry.bytes // max(prod(shape), 1)
    if not 1 <= bits <= 8:
        return None
    why = f"compressed-tensors, {bits} bits"
    packed = _packed(entry, stem + "weight", shape, why)
    return {**packed, **_scales([each.name for each in around.values()], why)}


def _integers(data: bytes | None, entry: Entry) -> tuple[int, ...] | None:
    width = {"int64": 8, "int32": 4}.get(entry.dtype)
    if data is None or width is None or len(data) > 8 * 8:
        return None
    found = tuple(
        int.from_bytes(data[at : at + width], "little", signed=True)
        for at in range(0, len(data), width)
    )
    return found if found and all(0 < size < 1 << 40 for size in found) else None


def _bytes(entry: Entry, stem: str, last: str, entries: Around, value: Value) -> Any:
    """bitsandbytes' 4 and 8 bits, NVFP4 and 8-bit integers with a scale: all called `weight`."""
    if entry.dtype not in ("uint8", "int8", "float4_e2m1"):
        return _scaled(entry, stem, entries) if entry.dtype.startswith("float8") else None
    own = f"{stem}weight."
    four = _beside(own, entries, "absmax", "quant_map", "nested_absmax", "nested_quant_map", *_NF4)
    if "absmax" in four:
        state = next((four[name] for name in _NF4 if name in four), None)
        shape = _quant_state(value(state) if state else None) or (2 * entry.elements,)
        why = "bitsandbytes, 4 bits"
        packed = _packed(entry, entry.name, shape, why)
        return {**packed, **_scales([each.name for each in four.values()], why)}
    eight = _beside(stem, entries, "SCB", "weight_format")
    if "SCB" in eight:
        why = "bitsandbytes, 8 bits"
        packed = _packed(entry, entry.name, entry.shape, why)
        return {**packed, **_scales([each.name for each in eight.values()], why)}
    return _scaled(entry, stem, entries)


_SCALES = ("weight_scale", "weight_scale_inv", "weight_scale_2", "weight_zero_point", "input_scale")


def _scaled(entry: Entry, stem: str, entries: Around) -> Any:
    """Bytes, or numbers of 8 bits, that a `weight_scale` multiplies; NVFP4 has one for 16."""
    around = _beside(stem, entries, *_SCALES)
    scale = around.get("weight_scale") or around.get("weight_scale_inv")
    if scale is None:
        return None
    shape, bits = entry.shape, 8
    blocks = scale.shape[-1:] if scale.dtype.startswith("float8") else ()
    if entry.dtype == "uint8" and shape and blocks and blocks[0] * 16 == 2 * shape[-1]:
        shape, bits = (*shape[:-1], 2 * shape[-1]), 4
    why = f"{entry.dtype} with a scale" if bits == 8 else "NVFP4, 4 bits"
    packed = _packed(entry, entry.name, shape, why)
    return {**packed, **_scales([each.name for each in around.values()], why)}


def _quant_state(data: bytes | None) -> tuple[int, ...] | None:
    """Return the shape that bitsandbytes writes beside a weight of 4 bits."""
    try:
        shape = json.loads(data or b"null")["shape"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_shape = type(shape) is list and len(shape) <= 8
    whole = is_shape and all(type(size) is int and 0 < size < 1 << 40 for size in shape)
    return tuple(shape) if whole else None


def _blocks(entry: Entry, stem: str, last: str, entries: Around, value: Value) -> Any:
    """MXFP4: bytes (..., groups, 16) of two numbers each, with a scale for each group."""
    name = last.removesuffix("_blocks")
    scales = entries.get(f"{stem}{name}_scales")
    if entry.dtype != "uint8" or scales is None or scales.shape != entry.shape[:-1]:
        return None
    shape = (*entry.shape[:-2], 2 * prod(entry.shape[-2:]))
    why = "MXFP4, 4 bits"
    return {**_packed(entry, stem + name, shape, why), **_scales([scales.name], why)}


_WAYS: dict[str, Callable[..., Any]] = {
    "qweight": _words,
    "weight_packed": _compressed,
    "weight": _bytes,
    "_blocks": _blocks,
}
"""By how the name of packed numbers ends."""
