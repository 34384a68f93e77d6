"""Several networks side by side: one small panel for each total."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from archscope.present import _format
from archscope.present.html.charts import SEEN, Chart, Drawing
from archscope.present.html.charts._style import axis, figure, label, look, pattern
from archscope.results import Report
from archscope.studies.names import short_names

_PANELS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], Callable[[int], str]], ...] = (
    ("Parameters", ("params.modules",), ("trainable", "frozen"), _format.si),
    ("FLOPs*", ("params.modules",), ("flops",), _format.si),
    ("Receptive field", SEEN, ("receptive_field",), _format.integer),
)
"""Heading, where the totals stand, their fields that are summed, how the sum is written."""
_Panel: TypeAlias = tuple[str, list[int | None], Callable[[int], str]]
"""Heading, a sum for each network, how it is written."""
_MEASURES = ("params", "flops", "rf")
"""The measures that these are, where a report compares networks."""
_AXIS, _BAR = 80, 30
"""Pixels of height that a panel's axis takes, and each of its bars."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw the totals of several reports, or of one that compares networks."""
    if len(reports) == 1:
        told, found = _compared(reports[0])
    else:
        told = short_names(reports)
        found = [[_sum(report, at, fields) for report in reports] for _, at, fields, _ in _PANELS]
    panels = [
        (title, values, write)
        for (title, _, _, write), values in zip(_PANELS, found, strict=False)
        if len(known(values)) > 1
    ]
    if not panels:
        return
    names = [label(name, 24) for name in told]
    yield Drawing(
        name="networks",
        title="Totals",
        caption=_caption(panels, names),
        figure=figure(
            [
                _trace(number, names, values, write)
                for number, (_, values, write) in enumerate(panels)
            ],
            height=60 + len(panels) * (_AXIS + _BAR * len(names)),
            bargap=0.3,
            showlegend=False,
            **_layout(panels, len(names)),
        ),
    )


def _layout(panels: list[_Panel], networks: int) -> dict[str, Any]:
    """Return the axes of each panel, one below the other."""
    layout: dict[str, Any] = {}
    bars = _BAR * networks / (_AXIS + _BAR * networks)
    for number, (title, values, _) in enumerate(panels):
        end = "" if number == 0 else str(number + 1)
        top = 1 - number / len(panels)
        layout[f"xaxis{end}"] = axis(
            title,
            anchor=f"y{end}",
            range=[0, 1.4 * max(known(values))],
            nticks=5,
            exponentformat="SI",
        )
        layout[f"yaxis{end}"] = axis(
            anchor=f"x{end}",
            autorange="reversed",
            type="category",
            domain=[top - bars / len(panels), top],
        )
    return layout


def _compared(report: Report) -> tuple[tuple[str, ...], list[list[int | None]]]:
    """Return the networks that a report compares, and their totals for each panel."""
    networks, totals = report.find("compare.networks"), report.find("compare.totals")
    if networks is None or totals is None:
        return (), []
    rows = {row.measure: zip(row.value, row.bound, strict=True) for row in totals.rows}
    exact = [
        [_longest(value) if bound == "exact" else None for value, bound in rows.get(measure, ())]
        for measure in _MEASURES
    ]
    return tuple(row.name for row in networks.rows), exact


def known(values: Sequence[int | None]) -> list[int]:
    """Return the values that could be had."""
    return [value for value in values if value is not None]


def _sum(report: Report, at: tuple[str, ...], fields: tuple[str, ...]) -> int | None:
    found = report.totals_of(*at)
    values = [] if found is None else [_longest(getattr(found, field)) for field in fields]
    return sum(values) if values and None not in values else None


def _longest(value: Any) -> Any:
    """Return the largest of one number per axis, where there is one for each."""
    return max(value, default=None) if isinstance(value, tuple) else value


def _trace(
    number: int, names: list[str], values: list[int | None], write: Callable[[int], str]
) -> dict[str, Any]:
    end = "" if number == 0 else str(number + 1)
    return {
        "type": "bar",
        "orientation": "h",
        "xaxis": f"x{end}",
        "yaxis": f"y{end}",
        "x": values,
        "y": names,
        "text": [_format.UNKNOWN if value is None else write(value) for value in values],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{text}<extra></extra>",
        "marker": {"color": look(number).color, "pattern": pattern(look(number))},
    }


def _caption(panels: list[_Panel], names: list[str]) -> str:
    said = []
    for title, values, write in panels:
        low, high = min(known(values)), max(known(values))
        ratio = f" ({high / low:.2f}×)" if low else ""
        spread = f"{write(low)} to {write(high)}{ratio}" if low < high else f"{write(low)} in each"
        said.append(f"{title.rstrip('*').lower()} {spread}")
    words = "; ".join(said).replace("flops", "FLOPs")
    return f"{len(names)} networks: {words}."


CHART = Chart(
    name="networks",
    summary="the totals of several networks side by side",
    chapter="together",
    order=10,
    draw=draw,
)
