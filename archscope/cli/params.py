"""`archscope params`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from archscope.cli._claims import assert_option
from archscope.cli._command import Command
from archscope.cli._complete import MODEL
from archscope.cli._model import ModelCommand, with_model
from archscope.cli._numbers import Count
from archscope.cli._output import Output, output_options
from archscope.errors import ForwardError
from archscope.study import claims_of, countable, require
from archscope.subject import Network

_EPILOG = """\
\b
Examples:
  archscope params --depth 24
  archscope params --depth 24 --explain
  archscope params --arch encoder --norm-place post --total
  archscope params cnn:dilations=1/2/4,channels=32 -f json
  archscope params --dilations 1,2,4 --channels 16,32,64
  archscope params --ffn moe:8/2 --attention window:255 --by component
  archscope params resnet50 --by type
  archscope params resnet50 --assert "params <= 26M" --assert complete
  archscope params "in 1x28x28; 2x(conv 32,64; pool 2); head 10"
  archscope params bert-base-uncased --seq-len 128
  archscope params tinybert-4L-312 --teacher bert-base-uncased
  archscope params ./model.safetensors --by number-type

A default can also come from the environment (ARCHSCOPE_PARAMS_DEPTH=24) or from a config file.
"""
_SORTS = {"order": None, "params": "trainable", "flops": "flops"}
_SECTIONS = {
    "module": "modules",
    "operator": "operators",
    "component": "components",
    "type": "types",
    "depth": "depth",
    "published": "published",
    "teacher": "teacher",
    "number-type": "number_types",
    "tensor": "tensors",
    "needed": "needed",
}


@click.command(cls=ModelCommand, epilog=_EPILOG, no_args_is_help=False)
@click.option(
    "--by",
    type=click.Choice(list(_SECTIONS)),
    default="module",
    help="One row for each of these; type: each type of layer, as linear or depthwise conv; depth: "
    "each meaning of the word; published: each figure that the authors of a published network "
    "print; of a file number-type, tensor, and needed: where it differs from the network of its "
    "configuration. [default: module]",
)
@click.option(
    "--sort",
    type=click.Choice(list(_SORTS)),
    default="order",
    help="Largest first, or in the model's order. [default: order]",
)
@click.option("--top", type=Count(min=1), help="The first so many rows.")
@click.option("--max-depth", type=Count(min=1), help="Module names of at most so many parts.")
@click.option("--expand", is_flag=True, help="Each copy of a repeated block.")
@click.option("--no-flops", is_flag=True, help="Parameters alone; needs no inputs.")
@click.option("--total", is_flag=True, help="The totals alone.")
@click.option("--explain", is_flag=True, help="Each row's closed form, with its numbers put in.")
@click.option(
    "--nonzero",
    is_flag=True,
    help="Also the weights that are not zero, and the MACs left without zero rows and columns.",
)
@click.option("--exact", is_flag=True, help="All digits of every number.")
@click.option(
    "--flops-per-mac",
    type=click.Choice(["1", "2"]),
    default="1",
    help="1: as fvcore counts. 2: two FLOPs for a multiply-accumulate. [default: 1]",
)
@click.option(
    "--teacher",
    metavar="MODEL",
    type=MODEL,
    help="How many times larger the network is that teaches this one, at the same inputs.",
)
@click.option(
    "--freeze",
    metavar="PATTERN",
    multiple=True,
    help="Parameters, or modules with all they hold, that are not trained, e.g. 'blocks.[0-5]'; "
    "once for each.",
)
@click.option("--strict", is_flag=True, help="Exit 3 where anything is unknown or disputed.")
@assert_option("params <= 25M", "macs < 4.2G", "weights <= 100MiB", "complete")
@output_options
@with_model
def command(
    *,
    network: Network,
    by: str,
    sort: str,
    top: int | None,
    max_depth: int | None,
    expand: bool,
    no_flops: bool,
    total: bool,
    explain: bool,
    nonzero: bool,
    exact: bool,
    flops_per_mac: str,
    teacher: str | None,
    freeze: tuple[str, ...],
    strict: bool,
    claims: tuple[str, ...],
    output: Output,
) -> None:
    """Count trainable parameters and FLOPs of MODEL, module by module.

    MODEL is a family, a published network (`archscope list presets`), a stack of layers in words
    (`archscope list sentence`), one of your own, with fields after a colon or as flags, or a file
    that holds one (`archscope list` names the forms), of which nothing is run. Without it the flags
    say which: `--dilations` is a stack of convolutions (`cnn`), `--depth` alone a
    Transformer. Nothing is trained or allocated: a network of 10^12 parameters counts as quickly.
    """
    view = output.view(
        by=_SECTIONS[by],
        sort=_SORTS[sort],
        top=top,
        max_depth=max_depth,
        expand=expand,
        total=total,
        explain=explain,
        exact=exact,
    )

    claimed = claims_of("params", claims)

    def present(report: Any) -> None:
        output.show(report, view)

    from archscope.library import (
        count_subject,
        require_complete,
        with_figures,
        with_named_teacher,
    )
    from archscope.loaders import require_name

    if teacher:
        require_name(teacher)
    try:
        subject = countable(network, in_full=nonzero)
        subject = replace(subject, inputs=None) if no_flops else subject
        report = count_subject(
            subject, flops_per_mac=int(flops_per_mac), nonzero=nonzero, freeze=freeze
        )
        report = replace(report, convention=None) if no_flops else report
    except ForwardError as error:
        if error.report is not None:
            present(error.report)
        raise
    report = report if freeze else with_figures(report, network)
    report = with_named_teacher(report, teacher) if teacher else report
    present(report)
    require(claimed, report)
    if strict:
        require_complete(report)


COMMAND = Command(
    name="params",
    summary="Parameters and FLOPs, module by module.",
    order=10,
    click=command,
)
