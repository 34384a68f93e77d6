"""Weights in fewer bits count as what they stand for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import archscope
from tests.stored.written import Listed, safetensors

# A linear layer of 256 features in and 128 out has 32,768 weights in every one of these.
WAYS: dict[str, tuple[Listed, int]] = {
    # 256 rows * 4 bits / 32 = 32 words; groups of 128: 2 rows of scales; 128 * 4 / 32 = 16 zeros.
    "GPTQ, 4 bits": (
        {
            "l.qweight": ("I32", (32, 128)),
            "l.qzeros": ("I32", (2, 16)),
            "l.scales": ("F16", (2, 128)),
            "l.g_idx": ("I32", (256,)),
        },
        4 * 32 * 128 + 4 * 2 * 16 + 2 * 2 * 128 + 4 * 256,
    ),
    "GPTQ, 3 bits": (
        {
            "l.qweight": ("I32", (24, 128)),
            "l.qzeros": ("I32", (2, 12)),
            "l.scales": ("F16", (2, 128)),
        },
        4 * 24 * 128 + 4 * 2 * 12 + 2 * 2 * 128,
    ),
    "AWQ, 4 bits": (
        {
            "l.qweight": ("I32", (256, 16)),
            "l.qzeros": ("I32", (2, 16)),
            "l.scales": ("F16", (2, 128)),
        },
        4 * 256 * 16 + 4 * 2 * 16 + 2 * 2 * 128,
    ),
    # 2 numbers in a byte; a scale for each block of 64.
    "bitsandbytes, 4 bits": (
        {
            "l.weight": ("U8", (16384, 1)),
            "l.weight.absmax": ("F32", (512,)),
            "l.weight.quant_map": ("F32", (16,)),
        },
        16384 + 4 * 512 + 4 * 16,
    ),
    "bitsandbytes, 8 bits": (
        {"l.weight": ("I8", (128, 256)), "l.SCB": ("F32", (128,))},
        32768 + 4 * 128,
    ),
    "compressed-tensors, 4 bits": (
        {
            "l.weight_packed": ("I32", (128, 32)),
            "l.weight_scale": ("BF16", (128, 2)),
            "l.weight_shape": ("I64", (2,)),
        },
        4 * 128 * 32 + 2 * 128 * 2 + 16,
    ),
    "NVFP4, 4 bits": (
        {
            "l.weight": ("U8", (128, 128)),
            "l.weight_scale": ("F8_E4M3", (128, 16)),
            "l.weight_scale_2": ("F32", ()),
        },
        128 * 128 + 128 * 16 + 4,
    ),
    "float8_e4m3fn with a scale": (
        {"l.weight": ("F8_E4M3", (128, 256)), "l.weight_scale_inv": ("F32", (1, 2))},
        32768 + 8,
    ),
    # Groups of 32: 16 bytes of two numbers each.
    "MXFP4, 4 bits": (
        {"l_blocks": ("U8", (128, 8, 16)), "l_scales": ("U8", (128, 8))},
        128 * 128 + 128 * 8,
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_packed_weights_are_counted_as_what_they_stand_for(tmp_path: Path, way: str) -> None:
    tensors, size = WAYS[way]
    shape = (128).to_bytes(8, "little") + (256).to_bytes(8, "little")
    values = {"l.weight_shape": shape} if "l.weight_shape" in tensors else {}
    more: Listed = {**tensors, "norm.weight": ("F16", (128,)), "l.bias": ("F16", (128,))}
    report = archscope.params(safetensors(tmp_path / "net.safetensors", more, values))

    assert (report.totals.frozen, report.totals.trainable) == (128 * 256, 2 * 128)
    assert report.totals.buffers == 0
    assert report.totals.weight_bytes == size + 2 * 2 * 128
    (packed,) = [row for row in report.section("tensors").rows if row.role == "packed"]
    assert packed.why == way
    assert any(f"{way}: 32,768" in note.text for note in report.notes)


def test_a_shape_that_is_told_beside_bytes_goes_first(tmp_path: Path) -> None:
    state = json.dumps({"shape": [5, 3], "blocksize": 64}).encode()  # 15 numbers in 8 bytes
    name = "l.weight.quant_state.bitsandbytes__nf4"
    tensors: Listed = {
        "l.weight": ("U8", (8, 1)),
        "l.weight.absmax": ("F32", (1,)),
        name: ("U8", (len(state),)),
    }
    path = safetensors(tmp_path / "net.safetensors", tensors, {name: state})

    assert archscope.params(path).totals.frozen == 15


def test_integers_that_nobody_knows_are_named(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "net.safetensors", {"l.codes": ("I32", (1000, 1000))})
    report = archscope.params(path)

    assert report.totals.buffers == 1_000_000
    assert any("l.codes" in note.text and "not known" in note.text for note in report.notes)
