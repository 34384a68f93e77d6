"""Draws what one output sees of the input, from saved results, as one small picture in SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from archscope.saved import read

CELL, GAP, HEAD = 18, 36, 44
"""Side of a position, room between maps and height of their headings, in pixels."""
COLOURS = ("#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838")
"""Of few paths to many: cividis, which the page uses too."""
STYLE = (
    "text{font-family:system-ui,sans-serif;font-size:14px;fill:#1b1f24}"
    ".number{font-size:9px;text-anchor:middle}.back{fill:#fff}.hole{stroke:#d55e00;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.back{fill:#0d1117}}"
    ".on-dark{fill:#fff}.on-light{fill:#000}"
)


def draw(saved: Sequence[Path]) -> str:
    """Return a picture of the maps of saved results, side by side."""
    maps = [_paths(each) for each in saved]
    width = sum(CELL * len(one) for one in maps) + GAP * (len(maps) + 1)
    height = HEAD + max(CELL * len(one) for one in maps) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'width="{width}" height="{height}"><title>{_title(saved)}</title><style>{STYLE}</style>',
        f'<rect class="back" width="{width}" height="{height}" rx="6"/>',
    ]
    left = GAP
    for path, one in zip(saved, maps, strict=True):
        parts += [f'<g transform="translate({left} {HEAD})">', *_map(one, _heading(path)), "</g>"]
        left += CELL * len(one) + GAP
    return "\n".join([*parts, "</svg>", ""])


def _paths(saved: Path) -> list[int]:
    """Return from how many paths one output sees each position along an axis."""
    return [row.paths for row in read(saved).section("rf.positions").rows]


def _heading(saved: Path) -> str:
    dilations = saved.stem.removeprefix("dilations-").replace("-", ",")
    (seen, *_) = read(saved).section("rf.maps").rows
    return f"dilations {dilations}: {seen.reached} of {seen.positions} seen"


def _title(saved: Sequence[Path]) -> str:
    return "What one output sees of the input; crosses are never seen. " + "; ".join(
        map(_heading, saved)
    )


def _map(paths: Sequence[int], heading: str) -> Iterator[str]:
    """Yield a square map: along both axes the paths multiply."""
    most = max(paths) ** 2
    yield f'<text y="-14">{heading}</text>'
    for row, down in enumerate(paths):
        for column, along in enumerate(paths):
            x, y = CELL * column, CELL * row
            if not down * along:
                yield (
                    f'<path class="hole" d="M{x + 6} {y + 6}l6 6m0-6l-6 6"/>'  # never seen
                )
                continue
            place = round((len(COLOURS) - 1) * (down * along - 1) / max(most - 1, 1))
            on = "on-dark" if place < 3 else "on-light"
            yield (
                f'<rect x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{CELL - 2}" '
                f'fill="{COLOURS[place]}"/><text class="number {on}" x="{x + CELL // 2}" '
                f'y="{y + 12}">{down * along}</text>'
            )
