"""Holds networks against budgets, and writes down their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archscope import loaders, specs, study
from archscope.errors import (
    ArchscopeError,
    SpecError,
    ThresholdError,
    UncheckedError,
    UsageError,
    did_you_mean,
)
from archscope.library._measure import Answers, check_settings
from archscope.library._named import network_of, subject_of, tuple_of
from archscope.results import Note, Report
from archscope.studies.check import held, lock, said
from archscope.studies.check.budgets import OWN, Budget, is_measured
from archscope.studies.check.reading import KEYS, read_limits
from archscope.studies.check.rows import LimitRow
from archscope.studies.check.source import Source
from archscope.studies.measures import measure, measures
from archscope.subject import Network, Request, Subject

if TYPE_CHECKING:
    from torch import nn

BASE = ("params", "trainable", "weights", "macs", "flops")
"""What a lock file holds of every network, beside all that its budget limits."""
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
    """Return a report where a network keeps all limits; raises `ThresholdError` where it does not.

    >>> check("resnet50", max={"params": "26M", "macs": "4.1G"}, claims="complete")
    >>> check(model, images, max={"params": 25_000_000}, claims=["params < 3M or coverage == 1"])

    `model`, `args`, `method` and `kwargs` as for `params`. `max` and `min` are amounts by the names
    of measures, as texts with units (`"25M"`, `"40ms"`, `"100%"`, `"64KiB"`) or as numbers;
    `claims` are conditions on them, as `report.check` and the command line take them. Along several
    axes a limit holds along each; what is unknown holds no limit. Only the analyses run whose
    measures are named. `sample_rate` is for limits in seconds.

    The error has a line for each limit that is missed: the measured number, the limit and the
    difference; and the report as its `report`. Raises `UsageError` for what is no measure or
    amount.
    """
    source = Source(name="check")
    table = {"max": max or {}, "min": min or {}, "assert": claims}
    name = model if isinstance(model, str) else type(model).__name__
    limits = read_limits(table, source, sample_rate)
    if not limits:
        raise UsageError('check: there is nothing to hold; give e.g. max={"params": "25M"}')
    budget = Budget(name=name, model=name, limits=limits, sample_rate=sample_rate)
    seen: Network | Subject
    if isinstance(model, str):
        seen = network_of(model, kwargs, method=method)
    else:
        seen = subject_of(model, args, kwargs, method=method)
    answers = Answers(seen, names=budget.names, sample_rate=sample_rate)
    rows = _explained(held.rows_of(budget, answers.look), answers)
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
    networks = [_named(budget, source) for budget in budgets]
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
        yield held.failed(budget, str(network))
        return
    answers = _answers(budget, network, budget.names)
    entry = None if before is None else before.get(budget.name)
    old, none = None, f"there is no {where}" if before is None else f"{where} does not have it yet"
    grown = [limit.names[0] for limit in budget.limits if limit.change]
    if entry is not None and grown:
        old = held.Before(numbers=entry.numbers, unlike=_unlike(entry, answers, grown))
    yield from _explained(held.rows_of(budget, answers.look, old, none), answers)


def _explained(rows: Iterable[LimitRow], answers: Answers) -> Iterator[LimitRow]:
    """Yield rows; one whose sum is too large says which modules hold most of it."""
    for row in rows:
        found = measures().get(row.measure)
        parts = found.quantity.parts if found else None
        if found and parts and row.outcome == "missed" and row.sign in held.ABOVE and not row.why:
            row = replace(row, why=said.largest(parts(answers.report(found.analysis))))
        yield row


def _unlike(entry: lock.Entry, answers: Answers, names: Sequence[str]) -> str:
    """Return why a network cannot be compared with what is known from before; empty: it can."""
    try:
        return lock.unlike(entry, _entry(answers, names))
    except ArchscopeError:  # the row of each says so itself
        return ""


def _answers(budget: Budget, network: Network, names: tuple[str, ...]) -> Answers:
    own = _is_own(budget) and not {"input_shapes", "input_values", "inputs_from"} & {*budget.inputs}
    return Answers(
        network,
        names=names,
        settings=budget.settings,
        sample_rate=budget.sample_rate,
        without_inputs=(lambda: _load(budget, parameters_alone=True)) if own else None,
    )


def _notes(
    budgets: Sequence[Budget], rows: Sequence[LimitRow], before: lock.Lock | None, where: str
) -> Iterator[Note]:
    if any(row.outcome == "new" for row in rows):
        lacks = f"there is no {where}" if before is None else f"{where} lacks some of them"
        yield Note(
            level="info",
            text=f"growth is not limited yet where nothing is known from before: {lacks}; "
            "archscope lock writes it",
        )
    idle = [budget.name for budget in budgets if not budget.limits]
    if idle:
        yield Note(level="info", text=f"without limits: {', '.join(idle)}")


def lock_budgets(budgets: Sequence[Budget], source: Source) -> lock.Lock:
    """Return the numbers of all networks that have a budget.

    Raises `ArchscopeError` for the first that fails: half a lock file would be a wrong one.
    """
    networks = {budget.name: _named(budget, source) for budget in budgets}
    found: dict[str, lock.Entry] = {}
    for budget in budgets:
        network = networks[budget.name]
        names = tuple(dict.fromkeys((*BASE, *filter(_is_lasting, budget.names))))
        try:
            if isinstance(network, ArchscopeError):
                raise network
            found[budget.name] = _entry(_answers(budget, network, names), names)
        except ArchscopeError as error:
            raise ArchscopeError(f"{budget.name}: {' '.join(str(error).split())}") from error
    return found


def _is_lasting(name: str) -> bool:
    return not is_measured(measure(name).analysis)


def _entry(answers: Answers, names: Iterable[str]) -> lock.Entry:
    """Return the numbers of a network, what it was called with, and what its FLOPs are."""
    numbers = {name: lock.locked(answers.known(name)) for name in names}
    reports = answers.reports()
    return lock.Entry(
        numbers=numbers,
        inputs=next((i for each in reports if (i := lock.inputs_of(each.inputs))), ()),
        convention=next((each.convention.name for each in reports if each.convention), ""),
    )


def _report(
    title: str,
    budgets: Sequence[Budget],
    rows: Iterable[LimitRow],
    notes: tuple[Note, ...] = (),
) -> Report:
    from archscope.analyses.params.analysis import FVCORE

    in_flops = any(_FLOPS in budget.names for budget in budgets)
    section = said.section(rows, notes)
    return study.assemble("check", f"check · {title}", {}, (section,), FVCORE if in_flops else None)


def require_held(report: Report) -> None:
    """Raise `ThresholdError` with a line for each limit that does not hold, or is not known to.

    `UncheckedError` where some could not be checked. Either has the report as its `report`.
    """
    bad = said.failing(report.section("check.limits").rows)
    if not bad:
        return
    lines = map(said.line, bad)
    failed = any(row.outcome == "failed" for row in bad)
    raise (UncheckedError if failed else ThresholdError)("\n".join(lines), report=report)


def _is_own(budget: Budget) -> bool:
    """Return whether a budget is of a network that is made by the user's code."""
    name = loaders.spelt(budget.model)
    loader = loaders.find(name)
    return loader is not None and loader.spec(name) is None


