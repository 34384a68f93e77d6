"""The sections of the effective receptive field, each measure labelled with its definition."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf.erf import notes as erf_notes
from archscope.analyses.rf.erf.rows import ERF, GRADIENTS, ErfRow, ErfTotals, GradientRow
from archscope.errors import UsageError
from archscope.records import frozen
from archscope.results import Section
from archscope.theory import metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from archscope.dependence.answer.fields import Field
    from archscope.dependence.answer.receptive import Receptive
    from archscope.probing.erf import Gradients, Square
    from archscope.subject import Inputs

CONTOUR = 0.95
"""Share of the mass that lies inside the contour."""
MOST_CELLS = 96
"""Cells of the map along an axis; of a larger window, several positions make a cell."""
MOST_CELLS_1D = 512
THEORY = "window of what the operators read"
LOCAL = "the same without reductions over all positions"
SPREAD = "sd of |gradient| along the first axis (Luo et al. 2016)"
FEWEST = "fewest positions with this share of |gradient|"
MASS = "centred square with this share of |gradient|"
REPLKNET = "centred square of log10(1 + gradient) / max (Ding et al. 2022)"


@frozen
class _Window:
    """What a unit sees in theory."""

    first: tuple[int, ...]
    last: tuple[int, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(b - a + 1 for a, b in zip(self.first, self.last, strict=True))

    @property
    def middle(self) -> tuple[int, ...]:
        """The position in the middle; of two, the later one."""
        return tuple((a + b + 1) // 2 for a, b in zip(self.first, self.last, strict=True))


_Windows = tuple[_Window, _Window | None]
"""What a unit sees in theory, and without reductions over all positions where there are any."""


def erf_sections(
    model: nn.Module,
    inputs: Inputs,
    found: Receptive,
    images: int,
    given: Any = None,
    *,
    own_unit: bool = False,
) -> tuple[Section, ...]:
    """Measure the effective receptive field of the chosen output, on the given input's size.

    `own_unit` measures the unit that was asked for, and not the one in the middle.
    """
    from archscope.probing import erf

    target = found.target.value
    unit = found.unit if own_unit else None
    measured = erf.gradients(
        model, inputs, found.given, target, unit=unit, images=images, given=given
    )
    window, local = _windows(found, measured.unit)
    totals = ErfTotals(
        output=found.target.name,
        axes=tuple(found.given.axes),
        sizes=tuple(found.given.sizes),
        unit=tuple(measured.unit[axis] for axis in sorted(measured.unit)),
        first=window.first,
        last=window.last,
        local_first=None if local is None else local.first,
        local_last=None if local is None else local.last,
        outside=erf.outside(measured.magnitude, window.first, window.last),
        images=measured.images,
        kind=_kind(measured.images) if given is None else "given",
        weights="random, seed 0" if erf.has_no_data(model) else "its own",
    )
    own_middle = (local or window).middle
    middle = own_middle if own_unit else tuple(size // 2 for size in totals.sizes)
    rows = tuple(_rows(measured, (window, local), middle, totals.kind))
    return (
        ERF.filled(
            rows,
            totals=totals,
            notes=tuple(erf_notes.notes(totals, middle, rows)),
        ),
        GRADIENTS.filled(
            tuple(_lines(measured.magnitude, window)),
        ),
    )


def _windows(found: Receptive, unit: Mapping[int, int]) -> _Windows:
    """Return all that a unit sees, and what it sees without reductions over all positions."""
    target = found.target.value
    field, near = found.given.total(target), found.given.local(target)
    window = None if field is None else _window(field, unit)
    if field is None or window is None:
        raise UsageError("this unit sees nothing of the input; choose another with --unit")
    local = None if near is None or near.terms is field.terms else _window(near, unit)
    return window, local


def _kind(images: int) -> str:
    return "random, seed 0" if images == 1 else f"random, seeds 0–{images - 1}"


def _window(field: Field, unit: Mapping[int, int]) -> _Window | None:
    """Return what a unit sees of the given input, None where that is nothing."""
    seen = [field.row(axis, dict(unit)).sets[0] for axis in range(len(field.sizes))]
    if not all(seen):
        return None
    first = [metrics.first(each) for each in seen]
    last = [at + metrics.hull(each) - 1 for at, each in zip(first, seen, strict=True)]
    return _Window(first=tuple(first), last=tuple(last))


def _rows(
    measured: Gradients, windows: _Windows, middle: Sequence[int], kind: str
) -> Iterator[ErfRow]:
    from archscope.probing import erf

    mass = measured.magnitude
    window, local = windows
    whole, seen = mass.size, prod(window.sizes)

    def row(measure: str, source: str, positions: float | None = None, **own: Any) -> ErfRow:
        if positions is not None:
            own |= {"area": positions / whole, "of_field": positions / seen}
        return ErfRow(measure=measure, source=source, images=measured.images, kind=kind, **own)

    def of_square(measure: str, source: str, threshold: float, square: Square | None) -> ErfRow:
        if square is None:
            return row(measure, source, threshold=threshold)
        return row(measure, source, square.positions, threshold=threshold, side=square.side)

    yield row("theory", THEORY, seen, side=max(window.sizes))
    if local is not None:
        yield row("local theory", LOCAL, prod(local.sizes), side=max(local.sizes))
    sd = erf.spread(mass)
    yield row("spread", SPREAD, side=sd, unknown="side" if sd is None else "")
    fewest = erf.fewest(mass, CONTOUR)
    unknown = "area, of_field" if fewest is None else ""
    yield row("contour", FEWEST, fewest, threshold=CONTOUR, unknown=unknown)
    inner = tuple(slice(a, b + 1) for a, b in zip(window.first, window.last, strict=True))
    own = [at - a for at, a in zip((local or window).middle, window.first, strict=True)]
    for threshold, square in erf.mass_squares(mass[inner], own):
        yield of_square("raw mass", MASS, threshold, square)
    for threshold, square in erf.replknet_squares(measured.positive, middle):
        yield of_square("RepLKNet area", REPLKNET, threshold, square)


def _lines(mass: NDArray[Any], window: _Window) -> Iterator[GradientRow]:
    """Yield the map around what the unit sees, the mass adding up to one over the whole input."""
    from archscope.probing import erf

    total = float(mass.sum())
    if not total:
        return
    shown = mass.sum(tuple(range(mass.ndim - 2))) / total  # two axes can be drawn, or one
    axes = shown.ndim
    margin = max(2, max(window.sizes[-axes:]) // 10)
    first = [max(place - margin, 0) for place in window.first[-axes:]]
    last = [
        min(place + margin, size - 1)
        for place, size in zip(window.last[-axes:], shown.shape, strict=True)
    ]
    step, density = erf.cells(shown, first, last, MOST_CELLS if axes > 1 else MOST_CELLS_1D)
    for number, cells in enumerate(density.reshape(-1, density.shape[-1])):
        yield GradientRow(
            line=None if axes == 1 else first[0] + number * step,
            start=first[-1],
            step=step,
            density=tuple(float(f"{each:.3e}") for each in cells),
        )
