"""How far back and ahead outputs see, and which module first lets them see later positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.answer.axis_roles import RECURRENT
from archscope.dependence.answer.examine import Examination
from archscope.dependence.answer.fields import Field
from archscope.dependence.answer.forward import look
from archscope.dependence.record.graph import Call, Node, Value
from archscope.dependence.sets.lines import FEWEST_TURNS, LONGEST_PERIOD, Line
from archscope.records import frozen

MOST_ASKED = 64
"""Units that are asked whether they see the position that they belong to."""


@frozen
class Reach:
    """How far from its own place an output sees along one axis, at most."""

    behind: int
    """Positions before its own place; negative: it sees none that is not later."""
    ahead: int
    """Positions after its own place; negative: not even its own."""
    width: int
    """Positions from the first to the last that one output sees, at most."""
    jump: Fraction
    """Positions from one unit to the next."""
    is_aligned: bool
    """Whether there is an output for each place, so that outputs belong to positions."""
    block: int = 1
    """Outputs after which how far they see ahead repeats, as in blocks."""
    frame: int = 1
    """Positions of a frame of which outputs see up to the end, and no later one: of a codec, whose
    decoder makes samples of frames; 1: there is none such."""
    beyond: Fraction = Fraction(0)
    """Positions after its own place, of a place that is not rounded down: beside samples that one
    frame became a convolution looks ahead by less than a frame."""


@frozen
class Leak:
    """A module whose output sees further ahead than its inputs did."""

    path: str
    """The module, the innermost that does so; empty: the model's own forward."""
    operator: str
    """The operator that does, where that is the model's own forward; else empty."""
    ahead: int
    """How many positions ahead of its own an output of it sees, at most."""
    before: int
    """The same of its inputs."""
    is_its_own: bool = True
    """Whether its inputs have a place for each position, so that what it adds is its own."""
    block: int = 1
    """Positions of a block, by which outputs see ahead: nobody writes that by mistake."""


@frozen
class Causality:
    """What the outputs of a sequence model see of the future, along one axis."""

    axis: int
    """Which of the axes of positions."""
    reach: Reach
    """How far outputs see."""
    leaks: tuple[Leak, ...] = ()
    """The modules that look ahead, in order."""
    backward: tuple[str, ...] = ()
    """The modules that look back alone, as those of a causal model do."""
    recurrent: tuple[str, ...] = ()
    """Those of either that do so by their state: recurrent layers, forward or both ways."""


def causality(
    exam: Examination, output: Value, axis: int = 0, jump: Fraction | None = None
) -> Causality | None:
    """Return what an output sees ahead along an axis; None where its units have no places there.

    `jump` is from one unit to the next, where it is known of a larger input alone.
    """
    reach = reach_of(exam, output, axis, jump)
    if reach is None:
        return None
    if reach.ahead <= 0:
        return Causality(axis=axis, reach=reach)
    leaks, backward = _modules(exam, axis)
    if not leaks or leaks[0].before or not leaks[0].is_its_own:  # an operator may have come first
        own = [leak for leak in _own_leak(exam, axis) if leak.operator or not leaks]
        leaks = own + [leak for leak in leaks if not own or leak.ahead > own[0].ahead]
    named = [*backward, *(leak.path for leak in leaks if leak.path and not leak.operator)]
    recurrent = [path for path in named if _recurs(exam, path, axis)]
    return Causality(
        axis=axis,
        reach=reach,
        leaks=tuple(leaks),
        backward=tuple(backward),
        recurrent=tuple(recurrent),
    )


def reach_of(
    exam: Examination, value: Value, axis: int, jump: Fraction | None = None
) -> Reach | None:
    """Return how far from its own place an element sees along an axis, at most.

    The place of unit u is u times the jump, rounded down: of strided and up-sampled maps too.
    Behind a reduction over all positions every unit sees all, and has its place as before.
    """
    total = exam.total(value)
    if total is None:
        return None
    size = exam.sizes[axis]
    local = exam.local(value)
    placed = None if local is None else local.map_axis(axis)
    units = 0 if placed is None else value.shape[placed]
    beside = jump_of(local.lines[axis], units, size) if local is not None and units else None
    if total.map_axis(axis) is not None:
        return _of_line(total.lines[axis], size, jump or beside)
    if beside is None or total.patterns[axis].units or total.lines[axis].hulls[1] != size:
        return None
    jump = beside
    last = int((units - 1) * jump)
    return Reach(
        behind=last,
        ahead=size - 1,
        width=size,
        jump=jump,
        is_aligned=_is_aligned(units, jump, size),
    )


