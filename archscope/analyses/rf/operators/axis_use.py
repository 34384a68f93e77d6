"""What is done with the outputs of a network that runs, along one axis: delays, tiles, sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf.numbers import plain
from archscope.analyses.rf.use.rows import AxisRow, with_tiles, without_tiles
from archscope.theory.input_sizes import InputSizes, TriedEnoughError, fewest_trials, input_sizes
from archscope.theory.output_places import Outlook
from archscope.theory.tiling import tiling

if TYPE_CHECKING:
    from archscope.dependence.answer.examine import Examination
    from archscope.dependence.answer.fields import Field
    from archscope.dependence.answer.receptive import Receptive
    from archscope.dependence.answer.size_trials import Trials
    from archscope.dependence.record.graph import Node, Value
    from archscope.dependence.sets.lines import Line

LARGEST_STEP = 4_096
"""Positions by which maps move together up to which sizes are tried."""

HALVED = 64
"""Sizes that differ by its divisors are tried whatever the strides are."""

_OUT_OF_STEP = "a larger input does not give outputs in step with its size"


def seen_row(found: Receptive, axis: int) -> AxisRow:
    """Return what the window of the output alone tells of an axis."""
    total = found.target.total
    line = field_along(found, axis).lines[axis]
    is_global = found.target.global_by is not None
    return AxisRow(
        axis=found.given.axes[axis],
        receptive_field=(total.lines[axis] if is_global else line).hulls[1],
        jump=plain(line.jump) if line.jump else None,  # 0: all see the same
        start=found.target.start[axis] if found.target.start and line.jump else None,
    )


def is_by_all_ways(found: Receptive, axis: int) -> bool:
    """Return whether outputs have windows along an axis by all ways, those through reductions too:
    these are over other axes, as where sensors or objects attend to each other."""
    target = found.target
    if target.global_by is None or target.total.map_axis(axis) is None:
        return False
    line = target.total.lines[axis]
    return bool(line.widths.max(initial=0) < line.size)


def field_along(found: Receptive, axis: int) -> Field:
    """Return what tells the outputs' windows along an axis."""
    return found.target.total if is_by_all_ways(found, axis) else found.target.field


