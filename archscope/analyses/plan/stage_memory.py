"""What is in the memory of one GPU of each stage, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from archscope.analyses.plan.layout import Layout
from archscope.analyses.plan.network import Told, beside
from archscope.analyses.plan.stages import Stage, cut
from archscope.records import frozen
from archscope.theory.pipelines import in_flight
from archscope.theory.saved_activations import SavedActivations, SavedPart
from archscope.theory.sharding import State, share, states
from archscope.theory.stages import Layer, Part, alike

_ZERO = "Rajbhandari et al. 2020, ZeRO (arXiv 1910.02054), section 5"
_STEP = "what torch's autograd keeps, in a step on shapes"
_FORMULA = (
    "what torch's autograd keeps, tensor by tensor: archscope memory --explain; of Transformers as "
    "Korthikanti et al. 2022 (arXiv 2205.05198), section 4"
)


@frozen
class Line:
    """One kind of what is in memory."""

    what: str
    bytes: int | None
    """None where it is not known; the source says why."""
    formula: str
    numbers: str = ""
    source: str = ""


@frozen
class Filled:
    """One stage, and what a card of it has."""

    stage: Stage
    params: int
    """Parameters on one card before any are dealt out among copies."""
    lines: tuple[Line, ...]
    flights: tuple[int, ...]
    """Micro-batches that are kept at once, of each chunk; empty where that is not known."""

    @property
    def known(self) -> int:
        """Bytes that are there at least."""
        return sum(line.bytes or 0 for line in self.lines)

    @property
    def total(self) -> int | None:
        """All that is told; None where a line is not known."""
        return None if any(line.bytes is None for line in self.lines) else self.known

    def of(self, *names: str) -> int | None:
        """Return the bytes of some lines; None where one is not known."""
        sizes = [line.bytes for line in self.lines if line.what in names]
        return None if None in sizes else sum(size or 0 for size in sizes)


STATES = ("weights", "gradients", "fp32 gradients", "fp32 weights", "optimizer", "step counters")
KEPT = ("activations", "a block that runs again", "scores for the loss")


def fill(told: Told, layout: Layout) -> tuple[Filled, ...]:
    """Return what a card of each stage has; raises `SpecError` where it cannot be shared so."""
    told = told.of_batch(layout.micro_batch)
    stages = told.stages()
    stages.check(tensor=layout.tp, expert=layout.ep)
    activations = _Activations(told, layout)
    counted = not stages.unordered
    return tuple(_filled(stage, layout, activations, counted) for stage in cut(stages, layout))


def fullest(filled: Sequence[Filled]) -> Filled:
    """Return the stage that has most, as far as that is told; the first of those."""
    return max(filled, key=lambda each: each.known)


def _filled(stage: Stage, layout: Layout, activations: _Activations, counted: bool) -> Filled:
    kept, flights = activations.of(stage)
    lines = (*_states(stage, layout, counted), *kept)
    held = sum(times * _held(layer, layout) for layer, times in stage.layers)
    return Filled(
        stage=stage,
        params=held,
        lines=tuple(line for line in lines if line.bytes != 0),
        flights=flights,
    )


def _held(layer: Layer, layout: Layout) -> int:
    return layer.held(tensor=layout.tp, expert=layout.ep)


def _states(stage: Stage, layout: Layout, counted: bool) -> Iterator[Line]:
    recipe, zero = layout.recipe, layout.zero
    dense, experts = _Parameters(), _Parameters()
    for layer, times in stage.layers:
        (experts if layer.division.experts else dense).add(layer, times * _held(layer, layout))
    both = [
        (dense, layout.dp, _of(dense, layout, layout.dp)),
        (experts, layout.expert_ranks, _of(experts, layout, layout.expert_ranks)),
    ]
    rows = (
        ("weights", "weights", recipe.weight, zero > 2),
        ("gradients", "gradients", recipe.grad, zero > 1),
        ("fp32 gradients", "main_gradients", recipe.main_grad, zero > 0),
        ("fp32 weights", "master", recipe.master, zero > 0),
        ("optimizer", "optimizer", recipe.optimizer, zero > 0),
    )
    for what, name, size, dealt in rows:
        used = [(each, ranks, state) for each, ranks, state in both if each.all]
        yield Line(
            what=what,
            bytes=sum(getattr(state, name) for _, _, state in used),
            formula=_formula(size, name, dealt, layout, len(used)),
            numbers=" + ".join(
                f"{size} x {each.all if name == 'weights' else each.trained:,}"
                + (f" / {ranks}" if dealt and ranks > 1 else "")
                for each, ranks, _ in used
            ),
            source=f"{recipe.name}: {recipe.source}" if not dealt else _ZERO,
        )
    yield from _gathered(stage, layout)
    if recipe.counter:
        yield _counters(stage, layout, counted)


class _Parameters:
    """Parameters on one card."""

    def __init__(self) -> None:
        self.trained = 0
        self.frozen = 0

    def add(self, layer: Layer, held: int) -> None:
        if layer.trains:
            self.trained += held
        else:
            self.frozen += held

    @property
    def all(self) -> int:
        return self.trained + self.frozen


def _of(parameters: _Parameters, layout: Layout, ranks: int) -> State:
    return states(
        layout.recipe,
        parameters.trained,
        frozen=parameters.frozen,
        ranks=ranks,
        zero=layout.zero,
    )


def _formula(size: int, name: str, dealt: bool, layout: Layout, kinds: int) -> str:
    n = "N" if name == "weights" else "N trained"
    by = " / dp" if dealt and layout.dp > 1 else ""
    formula = f"{size} {n}{by}"
    if kinds > 1:
        by = " / (dp / ep)" if dealt and layout.dp > 1 else ""
        formula += f" + {size} experts{by}"
    return formula


def _gathered(stage: Stage, layout: Layout) -> Iterator[Line]:
    """Yield the weights and gradients of the part at work, which are whole while it works."""
    if layout.zero < 3 or layout.dp == 1:
        return
    sizes = {part.path: _part_params(part, layout) for part, _ in alike(stage.parts)}
    path = max(sizes, key=lambda each: sizes[each])
    size = layout.recipe.weight + layout.recipe.grad
    yield Line(
        what="gathered part",
        bytes=size * sizes[path],
        formula=f"{size} n of {path or 'the network'}",
        numbers=f"{size} x {sizes[path]:,}",
        source="DeepSpeed, estimate_zero3_model_states_mem_needs: weights and gradients of a part",
    )


def _part_params(part: Part, layout: Layout) -> int:
    return sum(_held(layer, layout) for layer in part.layers)


def _counters(stage: Stage, layout: Layout, counted: bool) -> Line:
    size = layout.recipe.counter
    if not counted:
        return Line(
            what="step counters",
            bytes=None,
            formula=f"{size} for each tensor",
            source="unknown, because the number of tensors is unknown",
        )
    tensors = sum(n * layer.tensors for layer, n in stage.layers if layer.trains)
    return Line(
        what="step counters",
        bytes=size * tensors,
        formula=f"{size} for each tensor",
        numbers=f"{size} x {tensors:,}",
        source="torch's own Adam keeps one for each",
    )


class _Activations:
    """What a step keeps of each part for one micro-batch, and of a stage for all in flight."""

    def __init__(self, told: Told, layout: Layout) -> None:
        self._layout = layout
        self._stages = told.stages()
        self._told = told
        self.why = ""
        self._sizes: dict[int, int] = {}
        self._kept = self._beside(told.saved_activations(layout.way(), layout.recipe.number_type))
        self._again: tuple[tuple[SavedPart, ...], ...] = ()
        if layout.recompute == "full" and not self.why:
            self._again = self._beside(
                told.saved_activations(replace(layout.way(), every=0), layout.recipe.number_type)
            )

    def _beside(self, kept: SavedActivations | str) -> tuple[tuple[SavedPart, ...], ...]:
        found = kept if isinstance(kept, str) else beside(self._stages, kept)
        if isinstance(found, str):
            self.why = found
            return ()
        return found

    def of(self, stage: Stage) -> tuple[tuple[Line, ...], tuple[int, ...]]:
        """Return the lines of a stage, and the micro-batches in flight of each chunk."""
        if self.why:
            said = f"unknown, because {self.why}"
            line = Line(what="activations", bytes=None, formula="", source=said)
            return (line, *self._scores(stage)), ()
        layout = self._layout
        sizes = [sum(self._size(self._kept[place]) for place in run) for run in stage.chunks]
        most, flights = in_flight(sizes, stage.number, layout.pp, layout.micro_batches)
        line = Line(
            what="activations",
            bytes=most,
            formula=self._words(flights),
            numbers=" + ".join(
                f"{count} x {size:,}" for count, size in zip(flights, sizes, strict=True) if count
            ),
            source=_STEP if self._told.step else _FORMULA,
        )
        scores, again = tuple(self._scores(stage)), tuple(self._runs_again(stage))
        if not (scores and again):
            return (line, *scores, *again), flights
        # The head gives back what it has before the first block runs again.
        head = self._size(self._kept[stage.chunks[-1][-1]])
        if sum(each.bytes or 0 for each in scores) + head >= (again[0].bytes or 0):
            return (line, *scores), flights
        rest = replace(
            line,
            bytes=most - head,
            formula=f"{line.formula}, no head",
            numbers=f"{line.numbers} - {head:,}",
        )
        return (rest, *again), flights

    def _words(self, flights: Sequence[int]) -> str:
        layout = self._layout
        what = {
            "none": "saved",
            "selective": "saved but attention's inside",
            "full": "blocks' inputs",
        }[layout.recompute]
        each = " + ".join(map(str, flights))
        shared = ""
        if layout.tp > 1:
            whole = layout.recompute == "full" and not layout.sequence_parallel
            shared = f", whole on each of tp {layout.tp}" if whole else f", split by tp {layout.tp}"
        return f"{what}, {each} micro-batch{'' if flights == (1,) else 'es'}{shared}"

    def _size(self, parts: Sequence[SavedPart]) -> int:
        return sum(self._size_of(part) for part in parts)

    def _size_of(self, part: SavedPart) -> int:
        if id(part) not in self._sizes:  # blocks that are alike are one object
            size = part.bytes(
                activation=self._layout.activation,
                tensor_parallel=self._layout.tp,
                sequence_parallel=self._layout.sequence_parallel,
            )
            self._sizes[id(part)] = size or 0
        return self._sizes[id(part)]

    def _runs_again(self, stage: Stage) -> Iterator[Line]:
        """Yield what the largest block keeps while it runs again, beyond what is there anyway."""
        if not self._again:
            return
        places = [place for run in stage.chunks for place in run if self._stages.parts[place].block]
        if not places:
            return
        sizes = {place: self._size(self._again[place]) for place in places}
        place = max(sizes, key=lambda each: sizes[each])
        yield Line(
            what="a block that runs again",
            bytes=sizes[place],
            formula=f"saved by {self._stages.parts[place].path}",
            numbers=f"{sizes[place]:,}",
            source="Chen et al. 2016 (arXiv 1604.06174), section 4",
        )

    def _scores(self, stage: Stage) -> Iterator[Line]:
        """Yield a vocabulary's scores and their copy in fp32, beside what the network keeps."""
        layout = self._layout
        if layout.loss == "sum":
            return
        for part, _ in alike(stage.parts):
            for layer in part.layers:
                if layer.division.by == "vocabulary" and layer.division.reads:
                    yield self._of_scores(layer)

    def _of_scores(self, layer: Layer) -> Line:
        layout = self._layout
        words = share(layer.division.units, layout.tp)
        rows = layer.counted.form.symbols["n"]
        size = 4 if layout.activation == 4 else 6
        by = " / tp" if layout.tp > 1 else ""
        return Line(
            what="scores for the loss",
            bytes=size * rows * words,
            formula=f"{size} s b V{by}",
            numbers=f"{size} x {rows:,} x {words:,}",
            source="scores, with a copy of 16 bits in fp32: stas00/ml-engineering, performance",
        )
