"""Counts parameters and FLOPs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archscope.errors import ThresholdError, UsageError
from archscope.library._named import network_of, subject_of
from archscope.results import Report
from archscope.study import analyse
from archscope.subject import Subject

if TYPE_CHECKING:
    from torch import nn


def params(
    model: nn.Module | str,
    *args: Any,
    flops_per_mac: int = 1,
    strict: bool = False,
    teacher: nn.Module | str | None = None,
    **kwargs: Any,
) -> Report:
    """Count parameters and FLOPs of a module, or of a family's or published network, by layer.

    >>> report = params(model, images, mask=mask)
    >>> report.totals.trainable, report.totals.macs, report.totals.complete
    >>> params("transformer", depth=24).totals.trainable
    209494272

    For a module, `args` and `kwargs` are what its forward is called with; without any, parameters
    alone are counted. The forward runs on shapes alone where it can, otherwise for real, in
    evaluation mode; the module is left as found. For a name, `kwargs` are fields of its spec; a
    published network has a section `published` with its authors' figures beside the counted ones.

    With `teacher`, a module or a name, a section `teacher` says how many times larger that is, at
    the same inputs.

    `flops_per_mac=2` gives 2 x MACs as FLOPs. With `strict`, `ThresholdError` is raised where an
    operator is unknown or the engines disagree. `ForwardError` has the `report` up to the failure.
    """
    from archscope.analyses.params.teacher import with_teacher
    from archscope.beside import beside_figures, beside_teacher

    if isinstance(model, str):
        network = network_of(model, kwargs)
        report = count_subject(network.subject(), flops_per_mac=flops_per_mac)
        report = beside_figures(report, network)
    else:
        report = count_subject(subject_of(model, args, kwargs), flops_per_mac=flops_per_mac)
    if isinstance(teacher, str):
        report = beside_teacher(report, teacher)
    elif teacher is not None:
        if isinstance(model, str):
            raise UsageError("a module teaches a module; beside a name, name the teacher too")
        report = with_teacher(report, count_subject(subject_of(teacher, args, kwargs)))
    if strict:
        require_complete(report)
    return report


def count_subject(subject: Subject, *, flops_per_mac: int = 1) -> Report:
    """Count parameters and FLOPs of a `Subject`; see `params`."""
    from archscope.analyses.params.analysis import CONVENTIONS

    if flops_per_mac not in CONVENTIONS:
        raise UsageError(f"flops_per_mac is {flops_per_mac!r}; it can be 1 (as fvcore) or 2")
    convention = CONVENTIONS[flops_per_mac]
    return analyse("params", subject, convention=convention, flops_per_mac=flops_per_mac)


def require_complete(report: Report) -> None:
    """Raise `ThresholdError` where a report's totals are partial or disputed."""
    if not report.totals.complete:
        reasons = [note.text for note in report.notes if note.level == "warning"]
        raise ThresholdError("--strict: " + ("; ".join(reasons) or "the totals are partial"))
