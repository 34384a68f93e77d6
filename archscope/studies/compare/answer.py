"""Puts reports of several networks side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from archscope.errors import UsageError
from archscope.results import Amount, Convention, Headline, Note, Report, Section, Words
from archscope.studies.compare.modules import module_rows
from archscope.studies.compare.notes import notes
from archscope.studies.compare.parts import part_rows
from archscope.studies.compare.rows import (
    COMPONENTS,
    MODULES,
    NETWORKS,
    TOTALS,
    TYPES,
    ModuleRow,
    NetworkRow,
    TotalRow,
)
from archscope.studies.compare.sides import Side, inputs_said, other_convention, other_inputs
from archscope.studies.compare.totals import total_rows
from archscope.studies.names import SEPARATOR, short_names

KEYS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What networks are called where there is room for a letter."""
MOST = len(KEYS)
"""Networks that stand side by side: each has a letter."""
_NAMED = 6
"""Modules that a line under the totals names."""
_HEADLINES = {"params": "Parameters", "macs": "MACs", "rf": "Receptive field", "latency": "Time"}
"""Measures that a page shows first."""


def check_number(number: int) -> None:
    """Raise `UsageError` where so many networks cannot stand side by side."""
    if not 2 <= number <= MOST:
        more = "; name what it is compared with" if number < 2 else ""
        raise UsageError(f"2 to {MOST} networks can be compared, not {number}{more}")


def sides_of(reports: Sequence[Report], said: Sequence[str]) -> tuple[Side, ...]:
    """Return the networks with names that tell them apart; `said` is how each was named.

    Raises `UsageError` where there are too few or too many.
    """
    check_number(len(reports))
    names = short_names(reports, said)
    return tuple(Side(name=n, report=r) for n, r in zip(names, reports, strict=True))


def sections_of(sides: Sequence[Side]) -> tuple[Section, ...]:
    """Return the sections of a comparison; raises `UsageError` where nothing can be compared."""
    totals = tuple(total_rows(sides))
    parts = tuple(_parts(sides))
    if not totals:
        held = (f"{each.name} {_held(each.report)}" for each in sides)
        raise UsageError(
            f"nothing that two of them tell can be compared: {', '.join(held)}; save both by the "
            "same command with -f json -o FILE, and compare these files"
        )
    legend = tuple(_legend(sides))
    modules = next((each for each in parts if each.name == "modules"), None)
    changes = tuple(_changes(modules.rows, len(sides))) if modules else ()
    return (
        TOTALS.filled(
            totals,
            notes=notes(sides, totals, parts),
            headline=tuple(_headlines(totals, sides)),
            summary=(*changes, *legend),
        ),
        *(replace(each, summary=legend) for each in parts),
        NETWORKS.filled(_networks(sides)),
    )


def title_of(sides: Sequence[Side]) -> str:
    """Return a comparison in one line: what others are compared with comes first."""
    first, *others = (each.name for each in sides)
    return f"{first} against {', '.join(others)}"


def convention_of(sides: Sequence[Side]) -> Convention | None:
    """Return what FLOP means in all of them; None where that differs, or none has FLOPs."""
    found = {each.report.convention for each in sides} - {None}
    return next(iter(found)) if len(found) == 1 else None


def only_changed(report: Report) -> Report:
    """Return a comparison without the rows that say the same of all networks."""
    kept = []
    for section in report.sections:
        rows = [row for row in section.rows if getattr(row, "differs", True)]
        alike = len(section.rows) - len(rows)
        said: tuple[Words, ...] = ((f"+ {_alike(alike)}",),) if alike else ()
        kept.append(replace(section, rows=tuple(rows), summary=(*said, *section.summary)))
    return replace(report, sections=tuple(kept))


def with_limits(report: Report, limits: Sequence[str], crossed: Sequence[str]) -> Report:
    """Return a comparison that says first which limits hold, for whoever reads it alone."""
    held = Note(level="ok", text=f"within every limit: {', '.join(limits)}")
    return warning_first(report, crossed) if crossed else _noting(report, held)


