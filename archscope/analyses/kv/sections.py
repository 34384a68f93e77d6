"""Puts together the sections of the kv analysis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.analyses.kv.capacity import sequences_that_fit, tokens_that_fit
from archscope.analyses.kv.question import Question, question
from archscope.analyses.kv.rows import (
    BATCHES,
    CHECK,
    CONTEXTS,
    GUESSES,
    LAYERS,
    RUNTIMES,
    CheckRow,
    ContextRow,
    LayerRow,
    RuntimeRow,
    Totals,
)
from archscope.analyses.kv.said import about, headline, notes, summary
from archscope.analyses.kv.settings import Settings
from archscope.analyses.kv.steps import at_least, batch_rows, guess_rows
from archscope.results import Section
from archscope.subject import Network
from archscope.theory.cache import Cache, LayerCache
from archscope.theory.decoding import StepCost, step_cost
from archscope.theory.serving import distinct
from archscope.theory.serving.asked import Asked, Reserved, all_needed, as_plain, needed

_SHORTEST, _DOUBLINGS = 256, 11


def sections(network: Network, cache: Cache, settings: Settings) -> tuple[Section, ...]:
    """Return what is asked of a cache in closed form."""
    ask = question(network, cache, settings)
    cost = step_cost(cache, ask.asked, ask.weights, ask.runtime)
    checked = _checked(network, ask) if settings.verify else ()
    totals = _totals(cache, ask, cost, checked)
    said = {"summary": tuple(summary(cache, ask, totals))}
    found = [
        LAYERS.filled(
            _layer_rows(cache, ask),
            totals=totals,
            notes=tuple(notes(cache, ask, totals, cost)),
            headline=tuple(headline(totals, ask)),
            about=about(ask),
            **said,
        ),
        RUNTIMES.filled(_runtime_rows(cache, ask.asked), **said),
        BATCHES.filled(batch_rows(cache, ask), **said),
        CONTEXTS.filled(_context_rows(cache, ask), **said),
    ]
    if settings.guesses is not None:
        found.append(GUESSES.filled(guess_rows(cache, ask, settings), **said))
    if settings.verify:
        found.append(CHECK.filled(checked, device="meta", **said))
    return tuple(found)


def _checked(network: Network, ask: Question) -> tuple[CheckRow, ...]:
    from archscope.analyses.kv.verified import check_rows

    return tuple(check_rows(network, ask.asked.context))


def _layer_rows(cache: Cache, ask: Question) -> Iterator[LayerRow]:
    asked, by = ask.asked, ask.runtime
    each: tuple[Reserved | None, ...] = (None,) * len(cache.layers)
    if by is not None:
        each = by.reserved(cache, asked)
    for layer, reserved in zip(cache.layers, each, strict=True):
        states = by.states_in(layer.kind, asked) if by else None
        yield LayerRow(
            path=layer.path,
            kind=layer.kind,
            heads=layer.heads,
            per_position=layer.per_position,
            positions=layer.positions(asked.context) if layer.position else 0,
            fixed=layer.state_elements + layer.column_elements,
            bytes=needed(layer, asked, states),
            reserved=reserved.bytes if reserved else None,
            why=reserved.why if reserved else "",
            formula=layer.formula,
            numbers=layer.numbers(asked.context),
            source=layer.reference,
        )


def _totals(
    cache: Cache, ask: Question, cost: StepCost | None, checked: tuple[CheckRow, ...]
) -> Totals:
    asked, by = ask.asked, ask.runtime
    seconds = at_least(cost, ask.card, ask.weights) if cost and ask.card else None
    return Totals(
        context=asked.context,
        batch=asked.batch,
        bytes=all_needed(cache, asked, by),
        per_position=_per_position(cache, asked),
        states=sum(_fixed(layer, ask) for layer in cache.layers),
        reserved=by.total(cache, asked) if by else None,
        padding=by.padding(cache, asked) or None if by and by.padding else None,
        weights=ask.weight_bytes,
        macs=cost.macs if cost else None,
        read=round(cost.bytes) if cost else None,
        seconds=seconds,
        rate=asked.batch / seconds if seconds else None,
        room=ask.room,
        tokens_fit=tokens_that_fit(cache, ask),
        sequences_fit=sequences_that_fit(cache, ask),
        agrees=all(row.outcome == "ok" for row in checked) if checked else None,
    )


def _per_position(cache: Cache, asked: Asked) -> int:
    return sum(
        asked.stored.of(layer.per_position, layer.vectors)
        for layer in cache.layers
        if layer.source is None
    )


def _fixed(layer: LayerCache, ask: Question) -> int:
    """Return the bytes of one sequence that its length does not change."""
    asked = ask.asked
    kept = ask.runtime.states_in(layer.kind, asked) if ask.runtime else None
    states = (asked.states or kept or as_plain(asked.stored)).of(
        layer.state_elements + layer.column_elements
    )
    source = layer.source or 0
    return states + source * asked.stored.of(layer.per_position, layer.vectors)


def _runtime_rows(cache: Cache, asked: Asked) -> Iterator[RuntimeRow]:
    for runtime in distinct(cache):
        if asked.stored.word not in runtime.types:
            why, reserved = f"it has no cache in {asked.stored.word}", None
        else:
            rules = dict.fromkeys(each.why for each in runtime.reserved(cache, asked))
            why, reserved = "; ".join(rules), runtime.total(cache, asked)
        states = dict.fromkeys(
            runtime.states_in(layer.kind, asked).word
            for layer in cache.layers
            if layer.state_elements + layer.column_elements
        )
        yield RuntimeRow(
            runtime=runtime.word,
            name=runtime.name,
            reserved=reserved,
            ratio=None if reserved is None else _over(reserved, all_needed(cache, asked, runtime)),
            states=", ".join(states),
            why=why,
            source=runtime.read,
        )


def _over(reserved: int, least: int) -> float | None:
    return reserved / least if least else None


def _context_rows(cache: Cache, ask: Question) -> Iterator[ContextRow]:
    lengths = {_SHORTEST << power for power in range(_DOUBLINGS)} | {ask.asked.context}
    for context in sorted(lengths):
        if cache.most is not None and context > max(cache.most, ask.asked.context):
            continue
        asked = replace(ask.asked, context=context)
        yield ContextRow(
            context=context,
            bytes=all_needed(cache, asked, ask.runtime),
            reserved=ask.runtime.total(cache, asked) if ask.runtime else None,
        )
