"""Where an answer is tried: the given input, or where its window was found on a larger one, the
smallest on which it is the same.

A network that is too slow there is run on strips: long along one axis and short along the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil, prod

from torch import nn

from archscope.dependence.answer.backward import ways
from archscope.dependence.answer.examine import Examination, examine
from archscope.dependence.answer.fields import has_units
from archscope.dependence.answer.receptive import Receptive
from archscope.dependence.answer.resizing import resized
from archscope.dependence.record.graph import Graph, Value
from archscope.dependence.sets.products import over
from archscope.errors import ArchscopeError
from archscope.probing.bisection import Mask, box
from archscope.subject import Inputs

WIDTHS = (1, 4, 16, 32, 64, 256)
"""Positions across a strip that are tried, until the network runs and sees the same along it."""
STRIDE = 64
"""Positions by which an input is made shorter: a multiple of the strides of most networks."""
LEAST = 16
"""Positions of the smallest input that is tried instead of the given one."""
EFFORT = 0.5
"""How much of the time of a proof on a whole input one on a strip is content with."""

GRADIENT_LIMIT = 2 << 30
"""Bytes of all maps in float64, which a gradient needs at once."""
_VIEWS = frozenset(
    (
        *("view", "_unsafe_view", "reshape", "expand", "permute", "transpose", "t", "alias"),
        *("unsqueeze", "squeeze", "slice", "select", "split", "unbind", "chunk", "detach"),
    )
)

Affordable = Callable[[float], bool]
"""Whether there is time for a proof on an input of so many positions."""


@dataclass(frozen=True, eq=False)
class Claim:
    """One unit of one output on one input, and the positions that it sees, as the graph says."""

    inputs: Inputs
    exam: Examination
    target: Value
    unit: dict[int, int]
    """By axis of the target."""
    mask: Mask
    """Over the input's axes of positions."""
    local: bool
    """Whether reductions over all positions are held, so that it sees what is left without."""
    along: tuple[int, ...]
    """The axes of positions that it tells about, by number: all, or the long one of a strip."""
    is_own: bool = False
    """Whether it is the network's own output, where another was chosen: one before all is read."""
    instead_of: tuple[int, ...] | None = None
    """The positions of the given input, where that takes too long and this one is smaller."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Positions of the input."""
        return self.mask.shape


def claims(
    model: nn.Module, inputs: Inputs, found: Receptive, affordable: Affordable
) -> Iterator[Claim | str]:
    """Yield where the answer is to be tried, or why some of it cannot be; together they are it.

    Where the network's own output sees everything, and the answer is also of a map before it, that
    is tried first; also where it is a place of that map, which sees everything itself.
    """
    sees_all = found.output_is_all is not None or found.target.global_by is not None
    if found.is_before and sees_all:
        yield _own(model, inputs, found, affordable) or (
            f"an input of {_by(found.given.sizes)} takes too long to run, and the network's own "
            "output was not tried"
        )
    yield from _of_target(model, inputs, found, affordable)


def _own(
    model: nn.Module, inputs: Inputs, found: Receptive, affordable: Affordable
) -> Claim | None:
    """Return the network's own output, on the given input or as it is on a smaller one."""
    given = found.given
    value = next(
        one
        for one in given.graph.outputs.values()
        if one != found.target.value and given.seen(one) and not has_units(given.local(one))
    )
    if affordable(2 * prod(given.sizes)) and has_room(given.graph):
        made = _made(inputs, given, value, _typical(given, value), local=False)
        claim = next(made, None)
        return None if claim is None else replace(claim, is_own=True)
    less = _all_of_less(model, inputs, found, affordable, value)
    return None if less is None else replace(less, is_own=True)


