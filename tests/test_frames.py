"""A section as a DataFrame."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from archscope.columns import column
from archscope.errors import UsageError
from archscope.results import Environment, Report, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    path: str = column("Module", kind="path")
    params: int = column("Params", kind="count")
    macs: int | None = column("MACs", kind="work")
    coverage: float | None = column("Coverage", kind="ratio")
    shape: tuple[int, ...] | None = column("Shape", kind="shape")
    causal: bool = column("Causal")


def report(*rows: Row) -> Report:
    environment = Environment(
        archscope="0", python="3", torch=None, fvcore=None, platform="any", device="none"
    )
    return Report(
        command="params",
        title="t",
        config={},
        environment=environment,
        sections=(Section(analysis="params", name="modules", row_type=Row, rows=rows),),
    )


ROWS = (
    Row(path="a", params=3, macs=None, coverage=0.5, shape=(1, 2), causal=True),
    Row(path="b", params=10**19, macs=4, coverage=None, shape=None, causal=False),
)


def test_integers_stay_exact_and_unknown_stays_unknown() -> None:
    frame = report(*ROWS).to_frame()
    assert list(frame.columns) == ["path", "params", "macs", "coverage", "shape", "causal"]
    assert frame["params"].tolist() == [3, 10**19]  # needs 64 bits and more
    assert str(frame["macs"].dtype) == "Int64"
    assert frame["macs"].isna().tolist() == [True, False]
    assert frame["shape"].tolist() == [(1, 2), None]
    assert frame["coverage"].dtype == float
    assert frame["causal"].dtype == bool


def test_integers_that_fit_are_summed_as_integers() -> None:
    row = Row(path="a", params=2**62, macs=2**62, coverage=None, shape=None, causal=True)
    frame = report(row).to_frame("modules")
    assert str(frame["params"].dtype) == "Int64"
    assert frame["params"].sum() == 2**62


def test_no_rows_are_an_empty_frame() -> None:
    assert list(report().to_frame().columns)[:2] == ["path", "params"]
    assert len(report().to_frame()) == 0


def test_an_unknown_section_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'modules'"):
        report(*ROWS).to_frame("module")