def _of_line(line: Line, size: int, jump: Fraction | None = None) -> Reach | None:
    units = np.flatnonzero(line.kinds)
    jump = jump_of(line, len(line.entries), size) or jump
    if jump is None or not len(units):
        return None
    places = _places(units, jump)
    starts, widths = line.firsts[units], line.widths[units]
    return Reach(
        behind=int((places - starts).max()),
        ahead=int((starts + widths - 1 - places).max()),
        width=int(widths.max()),
        jump=jump,
        is_aligned=_is_aligned(len(line.entries), jump, size),
        block=_block_of(line, jump),
        frame=_frame(line) if jump == 1 else 1,
        beyond=_beyond(units, starts + widths - 1, jump),
    )


def _block_of(line: Line, jump: Fraction) -> int:
    """Return after how many outputs it repeats how far they see ahead, where those of a block see
    up to the same position; 1: so do none, as in a convolution over periods that are folded."""
    period = (steady_ahead(line, jump) or (1, 0))[0]
    units = np.flatnonzero(line.kinds)
    ends = line.firsts[units] + line.widths[units] - 1
    moves = np.flatnonzero(np.diff(ends[ends < line.size - 1]))
    return period if (np.diff(moves) >= period).all() else 1


def _frame(line: Line) -> int:
    """Return after how many outputs, one for each position, the last position that they see moves
    on, where those in between see the same and the last of them none that is later; 1: none."""
    units = np.flatnonzero(line.kinds)
    ends = line.firsts[units] + line.widths[units] - 1
    before = units[ends < line.size - 1]  # of what a border may cut short nothing is told
    moves = 1 + np.flatnonzero(np.diff(ends[: len(before)]))
    if len(moves) < FEWEST_TURNS or (np.diff(before) != 1).any():
        return 1
    size = int(moves[1] - moves[0])
    last = units[moves - 1]  # of each frame
    in_step = (np.diff(moves) == size).all() and (np.diff(ends[moves - 1]) == size).all()
    return size if in_step and moves[0] <= size and (ends[moves - 1] <= last).all() else 1


def _beyond(units: NDArray[np.int64], lasts: NDArray[np.int64], jump: Fraction) -> Fraction:
    """Return how far after its own place, as a fraction, a unit sees at most."""
    most = int((lasts * jump.denominator - units * jump.numerator).max())
    return Fraction(most, jump.denominator)


