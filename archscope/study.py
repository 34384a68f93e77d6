"""Runs an analysis on a subject and says how the result was obtained."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from archscope.errors import ForwardError
from archscope.registry import ANALYSES
from archscope.results import Convention, Environment, Report, Section
from archscope.subject import Subject
from archscope.version import __version__


def analyse(
    analysis: str,
    subject: Subject,
    *,
    convention: Convention | None = None,
    **settings: Any,
) -> Report:
    """Run one analysis; a `ForwardError` gets the report up to the failure as its `report`."""

    def report(sections: tuple[Section, ...]) -> Report:
        return Report(
            command=analysis,
            title=subject.name,
            config=subject.config,
            environment=environment(next((s.device for s in sections if s.device), None)),
            sections=sections,
            convention=convention,
        )

    try:
        return report(ANALYSES.get(analysis).run(subject, **settings))
    except ForwardError as error:
        if error.sections:
            error.report = report(error.sections)
        raise


def environment(device: str | None) -> Environment:
    """Return the versions of what the numbers were made with."""
    return Environment(
        archscope=__version__,
        python=platform.python_version(),
        torch=_torch_version(),
        fvcore=_version("fvcore"),
        platform=platform.platform(terse=True),
        device=device,
    )


def _torch_version() -> str | None:
    # torch says of which build it is (`+cpu`, `+cu130`); its package data may not.
    torch = sys.modules.get("torch")
    return str(torch.__version__) if torch is not None else _version("torch")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
