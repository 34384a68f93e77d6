"""The text around a plan: verdict, headline, notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.analyses.plan.changes import Change
from archscope.analyses.plan.evaluate import Evaluated
from archscope.analyses.plan.largest import Largest
from archscope.analyses.plan.layout import Cards, Layout
from archscope.analyses.plan.rows import Totals
from archscope.analyses.plan.settings import Settings
from archscope.analyses.plan.work import Time
from archscope.results import Amount, Headline, Note, Words


def summary(
    totals: Totals,
    found: Evaluated,
    cards: Cards,
    tried: Sequence[Change],
    border: Largest | None,
) -> Iterator[Words]:
    """Yield the lines under every table of the analysis: the verdict first."""
    yield verdict(totals)
    if totals.limit is not None and not totals.fits:
        yield from _way_out(tried, totals.limit, proven=totals.fits is False)
    if border is not None:
        yield _border(border)
    yield _cards(totals)
    yield _step(totals)
    if totals.days is not None:
        cost = () if totals.cost is None else (f" · cost {_few(totals.cost)}",)
        hours = _few(totals.gpu_hours or 0)
        yield (f"Training {_few(totals.days, 2)} days · {hours} GPU-hours", *cost)


def _few(value: float, digits: int = 0) -> str:
    """Return a number with so many digits behind the point, a small one with two that count."""
    return f"{value:,.{digits}f}" if value >= 10 ** (1 - digits) else f"{value:.2g}"


def verdict(totals: Totals) -> Words:
    """Return whether it fits, in a line."""
    size = Amount(value=totals.known, kind="bytes")
    if totals.limit is None:
        beside = ", and what is temporary" if totals.memory is not None else " at least"
        return ("A card needs ", size, f"{beside}; give --gpu or --card-memory: does it fit?")
    limit = Amount(value=totals.limit, kind="bytes")
    if totals.fits is None:
        return ("Unknown whether it fits: ", size, " at least, of ", limit)
    gap = Amount(value=abs(totals.spare or 0), kind="bytes")
    if totals.fits:
        return ("Fits, ", gap, " to spare for what is temporary: ", size, " of ", limit)
    whatever = "" if totals.memory is not None else ", whatever the activations are"
    return ("Does not fit: ", gap, " short", whatever, ": ", size, " of ", limit)


def _way_out(tried: Sequence[Change], limit: int, *, proven: bool) -> Iterator[Words]:
    """Yield the cheapest change that makes it fit, or that none does."""
    found = next((each for each in tried if each.after.fits(limit)), None)
    if found is None:
        if proven:
            yield ("No single change is known to make it fit",)
        return
    size = Amount(value=found.after.memory, kind="bytes")
    work = "" if found.work is None else f", {found.work:+.1%} work"
    remark = f", {found.remark}" if found.remark else ""
    yield (f"Cheapest single change that makes it fit: {found.words}{remark} (", size, f"{work})")


def _border(border: Largest) -> Words:
    if border.value is None:
        return (border.why,)
    row = border.rows[0]
    size = Amount(value=row.bytes, kind="bytes")
    if len(border.rows) > 1:
        after = border.rows[1]
        more = Amount(value=after.bytes, kind="bytes")
        return (
            f"Largest {row.field} that fits: at most {row.value:,} (", size,
            f", and what is temporary); {after.value:,} does not (", more, ")",
        )  # fmt: skip
    return (
        f"Largest {row.field} that fits: at most {row.value:,} (", size,
        f", and what is temporary); {border.why}",
    )  # fmt: skip


def _cards(totals: Totals) -> Words:
    shares = [f"dp {totals.dp}", f"tp {totals.tp}", f"pp {totals.pp}"]
    shares += [f"ep {totals.ep}"] if totals.ep > 1 else []
    several = "s" if totals.gpus > 1 else ""
    return (
        f"{totals.gpus:,} card{several}: {' · '.join(shares)} · step of {totals.global_batch:,} "
        f"input{'s' if totals.global_batch > 1 else ''} in {totals.micro_batches:,} "
        f"micro-batch{'es' if totals.micro_batches > 1 else ''}",
    )


def _step(totals: Totals) -> Words:
    found: list[str | Amount] = [
        "Step: model FLOPs ",
        Amount(value=totals.model_flops, kind="work"),
        " · hardware FLOPs ",
        Amount(value=totals.hardware_flops, kind="work"),
        f" · bubble {totals.bubble:.1%} · a card sends ",
        Amount(value=totals.sent, kind="bytes"),
    ]
    if totals.step_seconds is not None:
        found += [" · ", Amount(value=totals.step_seconds, kind="seconds")]
    if totals.mfu is not None and totals.hfu is not None:
        found.append(f" · MFU {totals.mfu:.1%} · HFU {totals.hfu:.1%}")
    return tuple(found)


def headline(totals: Totals, tried: Sequence[Change]) -> Iterator[Headline]:
    """Yield the numbers that a reader looks for first."""
    yield Headline(
        name="Memory of a card",
        value=totals.known,
        kind="bytes",
        detail=verdict(totals),
        level={True: "ok", False: "warning", None: ""}[totals.fits],  # type: ignore[arg-type]
        bound=totals.memory is None,
        order=27,
    )
    if totals.days is not None:
        yield Headline(
            name="Days of training",
            value=totals.days,
            kind="number",
            detail=(f"on {totals.gpus:,} cards",),
            order=28,
        )


def notes(found: Evaluated, cards: Cards, time: Time, *, priced: bool = False) -> Iterator[Note]:
    """Yield what must be known to read the numbers rightly."""
    yield from _unknown(found)
    yield from _of_cards(cards)
    yield from _of_time(time, priced=priced)
    layout = found.layout
    assumed = {
        "stages get equal numbers of consecutive blocks, the first stages one more; "
        "embeddings are on the first stage, the head on the last, a tied table on both": (
            layout.pp > 1
        ),
        "norms, routers and layers without heads or hidden features are replicated over "
        "tp; the vocabulary is padded to a multiple of it": layout.tp > 1,
        "experts are assumed to get equal numbers of tokens; if they do not, some GPUs "
        "hold and send more": any(
            layer.division.experts for layer, _ in found.fullest.stage.layers
        ),
        "what dp shards is split as one flat vector, rounded up for the first": layout.zero > 0,
    }
    for text, holds in assumed.items():
        if holds:
            yield Note(level="info", text=text)


def _unknown(found: Evaluated) -> Iterator[Note]:
    unknown = [line for each in found.filled for line in each.lines if line.bytes is None]
    for text in dict.fromkeys(f"{line.what}: {line.source}" for line in unknown):
        yield Note(level="warning", text=text)
    if found.stages.active is None:
        yield Note(
            level="warning",
            text="active parameters are unknown, because it is unknown how many experts a token "
            "meets; archscope params says in which modules",
        )


def _of_cards(cards: Cards) -> Iterator[Note]:
    if cards.memory is None:
        yield Note(level="info", text=f"the memory of a GPU is unknown: {cards.said}")
    elif cards.card is not None and cards.said != "as you say":
        yield Note(
            level="info",
            text=f"{cards.card.called} has {cards.memory / 2**30:g} GiB ({cards.said}), of which "
            "driver and libraries take 1 to 2 %",
        )


def _of_time(time: Time, *, priced: bool) -> Iterator[Note]:
    if time.why:
        yield Note(level="info", text=f"time and cost are not estimated: {time.why}")
    elif priced and time.days is None:
        text = (
            "days and cost are not estimated: the number of tokens is not given; add --tokens, "
            "e.g. 300B"
        )
        yield Note(level="info", text=text)
    if time.hfu is not None and time.hfu > 1:
        yield Note(
            level="warning",
            text=f"no GPU reaches {time.hfu:.0%} of its peak: recomputation counts too, so the MFU "
            f"can be at most {(time.mfu or 0) / time.hfu:.1%}",
        )


def about(layout: Layout, settings: Settings) -> str:
    """Return what tells this plan from others of the same network."""
    said = [
        f"{layout.gpus} x {settings.gpu}"
        if settings.gpu
        else f"{layout.gpus} card{'s' if layout.gpus > 1 else ''}"
    ]
    said += [layout.recipe.name]
    said += [f"ZeRO-{layout.zero}"] if layout.zero else []
    said += ["sequence parallel"] if layout.sequence_parallel else []
    said += [f"recompute {layout.recompute}"] if layout.recompute != "none" else []
    said += [f"micro-batch {layout.micro_batch}"]
    return " · ".join(said)