def _of_target(
    model: nn.Module, inputs: Inputs, found: Receptive, affordable: Affordable
) -> Iterator[Claim | str]:
    """Yield where what is said of the chosen output is to be tried."""
    value, best, given = found.target.value, found.best, found.given
    again = best.again(value) or value
    if found.own_unit:
        yield from _made(inputs, given, value, found.unit, local=False)
        return
    is_local = best.without_reductions(again) and has_units(best.local(again))
    if best is given and not is_local:
        if affordable(prod(given.sizes)) and has_room(given.graph):
            yield from _made(inputs, given, value, found.unit, local=False)
        else:
            yield from _cheaper(model, inputs, found, affordable, local=False)
        return
    if is_local and not affordable(prod(given.sizes)):
        yield _all_of_less(model, inputs, found, affordable, value) or (
            f"an input of {_by(given.sizes)} takes too long to run, and nothing was tried"
        )
    elif is_local:
        unit = found.unit if best is given else _typical(given, value)
        yield from _made(inputs, given, value, unit, local=False)
    tight = None if best is given else _tight(model, inputs, found, affordable, local=is_local)
    if tight is not None:
        yield tight
    elif affordable(prod(best.sizes)) and (is_local or has_room(best.graph)):
        is_given, together = best is given, found.growth.together
        larger = inputs if is_given else resized(inputs, best, best.sizes, together=together)
        yield from _made(larger, best, again, found.unit, local=is_local)
    else:
        yield from _cheaper(model, inputs, found, affordable, local=is_local)


def _tight(
    model: nn.Module, inputs: Inputs, found: Receptive, affordable: Affordable, *, local: bool
) -> Claim | None:
    """Return a unit that sees what the answer says on the smallest input that has one: the larger
    one on which a window was found is often twice as long as the window."""
    wanted = []
    for size, line in zip(found.best.sizes, found.target.field.lines, strict=True):
        room = line.hulls[1] + ceil(line.jump or 1)  # some unit is clear of both ends
        wanted.append(min(size, room + (size - room) % STRIDE))
    sizes = tuple(wanted)
    if sizes == found.best.sizes or not affordable(prod(sizes)):
        return None
    claim = _on(model, inputs, found, sizes, tuple(range(len(sizes))), local=local)
    if claim is None or not _is_alike(found, claim) or not (local or has_room(claim.exam.graph)):
        return None
    is_counted = found.target.touched in (None, int(claim.mask.sum()))
    return claim if is_counted else None


def _all_of_less(
    model: nn.Module, inputs: Inputs, found: Receptive, affordable: Affordable, value: Value
) -> Claim | None:
    """Return a unit that sees all of a smaller input, as the answer says that it does of the given.

    That it sees all of less is a bound: windows as wide as less would do the same.
    """
    for sizes in (*_shorter(found.given.sizes), *_halves(found.given.sizes)):
        if affordable(2 * prod(sizes)):
            along = tuple(range(len(sizes)))
            claim = _on(model, inputs, found, sizes, along, local=False, value=value)
            sees_all = claim and claim.mask.all() and has_room(claim.exam.graph)
            return replace(claim, instead_of=found.given.sizes) if claim and sees_all else None
    return None


def _cheaper(
    model: nn.Module, inputs: Inputs, found: Receptive, affordable: Affordable, *, local: bool
) -> Iterator[Claim | str]:
    """Yield a smaller input with the same window, or strips; or what can be run at all."""

    def smaller(share: float) -> Claim | None:
        return _smaller(
            model, inputs, found, lambda positions: affordable(share * positions), local=local
        )

    every = range(len(found.best.sizes))
    effort = 1.0 if len(every) > 1 else EFFORT  # a line has no strips to fall back on
    claim = None
    for share in (2 * effort, effort):
        claim = smaller(share)
        if claim and _is_alike(found, claim):
            yield claim
            return
    strips = [_strip(model, inputs, found, axis, affordable, local=local) for axis in every]
    made = [strip for strip in strips if strip is not None]
    later = None if made else smaller(effort * EFFORT)
    if later and _is_alike(found, later):
        yield later
        return
    less = made or [one for one in (claim or later,) if one]
    yield from less
    if not less and found.best is found.given:  # as far as the time goes
        yield from _made(inputs, found.given, found.target.value, found.unit, local=local)
    elif len(made) < len(every):
        tried = "strips of it alone were" if made else "less was" if less else "nothing was"
        yield f"an input of {_by(found.best.sizes)} takes too long to run, and {tried} tried"


def _smaller(
    model: nn.Module, inputs: Inputs, found: Receptive, affordable: Affordable, *, local: bool
) -> Claim | None:
    """Return the same on the largest smaller input for which there are time and room."""
    for sizes in _shorter(found.best.sizes):
        if affordable(prod(sizes)):
            claim = _on(model, inputs, found, sizes, tuple(range(len(sizes))), local=local)
            if claim is None or has_room(claim.exam.graph):
                return claim
    return None


