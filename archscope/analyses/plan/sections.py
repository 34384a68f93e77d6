"""Puts together the sections of the plan analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archscope.analyses.plan.changes import changes
from archscope.analyses.plan.evaluate import Evaluated, evaluate
from archscope.analyses.plan.largest import Largest, largest
from archscope.analyses.plan.layout import Cards, cards_of, layout_of
from archscope.analyses.plan.network import told
from archscope.analyses.plan.notes import about, headline, notes, summary
from archscope.analyses.plan.rows import (
    CHANGES,
    COST,
    LARGEST,
    PARTS,
    SENT,
    STAGES,
    CostRow,
    PartRow,
    StageRow,
    Totals,
)
from archscope.analyses.plan.settings import Settings
from archscope.analyses.plan.stage_memory import STATES
from archscope.analyses.plan.work import Time, time_of
from archscope.analyses.scaling.sections import sizes
from archscope.errors import SpecError
from archscope.results import Section
from archscope.subject import Network


def sections(network: Network, settings: Settings) -> tuple[Section, ...]:
    """Return what a training of `network` takes; see `analysis.run`."""
    known = told(network, settings.saved, settings.pp)
    layout = layout_of(settings, known.samples)
    cards = cards_of(settings)
    found = evaluate(known, layout)
    time = time_of(found.work, found.stages, layout, cards, settings)
    tried = changes(known, found)
    border = _border(settings, cards, lambda word, limit: largest(known, layout, word, limit))
    totals = _totals(found, time, cards, border)
    text = tuple(summary(totals, found, cards, tried, border))
    return (
        PARTS.filled(
            _part_rows(found),
            totals=totals,
            notes=tuple(notes(found, cards, time, priced=settings.price is not None)),
            headline=tuple(headline(totals, tried)),
            summary=text,
            about=about(layout, settings),
        ),
        STAGES.filled(_stage_rows(found), summary=text),
        COST.filled(_cost_rows(found, time, settings), summary=text),
        SENT.filled(found.sent, summary=text),
        CHANGES.filled((each.row(cards.memory) for each in tried), summary=text),
        *([] if border is None else [LARGEST.filled(border.rows, summary=text)]),
        *sizes(network, settings.tokens, "plan"),
    )


def _border(
    settings: Settings, cards: Cards, find: Callable[[str, int], Largest]
) -> Largest | None:
    if settings.max is None:
        return None
    if cards.memory is None:
        raise SpecError("max", settings.max, f"needs the memory of a card: {cards.said}")
    return find(settings.max, cards.memory)


def _part_rows(found: Evaluated) -> Iterator[PartRow]:
    for line in found.fullest.lines:
        yield PartRow(
            part=line.what,
            bytes=line.bytes,
            formula=line.formula,
            numbers=line.numbers,
            source=line.source,
        )
    yield PartRow(
        part="temporary",
        bytes=None,
        formula="",
        numbers="",
        source="unknown, because kernels and the allocator decide it: gradients of activations, "
        "workspaces; archscope memory has the peak of a step on one card",
    )


def _stage_rows(found: Evaluated) -> Iterator[StageRow]:
    whole = sum(each.stage.macs for each in found.filled)
    for each in found.filled:
        yield StageRow(
            stage=each.stage.number + 1,
            holds=each.stage.holds,
            params=each.params,
            states=each.of(*STATES),
            in_flight=" + ".join(map(str, each.flights)) or "unknown",
            kept=each.of("activations"),
            bytes=each.total,
            known=each.known,
            work=each.stage.macs / whole if whole else 0.0,
        )


def _totals(found: Evaluated, time: Time, cards: Cards, border: Largest | None) -> Totals:
    layout, work = found.layout, found.work
    memory, limit = found.memory, cards.memory
    told_of = memory if memory is not None else found.fullest.known
    fits = found.fits(limit)
    return Totals(
        memory=memory,
        known=found.fullest.known,
        limit=limit,
        fits=fits,
        spare=None if limit is None or fits is None else limit - told_of,
        stage=found.fullest.stage.number + 1,
        gpus=layout.gpus,
        dp=layout.dp,
        tp=layout.tp,
        pp=layout.pp,
        ep=layout.ep,
        micro_batches=layout.micro_batches,
        global_batch=layout.global_batch,
        params=found.stages.params,
        active=found.stages.active,
        forward_flops=work.forward,
        model_flops=work.model,
        hardware_flops=work.hardware,
        sent=found.sends,
        bubble=float(work.bubble),
        mfu=time.mfu,
        hfu=time.hfu,
        step_seconds=time.step_seconds,
        steps=time.steps,
        days=time.days,
        gpu_hours=time.gpu_hours,
        cost=time.cost,
        largest=None if border is None else border.value,
    )


def _cost_rows(found: Evaluated, time: Time, settings: Settings) -> Iterator[CostRow]:
    yield from _step_rows(found)
    late = time.why or _unsaid(found, settings)
    layout = found.layout
    units = "tokens" if found.stages.tokens else "inputs"
    tokens = layout.dp * layout.micro_batches * (found.stages.tokens or found.stages.samples)
    rows = (
        ("MFU", time.mfu, "ratio", "model FLOPs / (time x cards x peak)", "as you say"),
        ("HFU", time.hfu, "ratio", "MFU x hardware / model FLOPs", "Chowdhery et al. 2022, PaLM"),
        ("peak of a card, FLOP/s", time.peak, "work", "dense, as its vendor prints it", ""),
        ("a step", time.step_seconds, "seconds", "model FLOPs / (cards x peak x MFU)", ""),
        (f"{units} of a step", tokens, "count", "of all copies and micro-batches", ""),
        (
            f"{units} per second",
            tokens / time.step_seconds if time.step_seconds else None,
            "number",
            f"{units} / time, of all cards",
            "",
        ),
        ("steps", time.steps, "count", f"{units} of the training / {units} of a step", ""),
        ("days", time.days, "number", "time of a step x steps", ""),
        ("GPU-hours", time.gpu_hours, "number", "cards x hours", ""),
        ("cost", time.cost, "number", "GPU-hours x price", "in the price's currency"),
    )
    for what, value, kind, formula, source in rows:
        yield _cost_row(what, value, kind, formula, source if value is not None else late)


def _cost_row(
    what: str, value: float | int | None, kind: str, formula: str, source: str, bound: str = ""
) -> CostRow:
    return CostRow(what=what, value=value, kind=kind, bound=bound, formula=formula, source=source)


def _unsaid(found: Evaluated, settings: Settings) -> str:
    if settings.tokens is None:
        units = "tokens" if found.stages.tokens else "inputs"
        return f"the total number of {units} is not given; add --tokens, e.g. 300B"
    return "the price of a GPU-hour is not given; add --price"


def _step_rows(found: Evaluated) -> Iterator[CostRow]:
    work, layout = found.work, found.layout
    bound = f"{found.stages.bounded}: twice the forward at most"
    yield _cost_row(
        "forward FLOPs",
        work.forward,
        "work",
        "2 x MACs x micro-batches x dp",
        "counted layer by layer",
    )
    yield _cost_row(
        "model FLOPs",
        3 * work.forward if work.model is None else work.model,
        "work",
        "forward + as much for each operand that needs a gradient",
        "Narayanan et al. 2021, equation 3, by layers" if work.model is not None else bound,
        "at most" if work.model is None else "",
    )
    yield _cost_row(
        "hardware FLOPs",
        work.hardware,
        "work",
        {
            "none": "model FLOPs: nothing runs again",
            "selective": "model FLOPs + attention's products once more",
            "full": "model FLOPs + the forward of blocks",
        }[layout.recompute],
        "Korthikanti et al. 2022, section 5" if work.hardware is not None else bound,
    )
    yield _cost_row(
        "bubble",
        float(work.bubble),
        "ratio",
        f"(p - 1) / (v m) = {layout.pp - 1} / ({layout.chunks} x {layout.micro_batches})",
        "Narayanan et al. 2021 (arXiv 2104.04473), section 2.2",
    )
