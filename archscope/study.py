"""Runs an analysis on a subject and says how the result was obtained."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from typing import Any

from archscope.analyses import ANALYSES
from archscope.errors import ForwardError
from archscope.results import Convention, Environment, Note, Report, Section
from archscope.subject import Sketch, Subject
from archscope.version import __version__


def analyse(
    analysis: str,
    subject: Subject | Sketch,
    *,
    convention: Convention | None = None,
    **settings: Any,
) -> Report:
    """Run one analysis; a `ForwardError` gets the report up to the failure as its `report`."""

    def report(sections: tuple[Section, ...]) -> Report:
        made = assemble(analysis, subject.name, subject.config, sections, convention)
        inputs = subject.inputs if isinstance(subject, Subject) else None
        shapes = inputs.shapes() if inputs else ()
        return replace(made, inputs=shapes, origin=subject.origin)

    # What a named network's own code prints must not mix with results on stdout.
    aside = nullcontext() if subject.origin == "memory" else redirect_stdout(sys.stderr)
    try:
        with aside:
            sections = ANALYSES.get(analysis).run(subject, **settings)
        return report(sections)
    except ForwardError as error:
        if error.sections:
            error.report = report(error.sections)
        raise


def time_subject(
    subject: Subject,
    counted: Report,
    *,
    device: str = "auto",
    dtype: str = "fp32",
    step: str = "forward",
    compiled: bool = False,
    **settings: Any,
) -> Report:
    """Time a subject that `params` has `counted`; see `archscope.library.time`.

    What was set, and read of the machine, stands in the report's environment too.
    """
    from archscope.analyses.time.analysis import CONVENTION, title
    from archscope.analyses.time.work import counts_of

    report = analyse(
        "time",
        replace(subject, name=title(subject, device, dtype, compiled=compiled, step=step)),
        convention=CONVENTION,
        counts=counts_of(counted),
        device=device,
        dtype=dtype,
        step=step,
        compiled=compiled,
        **settings,
    )
    rows = report.section("time.conditions").rows
    read = {f"{row.name} ({row.unit})" if row.unit else row.name: row.value for row in rows}
    return replace(report, environment=replace(report.environment, machine=read))


def join(reports: Sequence[Report], notes: tuple[Note, ...] = ()) -> Report:
    """Return several reports of one network as one; `notes` say what it lacks, and why.

    The convention is the first report's; another one's is said in a note.
    """
    first, *others = reports
    sections = list(first.sections)
    for report in others:
        added = list(report.sections)
        other = report.convention
        if other is not None and other != first.convention:
            said = Note(level="info", text=f"{report.command}: {other.text}")
            added[0] = replace(added[0], notes=(*added[0].notes, said))
        sections += added
    sections[0] = replace(sections[0], notes=(*sections[0].notes, *notes))
    machine = {key: value for each in reports for key, value in each.environment.machine.items()}
    environment = replace(first.environment, machine=machine)
    return replace(first, command="report", sections=tuple(sections), environment=environment)


def assemble(
    command: str,
    title: str,
    config: Mapping[str, Any],
    sections: tuple[Section, ...],
    convention: Convention | None = None,
) -> Report:
    """Return a report that says where it was made."""
    return Report(
        command=command,
        title=title,
        config=config,
        environment=environment(next((s.device for s in sections if s.device), None), used=True),
        sections=sections,
        convention=convention,
    )


def environment(device: str | None, *, used: bool = False) -> Environment:
    """Return the versions of what is installed or, with `used`, of what numbers were made with."""
    import platform

    machine = platform.uname()  # platform.platform() starts another program
    return Environment(
        archscope=__version__,
        python=platform.python_version(),
        torch=None if used and "torch" not in sys.modules else _torch_version(),
        fvcore=None if used and "fvcore" not in sys.modules else _version("fvcore"),
        platform=f"{machine.system}-{machine.release}-{machine.machine}",
        device=device,
    )


def _torch_version() -> str | None:
    # torch says of which build it is (`+cpu`, `+cu130`); its package data may not.
    torch = sys.modules.get("torch")
    return str(torch.__version__) if torch is not None else _version("torch")


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
