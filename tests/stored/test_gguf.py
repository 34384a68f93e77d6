"""GGUF files: exact bits of every type, heads that differ by layer, experts, ties, parts."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import pytest

import archscope
from archscope.errors import ArchscopeError
from archscope.stored import gguf as reader
from tests.stored.written import gguf

FACTS = {
    "general.architecture": "llama",
    "llama.embedding_length": 256,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": [1, 2],
    "llama.attention.key_length": 128,
    "llama.expert_count": 8,
    "llama.expert_used_count": 2,
    "tokenizer.ggml.tokens": ["word"] * 600,
}
# Q4_K: 144 bytes for 256 numbers; F32: 4 for one.
TENSORS = {
    "token_embd.weight": (12, 10 * 144, (10, 256)),
    "blk.0.attn_norm.weight": (0, 4 * 256, (256,)),
    "blk.0.ffn_up_exps.weight": (12, 8 * 144, (8, 1, 256)),
    "rope_freqs.weight": (0, 4 * 64, (64,)),
}


def test_types_of_blocks_have_their_exact_bits(tmp_path: Path) -> None:
    report = archscope.params(gguf(tmp_path / "net.gguf", FACTS, TENSORS))

    assert report.totals.frozen == 10 * 256 + 8 * 256
    assert report.totals.trainable == 256
    assert report.totals.buffers == 64
    assert report.totals.active == 10 * 256 + 256 + 2 * 256  # 2 of 8 experts
    assert report.totals.weight_bytes == 18 * 144 + 4 * 256
    types = {row.dtype: row for row in report.section("number_types").rows}
    assert types["Q4_K"].bits == 4.5
    said = " ".join(note.text for note in report.notes)
    assert "differ by layer: 1, 2" in said
    assert "a head has 128 numbers, which is not 256 / 4" in said
    assert "there is no output.weight" in said
    assert report.config["attention.head_count_kv"] == [1, 2]
    assert not any(name.startswith("tokenizer") for name in report.config)


def test_parts_are_one_network(tmp_path: Path) -> None:
    names = list(TENSORS)
    for number in (1, 2):
        facts = {"split.count": 2, **(FACTS if number == 1 else {})}
        part = {name: TENSORS[name] for name in names[2 * number - 2 : 2 * number]}
        gguf(tmp_path / f"net-{number:05d}-of-00002.gguf", facts, part)
    first = str(tmp_path / "net-00001-of-00002.gguf")

    assert archscope.params(first).totals.frozen == 18 * 256
    assert archscope.params(str(tmp_path)).totals.frozen == 18 * 256
    (tmp_path / "net-00002-of-00002.gguf").unlink()
    with pytest.raises(ArchscopeError, match=r"net-00002-of-00002.gguf cannot be read"):
        archscope.params(first)


def test_damaged_files_are_one_line(tmp_path: Path) -> None:
    path = Path(gguf(tmp_path / "net.gguf", FACTS, TENSORS))
    whole = path.read_bytes()
    kind = whole.index(b"token_embd.weight") + 17 + 4 + 16
    wrong = {
        "it begins with": b"GGML" + whole[4:],
        "GGUF version 9": whole[:4] + struct.pack("<I", 9) + whole[8:],
        "is cut off": whole[:-2000],
        "cut off within its header": whole[:300],
        "lists 9,223,372,036,854,775,807 tensors": (
            whole[:8] + struct.pack("<Q", 2**63 - 1) + whole[16:]
        ),
        "unknown number type 77": whole[:kind] + struct.pack("<I", 77) + whole[kind + 4 :],
    }
    for why, data in wrong.items():
        path.write_bytes(data)
        with pytest.raises(ArchscopeError, match=why):
            archscope.params(str(path))


@pytest.mark.skipif(importlib.util.find_spec("gguf") is None, reason="gguf is not installed")
def test_blocks_are_those_of_the_package() -> None:
    from gguf.constants import GGML_QUANT_SIZES

    theirs = {int(kind): tuple(sizes) for kind, sizes in GGML_QUANT_SIZES.items()}
    assert {kind: sizes for kind, (_, *sizes) in reader.BLOCKS.items()} == {
        kind: list(sizes) for kind, sizes in theirs.items()
    }
