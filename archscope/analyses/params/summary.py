"""What stands under a table of parameters: totals, weights, the largest list, every depth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from archscope.analyses.params.rows import MODULES, DepthRow, Totals
from archscope.results import Amount, Headline, LargestList, Report, Section, Sum, Words

SEPARATOR = " · "
FP32_BYTES = 4
BF16_BYTES = 2


def summary(totals: Totals, depths: Sequence[DepthRow]) -> Iterator[Words]:
    """Yield the lines under every table of the analysis."""
    params = totals.trainable + totals.frozen
    active: Words = ()
    if totals.active != params:
        active = (f"{SEPARATOR}active per token ", Amount(value=totals.active, kind="count"))
    yield (
        "Trainable ",
        Amount(value=totals.trainable, kind="count"),
        f"{SEPARATOR}frozen ",
        Amount(value=totals.frozen, kind="count"),
        *active,
        f"{SEPARATOR}weights fp32 ",
        Amount(value=params * FP32_BYTES, kind="bytes"),
        ", bf16 ",
        Amount(value=params * BF16_BYTES, kind="bytes"),
        LargestList(
            section=MODULES.address,
            sums=(
                Sum(word="params", fields=("trainable", "frozen")),
                Sum(word="FLOPs", fields=("flops",)),
            ),
        ),
    )
    if depths:
        yield ("Depth: ", *joined((f"{d.measure} ", _depth(d)) for d in depths))


def _depth(row: DepthRow) -> Amount:
    return Amount(value=row.value, kind="count")


def headline(totals: Totals, depths: Sequence[DepthRow], flops_per_mac: int) -> Iterator[Headline]:
    """Yield the numbers that a reader looks for first."""
    params = totals.trainable + totals.frozen
    exact: Words = (Amount(value=totals.trainable, kind="count"), " exactly")
    if totals.frozen:
        exact += ("; frozen ", Amount(value=totals.frozen, kind="count"))
    if totals.active != params:
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
        value=params * FP32_BYTES,
        kind="bytes",
        detail=("as fp32; ", Amount(value=params * BF16_BYTES, kind="bytes"), " as bf16"),
        order=60,
    )
    yield from _depth_headline(depths)


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
        others = ((_depth(row), f" {row.measure}") for row in known[1:])
        yield Headline(
            name=f"Depth in {known[0].measure}",
            value=known[0].value,
            kind="count",
            detail=joined(others, ", "),
            order=70,
        )


def joined(parts: Iterable[Words], separator: str = SEPARATOR) -> Words:
    """Return lines as one, with a separator between them."""
    found: Words = ()
    for part in parts:
        found += (separator, *part) if found else part
    return found


def with_lines(report: Report, lines: Sequence[Words], section: Section) -> Report:
    """Return `report` with one more section, and more lines under all of its tables."""
    said = (*report.sections[0].summary, *lines)
    sections = (replace(each, summary=said) for each in (*report.sections, section))
    return replace(report, sections=tuple(sections))
