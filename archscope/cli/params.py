"""`archscope params`."""

from __future__ import annotations

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

Defaults can also come from the environment (ARCHSCOPE_PARAMS_DEPTH=24) or from a config file.
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
    help="What each row is; type: a type of layer, such as linear or depthwise conv; depth: a "
    "meaning of the word; published: a figure that the authors print; for a file number-type, "
    "tensor, and needed: where it differs from the network of its configuration. [default: module]",
)
@click.option(
    "--sort",
    type=click.Choice(list(_SORTS)),
    default="order",
    help="Largest first, or in the order of the model. [default: order]",
)
@click.option("--top", type=Count(min=1), help="Show only the first rows, this many.")
@click.option("--max-depth", type=Count(min=1), help="Show modules down to this nesting depth.")
@click.option("--expand", is_flag=True, help="Show every copy of a repeated block.")
@click.option("--no-flops", is_flag=True, help="Count parameters only; needs no inputs.")
@click.option("--total", is_flag=True, help="Show only the totals.")
@click.option(
    "--explain", is_flag=True, help="Show each row's closed form with its numbers filled in."
)
@click.option(
    "--nonzero",
    is_flag=True,
    help="Also count nonzero weights, and the MACs left without zero rows and columns.",
)
@click.option("--exact", is_flag=True, help="Show every digit of every number.")
@click.option(
    "--flops-per-mac",
    type=click.Choice(["1", "2"]),
    default="1",
    help="FLOPs per multiply-accumulate; 1: as fvcore counts. [default: 1]",
)
@click.option(
    "--teacher",
    metavar="MODEL",
    type=MODEL,
    help="Compare with this teacher: how many times larger it is, at the same inputs.",
)
@click.option(
    "--freeze",
    metavar="PATTERN",
    multiple=True,
    help="Parameters, or whole modules, that are not trained, e.g. 'blocks.[0-5]'; repeatable.",
)
@click.option(
    "--strict", is_flag=True, help="Exit with 3 if anything is unknown or the engines disagree."
)
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
    (`archscope list sentence`), a network of your own, or a file of weights or a graph, of which
    nothing is run (`archscope list` shows every form). Fields come after a colon or as flags.
    Without MODEL the flags decide: `--dilations` means a stack of convolutions (`cnn`), `--depth`
    alone a Transformer. Nothing is trained or allocated: 10^12 parameters count as fast as 10^6.
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
        report = count_subject(
            countable(network, in_full=nonzero),
            flops=not no_flops,
            flops_per_mac=int(flops_per_mac),
            nonzero=nonzero,
            freeze=freeze,
        )
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
