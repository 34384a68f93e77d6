"""The network as nested blocks, as wide as their share: by parameters, and by FLOPs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archscope.present import _format, _lines
from archscope.present._lines import Line
from archscope.present.html.charts import Chart, Drawing, of_network, section
from archscope.present.html.charts._style import Look, figure, label
from archscope.present.html.charts.components import component_looks
from archscope.results import Report, Section, View
from archscope.studies.names import short_names

MOST_NODES = 300
"""Blocks that are drawn; identical ones are folded first, the smallest are put together."""
_SMALLEST = 9
"""Pixels of a label below which it is not shown: nobody could read it."""
_FEWEST = 4
"""Blocks beyond which a picture says more than the table."""
_CONTAINER, _NEUTRAL = "#aeb6bf", "#000000"
"""Colours of what only holds other modules, and of its label; both do for light and for dark."""
_MEASURES = (("params", "parameters", ("trainable", "frozen")), ("flops", "FLOPs", ("flops",)))


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw two icicles for each report."""
    chosen = component_looks(reports)
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        found = section(report, "params.modules")
        if found is None:
            continue
        lines = folded(found)
        for key, words, fields in _MEASURES:
            blocks = _Blocks(fields, lines, chosen)
            if len(blocks.labels) > _FEWEST:
                made = _drawing(key, words, blocks, name, f"-{number}" if name else "")
                yield from of_network([made], number, name)


def folded(found: Section) -> tuple[Line, ...]:
    """Return the lines of the folded tree, as deep as they are few enough to draw."""
    root = _lines.tree(found)
    for depth in (None, 4, 3, 2, 1):
        lines = _lines.lines(found, root, View(max_depth=depth))
        if sum(1 for _ in _lines.every(lines)) < MOST_NODES:
            break
    return lines


class _Blocks:
    """The columns of one icicle; a block's value is the sum of the blocks in it."""

    def __init__(
        self, fields: tuple[str, ...], lines: Sequence[Line], looks: Mapping[str, Look]
    ) -> None:
        self._fields = fields
        self._looks = looks
        self.labels = ["whole network"]
        self.parents = [""]
        self.values = [sum(map(self._value, lines))]
        self.colors = [_CONTAINER]
        self.inks = [_NEUTRAL]
        self._add(lines, 0)

    def _add(self, lines: Sequence[Line], parent: int) -> None:
        known = [(self._value(line), line) for line in lines]
        shown = [(value, line) for value, line in known if value]
        room = MOST_NODES - len(self.labels) - 1
        kept = sorted(shown, key=lambda pair: -pair[0])[: max(room, 0)]
        smallest = min((value for value, _ in kept), default=0)
        rest = 0
        for value, line in shown:
            if len(self.labels) >= MOST_NODES or value < smallest:
                rest += value
                continue
            times = f" {_format.times(line.copies)}".rstrip()
            look = None if line.parts else self._looks.get(line.row.component)
            self._append(line.label + times, value, parent, look)
            self._add(line.parts, len(self.labels) - 1)
        if rest:
            self._append("the rest", rest, parent, None)

    def _append(self, name: str, value: int, parent: int, look: Look | None) -> None:
        self.labels.append(name)
        self.parents.append(str(parent))
        self.values.append(value)
        self.colors.append(look.color if look else _CONTAINER)
        self.inks.append(look.ink if look else _NEUTRAL)

    def _value(self, line: Line) -> int:
        return sum(_lines.value(line, field) or 0 for field in self._fields)


def _drawing(key: str, words: str, blocks: _Blocks, name: str, end: str) -> Drawing:
    whole = blocks.values[0]
    texts = [f"{_format.si(value)} · {_format.percent(value, whole)}%" for value in blocks.values]
    trace: dict[str, Any] = {
        "type": "icicle",
        "ids": [str(number) for number in range(len(blocks.labels))],
        "labels": [label(text, 40) for text in blocks.labels],
        "parents": blocks.parents,
        "values": blocks.values,
        "branchvalues": "total",
        "sort": False,
        "tiling": {"orientation": "v", "pad": 1},
        "pathbar": {"visible": False},
        "leaf": {"opacity": 1},
        "text": texts,
        "textinfo": "label+text",
        "hovertemplate": "%{label}<br>%{text}<extra></extra>",
        "marker": {"colors": blocks.colors, "line": {"width": 1, "color": "rgba(255,255,255,0.7)"}},
        "textfont": {"color": blocks.inks},
    }
    whose = f" of {_format.safe_label(name)}" if name else ""
    return Drawing(
        name=f"icicle-{key}{end}",
        title=f"{words[0].upper()}{words[1:]} by module{whose}",
        caption=f"Each block is as wide as its share of the {words}; the parts of a module are "
        "below it, and repeated blocks are drawn as one. Colours are those of the parts "
        "of the network. Click a block to enlarge it.",
        folded=bool(name),
        figure=figure(
            [trace],
            height=300,
            margin={"l": 4, "r": 4, "t": 34, "b": 4},
            uniformtext={"minsize": _SMALLEST, "mode": "hide"},
        ),
    )


CHART = Chart(
    name="icicle",
    summary="modules as nested blocks, by parameters and by FLOPs",
    chapter="cost",
    order=20,
    draw=draw,
)
