"""`archscope search`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from archscope import specs
from archscope.cli._command import Command
from archscope.cli._complete import field_names, measure_names, measures_and_fields
from archscope.cli._model import with_own_words
from archscope.cli._numbers import Count
from archscope.cli._output import Output, output_options
from archscope.cli._timing import require_latency
from archscope.cli.sweep import SweepCommand
from archscope.errors import InterruptedRunError, UsageError
from archscope.families import FAMILIES
from archscope.studies import STUDIES
from archscope.subject import Network, Request

_EPILOG = """\
\b
Examples:
  archscope search cnn --spatial-dims 1 --causal --where "params < 100k and rf >= 16000"
  archscope search cnn --causal --dilations doubling --where "rf >= 16000" --minimise depth
  archscope search cnn --causal --sample-rate 16kHz --where "rf >= 1s" --maximise channels --top 5
  archscope search cnn --causal --depth 4:12 --channels 16:256:*2 --dilations "doubling;1/2/5" \\
    --where "coverage == 100% and params < 50k" --maximise rf
  archscope search cnn --causal --where "rf >= 4000" --minimise macs --measure latency --top 3
  archscope search transformer --iso params=124M --depth 6:96:*2

A field with several values is searched: a list 6,12,24, a range 4:16, steps 4:16:4, factors
16:256:*2; if the field is a list itself, `;` separates the alternatives. Fields that have to be
searched and are not given take the usual values: depth, kernel size, channels and dilations for a
cnn, depth and d-model for a transformer; tcn and wavenet have some too. Words stand for dilations
that follow from depth and kernel: doubling, doubling:2 (1,2,4,... twice), furthest (1,k,k²,...),
hdc (1,2,5 repeated), ones.
"""
_SECTIONS = {"variant": "variants", "constraint": "constraints", "choice": "choices"}


@click.command(cls=SweepCommand, epilog=_EPILOG, no_args_is_help=True)
@click.argument("model", required=False)
@click.option(
    "--where",
    metavar="CONDITION",
    shell_complete=measures_and_fields,
    help='Condition on params, macs, rf, coverage, ahead, ... and on fields, e.g. "params < 100k '
    'and rf >= 1s".',
)
@click.option(
    "--minimise",
    metavar="NAME",
    shell_complete=measures_and_fields,
    help="Measure to minimise; ties go to fewer params, then fewer macs, then the earlier variant. "
    "[default: macs]",
)
@click.option(
    "--maximise",
    metavar="NAME",
    shell_complete=measures_and_fields,
    help="Measure to maximise instead.",
)
@click.option(
    "--top", type=Count(min=1), help="Show this many variants. [default: 10; with --iso all]"
)
@click.option(
    "--by",
    type=click.Choice(list(_SECTIONS)),
    help="What each row is; constraint: a condition and what it costs; choice: a value that is not "
    "a number and the best variant with it. [default: variant]",
)
@click.option(
    "--iso",
    metavar="NAME=NUMBER",
    help="For each choice of the other fields, the variant nearest to this, e.g. params=124M.",
)
@click.option(
    "--solve",
    metavar="FIELD",
    shell_complete=field_names,
    help="The field that --iso adjusts. [default: the width, such as d_model or channels]",
)
@click.option(
    "--measure",
    metavar="LIST",
    shell_complete=measure_names,
    help="Extra measures of the variants shown, e.g. latency.",
)
@click.option(
    "--verify/--no-verify",
    default=None,
    help="Build the variants shown, count them with both engines and trace their receptive field. "
    "[default: trace only where that is cheap]",
)
@click.option(
    "--sample-rate", metavar="RATE", help="Positions per second, e.g. 16kHz: allows rf >= 1s."
)
@click.option("--device", default="auto", help="Device for latency. [default: auto]")
@output_options
def command(
    *,
    model: str | None,
    fields: Mapping[str, str],
    arguments: Mapping[str, str],
    output: Output,
    by: str | None,
    measure: str | None,
    **asked: Any,
) -> None:
    """Find the best variant of MODEL under conditions, and show what each condition costs.

    MODEL is a family or a published network; without it the flags decide. Closed forms make the
    answer exact: the variants shown are proven to be the best of the space, or it is proven that
    none meets the conditions (then exit 3), with the nearest miss. Only those shown are built and
    verified.
    """
    from archscope import loaders
    from archscope.library import require_found, search_network
    from archscope.studies.measures import chosen

    if arguments:
        raise UsageError("--model-arg is for a network of your own, and a search needs a family")
    require_latency(chosen(measure.split(",")) if measure else ())
    view = output.view(by=None if by is None else _SECTIONS[by])
    network = loaders.load(model or loaders.described_by(fields), with_own_words(Request()))
    _require_columns(output, network)
    try:
        report = search_network(network, fields, measure=(measure,) if measure else (), **asked)
    except InterruptedRunError as cut:
        output.show(cut.report, output.view())
        raise
    if view.by is not None and report.find(f"search.{view.by}") is None:
        raise UsageError(f"--by {by}: there are none here")
    output.show(report, view)
    require_found(report)


def _require_columns(output: Output, network: Network) -> None:
    """Raise `UsageError` before any work for a column that no search of this family has."""
    if output.columns and network.family:
        fields = specs.fields(FAMILIES.get(network.family).spec)
        config = {"axes": {field.name: ("either", "or") for field in fields}}
        output.require_columns(STUDIES.get("search").declared(config))


COMMAND = Command(
    name="search",
    summary="The best variant of a family under conditions, and what they cost.",
    order=57,
    click=command,
)