def _shorter(sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield smaller and smaller inputs, each shorter by multiples of `STRIDE`.

    So maps within come out with the borders and remainders of the whole input.
    """
    for less in range(STRIDE, max(sizes), STRIDE):
        yield tuple(max(size - less, (size - 1) % STRIDE + 1) for size in sizes)


def _halves(sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield inputs that are shorter still, for which `_shorter` is too coarse."""
    for size in (STRIDE >> times for times in range(1, STRIDE.bit_length())):
        if size >= LEAST:
            yield tuple(min(own, size) for own in sizes)


def _strip(
    model: nn.Module,
    inputs: Inputs,
    found: Receptive,
    axis: int,
    affordable: Affordable,
    *,
    local: bool,
) -> Claim | None:
    for width in WIDTHS if len(found.best.sizes) > 1 else ():
        sizes = tuple(
            size if own == axis else min(width, size) for own, size in enumerate(found.best.sizes)
        )
        claim = affordable(EFFORT * prod(sizes)) and _on(
            model, inputs, found, sizes, (axis,), local=local
        )
        if claim and _is_alike(found, claim):
            return claim
    return None


def _on(
    model: nn.Module,
    inputs: Inputs,
    found: Receptive,
    sizes: tuple[int, ...],
    along: tuple[int, ...],
    *,
    local: bool,
    value: Value | None = None,
) -> Claim | None:
    """Return an output, the chosen one by default, on an input of another size; None where it does
    not run so."""
    for together in dict.fromkeys((found.growth.together, True)):  # token types are as long
        other = resized(inputs, found.given, sizes, together=together)
        try:
            exam = examine(model, other, studied=found.given.input, axes=found.given.axes)
        except ArchscopeError:
            continue
        again = exam.again(found.target.value if value is None else value)
        field = None if again is None else exam.local(again) if local else exam.total(again)
        if exam.graph.failure is None and again is not None and field is not None:
            made = _made(other, exam, again, field.typical, local=local, along=along)
            return next(made, None)
    return None


def _is_alike(found: Receptive, claim: Claim) -> bool:
    """Return whether its unit sees as far along its axes as the answer says."""
    edges = box(claim.mask)
    windows = [line.hulls[1] for line in found.target.field.lines]
    return all(edges[axis][1] - edges[axis][0] + 1 == windows[axis] for axis in claim.along)


def _made(
    inputs: Inputs,
    exam: Examination,
    value: Value,
    unit: dict[int, int],
    *,
    local: bool,
    along: tuple[int, ...] | None = None,
) -> Iterator[Claim]:
    field = exam.local(value) if local else exam.total(value)
    mask = None if field is None else _claimed(exam, value, unit, local=local)
    if field is None or mask is None or not mask.any():
        return
    middle = {axis: value.shape[axis] // 2 for axis in field.unit_axes}
    if mask.all() and middle and not local:
        # The last token of a causal model sees everything; one in the middle shows more.
        again = _claimed(exam, value, middle, local=local)
        if again is not None and again.any():
            unit, mask = middle, again
    every = tuple(range(len(exam.sizes)))
    yield Claim(inputs, exam, value, unit, mask, local, every if along is None else along)


def _claimed(exam: Examination, value: Value, unit: dict[int, int], *, local: bool) -> Mask | None:
    cut = exam.dependences.cut if local else frozenset()
    back = ways(exam.lowered, value, unit, [exam.seed], without=cut)
    return over(back[exam.seed], exam.axes) > 0 if exam.seed in back else None


def _typical(exam: Examination, value: Value) -> dict[int, int]:
    """Return a unit in the middle, also where all units see the same and all."""
    field = exam.local(value) if has_units(exam.local(value)) else exam.total(value)
    return {} if field is None else field.typical


def _by(sizes: tuple[int, ...]) -> str:
    return "×".join(f"{size:,}" for size in sizes)


def has_room(graph: Graph) -> bool:
    """Return whether a gradient fits, for which all maps are kept; views of them take nothing."""
    made = [node for node in graph.nodes if node.operator not in _VIEWS]
    kept = sum(prod(value.shape) for node in made for value in node.outputs if value is not None)
    return 8 * kept <= GRADIENT_LIMIT
