"""The parts of a page: which sections and charts stand in which, and in what order."""

from __future__ import annotations

from collections.abc import Sequence

from archscope.present import _format
from archscope.present.html.charts import Drawing, drawings
from archscope.present.html.tables import Table, full_list, table
from archscope.records import frozen
from archscope.results import Report, Section
from archscope.studies.names import short_names

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
    """One table of one report."""

    network: str
    """Which report it is of, where there are several."""
    table: Table
    folded: bool
    list_number: int | None
    """Place of its full list among the page's data; None where the table shows every row."""


@frozen
class Chapter:
    """One part of a page, filled."""

    name: str
    title: str
    tables: tuple[Shown, ...]
    drawings: tuple[Drawing, ...]


def chapters(reports: Sequence[Report], lists: list[dict[str, object]]) -> tuple[Chapter, ...]:
    """Return the parts that hold anything; full lists are added to `lists`."""
    drawn = drawings(reports)
    wanted = (
        *(chart.chapter for chart, _ in drawn),
        *(_chapter(section) for report in reports for section in report.sections),
    )
    names = dict.fromkeys((*TITLES, *filter(None, wanted)))
    filled = (
        Chapter(
            name=name,
            title=TITLES.get(name) or _title(name),
            tables=tuple(_tables(reports, name, lists)),
            drawings=tuple(drawing for chart, drawing in drawn if chart.chapter == name),
        )
        for name in names
    )
    return tuple(chapter for chapter in filled if chapter.tables or chapter.drawings)


def _chapter(section: Section) -> str | None:
    return section.analysis if section.chapter == "" else section.chapter


def _title(name: str) -> str:
    return _format.safe_label(name.replace("_", " ")).capitalize()


def _tables(reports: Sequence[Report], chapter: str, lists: list[dict[str, object]]) -> list[Shown]:
    """Return the tables of a chapter: those of one question side by side, in the order declared."""
    found = [
        (network, report, section)
        for network, report in zip(short_names(reports), reports, strict=True)
        for section in report.sections
        if section.rows and _chapter(section) == chapter
    ]
    order = list(dict.fromkeys(section.address for _, _, section in found))
    found.sort(key=lambda each: (each[2].folded, order.index(each[2].address)))
    return [_shown(report, section, network, lists) for network, report, section in found]


def _shown(report: Report, section: Section, network: str, lists: list[dict[str, object]]) -> Shown:
    made = table(report, section, section.caption or _title(section.name))
    number = None
    if len(made.body) < len(section.rows):
        number = len(lists)
        lists.append(full_list(report, section))
    return Shown(
        network=_format.safe_label(network),
        table=made,
        folded=section.folded,
        list_number=number,
    )
