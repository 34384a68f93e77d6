"""Colours with a second cue, labels that are safe in a figure, and the frame of every figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from archscope.present._format import safe_label
from archscope.records import frozen
from archscope.studies.names import shortened

LONGEST = 48
"""Characters of a label; the middle of a longer one is left out."""
_LEGEND = 26
"""Pixels that a legend takes."""
HEIGHT = 340
"""Height of a figure, in pixels."""


LEGEND = {
    "orientation": "h",
    "traceorder": "normal",
    "y": 1.0,
    "yanchor": "bottom",
    "x": 0,
    "xanchor": "left",
}
"""Above what is drawn, in the order in which it is drawn."""


@frozen
class Look:
    """How one thing is told from the others, with and without colour."""

    color: str
    """Okabe and Ito's palette (2008), told apart with the usual colour-blindness."""
    pattern: str
    """Hatching of an area."""
    symbol: str
    """Marker of a point."""
    dash: str
    """Kind of line."""

    @property
    def ink(self) -> str:
        """Colour of text on an area: contrast of at least 4.5 to 1."""
        return "#ffffff" if self.color == "#0072B2" else "#000000"


LOOKS = tuple(
    Look(color=color, pattern=pattern, symbol=symbol, dash=dash)
    for color, pattern, symbol, dash in (
        ("#0072B2", "", "circle", "solid"),
        ("#E69F00", "/", "square", "dash"),
        ("#009E73", "x", "diamond", "dot"),
        ("#CC79A7", "\\", "triangle-up", "dashdot"),
        ("#56B4E9", ".", "cross", "longdash"),
        ("#D55E00", "-", "x", "longdashdot"),
        ("#F0E442", "+", "star", "solid"),
        ("#999999", "|", "hexagon", "dash"),
    )
)
THEORY = LOOKS[3]
"""Of what an output may see in theory, beside what was measured; always dashed."""
HOLE = "#D55E00"
"""Colour of a position that is never reached; a cross stands on it too."""
NAMED = {
    "embeddings": 4,
    "attention": 0,
    "ffn": 1,
    "head": 3,
    "norms": 7,
    "conv_spatial": 0,
    "conv_pointwise": 2,
    "other": 6,
    "linear": 1,
    "conv 2d": 5,
    "pointwise conv 2d": 2,
    "depthwise conv 2d": 3,
    "embedding": 4,
    "norm": 7,
}
"""Parts of networks and types of layers that look the same on every page."""


def look(number: int) -> Look:
    """Return one of the looks; they repeat after the last."""
    return LOOKS[number % len(LOOKS)]


def looks(names: tuple[str, ...]) -> dict[str, Look]:
    """Return a look for each name, the same for the same names, different while there are any."""
    taken = {name: NAMED[name] for name in names if name in NAMED}
    free = [number for number in range(len(LOOKS)) if number not in taken.values()]
    for count, name in enumerate(name for name in names if name not in taken):
        taken[name] = free[count % len(free)] if free else count
    return {name: look(taken[name]) for name in names}


_OF_EVERY_OBJECT = frozenset(
    (
        *("__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
        *("__proto__", "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable"),
        *("toLocaleString", "toString", "valueOf"),
    )
)
"""What every object of JavaScript has: Plotly, which looks categories up in one, would find it in
their place.
"""


def label(text: object, longest: int = LONGEST) -> str:
    """Return a text from outside for a figure, which reads its labels as a kind of HTML.

    >>> label("<b>")
    '&lt;b&gt;'
    """
    found = escape(shortened(safe_label(text), longest), quote=False)
    return f"{found} " if found in _OF_EVERY_OBJECT else found


def pattern(of: Look) -> dict[str, Any]:
    """Return the hatching of an area; it lies over the colour and does not replace it."""
    return {
        "shape": of.pattern,
        "fillmode": "overlay",
        "fgcolor": "rgba(0,0,0,0.35)",
        "size": 7,
        "solidity": 0.18,
    }


def layout(*, height: int = HEIGHT, **parts: Any) -> dict[str, Any]:
    """Return a figure's layout with what all figures share."""
    return {
        "height": height,
        "margin": {"l": 12, "r": 12, "t": 40, "b": 40, "pad": 0},
        "hoverlabel": {"align": "left"},
        "legend": LEGEND,
        **parts,
    }


def axis(title: str = "", **parts: Any) -> dict[str, Any]:
    """Return an axis that makes room for its own labels, and keeps them off what is drawn."""
    apart = {"ticks": "outside", "ticklen": 5, "tickcolor": "rgba(0,0,0,0)"}
    return {"title": {"text": title}, "automargin": True, **apart, **parts}


def figure(data: Sequence[Mapping[str, Any]], **parts: Any) -> dict[str, Any]:
    """Return plotly's JSON of traces in the shared layout; a legend stands below the buttons."""
    made = layout(**parts)
    if parts.get("showlegend", len(data) > 1 and "margin" not in parts):
        made["margin"] = {**made["margin"], "t": made["margin"]["t"] + _LEGEND}
        made["height"] += _LEGEND
    return {"data": list(data), "layout": made}