@dataclass(frozen=True)
class AxisUse:
    """One axis of a network's input, and trials of other sizes along it."""

    found: Receptive
    trials: Trials
    axis: int
    together: tuple[int, ...]
    """Axes that are alike, and of which other sizes are tried together; it is one of them."""

    def row(self) -> AxisRow:
        """Return the row of the axis."""
        from archscope.dependence.answer.output_windows import shift_of

        found, axis = self.found, self.axis
        own, step = self._field.map_axis(axis), shift_of(found, axis)
        tried = None if own is None else self.trials.outputs(self.together, own)
        # Where only the output's own maps move in step, the network may not run on such tiles.
        steps = dict.fromkeys((shift_of(found, axis, beside=False), step))
        row = self._looked(steps, tried)  # a tile takes one trial, sizes as many as are left
        if tried is None or (step or 1) > LARGEST_STEP:
            return row
        apart = self._apart(step or 1, tried)
        enough = self.trials.left >= fewest_trials(apart)
        sizes = input_sizes(tried, self._given, apart, ends=True) if enough else InputSizes()
        if sizes.smallest is None:
            told = "the sizes that run repeat in no way that was found"
            few = self.trials.why_untried("sizes")
            row = replace(row, why=row.why or (told if enough and self.trials.left else few))
        if row.tile_overlap is not None and not self._goes_on(row, sizes):
            row = without_tiles(row, _OUT_OF_STEP)
        return replace(
            row,
            smallest_input=sizes.smallest,
            allowed_sizes=sizes.allowed,
            outputs=sizes.formula,
        )

    def _apart(self, step: int, tried: Callable[[int], int | None]) -> int:
        """Return how far apart sizes are that are taken to run alike, below the given one where a
        table ends there. Networks that divide sizes by themselves mostly do so by two, again and
        again."""
        apart = lcm(step, HALVED)
        try:
            ends = 2 * apart > self._given and tried(self._given + apart) is None
        except TriedEnoughError:
            return apart
        while ends and 2 * apart > self._given and apart % (2 * step) == 0:
            apart //= 2
        return apart

    @property
    def _given(self) -> int:
        return self.found.given.sizes[self.axis]

    @property
    def _field(self) -> Field:
        return field_along(self.found, self.axis)

    @property
    def _line(self) -> Line:
        return self._field.lines[self.axis]

    def _line_of(self, exam: Examination, value: Value) -> Line | None:
        """Return what the outputs of an input that was looked at see along the axis."""
        by_all = is_by_all_ways(self.found, self.axis)
        field = exam.total(value) if by_all else exam.local_or_total(value)
        return None if field is None else field.lines[self.axis]

    def _goes_on(self, row: AxisRow, sizes: InputSizes) -> bool:
        """Return whether larger inputs that were tried give an output more for each jump, as they
        do not where outputs are cut to a number of their own."""
        given, step, jump = self._given, row.tile_step, self._line.jump
        assert step is not None
        assert jump
        alike = [(n, m) for n, m in sizes.known if n >= given and (n - given) % step == 0]
        return all((m - alike[0][1]) * jump == n - alike[0][0] for n, m in alike)

    def _looked(
        self, steps: Iterable[int | None], tried: Callable[[int], int | None] | None
    ) -> AxisRow:
        """Return how far outputs look along the axis, and how an input is cut by the first step
        that makes tiles which run, or else the last."""
        from archscope.dependence.answer.output_windows import is_cut_short, outlook_of

        row = seen_row(self.found, self.axis)
        why = _unknown(self.found, self.axis) or self._in_parts() or None
        seen = outlook_of(self._line) if why is None else None
        if seen is None:
            reached = self._reached(tried)
            if reached.get("sees_first"):
                why = "outputs look back to the first position of any input"
            why = why or "windows do not repeat from output to output"
            return replace(row, why=why, **reached)
        given = self._line_on_given()
        if given is None or not is_cut_short(given, seen):
            # They are not where padding depends on the size, or continues at the other end.
            return replace(row, why="outputs near the borders see other positions than inside")
        late = self._late(seen.jump, tried)
        own = seen.later(-late)
        row = replace(row, look_back=own.behind, look_ahead=own.ahead, late=late)
        if late:
            return replace(row, why=_OUT_OF_STEP)
        if resizing := self._by_its_size():
            return replace(row, why=f"{resizing} goes by the size of its input")
        cut = replace(row, why="windows of a map within do not repeat from unit to unit")
        for step in steps:
            if step is not None and cut.tile_overlap is None:
                cut = self._cut(replace(row, tile_step=step), step, seen, tried)
        return cut

    def _line_on_given(self) -> Line | None:
        """Return what the outputs of the given input see along the axis."""
        return self._line_of(self.found.given, self.found.target.value)

    def _cut(
        self,
        row: AxisRow,
        step: int,
        seen: Outlook,
        tried: Callable[[int], int | None] | None,
    ) -> AxisRow:
        """Return a row with how an input is cut by steps that are known."""
        clear = "no tile that was tried keeps clear of its borders"
        if tried is None:
            return replace(row, why=clear)
        # Padding and cuts may depend on what a size leaves of the strides: tiles leave the same.
        rest = self._given % step
        try:
            ends = self._cut_at_ends(step)
            if ends is None:
                return replace(row, why=clear)
            cut = tiling(seen, step, tried, rest=rest, given=self._given, clipped=lambda _: ends)
        except TriedEnoughError:
            return replace(row, why=self.trials.why_untried("tiles"))
        return replace(row, why=clear) if cut is None else with_tiles(row, cut)

    def _cut_at_ends(self, step: int) -> tuple[int, int] | None:
        """Return how many outputs at the start and at the end a border cuts short, of an input
        that leaves the same of the strides as the given one and is large enough to tell; None: not
        known."""
        from archscope.dependence.answer.output_windows import cut_at_ends

        larger, rest = self._field.sizes[self.axis], self._given % step
        lines = [self._line_on_given(), self._line if larger % step == rest else None]
        line = next((one for one in lines if one is not None and len(one.interior)), None)
        if line is None and len(self._line.interior):
            line = self._line_on(larger + (rest - larger) % step)
        return cut_at_ends(line) if line is not None and len(line.interior) else None

    def _by_its_size(self) -> str:
        """Return what resizes by the size of its input along the axis: no part is as in the
        whole."""
        from archscope.dependence.answer.size_dependent import goes_by_size

        axes = len(self.found.given.axes)
        if not any(goes_by_size(node, self.axis, axes) for node in self._nodes()):
            return ""
        each = (goes_by_size(node, self.axis, axes, other) for node, other in self._with_larger())
        return next((why for why in each if why), "")

    def _in_parts(self) -> str:
        """Return what cuts any input into a number of parts of its own, as no plain pool does."""
        from archscope.dependence.answer.size_dependent import is_plain_pool

        axes = len(self.found.given.axes)
        if not any("adaptive" in node.operator for node in self._nodes()):
            return ""
        parts = (
            node.operator
            for node, other in self._with_larger()
            if "adaptive" in node.operator and not is_plain_pool(node, other, self.axis, axes)
        )
        return next((f"{operator} makes parts of any input" for operator in parts), "")

    def _nodes(self) -> list[Node]:
        """Return the nodes before the chosen output, and its own, that look at positions."""
        found = self.found
        nodes, last = found.given.graph.nodes, found.target.value.index
        looked = (nodes[place] for place in sorted(found.given.dependences.looked))
        return [node for node in looked if node.outputs[0] and node.outputs[0].index <= last]

    def _with_larger(self) -> list[tuple[Node, Node | None]]:
        """Return the same nodes, each with what it is on an input one step larger."""
        from archscope.dependence.answer.output_windows import shift_of

        step = shift_of(self.found, self.axis)
        try:
            larger = None if step is None else self._exam_on(self._given + step)
        except TriedEnoughError:
            larger = None
        ran = () if larger is None else larger.graph.nodes
        more = {node.outputs[0].index: node for node in ran if node.outputs[0]}
        pairs = ((node, node.outputs[0]) for node in self._nodes())
        return [(node, more.get(made.index)) for node, made in pairs if made]

    def _exam_on(self, size: int) -> Examination | None:
        """Return a look at an input of another size along the axis, and those tried with it."""
        sizes = list(self.found.given.sizes)
        for axis in self.together:
            sizes[axis] = size
        return self.trials.looked_at(tuple(sizes))

    def _line_on(self, size: int) -> Line | None:
        """Return what the outputs of an input of another size see along the axis."""
        sizes = list(self._field.sizes)
        for axis in self.together:
            sizes[axis] = size
        exam = self.trials.looked_at(tuple(sizes))
        value = None if exam is None else exam.again(self.found.target.value)
        return None if exam is None or value is None else self._line_of(exam, value)

    def _late(self, jump: Fraction, tried: Callable[[int], int | None] | None) -> int:
        """Return the position that output 0 belongs to, where outputs are those of the last
        positions of any input: fewer than a longer one has, and with the same end."""
        from archscope.dependence.answer.output_windows import shift_of

        line, size = self._line_on_given(), self._given
        before = Fraction(0) if line is None else size - len(line.entries) * jump
        if line is None or tried is None or before < 1 or jump.denominator > 1:
            return 0
        step = shift_of(self.found, self.axis) or int(jump)
        try:
            # A cut at a share of the size moves with it by less; a table may end before the first.
            runs = ((size + each * step, tried(size + each * step)) for each in (8, 2))
            larger, outputs = next((run for run in runs if run[1]), (size, None))
            if outputs is None or larger - outputs * jump == before:
                return 0
            longer = self._line_on(larger)
        except TriedEnoughError:
            return 0
        alike = longer is not None and longer.ends_alike(line)
        return int(before) if alike else 0

    def _reached(self, tried: Callable[[int], int | None] | None) -> dict[str, Any]:
        """Return how far ahead outputs see of the given input that see back to its first position,
        and that nothing ahead is seen where that holds, as under a mask."""
        from archscope.dependence.answer.causality import jump_of, steady_ahead
        from archscope.dependence.answer.output_windows import reach

        found, axis = self.found, self.axis
        total, size = found.target.total, found.given.sizes[axis]
        own = total.map_axis(axis)
        if own is None:
            return {}
        line, units = total.lines[axis], found.target.value.shape[own]
        exact = found.target.bounded_by is None
        if units == size:
            behind, ahead = reach(line)
            if not ahead:
                return {"look_ahead": 0, "sees_first": exact and behind == size - 1}
        jump = jump_of(line, units, size) if exact and line.sees_first else None
        steady = steady_ahead(line, jump) if jump else None
        if jump is None or steady is None:
            return {}
        late = self._late(jump, tried)
        return {"look_ahead": max(steady[1] - late, 0), "sees_first": True, "late": late}


def _unknown(found: Receptive, axis: int) -> str | None:
    """Return why an output's window is not known for sure; None where it is."""
    target, field = found.target, field_along(found, axis)
    if target.global_by is not None and not is_by_all_ways(found, axis):
        return f"{target.global_by} reduces over all positions"
    if target.bounded_by is not None:
        return f"the rule of {target.bounded_by} is an upper bound"
    if field.map_axis(axis) is None:
        return "outputs lie along no axis of their own"
    if not field.lines[axis].is_whole:
        return "outputs reach the border of the input"
    return None
