"""Networks written down as layers by their paths, with no torch behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from archscope.analyses.params.analysis import FVCORE
from archscope.analyses.params.rows import COMPONENTS, MODULES, ComponentRow, ModuleRow, Totals
from archscope.results import Convention, Environment, InputShape, Report

Layer = tuple[str, int, int | None]
"""Type, parameters and multiply-accumulates of a layer."""
MACHINE = Environment(
    archscope="0.1.0", python="3.11", torch=None, fvcore=None, platform="any", device="meta"
)


def _known(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _row(path: str, layers: Mapping[str, Layer], parts: Mapping[str, Any]) -> ModuleRow:
    inside = [layers[each] for each in layers if f"{each}.".startswith(f"{path}." if path else "")]
    type_, params, macs = layers.get(path, ("Sequential", 0, 0))
    whole, work = sum(each[1] for each in inside), _known([each[2] for each in inside])
    given = {
        "settings": "", "component": type_.lower(), "calls": 1, "output_shape": (1, 8),
        "frozen": 0, "buffers": 0, "own_frozen": 0, "own_buffers": 0, "shared_with": None,
        "params_form": None, "macs_form": None,
    }  # fmt: skip
    counted = {
        "trainable": whole, "macs": work, "flops": work,
        "own_trainable": params, "own_macs": macs, "own_flops": macs,
    }  # fmt: skip
    return ModuleRow(path=path, type=type_, **{**given, **counted, **parts.get(path, {})})


@pytest.fixture
def network() -> Callable[..., Report]:
    """Return what makes a report of layers by their paths; `parts` changes fields of rows."""

    def make(
        layers: Mapping[str, Layer],
        title: str = "net",
        *,
        parts: Mapping[str, Any] | None = None,
        complete: bool = True,
        convention: Convention = FVCORE,
        shape: tuple[int, ...] = (1, 8),
        dtype: str = "float32",
        **fields: Any,
    ) -> Report:
        order = dict.fromkeys(["", *(each for path in layers for each in _down_to(path))])
        rows = [_row(path, layers, parts or {}) for path in order]
        params, macs = sum(each[1] for each in layers.values()), [v[2] for v in layers.values()]
        totals = Totals(
            trainable=params, frozen=0, active=params, buffers=0, weight_bytes=4 * params,
            macs=sum(each or 0 for each in macs), flops=sum(each or 0 for each in macs),
            complete=complete,
        )  # fmt: skip
        types = dict.fromkeys(each[0].lower() for each in layers.values())
        components = [
            ComponentRow(
                component=name,
                trainable=sum(v[1] for v in layers.values() if v[0].lower() == name),
                frozen=0,
                macs=_known([v[2] for v in layers.values() if v[0].lower() == name]),
                flops=_known([v[2] for v in layers.values() if v[0].lower() == name]),
            )
            for name in types
        ]
        return Report(
            command="params",
            title=title,
            config=fields,
            environment=MACHINE,
            sections=(MODULES.filled(rows, totals=totals), COMPONENTS.filled(components)),
            convention=convention,
            inputs=(InputShape(name="0", shape=shape, dtype=dtype),),
        )

    return make


def _down_to(path: str) -> list[str]:
    """Return a path behind those of all that holds it."""
    parts = path.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
