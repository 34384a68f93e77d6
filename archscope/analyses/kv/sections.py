"""Puts together the sections of the kv analysis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.analyses.kv.capacity import sequences_that_fit, tokens_that_fit
from archscope.analyses.kv.notes import about, experts_read, guessing, headline, notes, summary
from archscope.analyses.kv.question import Question, question
from archscope.analyses.kv.rows import (
    BATCHES,
    CHECK,
    CONTEXTS,
    GUESSES,
    KINDS,
    LAYERS,
    RUNTIMES,
    CheckRow,
    ContextRow,
    KindRow,
    LayerRow,
    RuntimeRow,
    Totals,
)
from archscope.analyses.kv.settings import Settings
from archscope.analyses.kv.steps import at_least, batch_rows, guess_rows
from archscope.results import Section
from archscope.subject import Network
from archscope.theory.cache import Cache, LayerCache, Unseen
from archscope.theory.decoding import StepCost, step_cost
from archscope.theory.serving import distinct
from archscope.theory.serving.demand import Asked, Reserved, all_needed, as_plain, needed

_SHORTEST, _DOUBLINGS = 256, 11


def sections(
    network: Network, cache: Cache, settings: Settings, *, parameters: int | None = None
) -> tuple[Section, ...]:
    """Return what is asked of a cache; `parameters` where no family tells how many there are."""
    ask = question(network, cache, settings, parameters)
    cost = step_cost(cache, ask.asked, ask.weights, ask.runtime)
    checked = _checked(network, cache, ask) if settings.verify else ()
    totals = _totals(cache, ask, cost, checked)
    guesses = tuple(guess_rows(cache, ask, settings))
    said = {"summary": (*summary(cache, ask, totals), *guessing(guesses))}
    steps = {"summary": (*said["summary"], *experts_read(cache))}
    layers = tuple(_layer_rows(cache, ask))
    found = [
        LAYERS.filled(
            layers,
            totals=totals,
            notes=tuple(notes(cache, ask, totals, cost)),
            headline=tuple(headline(totals, ask)),
            about=about(ask),
            **said,
        ),
    ]
    if not cache.unseen:
        found += [
            KINDS.filled(_kind_rows(cache, layers), **said),
            RUNTIMES.filled(_runtime_rows(cache, ask.asked), **said),
            BATCHES.filled(batch_rows(cache, ask), **steps),
            CONTEXTS.filled(_context_rows(cache, ask), **said),
        ]
    if guesses:
        found.append(GUESSES.filled(guesses, **steps))
    if settings.verify:
        found.append(CHECK.filled(checked, device="meta", **said))
    return tuple(found)


def _checked(network: Network, cache: Cache, ask: Question) -> tuple[CheckRow, ...]:
    from archscope.analyses.kv.verified import check_rows

    return tuple(check_rows(network, cache, ask.asked.context))


def _layer_rows(cache: Cache, ask: Question) -> Iterator[LayerRow]:
    asked, by = ask.asked, ask.runtime
    each: tuple[Reserved | None, ...] = (None,) * len(cache.layers)
    if by is not None:
        each = by.reserved(cache, asked)
    for layer, reserved in zip(cache.layers, each, strict=True):
        least = needed(layer, asked, by.states_in(layer.kind, asked) if by else None)
        yield LayerRow(
            path=layer.path,
            kind=layer.kind,
            heads=layer.heads,
            per_position=layer.per_position,
            positions=layer.positions(asked.context) if layer.position else 0,
            fixed=layer.state_elements + layer.column_elements,
            bytes=least,
            reserved=reserved.bytes if reserved else None,
            why=reserved.why if reserved else "",
            formula=layer.formula,
            numbers=layer.numbers(asked.context),
            source=layer.reference,
            own_bytes=least,
            own_reserved=reserved.bytes if reserved else None,
        )
    yield from map(_unseen_row, cache.unseen)


def _unseen_row(layer: Unseen) -> LayerRow:
    return LayerRow(
        path=layer.path,
        kind="unknown",
        heads=None,
        per_position=None,
        positions=None,
        fixed=None,
        bytes=None,
        reserved=None,
        why=layer.why,
        formula="",
        numbers="",
        source="",
        own_bytes=None,
        own_reserved=None,
    )


def _kind_rows(cache: Cache, rows: tuple[LayerRow, ...]) -> Iterator[KindRow]:
    for kind in dict.fromkeys(row.kind for row in rows):
        alike = [row for row in rows if row.kind == kind]
        sizes = [row.bytes for row in alike if row.bytes is not None]
        reserved = [row.reserved for row in alike if row.reserved is not None]
        yield KindRow(
            kind=kind,
            layers=len(alike),
            bytes=sum(sizes),
            reserved=sum(reserved) if len(reserved) == len(alike) else None,
            grows=_grows([layer for layer in cache.layers if layer.kind == kind]),
        )


def _grows(layers: list[LayerCache]) -> str:
    """Return whether what these layers keep grows with the context, and how far."""
    if all(not layer.position or layer.source is not None for layer in layers):
        return "no"
    ends = {layer.limit for layer in layers}
    if None in ends:
        return "yes"
    return "up to " + ", ".join(f"{end:,}" for end in sorted(filter(None, ends)))


def _totals(
    cache: Cache, ask: Question, cost: StepCost | None, checked: tuple[CheckRow, ...]
) -> Totals:
    asked, by = ask.asked, ask.runtime
    seconds = at_least(cost, ask.card, ask.weights) if cost and ask.card else None
    return Totals(
        context=asked.context,
        batch=asked.batch,
        bytes=None if cache.unseen else all_needed(cache, asked, by),
        per_position=None if cache.unseen else _per_position(cache, asked),
        states=None if cache.unseen else sum(_fixed(layer, ask) for layer in cache.layers),
        reserved=by.total(cache, asked) if by and not cache.unseen else None,
        padding=by.padding(cache, asked) or None if by and by.padding else None,
        weights=ask.weight_bytes,
        macs=cost.macs if cost else None,
        read=round(cost.bytes) if cost else None,
        seconds=seconds,
        rate=asked.batch / seconds if seconds else None,
        room=ask.room,
        tokens_fit=None if cache.unseen else tokens_that_fit(cache, ask),
        sequences_fit=None if cache.unseen else sequences_that_fit(cache, ask),
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
            set_aside=reserved,
            ratio=None if reserved is None else _over(reserved, all_needed(cache, asked, runtime)),
            states=", ".join(states),
            why=why,
            source=runtime.read.partition(",")[0],
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
            needed=all_needed(cache, asked, ask.runtime),
            set_aside=ask.runtime.total(cache, asked) if ask.runtime else None,
        )
