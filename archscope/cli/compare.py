"""`archscope compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from archscope.cli._command import Command
from archscope.cli._complete import measure_names
from archscope.cli._model import ModelCommand, read_models, with_own_words
from archscope.cli._numbers import Count
from archscope.cli._output import Output, output_options
from archscope.cli._say import say
from archscope.errors import ForwardError, ThresholdError, UsageError
from archscope.library import compare_networks, is_saved, limits_of, load_teacher
from archscope.results import Report
from archscope.specs import flag_of
from archscope.subject import Network, Request

_EPILOG = """\
\b
Examples:
  archscope compare gpt2 gpt2-medium
  archscope compare resnet50 resnet101 --by module --only-changed
  archscope compare transformer:depth=12 transformer:depth=24 --by component
  archscope compare gpt2 bert-base-uncased --seq-len 512
  archscope compare cnn:dilations=2/2/2 cnn:dilations=1/2/3 --fail-on coverage:-0
  archscope compare base.json ./net.py:UNet --input-shape 1,3,64,64 --fail-on params:+1%
  archscope compare old.json new.json --fail-on params:+0 --fail-on macs:+0 -f md
  archscope compare vgg16 resnet50 efficientnet_b0 -o side-by-side.html
  archscope compare distilbert-base-uncased --teacher bert-base-uncased

Save a report with `archscope params MODEL -f json -o base.json`, or with `rf`, `time` or `report`.
A limit names a measure, e.g. params, macs, weights, rf, coverage, ahead or latency.
"""
_SECTIONS = {
    "total": "totals",
    "module": "modules",
    "component": "components",
    "type": "types",
    "teaching": "teaching",
}
_SORTS = ("order", "params", "flops")


class CompareCommand(ModelCommand):
    """`compare`, whose flags are the fields of the networks that it names, and no others."""

    lists_families = False
    reads_general = False


@click.command(cls=CompareCommand, epilog=_EPILOG, no_args_is_help=True)
@click.argument("models", metavar="A B [C]...", nargs=-1, required=True)
@click.option(
    "--by",
    type=click.Choice(list(_SECTIONS)),
    default="total",
    help="What each row is. [default: total]",
)
@click.option("--only-changed", is_flag=True, help="Leave out what is the same in all networks.")
@click.option(
    "--sort",
    type=click.Choice(_SORTS),
    default="order",
    help="Largest difference of the last network first, or in the order of A. [default: order]",
)
@click.option("--top", type=Count(min=1), help="Show only the first rows, this many.")
@click.option("--exact", is_flag=True, help="Show every digit of every number.")
@click.option(
    "--rf/--no-rf",
    "rf",
    default=None,
    help="Compare receptive field and gridding too. [default: if all have it in closed form]",
)
@click.option("--no-flops", is_flag=True, help="Count parameters only; needs no inputs.")
@click.option(
    "--teacher",
    metavar="[MODEL]",
    is_flag=False,
    flag_value="",
    help="The teacher of the other networks, A if none is named: adds ratios of memory, training "
    "and decoding, and the cost of distillation.",
)
@click.option("--sample-rate", metavar="RATE", help="Positions per second, e.g. 16kHz.")
@click.option(
    "--fail-on",
    metavar="MEASURE:±N",
    shell_complete=measure_names,
    multiple=True,
    help="Exit with 3 if a measure grows, or shrinks, by more than this relative to A: params:+1%, "
    "macs:+0, coverage:-0, ahead:+10ms; repeatable. If the file A is missing: a note, exit 0.",
)
@output_options
def command(
    *,
    models: tuple[str, ...],
    by: str,
    only_changed: bool,
    sort: str,
    top: int | None,
    exact: bool,
    rf: bool | None,
    no_flops: bool,
    teacher: str | None,
    sample_rate: str | None,
    fail_on: tuple[str, ...],
    output: Output,
    fields: Mapping[str, str],
) -> None:
    """Put networks side by side: totals, modules, differences and ratios; A is the baseline.

    Each is a network, as for `params`, or a JSON file that archscope saved. Flags for fields apply
    to all networks that are named; what is compared must take the same input.
    """
    limits = limits_of(fail_on)
    models = _with_teacher(models, teacher)
    if by == "teaching" and teacher is None:
        raise UsageError("--by teaching needs --teacher")
    if limits and _is_missing(models[0]):
        say(f"no baseline: {models[0]} is not there, so nothing was held against it")
        return
    view = output.view(by=_SECTIONS[by], sort=_column(sort, by, models), top=top, exact=exact)
    asked = _read(models, fields, teacher=teacher is not None)
    config = {"networks": list(models), **fields}
    asks: dict[str, Any] = {"rf": rf, "flops": not no_flops, "sample_rate": sample_rate}
    asks |= {"only_changed": only_changed, "teacher": teacher is not None}
    try:
        report, crossed = compare_networks(asked, models, limits, **asks, config=config)
    except ForwardError as error:
        if error.report is not None:
            output.show(error.report, view)
        raise
    is_alone = output.form != "table" or output.path not in (None, "-")
    output.show(report if is_alone else _without(report, crossed), view)
    if crossed:
        raise ThresholdError("\n".join(crossed))


def _without(report: Report, lines: Sequence[str]) -> Report:
    """Return a comparison without these notes: beside a table in a terminal stderr has them."""
    first, *rest = report.sections
    notes = tuple(note for note in first.notes if note.text not in lines)
    return replace(report, sections=(replace(first, notes=notes), *rest))


def _with_teacher(models: tuple[str, ...], teacher: str | None) -> tuple[str, ...]:
    """Return the networks in order, a teacher that is named before those that it teaches."""
    return (teacher, *(model for model in models if model != teacher)) if teacher else models


def _column(sort: str, by: str, models: Sequence[str]) -> str | None:
    """Return the column to sort by: the difference of the last network."""
    if sort == "order":
        return None
    if by == "total":
        raise UsageError(f"--sort {sort} is for parts of networks; add e.g. --by module")
    from archscope.studies.compare.answer import KEYS

    return f"{sort}_difference_{KEYS[min(len(models), len(KEYS)) - 1].lower()}"


def _is_missing(model: str) -> bool:
    return is_saved(model) and not Path(model).exists()


def _read(
    models: Sequence[str], fields: Mapping[str, str], *, teacher: bool
) -> list[Report | Network]:
    """Return the report that each file holds, and the networks that all others name."""
    from archscope.saved import read

    named = [model for model in models if not is_saved(model)]
    if fields and not named:
        raise UsageError(
            f"{flag_of(next(iter(fields)))} changes nothing: these files hold finished results"
        )
    request = Request(fields=fields)
    if teacher and len(named) > 1 and not is_saved(models[0]):
        taught = read_models(named[1:], request)
        every = with_own_words(request)
        networks = iter((load_teacher(named[0], taught[0].config, every), *taught))
    else:
        networks = iter(read_models(named, request))
    return [read(model) if is_saved(model) else next(networks) for model in models]


COMMAND = Command(
    name="compare",
    summary="Networks side by side: totals, modules, limits on what may grow.",
    order=45,
    click=command,
)
