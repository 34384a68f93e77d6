"""What every answer about time is made by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from archscope.errors import UsageError, did_you_mean
from archscope.library._params import count_subject
from archscope.results import Report
from archscope.specs import number_type
from archscope.study import analyse
from archscope.subject import Subject


def time_subject(
    subject: Subject,
    counted: Report,
    *,
    sketch: Subject | None = None,
    gpu: str | None = None,
    **settings: Any,
) -> Report:
    """Time a subject that `params` has `counted`, or bound its time on a `gpu`; see `time`.

    `sketch` is the same network on shapes, with blocks that repeat once.

    What was set, and read of the machine, stands in the report's environment too.
    """
    from archscope.analyses.time.analysis import CONVENTION, title
    from archscope.analyses.time.settings import Settings
    from archscope.analyses.time.work import counts_of

    report = analyse(
        "time",
        replace(subject, name=title(subject, Settings(**settings), gpu)),
        convention=CONVENTION,
        counts=counts_of(counted),
        sketch=sketch,
        gpu=gpu,
        **settings,
    )
    return with_machine(report)


def with_machine(report: Report) -> Report:
    """Return a report whose environment says what was set, and read of the machine."""
    rows = report.section("time.conditions").rows
    read = {f"{row.name} ({row.unit})" if row.unit else row.name: row.value for row in rows}
    return replace(report, environment=replace(report.environment, machine=read))


def in_words(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with number types and a device of torch's as the words for them."""
    types = {name: number_type(settings[name]) for name in ("dtype", "autocast") & settings.keys()}
    where = {"device": str(settings["device"])} if "device" in settings else {}
    return {**settings, **types, **where}


def timed_as(words: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by their own names; raises `UsageError` for what is none of `time`'s."""
    from archscope.analyses.time.settings import Settings

    found = {"compiled" if word == "compile" else word: value for word, value in words.items()}
    known = ({field.name for field in fields(Settings)} | {"gpu"}) - {"per_layer", "copy"}
    unknown = next((word for word in found if word not in known), None)
    if unknown is not None:
        raise UsageError(
            f"{unknown!r} is not a setting of time{did_you_mean(unknown, sorted(known))}"
        )
    return found


def counted_of(subject: Subject) -> Report:
    """Return what `params` counts of a subject; raises `UsageError` without inputs."""
    subject.required_inputs("time")
    return count_subject(subject)
