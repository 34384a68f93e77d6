"""Counts parameters and FLOPs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archscope import loaders
from archscope.analyses.params.published import with_published
from archscope.analyses.params.stored.rows import TENSORS
from archscope.analyses.params.teacher import with_teacher
from archscope.errors import ThresholdError, UsageError
from archscope.library._named import network_of, subject_of
from archscope.library._teaching import load_teacher
from archscope.results import Convention, Report
from archscope.study import analyse, countable, made
from archscope.subject import Holding, Network, Subject

if TYPE_CHECKING:
    from torch import nn


def params(
    model: nn.Module | str = "",
    *args: Any,
    flops: bool = True,
    flops_per_mac: int = 1,
    strict: bool = False,
    nonzero: bool = False,
    teacher: nn.Module | str | None = None,
    freeze: str | Sequence[str] = (),
    method: str | None = None,
    **kwargs: Any,
) -> Report:
    """Count parameters and FLOPs of a module, or of a family's or published network, by layer.

    >>> report = params(model, images, mask=mask)
    >>> report.totals.trainable, report.totals.macs, report.totals.complete
    >>> params("transformer", depth=24).totals.trainable
    209494272

    Other sections look at the same count in other ways: `report.section("params.types")` has a row
    for each type of layer, `components`, `operators` and `depth` their own.

    For a module, `args` and `kwargs` are what its forward is called with; without any, parameters
    alone are counted. The forward runs on shapes alone where it can, otherwise for real, in
    evaluation mode; the module is left as found. For a name, `kwargs` are fields of its spec; a
    published network has a section `published` with its authors' figures beside the counted ones;
    for a network of your own by its name, e.g. `./net.py:UNet`, they are `input_shape`, `input`,
    `inputs` and `model_arg`, as on the command line.

    `method` is what is called in forward's place, e.g. `"encode"`. A module that is given no inputs
    may bring them, by a method `archscope_inputs()` or as Lightning's `example_input_array`. What
    is not a module and holds one, a pipeline or a trainer, stands for that.

    With `teacher`, a module or a name, a section `teacher` says how many times larger that is, at
    the same inputs.

    With `nonzero`, a column and a total say how many weights are not zero, as pruned or masked, and
    how many MACs are left without outputs and inputs that are zero throughout.

    `freeze` are patterns of names, as in a shell, of parameters or of modules with all they hold:
    these count as frozen, e.g. `"blocks.[0-5]"`; the module itself is left as found.

    Without `flops` parameters alone are counted, and nothing runs. `flops_per_mac=2` gives 2 x MACs
    as FLOPs. With `strict`, `ThresholdError` is raised where an operator is unknown or the engines
    disagree. `ForwardError` has the `report` up to the failure.
    """
    if isinstance(teacher, str):
        loaders.require_name(teacher)
    frozen = (freeze,) if isinstance(freeze, str) else tuple(freeze)
    asked: dict[str, Any] = {"flops_per_mac": flops_per_mac, "nonzero": nonzero, "freeze": frozen}
    if isinstance(model, str):
        alone = None if flops else True
        network = network_of(model, kwargs, args=args, parameters_alone=alone, method=method)
        counted = countable(network, in_full=nonzero)
        report = _counted(counted, flops=flops, **asked)
        report = report if frozen else with_figures(report, network)
    else:
        subject = subject_of(model, args, kwargs, method=method)
        report = _counted(subject, flops=flops, **asked)
    if isinstance(teacher, str):
        report = with_named_teacher(report, teacher)
    elif teacher is not None:
        if isinstance(model, str):
            raise UsageError(
                "the teacher of a module must be a module; with a named network, "
                "name the teacher too"
            )
        report = with_teacher(report, count_subject(subject_of(teacher, args, kwargs)))
    if strict:
        require_complete(report)
    return report


def count_subject(
    subject: Subject | Holding,
    *,
    flops_per_mac: int = 1,
    nonzero: bool = False,
    freeze: tuple[str, ...] = (),
) -> Report:
    """Count parameters and FLOPs of a `Subject`; see `params`."""
    from archscope.analyses.params.analysis import CONVENTIONS

    if flops_per_mac not in CONVENTIONS:
        raise UsageError(f"flops_per_mac is {flops_per_mac!r}; it can be 1 (as fvcore) or 2")
    convention = _convention(subject, flops_per_mac)
    settings = {"flops_per_mac": flops_per_mac, "nonzero": nonzero, "freeze": freeze}
    return analyse("params", subject, convention=convention, **settings)


def _counted(subject: Subject | Holding, *, flops: bool, **asked: Any) -> Report:
    """Count a subject, without `flops` its parameters alone."""
    if flops:
        return count_subject(subject, **asked)
    return replace(count_subject(replace(subject, inputs=None), **asked), convention=None)


def _convention(subject: Subject | Holding, flops_per_mac: int) -> Convention | None:
    """Return what FLOP means in a count; None: there are none, a file of weights has no work."""
    from archscope.analyses.params.analysis import CONVENTIONS, OF_GRAPHS

    if isinstance(subject, Subject):
        return CONVENTIONS[flops_per_mac]
    if subject.stored.steps is None:
        return None
    return OF_GRAPHS if flops_per_mac == 1 else CONVENTIONS[flops_per_mac]


def require_complete(report: Report) -> None:
    """Raise `ThresholdError` where a report's totals are partial or disputed."""
    if not report.totals.complete:
        reasons = [note.text for note in report.notes if note.level == "warning"]
        raise ThresholdError("--strict: " + ("; ".join(reasons) or "the totals are partial"))


def with_figures(report: Report, network: Network) -> Report:
    """Return the count of a `Network` with what its authors print of it, if anything.

    Where a file names it too, that is compared with what it needs.
    """
    report = with_published(report, network.published)
    if network.holding is None or report.find(TENSORS.address) is not None:
        return report
    from archscope.analyses.params.stored.needed import with_file

    model = made(network.subject).model if network.described else None
    return with_file(report, model, network.holding())


def with_named_teacher(report: Report, teacher: str) -> Report:
    """Return the count of a student with that of the network that teaches it, at its inputs.

    Raises `UsageError` where no network is called so, or it cannot take these inputs.
    """
    network = load_teacher(teacher, report.config)
    return with_teacher(report, analyse("params", countable(network)))
