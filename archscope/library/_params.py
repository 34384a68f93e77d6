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
from archscope.library._training import patterns_of
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
    """Count parameters and FLOPs, layer by layer, of a module or of a named network.

    >>> report = params(model, images, mask=mask)
    >>> report.totals.trainable, report.totals.macs, report.totals.complete
    >>> params("transformer", depth=24).totals.trainable
    209494272

    Other sections break the same count down differently: `report.section("params.types")` has a row
    per type of layer; there are also `components`, `operators` and `depth`.

    `model` is an `nn.Module` or the name of a network. For a module, `args` and `kwargs` are the
    arguments of its forward, or `input_shape=(1, 3, 224, 224)` is that of a random input, for
    several `["1,8,16", "tgt:1,9,16"]`; without any, only parameters are counted. The forward runs
    on shapes alone if it can, otherwise on real data, in evaluation mode; the module is not
    modified. For a family or a published network, `kwargs` are fields of its spec; a published
    network has a section `published` with its authors' figures beside the counted ones. For a
    network of your own by its name, e.g. `./net.py:UNet`, they are `input_shape`, `input`, `inputs`
    and `model_arg`, as on the command line.

    `method` is called instead of forward, e.g. `"encode"`. A module without given inputs may
    provide them, by a method `archscope_inputs()` or as Lightning's `example_input_array`. An
    object that holds one module, such as a pipeline or a trainer, stands for that module.

    With `teacher`, a module or a name, a section `teacher` says how many times larger the teacher
    is, at the same inputs.

    With `nonzero`, a column and a total give the number of weights that are not zero (after pruning
    or masking), and the MACs that remain without outputs and inputs that are always zero.

    `freeze` are shell patterns of names of parameters or modules that count as frozen, e.g.
    `"blocks.[0-5]"`; the module itself is not modified.

    With `flops=False` only parameters are counted, and nothing runs. `flops_per_mac=2` reports
    2 x MACs as FLOPs. With `strict`, raises `ThresholdError` if an operator is unknown or the
    engines disagree. If the forward fails, raises `ForwardError`, whose `report` holds the count up
    to the failure.
    """
    if isinstance(teacher, str):
        loaders.require_name(teacher)
    frozen = patterns_of(freeze)
    asked: dict[str, Any] = {"flops_per_mac": flops_per_mac, "nonzero": nonzero, "freeze": frozen}
    if isinstance(model, str):
        alone = None if flops else True
        network = network_of(model, kwargs, args=args, parameters_alone=alone, method=method)
        counted = countable(network, in_full=nonzero)
        report = count_subject(counted, flops=flops, **asked)
        report = report if frozen else with_figures(report, network)
    else:
        subject = subject_of(model, args, kwargs, method=method)
        report = count_subject(subject, flops=flops, **asked)
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
    flops: bool = True,
    flops_per_mac: int = 1,
    nonzero: bool = False,
    freeze: tuple[str, ...] = (),
) -> Report:
    """Count parameters and FLOPs of a `Subject`, without `flops` parameters alone; see `params`."""
    from archscope.analyses.params.analysis import CONVENTIONS

    if flops_per_mac not in CONVENTIONS:
        raise UsageError(f"flops_per_mac is {flops_per_mac!r}; it can be 1 (as fvcore) or 2")
    convention = _convention(subject, flops_per_mac) if flops else None
    subject = subject if flops else replace(subject, inputs=None)
    patterns = tuple(filter(None, ",".join(freeze).split(",")))
    settings = {"flops": flops, "flops_per_mac": flops_per_mac, "nonzero": nonzero}
    return analyse("params", subject, convention=convention, freeze=patterns, **settings)


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
    network = load_teacher(teacher, report.config, inputs=report.inputs)
    return with_teacher(report, analyse("params", countable(network)))
