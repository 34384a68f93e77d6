"""What an analysis found: rows in sections in a report. Data only; nothing here formats itself.

An analysis owns one frozen row type per section, whose fields are made by `columns.column`. An
unknown number is None, with a `Note` that says why; it is never 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from archscope.columns import Head, Kind, spread
from archscope.labels import safe_label
from archscope.records import frozen
from archscope.registry import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame
    from plotly.graph_objects import Figure

SCHEMA = 2
"""Version of the JSON form; keys are never renamed within one. 1: a key for each section's rows.
2: sections by their addresses, each with its totals, notes, headline and rows."""

T = TypeVar("T")


_PLAIN = frozenset((int, float, str, bool, type(None)))


def plain(value: Any) -> Any:
    """Return data as plain JSON values: dataclasses as objects, tuples as lists."""
    if type(value) in _PLAIN:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value


Level = Literal["ok", "info", "warning"]


@frozen
class Note:
    """Something that a reader must know to interpret the numbers correctly."""

    level: Level
    """`warning`: a number is unknown, partial, disputed or bad news. `info`: how it was obtained.
    `ok`: the good news that a reader looks for."""
    text: str
    """One sentence or two, without a full stop's worth of markup."""
    operator: str | None = None
    """The operator that was not counted, where the note is about one."""
    calls: int | None = None
    """How often that operator ran."""
    details: tuple[str, ...] = ()
    """Sentences that go with it, each on a line of its own: the cause, what to do instead."""


@frozen
class Amount:
    """A number within a sentence, to be rounded as its reader wants it."""

    value: int | float | None
    """None where it is unknown."""
    kind: Kind
    """How it is read."""
    to: float | None = None
    """The other end, of a range."""


@frozen
class Sum:
    """What fields of rows add up to, and what that is called."""

    word: str
    fields: tuple[str, ...]


@frozen
class LargestList:
    """The share that the largest numbered list of modules has, e.g. `blocks: 81.2% of params`.

    Which it is follows from how a table folds modules that are alike; where none are, nothing is
    said.
    """

    section: str
    """Address of the section that lists the modules."""
    sums: tuple[Sum, ...]
    """Of what it has a share; the first decides which list is largest."""


Words = tuple[str | Amount | LargestList, ...]
"""A line of words and numbers, in order."""


@frozen
class Strip:
    """Numbers of neighbouring positions, to be drawn as a line of signs where there is room."""

    counts: tuple[int, ...]
    """A number for each position; 0 is a hole. Empty: too many to draw."""
    reached: Words
    """What is said beside the signs."""
    paths: Words
    """What is said beside the numbers."""
    rest: Words = ()
    """What is added where nothing is drawn."""


@frozen
class Headline:
    """One of the few numbers that a reader looks for first."""

    name: str
    """What it is, e.g. `Trainable parameters`."""
    value: int | float | str | tuple[int, ...] | None
    """None where it is unknown."""
    kind: Kind
    """How the value is read."""
    detail: Words = ()
    """What goes with it, in a line."""
    level: Literal["", "ok", "warning"] = ""
    """Where the number is good or bad news by itself."""
    bound: bool = False
    """Whether it is a lower bound."""
    about: str = ""
    """What it is a figure of, where others may be too: a page shows one about each thing."""
    order: int = 100
    """Place among all that a report says: lower comes first."""


Outcome = Literal["ok", "missed", "unknown", "failed", "new", "explained", "skipped", "undecided"]
"""What became of a test: it holds, does not, nobody knows, it could not be made, there is nothing
yet to hold it against, it does not hold for a reason that is known, it was not made, or it was
measured and some runs hold and some do not."""


@frozen
class Cases:
    """Which fields of rows say what became of a test, for formats that hold results of tests."""

    suite: str
    """What it is a test of."""
    name: tuple[str, ...]
    """What it tests."""
    outcome: str
    """Its `Outcome`."""
    detail: str
    """Why it did not pass, where that is said."""


