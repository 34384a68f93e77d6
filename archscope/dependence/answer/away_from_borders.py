"""The same model on larger inputs, until an output is away from all borders.

Where every output reaches the border of the given input, its window is not known from that; then
the model is looked at again on larger inputs, which costs little, since nothing is computed.
"""

from __future__ import annotations

from torch import nn

from archscope.dependence.answer.examine import Examination
from archscope.dependence.answer.fields import Field, has_units
from archscope.dependence.answer.growing_windows import growing, sums_far
from archscope.dependence.answer.growth import (
    ALIKE,
    CLEAR,
    FIXED,
    GROWING,
    NOTHING,
    TOO_LARGE,
    Growth,
    Rerun,
    is_too_large,
    sees_as_much,
)
from archscope.dependence.answer.interior import step, unclear_axes
from archscope.dependence.record.graph import Value
from archscope.subject import Inputs


def away_from_borders(
    model: nn.Module, inputs: Inputs, given: Examination, value: Value
) -> tuple[Examination, Growth]:
    """Return the smallest pass in which outputs are away from all borders, or nearest to it."""
    field = given.local_or_total(value)
    if field is None or field.is_empty or not has_units(field):
        return given, Growth(sizes=given.sizes, reason=NOTHING)
    rerun = Rerun(model, inputs, given, value)
    best, last, together = given, given, False
    grows = {} if field.is_whole else _growing_already(rerun, unclear_axes(given, field))
    while axes := [axis for axis in unclear_axes(last, field) if axis not in grows]:
        sizes = _larger(last, axes, last.again(value) or value)
        if is_too_large(last, sizes):
            reason, detail = TOO_LARGE, "×".join(map(str, sizes))
            break
        far = sizes if last is given else _with_room(last, sizes, axes, last.again(value) or value)
        found = rerun.on_larger(far, together=together)
        if far != sizes and isinstance(found, Growth):
            found = rerun.on_larger(sizes, together=together)
        if isinstance(found, Growth):
            reason, detail = found.reason, found.detail
            break
        larger, together = found
        wider = larger.local_or_total(larger.again(value))
        is_of_a_crop = wider is not None and _is_of_a_crop(field, wider)
        if wider is None or is_of_a_crop or not field.maps_alike(wider):
            reason, detail = ALIKE if is_of_a_crop else FIXED, ""
            break
        if last is given:
            grows |= _growing_axes(rerun, larger, axes, together=together)
        last, field = larger, wider
        if field.is_whole and field.is_narrow and not grows:
            best = larger
    else:
        left = [grows[axis] for axis in unclear_axes(last, field)]
        reason, detail = (GROWING, left[0]) if left else (CLEAR, "")
    if reason == CLEAR and best is given:
        best, together = _beside_others(rerun)
        last = best
    return best, Growth(sizes=last.sizes, reason=reason, detail=detail, together=together)


def _larger(last: Examination, axes: list[int], value: Value) -> tuple[int, ...]:
    """Return sizes twice as large along some axes, or more: by a stride, that outputs are added."""
    sizes = _doubled(last.sizes, axes)
    while any(sizes[axis] - last.sizes[axis] < step(last, value, axis) for axis in axes):
        sizes = _doubled(sizes, axes)
    return sizes


def _with_room(
    last: Examination, sizes: tuple[int, ...], axes: list[int], value: Value
) -> tuple[int, ...]:
    """Return sizes doubled further while they are no more than what it is made of is known to see.

    These are not clear of the borders: there is no need to look at the model on them.
    """
    before = last.ancestors(value)
    places = {axis: last.places(axis).items() for axis in axes}
    reaches = {
        axis: max((place.reach for each, place in known if each in before), default=0)
        for axis, known in places.items()
    }
    while left := [axis for axis in axes if sizes[axis] <= reaches[axis]]:
        larger = _doubled(sizes, left)
        if is_too_large(last, larger):
            break
        sizes = larger
    return sizes


def _doubled(sizes: tuple[int, ...], axes: list[int]) -> tuple[int, ...]:
    return tuple(size * (1 + (axis in axes)) for axis, size in enumerate(sizes))


def _growing_already(rerun: Rerun, axes: list[int]) -> dict[int, str]:
    """Return the axis along which windows are larger than on half the input, and the first module
    that has such; empty where that is not so, or was not asked.

    It is asked of running sums alone, of which half tells what twice the input does, for a quarter
    of the work: a mask may be of a window that is wider than the input, and end.
    """
    given = rerun.given
    if len(axes) != 1 or not sums_far(given):
        return {}
    sizes = tuple(size // (1 + (axis in axes)) for axis, size in enumerate(given.sizes))
    smaller = rerun.on(sizes, together=False)
    target = None if isinstance(smaller, Growth) else smaller.again(rerun.target)
    if isinstance(smaller, Growth) or target is None:
        return {}
    by = growing(smaller, given, target)
    return {} if by is None else {axes[0]: by}


def _growing_axes(
    rerun: Rerun, larger: Examination, axes: list[int], *, together: bool
) -> dict[int, str]:
    """Return the axes along which windows are larger on twice the input, and the first module that
    has such: each is tried alone, where the model runs so.
    """
    given, target = rerun.given, rerun.target
    if growing(given, larger, target) is None:
        return {}
    found = {}
    for axis in axes:
        alone: Examination | Growth = larger
        if len(axes) > 1:
            alone = rerun.on(_doubled(given.sizes, [axis]), together=together)
        by = growing(given, larger if isinstance(alone, Growth) else alone, target)
        found.update({} if by is None else {axis: by})
    return found


def _is_of_a_crop(one: Field, two: Field) -> bool:
    """Return whether outputs see the same positions of two inputs, and not all of either."""
    return sees_as_much(one, two) and one.together == two.together


def _beside_others(rerun: Rerun) -> tuple[Examination, bool]:
    """Return a pass in which an output that is alone along an axis has others beside it.

    A classifier of patches makes one output of one patch: how the next would lie is known of a
    larger input alone. Where it does not run on one, or sees more there, the given one stays.
    """
    given, target = rerun.given, rerun.target
    field = given.local_or_total(target)
    assert field is not None
    alone = [
        axis
        for axis, line in enumerate(field.lines)
        if field.map_axis(axis) is not None and len(line.entries) == 1
    ]
    sizes = _doubled(given.sizes, alone)
    if not alone or is_too_large(given, sizes):
        return given, False
    found = rerun.on_larger(sizes, together=False)
    if isinstance(found, Growth):
        return given, False
    larger, _ = found
    wider = larger.local_or_total(larger.again(target))
    if wider is None or not wider.is_map or unclear_axes(larger, wider):
        return given, False
    alike = all(a.hulls == b.hulls for a, b in zip(field.lines, wider.lines, strict=True))
    several = all(len(line.entries) > 1 for line in wider.lines)
    return found if alike and several else (given, False)
