"""Runs analyses, decides what is made with data, and says how a result was obtained."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from archscope import specs
from archscope.analyses import ANALYSES, Needs
from archscope.errors import ArchscopeError, ForwardError, ThresholdError, UsageError
from archscope.progress import doing
from archscope.registry import resolve
from archscope.results import Convention, Environment, Note, Report, Section
from archscope.running.attributes import parameters_of, part_of
from archscope.running.prints import prints_to_stderr
from archscope.subject import Holding, Network, Sketch, Subject, as_network
from archscope.version import __version__

if TYPE_CHECKING:
    from torch import nn

    from archscope.assertions import Claim, Quantity

LARGEST = 8 * 2**30
"""Bytes of weights up to which a network is made with data where shapes alone do not do."""


def analyse(
    analysis: str,
    subject: Subject | Sketch | Network | Holding,
    *,
    convention: Convention | None = None,
    **settings: Any,
) -> Report:
    """Run one analysis; a `ForwardError` gets the report up to the failure as its `report`."""
    said = ANALYSES.get(analysis).summary.partition(",")[0]
    whose = subject.name.partition(" · ")[0]
    doing(said if whose == said else f"{whose}: {said}")
    if isinstance(subject, Subject) and ANALYSES.get(analysis).needs == "name":
        subject = as_network(subject)

    def report(sections: tuple[Section, ...]) -> Report:
        title = " · ".join([subject.name, *(s.about for s in sections if s.about)])
        told = tuple(replace(section, about="") for section in sections)
        config = {**subject.config, **_asked(analysis, settings)}
        made = assemble(analysis, title, config, told, convention)
        inputs = subject.inputs if isinstance(subject, Subject) else None
        shapes = inputs.shapes() if inputs else ()
        return replace(made, inputs=shapes, origin=subject.origin)

    # What a named network's own code prints must not mix with results on stdout.
    aside = nullcontext() if subject.origin == "memory" else prints_to_stderr()
    try:
        with aside:
            return report(_sections(analysis, subject, settings))
    except ForwardError as error:
        inputs = subject.inputs if isinstance(subject, Subject) else None
        error.args = (f"{error}{inputs.shape_hint() if inputs else ''}",)
        if error.sections:
            error.report = report(error.sections)
        raise


def _asked(analysis: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings that an analysis declares and that are not as usual, as plain values."""
    declared = ANALYSES.get(analysis).settings
    fields = specs.fields(declared) if declared else ()
    asked = {
        field.name: specs.plain(settings[field.name])
        for field in fields
        if settings.get(field.name, field.default) != field.default
    }
    return {"settings": asked} if asked else {}


def _sections(
    analysis: str, subject: Subject | Sketch | Network | Holding, settings: Mapping[str, Any]
) -> tuple[Section, ...]:
    run = ANALYSES.get(analysis).run
    if not isinstance(subject, Subject):  # nothing of it runs here
        return run(subject, **settings)
    from archscope.running.process import outside_modes, process_as_found

    return outside_modes(lambda: process_as_found(lambda: run(subject, **settings)))


def ask(analysis: str, network: Network, **settings: Any) -> Report:
    """Run one analysis on a named network, in the form that the analysis needs.

    A forward that fails on shapes alone is tried with data, where the network is small enough: some
    read numbers that are not there without.
    """
    needs = ANALYSES.get(analysis).needs
    if needs == "name":
        return analyse(analysis, network, **settings)
    if network.counted is not None and ANALYSES.get(analysis).takes_files:
        return analyse(analysis, network.counted(), **settings)
    subject = formed(network, needs)
    try:
        return analyse(analysis, subject, **settings)
    except ForwardError as failure:
        if needs == "data" or failure.with_data_too or not can_have_data(subject):
            raise
        return analyse(analysis, formed(network, "data"), **settings)


def formed(network: Network, needs: Needs) -> Subject:
    """Return a network in the form that an analysis needs; raises `ArchscopeError` if too large."""
    if needs == "shapes":
        return made(network.subject)
    if needs == "whole":
        import torch

        with torch.device("meta"):
            return made(network.whole)
    size = weight_bytes(made(network.subject))
    if size > LARGEST:
        raise ArchscopeError(
            f"{network.name}: {size / 2**30:.1f} GiB of weights; networks are made with data up to "
            f"{LARGEST / 2**30:g} GiB"
        )
    return made(network.whole)


def countable(network: Network, *, in_full: bool = False) -> Subject | Holding:
    """Return the form in which a network's parameters are counted; `in_full` their numbers too."""
    if in_full:
        return made(network.held)
    return made(network.subject) if network.counted is None else network.counted()


def made(make: Callable[[], Subject]) -> Subject:
    """Return what makes a network returns, the process as it was before.

    It draws weights and inputs, and may be the user's own code.
    """
    from archscope.running.process import outside_modes, process_as_found

    return outside_modes(lambda: process_as_found(make))


def can_have_data(subject: Subject) -> bool:
    """Return whether a network stands on shapes alone and is small enough to be made with data."""
    has_none = any(parameter.is_meta for parameter in parameters_of(subject.model))
    return has_none and weight_bytes(subject) <= LARGEST


def weight_bytes(subject: Subject) -> int:
    """Return the bytes of all parameters, of blocks that repeat so many times."""
    size = _bytes(subject.model)
    for repeat in subject.repeats:
        more = 0 if repeat.shared else len(repeat.copies) - 1
        size += more * _bytes(part_of(subject.model, repeat.path))
    return size


def _bytes(module: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in parameters_of(module))


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


def claims_of(analysis: str, texts: Sequence[str]) -> tuple[Claim, ...]:
    """Return what texts claim of an analysis' answer; raises `UsageError` for what they cannot."""
    if not texts:
        return ()
    from archscope.assertions import read_claims

    return read_claims(texts, ANALYSES.get(analysis).claimable())


def check(report: Report, texts: Iterable[str]) -> None:
    """Raise `ThresholdError` with a line for each claim that a report does not prove."""
    from archscope.assertions import read_claims

    found: dict[str, Quantity] = {}
    for analysis in dict.fromkeys(section.analysis for section in report.sections):
        for quantity in ANALYSES.get(analysis).claimable():
            found.setdefault(quantity.name, quantity)
    if not found:
        raise UsageError(f"a {report.command} report has nothing that can be asserted")
    require(read_claims(texts, tuple(found.values())), report)


def require(claims: Sequence[Claim], report: Report) -> None:
    """Raise `ThresholdError` with a line for each claim that a report does not prove."""
    if not claims:
        return
    from archscope.assertions import failures

    failed = failures(claims, report)
    if failed:
        raise ThresholdError("\n".join(failed))


def require_good(analysis: str, report: Report) -> None:
    """Raise `ThresholdError` where an answer is bad news by itself, e.g. what does not fit."""
    address = ANALYSES.get(analysis).failure
    line = resolve(address)(report) if address else None
    if line is not None:
        raise ThresholdError(line)


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


@cache
def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
