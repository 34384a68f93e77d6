"""What a field of a row says of itself: unit, title, totalling rule, and how a cell is read.

A row type is a frozen dataclass whose fields are made by `column`; every format reads from there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from archscope.records import frozen

_METADATA = "archscope.column"

Kind = Literal[
    "text",
    "path",
    "count",
    "work",
    "bytes",
    "shape",
    "ratio",
    "times",
    "number",
    "extent",
    "factor",
    "seconds",
    "rate",
    "throughput",
    "power",
    "figure",
    "reference",
]
"""How a cell is read: words, a dotted module path, an exact integer, an integer shown in SI units,
bytes shown in IEC units, a tensor shape, a share of 1, a multiplicity, a number that is never
summed, positions along each axis, how many times as much, seconds, an amount per second, the same
in a unit that stands in the heading, a large integer shown as a power of ten, any number shown in
six digits, another row's path. A
number, a share, an extent or a factor may have an entry for each axis."""


@frozen
class Column:
    """How one field of a row is titled, totalled and, where space is short, dropped."""

    name: str
    """The field's name: JSON key, CSV header, DataFrame column."""
    title: str
    """The heading in a table; empty: the field is not shown in tables."""
    kind: Kind
    """What the cell holds."""
    share: bool
    """Whether a table shows the percentage of the total beside it."""
    bar: bool
    """Whether a table draws that percentage as a bar too."""
    drop: int
    """Which columns go first where a terminal is narrow: higher goes earlier, 0 never goes."""
    measured: bool
    """Whether blocks that are alike may differ in it: it was measured, not counted."""
    grows: bool
    """Whether blocks that are alike may differ in it: it adds up from layer to layer. Those that
    are folded show the last one's."""
    of: str
    """The field that holds the whole of which this is a part; both are shown, e.g. `49/169`."""
    to: str
    """The field that holds the other end of a range; both are shown, e.g. `9.6 … 9.9 ms`."""
    none: str
    """What a cell says where nothing is there; empty: `?`, or a dash where the row names those of
    its fields that are unknown and this is none of them."""
    idle: str
    """Where the column is left out: `unknown`, where every row has None; `ones`, where every row
    has None or 1 along each axis; `empty`, where none has anything; a field's name, where every row
    has the same there; empty: nowhere."""
    signed: bool
    """Whether a number above 0 has a plus."""
    words: tuple[tuple[Any, str], ...]
    """What a table says in place of some values."""
    held_by: str
    """The field that names the row which holds this number in this one's place, where one does."""

    bound: str
    """The field that says whether the number is all of it, or that it is `at least` or `at most`
    so much; where it is not all, `≥` or `≤` stands before."""
    read_as: str
    """The field of the row that says of what kind its cell is, where that differs from row to row;
    empty: `kind` is so of all."""
    each: Literal["", "all", "rest"]
    """Whether it holds an entry for each of the section's heads, or for each but the first: a table
    has a column for every entry. Its title may say `{head}`."""


def column(
    title: str = "",
    *,
    kind: Kind = "text",
    share: bool = False,
    bar: bool = False,
    drop: int = 0,
    measured: bool = False,
    grows: bool = False,
    of: str = "",
    to: str = "",
    none: str = "",
    idle: str = "",
    signed: bool = False,
    words: tuple[tuple[Any, str], ...] = (),
    held_by: str = "",
    bound: str = "",
    read_as: str = "",
    each: Literal["", "all", "rest"] = "",
    default: Any = dataclasses.MISSING,
) -> Any:
    """Declare one field of a row, or of totals; see `Column`."""
    metadata = {
        "title": title,
        "kind": kind,
        "share": share,
        "bar": bar,
        "drop": drop,
        "measured": measured,
        "grows": grows,
        "of": of,
        "to": to,
        "none": none,
        "idle": idle,
        "signed": signed,
        "words": words,
        "held_by": held_by,
        "bound": bound,
        "read_as": read_as,
        "each": each,
    }
    return dataclasses.field(default=default, metadata={_METADATA: metadata})


def asked_for() -> Any:
    """Declare a field of totals that is listed only where it is known: most readers never asked."""
    return column(idle="unknown", default=None)


def is_left_out(field: dataclasses.Field[Any], value: Any) -> bool:
    """Return whether a list of totals leaves out a field that has this value."""
    declared = field.metadata.get(_METADATA)
    return value is None and declared is not None and declared["idle"] == "unknown"


@cache
def columns(row_type: type) -> tuple[Column, ...]:
    """Return the columns of a row type in the order in which its fields are declared."""
    return tuple(
        Column(name=field.name, **field.metadata[_METADATA])
        for field in dataclasses.fields(row_type)
    )


@frozen
class Head:
    """One of the things that a row has an entry for, e.g. one of the networks side by side."""

    key: str
    """What tells it from the others in a field's name, e.g. `a`."""
    title: str
    """What a heading calls it."""


def spread(row_type: type, heads: tuple[Head, ...]) -> tuple[type, Callable[[Any], Any]]:
    """Return a row type with a field of its own for every entry, and what makes such rows.

    `value` with an entry for each of two heads becomes `value_a` and `value_b`. A row type without
    entries is returned as it is.
    """
    if not any(column.each for column in columns(row_type)):
        return row_type, lambda row: row
    return _spread(row_type, heads)


@cache
def _spread(row_type: type, heads: tuple[Head, ...]) -> tuple[type, Callable[[Any], Any]]:
    declared = {each.name: each for each in columns(row_type)}
    fields: dict[str, Any] = {}
    places: list[tuple[str, str, int | None]] = []
    for name, of in declared.items():
        entries = {"": (), "all": heads, "rest": heads[1:]}[of.each]
        for number, head in enumerate(entries):
            bound = declared.get(of.bound)
            fields[f"{name}_{head.key}"] = _field(
                of,
                title=_title(of, head, len(entries)),
                bound=f"{of.bound}_{head.key}" if bound and bound.each else of.bound,
            )
            places.append((f"{name}_{head.key}", name, number))
        if not of.each:
            fields[name] = _field(of)
            places.append((name, name, None))
    body = {"__annotations__": dict.fromkeys(fields, Any), "__doc__": row_type.__doc__, **fields}
    made: type[Any] = frozen(type(row_type.__name__, (), body))

    def make(row: Any) -> Any:
        values = {
            into: getattr(row, name) if at is None else getattr(row, name)[at]
            for into, name, at in places
        }
        return made(**values)

    return made, make


def _field(of: Column, **changed: Any) -> Any:
    said = {each.name: getattr(of, each.name) for each in dataclasses.fields(of)}
    del said["name"]
    return column(**{**said, **changed, "each": ""})


def _title(of: Column, head: Head, entries: int) -> str:
    """Return the heading of one entry; one that stands alone needs no name."""
    if "{head}" in of.title:
        return of.title.replace("{head}", head.title)
    return of.title if entries == 1 or not of.title else f"{of.title}, {head.title}"
