"""Parameters to the left and FLOPs to the right, layer by layer: early work, late weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format, _lines
from archscope.present._lines import Line
from archscope.present.html.charts import MOST_POINTS, Chart, Drawing, of_network, section
from archscope.present.html.charts._style import axis, figure, label, look, pattern
from archscope.results import Report, Section, View
from archscope.studies.names import short_names

_MOST_STEPS = 500
"""Steps of an outline; a screen shows no more."""
_FEWEST = 3
"""Layers from which a profile says more than the table."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw the profile of each report whose layers differ; blocks that repeat need none."""
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        found = section(report, "params.modules")
        layers = [] if found is None else _layers(found)
        if len(layers) >= _FEWEST:
            yield from of_network(
                [_drawing(layers, name, f"-{number}" if name else "")], number, name
            )


def _layers(found: Section) -> list[Any]:
    """Return the modules that hold or do something themselves; none where most are alike."""
    root = _lines.tree(found)
    leaves = [
        line
        for line in _lines.leaves(_lines.lines(found, root, View()))
        if _params(line) or _flops(line)
    ]
    layers = [row for row in found.rows if _own_params(row) or row.own_flops]
    return layers if 2 * len(leaves) > len(layers) else []


def _params(line: Line) -> int:
    return sum(_lines.value(line, field) or 0 for field in ("trainable", "frozen"))


def _flops(line: Line) -> int:
    return _lines.value(line, "flops") or 0


def _own_params(row: Any) -> int:
    return int(row.own_trainable + row.own_frozen)


def _drawing(layers: list[Any], name: str, end: str) -> Drawing:
    params = [_own_params(row) for row in layers]
    flops = [row.own_flops or 0 for row in layers]
    few = len(layers) <= MOST_POINTS
    make = _bars if few else _areas
    traces = [
        make("params", params, layers, sign=-1, number=0),
        make("FLOPs", flops, layers, sign=1, number=1),
    ]
    most = [
        max(zip(values, layers, strict=True), key=lambda pair: pair[0])
        for values in (params, flops)
    ]
    said = ", ".join(
        f"{word} at {_format.safe_label(row.path or 'the model itself')}"
        for word, (_, row) in zip(("the most parameters", "the most FLOPs"), most, strict=True)
    )
    whose = f" of {_format.safe_label(name)}" if name else ""
    ticks = {"tickvals": list(range(len(layers))), "ticktext": [label(r.path, 28) for r in layers]}
    return Drawing(
        name=f"profile{end}",
        title=f"Layer by layer{whose}",
        caption="From the input (top) to the output (bottom): share of all parameters to the left, "
        f"of all FLOPs to the right; {said}.",
        figure=figure(
            traces,
            height=min(900, 150 + 24 * len(layers)) if few else 420,
            barmode="overlay",
            bargap=0.2,
            xaxis=axis("% of params (left), FLOPs (right)", **_both_ways(traces)),
            yaxis=axis("" if few else "layer", autorange="reversed", **(ticks if few else {})),
        ),
    )


def _both_ways(traces: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an axis that counts up on both sides of its middle."""
    top = max(abs(share) for trace in traces for share in trace["x"])
    step = next(step for step in (1, 2, 5, 10, 20, 25, 50) if top <= 4 * step or step == 50)
    ticks = [step * n for n in range(-int(top // step) - 1, int(top // step) + 2)]
    return {
        "tickvals": ticks,
        "ticktext": [str(abs(tick)) for tick in ticks],
        "range": [-1.08 * top, 1.08 * top],
        "zeroline": True,
    }


def _shares(values: list[int]) -> list[float]:
    whole = sum(values)
    return [100 * value / whole if whole else 0.0 for value in values]


def _bars(
    name: str, values: list[int], layers: list[Any], *, sign: int, number: int
) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": [sign * share for share in _shares(values)],
        "y": list(range(len(values))),
        "customdata": _hovers(name, values, layers),
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": look(number).color, "pattern": pattern(look(number))},
    }


def _areas(
    name: str, values: list[int], layers: list[Any], *, sign: int, number: int
) -> dict[str, Any]:
    """Return an outline; of very many layers, of as many runs of them as a screen can show."""
    run = -(-len(values) // _MOST_STEPS)
    starts = range(0, len(values), run)
    sums = [sum(values[start : start + run]) for start in starts]
    firsts = [layers[start] for start in starts]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [round(sign * share, 4) for share in _shares(sums)],
        "y": list(starts),
        "customdata": _hovers(name, sums, firsts, run),
        "hovertemplate": "%{customdata}<extra></extra>",
        "fill": "tozerox",
        "line": {"color": look(number).color, "shape": "vh", "width": 1},
    }


def _hovers(name: str, values: list[int], layers: list[Any], run: int = 1) -> list[str]:
    whole = sum(values) or 1
    and_more = f" and {run - 1} more" if run > 1 else ""
    return [
        f"{label(row.path)}{and_more}: {_format.si(value)} {name}, {_format.percent(value, whole)}%"
        for value, row in zip(values, layers, strict=True)
    ]


CHART = Chart(
    name="profile",
    summary="parameters and FLOPs layer by layer, where layers differ",
    chapter="cost",
    order=30,
    lead=2,
    draw=draw,
)
