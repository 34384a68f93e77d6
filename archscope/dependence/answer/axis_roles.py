"""What each axis of an input is, where the user does not say: positions, features, the batch.

Operators tell: a convolution or a pool works along positions, a recurrent layer along the first
axis, a linear layer along features. What none tells is judged by the outputs: along an axis of
positions they see more than one place, along the batch they must not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from archscope.dependence.answer.forward import Dependences, Seen, look, of_input, walk
from archscope.dependence.record.graph import Node, Value
from archscope.dependence.rules import Lowered
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.sets import firsts
from archscope.dependence.sets.steps import Edge, Mix, Reduce, Step, applied
from archscope.dependence.sets.terms import Terms, along
from archscope.errors import UsageError
from archscope.records import frozen

FIRST_NODES = 64
"""Nodes among which the first layer is looked for."""


@frozen
class Roles:
    """What the axes of an input are, by number."""

    positions: tuple[int, ...]
    """Along which outputs look at other places."""
    features: int | None = None
    """Which the first layer mixes; None: no such axis is known."""
    batch: int | None = None
    """Along which rows are apart; None: there is no such axis."""
    batch_mixes: bool = False
    """Whether rows of the batch are not apart after all."""
    read_whole: tuple[int, ...] = ()
    """Positions of which every output sees all, where there are others of which it does not."""


@frozen
class Told:
    """What the first layer tells."""

    positions: tuple[int, ...] = ()
    features: int | None = None
    has_batch: bool = True


class Mixing:
    """How far outputs see along each axis of the input by itself.

    A look takes longer than all that is read from it, so what one finds of the wanted values is
    kept for whoever looks along the same axes again.
    """

    def __init__(
        self,
        lowered: tuple[Lowered, ...],
        seed: Value,
        outputs: Iterable[Value],
        wanted: Iterable[Value] = (),
    ) -> None:
        self._lowered, self._seed = lowered, seed
        every = tuple(outputs)
        # A loss beside them has no places of its own.
        self._outputs = tuple(value for value in every if value.shape) or every
        self._wanted = {*wanted, *every}
        self._known: dict[int, bool] = {}
        self._looks: dict[tuple[int, ...], Dependences] = {}

    def look(self, axes: tuple[int, ...]) -> Dependences:
        """Return what the wanted values depend on along some axes."""
        if axes not in self._looks:
            self._looks[axes] = look(self._lowered, self._seed, axes, self._wanted)
        return self._looks[axes]

    def mixes(self, axis: int) -> bool:
        """Return whether some output sees more than one place along an axis, as a fact."""
        if axis not in self._known:
            self._known[axis] = self._seed.shape[axis] > 1 and self._is_mixed(axis)
        return self._known[axis]

    def may_mix(self, axis: int) -> bool:
        """Return whether some output sees more than one place along an axis, if only by a bound."""
        if self._seed.shape[axis] < 2:
            return False
        return any(widest(one.total) > 1 for one in self._seen(axis))

    def moves(self, axis: int) -> bool:
        """Return whether places of an output as long as an axis see others, one each."""
        size = self._seed.shape[axis]
        patterns = [along(one.total, 0) for one in self._seen(axis)]
        return any(
            bool((firsts(pattern.expanded(own)).reshape(-1) != np.arange(size)).any())
            for pattern in patterns
            for own in pattern.units
            if pattern.shape[own] == size == pattern.expanded(own).size
        )

    def sees_all(self, axis: int) -> bool:
        """Return whether each output sees an axis from its first to its last place."""
        patterns = [along(one.total, 0) for one in self._seen(axis)]
        return all(_is_all(pattern, self._seed.shape[axis]) for pattern in patterns)

    def _is_mixed(self, axis: int) -> bool:
        return any(one.bounded_by is None and widest(one.total) > 1 for one in self._seen(axis))

    def _seen(self, axis: int) -> list[Seen]:
        found = self.look((axis,)).seen
        return [found[value] for value in self._outputs if value in found]


def widest(terms: Terms) -> int:
    """Return how far the widest set along the first axis that is looked at reaches."""
    pattern = along(terms, 0)
    return int(pattern.sets.widths(pattern.entries).max(initial=0))


def roles(
    lowered: tuple[Lowered, ...],
    seed: Value,
    mixing: Mixing,
    chosen: tuple[int, ...] | None = None,
) -> Roles:
    """Return what the axes of an input are; `chosen` are those of positions, if they are known.

    Where the first layer does not tell, (N, C, *positions) for four axes and more, and
    (N, positions, C) for three; sequences before batches, as torch's recurrent and transformer
    layers take them, where only the first axis is mixed. Linear layers along the last axis mix
    features, though no place be mixed with another. An axis of one place never wins. Raises
    `UsageError` where a chosen axis is not there.
    """
    told, rank = _told(lowered[:FIRST_NODES], seed), len(seed.shape)
    if chosen is not None:
        found = _checked(chosen, seed, told)
    elif told.positions:
        others = set(range(rank)) - {*told.positions, told.features}
        more = tuple(a for a in sorted(others) if a or not told.has_batch if mixing.mixes(a))
        found = tuple(sorted((*told.positions, *more)))
    else:
        found = _judged(told.features, seed.shape, mixing)
    features = None if told.features in found else told.features
    batch = next((a for a in range(rank) if a not in (*found, *told.positions, features)), None)
    mixes = batch is not None and mixing.mixes(batch)
    return Roles(positions=found, features=features, batch=batch, batch_mixes=mixes)


def _checked(chosen: tuple[int, ...], seed: Value, told: Told) -> tuple[int, ...]:
    """Return axes by their numbers from 0 on, in order."""
    rank = len(seed.shape)
    strange = next((axis for axis in chosen if not -rank <= axis < rank), None)
    found = tuple(sorted({axis % rank for axis in chosen if -rank <= axis < rank}))
    if strange is not None or len(found) != len(chosen):
        shape = "×".join(map(str, seed.shape))
        what = f"{strange} is none of them" if strange is not None else "one is given twice"
        raise UsageError(
            f"axes {','.join(map(str, chosen))}: the {shape} input has axes 0 to {rank - 1}; {what}"
        )
    if told.positions and told.features in found:
        shape = "×".join(map(str, seed.shape))
        raise UsageError(
            f"axis {told.features} of the {shape} input holds features, all of which the first "
            f"layer mixes: no output sees them as positions. Choose among axes "
            f"{','.join(map(str, told.positions))}, along which that layer looks"
        )
    return found


def _judged(features: int | None, shape: Sequence[int], mixing: Mixing) -> tuple[int, ...]:
    """Return the axes of positions, by what outputs see; `features` are mixed first."""
    rank = len(shape)
    if rank < 2:
        return tuple(range(rank))
    # As linear layers take them: each place by itself, as behind a router of experts.
    are_last = rank > 2 and features == rank - 1 and shape[1] > 1
    if rank > 3:
        known = 1 if features is None else features
        inner = tuple(axis for axis in range(1, rank) if axis != known)
        looks = are_last or any(map(mixing.mixes, inner)) or not mixing.mixes(known)
        return inner if looks or any(map(mixing.may_mix, inner)) else (known,)
    order = [*range(1, rank), 0]
    apart = [axis for axis in order if axis != features]
    for sees in (mixing.mixes, mixing.may_mix):  # what is not known to be apart before features
        found = next(filter(sees, apart), None)
        if found is not None:
            return (_told_apart(found, features, rank, mixing),)
    mixed = features is not None and (mixing.mixes(features) or mixing.may_mix(features))
    if features is not None and mixed and not are_last:
        return (features,)  # a product of keys and values mixes positions as a layer does features
    several = [axis for axis in apart if shape[axis] > 1] or apart
    return (next(filter(mixing.moves, several), several[0]),)


def _told_apart(found: int, features: int | None, rank: int, mixing: Mixing) -> int:
    """Return an axis that outputs see several places of or, where no layer told of features and
    each output sees all of it, the next, of which each place has an output that sees some."""
    other = found + 1
    if features is not None or not 0 < found < rank - 1 or not mixing.mixes(other):
        return found
    is_next = mixing.moves(other) and not mixing.sees_all(other) and mixing.sees_all(found)
    return other if is_next else found


_WINDOWS = ("conv", "pool", "upsample")
RECURRENT = ("mkldnn_rnn_layer", "lstm", "gru", "rnn_tanh", "rnn_relu", "_cudnn_rnn")
"""Operators that run whole recurrent layers."""
_NORMS = ("native_group_norm", "group_norm")
_PRODUCTS = ("mm", "matmul", "bmm", "baddbmm")
_LINEAR = ("linear", "mm", "addmm", "matmul", "bmm", "native_layer_norm", "_fused_rms_norm")


def _told(lowered: tuple[Lowered, ...], seed: Value) -> Told:
    """Return what the first layer that reads the input tells of its axes."""
    seen = {seed: of_input(seed, tuple(range(len(seed.shape))))}
    hint = Told()
    for each in walk(lowered, seen):
        for edge in each.edges:
            before = seen.get(edge.source)
            if before is None:
                continue
            told = _telling(each.node, edge, before.total[0].sets, seed.shape)
            if told is None or (hint.features is not None and _is_of_pairs(each, seen)):
                continue
            if _is_certain(told, each.node, edge, len(seed.shape)):
                left = None if hint.features in told.positions else hint.features
                return replace(told, features=left if told.features is None else told.features)
            hint = told if hint == Told() or each.node.operator in _LINEAR else hint
    return hint


def _is_of_pairs(each: Lowered, seen: Mapping[Value, Seen]) -> bool:
    """Return whether both factors of a product see the input, as where attention compares positions
    and takes some of each: behind a layer of features it is none itself."""
    factors = sum(edge.source in seen for edge in each.edges)
    return each.node.operator in _PRODUCTS and factors > 1


def _is_certain(told: Told, node: Node, edge: Edge, rank: int) -> bool:
    """Return whether no later layer knows better.

    A gate takes a mean over positions, as a norm does over features; and a mixer's linear layer
    goes along positions before another goes along the last axis.
    """
    if _is_mean_of_features(node, len(edge.source.shape)):
        return False
    return bool(told.positions) or node.operator not in _LINEAR or rank != 3 or told.features != 1


def _telling(
    node: Node, edge: Edge, patterns: tuple[Pattern, ...], shape: Sequence[int]
) -> Told | None:
    """Return what an operator tells of the input's axes by what it does to those of its own."""
    rank, operator = len(edge.source.shape), node.operator

    def held(axes: Iterable[int]) -> tuple[int, ...]:
        wanted = set(axes)
        return tuple(n for n, pattern in enumerate(patterns) if wanted & set(pattern.units))

    def one(axis: int) -> int | None:
        found = held((axis,))
        return found[0] if len(found) == 1 else None

    first = _first_window(node, rank)
    if first is not None:
        if node.arguments.get("weight") is edge.source:
            return None
        # A map of the highest of all channels has none of theirs any more (Woo et al. 2018), while
        # a frame that is picked is one of time alone.
        flat = [n for n, pattern in enumerate(patterns) if not pattern.units and shape[n] > 1]
        gone = [n for n in flat if _is_all(patterns[n], shape[n])]
        along_windows, across = held(range(first, rank)), held((first - 1,))
        features = gone[0] if not across and len(gone) == 1 else _alone(across, along_windows)
        positions = tuple(n for n in along_windows if n != features)
        return Told(positions=positions, features=features, has_batch=bool(held(range(first - 1))))
    if operator in RECURRENT and rank == 3:
        return Told(positions=held((0,)), features=one(2), has_batch=bool(held((1,))))
    if operator in _LINEAR or _is_mean_of_features(node, rank):
        return _mixed(edge.steps, patterns)
    return None


