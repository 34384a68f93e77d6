"""Bits of number types, by the names that torch has for them."""

from __future__ import annotations

BITS = {
    "bool": 8,
    "uint8": 8,
    "int8": 8,
    "uint16": 16,
    "int16": 16,
    "uint32": 32,
    "int32": 32,
    "uint64": 64,
    "int64": 64,
    "float16": 16,
    "bfloat16": 16,
    "float32": 32,
    "float64": 64,
    "complex32": 32,
    "complex64": 64,
    "complex128": 128,
    "float8_e4m3fn": 8,
    "float8_e5m2": 8,
    "float8_e4m3fnuz": 8,
    "float8_e5m2fnuz": 8,
    "float8_e8m0fnu": 8,
    "qint8": 8,
    "quint8": 8,
    "qint32": 32,
    "float6_e2m3": 6,
    "float6_e3m2": 6,
    "float4_e2m1": 4,
    "int4": 4,
    "uint4": 4,
    "int2": 2,
    "uint2": 2,
}
"""By the name of the type: bits of one number."""
_WHOLE = ("int", "uint", "bool")


def is_whole(dtype: str) -> bool:
    """Return whether a type holds integers or truth values, which no gradient reaches."""
    return dtype.startswith(_WHOLE)
