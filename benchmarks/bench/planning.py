"""What is answered without torch: plans and caches of large networks, all facts, a large file."""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.bench.rows import ARCHSCOPE, PAIRS, Row, program

CASES = {
    "plan gpt3-175B --gpu h100 --gpus 1024 --tp 8 --pp 16 --zero 1": 0.3,
    "plan llama-3.1-405b --gpu h100 --gpus 1024 --tp 8 --pp 16 --zero 1": 0.3,
    "plan deepseek-v3 --gpu h100 --gpus 1024 --tp 8 --pp 16 --zero 1": 0.3,
    "kv llama-3.1-405b --context 8192 --batch 8": None,
    "scaling llama-3.1-405b": None,
    "facts": None,
}
"""Commands, and the most seconds that they may take: one thread, which waits for nobody."""
TENSORS = 1024
"""In a file of 1 GiB."""


def rows() -> Iterator[Row]:
    """Yield the seconds of each command, and of a large file what was held."""
    for typed, aim in CASES.items():
        yield _row(f"`{typed}`", typed.split(), aim)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        _write(path)
        row = _row("`params` of a file of 1 GiB and 1,024 tensors", ["params", str(path)], 0.2)
        yield row
        most = program([*ARCHSCOPE, "params", str(path)]).mebibytes
        yield replace(row, what=f"{row.what}, most held", ours=most, unit="MiB", aim=100.0)


def _row(what: str, words: list[str], aim: float | None) -> Row:
    program([*ARCHSCOPE, *words])
    took = median(program([*ARCHSCOPE, *words]).seconds for _ in range(PAIRS))
    return Row(what=what, ours=took, aim=aim, judged="ours")


def _write(path: Path) -> None:
    """Write a file of safetensors with holes for weights: it says 1 GiB and takes none of it."""
    each = 2**30 // TENSORS
    header = {
        f"layers.{number}.weight": {
            "dtype": "BF16",
            "shape": [each // 2],
            "data_offsets": [number * each, (number + 1) * each],
        }
        for number in range(TENSORS)
    }
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + 2**30)