def _is_all(pattern: Pattern, size: int) -> bool:
    """Return whether elements see an axis of a size from its first to its last place."""
    return bool((pattern.sets.widths(pattern.entries) == size).all())


def _alone(axes: tuple[int, ...], split: tuple[int, ...]) -> int | None:
    """Return the one axis of some that is alone, or else is the only one that lies whole there.

    Where patches are made features, the parts of positions within them lie beside the channels.
    """
    whole = axes if len(axes) == 1 else tuple(axis for axis in axes if axis not in split)
    return whole[0] if len(whole) == 1 else None


def _first_window(node: Node, rank: int) -> int | None:
    """Return the first of the axes along which an operator looks through windows."""
    operator = node.operator
    if operator in _NORMS and rank > 2:
        return 2
    if operator == "_unsafe_index":  # what torch makes of resizing to the nearest
        indices = node.arguments["indices"]
        return next(axis for axis, index in enumerate(indices) if index is not None)
    if not any(word in operator for word in _WINDOWS) or "unpool" in operator:
        return None
    shape = getattr(node.arguments.get("weight"), "shape", None)  # one that is packed has none
    if "conv" in operator and shape is not None:
        return rank - (len(shape) - 2)
    axes = next((int(digit) for digit in operator if digit in "123"), None)
    return None if axes is None else rank - axes


