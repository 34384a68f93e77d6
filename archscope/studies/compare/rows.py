"""Row types of a comparison: what stands side by side, an entry for each network."""

from __future__ import annotations

from typing import Any

from archscope.columns import Kind, column
from archscope.records import frozen
from archscope.results import Section

HEADS = "compare.networks"
"""Address of the section that names the networks; the first is what others are compared with."""
_EQUAL = tuple((zero, "=") for zero in (0, (0,), (0, 0), (0, 0, 0)))
"""How a table says that there is no difference, along each axis."""
Value = bool | int | float | tuple[int | float, ...] | None
"""A number, one for each axis, yes or no, or None where it is unknown or cannot be."""


@frozen
class NetworkRow:
    """One of the networks."""

    key: str = column("")
    """The letter that its columns end with, e.g. `A` in `params_a`."""
    name: str = column("Network")
    """What it is called beside the others."""
    title: str = column("What it is")
    """The network in one line."""
    inputs: str = column("Called with", drop=1)
    """What its forward was called with; empty where that is not known."""
    origin: str = column("Named as", drop=2)
    """Where it came from, e.g. `preset:gpt2`."""


@frozen
class TotalRow:
    """One measure of all networks."""

    measure: str = column("Measure")
    """Its word, e.g. `macs`: what limits name it by."""
    analysis: str = column()
    """Whose answer it is read from."""
    kind: Kind = column()
    """How its values are read, e.g. `count`."""
    value: tuple[Value, ...] = column(
        "{head}", kind="number", read_as="kind", each="all", bound="bound"
    )
    """What it is in each network, in positions, seconds, shares, bytes or as a count."""
    bound: tuple[str, ...] = column(each="all")
    """`exact`, or what the value is no more than: `at least`, `at most`."""
    difference: tuple[Value, ...] = column(
        "Difference", kind="number", read_as="kind", each="rest", signed=True, none="–",
        words=_EQUAL, drop=3,
    )  # fmt: skip
    """How much more that is than in the first; None where the two cannot be compared."""
    ratio: tuple[Value, ...] = column("Ratio", kind="factor", each="rest", none="–", drop=2)
    """How many times as much; None too where the first has 0."""
    differs: bool = column()
    """Whether what is known of it is not the same in all."""
    why: str = column("Not compared, because", idle="empty", drop=1)
    """Why there is no difference, where there is none."""


def _side_by_side(title: str, kind: Kind, drop: int = 0, bound: str = "") -> dict[str, Any]:
    """Return the columns of one number: of each network, its difference and its ratio."""
    shared: dict[str, Any] = {"kind": kind, "drop": drop}
    more = {**shared, "signed": True, "none": "–", "words": _EQUAL}
    return {
        "value": column(f"{title} {{head}}", each="all", bound=bound, **shared),
        "difference": column(f"{title} ±", each="rest", **more),
        "ratio": column("Ratio", kind="factor", each="rest", none="–", drop=2),
    }


_PARAMS = _side_by_side("Params", "count")
_WORK = _side_by_side("FLOPs*", "work", drop=3, bound="complete")


@frozen
class PartRow:
    """One part of all networks: of a component, or all layers of one type."""

    part: str = column("Part")
    """E.g. `attention`, or `depthwise conv 2d`."""
    differs: bool = column()
    """Whether it is not the same in all."""
    params: tuple[int, ...] = _PARAMS["value"]
    """Parameters, trained or not; 0 where the network has no such part."""
    params_difference: tuple[int, ...] = _PARAMS["difference"]
    params_ratio: tuple[float | None, ...] = _PARAMS["ratio"]
    macs: tuple[int | None, ...] = column(each="all")
    """Multiply-accumulates; None where some are unknown."""
    flops: tuple[int | None, ...] = _WORK["value"]
    """FLOPs in each report's convention; None where some are unknown."""
    complete: tuple[bool, ...] = column(each="all")
    """Whether the work is all counted, and undisputed."""
    flops_difference: tuple[int | None, ...] = _WORK["difference"]
    """None where the work of the two cannot be compared."""
    flops_ratio: tuple[float | None, ...] = _WORK["ratio"]


@frozen
class ModuleRow:
    """Modules that are alike in each network, at their place in the first that has them."""

    path: str = column("Module", kind="path")
    """Dotted name, numbers of those that are alike together: `blocks.0–23.attn`; what a module does
    outside of its submodules ends in `(own)`."""
    type: str = column("Type", drop=4)
    """Class name."""
    change: tuple[str, ...] = column("Change", each="rest")
    """Against the first network: `same`, `changed`, `moved`, `added`, `removed`; empty where
    neither has it."""
    repeats: str = column("×", idle="empty")
    """How many there are: `×12`, and `×12 → ×24` where that differs."""
    copies: tuple[int, ...] = column(each="all")
    """The same as numbers; 0 where the network has none."""
    paths: tuple[str | None, ...] = column(each="all")
    """Where they stand in each network."""
    is_part: bool = column()
    """Whether no row holds a part of it: such rows add up to the totals."""
    differs: bool = column()
    """Whether it is not the same in all networks."""
    what: str = column("What changed", drop=1, idle="empty")
    """What of it is different, apart from its numbers."""
    params: tuple[int, ...] = _PARAMS["value"]
    """Parameters of all copies, trained or not."""
    params_difference: tuple[int, ...] = _PARAMS["difference"]
    params_ratio: tuple[float | None, ...] = _PARAMS["ratio"]
    macs: tuple[int | None, ...] = column(each="all")
    """Multiply-accumulates of all copies; None where some are unknown."""
    flops: tuple[int | None, ...] = _WORK["value"]
    """FLOPs of all copies, in each report's convention; None where some are unknown."""
    complete: tuple[bool, ...] = column(each="all")
    """Whether the work is all counted, and undisputed."""
    flops_difference: tuple[int | None, ...] = _WORK["difference"]
    """None where the work of the two cannot be compared."""
    flops_ratio: tuple[float | None, ...] = _WORK["ratio"]


TOTALS = Section(
    analysis="compare",
    name="totals",
    row_type=TotalRow,
    caption="Totals side by side",
    chapter="together",
    heads=HEADS,
)

MODULES = Section(
    analysis="compare",
    name="modules",
    row_type=ModuleRow,
    caption="Modules side by side",
    chapter="layers",
    heads=HEADS,
)

COMPONENTS = Section(
    analysis="compare",
    name="components",
    row_type=PartRow,
    caption="Parts of the networks side by side",
    chapter="together",
    folded=True,
    heads=HEADS,
)

TYPES = Section(
    analysis="compare",
    name="types",
    row_type=PartRow,
    caption="Types of layers side by side",
    chapter="together",
    folded=True,
    heads=HEADS,
)

NETWORKS = Section(
    analysis="compare",
    name="networks",
    row_type=NetworkRow,
    caption="The networks",
    chapter="together",
)
