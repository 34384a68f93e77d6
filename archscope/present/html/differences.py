"""What a comparison says at once: how many times as much each network has, and where it differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import section
from archscope.present.html.words import the_part
from archscope.results import Report


def differences(report: Report) -> Iterator[str]:
    """Yield a sentence for each network beside the first."""
    totals, networks = section(report, "compare.totals"), report.find("compare.networks")
    if totals is None or networks is None:
        return
    first, *others = (_format.safe_label(row.name) for row in networks.rows)
    rows = {row.measure: row for row in totals.rows}
    parts = section(report, "compare.components")
    for number, name in enumerate(others, start=1):
        params, flops = (_ratio(rows.get(each), number) for each in ("params", "flops"))
        if params is not None:
            has = _has(params, "parameters", f"of {first}", f"as {first}")
            does = "" if flops is None else f" and does {_has(flops, 'FLOPs', '', '')}"
            where = () if parts is None else tuple(_most_changed(parts.rows, number))
            yield " ".join((f"{name} has {has}{does}.", *where))


def _ratio(row: Any, number: int) -> float | None:
    found = None if row is None or row.ratio is None else row.ratio[number - 1]
    return found if isinstance(found, int | float) else None


def _has(ratio: float, what: str, of: str, as_: str) -> str:
    """Return how much of something that is, against whose."""
    if ratio == 1:
        return f"as many {what} {as_}".rstrip()
    return f"{_format.factor(ratio)} the {what} {of}".rstrip()


def _most_changed(rows: Sequence[Any], number: int) -> Iterator[str]:
    """Yield in which part the parameters change most, and in which the FLOPs do."""
    for field, words in (("params", "Parameters"), ("flops", "FLOPs")):
        changes = {row.part: getattr(row, f"{field}_difference")[number - 1] or 0 for row in rows}
        part = max(changes, key=lambda name: abs(changes[name]))
        if changes[part]:
            values = next(getattr(row, field) for row in rows if row.part == part)
            yield (
                f"{words} change most in {_format.safe_label(the_part(part))}, "
                f"from {_format.si(values[0])} to {_format.si(values[number])}."
            )
