"""What one GPU sends in a step, by kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil

from archscope.analyses.plan.layout import Layout
from archscope.analyses.plan.rows import SentRow
from archscope.analyses.plan.stage_memory import Filled
from archscope.analyses.plan.stages import Stage
from archscope.theory.communication import all_reduce, all_to_all, part_sent
from archscope.theory.stages import Stages, alike

_ZERO = "Rajbhandari et al. 2020, ZeRO (arXiv 1910.02054), section 7"
_MEGATRON = "Shoeybi et al. 2019 (arXiv 1909.08053), section 3"
_PIPELINE = "Narayanan et al. 2021 (arXiv 2104.04473), section 3.2"
_EXPERTS = "Lepikhin et al. 2020, GShard (arXiv 2006.16668), section 3"


def sent_rows(stages: Stages, filled: Sequence[Filled], layout: Layout) -> tuple[SentRow, ...]:
    """Return what a card sends in a step, of each kind that of the stage which sends most."""
    rows = (
        _for_data(filled, layout),
        _for_layers(filled, layout),
        _for_stages(stages, filled, layout),
        _for_experts(filled, layout),
        _for_ties(filled, layout),
    )
    return tuple(row for row in rows if row.bytes != 0)


def _row(what: str, size: int | Fraction | None, formula: str, source: str) -> SentRow:
    bytes_ = None if size is None else ceil(size)
    return SentRow(what=what, bytes=bytes_, formula=formula, source=source)


def _for_data(filled: Sequence[Filled], layout: Layout) -> SentRow:
    """Return what gradients take, and weights that are dealt out, over the copies.

    Stage 2 sums up gradients, and stage 3 gathers weights, in every pass.
    """
    recipe, m = layout.recipe, layout.micro_batches
    sums = m if layout.zero > 1 else 1
    gathers = 0 if layout.zero == 0 else 1 if layout.zero < 3 else 2 * m
    formula = {
        0: "2 g N trained",
        1: "(g + w) N",
        2: "(m g + w) N",
        3: "(m g + 2 m w) N",
    }[layout.zero]

    def of(stage: Stage) -> int | Fraction:
        found = Fraction(0)
        for ranks, experts in ((layout.dp, False), (layout.expert_ranks, True)):
            held = [
                (each, times * each.held(tensor=layout.tp, expert=layout.ep))
                for each, times in stage.layers
                if bool(each.division.experts) is experts
            ]
            trained = sum(size for each, size in held if each.trains)
            every = sum(size for _, size in held)
            moved = recipe.grad * trained * (2 if layout.zero == 0 else sums)
            moved += gathers * recipe.weight * (every if layout.zero > 2 else trained)
            found += moved * part_sent(ranks)
        return found

    words = f"{formula}, x (dp - 1) / dp; g = {recipe.grad}, w = {recipe.weight}"
    return _row("gradients and weights of copies", _most(filled, of), words, _ZERO)


def _for_layers(filled: Sequence[Filled], layout: Layout) -> SentRow:
    runs = 2 if layout.recompute == "full" else 1

    def of(stage: Stage) -> int | Fraction:
        elements = sum(
            times * ((runs if part.block else 1) * part.summed_forward + part.summed_backward)
            for part, times in alike(stage.parts)
        )
        return all_reduce(layout.micro_batches * layout.activation * elements, layout.tp)

    words = f"{layout.activation} m x sums of a {'forward, two' if runs == 2 else 'forward'} and a "
    words += "backward, x 2 (tp - 1) / tp"
    return _row("sums within layers (tp)", _most(filled, of), words, _MEGATRON)


def _for_stages(stages: Stages, filled: Sequence[Filled], layout: Layout) -> SentRow:
    """Return what goes to the next stage, and gradients that go back."""
    last = len(stages.parts) - 1
    shared = layout.tp if layout.sequence_parallel else 1

    if layout.pp > 1 and any(part.out is None for part in stages.parts[:-1]):
        why = "unknown, because the tensors between stages are unknown"
        return _row("activations between stages (pp)", None, "", why)

    def of(stage: Stage) -> int | Fraction:
        if layout.pp == 1:
            return 0
        forward = [stages.parts[run[-1]].out or 0 for run in stage.chunks if run[-1] != last]
        back = [stages.parts[run[0] - 1].out or 0 for run in stage.chunks if run[0] > 0]
        elements = sum(forward) + sum(back)
        return -(-layout.micro_batches * layout.activation * elements // shared)

    words = f"{layout.activation} m x what stages hand on, and its gradient"
    words += " / tp" if shared > 1 else ""
    return _row("activations between stages (pp)", _most(filled, of), words, _PIPELINE)


def _for_experts(filled: Sequence[Filled], layout: Layout) -> SentRow:
    def of(stage: Stage) -> int | Fraction:
        elements = sum(times * part.routed for part, times in alike(stage.parts))
        runs = 6 if layout.recompute == "full" else 4
        size = runs * layout.micro_batches * layout.activation * elements
        return all_to_all(size, layout.ep)

    words = f"{layout.activation} m x tokens x top-k x d, there and back, x (ep - 1) / ep"
    return _row("tokens to experts (ep)", _most(filled, of), words, _EXPERTS)


def _for_ties(filled: Sequence[Filled], layout: Layout) -> SentRow:
    """Return what weights take that several stages have, as a tied table: gradients are summed."""
    places: dict[str, list[int]] = {}
    for each in filled:
        for layer, _ in each.stage.layers:
            if layer.weight:
                held = layer.held(tensor=layout.tp, expert=layout.ep)
                places.setdefault(layer.weight, []).append(held)
    size = sum(
        all_reduce(layout.recipe.grad * held[0], len(held)) for held in places.values() if held[1:]
    )
    return _row(
        "weights that several stages have",
        size,
        f"{layout.recipe.grad} N shared, summed up once a step",
        _PIPELINE,
    )


def _most(filled: Sequence[Filled], of: Callable[[Stage], int | Fraction]) -> int | Fraction:
    return max(of(each.stage) for each in filled)
