"""The answer before any chart: the few numbers that a reader looks for first."""

from __future__ import annotations

from collections.abc import Iterable

from archscope.present import _format
from archscope.present._summary import words
from archscope.records import frozen
from archscope.results import Headline, Report, View


@frozen
class Tile:
    """One number, safe to print."""

    name: str
    value: str
    detail: str
    """What goes with it, in a line."""
    about: str = ""
    """What it is a figure of: networks side by side have one column for it."""
    amount: float | None = None
    """The number itself, where networks can be compared with each other by it."""
    of_input: bool = False
    """Whether it depends on the size of the input."""
    level: str = ""
    """`ok` or `warning` where the number is good or bad news by itself."""


def tiles(report: Report) -> tuple[Tile, ...]:
    """Return the tiles of everything that the report holds, one about each thing."""
    every = (headline for section in report.sections for headline in section.headline)
    found = _first_about_each(every)
    return tuple(_tile(report, each) for each in sorted(found, key=lambda each: each.order))


def _first_about_each(every: Iterable[Headline]) -> list[Headline]:
    found: dict[str, Headline] = {}
    for each in every:
        found.setdefault(each.about or each.name, each)
    return list(found.values())


_COMPARED = ("count", "work", "bytes", "seconds")


def _amount(headline: Headline) -> float | None:
    value = headline.value
    if headline.kind not in _COMPARED or headline.bound or isinstance(value, bool):
        return None
    return float(value) if isinstance(value, int | float) else None


def _tile(report: Report, headline: Headline) -> Tile:
    value = headline.value
    unknown = value is None and headline.kind != "text"
    shown = _format.UNKNOWN if unknown else _format.cell(value, headline.kind)
    return Tile(
        name=_format.safe_label(headline.name),
        value=("≥ " if headline.bound else "") + shown,
        detail=words(report, headline.detail, View()),
        about=headline.about or headline.name,
        amount=_amount(headline),
        of_input=headline.kind in ("work", "seconds"),
        level=headline.level,
    )