@frozen
class Section:
    """The answer of one analysis to one question: rows of one type.

    An analysis declares its sections without rows; `filled` returns one with its answer.
    """

    analysis: str
    """The analysis that it belongs to, e.g. `params`."""
    name: str
    """What it is called in that analysis, e.g. `modules`."""
    row_type: type
    """The type of every row."""
    totals_type: type | None = None
    """The type of its totals; None where a total means nothing."""
    caption: str = ""
    """What its rows are, in a sentence; heading of its table on a page."""
    chapter: str | None = ""
    """The part of a page that its table stands in; empty: that of its analysis; None: none, its
    rows are in the page's data and in charts."""
    folded: bool = False
    """Whether a page shows its table only when asked for."""
    heads: str = ""
    """Address of the section whose rows are heads of this one: its columns that have an entry for
    `each` have one for each row there, called by that row's `key` and `name`."""
    shown_by: str = ""
    """The field of its rows that says whether a table shows a row unless all are asked for."""
    others: tuple[str, str] = ("row", "rows")
    """What the rows are that a table leaves out: one, and several."""
    asked_by: tuple[str, ...] = ()
    """The settings without which the answer has no such section; empty: it always has it."""
    cases: Cases | None = None
    """How its rows are results of tests; None: they are none."""
    rows: tuple[Any, ...] = ()
    """The rows, one per thing; never folded."""
    totals: Any = None
    """A frozen dataclass of totals over the rows, or None where a total means nothing."""
    notes: tuple[Note, ...] = ()
    """What must be known to read these rows."""
    headline: tuple[Headline, ...] = ()
    """The numbers that a reader looks for first."""
    summary: tuple[Words | Strip, ...] = ()
    """What stands right under the table, a line each."""
    device: str | None = None
    """Where the forward pass behind these rows ran: `meta` (on shapes alone), `cpu`, `cuda:0`."""
    about: str = ""
    """What the report's title says of this answer beside the subject; empty: nothing."""

    @property
    def address(self) -> str:
        """What tells it from the sections of other analyses, e.g. `rf.layers`."""
        return f"{self.analysis}.{self.name}"

    def filled(self, rows: Iterable[Any], **answer: Any) -> Section:
        """Return this section with rows and whatever else was found out."""
        return dataclasses.replace(self, rows=tuple(rows), **answer)


@frozen
class Convention:
    """What the word FLOP means in a report."""

    name: str
    """`fvcore`, or `2 x MACs`."""
    flops_per_multiply_add: int
    """1 or 2."""
    text: str
    """The convention in one sentence, printed under every table."""


@frozen
class InputShape:
    """One tensor that the forward was called with."""

    name: str
    """Its place among the arguments: `0`, `mask`, `0.pixels`."""
    shape: tuple[int, ...]
    dtype: str
    """Number type, e.g. `float32`."""


