"""The lines under a table of parameters: totals, weights, the largest list, every depth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from archscope.analyses.params.rows import MODULES, DepthRow, Totals
from archscope.results import Amount, LargestList, Report, Section, Sum, Words

SEPARATOR = " · "


def summary(totals: Totals, depths: Sequence[DepthRow], fp32: int) -> Iterator[Words]:
    """Yield the lines under every table of the analysis; `fp32` is the weights' size as such."""
    params = totals.trainable + totals.frozen
    active: Words = ()
    if totals.active is None:
        active = (f"{SEPARATOR}active per token unknown",)
    elif totals.active != params:
        active = (f"{SEPARATOR}active per token ", Amount(value=totals.active, kind="count"))
    yield (
        "Trainable ",
        Amount(value=totals.trainable, kind="count"),
        f"{SEPARATOR}frozen ",
        Amount(value=totals.frozen, kind="count"),
        *active,
        *_nonzero(totals.nonzero, params),
        *_held(totals.weight_bytes, fp32),
        Amount(value=fp32, kind="bytes"),
        ", bf16 ",
        Amount(value=fp32 // 2, kind="bytes"),
        LargestList(
            section=MODULES.address,
            sums=(
                Sum(word="params", fields=("trainable", "frozen")),
                Sum(word="FLOPs", fields=("flops",)),
            ),
        ),
    )
    if depths:
        yield ("Depth: ", *joined(map(_depth, depths)))


def _nonzero(nonzero: int | None, params: int) -> Words:
    if nonzero is None:
        return ()
    share: Words = (" (", Amount(value=nonzero / params, kind="ratio"), ")") if params else ()
    return (f"{SEPARATOR}nonzero ", Amount(value=nonzero, kind="count"), *share)


def _held(size: int, fp32: int) -> Words:
    """Say what is really held first, where that is not the size of as many fp32 numbers."""
    if size == fp32:
        return (f"{SEPARATOR}weights fp32 ",)
    return (f"{SEPARATOR}weights ", Amount(value=size, kind="bytes"), " as held, fp32 ")


def _depth(row: DepthRow) -> Words:
    if row.measure == "blocks" and row.value is None:
        return ("no repeated blocks",)
    return (f"{row.measure} ", Amount(value=row.value, kind="count"))


def joined(parts: Iterable[Words], separator: str = SEPARATOR) -> Words:
    """Return lines as one, with a separator between them."""
    found: Words = ()
    for part in parts:
        found += (separator, *part) if found else part
    return found


def with_lines(report: Report, lines: Sequence[Words], section: Section) -> Report:
    """Return `report` with one more section, and more lines under all of its tables."""
    added = replace(section, summary=report.sections[0].summary)
    sections = (
        replace(each, summary=(*each.summary, *lines)) for each in (*report.sections, added)
    )
    return replace(report, sections=tuple(sections))
