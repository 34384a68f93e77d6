"""Start-up: every command, against importing what it cannot do without."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench.rows import ARCHSCOPE, ROOT, Row, against, program

TABLES = ("importing click and rich", "import click, rich.table")
ENGINES = ("importing torch and fvcore", "import torch, fvcore.nn")
FORM = {"rf --dilations 1,2,4": 1.5, "compare {12} {24}": 1.5}
"""Aims of what is answered in closed form."""
LIGHT = (
    "--help",
    "list",
    "list presets",
    *FORM,
    "report {12} -o {page}",
    "kv gpt2",
    "plan llama-3-70b --gpu h100 --gpus 64 --tp 8 --pp 4 --zero 1",
    "scaling gpt2",
    "facts kv-*",
    "check --config {budgets}",
)
HEAVY = {
    "params --depth 24": 1.3,
    "params cnn --dilations 1,2,4": 1.3,
    "env": None,
    "lock --config {budgets} -o {lock}": None,
    "memory --depth 12": None,
    "train --depth 12": None,
    "finetune --depth 2": None,
    "time --depth 2 --device cpu --runs 3": None,
    "audit --depth 2": None,
    "sweep cnn --depth 2:4 --workers 1": None,
    "search cnn --spatial-dims 1 --causal --where {where} --minimise macs --top 1": None,
}
"""What runs torch, and the aims."""
BUDGETS = '[[budget]]\nmodel = "wavenet"\nmin.rf = 100\n'


def rows() -> Iterator[Row]:
    """Yield one row for each command."""
    with tempfile.TemporaryDirectory() as folder:
        budgets = Path(folder) / "archscope.toml"
        budgets.write_text(BUDGETS, encoding="utf-8")
        words = {
            "{12}": str(ROOT / "reports" / "gpt2-12.json"),
            "{24}": str(ROOT / "reports" / "gpt2-24.json"),
            "{page}": str(Path(folder) / "page.html"),
            "{lock}": str(Path(folder) / "archscope.lock"),
            "{budgets}": str(budgets),
            "{where}": "params < 100k and rf >= 1000",
        }
        for typed in (*LIGHT, *HEAVY):
            command = [*ARCHSCOPE, *(words.get(each, each) for each in shlex.split(typed))]
            anchor, code = ENGINES if typed in HEAVY else TABLES
            least = [sys.executable, "-W", "ignore", "-c", code]
            yield against(
                _named(typed),
                lambda command=command: program(command),  # type: ignore[misc]
                anchor,
                lambda least=least: program(least),  # type: ignore[misc]
                aim=HEAVY.get(typed, FORM.get(typed)),
                pairs=1 if HEAVY.get(typed, 0) is None else 5,
            )


def _named(typed: str) -> str:
    for word, said in (("{12} {24}", "of two saved files"), ("{12} -o {page}", "of a saved file"),
                       (" --config {budgets} -o {lock}", ""), (" --config {budgets}", ""),
                       ("{where}", "...")):  # fmt: skip
        typed = typed.replace(word, said)
    return f"`{typed}`"
