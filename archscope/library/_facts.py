"""Computes published facts again, and compares them with what is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from archscope import study
from archscope.analyses import ANALYSES
from archscope.errors import (
    ArchscopeError,
    InterruptedRunError,
    ThresholdError,
    UncheckedError,
    UsageError,
    did_you_mean,
)
from archscope.families import FAMILIES
from archscope.library._measure import Answers
from archscope.library._named import network_of
from archscope.progress import doing, silently
from archscope.results import Report
from archscope.studies.facts import answer
from archscope.studies.facts.evaluating import number
from archscope.studies.facts.fact import Fact, Measured, Number
from archscope.studies.facts.figures import figures
from archscope.studies.facts.reading import read_file, read_folder
from archscope.studies.facts.rows import FactRow
from archscope.studies.measures import Measure, measure
from archscope.studies.search.closed_form import AT_LEAST, COUNTED, HELD, WINDOWED, Known
from archscope.subject import Network
from archscope.theory.patterns import is_pattern

_SEEN = (*WINDOWED, *HELD)
"""What an outline alone tells of a receptive field."""


def facts(
    *names: str,
    only: str | Sequence[str] = (),
    files: str | Path | Sequence[str | Path] = (),
    built: bool = False,
) -> Report:
    """Recompute published facts and compare them with the published values, one row per fact.

    >>> report = facts("kv-*", only="kv")
    >>> report.totals.facts, report.totals.missed, report.section("facts").rows

    `names` are names of facts or patterns of names; without any, all are computed. `only` selects
    subjects (one file each). `files` are TOML files with facts of your own, in the form of those in
    `archscope/facts/`, and replace archscope's. Facts about networks that must be built are
    computed only if named in full, or with `built`.

    Ctrl-C raises `InterruptedRunError` with the `report` so far. A fact that is missed raises
    nothing here: `require_facts` does. Raises `UsageError` for an unknown name or a file without
    facts.
    """
    own = (files,) if isinstance(files, str | Path) else tuple(files)
    known = [fact for file in own for fact in read_file(Path(file))] if own else _known()
    subjects = (only,) if isinstance(only, str) else tuple(only)
    chosen = _chosen(known, names, subjects)
    whole = frozenset(names)
    bench = _Bench()
    title = f"facts · {', '.join([*names, *subjects]) or 'all'}"
    rows: list[FactRow] = []
    try:
        for done, fact in enumerate(chosen):
            doing(f"facts: {fact.id}", done=done / len(chosen))
            with silently():
                rows.append(answer.row(fact, bench.measures(built or fact.id in whole)))
    except KeyboardInterrupt:
        if not rows:
            raise
        cut = f"{title} · the first {len(rows):,} of {len(chosen):,}"
        raise InterruptedRunError(study.assemble("facts", cut, {}, answer.sections(rows))) from None
    return study.assemble("facts", title, {}, answer.sections(rows))


def require_facts(report: Report) -> None:
    """Raise `ThresholdError` with a line for each fact that is missed.

    `UncheckedError` where some could not be computed. Either has the report as its `report`.
    """
    bad: tuple[FactRow, ...] = answer.failing(report.section("facts.facts").rows)
    if not bad:
        return
    failed = any(row.outcome == "failed" for row in bad)
    error = UncheckedError if failed else ThresholdError
    raise error("\n".join(map(answer.line, bad)), report=report)


def _known() -> list[Fact]:
    return [*read_folder(), *figures()]


def _chosen(known: Sequence[Fact], names: Sequence[str], subjects: Sequence[str]) -> Sequence[Fact]:
    every = list(dict.fromkeys(fact.subject for fact in known))
    for subject in subjects:
        if subject not in every:
            near = did_you_mean(subject, every)
            if subject and any(_means(subject, fact) for fact in known):
                near = f" Names of facts have it: `archscope facts {subject}`"
            raise UsageError(f"no facts are about {subject!r}; there are {', '.join(every)}.{near}")
    of = [fact for fact in known if not subjects or fact.subject in subjects]
    if "" in names:
        raise UsageError("a NAME is empty; leave it out, or name a fact, e.g. kv-deepseek-v3")
    for name in names:
        if not any(_means(name, fact) for fact in of):
            near = did_you_mean(name, [fact.id for fact in of])
            raise UsageError(f"no fact is called {name!r}; archscope facts names them all.{near}")
    named = frozenset(fact.id for fact in of) & frozenset(names)
    return [fact for fact in of if not names or _is_meant(fact, names, named)]


def _is_meant(fact: Fact, names: Iterable[str], named: frozenset[str]) -> bool:
    return any(fact.id == name if name in named else _means(name, fact) for name in names)


def _means(name: str, fact: Fact) -> bool:
    """Return whether a name or a pattern means a fact; a part of a name means all that have it."""
    if is_pattern(name):
        return fnmatchcase(fact.id.lower(), name.lower())
    return name.lower() in fact.id.lower()


class _Bench:
    """Measures networks: in closed form where it can, built where it must be and may."""

    def __init__(self) -> None:
        self._measures: dict[str, Measure] = {}
        self._networks: dict[str, Network] = {}
        self._known: dict[str, Known] = {}
        self._answers: dict[str, Answers] = {}

    def measures(self, built: bool) -> Callable[[Measured], Number]:
        """Return what measures networks, and builds them where it may."""
        return lambda asked: self.measured(asked, built)

    def measured(self, asked: Measured, built: bool) -> Number:
        """Return what is measured; raises `NotBuiltError` where nobody asked to build."""
        if asked.measure not in self._measures:
            self._measures[asked.measure] = measure(asked.measure)
        wanted = self._measures[asked.measure]
        key = repr((asked.model, sorted(asked.fields.items())))
        if key not in self._networks:
            self._networks[key] = network_of(asked.model, asked.fields)
        network = self._networks[key]
        if not asked.built and not asked.settings and _is_known(wanted, network):
            if key not in self._known:
                self._known[key] = Known(FAMILIES.get(network.family), network.spec)
            return _one(asked, self._known[key].measured(wanted, wanted.dimension))
        if (asked.built or not _is_told(wanted, network)) and not built:
            raise answer.NotBuiltError(f"{network.name} has to be built: --built")
        key = repr((key, wanted.analysis, sorted(asked.settings.items())))
        if key not in self._answers:
            settings = {wanted.analysis: asked.settings} if asked.settings else {}
            self._answers[key] = Answers(network, names=(wanted.name,), settings=settings)
        try:
            return _one(asked, self._answers[key].look(wanted.name, wanted.dimension))
        except UsageError as error:
            raise UsageError(f"{asked}: {error}") from None


def _is_known(wanted: Measure, network: Network) -> bool:
    """Return whether a spec alone tells a measure: its family's census a count, its outline rf."""
    family = FAMILIES.get(network.family) if network.family else None
    if family is None or wanted.analysis == "rf":
        return family is not None and family.outline is not None and wanted.name in _SEEN
    counts = wanted.analysis == "params" and wanted.name in COUNTED and wanted.name not in AT_LEAST
    return counts and family.census is not None


def _is_told(wanted: Measure, network: Network) -> bool:
    """Return whether an analysis answers without the network itself."""
    if wanted.analysis == "rf":
        return network.sketch is not None
    return ANALYSES.get(wanted.analysis).needs == "name" and bool(network.family)


def _one(asked: Measured, found: Any) -> Number:
    if not found.values:
        raise UsageError(f"{asked} is unknown{f', because {found.why}' if found.why else ''}")
    if found.bound:
        raise ArchscopeError(f"{asked} is known only as a bound: {found.bound} {found.values[0]}")
    return number(tuple(found.values))
