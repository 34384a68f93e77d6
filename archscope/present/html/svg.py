"""A chart as a still picture, for where no script runs: a notebook that was exported, a mail.

It draws what charts at the head of a page are made of, bars below each other, lines and maps, in
the colours of the text around it; what it cannot draw is the empty string.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape, unescape
from typing import Any

from archscope.present.html.axes import LETTER, LINE, Scale, scale
from archscope.present.html.charts.gridding import multiplied
from archscope.present.html.strokes import box, cross, fill, line, text_at

WIDTH = 520
"""Pixels."""
_HIGHEST, _LOWEST = 300, 120
_RIGHT, _BELOW = 14, 40
_MOST_CELLS = 65
"""Cells along an axis of a map that are drawn one by one."""
_CIVIDIS = ((0, 34, 78), (87, 92, 109), (165, 156, 116), (254, 232, 56))
"""Four colours of Nuñez, Anderton and Renslow's map (2018), with straight lines between."""


def svg(figure: Mapping[str, Any], title: str = "") -> str:
    """Return the picture of a figure in plotly's terms; empty where it cannot be drawn so."""
    traces = [multiplied(dict(trace)) for trace in figure["data"]]
    kinds = {trace["type"] for trace in traces}
    flat = all(t.get("orientation") == "h" for t in traces if t["type"] == "bar")
    if not traces or not kinds <= {"bar", "scatter", "heatmap"} or not flat:
        return ""
    if any(max(len(t["z"]), len(t["z"][0])) > _MOST_CELLS for t in traces if "z" in t):
        return ""
    return _Picture(traces, figure["layout"], title).drawn()


class _Picture:
    """One figure while it is drawn."""

    def __init__(self, traces: list[dict[str, Any]], layout: Mapping[str, Any], title: str) -> None:
        self._traces, self._layout, self._title = traces, layout, title
        self._stacked = layout.get("barmode") == "stack"
        self._legend = list(self._legend_rows())
        self._height = min(max(int(layout.get("height", _HIGHEST)), _LOWEST), _HIGHEST)
        xs, ys = self._values("x"), self._values("y")
        names = [str(value) for value in ys if isinstance(value, str)]
        texts = [*names, *map(str, layout.get("yaxis", {}).get("ticktext") or ())]
        self._left = min(16 + LETTER * max(map(len, texts), default=5), WIDTH / 2)
        top = 8 + LINE * len(self._legend)
        bottom = self._height - _BELOW
        right: float = WIDTH - _RIGHT
        if any("z" in trace for trace in traces):  # cells are squares
            right = min(right, self._left + bottom - top)
        self._x = scale(layout.get("xaxis", {}), xs, self._left, right)
        self._y = scale({**layout.get("yaxis", {}), "upright": True}, ys, bottom, top)
        self._ends = (self._left, right, top, bottom)

    def drawn(self) -> str:
        """Return the whole picture."""
        parts = [*self._frame(), *self._marks(), *self._shapes(), *self._legend_marks()]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self._height}" '
            f'width="{WIDTH}" height="{self._height}" role="img" style="max-width:100%" '
            f'font-family="system-ui,sans-serif" font-size="12" fill="currentColor">'
            f"<title>{escape(self._title)}</title>{''.join(parts)}</svg>"
        )

    def _values(self, along: str) -> list[Any]:
        found: list[Any] = []
        for trace in self._traces:
            found += [value for value in trace[along] if value is not None]
        found += [at for shape in self._lines_across(along) if (at := shape[f"{along}0"])]
        if "z" in self._traces[0]:
            return [min(found) - 0.5, max(found) + 0.5]
        if along == "x" and any(trace["type"] == "bar" for trace in self._traces):
            return [0, *found, *self._sums()]
        if along == "y" and any(trace["type"] == "bar" for trace in self._traces):
            numbers = [value for value in found if not isinstance(value, str)]
            return [*found, min(numbers) - 0.5, max(numbers) + 0.5] if numbers else found
        return found

    def _lines_across(self, along: str) -> list[Mapping[str, Any]]:
        """Return the lines that stand at one place of an axis, all along the other."""
        other = {"x": "yref", "y": "xref"}[along]
        return [s for s in self._layout.get("shapes") or () if s.get(other) == "paper"]

    def _sums(self) -> list[float]:
        sums: dict[Any, float] = {}
        for trace in self._traces if self._stacked else ():
            for x, y in zip(trace["x"], trace["y"], strict=True):
                sums[y] = sums.get(y, 0) + (x or 0)
        return list(sums.values())

    def _frame(self) -> Iterator[str]:
        left, right, top, bottom = self._ends
        for value, text in self._x.ticks:
            x = self._x.at(value)
            yield line((x, top), (x, bottom), "currentColor", 'stroke-opacity="0.15"')
            yield text_at(x, bottom + 14, text, "middle")
        for value, text in self._y.ticks:
            y = self._y.at(self._y.names[int(value)] if self._y.names else value)
            if not self._y.names:
                yield line((left, y), (right, y), "currentColor", 'stroke-opacity="0.15"')
            yield text_at(left - 6, y + 4, text, "end")
        yield text_at((left + right) / 2, bottom + 30, _name(self._layout, "xaxis"), "middle")
        said = _name(self._layout, "yaxis")
        if said:
            middle = (top + bottom) / 2
            turned = f'transform="rotate(-90 10 {middle:.0f})"'
            yield text_at(10, middle, said, "middle", turned)

    def _marks(self) -> Iterator[str]:
        bases: dict[Any, float] = {}
        for trace in self._traces:
            if "z" in trace:
                yield from _cells(trace, self._x, self._y)
            elif trace["type"] == "bar":
                yield from self._bars(trace, bases)
            else:
                yield from _points(trace, self._x, self._y)

    def _bars(self, trace: dict[str, Any], bases: dict[Any, float]) -> Iterator[str]:
        places = self._y.names or sorted({*self._values("y")})
        thick = min(abs(self._ends[3] - self._ends[2]) / max(len(places), 1) * 0.7, 34)
        texts = trace.get("text") or [""] * len(trace["x"])
        for x, y, text in zip(trace["x"], trace["y"], texts, strict=True):
            base = bases.get(y, 0.0) if self._stacked else 0.0
            bases[y] = base + (x or 0)
            start, end = sorted((self._x.at(base), self._x.at(base + (x or 0))))
            middle = self._y.at(y)
            yield box(start, middle - thick / 2, end - start, thick, _color(trace))
            if text and end - start > 1.2 * LETTER * len(text):
                ink = trace.get("insidetextfont", {}).get("color", "#000")
                yield text_at((start + end) / 2, middle + 4, text, "middle", f'style="fill:{ink}"')

    def _shapes(self) -> Iterator[str]:
        left, right, top, bottom = self._ends
        for shape in self._layout.get("shapes") or ():
            if shape.get("type") != "line":
                continue
            across = shape.get("xref") == "paper"
            up = shape.get("yref") == "paper"
            ends = (
                (left, self._y.at(shape["y0"])) if across else (self._x.at(shape["x0"]), top),
                (right, self._y.at(shape["y1"])) if across else (self._x.at(shape["x1"]), bottom),
            )
            if across or up:
                color = shape.get("line", {}).get("color", "#999999")
                yield line(*ends, color, 'stroke-width="2" stroke-dasharray="2 3"')

    def _legend_rows(self) -> Iterator[list[dict[str, Any]]]:
        named = [t for t in self._traces if t.get("showlegend", True) and "z" not in t]
        if len(named) < 2 or self._layout.get("showlegend") is False:
            return
        row: list[dict[str, Any]] = []
        for trace in named:
            if row and sum(map(_room, [*row, trace])) > WIDTH - 20:
                yield row
                row = []
            row.append(trace)
        yield row

    def _legend_marks(self) -> Iterator[str]:
        for number, row in enumerate(self._legend):
            x, y = 10.0, 4 + LINE * number
            for trace in row:
                yield box(x, y, 11, 11, _color(trace))
                yield text_at(x + 16, y + 10, unescape(trace["name"]), "start")
                x += _room(trace)


