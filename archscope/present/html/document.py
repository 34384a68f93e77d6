"""Puts a page together: everything that it shows is computed here, the template only lays it out.

The same reports give the same bytes: no clock, no random name, no order that may change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from archscope.present import _format
from archscope.present._page import footnote
from archscope.present.html import assets
from archscope.present.html.chapters import parts
from archscope.present.html.findings import MOST as MOST_FINDINGS
from archscope.present.html.findings import looked_at
from archscope.present.html.method import LONGEST_LINE, method, text
from archscope.present.html.tiles import Tile, tiles
from archscope.records import frozen
from archscope.results import Report, View
from archscope.studies.names import SEPARATOR, short_names, shortened
from archscope.version import __version__

if TYPE_CHECKING:
    from jinja2 import Template

_LONGEST_HEADING = 36
"""Characters up to which parts of a report's title are its page's heading."""


@frozen
class Settings:
    """What a reader may choose of a page."""

    title: str | None = None
    """Heading and title of the page; None: taken from the reports."""
    assets: assets.Assets = "inline"
    """Where the page finds plotly's script."""


def render(reports: Sequence[Report], settings: Settings | None = None) -> str:
    """Return the page of one report, or of several side by side."""
    settings = settings or Settings()
    lists: list[dict[str, object]] = []
    shown = parts(reports, lists)
    every = [chapter for each in (shown.chapters, *shown.own) for chapter in each]
    drawn = [*shown.picture, *(drawing for chapter in every for drawing in chapter.drawings)]
    names = [_format.safe_label(name) for name in short_names(reports)]
    methods = [method(report, number) for number, report in enumerate(reports)]
    heading, subtitle = _heading(reports, settings.title)
    each_tiles = [tiles(report) for report in reports]
    found = looked_at(dict(zip(names, reports, strict=True)), shown.compared)
    told = _told_of(each_tiles)
    by_name = _by_name(each_tiles, told, alike=len({report.inputs for report in reports}) == 1)
    columns = zip(names, each_tiles, by_name, methods, shown.own or ((),), strict=True)
    return (
        _template().render(
            heading=heading,
            subtitle=subtitle,
            short_subtitle=shortened(subtitle, LONGEST_LINE)
            if len(subtitle) > LONGEST_LINE
            else "",
            policy=assets.policy(settings.assets),
            style=assets.own("style.css"),
            script=assets.own("boot.js"),
            library=assets.library(settings.assets),
            networks=[
                dict(zip(("name", "tiles", "by_name", "method", "chapters"), each, strict=True))
                for each in columns
            ],
            tile_names=tuple(told.values()),
            has_numbers=bool(told),
            footnotes=_footnotes(reports),
            findings=found,
            shown_findings=sum(each.level != "info" for each in found[:MOST_FINDINGS]),
            picture=shown.picture,
            chapters=shown.chapters,
            data=assets.data(_data(drawn, lists, reports, [each.file for each in methods])),
            version=__version__,
        )
        + "\n"
    )


@cache
def _template() -> Template:
    """Return the page without its numbers, compiled once for all pages."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters["unchanged"] = Markup  # our own files and what `packed` gives alone
    return environment.from_string(assets.own("template.html.j2"))


def _printable(value: object) -> object:
    """Return what is put into the page, with what could steer it escaped, wherever it comes from.

    Our own files and marked-up text are as they are.
    """
    return _format.safe_label(value) if type(value) is str else value


def _heading(reports: Sequence[Report], title: str | None) -> tuple[str, str]:
    if len(reports) == 1:
        first, rest = _split(reports[0].title)
        heading, subtitle = (title, reports[0].title) if title else (first, rest)
    else:
        heading, subtitle = title or f"{len(reports)} networks side by side", _shared(reports)
    return shortened(_format.safe_label(heading), LONGEST_LINE), _format.safe_label(subtitle)


def _shared(reports: Sequence[Report]) -> str:
    """Return what all titles say, or the short names where they say nothing in common."""
    first, *others = [report.title.split(SEPARATOR) for report in reports]
    shared = [part for part in first if all(part in other for other in others)]
    return SEPARATOR.join(shared) or ", ".join(short_names(reports))


def _split(title: str) -> tuple[str, str]:
    """Return what fits into a heading, and the rest of a title."""
    first, *rest = title.split(SEPARATOR)
    while rest and len(first) + len(rest[0]) <= _LONGEST_HEADING:
        first = f"{first}{SEPARATOR}{rest.pop(0)}"
    return first, SEPARATOR.join(rest)


def _named(found: Sequence[Tile], about: str) -> Tile | None:
    return next((tile for tile in found if tile.about == about), None)


def _told_of(tiles: Sequence[Sequence[Tile]]) -> dict[str, str]:
    """Return what each number of several networks is about, and what a heading calls it."""
    names: dict[str, list[str]] = {}
    for tile in (tile for every in tiles for tile in every):
        names.setdefault(tile.about, []).append(tile.name)
    return {
        about: called[0] if len({*called}) == 1 else called[0].partition(" of ")[0]
        for about, called in names.items()
    }


def _by_name(
    tiles: Sequence[Sequence[Tile]], told: Iterable[str], *, alike: bool
) -> list[list[tuple[Tile | None, str]]]:
    """Return what each network has of the numbers that are told, beside those of the first."""
    first = tiles[0]
    return [
        [_beside(_named(own, about), _named(first, about), alike=alike) for about in told]
        for own in tiles
    ]


def _beside(tile: Tile | None, first: Tile | None, *, alike: bool) -> tuple[Tile | None, str]:
    """Return a number of one network, and how many times that of the first one it is.

    `alike`: whether all get the same input, without which work cannot be compared.
    """
    if tile is None or first is None or tile is first or not (tile.amount and first.amount):
        return tile, ""
    if tile.of_input and not alike:
        return tile, ""
    return tile, _format.factor(tile.amount / first.amount)


def _footnotes(reports: Sequence[Report]) -> tuple[str, ...]:
    """Return what the asterisk means: with the totals for one report, once for several."""
    if len(reports) == 1:
        found = footnote(reports[0], View())
        return () if found is None else (_format.safe_label(found),)
    texts = (report.convention.text for report in reports if report.convention is not None)
    return tuple(f"* {_format.safe_label(text)}." for text in dict.fromkeys(texts))


def _data(
    drawn: Sequence[Any],
    lists: list[dict[str, object]],
    reports: Sequence[Report],
    names: Sequence[str],
) -> dict[str, Any]:
    """Return what the page's script reads."""
    return {
        "figures": [{"name": drawing.name, **drawing.figure} for drawing in drawn],
        "lists": lists,
        "files": [
            {"name": name, "text": text(report)}
            for name, report in zip(names, reports, strict=True)
        ],
    }
