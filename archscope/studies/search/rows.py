"""Rows of a search: the best variants, what each condition costs, the best of each choice."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from archscope.columns import column
from archscope.errors import UsageError
from archscope.records import frozen
from archscope.results import Section

WORDS = ((True, "yes"), (False, "no"), (None, "open"))


@frozen
class VariantRow:
    """One variant that meets the conditions; behind `place` stands what was chosen, by field."""

    place: int = column("#", kind="number")
    """Its place among all that do, the best first."""
    variant: str = column()
    """What was chosen, in words."""
    model: str = column()
    """The same as MODEL, e.g. `cnn:depth=11,channels=8`."""
    goal: float | None = column()
    """What it is ranked by, in the units of the measure."""
    params: int | None = column("Params", kind="count")
    """Parameters, shared ones once; None: its family has no census."""
    macs: int | None = column("MACs", kind="count")
    """Multiply-accumulates of one forward pass."""
    receptive_field: tuple[int, ...] | None = column("RF", kind="extent", idle="unknown")
    """Positions of the input that an output sees from the first to the last, along each axis."""
    coverage: float | None = column("Coverage", kind="ratio", drop=3, idle="unknown")
    """Share of them that reach the output."""
    ahead: tuple[int, ...] | None = column("Ahead", kind="number", drop=4, idle="unknown")
    """Positions that an output sees ahead of its own."""
    also: str = column("Also", drop=1, idle="empty", default="")
    """Whatever else was asked about, e.g. `streams 2`."""
    runs: int | None = column("Layers run", kind="count", drop=3, default=None)
    """Layers that are run one after the other: those that have weights, and attention itself."""
    launches: int | None = column("Calls", kind="count", drop=2, idle="unknown", default=None)
    """Operators that torch's dispatcher calls in one forward pass without those that only look at
    memory otherwise, attention as its products, softmax and mask; None where it was not counted."""
    activation_bytes: int | None = column("All outputs", kind="bytes", drop=2, default=None)
    """Bytes of what all layers that multiply answer in one forward pass, in float32."""
    latency: float | None = column("Latency", kind="seconds", idle="unknown", default=None)
    """Median seconds of a forward pass here; None where that was not measured."""
    off: float | None = column("Off", kind="ratio", drop=1, idle="unknown", default=None)
    """By what share it is off the number that all were to have; None where none was given."""
    verified: str = column("Verified", idle="empty", default="")
    """`yes` where both engines count the same, and the operators that it runs see the same;
    `counts` where the operators were not looked at, which would have cost more; `no` and what is
    said instead; empty where nobody asked them."""


@frozen
class Totals:
    """How the answer was found."""

    variants: int
    """Variants of the space."""
    looked: int
    """How often something was worked out for one of them."""
    impossible: int
    """Variants that were come across and are no networks."""
    unknown: int
    """Variants that were come across and could not be decided."""
    goal: str
    """What is minimised or maximised, e.g. `macs`."""
    sense: str
    """`minimise` or `maximise`."""
    best: float | None
    """The best of it; None where no variant meets the conditions."""
    proven: bool
    """Whether nothing of the space is better, or meets the conditions where nothing was found."""


@frozen
class ConstraintRow:
    """One condition, and what it costs."""

    condition: str = column("Condition")
    """As it was typed."""
    best: str = column("At the best", default="")
    """What it reads of the best variant."""
    binds: bool | None = column("Binds", words=WORDS, default=None)
    """Whether the best would be better without it; None: not known."""
    goal: float | None = column()
    """What was minimised or maximised, of the best that meets all."""
    relaxed_to: float | None = column(
        "Relaxed to", kind="number", none="–", idle="unknown", default=None
    )
    """The limit nearest to this one with which the best is better; in seconds, positions, things,
    bytes or shares; None where it does not bind, or is no limit."""
    goal_relaxed: float | None = column(
        "Then", kind="number", none="–", idle="unknown", default=None
    )
    """What the best then has of what is minimised or maximised."""
    variant_relaxed: str = column("Variant then", drop=2, idle="empty", default="")
    """That variant."""
    goal_without: float | None = column(
        "Without it", kind="number", none="–", idle="unknown", default=None
    )
    """The same without the condition."""
    variant_without: str = column("Variant without it", drop=3, idle="empty", default="")
    """That variant."""
    proven: bool = column(default=True)
    """Whether no variant that is not known in full may be better than these, or nearer."""


@frozen
class ChoiceRow:
    """The best variant that has one value of a field whose values have no order."""

    field: str = column("Field")
    value: str = column("Value")
    goal: float | None = column("Best", kind="number", none="none")
    """What is minimised or maximised of it; None: none meets the conditions."""
    variant: str = column("Variant", default="")
    params: int | None = column("Params", kind="count", none="–", default=None)
    macs: int | None = column("MACs", kind="count", none="–", default=None)
    receptive_field: tuple[int, ...] | None = column("RF", kind="extent", none="–", default=None)
    proven: bool = column(default=True)
    """Whether nothing of that value is better."""


CONSTRAINTS = Section(
    analysis="search",
    name="constraints",
    row_type=ConstraintRow,
    caption="What each condition costs",
)
CHOICES = Section(
    analysis="search",
    name="choices",
    row_type=ChoiceRow,
    caption="The best of each choice",
)


def declared(config: Mapping[str, Any]) -> tuple[Section, ...]:
    """Return the sections of a search whose report has this config, without rows."""
    axes = config.get("axes")
    if not isinstance(axes, Mapping) or not all(
        re.fullmatch(r"[^\W\d]\w*", name) and isinstance(values, list | tuple)
        for name, values in axes.items()
    ):
        raise UsageError("its config names no axes of a search")
    return variants_of(axes), CONSTRAINTS, CHOICES


def variants_of(axes: Mapping[str, Sequence[Any]]) -> Section:
    """Return the section of a search's variants, without rows."""
    shown = tuple(name for name, values in axes.items() if len(values) > 1)
    return Section(
        analysis="search",
        name="variants",
        row_type=row_type(shown),
        totals_type=Totals,
        caption="Variants that meet the conditions, the best first",
        others=("variant", "variants"),
    )


@cache
def row_type(axes: tuple[str, ...]) -> Any:
    """Return the type of a variant's row that has a field for each of these axes."""
    hints = typing.get_type_hints(VariantRow)
    own = {field.name: field for field in dataclasses.fields(VariantRow)}
    fields: dict[str, Any] = {"place": own.pop("place")}
    for axis in axes:
        name = axis_field(axis)
        hints[name] = int | float | str
        fields[name] = column(axis.replace("_", " ").capitalize(), kind="text")
    fields |= own
    body = {
        "__annotations__": {name: hints[name] for name in fields},
        "__doc__": VariantRow.__doc__,
        "__module__": __name__,
        **{name: _anew(field) for name, field in fields.items()},
    }
    return frozen(type("VariantRow", (), body))


def axis_field(axis: str) -> str:
    """Return the field of an axis: its name, unless every row has a field of that name."""
    taken = {field.name for field in dataclasses.fields(VariantRow)}
    return f"{axis}_axis" if axis in taken else axis


def _anew(field: dataclasses.Field[Any]) -> Any:
    return dataclasses.field(default=field.default, metadata=field.metadata)
