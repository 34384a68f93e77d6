"""The parts of a page: which sections and charts stand in which, and in what order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archscope.present import _format
from archscope.present.html.charts import Drawing, drawings, has
from archscope.present.html.charts._names import short_names
from archscope.present.html.tables import Table, full_list, table
from archscope.results import Report, Section

_DATA = ("positions", "samples", "gradients")
"""Sections that charts show better than any table; they are in the data to download."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Sections that a part of a page shows as a table."""

    name: str
    """Name of the section."""
    caption: str
    field: str = ""
    """A field that its rows have: two analyses may each have a section of that name."""
    folded: bool = False
    """Whether it is shown only when asked for."""

    def match(self, section: Section) -> bool:
        """Return whether this section is meant."""
        called = section.name == self.name or section.name.endswith(f"_{self.name}")
        return called and has(section, [self.field] if self.field else [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Sections of rows and charts that belong together."""

    name: str
    """Anchor of the heading."""
    title: str
    rows: tuple[Rows, ...] = ()
    """The sections whose tables stand here, in order."""


PARTS = (
    Part(name="together", title="Side by side"),
    Part(
        name="layers",
        title="Layers",
        rows=(
            Rows(
                name="modules",
                field="trainable",
                caption="Modules in order of execution; identical blocks are one row, which sums "
                "them up",
            ),
        ),
    ),
    Part(
        name="cost",
        title="Where it goes",
        rows=(
            Rows(name="published", caption="What its authors print, and what is counted"),
            Rows(name="teacher", caption="Beside its teacher"),
            Rows(name="components", caption="Parts of the network", folded=True),
            Rows(name="operators", caption="Operators as torch's dispatcher saw them", folded=True),
            Rows(name="depth", caption="Meanings of the word depth", folded=True),
        ),
    ),
    Part(
        name="audit",
        title="Other counters",
        rows=(
            Rows(name="tools", field="counted", caption="What each counter says"),
            Rows(
                name="differences",
                field="explained",
                caption="Why they differ: theirs less ours, by reason",
                folded=True,
            ),
        ),
    ),
    Part(
        name="rf",
        title="Receptive field and gridding",
        rows=(
            Rows(name="branches", caption="Parallel branches, and all of them together"),
            Rows(
                name="layers",
                field="receptive_field",
                caption="Layers, and what one output of each sees of the input",
            ),
            Rows(name="schedules", caption="Dilations to choose from"),
            Rows(
                name="modules",
                field="global_by",
                caption="Modules, and what each sees of the input",
            ),
            Rows(name="unit", caption="The unit that was looked back from, and its window"),
            Rows(name="erf", caption="Effective receptive field, measured with gradients"),
            Rows(
                name="within",
                caption="How evenly one output sees the maps within",
                folded=True,
            ),
            Rows(
                name="maps",
                caption="How evenly one output sees each map within, along one axis",
                folded=True,
            ),
        ),
    ),
    Part(
        name="time",
        title="Time",
        rows=(
            Rows(name="passes", caption="Time of each pass"),
            Rows(name="layers", field="time_s", caption="Time of each module in a forward pass"),
            Rows(name="conditions", caption="Under which conditions it was timed", folded=True),
        ),
    ),
)
"""Known parts, in order; a section or chart of another name gets a part of its own after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One table of one report."""

    network: str
    """Which report it is of, where there are several."""
    table: Table
    folded: bool
    list_number: int | None
    """Place of its full list among the page's data; None where the table shows every row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One part of a page, filled."""

    name: str
    title: str
    tables: tuple[Shown, ...]
    drawings: tuple[Drawing, ...]


def chapters(reports: Sequence[Report], lists: list[dict[str, object]]) -> tuple[Chapter, ...]:
    """Return the parts that hold anything; full lists are added to `lists`."""
    drawn = drawings(reports)
    wanted = [*(chart.chapter for chart, _ in drawn), *_strangers(reports)]
    known = {part.name for part in PARTS}
    others = (
        Part(name=name, title=_title(name), rows=(Rows(name=name, caption=_title(name)),))
        for name in dict.fromkeys(wanted)
        if name not in known
    )
    filled = (
        Chapter(
            name=part.name,
            title=part.title,
            tables=tuple(_tables(reports, part, lists)),
            drawings=tuple(drawing for chart, drawing in drawn if chart.chapter == part.name),
        )
        for part in (*PARTS, *others)
    )
    return tuple(chapter for chapter in filled if chapter.tables or chapter.drawings)


def _strangers(reports: Sequence[Report]) -> list[str]:
    """Return the names of the sections that no known part holds."""
    every = (section for report in reports for section in report.sections)
    return [s.name for s in every if s.name not in _DATA and not any(map(_holds(s), PARTS))]


def _holds(section: Section) -> Callable[[Part], bool]:
    return lambda part: any(rows.match(section) for rows in part.rows)


def _title(name: str) -> str:
    return _format.safe_label(name.replace("_", " ")).capitalize()


def _tables(reports: Sequence[Report], part: Part, lists: list[dict[str, object]]) -> list[Shown]:
    return [
        _shown(report, section, network, lists, rows)
        for rows in part.rows
        for network, report in zip(short_names(reports), reports, strict=True)
        for section in report.sections
        if section.rows and rows.match(section)
    ]


def _shown(
    report: Report,
    section: Section,
    network: str,
    lists: list[dict[str, object]],
    rows: Rows,
) -> Shown:
    made = table(report, section, rows.caption)
    number = None
    if len(made.body) < len(section.rows):
        number = len(lists)
        lists.append(full_list(report, section))
    return Shown(
        network=_format.safe_label(network), table=made, folded=rows.folded, list_number=number
    )