def steady_ahead(line: Line, jump: Fraction) -> tuple[int, int] | None:
    """Return after how many outputs it repeats how far they see ahead, and how far that is at most;
    None where it does not, as of what sees up to the end of any input.

    Of outputs that are away from the end: those at the start may see less of what is before them.
    """
    units = np.flatnonzero(line.kinds)
    ahead = line.firsts[units] + line.widths[units] - 1 - _places(units, jump)
    most = int(ahead.max(initial=0))
    inside = _places(units, jump) + most < line.size
    units, ahead = units[inside], ahead[inside]
    if not len(units) or (np.diff(units) != 1).any():
        return None
    periods = range(1, min(LONGEST_PERIOD, len(units) // FEWEST_TURNS) + 1)
    steady = (each for each in periods if (ahead[each:] == ahead[:-each]).all())
    return next(((each, most) for each in steady), None)


def _places(units: NDArray[np.int64], jump: Fraction) -> NDArray[np.int64]:
    return units * jump.numerator // jump.denominator


def jump_of(line: Line, units: int, size: int) -> Fraction | None:
    """Return the positions from unit to unit; by their number, where windows are not alike."""
    if jump := line.jump or line.jump_of_ends:
        return jump
    if units and (size % units == 0 or units % size == 0):
        return Fraction(size, units)
    return None


def _is_aligned(units: int, jump: Fraction, size: int) -> bool:
    return units in (size // jump, -(-size // jump))


def _modules(exam: Examination, axis: int) -> tuple[list[Leak], list[str]]:
    """Return the modules that look ahead, and those that look around but not ahead."""
    known: dict[Value, Reach | None] = {}

    def reach(value: Value) -> Reach | None:
        if value not in known:
            known[value] = reach_of(exam, value, axis)
        return known[value]

    leaks, backward = [], []
    furthest = 0  # inputs that are padded on one side only look behind where they lie
    beyond, further = Fraction(0), []
    for call in exam.graph.calls:
        before = [found for value in call.inputs if (found := reach(value)) is not None]
        after = reach(call.outputs[0]) if call.outputs else None
        if after is None or not before or len(before) != len(call.inputs):
            continue
        placed = [one.ahead for one in before if one.is_aligned]
        least = max(furthest, *placed, 0)
        beyond = max([beyond, *(one.beyond for one in before if one.is_aligned)])
        # Frames that see all of the input do so before a module joins them to places again.
        whole = (one.ahead for one in before if one.width == exam.sizes[axis])
        if after.ahead > max([least, *whole]) and after.is_aligned:
            padded = None if placed else _padded_by(exam, call, reach)
            path, given = padded or (call.path, least)
            if after.ahead > given:  # what was padded may look ahead already, by a slice
                leak = Leak(path=path, operator="", ahead=after.ahead, before=given)
                own = padded is not None or bool(placed)
                leaks.append(replace(leak, is_its_own=own, block=_block(after, before)))
        elif call.path and _looks_back(after, before, max(placed, default=least), beyond):
            backward.append(call.path)  # also where padding behind is cut off later
        if after.beyond > beyond:
            further.append(call.path)
        furthest = max(least, after.ahead) if after.is_aligned else least
        beyond = max(beyond, after.beyond) if after.is_aligned else beyond
    inner = _innermost([leak.path for leak in leaks])
    looking = (path for path in _innermost(backward) if not any(_holds(path, at) for at in further))
    alone = [one for one in looking if not any(_holds(one, at) or _within(one, at) for at in inner)]
    return [leak for leak in leaks if leak.path and leak.path in inner], alone


def _recurs(exam: Examination, path: str, axis: int) -> bool:
    """Return whether a module is a recurrent layer, or calls one of its own at each position."""
    calls = [call for call in exam.graph.calls if call.path == path]
    inside = [number for call in calls for number in range(*call.nodes)]
    if any(exam.graph.nodes[number].operator in RECURRENT for number in inside):
        return True
    cells = Counter(call.path for call in exam.graph.calls if _holds(path, call.path))
    return max(cells.values(), default=0) >= exam.sizes[axis]


def _padded_by(
    exam: Examination, call: Call, reach: Callable[[Value], Reach | None]
) -> tuple[str, int] | None:
    """Return the module that holds another and has places, where that has none, and how far ahead
    what it is given sees: it pads what it gives on, by reflection maybe.

    None: there is none, or it is the model itself.
    """
    path = call.path.rpartition(".")[0]
    holders = (one for one in exam.graph.calls if path and one.path == path)
    own = next((one for one in holders if one.nodes[0] <= call.nodes[0] < one.nodes[1]), None)
    known = [] if own is None else [reach(value) for value in own.inputs]
    placed = [one.ahead for one in known if one is not None and one.is_aligned]
    return (path, max(placed)) if placed and len(placed) == len(known) else None


def _looks_back(after: Reach, before: list[Reach], ahead: int, beyond: Fraction) -> bool:
    """Return whether a module looks around, but no further ahead than its inputs do."""
    is_behind = after.ahead <= max(ahead, 0) and after.beyond <= beyond
    return is_behind and after.width > max(one.width for one in before)


def _innermost(paths: list[str]) -> list[str]:
    """Return the paths that hold no other."""
    unique = list(dict.fromkeys(paths))
    return [path for path in unique if not any(_holds(path, other) for other in unique)]


def _holds(path: str, other: str) -> bool:
    """Return whether a module is one of those that another holds."""
    return other != path and other.startswith(f"{path}." if path else "")


def _own_leak(exam: Examination, axis: int) -> Iterator[Leak]:
    """Yield the first operator that looks ahead in a forward of which no module does.

    None of a module that as a whole does not: half of what a scan takes begins at place 1.
    """
    values = [value for node in exam.graph.nodes for value in node.outputs if value]
    dependences = look(exam.lowered, exam.seed, exam.axes, values)
    closer = replace(exam, dependences=dependences)  # it knows what every single operator made
    inside = {
        number
        for call in exam.graph.calls
        if _sees_none(exam, call, axis)
        for number in range(*call.nodes)
    }
    for number, (node, each) in enumerate(zip(exam.graph.nodes, exam.lowered, strict=True)):
        if number in inside:
            continue
        sources = dict.fromkeys(replace(edge.source, part=0) for edge in each.edges)
        before = [reach_of(closer, value, axis) for value in sources]
        ahead = max((one.ahead for one in before if one is not None), default=0)
        made = next((value for value in node.outputs if value), None)
        after = None if made is None else reach_of(closer, made, axis)
        if made is not None and after is not None and after.ahead > max(ahead, 0):
            leak = _leak(exam, _reducer(closer, made, axis) or node, after.ahead, ahead)
            known = [one for one in before if one is not None]
            yield replace(leak, block=_block(after, known))
            return


def _block(after: Reach, before: Sequence[Reach]) -> int:
    """Return the positions of a block by which each sees ahead, where those before did not."""
    rates = {one.jump for one in (after, *before)}
    rate = next(iter(rates)) if len(rates) == 1 else 0
    is_new = rate >= 1 and all(one.block == 1 for one in before)
    # Of 5 positions to 2 outputs every other place is rounded down: that is no block.
    return int(after.block * rate) if is_new and after.block > after.jump.denominator else 1


def _sees_none(exam: Examination, call: Call, axis: int) -> bool:
    """Return whether what a module makes sees nothing that is ahead."""
    after = reach_of(exam, call.outputs[0], axis) if call.outputs else None
    return after is not None and after.ahead <= 0


def _leak(exam: Examination, node: Node, ahead: int, before: int) -> Leak:
    """Return an operator as what looks ahead: its module, where that has no modules of its own.

    A view stands where it is first read: what a module is given its holder made.
    """
    path, made = node.module, set(node.outputs)
    while path and any(call.path == path and made & set(call.inputs) for call in exam.graph.calls):
        path = path.rpartition(".")[0]
    is_own = not path or any(_holds(path, call.path) for call in exam.graph.calls)
    return Leak(path=path, operator=node.operator if is_own else "", ahead=ahead, before=before)


def _reducer(exam: Examination, made: Value, axis: int) -> Node | None:
    """Return the node that reduced all positions, where nothing else looks ahead here."""
    seen, local = exam.seen(made), exam.local(made)
    if seen is None or seen.cut_by is None or local is None or local.map_axis(axis) is None:
        return None
    alone = _of_line(local.lines[axis], exam.sizes[axis])
    return exam.graph.nodes[seen.cut_by] if alone is None or alone.ahead <= 0 else None


def _within(path: str, holder: str) -> bool:
    """Return whether a module is one of those of another, which is not the model itself."""
    return holder != "" and _holds(holder, path)


def own_place(field: Field, axis: int, unit: int) -> int | None:
    """Return the position that a unit belongs to along an axis; None where it has none."""
    line = field.lines[axis]
    jump = jump_of(line, len(line.entries), field.sizes[axis])
    return None if jump is None else int(unit * jump)


def seeing_own_place(field: Field) -> Fraction | None:
    """Return which share of the units in the middle see the position that they belong to; None:
    they have none.

    Asked of maps as large as the input alone, and of the units after which windows repeat.
    """
    if not field.is_map or any(line.jump != 1 for line in field.lines):
        return None
    axes = [field.map_axis(axis) or 0 for axis in range(len(field.sizes))]
    if tuple(field.value.shape[axis] for axis in axes) != field.sizes:
        return None
    turns = [_turn(line, field.typical[own]) for line, own in zip(field.lines, axes, strict=True)]
    units = list(islice(product(*turns), MOST_ASKED))
    return Fraction(sum(_sees_own_place(field, axes, unit) for unit in units), len(units))


def _turn(line: Line, typical: int) -> list[int]:
    """Return as many units in a row as there are until windows repeat, one of them typical."""
    period = line.cycle[0] if line.cycle else 1
    units: list[int] = line.interior.tolist()
    at = max(min(units.index(typical), len(units) - period), 0) if typical in units else 0
    return units[at : at + period] if typical in units else [typical]


def _sees_own_place(field: Field, axes: Sequence[int], own: Sequence[int]) -> bool:
    starts, seen = field.over_all({**field.typical, **dict(zip(axes, own, strict=True))})
    at = [place - start for place, start in zip(own, starts, strict=True)]
    inside = all(0 <= place < size for place, size in zip(at, seen.shape, strict=True))
    return inside and bool(seen[tuple(at)])
