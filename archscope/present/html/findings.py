"""What to look at, in plain sentences: the analyses' own notes, and what the rows say at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from archscope.present import _format, _lines
from archscope.present.html.charts import section
from archscope.present.html.differences import differences
from archscope.present.html.words import is_several, the_part
from archscope.records import frozen
from archscope.results import Note, Report, View

_MISMATCH = 0.1
"""Difference between a part's shares of parameters and FLOPs that is worth a sentence."""
_WEIGHTLESS = 0.05
"""Share of the FLOPs done without weights that is worth a sentence."""
MOST = 3
"""Findings that are shown at once."""
_RANKS = {"warning": 0, "ok": 4, "info": 9}
"""Places of notes among what was found: the lowest first."""
_SLOW = 2.0
"""How many times its share of the work a stage takes of the time that is worth a sentence."""
_STAGE = 0.2
"""Share of the time from which a stage is worth one."""
_WORDS = {"warning": "WARNING", "ok": "OK", "fact": "NOTE", "info": "INFO"}


@frozen
class Finding:
    """One thing to look at."""

    level: str
    """`warning`, `ok`, `fact` or `info`."""
    word: str
    """The level as a word: colour never stands alone."""
    text: str
    details: tuple[str, ...] = ()
    """Sentences that go with it."""
    rank: int = 9
    """Its place: what a reader would act on comes first."""
    network: str = ""
    """Of which of several networks it is so; empty: of all, or of the only one."""


def findings(report: Report) -> tuple[Finding, ...]:
    """Return everything to look at: first what harms the answer, last how it was obtained.

    Between them, shares that do not match, gridding, what is shared and what is alike.
    """
    noted = [_of_note(note) for note in dict.fromkeys(report.notes)]
    return tuple(sorted([*noted, *_facts(report)], key=lambda finding: finding.rank))


def _facts(report: Report) -> Iterator[Finding]:
    """Yield what rows say at once."""
    for rank, find in _FINDERS:
        for text in find(report):
            yield Finding(level="fact", word=_WORDS["fact"], text=text, rank=rank)


def looked_at(reports: Mapping[str, Report], beside: Report | None = None) -> tuple[Finding, ...]:
    """Return what to look at in several networks by their names; what is so of all is said once.

    `beside` is their comparison.
    """
    each = {name: findings(report) for name, report in reports.items()}
    if len(each) == 1:
        return next(iter(each.values()))
    shared = set.intersection(*(set(found) for found in each.values()))
    own = [
        replace(finding, network=name)
        for name, found in each.items()
        for finding in found
        if finding not in shared
    ]
    every = [*(f for f in next(iter(each.values())) if f in shared), *own]
    every += () if beside is None else _facts(beside)
    return tuple(sorted(every, key=lambda finding: finding.rank))


def _of_note(note: Note) -> Finding:
    return Finding(
        level=note.level,
        word=_WORDS[note.level],
        text=_sentence(note.text),
        details=tuple(map(_sentence, note.details)),
        rank=_RANKS[note.level],
    )


def _sentence(text: str) -> str:
    said = _format.safe_label(text)
    return said if said.endswith((".", "?", "!")) else f"{said}."


def _largest(report: Report) -> Iterator[str]:
    found = section(report, "params.components")
    if found is None or len(found.rows) < 2:
        return
    params = {row.component: row.trainable + row.frozen for row in found.rows}
    flops = {row.component: row.flops or 0 for row in found.rows}
    if not sum(params.values()):
        return
    first = max(params, key=lambda name: params[name])
    text = f"{_begun(first)} {_verbs(first)[0]} {_leading(params, first, 'parameters')}"
    if sum(flops.values()):
        second = max(flops, key=lambda name: flops[name])
        who = " and" if second == first else f", {_part(second)}"
        yield f"{text}{who} {_verbs(second)[1]} {_leading(flops, second, 'FLOPs')}."
    else:
        yield f"{text}."


def _unlike(report: Report) -> Iterator[str]:
    """Say of which part the weights and the work differ most, unless `_largest` says both."""
    found = section(report, "params.components")
    if found is None or len(found.rows) < 2:
        return
    params = {row.component: row.trainable + row.frozen for row in found.rows}
    flops = {row.component: row.flops or 0 for row in found.rows}
    if not sum(params.values()) or not sum(flops.values()):
        return
    first, second = (max(parts, key=lambda name: parts[name]) for parts in (params, flops))
    said = first if first == second else None
    wholes = sum(params.values()), sum(flops.values())
    gaps = {name: params[name] / wholes[0] - flops[name] / wholes[1] for name in params}
    name = max(gaps, key=lambda each: abs(gaps[each]))
    if name != said and abs(gaps[name]) >= _MISMATCH:
        holds, does = _verbs(name)
        yield (
            f"{_begun(name)} {holds} {_some(params, name)} of the parameters and "
            f"{does} {_some(flops, name)} of the FLOPs."
        )