def _named(budget: Budget, source: Source) -> Network | ArchscopeError:
    """Return the network of a budget, or why the user's code makes none.

    Raises `UsageError` with the line where there is no such network, field or setting.
    """
    try:
        loaders.require_name(budget.model)
    except UsageError as error:
        raise source.error(str(error), budget.number, "model") from None
    _check_words(budget, source)
    try:
        return _load(budget)
    except ArchscopeError as error:
        if _is_own(budget):
            return error
        raise source.error(str(error), budget.number, _place(budget, error)) from None


def _check_words(budget: Budget, source: Source) -> None:
    """Raise `UsageError` with the nearest for a key of no budget, field of no network."""
    name = loaders.spelt(budget.model)
    loader = loaders.find(name)
    spec = loader.spec(name) if loader else None
    known = [flag.name for flag in specs.flags(spec)] if spec else []
    for key in budget.fields:
        if key.replace("-", "_") not in known:
            near = did_you_mean(key, [*known, *KEYS])
            what = f"a budget has no key {key!r}, nor has {budget.model} a field called so"
            raise source.error(f"{what}.{near}", budget.number, key)
    for analysis, settings in budget.settings.items():
        try:
            check_settings(analysis, settings)
        except UsageError as error:
            raise source.error(str(error), budget.number, analysis, *settings) from None


def _place(budget: Budget, error: ArchscopeError) -> str:
    """Return the key that an error is about."""
    if isinstance(error, SpecError) and error.field in budget.fields:
        return error.field
    flags = re.findall(r"--[\w-]+", str(error))
    return next((key for key in OWN if specs.flag_of(key) in flags), "model")


def _load(budget: Budget, **more: Any) -> Network:
    fields = {name: tuple_of(value) for name, value in budget.fields.items()}
    return loaders.load(budget.model, Request(fields=fields, **budget.inputs, **more))
