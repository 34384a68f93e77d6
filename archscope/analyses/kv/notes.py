"""The text around a cache's rows: headline, notes, the lines under the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from archscope.analyses.kv.question import Question
from archscope.analyses.kv.rows import GuessRow, Totals
from archscope.analyses.kv.steps import multiplying
from archscope.results import Amount, Headline, Note, Words
from archscope.theory.cache import Cache
from archscope.theory.census import EXPERTS
from archscope.theory.decoding import StepCost


def about(ask: Question) -> str:
    """Return what the title says of the question."""
    asked = ask.asked
    said = [f"context {asked.context:,}", f"{asked.batch:,} sequence{'s'[: asked.batch != 1]}"]
    said.append(f"cache in {asked.stored.word}")
    if ask.runtime is not None:
        said.append(ask.runtime.name)
    return " · ".join(said)


def summary(cache: Cache, ask: Question, totals: Totals) -> Iterator[Words]:
    """Yield the lines under every table of the analysis."""
    yield (
        "Needed ",
        Amount(value=totals.bytes, kind="bytes"),
        *_more(" · reserved ", totals.reserved),
        *_more(" · of it padding ", totals.padding),
        *_more(" · each position of a sequence adds ", totals.per_position or None),
        *_more(", once all windows are full ", _steady(cache, ask, totals)),
        *_more(" · of a sequence, whatever its length, ", totals.states or None),
    )
    if totals.read is not None and totals.macs is not None:
        yield (
            "A step reads ",
            Amount(value=totals.read, kind="bytes"),
            f" (weights in {ask.weights.word}, and the cache) and does ",
            Amount(value=totals.macs, kind="work"),
            " MACs",
            *_bound(ask, totals),
        )
    if totals.room is not None:
        yield tuple(_fitting(cache, totals))


def _steady(cache: Cache, ask: Question, totals: Totals) -> int | None:
    """Return the bytes that a position adds where no window has room; None: there are none."""
    endless = (layer for layer in cache.layers if layer.source is None and layer.limit is None)
    stored = ask.asked.stored
    found = sum(stored.of(layer.per_position, layer.vectors) for layer in endless)
    return found if totals.per_position and found != totals.per_position else None


def guessing(rows: Sequence[GuessRow]) -> Iterator[Words]:
    """Yield what as many guesses as were asked for come to."""
    for most in rows[-1:]:
        yield (
            f"With {most.guesses:,} {'guess' if most.guesses == 1 else 'guesses'} a step yields ",
            Amount(value=most.tokens, kind="number"),
            " tokens: ",
            Amount(value=most.speed, kind="factor"),
            " the speed where it takes no longer",
        )


def experts_read(cache: Cache) -> Iterator[Words]:
    """Yield what steps of several tokens assume of experts, where there are any."""
    if cache.step is not None and any(layer.kind == EXPERTS for layer in cache.step(1)):
        yield (
            "Experts read: the expected number if the router chooses uniformly; a step in which "
            "tokens share experts reads fewer and may take less",
        )


def _more(words: str, value: int | None) -> Words:
    return () if value is None else (words, Amount(value=value, kind="bytes"))


def _bound(ask: Question, totals: Totals) -> Words:
    if totals.seconds is None or ask.card is None:
        return ()
    return (
        ": at least ",
        Amount(value=totals.seconds, kind="seconds"),
        f" on a {ask.card.word}, at most ",
        Amount(value=totals.rate, kind="rate"),
        " tokens/s",
    )


def _fitting(cache: Cache, totals: Totals) -> Iterator[str | Amount]:
    assert totals.room is not None
    if totals.room < 0:
        yield "The weights alone are too large by "
        yield Amount(value=-totals.room, kind="bytes")
        return
    yield "Room for the cache "
    yield Amount(value=totals.room, kind="bytes")
    if totals.tokens_fit is not None:
        yield f": {totals.tokens_fit:,} {cache.unit}"
    if totals.sequences_fit is not None:
        yield f" · {totals.sequences_fit:,} sequences of {totals.context:,}"


def headline(totals: Totals, ask: Question) -> Iterator[Headline]:
    """Yield the numbers that a reader looks for first."""
    by = ask.runtime
    yield Headline(
        name="Cache" if by is None else f"Cache, as {by.word} reserves it",
        value=totals.bytes if by is None else totals.reserved,
        kind="bytes",
        detail=(f"{totals.batch:,} sequence{'s' * (totals.batch != 1)} of {totals.context:,}",)
        if by is None
        else ("needed ", Amount(value=totals.bytes, kind="bytes")),
        order=35,
    )
    if totals.seconds is not None:
        yield Headline(
            name="A decoding step",
            value=totals.seconds,
            kind="seconds",
            detail=("at least, at most ", Amount(value=totals.rate, kind="rate"), " tokens/s"),
            bound=True,
            order=36,
        )


def notes(cache: Cache, ask: Question, totals: Totals, cost: StepCost | None) -> Iterator[Note]:
    """Yield what must be known to read the numbers rightly."""
    if cache.layers:
        yield Note(level="info", text=f"{_kinds(cache)}; keys and values in {_stored(ask)}")
    if cache.unseen:
        few = "; ".join(
            f"{layer.path or 'the model itself'}: {layer.why}" for layer in cache.unseen[:2]
        )
        more = f" (and {len(cache.unseen) - 2} more)" if len(cache.unseen) > 2 else ""
        yield Note(level="warning", text=f"what is kept is unknown, because of {few}{more}")
    if cache.step is None:
        yield Note(
            level="info",
            text="this is what one forward pass shows; the cost of a step is known only for "
            "archscope's own families",
        )
    if cache.most is not None and ask.asked.context > cache.most:
        yield Note(
            level="warning",
            text=f"the network supports {cache.most:,} {cache.unit}, fewer than the "
            f"{totals.context:,} asked for",
        )
    if ask.runtime is not None:
        yield Note(level="info", text=f"reserved: {ask.runtime.read}")
        if totals.reserved is None and not cache.unseen:
            yield Note(level="warning", text=_unknown(cache, ask))
    if cost is not None:
        yield from _step_notes(ask, cost)
    if totals.agrees is not None:
        word = "agree" if totals.agrees else "do not agree"
        yield Note(
            level="info" if totals.agrees else "warning",
            text=f"the closed form and what the built layers would cache {word}, layer by layer",
        )


def _kinds(cache: Cache) -> str:
    counted = Counter(layer.kind for layer in cache.layers)
    return ", ".join(f"{count} × {kind}" for kind, count in counted.items())


def _stored(ask: Question) -> str:
    stored = ask.asked.stored
    return f"{stored.word}, {stored.bits:g} bits" + (f": {stored.told}" if stored.told else "")


def _unknown(cache: Cache, ask: Question) -> str:
    assert ask.runtime is not None
    reasons = dict.fromkeys(
        each.why for each in ask.runtime.reserved(cache, ask.asked) if each.bytes is None
    )
    return f"what is reserved is unknown, because {'; '.join(reasons)}"


def _step_notes(ask: Question, cost: StepCost) -> Iterator[Note]:
    if ask.card is not None:
        yield Note(
            level="info",
            text="the lower bound of a step is its reading or arithmetic at the peak of the "
            f"{ask.card.called} ({ask.card.source}); a real one takes longer",
        )
        if multiplying(cost, ask.card, ask.weights) is None:
            yield Note(
                level="info",
                text=f"no peak of the {ask.card.word} in {ask.weights.word} is cited here: only "
                "reading bounds the step",
            )
    if ask.weights.elements > 1:
        yield Note(
            level="info",
            text=f"all weights are assumed to be in {ask.weights.word}; files store tables, heads "
            "and norms in wider types and are larger",
        )
    if cost.least_weights < cost.most_weights:
        least, most = cost.least_weights / 2**30, cost.most_weights / 2**30
        yield Note(
            level="info",
            text="experts read: the expected number if the router chooses uniformly; whatever it "
            f"chooses, {least:,.2f} to {most:,.2f} GiB of weights are read",
            details=(
                "The lower bound is that of the mean step; one in which tokens share experts "
                "may take less.",
            ),
        )
