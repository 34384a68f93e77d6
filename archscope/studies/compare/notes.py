"""What a reader must know of a comparison: that all is equal, or what is not compared, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.results import Note, Section
from archscope.studies.compare.rows import ModuleRow, TotalRow
from archscope.studies.compare.sides import Side, other_convention, other_inputs

_INPUT_FIELDS = ("batch_size", "seq_len", "target_len", "input_size")
"""Fields of specs that say how large the input is."""


def notes(
    sides: Sequence[Side], totals: Sequence[TotalRow], sections: Sequence[Section]
) -> tuple[Note, ...]:
    """Return what must be known, the verdict first; what all networks' notes say is said once."""
    return (
        *_equal(sides, totals, sections),
        *_unfair(sides),
        *_lacking(sides),
        *_their_own(sides),
    )


def _equal(
    sides: Sequence[Side], totals: Sequence[TotalRow], sections: Sequence[Section]
) -> Iterator[Note]:
    rows = [row for section in sections for row in section.rows]
    if any(row.differs for row in (*totals, *rows)):
        return
    modules = sum(isinstance(row, ModuleRow) for row in rows)
    what = [f"{len(totals)} {'totals' if len(totals) != 1 else 'total'}"]
    what += [f"{modules} {'rows' if modules != 1 else 'row'} of modules"] if modules else []
    rest = [row.measure for row in totals if row.why]
    but = f"; not compared: {', '.join(rest)}" if rest else ""
    yield Note(level="ok", text=f"equal: {' and '.join(what)} are the same in all networks{but}")


def _unfair(sides: Sequence[Side]) -> Iterator[Note]:
    first, *others = sides
    for other in others:
        if not _works(first) or not _works(other):
            continue
        why = other_inputs(first, other)
        if why:
            text = f"MACs and FLOPs are not compared, because {why}"
            yield Note(level="warning", text=text, details=tuple(_what_to_do(first, other)))
        why = other_convention(first, other)
        if why:
            yield Note(level="warning", text=f"FLOPs are not compared, because {why}")


def _works(side: Side) -> bool:
    """Return whether work was counted of a network."""
    return getattr(side.report.totals_of("params.modules"), "macs", None) is not None


def _what_to_do(first: Side, other: Side) -> Iterator[str]:
    one, two = first.report.config, other.report.config
    fields = [f for f in _INPUT_FIELDS if _sizes(one.get(f)) and _sizes(two.get(f))
              and one[f] != two[f]]  # fmt: skip
    if fields and _decide(fields, first, other):
        said = " ".join(f"--{f.replace('_', '-')} {_smaller(one[f], two[f])}" for f in fields)
        yield f"Give all of them the same, e.g. {said}."


def _decide(fields: Sequence[str], first: Side, other: Side) -> bool:
    """Return whether inputs differ in nothing but the sizes that fields say."""
    sizes = [
        {size for f in fields for size in _sizes(side.report.config[f])} for side in (first, other)
    ]
    if [(len(t.shape), t.dtype) for t in first.given] != [
        (len(t.shape), t.dtype) for t in other.given
    ]:
        return False
    axes = (
        axis
        for one, two in zip(first.given, other.given, strict=True)
        for axis in zip(one.shape, two.shape, strict=True)
    )
    return all(a == b or (a in sizes[0] and b in sizes[1]) for a, b in axes)


def _smaller(one: Any, two: Any) -> str:
    """Return the smaller of two sizes as it is typed."""
    return ",".join(map(str, min(_sizes(one), _sizes(two))))


def _sizes(value: Any) -> list[int]:
    """Return the numbers that a field says; none where a file says something else there."""
    sizes = list(value) if isinstance(value, list | tuple) else [value]
    return sizes if all(type(size) is int for size in sizes) else []


_WHAT = {
    "params.modules": "parameters and FLOPs",
    "rf.layers": "receptive fields",
    "time.passes": "times",
}
"""What a section's totals are of."""


def _lacking(sides: Sequence[Side]) -> Iterator[Note]:
    """Yield what some reports tell of and others do not."""
    for address, what in _WHAT.items():
        lack = [side.name for side in sides if not _tells(side, address)]
        if lack and len(lack) < len(sides):
            whose = "its report does" if len(lack) == 1 else "their reports do"
            text = f"{what} are not compared with {' and '.join(lack)}: {whose} not contain them"
            yield Note(level="info", text=text)


def _tells(side: Side, address: str) -> bool:
    report = side.report
    return bool(report.find(address) or (address == "rf.layers" and report.find("rf.branches")))


def _their_own(sides: Sequence[Side]) -> Iterator[Note]:
    """Yield the networks' own warnings, those that all share once; and what all say of a method."""
    each = [list(dict.fromkeys(side.report.notes)) for side in sides]
    shared = [note for note in each[0] if all(note in other for other in each[1:])]
    yield from (note for note in shared if note.level != "ok")
    for side, found in zip(sides, each, strict=True):
        for note in found:
            if note.level == "warning" and note not in shared:
                yield Note(level="warning", text=f"{side.name}: {note.text}", details=note.details)
