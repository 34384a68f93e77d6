"""What is measured of an effective receptive field: row types of its sections."""

from __future__ import annotations

from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section


@frozen
class ErfRow:
    """One measure of the effective receptive field, and its definition."""

    measure: str = column("Measure")
    """`theory`, `local theory`, `spread`, `contour`, `raw mass`, or `RepLKNet area`."""
    threshold: float | None = column("Holds", kind="ratio", default=None)
    """Share of the mass that lies within; None: no threshold goes with it."""
    side: float | None = column("Side", kind="number", default=None)
    """Positions along an axis; of `spread`, their standard deviation; None where the threshold is
    never reached, and of `contour`, which is no square."""
    area: float | None = column("of input", kind="ratio", default=None)
    """Its positions as a share of the input's."""
    of_field: float | None = column("of RF", kind="ratio", drop=1, default=None)
    """The same as a share of the theoretical receptive field's window."""
    source: str = column("What it is", drop=2)
    """Its definition, and whose it is."""
    images: int = column("Images", kind="number", drop=3)
    """Images over which gradients were averaged."""
    kind: str = column("Images are", drop=4)
    """`random, seed 0`, `random, seeds 0–4`, or `given`."""
    unknown: str = column(default="")
    """Names of the fields that are None because they are not known."""


@frozen
class GradientRow:
    """One line of the map of gradients; of a sequence, all of it."""

    line: int | None = column("Line", kind="number")
    """Its first position along the last axis but one; None where there is one axis."""
    start: int = column("Start", kind="number")
    """First position of its first cell along the last axis."""
    step: int = column("Step", kind="number")
    """Positions of a cell along each axis; the last cell of an axis may be smaller."""
    density: tuple[float, ...] = column()
    """Mean share of all |gradient| at a position of each cell, in four digits; over more than two
    axes, summed over those before the last two."""


@frozen
class ErfTotals:
    """Which unit was measured, how, and what it sees in theory; one number per axis."""

    output: str
    """The module, or `(model)`."""
    axes: tuple[int, ...]
    """Axes of the input along which positions lie."""
    sizes: tuple[int, ...]
    """Positions of the input along each."""
    unit: tuple[int, ...]
    """The unit, along each axis of its output that has any."""
    first: tuple[int, ...]
    """First position that it sees in theory."""
    last: tuple[int, ...]
    """Last position that it sees in theory."""
    local_first: tuple[int, ...] | None
    """The same without ways through reductions over all positions; None where there are none."""
    local_last: tuple[int, ...] | None
    """The same of the last position."""
    outside: float
    """Share of all |gradient| that lies outside; it should be 0."""
    images: int
    """Images over which gradients were averaged."""
    kind: str
    """`random, seed 0`, `random, seeds 0–4`, or `given`."""
    weights: str
    """`random, seed 0`, or `its own`."""


ERF = Section(
    analysis="rf",
    name="erf",
    row_type=ErfRow,
    totals_type=ErfTotals,
    caption="Effective receptive field, measured with gradients",
)

GRADIENTS = Section(
    analysis="rf",
    name="gradients",
    row_type=GradientRow,
    chapter=None,
)