def _room(trace: Mapping[str, Any]) -> float:
    return 34 + LETTER * len(unescape(trace["name"]))


def _name(layout: Mapping[str, Any], axis: str) -> str:
    said: str = ((layout.get(axis) or {}).get("title") or {}).get("text") or ""
    return said


def _color(trace: Mapping[str, Any]) -> str:
    for part in ("marker", "line"):
        color = (trace.get(part) or {}).get("color")
        if isinstance(color, str):
            return color
    return "#0072B2"


def _points(trace: Mapping[str, Any], across: Scale, up: Scale) -> Iterator[str]:
    mode, color = trace.get("mode", "lines"), _color(trace)
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(trace["x"], trace["y"], strict=True):
        if x is None or y is None:
            runs.append([])
        else:
            runs[-1].append((across.at(x), up.at(y)))
    for run in runs if "lines" in mode else ():
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
        yield f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'
    if "markers" in mode:
        crossed = str((trace.get("marker") or {}).get("symbol", "")).startswith("x")
        for x, y in (point for run in runs for point in run):
            yield (
                cross(x, y)
                if crossed
                else f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" {fill(color)}/>'
            )


def _cells(trace: Mapping[str, Any], across: Scale, up: Scale) -> Iterator[str]:
    known = [cell for row in trace["z"] for cell in row if cell is not None]
    low, high = min(known, default=0), max(known, default=1)
    ends = {color for _, color in own} if not isinstance(own := trace["colorscale"], str) else set()
    one = next(iter(ends)) if len(ends) == 1 else None
    wide = abs(across.at(1) - across.at(0))
    tall = abs(up.at(1) - up.at(0))
    for y, row in zip(trace["y"], trace["z"], strict=True):
        for x, cell in zip(trace["x"], row, strict=True):
            if cell:
                share = (cell - low) / (high - low) if high > low else 0.0
                color = one or _cividis(share)
                corner = across.at(x) - wide / 2, up.at(y) - tall / 2
                yield box(*corner, wide - 0.6, tall - 0.6, color)


def _cividis(share: float) -> str:
    place = share * (len(_CIVIDIS) - 1)
    first = min(int(place), len(_CIVIDIS) - 2)
    pairs = zip(_CIVIDIS[first], _CIVIDIS[first + 1], strict=True)
    red, green, blue = (round(a + (b - a) * (place - first)) for a, b in pairs)
    return f"#{red:02x}{green:02x}{blue:02x}"
