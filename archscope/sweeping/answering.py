"""Evaluates one variant: the work of a worker, in this process or another."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from archscope import study
from archscope.assertions import Dimension, Found, Number
from archscope.errors import ArchscopeError, ArchscopeWarning, UsageError, failure_of
from archscope.progress import silently
from archscope.results import Report
from archscope.studies.measures import Measure, settings_of
from archscope.studies.sweep.outcomes import CENSUS, CLOSED_FORM, SOLVED, Answer
from archscope.subject import Network, Sketch
from archscope.sweeping.conditions import by_census, by_closed_form, is_false
from archscope.sweeping.question import Question, numbers_of
from archscope.sweeping.solving import Solve, Solved, found_fields, solved, worst
from archscope.theory.outline import Outline

ALONE = ("time",)
"""Analyses that measure: two at once on one machine would measure each other."""
ENGINES, OPERATORS, MEASURED, BISECTION, WEIGHTS, OF_ITS_OWN = (
    "both engines",
    "operators that run",
    "measured",
    "bisection",
    "weights alone",
    "its own",
)
"""Roads by which numbers come."""


def answers(
    question: Question, values: Mapping[str, Any], analyses: tuple[str, ...]
) -> tuple[Answer, ...]:
    """Return what these analyses say of the variant that has these values.

    An analysis that gives no answer is one with a reason: nothing is raised but an interrupt.
    """
    with silently():
        return _answers(question, values, analyses)


def several_answers(
    question: Question, asked: Sequence[tuple[Mapping[str, Any], tuple[str, ...]]]
) -> list[tuple[Answer, ...]]:
    """Return what is said of each of several variants, given by its values and analyses."""
    return [answers(question, values, analyses) for values, analyses in asked]


def _answers(
    question: Question, values: Mapping[str, Any], analyses: tuple[str, ...]
) -> tuple[Answer, ...]:
    found: list[Answer] = []
    try:
        if question.solve is not None:
            point = _solved(question.solve, question, values)
            values = {**values, question.solve.field: point.point.value}
        network = question.network(values)
        if question.solve is not None and SOLVED in analyses:
            numbers = dict(found_fields(question.solve, point, numbers_of(network.spec)))
            found.append(Answer(analysis=SOLVED, found=numbers, road=BISECTION))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return tuple(Answer(analysis=each, reason=reason_of(error)) for each in analyses)
    asked = [each for each in analyses if each != SOLVED]
    if question.where is not None and network.spec is not None:
        known = tuple(_cheap(network, question))
        if is_false(question.where, network.spec, known):
            return (*found, *(each for each in known if each.analysis in asked))
        found += (each for each in known if each.analysis in asked and each.road != CENSUS)
    told = {each.analysis for each in found}
    rest = (each for each in asked if each not in told)
    return (*found, *(answer(network, each, question.analyses[each], question) for each in rest))


def _cheap(network: Network, question: Question) -> Iterator[Answer]:
    """Yield what is known of a network before anything of it is built."""
    wanted = question.analyses
    if "rf" in wanted and network.sketch is not None:
        yield answer(network, "rf", wanted["rf"], question)
    kept = by_closed_form(network, wanted["memory"]) if "memory" in wanted else None
    if kept is not None:
        yield kept
    counted = by_census(network, wanted["params"]) if "params" in wanted else None
    if counted is not None:
        yield counted


def _solved(solve: Solve, question: Question, values: Mapping[str, Any]) -> Solved:
    """Return the value of the free field, found by asking the networks of other values."""

    def evaluate(value: int) -> Number | None:
        try:
            network = question.network({**values, solve.field: value})
        except UsageError:
            return None
        told = by_census(network, (solve.of,)) if solve.of.analysis == "params" else None
        found = told.found.get(solve.measure, {}).get(solve.dimension) if told else None
        if found is None or found.bound:
            said = answer(network, solve.of.analysis, (solve.of,), question)
            if said.failed:
                raise ArchscopeError(f"{solve.field} {value}: {said.reason}")
            found = said.found[solve.measure].get(solve.dimension, Found())
        return worst(found, solve)

    return solved(solve, evaluate)


def answer(
    network: Network, analysis: str, wanted: tuple[Measure, ...], question: Question
) -> Answer:
    """Return what one analysis says of a network."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ArchscopeWarning)
            if analysis == "rf" and network.sketch is not None and not _settings("rf", wanted):
                return _of_outline(network.sketch().outline, wanted, question.sample_rate)
            kept = by_closed_form(network, wanted) if analysis == "memory" else None
            if kept is not None:
                return kept
            road, report = _ROADS.get(analysis, _asked)(network, wanted, question)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's own code may raise anything, and end the program
        return Answer(analysis=analysis, reason=reason_of(error))
    return Answer(analysis=analysis, found=_found(wanted, report), road=road)


