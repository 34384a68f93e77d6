"""What to look at, in plain sentences: the analyses' own notes, and what the rows say at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from archscope.present import _format, _lines
from archscope.present.html.charts import section
from archscope.records import frozen
from archscope.results import Note, Report, View

_MISMATCH = 0.1
"""Difference between a part's shares of parameters and FLOPs that is worth a sentence."""
_WEIGHTLESS = 0.05
"""Share of the FLOPs done without weights that is worth a sentence."""
_ORDER = {"warning": 0, "ok": 1, "fact": 2, "info": 3}
_WORDS = {"warning": "WARNING", "ok": "OK", "fact": "NOTE", "info": "INFO"}
_SEVERAL = {
    "ffn": "the feed-forward layers",
    "ffn_experts": "the experts",
    "ffn_shared_experts": "the shared experts",
    "ffn_pointwise_linear": "the feed-forward layers",
    "embeddings": "the embeddings",
    "norms": "the norms",
    "mixer": "the mixers",
    "conv_spatial": "the convolutions over space",
    "conv_pointwise": "the 1×1 convolutions",
    "conv_depthwise": "the depthwise convolutions",
    "conv_grouped": "the grouped convolutions",
    "other": "other modules",
}
"""Parts of a network that are several, as a sentence calls them."""
_ONE = {"attention": "attention", "head": "the output head"}
"""Parts that are one."""


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


def findings(report: Report) -> tuple[Finding, ...]:
    """Return everything to look at, what is wrong first."""
    noted = [_of_note(note) for note in dict.fromkeys(report.notes)]
    seen = [
        Finding(level="fact", word=_WORDS["fact"], text=text)
        for find in _FINDERS
        for text in find(report)
    ]
    return tuple(sorted([*noted, *seen], key=lambda finding: _ORDER[finding.level]))


def _of_note(note: Note) -> Finding:
    return Finding(
        level=note.level,
        word=_WORDS[note.level],
        text=_sentence(note.text),
        details=tuple(map(_sentence, note.details)),
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
        yield from _mismatch(params, flops, said=first if second == first else None)
    else:
        yield f"{text}."


def _mismatch(params: dict[str, int], flops: dict[str, int], *, said: str | None) -> Iterator[str]:
    """Yield the part whose weights and work differ most, unless both were `said` already."""
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
    return ("hold", "do") if name in _SEVERAL else ("holds", "does")


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
    return {**_SEVERAL, **_ONE}.get(name) or _format.safe_label(name)


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
        f"{_format.safe_label(line.name)} are alike: each of the {line.copies:,} has "
        f"{_format.integer(row.trainable + row.frozen)} parameters{flops}; so would one more."
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


_FINDERS: tuple[Callable[[Report], Iterator[str]], ...] = (_largest, _blocks, _shared, _weightless)
