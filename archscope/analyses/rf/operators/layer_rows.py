"""Rows of the modules that ran, and what a row and the totals share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf.numbers import plain, ratio, together
from archscope.analyses.rf.rows import LayerRow, Sizes

if TYPE_CHECKING:
    from torch import nn

    from archscope.dependence.answer.fields import Field
    from archscope.dependence.answer.layers import Layer
    from archscope.dependence.answer.receptive import Receptive

MOST_CALLS = 8
"""Calls of one module that a table lists; of more it has the first and the last."""


def layers_of(model: nn.Module, found: Receptive) -> tuple[LayerRow, ...]:
    """Return a row for each module that ran; the model itself goes by its parts, if it has any."""
    called = [layer for layer in found.layers if layer.call.path] or found.layers
    rows = [layer_row(model, layer, found) for layer in called]
    looks = [layer.looks for layer in called]
    own = next((layer for layer in found.layers if not layer.call.path), None)
    if own is not None and own not in called:
        row = layer_row(model, own, found)
        if all(_sees_unlike(row, other) for other in rows):
            rows, looks = [*rows, row], [*looks, True]
    last = {layer.call.path: layer.call.number for layer in called}
    many = {
        row.layer
        for row, layer in zip(rows, called, strict=False)
        if row.call not in (1, last[layer.call.path]) and last[layer.call.path] > MOST_CALLS
    }
    return tuple(
        replace(row, listed=row.listed and row.layer not in many) for row in _listed(rows, looks)
    )


def _sees_unlike(one: LayerRow, other: LayerRow) -> bool:
    """Return whether two outputs differ in what they see, as behind a pool between modules."""
    names = ("receptive_field", "local_field", "jump", "output_size", "reached", "global_by")
    return any(getattr(one, name) != getattr(other, name) for name in names)


def _listed(rows: Sequence[LayerRow], looks: Sequence[bool]) -> Iterator[LayerRow]:
    """Yield rows, those alone listed whose module looks at other positions or sees more.

    The last one is listed in any case: nothing else says what it does.
    """
    most = 0
    for number, (row, looks_around) in enumerate(zip(rows, looks, strict=True), start=1):
        sees = max(row.local_field or row.receptive_field, default=0)
        sees_more = row.local_field is not None and sees > most
        yield replace(row, listed=looks_around or sees_more or number == len(rows))
        if row.local_field or not row.global_by:
            most = max(most, sees)


def layer_row(model: nn.Module, layer: Layer, found: Receptive) -> LayerRow:
    """Return what one module's output sees, or that of the model itself."""
    from archscope.dependence.record.module_windows import module_window
    from archscope.running.attributes import part_of

    axes = len(found.given.axes)
    own = module_window(part_of(model, layer.call.path), axes)
    given, seen = found.given.local(layer.value), seen_of(layer)
    unknown = ["reached", "coverage"] if seen["reached"] is None else []
    unknown += ["streams"] if seen["streams"] is None else []
    return LayerRow(
        layer=layer.name,
        type=layer.call.kind,
        call=layer.call.number,
        kind=own.kind,
        axes=axes,
        kernel=own.kernel,
        dilation=own.dilation,
        stride=own.stride,
        padding_before=own.padding_before,
        padding_after=own.padding_after,
        effective_kernel=own.effective_kernel,
        output_size=_units(layer.total) or (None if given is None else _units(given)),
        global_by=layer.global_by or "",
        bounded_by=layer.bounded_by or "",
        at_least=not layer.field.is_whole,
        unknown=", ".join(unknown),
        **seen,
    )


def seen_of(layer: Layer) -> dict[str, Any]:
    """Return the fields that a row and the totals share."""
    total, field, least = layer.total, layer.field, layer.least
    window = _window(field)
    is_global = layer.global_by is not None
    whole = tuple(line.hulls[1] for line in total.lines)
    # Of outputs that all see the same there is no step from one to the next, nor a first position.
    steps = [line.jump or None for line in field.lines]
    jumps, starts = together(steps), layer.start if all(steps) else None
    reached = layer.touched if layer.touched is None or layer.touched <= prod(window) else None
    coverage, coverage_1d = ratio(reached, prod(window)), _shares(touched_1d(field), window)
    if least is not None:
        coverage, coverage_1d = float(least.share), tuple(map(float, least.along))
    return {
        "receptive_field": whole if is_global else window,
        "smallest_field": tuple(line.least for line in (total if is_global else field).lines),
        "local_field": window if is_global and _is_local(layer) else None,
        "jump": None if jumps is None else tuple(map(plain, jumps)),
        "start": starts,
        "centre": None if starts is None else _centre(starts, window),
        "reached": reached,
        "positions": prod(window),
        "coverage": coverage,
        "coverage_1d": coverage_1d,
        "streams": together([line.streams for line in field.lines]),
    }


def _centre(starts: Sizes, window: Sizes) -> tuple[float, ...]:
    middles = (at + Fraction(size - 1, 2) for at, size in zip(starts, window, strict=True))
    return tuple(map(plain, middles))


def _shares(touched: Sizes | None, window: Sizes) -> tuple[float, ...] | None:
    if touched is None:
        return None
    return tuple(one / max(size, 1) for one, size in zip(touched, window, strict=True))


def _window(field: Field) -> Sizes:
    """Return the window of a typical unit; where units lie along no axes, of one that sees most."""
    if field.is_map:
        return tuple(line.hulls[1] for line in field.lines)
    rows = (field.row(axis, field.typical) for axis in range(len(field.sizes)))
    return tuple(int(row.widths[0]) for row in rows)


def _is_local(layer: Layer) -> bool:
    return layer.field.terms is not layer.total.terms and any(
        pattern.units for pattern in layer.field.patterns
    )


def _units(field: Field) -> Sizes | None:
    axes = [field.map_axis(axis) for axis in range(len(field.sizes))]
    return tuple(field.value.shape[a] for a in axes if a is not None) if None not in axes else None


def touched_1d(field: Field) -> Sizes | None:
    """Return how many positions a unit sees along each axis; None where it sees none."""
    unit = field.typical
    seen = [field.row(axis, unit).sets[0].bit_count() for axis in range(len(field.lines))]
    return tuple(seen) if all(seen) else None