@frozen
class Environment:
    """Where a report was made."""

    archscope: str
    python: str
    torch: str | None
    fvcore: str | None
    platform: str
    device: str | None
    """Where forward passes ran: `meta` (on shapes alone), `cpu`, `cuda:0`; None where none did."""
    machine: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What the device said of itself while it was timed; empty where nothing was."""


@frozen
class Report:
    """Sections, and how they were obtained."""

    command: str
    """The analysis, e.g. `params`."""
    title: str
    """The subject in one line."""
    config: Mapping[str, Any]
    """The spec's fields as JSON values; empty for a network that was handed over in memory."""
    environment: Environment
    sections: tuple[Section, ...]
    convention: Convention | None = None
    """What FLOP means here; None where no FLOPs are given."""
    inputs: tuple[InputShape, ...] = ()
    """What the forward was called with; counts of other shapes cannot be compared with these."""
    origin: str = ""
    """Where the network came from, e.g. `family:transformer`; empty where that was not said."""

    def find(self, address: str) -> Section | None:
        """Return the section at an address like `rf.layers`, or called so; None: there is none.

        A plain name stands for the first section that is called so.
        """
        at = "address" if "." in address else "name"
        return next((each for each in self.sections if getattr(each, at) == address), None)

    def spread(self, section: Section) -> Section:
        """Return a section with a field of its own for every entry that a row has for a head."""
        found = self.find(section.heads) if section.heads else None
        if found is None:
            return section
        heads = tuple(Head(key=r.key.lower(), title=safe_label(r.name)) for r in found.rows)
        row_type, make = spread(section.row_type, heads)
        rows = tuple(map(make, section.rows))
        return dataclasses.replace(section, row_type=row_type, rows=rows, heads="")

    def section(self, address: str) -> Section:
        """Return the section at an address; raises `KeyError` if there is none."""
        found = self.find(address)
        if found is None:
            raise KeyError(address)
        return found

    @property
    def totals(self) -> Any:
        """The totals of the first section that has any, e.g. `report.totals.macs`."""
        return next((s.totals for s in self.sections if s.totals is not None), None)

    def totals_of(self, *addresses: str) -> Any:
        """Return the totals at the first of these addresses that has any, None where none has."""
        every = (found.totals for address in addresses if (found := self.find(address)))
        return next((totals for totals in every if totals is not None), None)

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of all sections, in order."""
        return tuple(note for section in self.sections for note in section.notes)

    def check(self, *claims: str) -> Report:
        """Return this report if all assertions hold, e.g. `report.check("causal", "rf >= 1s")`.

        Raises `ThresholdError` with a line for each that does not, `UsageError` for a measure
        that this report does not have. With several axes an assertion must hold along each (of
        three, `causal` along the first, time); an unknown value fails, and a bound proves only
        what follows from it.
        """
        resolve("archscope.study:check")(self, claims)
        return self

    def to(self, format: str) -> str:
        """Return the report as text: `table`, `json`, `jsonl`, `csv`, `md` or `html`."""
        return cast(str, resolve("archscope.present:FORMATS").get(format).render(self, View()))

    def to_frame(self, section: str | None = None) -> DataFrame:
        """Return one section (by default the first) as a pandas DataFrame."""
        return cast("DataFrame", resolve("archscope.frames:to_frame")(self, section))

    def save(self, path: str | Path) -> None:
        """Write the report to a file, atomically, in the format that its suffix names.

        Raises `UsageError` for an unknown suffix, `OutputError` if the file cannot be written; an
        existing file is then unchanged.
        """
        resolve("archscope.present._save:save")(self, path)

    def figure(self, name: str) -> Figure:
        """Return one chart, e.g. `components`, as a plotly `Figure`, without upload.

        For an unknown name, raises `UsageError` with the names of this report's charts.
        """
        return cast("Figure", resolve("archscope.present._figure:figure")(self, name))

    def __str__(self) -> str:
        return self.to("table").rstrip("\n")

    def __repr__(self) -> str:
        names = ", ".join(section.address for section in self.sections)
        return f"<Report of {self.command}: {self.title!r}, sections {names}>"

    def _repr_html_(self) -> str:
        return cast(str, resolve("archscope.present._notebook:render")(self, View()))


@frozen
class View:
    """Which part of a report a text shows, and how; it changes no number."""

    by: str | None = None
    """The section to show; None shows the first."""
    sort: str | None = None
    """Name of the column to sort by, largest first; None keeps the order of execution."""
    top: int | None = None
    """Show only the first this many rows, and one line for the rest."""
    max_depth: int | None = None
    """Show module paths of at most so many parts."""
    expand: bool = False
    """Show each copy of a repeated block."""
    total: bool = False
    """Show the totals alone."""
    explain: bool = False
    """Show each row's closed form with its numbers filled in."""
    exact: bool = False
    """Show every integer with all its digits."""
    columns: tuple[str, ...] = ()
    """Show these columns, by name, beside the first; empty: those that are worth one."""
    width: int | None = None
    """Columns of the terminal; None: as wide as the table needs."""
    color: bool = False
    """Whether the text may hold ANSI colours."""
    ascii: bool = False
    """Whether the output encoding holds only ASCII."""
