"""One variant is asked: what a worker does, in this process or in another."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from archscope import study
from archscope.assertions import Dimension, Found
from archscope.errors import ArchscopeError, ArchscopeWarning, UsageError, first_line
from archscope.results import Report
from archscope.studies.measures import Measure
from archscope.studies.sweep.outcomes import Answer
from archscope.subject import Network
from archscope.sweeping.question import Question

ALONE = ("time",)
"""Analyses that measure: two at once on one machine would measure each other."""
ENGINES, CLOSED_FORM, OPERATORS, MEASURED = (
    "both engines",
    "closed form",
    "operators that run",
    "measured",
)
"""Roads by which numbers come."""


def answers(
    question: Question, values: Mapping[str, Any], analyses: tuple[str, ...]
) -> tuple[Answer, ...]:
    """Return what these analyses say of the variant that has these values.

    An analysis that gives no answer is one with a reason: nothing is raised but an interrupt.
    """
    try:
        network = question.network(values)
    except Exception as error:
        return tuple(Answer(analysis=each, reason=reason_of(error)) for each in analyses)
    return tuple(
        answer(network, analysis, question.analyses[analysis], question) for analysis in analyses
    )


def answer(
    network: Network, analysis: str, wanted: tuple[Measure, ...], question: Question
) -> Answer:
    """Return what one analysis says of a network."""
    ask = _ROADS.get(analysis, _asked)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ArchscopeWarning)
            road, report = ask(network, analysis, question)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's own code may raise anything, and end the program
        return Answer(analysis=analysis, reason=reason_of(error))
    found = {each.name: dict(_dimensions(each, report)) for each in wanted}
    return Answer(analysis=analysis, found=found, road=road)


def reason_of(error: BaseException) -> str:
    """Return why there is no answer, in a line."""
    if isinstance(error, MemoryError):
        return "memory ran out"
    if isinstance(error, SystemExit):
        return f"the network's code ended the program with exit code {error.code!r}"
    said = str(error) if isinstance(error, ArchscopeError) else first_line(error)
    return " ".join(said.split()) or type(error).__name__


def _dimensions(measure: Measure, report: Report) -> list[tuple[Dimension, Found]]:
    found = []
    for dimension in measure.quantity.dimensions:
        try:
            found.append((dimension, measure.of(report, dimension)))
        except UsageError:  # seconds, where nobody said how many positions one has
            continue
    return found


Ask = Callable[[Network, str, Question], tuple[str, Report]]


def _counted(network: Network, analysis: str, question: Question) -> tuple[str, Report]:
    return ENGINES, study.ask(analysis, network)


def _seen(network: Network, analysis: str, question: Question) -> tuple[str, Report]:
    rate = question.sample_rate
    if network.sketch is not None:
        return CLOSED_FORM, study.analyse(analysis, network.sketch(), sample_rate=rate)
    return OPERATORS, study.ask(analysis, network, sample_rate=rate)


def _timed(network: Network, analysis: str, question: Question) -> tuple[str, Report]:
    from archscope.analyses.time.fit import built
    from archscope.timing.devices import resolve
    from archscope.timing.precision import check

    where = resolve(question.device)
    check(question.dtype, where)
    subject = built(network, where)
    settings = {"device": question.device, "dtype": question.dtype, "runs": question.runs}
    return MEASURED, study.analyse(analysis, subject, copy=False, **settings)


def _asked(network: Network, analysis: str, question: Question) -> tuple[str, Report]:
    return "", study.ask(analysis, network)


_ROADS: Mapping[str, Ask] = {"params": _counted, "rf": _seen, "time": _timed}
"""How analyses are asked that need more than their name."""
