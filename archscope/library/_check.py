"""Compares networks with budgets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archscope import study
from archscope.errors import ArchscopeError, ThresholdError, UncheckedError, UsageError
from archscope.library._budgets import answers_of, entry_of, named
from archscope.library._measure import Answers
from archscope.library._named import network_of, subject_of
from archscope.results import Note, Report
from archscope.studies.check import comparison, lock, messages
from archscope.studies.check.budgets import Budget
from archscope.studies.check.reading import read_limits
from archscope.studies.check.rows import LimitRow
from archscope.studies.check.source import Source
from archscope.studies.measures import measures
from archscope.subject import Network, Subject

if TYPE_CHECKING:
    from torch import nn

_FLOPS = "flops"
"""The measure that hangs on what the word FLOP means."""


def check(
    model: nn.Module | str = "",
    *args: Any,
    max: Mapping[str, Any] | None = None,
    min: Mapping[str, Any] | None = None,
    claims: str | Sequence[str] = (),
    sample_rate: str | float | None = None,
    method: str | None = None,
    **kwargs: Any,
) -> Report:
    """Check a network against limits: return a report, or raise `ThresholdError`.

    >>> check("resnet50", max={"params": "26M", "macs": "4.1G"}, claims="complete")
    >>> check(model, images, max={"params": 25_000_000}, claims=["params < 3M or coverage == 1"])

    `model`, `args`, `method` and `kwargs` are as for `params`. `max` and `min` map names of
    measures to amounts, as texts with units (`"25M"`, `"40ms"`, `"100%"`, `"64KiB"`) or as numbers;
    `claims` are conditions on measures, in the form of `report.check` and of the command line. With
    several axes a limit must hold along each; an unknown value fails. Only analyses whose measures
    are named run. `sample_rate` is needed for limits in seconds.

    The error has one line per missed limit, with the measured number, the limit and the difference,
    and the report as its `report`. Raises `UsageError` for an unknown measure or an invalid amount.
    """
    source = Source(name="check")
    table = {"max": max or {}, "min": min or {}, "assert": claims}
    name = model if isinstance(model, str) else type(model).__name__
    limits = read_limits(table, source, sample_rate)
    if not limits:
        raise UsageError('check: there is no limit to check; give e.g. max={"params": "25M"}')
    budget = Budget(name=name, model=name, limits=limits, sample_rate=sample_rate)
    seen: Network | Subject
    if isinstance(model, str):
        seen = network_of(model, kwargs, args=args, method=method)
    else:
        seen = subject_of(model, args, kwargs, method=method)
    answers = Answers(seen, names=budget.names, sample_rate=sample_rate)
    rows = _explained(comparison.rows_of(budget, answers.look), answers)
    report = _report(seen.name, [budget], rows)
    require_held(report)
    return report


def check_budgets(
    budgets: Sequence[Budget], source: Source, before: lock.Lock | None, where: str
) -> Report:
    """Return how networks keep their budgets: a row for each limit, whatever comes of it.

    `before` is what the lock file `where` says; None: there is none. Raises `UsageError` where a
    budget of `source` names what there is not, before any work.
    """
    networks = [named(budget, source) for budget in budgets]
    rows: list[LimitRow] = []
    for budget, network in zip(budgets, networks, strict=True):
        rows += _held(budget, network, before, where)
    notes = tuple(_notes(budgets, rows, before, where))
    return _report(f"{source.name} · {_counted(budgets)}", budgets, rows, notes)


def _counted(budgets: Sequence[Budget]) -> str:
    return f"{len(budgets):,} budget{'s' * (len(budgets) != 1)}"


def _held(
    budget: Budget, network: Network | ArchscopeError, before: lock.Lock | None, where: str
) -> Iterator[LimitRow]:
    if isinstance(network, ArchscopeError):
        yield comparison.failed(budget, str(network))
        return
    answers = answers_of(budget, network, budget.names)
    entry = None if before is None else before.get(budget.name)
    old, none = None, f"there is no {where}" if before is None else f"{where} does not have it yet"
    grown = [limit.names[0] for limit in budget.limits if limit.change]
    if entry is not None and grown:
        old = comparison.Before(numbers=entry.numbers, unlike=_unlike(entry, answers, grown))
    yield from _explained(comparison.rows_of(budget, answers.look, old, none), answers)


def _explained(rows: Iterable[LimitRow], answers: Answers) -> Iterator[LimitRow]:
    """Yield rows; one whose sum is too large says which modules hold most of it."""
    for row in rows:
        found = measures().get(row.measure)
        parts = found.quantity.parts if found else None
        if (
            found
            and parts
            and row.outcome == "missed"
            and row.sign in comparison.ABOVE
            and not row.why
        ):
            row = replace(row, why=messages.largest(parts(answers.report(found.analysis))))
        yield row


def _unlike(entry: lock.Entry, answers: Answers, names: Sequence[str]) -> str:
    """Return why a network cannot be compared with what is known from before; empty: it can."""
    try:
        return lock.unlike(entry, entry_of(answers, names))
    except ArchscopeError:  # the row of each says so itself
        return ""


def _notes(
    budgets: Sequence[Budget], rows: Sequence[LimitRow], before: lock.Lock | None, where: str
) -> Iterator[Note]:
    if any(row.outcome == "new" for row in rows):
        lacks = f"there is no {where}" if before is None else f"{where} lacks some of them"
        yield Note(
            level="info",
            text=f"growth is not limited yet where earlier numbers are missing: {lacks}; "
            "archscope lock writes them",
        )
    idle = [budget.name for budget in budgets if not budget.limits]
    if idle:
        yield Note(level="info", text=f"without limits: {', '.join(idle)}")


def _report(
    title: str,
    budgets: Sequence[Budget],
    rows: Iterable[LimitRow],
    notes: tuple[Note, ...] = (),
) -> Report:
    from archscope.analyses.params.analysis import FVCORE

    in_flops = any(_FLOPS in budget.names for budget in budgets)
    section = messages.section(rows, notes)
    return study.assemble("check", f"check · {title}", {}, (section,), FVCORE if in_flops else None)


def require_held(report: Report) -> None:
    """Raise `ThresholdError` with a line for each limit that does not hold, or is not known to.

    `UncheckedError` where some could not be checked. Either has the report as its `report`.
    """
    bad = messages.failing(report.section("check.limits").rows)
    if not bad:
        return
    lines = map(messages.line, bad)
    failed = any(row.outcome == "failed" for row in bad)
    raise (UncheckedError if failed else ThresholdError)("\n".join(lines), report=report)
