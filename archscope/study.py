"""Runs an analysis on a subject and says how the result was obtained."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archscope.errors import ForwardError
from archscope.registry import ANALYSES
from archscope.results import Convention, Environment, Report, Section
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
        return replace(made, inputs=inputs.shapes()) if inputs else made

    try:
        return report(ANALYSES.get(analysis).run(subject, **settings))
    except ForwardError as error:
        if error.sections:
            error.report = report(error.sections)
        raise


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
