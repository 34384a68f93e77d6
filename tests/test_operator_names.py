"""Operators are tabled by name and an old torch lacks some: a mistyped name must not hide there."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch

from archscope.counting import operators
from archscope.counting.formulas import FORMULAS
from archscope.counting.fvcore_handles import ESTIMATE_HANDLES, MAC_HANDLES
from archscope.dependence.record.graph import READ, UNSEEN, WRITE
from archscope.dependence.rules import known_rules
from archscope.running import shapes

TORCHVISION = {
    *("deform_conv2d", "nms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool"),
}
"""Operators of another package, which is not needed here."""
TABLES: dict[str, Iterable[str]] = {
    "multiply-accumulate": operators.MULTIPLY_ACCUMULATE,
    "nonlinear": operators.NONLINEAR,
    "elementwise": operators._ELEMENTWISE,
    "free": operators._FREE,
    "formulas": [n.removeprefix("aten::") for n in FORMULAS if n.startswith("aten::")],
    "fvcore": [name.removeprefix("aten::") for name in (*MAC_HANDLES, *ESTIMATE_HANDLES)],
    "dependence": set(known_rules()) - {READ, UNSEEN, WRITE} - TORCHVISION,
    "shapes": shapes.NAMED,
}

NEWEST = "2.13"
"""The torch that archscope is developed with: it has every operator that the tables name."""


def missing(names: Iterable[str]) -> list[str]:
    """Return the names that this torch has no operator for, nor an overload where they name one."""
    return [name for name in names if not _has(*name.partition(".")[::2])]


def _has(operator: str, overload: str) -> bool:
    space = torch.ops.quantized if operator.startswith("quantized_") else torch.ops.aten
    packet = getattr(space, operator.removeprefix("quantized_"), None)
    packet = packet or getattr(torch.ops.aten, operator, None)  # quantized_lstm is of either
    return packet is not None and (not overload or overload in packet.overloads())


@pytest.mark.skipif(torch.__version__ < NEWEST, reason=f"operators came until torch {NEWEST}")
@pytest.mark.parametrize("table", TABLES)
def test_every_name_is_an_operator(table: str) -> None:
    assert missing(TABLES[table]) == []


def test_a_mistyped_name_would_be_noticed() -> None:
    assert missing(["mm", "mm.default", "mmm", "mm.defualt"]) == ["mmm", "mm.defualt"]


def test_torch_tables_leave_out_what_is_missing() -> None:
    assert shapes.overload("mm.default") is torch.ops.aten.mm.default
    assert shapes.overload("mmm.default") is None
    assert shapes.overload("mm.defualt") is None
