"""The parts of a page: which sections and charts stand in which, and in what order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archscope.present import _format
from archscope.present.html.charts import Drawing, drawings
from archscope.present.html.lead import Drawn, picture
from archscope.present.html.tables import Table, full_list, said_under, table
from archscope.present.html.together import compared
from archscope.records import frozen
from archscope.results import Report, Section

TITLES = {
    "together": "Side by side",
    "sweep": "Variants",
    "layers": "Layers",
    "cost": "Where it goes",
    "audit": "Other counters",
    "rf": "Receptive field and gridding",
    "time": "Time",
    "training": "Training",
    "kv": "Cache and steps of decoding",
}
"""Headings of the parts of a page, in order; a part of another name comes after them."""


@frozen
class Shown:
    """One table."""

    table: Table
    folded: bool
    list_number: int | None
    """Place of its full list among the page's data; None where the table shows every row."""
    said: tuple[str, ...]
    """The lines under it, without those that stand under another one."""


@frozen
class Chapter:
    """One part of a page, filled."""

    name: str
    title: str
    tables: tuple[Shown, ...]
    drawings: tuple[Drawing, ...]


@frozen
class Parts:
    """What stands on a page, under its numbers."""

    picture: tuple[Drawing, ...]
    """The charts that go first."""
    chapters: tuple[Chapter, ...]
    """Of the one report or, of several, of all together."""
    own: tuple[tuple[Chapter, ...], ...]
    """Of several reports those of each alone; none where there is one."""
    compared: Report | None = None
    """What the comparison of several says."""


def parts(reports: Sequence[Report], lists: list[dict[str, object]]) -> Parts:
    """Return what stands on the page of these reports; full lists are added to `lists`."""
    drawn = drawings(reports)
    lead = picture(drawn, len(reports))
    first = {each.name for each in lead}
    rest = [(chart, each) for chart, each in drawn if each.name not in first]
    if len(reports) == 1:
        return Parts(picture=lead, chapters=_chapters(reports[0], rest, lists), own=())
    shared = [each for each in rest if each[1].network is None]
    beside = compared(reports)
    together = _chapters(beside, shared, lists, shown=_SHOWN_TOGETHER)
    own = (
        _chapters(report, [each for each in rest if each[1].network == number], lists)
        for number, report in enumerate(reports)
    )
    return Parts(picture=lead, chapters=together, own=tuple(own), compared=beside)


_SHOWN_TOGETHER = ("compare.totals",)
"""The tables of a comparison that stand open on a page."""


def _chapters(
    report: Report | None,
    drawn: Drawn,
    lists: list[dict[str, object]],
    *,
    shown: tuple[str, ...] | None = None,
) -> tuple[Chapter, ...]:
    """Return the parts that hold anything; of tables those in `shown` are open, if that is said."""
    sections = () if report is None else report.sections
    said = {} if report is None else said_under(report)
    wanted = (*(chart.chapter for chart, _ in drawn), *map(_chapter, sections))
    names = dict.fromkeys((*TITLES, *filter(None, wanted)))
    filled = (
        Chapter(
            name=name,
            title=TITLES.get(name) or _title(name),
            tables=() if report is None else tuple(_tables(report, name, lists, shown, said)),
            drawings=tuple(drawing for chart, drawing in drawn if chart.chapter == name),
        )
        for name in names
    )
    return tuple(chapter for chapter in filled if chapter.tables or chapter.drawings)


def _chapter(section: Section) -> str | None:
    return section.analysis if section.chapter == "" else section.chapter


def _title(name: str) -> str:
    return _format.safe_label(name.replace("_", " ")).capitalize()


def _tables(
    report: Report,
    chapter: str,
    lists: list[dict[str, object]],
    shown: tuple[str, ...] | None,
    said: Mapping[str, tuple[str, ...]],
) -> list[Shown]:
    """Return the tables of a chapter, those that are folded last."""
    found = [each for each in report.sections if each.rows and _chapter(each) == chapter]
    made = [_shown(report, section, lists, shown, said[section.address]) for section in found]
    return sorted(made, key=lambda each: each.folded)


def _shown(
    report: Report,
    section: Section,
    lists: list[dict[str, object]],
    shown: tuple[str, ...] | None,
    said: tuple[str, ...],
) -> Shown:
    made = table(report, section, section.caption or _title(section.name))
    number = None
    if len(made.body) < len(section.rows):
        number = len(lists)
        lists.append(full_list(report, section))
    folded = section.folded if shown is None else section.address not in shown
    return Shown(table=made, folded=folded, list_number=number, said=said)