@lru_cache(maxsize=4096)
def _of_outline(outline: Outline, wanted: tuple[Measure, ...], rate: str | None) -> Answer:
    """Return what an outline sees: variants that differ in their channels alone share theirs."""
    sketch = Sketch(name="", outline=outline, origin="")
    report = study.analyse("rf", sketch, sample_rate=rate)
    return Answer(analysis="rf", found=_found(wanted, report), road=CLOSED_FORM)


def _found(wanted: tuple[Measure, ...], report: Report) -> Mapping[str, Mapping[Dimension, Found]]:
    return {each.name: dict(_dimensions(each, report)) for each in wanted}


def reason_of(error: BaseException) -> str:
    """Return why there is no answer, in a line."""
    return " ".join(str(failure_of(error)).split()) or type(error).__name__


def _dimensions(measure: Measure, report: Report) -> list[tuple[Dimension, Found]]:
    found = []
    for dimension in measure.quantity.dimensions:
        try:
            one = measure.of(report, dimension)
            found.append(
                (dimension, replace(one, spread=None))
            )  # rows are of what is in the middle
        except UsageError:  # seconds, where nobody said how many positions one has
            continue
    return found


def _settings(analysis: str, wanted: tuple[Measure, ...]) -> dict[str, Any]:
    """Return the settings with which measures are known."""
    return settings_of(analysis, (each.name for each in wanted), {})


Ask = Callable[[Network, tuple[Measure, ...], Question], tuple[str, Report]]
_OF_WEIGHTS = {"params", "trainable", "frozen", "buffers", "weights"}
"""Measures for which nothing need run."""


def needs_no_inputs(measures: Iterable[str]) -> bool:
    """Return whether these measures can be had of a network that nobody says how to call."""
    return {*measures} <= _OF_WEIGHTS


def _counted(
    network: Network, wanted: tuple[Measure, ...], question: Question
) -> tuple[str, Report]:
    if needs_no_inputs(each.name for each in wanted):
        subject = replace(study.made(network.subject), inputs=None)
        return WEIGHTS, study.analyse("params", subject, totals_alone=True)
    asked = _settings("params", wanted)
    if asked:
        whole = study.countable(network, in_full=bool(asked.get("nonzero")))
        return ENGINES, study.analyse("params", whole, totals_alone=True, **asked)
    return ENGINES, study.ask("params", network, totals_alone=True)


def _seen(network: Network, wanted: tuple[Measure, ...], question: Question) -> tuple[str, Report]:
    asked = _settings("rf", wanted)
    return OPERATORS, study.ask("rf", network, sample_rate=question.sample_rate, **asked)


def _timed(network: Network, wanted: tuple[Measure, ...], question: Question) -> tuple[str, Report]:
    from archscope.analyses.time.fit import built
    from archscope.timing.devices import resolve
    from archscope.timing.precision import DTYPES, check

    where = resolve(question.device)
    subject = built(network, where, DTYPES[check(question.dtype, where)])
    settings: dict[str, Any] = {
        "device": question.device,
        "dtype": question.dtype,
        "runs": question.runs,
    }
    return MEASURED, study.analyse("time", subject, copy=False, **settings)


def _asked(network: Network, wanted: tuple[Measure, ...], question: Question) -> tuple[str, Report]:
    analysis = wanted[0].analysis
    return OF_ITS_OWN, study.ask(analysis, network, **_settings(analysis, wanted))


_ROADS: Mapping[str, Ask] = {"params": _counted, "rf": _seen, "time": _timed}
"""How analyses are asked that need more than their name."""