def _verbs(name: str) -> tuple[str, str]:
    """Return what a part does with parameters and with FLOPs."""
    return ("hold", "do") if is_several(name) else ("holds", "does")


def _begun(name: str) -> str:
    """Return a part at the beginning of a sentence."""
    part = _part(name)
    return f"{part[0].upper()}{part[1:]}"


def _leading(parts: dict[str, int], name: str, what: str) -> str:
    most = _format.most(parts[name], sum(parts.values()))
    return f"{most} {what} ({_share(parts, name)})"


def _share(parts: dict[str, int], name: str) -> str:
    return f"{_format.percent(parts[name], sum(parts.values()))}%"


def _some(parts: dict[str, int], name: str) -> str:
    return _share(parts, name) if parts[name] else "none"


def _part(name: str) -> str:
    return _format.safe_label(the_part(name))


def _blocks(report: Report) -> Iterator[str]:
    """Say what the block that repeats costs, once."""
    found = section(report, "params.modules")
    if found is None:
        return
    lines = _lines.lines(found, _lines.tree(found), View())
    repeated = [line for line in lines if line.copies > 1 and not line.own]
    line = max(repeated, key=_cost, default=None)
    if line is None:
        return
    row = line.row
    flops = "" if row.flops is None else f" and {_format.si(row.flops)} FLOPs"
    yield (
        f"{_format.safe_label(line.name)} are identical: each of the {line.copies:,} has "
        f"{_format.integer(row.trainable + row.frozen)} parameters{flops}, and so would another."
    )


def _cost(line: Any) -> int:
    return sum(_lines.value(line, field) or 0 for field in ("trainable", "frozen", "flops"))


def _shared(report: Report) -> Iterator[str]:
    found = section(report, "params.modules")
    rows = [] if found is None else [row for row in found.rows if row.shared_with is not None]
    if not rows:
        return
    whole = sum(row.own_flops or 0 for row in (found.rows if found else ()))
    row = max(rows, key=lambda each: each.own_flops or 0)
    does = ""
    if row.own_flops and whole:
        does = f", and does {_format.percent(row.own_flops, whole)}% of the FLOPs"
    more = f" ({len(rows) - 1:,} more modules share weights)" if len(rows) > 1 else ""
    yield (
        f"{_format.safe_label(row.path)} uses the weights of "
        f"{_format.safe_label(row.shared_with)}, which are counted there{does}{more}."
    )


def _weightless(report: Report) -> Iterator[str]:
    found = section(report, "params.modules")
    if found is None:
        return
    whole = sum(row.own_flops or 0 for row in found.rows)
    without = [
        row
        for row in found.rows
        if row.own_flops and not (row.own_trainable or row.own_frozen or row.shared_with)
    ]
    work = sum(row.own_flops for row in without)
    if not whole or work < _WEIGHTLESS * whole:
        return
    kinds = sorted({_format.safe_label(row.type) for row in without})
    named = ", ".join(kinds[:3]) + (", ..." if len(kinds) > 3 else "")
    yield f"{_format.percent(work, whole)}% of the FLOPs need no weights at all ({named})."


def _slowest(report: Report) -> Iterator[str]:
    """Say which stage takes far more of the time than of the work."""
    found = section(report, "time.layers")
    stages = [row for row in found.rows if row.path and "." not in row.path] if found else []
    time, work = sum(r.time_s for r in stages), sum(r.macs or 0 for r in stages)
    row = max(stages, key=lambda each: each.time_s, default=None)
    if row is None or not time or not work or row.time_s < _STAGE * time:
        return
    if row.time_s * work >= _SLOW * (row.macs or 0) * time:
        does = f"{_format.percent(row.macs, work)}%" if row.macs else "none"
        yield (
            f"{_format.safe_label(row.path)} takes {_format.percent(row.time_s, time)}% of the "
            f"time for {does} of the multiply-accumulates."
        )


_FINDERS: tuple[tuple[int, Callable[[Report], Iterator[str]]], ...] = (
    (1, _slowest),
    (2, _unlike),
    (3, differences),
    (3, _largest),
    (5, _shared),
    (6, _blocks),
    (7, _weightless),
)
"""What rows say at once, each with its place."""