def warning_first(report: Report, lines: Sequence[str]) -> Report:
    """Return a comparison that says these lines before all else."""
    return _noting(report, *(Note(level="warning", text=line) for line in lines))


def _noting(report: Report, *said: Note) -> Report:
    first, *rest = report.sections
    return replace(report, sections=(replace(first, notes=(*said, *first.notes)), *rest))


def _alike(number: int) -> str:
    return f"{number:,} row{'s' if number != 1 else ''} that {'are' if number != 1 else 'is'} equal"


def _held(report: Report) -> str:
    return "tells " + " and ".join(dict.fromkeys(section.analysis for section in report.sections))


def _parts(sides: Sequence[Side]) -> Iterator[Section]:
    first, *others = sides
    works = [not other_inputs(first, each) for each in others]
    fair = [w and not other_convention(first, e) for w, e in zip(works, others, strict=True)]
    names = [each.name for each in sides]
    totals = (each.report.totals_of("params.modules") for each in sides)
    whole = [bool(getattr(each, "complete", True)) for each in totals]
    asked: Iterable[tuple[str, Section, Callable[[list[Section]], Iterable[Any]]]] = (
        ("params.modules", MODULES, lambda found: module_rows(found, works, fair, names)),
        ("params.components", COMPONENTS, lambda found: part_rows(found, "component", fair, whole)),
        ("params.types", TYPES, lambda found: part_rows(found, "type", fair, whole)),
    )
    for address, section, rows in asked:
        found = [side.report.find(address) for side in sides]
        known = [each for each in found if each is not None and each.rows]
        if len(known) == len(sides):
            yield section.filled(rows(known))


def _networks(sides: Sequence[Side]) -> Iterator[NetworkRow]:
    for key, side in zip(KEYS, sides, strict=False):
        yield NetworkRow(
            key=key,
            name=side.name,
            title=side.report.title,
            inputs=inputs_said(side),
            origin=side.report.origin,
        )


def _legend(sides: Sequence[Side]) -> Iterator[Words]:
    """Yield what each network is, where its name does not say it all."""
    for side in sides:
        title = side.report.title
        if title != side.name:
            begins = title.startswith(f"{side.name}{SEPARATOR}")
            yield (title if begins else f"{side.name}: {title}",)


def _changes(rows: Sequence[ModuleRow], networks: int) -> Iterator[Words]:
    """Yield which outermost modules changed and which did not, a line for each way."""
    if networks > 2:
        return
    outer: list[ModuleRow] = []
    for row in rows:
        if not outer or not row.path.startswith(f"{outer[-1].path}."):
            outer.append(row)
    ways: dict[str, list[str]] = {}
    for row in outer:
        times = f" {row.repeats}" if "→" in row.repeats else ""
        times += f" ({row.what})" if times and row.what else ""
        ways.setdefault(row.change[0], []).append(row.path + times)
    for way in ("changed", "moved", "added", "removed", "same"):
        names = ways.get(way, [])
        if names:
            rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield (f"{way.capitalize()}: {', '.join(names[:_NAMED])}{rest}",)


def _headlines(totals: Sequence[TotalRow], sides: Sequence[Side]) -> Iterator[Headline]:
    """Yield how many times as much the last network has of what a reader looks for first."""
    for row in totals:
        if row.measure not in _HEADLINES:
            continue
        ratio = _alone(row.ratio[-1])
        each = (Amount(value=_alone(value), kind=row.kind) for value in row.value)
        values: Words = tuple(part for amount in each for part in (" → ", amount))[1:]
        yield Headline(
            name=f"{_HEADLINES[row.measure]}, {sides[-1].name} against {sides[0].name}",
            value=ratio if ratio is not None else "not compared",
            kind="factor" if ratio is not None else "text",
            detail=(row.why,) if row.why else values,
            about=row.measure,
            order=10 * list(_HEADLINES).index(row.measure),
        )


def _alone(value: Any) -> Any:
    """Return a number along all axes, the largest where it is not the same along each."""
    return max(value) if isinstance(value, tuple) else value
