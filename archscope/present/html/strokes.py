"""What a still picture is made of: boxes, lines, words; all of them in the text's own colour."""

from __future__ import annotations

from html import escape, unescape


def cross(x: float, y: float) -> str:
    """Return the cross of what is never seen."""
    return (
        f'<path d="M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6" stroke="#D55E00" stroke-width="2" '
        'fill="none"/>'
    )


def fill(color: str) -> str:
    """Return an attribute that fills a shape, whatever the picture around it says."""
    return f'style="fill:{color}"'


def box(x: float, y: float, width: float, height: float, color: str) -> str:
    """Return a box by its upper left corner."""
    size = f'width="{max(width, 0):.1f}" height="{height:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} {fill(color)}/>'


def line(first: tuple[float, float], last: tuple[float, float], color: str, more: str) -> str:
    """Return a straight line."""
    (x, y), (to_x, to_y) = first, last
    ends = f'x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    return f'<line {ends} stroke="{color}" {more}/>'


def text_at(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    """Return a text; what is escaped already is escaped once."""
    said = escape(unescape(text))
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{said}</text>'
