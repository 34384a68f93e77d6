"""The numbers of a count that a reader looks for first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.analyses.params.rows import DepthRow, Totals
from archscope.analyses.params.summary import joined
from archscope.results import Amount, Headline, Words


def headline(
    totals: Totals, depths: Sequence[DepthRow], fp32: int, flops_per_mac: int
) -> Iterator[Headline]:
    """Yield the numbers that a reader looks for first; `fp32` is the weights' size as such."""
    params = totals.trainable + totals.frozen
    exact: Words = (Amount(value=totals.trainable, kind="count"), " exactly")
    if totals.frozen:
        exact += ("; frozen ", Amount(value=totals.frozen, kind="count"))
    if totals.active is None:
        exact += ("; active per token unknown",)
    elif totals.active != params:
        exact += ("; ", Amount(value=totals.active, kind="work"), " active per token")
    yield Headline(
        name="Trainable parameters",
        value=totals.trainable,
        kind="work",
        detail=exact,
        about="params",
        order=10,
    )
    if totals.macs is not None or totals.flops is not None:
        yield _work(totals, flops_per_mac)
    yield Headline(
        name="Weights in memory",
        value=totals.weight_bytes,
        kind="bytes",
        detail=_other_sizes(totals.weight_bytes, fp32),
        order=60,
    )
    yield from _depth_headline(depths)


def _other_sizes(held: int, fp32: int) -> Words:
    as_bf16: Words = (Amount(value=fp32 // 2, kind="bytes"), " as bf16")
    if held == fp32:
        return ("as fp32; ", *as_bf16)
    return ("as held; ", Amount(value=fp32, kind="bytes"), " as fp32, ", *as_bf16)


def _work(totals: Totals, flops_per_mac: int) -> Headline:
    if totals.flops is None:
        detail: Words = ("see what to look at",)
        return Headline(
            name="FLOPs*", value=None, kind="work", detail=detail, about="macs", order=20
        )
    detail = (f"{flops_per_mac} per multiply-accumulate",)
    if totals.macs is not None:
        once, twice = (Amount(value=n * totals.macs, kind="work") for n in (1, 2))
        detail += ("; MACs ", once, ", 2 × MACs ", twice)
    return Headline(
        name="FLOPs*, one forward pass",
        value=totals.flops,
        kind="work",
        detail=detail if totals.complete else ("a lower bound; ", *detail),
        level="" if totals.complete else "warning",
        bound=not totals.complete,
        about="macs",
        order=20,
    )


def _depth_headline(depths: Sequence[DepthRow]) -> Iterator[Headline]:
    known = [row for row in depths if row.value is not None]
    if known:
        others = ((Amount(value=row.value, kind="count"), f" {row.measure}") for row in known[1:])
        yield Headline(
            name=f"Depth in {known[0].measure}",
            value=known[0].value,
            kind="count",
            detail=joined(others, ", "),
            order=70,
        )
