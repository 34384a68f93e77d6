"""What outputs see of the past and the future, in words; and the sets that are not window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from archscope.analyses.rf.numbers import counted
from archscope.results import Note

if TYPE_CHECKING:
    from archscope.analyses.rf.totals import Totals
    from archscope.dependence.answer.causality import Causality, Leak
    from archscope.dependence.answer.receptive import Receptive

MODEL = "(model)"
"""What the model itself is called among its modules."""
BOTH_WAYS = "flip"
"""The operator that runs a sequence from its end: nobody writes it by mistake."""
MODULES_NAMED = 4
"""Modules that a note names before it counts the rest."""
RUNS_NAMED = 4
"""Runs of positions that a sentence lists."""


def orders(found: Receptive) -> tuple[Causality | None, ...]:
    """Return what the chosen output sees of the future, along each axis."""
    from archscope.dependence.answer.causality import causality

    exam, value = found.given, found.target.value
    jumps = [line.jump or None for line in found.target.field.lines]  # of 9 frames to 5 it is 2
    return tuple(causality(exam, value, axis, jump) for axis, jump in enumerate(jumps))


def ahead(found: Receptive, known: Sequence[Causality | None]) -> int | None:
    """Return how far ahead of its own place an output of a sequence sees; None: not known."""
    if len(known) != 1 or known[0] is None or found.target.bounded_by is not None:
        return None
    reach = known[0].reach
    return max(reach.ahead, 0) if reach.is_aligned and reach.jump == 1 else None


def others_ahead(found: Receptive) -> dict[str, int]:
    """Return how far ahead of its own place each other output sees along the first axis, by place,
    of those that do. The last state alone has no place of its own."""
    from archscope.dependence.answer.causality import reach_of

    ahead = {}
    for place, layer in found.others.items():
        jump = layer.field.lines[0].jump if layer.field.lines else None
        reach = reach_of(found.given, layer.value, 0, jump or None)
        if layer.bounded_by is not None or reach is None or reach.jump >= found.given.sizes[0]:
            continue
        if reach.is_aligned and reach.ahead > 0:
            ahead[place] = reach.ahead
    return ahead


def order_notes(
    found: Receptive, totals: Totals, known: Sequence[Causality | None]
) -> Iterator[Note]:
    """Yield whether outputs see later positions, along axes that may be time, and by what."""
    if found.target.bounded_by is not None:
        return  # the bound's own note says that nothing is known for certain
    for order in known:
        if order is None or order.reach.width < 2:
            continue
        where = "" if len(known) == 1 else f" along axis {found.given.axes[order.axis]}"
        if order.reach.ahead <= 0 and order.reach.is_aligned:
            later = others_ahead(found) if not order.axis else {}
            yield _causal(order, where, totals, later)
        elif order.reach.is_aligned and len(known) in (1, 3) and not order.axis:
            is_inner = found.is_before  # of its own output no position is told apart
            yield _not_causal(order, where, is_inner=is_inner, is_meant=_is_meant(found, order))


def _is_meant(found: Receptive, order: Causality) -> bool:
    """Return whether nobody expects outputs to be causal: those of a codec, whose decoder makes
    samples of frames, what is made of a condition that is coarser than they are, and what looks
    ahead beside recurrent layers.

    Tokens are read one after the other, and a frame that sees those that come is a leak.
    """
    reach, studied = order.reach, found.inputs[found.given.input]
    is_signal = studied.is_floating_point() or studied.is_complex()
    if reach.ahead < reach.jump or (is_signal and _is_beside_states(found, order)):
        return True
    if reach.jump < 1:
        sizes = {size for one in found.inputs.values() if one is not studied for size in one.shape}
        field = found.given.local_or_total(found.target.value)
        own = None if field is None else field.map_axis(order.axis)
        return own is not None and found.target.value.shape[own] in sizes
    return reach.ahead < reach.frame and is_signal


def _is_beside_states(found: Receptive, order: Causality) -> bool:
    """Return whether recurrent layers alone look back, which do so in any case and claim nothing,
    while others look a few steps ahead (Amodei et al. 2016), or run both ways.

    What looks to the end by other ways, as a norm over all steps, is a mistake beside them too.
    """
    last = found.given.sizes[order.axis] - 1
    return set(order.backward) <= set(order.recurrent) and all(
        leak.ahead < last or leak.path in order.recurrent for leak in order.leaks
    )


def _causal(order: Causality, where: str, totals: Totals, later: dict[str, int]) -> Note:
    """Return that the chosen output sees no later position, and which others do."""
    own = ", nor its own" if order.reach.ahead < 0 else ""
    if later:
        looks = f"output {next(iter(later))} looks"
        looks = looks if len(later) == 1 else f"outputs {', '.join(later)} look"
        far = counted(max(later.values()), "position")
        said = f"{totals.output} sees no later position{where}{own}, but {looks} up to {far} ahead"
        return Note(level="warning", text=said)
    if totals.output == MODEL or totals.reads_all:
        return Note(level="ok", text=f"Causal{where}: no output sees a later position{own}.")
    return Note(level="ok", text=f"Causal{where}: {totals.output} sees no later position{own}.")


def _not_causal(order: Causality, where: str, *, is_inner: bool, is_meant: bool) -> Note:
    """Return that outputs look ahead: a leak, where most modules of the network look back alone.

    A map before an output that reads all positions in any case leaks nothing, nor is it known which
    module leaks behind maps whose units have no places of their own. Frames that see no later one,
    as those of a causal codec (Défossez et al. 2022), are causal at their rate.
    """
    reach, leaks = order.reach, order.leaks
    later = counted(reach.ahead, "position")
    meant = is_meant or all(leak.operator == BOTH_WAYS or leak.block > 1 for leak in leaks)
    is_inner = is_inner or not all(leak.is_its_own for leak in leaks)
    if leaks and len(leaks) <= len(order.backward) and not (meant or is_inner):
        named = ", ".join(_looks(leak) for leak in leaks[:MODULES_NAMED])
        more = len(leaks) - MODULES_NAMED
        others = f" and {counted(more, 'other')}" if more > 0 else ""
        alone = counted(len(order.backward), "module")
        return Note(
            level="warning",
            text=f"Leak: not causal{where}, outputs look up to {later} ahead. {named}{others}, "
            f"while {alone} look{'s' * (len(order.backward) == 1)} back alone.",
        )
    blocks = {leak.block for leak in leaks} - {1}
    frame = reach.jump if reach.ahead < reach.jump or len(blocks) == 1 else reach.frame
    parts = f", in blocks of {blocks.pop():,}" if len(blocks) == 1 else ""
    parts = f", within their own frame of {frame} positions" if reach.ahead < frame else parts
    since = f"{parts}, from {_culprit(leaks[0])} on" if leaks else ""
    return Note(
        level="info",
        text=f"not causal{where}: outputs look up to {later} ahead of their own{since}",
    )


def _looks(leak: Leak) -> str:
    return f"{_culprit(leak)} looks {counted(leak.ahead - max(leak.before, 0), 'position')} ahead"


def _culprit(leak: Leak) -> str:
    if leak.operator:
        return f"{leak.operator} in {leak.path or 'the forward of the model'}"
    return leak.path or MODEL


def sees_apart(found: Receptive) -> str:
    """Return what a unit sees that sees no window but several runs; empty where that is long.

    "sees the first position and the last 7" of attention with a sink.
    """
    from archscope.dependence.answer.causality import own_place
    from archscope.theory.metrics import runs

    field, unit = found.target.field, found.target.field.typical
    own = field.map_axis(0)
    if len(field.sizes) != 1 or own is None:
        return ""
    parts = runs(field.row(0, unit).sets[0])
    place = own_place(field, 0, unit[own])
    if place is None or not 1 < len(parts) <= RUNS_NAMED:
        return ""
    return " and ".join(_run(first, last, place) for first, last in parts)


def _run(first: int, last: int, own: int) -> str:
    count = last - first + 1
    if last == own:
        return f"the last {count:,} up to its own" if count > 1 else "its own"
    if first == 0:
        return f"the first {count:,}" if count > 1 else "the first"
    if last < own:
        return f"{_span(own - last, own - first)} before its own"
    if first > own:
        return f"{_span(first - own, last - own)} after its own"
    return f"{own - first:,} before to {last - own:,} after its own"


def _span(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
