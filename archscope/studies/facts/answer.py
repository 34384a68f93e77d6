"""Compares facts with what is computed, and puts the result into words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite

from archscope.errors import ArchscopeError
from archscope.labels import safe_label
from archscope.results import Headline, Note, Outcome, Section
from archscope.studies.facts.digits import agrees
from archscope.studies.facts.evaluating import evaluate, number
from archscope.studies.facts.fact import Fact, Measured, Number
from archscope.studies.facts.rows import FACTS, SUBJECTS, FactRow, SubjectRow, Totals
from archscope.studies.facts.units import worth

FAILING: tuple[Outcome, ...] = ("missed", "unknown", "failed")
"""What a fact that does not stand may have become."""


class NotBuiltError(ArchscopeError):
    """A network would have to be built, and nobody asked for that."""


def row(fact: Fact, measure: Callable[[Measured], Number]) -> FactRow:
    """Return a fact beside what is computed; `measure` tells what is measured of a network."""
    try:
        found = number(evaluate(fact.computes, measure)) / worth(fact.unit)
    except NotBuiltError as error:
        return _row(fact, None, "skipped", str(error))
    except ArchscopeError as error:
        return _row(fact, None, "failed", str(error))
    except ArithmeticError as error:
        return _row(fact, None, "failed", f"{type(error).__name__}: {error}")
    ours = int(found) if found == int(found) and abs(found) < 2**63 else found
    if _holds(fact, ours):
        return _row(fact, ours, "ok", "")
    return _row(fact, ours, "explained" if fact.reason else "missed", fact.reason)


def _holds(fact: Fact, ours: Number) -> bool:
    if fact.printed:
        return agrees(ours, fact.printed)
    return abs(ours - fact.value) <= fact.tolerance * abs(fact.value)


def _row(fact: Fact, ours: Number | None, outcome: Outcome, why: str) -> FactRow:
    error = ours / fact.value - 1 if ours is not None and fact.value else None
    return FactRow(
        id=fact.id,
        subject=fact.subject,
        claim=fact.claim,
        computes=str(fact.computes),
        unit=fact.unit,
        value=fact.value,
        ours=ours,
        error=None if error is None or not isfinite(error) else error,
        tolerance=fact.tolerance,
        outcome=outcome,
        why=why,
        basis=fact.basis,
        source=fact.source,
        trap=fact.trap,
    )


def failing(rows: Iterable[FactRow]) -> tuple[FactRow, ...]:
    """Return the rows of facts that do not stand."""
    return tuple(row for row in rows if row.outcome in FAILING)


def line(row: FactRow) -> str:
    """Return what a row says that does not stand, in one line."""
    if row.ours is None:
        return safe_label(f"{row.id}: {row.why}")
    unit = f" {row.unit}" if row.unit else ""
    off = "" if row.error is None else f", {row.error:+.3g} of it; {row.tolerance:g} is allowed"
    said = f"{row.id}: {row.ours:.10g}{unit} computed, {row.value:.10g} published{off}"
    return safe_label(said + (f"; {row.why}" if row.why else ""))


def sections(rows: Sequence[FactRow]) -> tuple[Section, Section]:
    """Return the facts and their subjects as sections."""
    totals = _totals(rows)
    text = summary(totals)
    bad = failing(rows)
    notes = [Note(level="warning", text=line(row)) for row in bad]
    if totals.explained:
        more = "differ for a known reason, given beside each"
        notes.append(Note(level="info", text=f"{totals.explained:,} {more}"))
    if totals.skipped:
        text_ = f"{totals.skipped:,} need a built network and were skipped; --built"
        notes.append(Note(level="info", text=f"{text_} computes them too"))
    if totals.held and not bad:
        rest = " or differs for a known reason" if totals.explained else ""
        notes.append(Note(level="ok", text=f"every computed fact holds{rest}"))
    headline = Headline(
        name="Published facts that hold",
        value=totals.held,
        kind="count",
        detail=(text,),
        level="warning" if bad else "ok",
    )
    facts = FACTS.filled(
        rows, totals=totals, notes=tuple(notes), headline=(headline,), summary=((text,),)
    )
    return facts, SUBJECTS.filled(_subjects(rows), summary=((text,),))


def summary(totals: Totals) -> str:
    """Return what became of all facts, in a line."""
    parts = {
        "within tolerance": totals.held,
        "missed": totals.missed,
        "differ for a known reason": totals.explained,
        "could not be computed": totals.failed,
        "not computed": totals.skipped,
    }
    said = ", ".join(f"{count:,} {word}" for word, count in parts.items() if count)
    return f"{totals.facts:,} fact{'s' * (totals.facts != 1)}: {said}"


def _totals(rows: Sequence[FactRow]) -> Totals:
    outcomes = [row.outcome for row in rows]
    return Totals(
        facts=len(rows),
        held=outcomes.count("ok"),
        missed=outcomes.count("missed") + outcomes.count("unknown"),
        explained=outcomes.count("explained"),
        skipped=outcomes.count("skipped"),
        failed=outcomes.count("failed"),
    )


def _subjects(rows: Sequence[FactRow]) -> Iterator[SubjectRow]:
    for subject in dict.fromkeys(row.subject for row in rows):
        own = [row for row in rows if row.subject == subject]
        of = _totals(own)
        errors = [abs(row.error) for row in own if row.outcome == "ok" and row.error is not None]
        yield SubjectRow(
            subject=subject,
            facts=of.facts,
            held=of.held,
            missed=of.missed + of.failed,
            explained=of.explained,
            skipped=of.skipped,
            worst=max(errors, default=None),
        )
