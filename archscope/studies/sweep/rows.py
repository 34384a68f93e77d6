"""The rows of a sweep: a type for each set of axes and measures, so that a saved one is read back.

The config of a report says of which axes and measures it is; the types follow from that alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from archscope.assertions import Dimension
from archscope.columns import Kind, column
from archscope.errors import UsageError
from archscope.records import frozen
from archscope.results import Section
from archscope.studies.measures import measure

NAME, VARIANTS, GROUPS = "sweep", "variants", "groups"
FLOPS = "flops"
"""The measure that is read by a convention."""
_KINDS: Mapping[Dimension, Kind] = {
    "switch": "text",
    "positions": "extent",
    "time": "seconds",
    "share": "ratio",
    "count": "count",
    "bytes": "bytes",
}
_VALUES = int | float | tuple[int | float, ...] | None
_AXIS = int | float | bool | str | None
_OWN = ("number", "model", "residual", "pareto", "holds", "status", "reason", "road", "variants")
"""Fields that rows have whatever their axes are."""


@frozen
class Measured:
    """A column of measured numbers."""

    measure: str
    """What was measured."""
    dimension: Dimension
    """What its numbers are of."""

    @property
    def heading(self) -> str:
        """Its title, and its field where no axis is called so: `rf`, `rf_s` in seconds."""
        other = self.dimension != measure(self.measure).dimension
        return f"{self.measure}_s" if other and self.dimension == "time" else self.measure

    @property
    def kind(self) -> Kind:
        """How its cells are read."""
        return _KINDS[self.dimension]


@frozen
class Layout:
    """What the rows of a sweep have fields for."""

    axes: tuple[tuple[str, Kind], ...]
    """The axes, in order, and how their cells are read: `number` or `text`."""
    measured: tuple[Measured, ...]
    """What was measured, in order."""
    group: str = ""
    """The field that variants are grouped by; empty: they are not."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the axes, in order."""
        return tuple(name for name, _ in self.axes)

    def field_of(self, each: Measured) -> str:
        """Return the field of a measure; where an axis is called so, it says that it is none."""
        taken = {*_OWN, *map(axis_field, self.names)}
        return f"{each.heading}_measured" if each.heading in taken else each.heading

    @property
    def kept(self) -> dict[str, Any]:
        """As the config of a report says it."""
        said = {
            "axes": dict(self.axes),
            "measures": [[each.measure, each.dimension] for each in self.measured],
        }
        return said | ({"group": self.group} if self.group else {})


def layout_of(config: Mapping[str, Any]) -> Layout:
    """Return the layout that the config of a report tells; raises `UsageError` where none is."""
    axes, pairs, group = config.get("axes"), config.get("measures"), config.get("group", "")
    if not (_are_axes(axes) and isinstance(pairs, list | tuple) and isinstance(group, str)):
        raise UsageError("its config names no axes and measures of a sweep")
    measured = []
    for pair in pairs:
        if not (isinstance(pair, list | tuple) and len(pair) == 2):
            raise UsageError("its config names no measures of a sweep")
        name, dimension = map(str, pair)
        known = measure(name)
        if dimension not in known.quantity.dimensions:
            raise UsageError(f"{name} is not measured in {dimension!r}")
        place = known.quantity.dimensions.index(dimension)
        measured.append(Measured(measure=name, dimension=known.quantity.dimensions[place]))
    return Layout(
        axes=tuple(axes.items()) if axes else (),
        measured=tuple(dict.fromkeys(measured)),
        group=group,
    )


def _are_axes(axes: Any) -> bool:
    """Return whether these are names of fields, each with how its cells are read."""
    if not isinstance(axes, Mapping):
        return False
    named = all(re.fullmatch(r"[^\W\d]\w*", each) for each in axes)
    return named and all(kind in ("number", "text") for kind in axes.values())


def axis_field(axis: str) -> str:
    """Return the field of an axis: its name, unless every row has a field of that name."""
    return f"{axis}_axis" if axis in _OWN else axis


def declared(config: Mapping[str, Any]) -> tuple[Section, ...]:
    """Return the sections of a sweep whose report has this config, without rows."""
    layout = layout_of(config)
    return (variants_of(layout), *([groups_of(layout)] if layout.group else []))


@cache
def variants_of(layout: Layout) -> Section:
    """Return the section of a sweep's variants, without rows."""
    return Section(
        analysis=NAME,
        name=VARIANTS,
        row_type=_row_type(layout),
        caption="Variants, one per row",
        others=("variant", "variants"),
    )


@cache
def groups_of(layout: Layout) -> Section:
    """Return the section of a sweep's groups of variants, without rows."""
    return Section(
        analysis=NAME,
        name=GROUPS,
        row_type=_group_type(layout),
        caption=f"Variants by their {layout.group}",
        others=("group", "groups"),
    )


def _row_type(layout: Layout) -> Any:
    fields: dict[str, tuple[Any, Any]] = {"number": (int, column(kind="number"))}
    for axis, kind in layout.axes:
        fields[axis_field(axis)] = (_AXIS, column(axis, kind=kind, none="–"))
    fields["residual"] = (
        float | None,
        column("off by", kind="ratio", signed=True, idle="unknown", default=None),
    )
    for each in layout.measured:
        field = layout.field_of(each)
        type_ = bool | None if each.dimension == "switch" else _VALUES
        title = f"{each.heading}*" if each.measure == FLOPS else each.heading  # by a convention
        shown = column(title, kind=each.kind, bound=f"{field}_is", default=None)
        fields[field] = (type_, shown)
        fields[f"{field}_is"] = (str, column(default="exact"))
    marks = column("pareto", words=((True, "yes"), (False, "–")), idle="unknown", default=None)
    return _type(
        "VariantRow",
        "A variant: its value on every axis, and what was measured of it.",
        fields
        | {
            "pareto": (bool | None, marks),
            "holds": (str, column("where", idle="empty", default="")),
            "reason": (str, column("why not", idle="empty", default="")),
            "status": (str, column(default="done")),
            "road": (str, column(default="")),
            "model": (str, column(default="")),
        },
    )


def _group_type(layout: Layout) -> Any:
    kind = dict(layout.axes).get(layout.group, "text")  # a field that is none may hold a list
    fields: dict[str, tuple[Any, Any]] = {
        axis_field(layout.group): (_AXIS, column(layout.group, kind=kind, none="–")),
        "number": (int, column("variants", kind="number")),
        "failed": (int, column("failed", kind="number")),
    }
    for each in layout.measured:
        field = layout.field_of(each)
        for end in ("least", "most"):
            shown = column(f"{end} {each.heading}", kind=each.kind, default=None)
            fields[f"{end}_{field}"] = (_VALUES, shown)
    return _type("GroupRow", "Variants that have one value of a field.", fields)


def _type(name: str, doc: str, fields: Mapping[str, tuple[Any, Any]]) -> Any:
    """Return a row type with these fields: the type of each, and what it says of itself."""
    hints = {field: hint for field, (hint, _) in fields.items()}
    said = {field: default for field, (_, default) in fields.items()}
    body = {"__annotations__": hints, "__doc__": doc, "__module__": __name__, **said}
    return frozen(type(name, (), body))