def _is_mean_of_features(node: Node, rank: int) -> bool:
    """Return whether an operator takes a statistic over the last axis, as a norm does."""
    axes = node.arguments.get("dim")
    axes = [axes] if isinstance(axes, int) else axes
    if node.operator not in ("mean", "var_mean", "linalg_vector_norm") or not (axes and rank):
        return False
    return bool(node.arguments.get("keepdim")) and [a % rank for a in axes] == [rank - 1]


def _mixed(steps: Iterable[Step], patterns: tuple[Pattern, ...]) -> Told | None:
    """Return what the first step that mixes an axis tells of the input's axes."""
    for step in steps:
        axes = set(step.axes if isinstance(step, Reduce) else ())
        if isinstance(step, Mix) and step.groups < step.reads:
            axes = {step.axis}
        found = tuple(n for n, pattern in enumerate(patterns) if axes & set(pattern.units))
        if found:
            split = tuple(n for n in found if set(patterns[n].units) - axes)
            features = _alone(found, split)
            frames = tuple(n for n in split if _overlap(patterns[n], axes))
            if features in frames:
                return Told(positions=frames)
            patches = split if features not in (None, *split) else ()
            return Told(positions=patches, features=features)
        patterns = tuple(applied(step, pattern) for pattern in patterns)
    return None


def _overlap(pattern: Pattern, mixed: set[int]) -> bool:
    """Return whether an axis was cut into frames that share places: nobody does so to features."""
    kept = [axis for axis in pattern.units if axis not in mixed]
    if len(kept) != 1 or pattern.shape[kept[0]] < 2:
        return False
    frames = np.moveaxis(pattern.expanded(kept[0]), kept[0], 0)
    united = pattern.sets.united(frames.reshape(len(frames), -1), 1)[:, 0]
    widest = int(pattern.sets.widths(united[:-1]).argmax())  # none that begins in the padding
    first, second = (pattern.sets.bits(entry.item()) for entry in united[widest : widest + 2])
    return first & second not in (0, first)
