"""`archscope sweep`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archscope.cli._command import Command
from archscope.cli._complete import field_names, measure_names, measures_and_fields
from archscope.cli._model import ModelCommand, with_own_words
from archscope.cli._numbers import Count
from archscope.cli._output import Output, check_output, output_options
from archscope.cli._say import say
from archscope.cli._timing import require_latency
from archscope.columns import columns
from archscope.errors import (
    ArchscopeError,
    InterruptedRunError,
    ThresholdError,
    UsageError,
    same_word,
)
from archscope.files import write_whole
from archscope.progress import doing
from archscope.results import Report, Section, View
from archscope.specs import flag_of
from archscope.studies import STUDIES
from archscope.subject import Request

if TYPE_CHECKING:
    from archscope.sweeping.running import Progress

_EPILOG = """\
\b
Examples:
  archscope sweep --depth 4:16 --channels 16:256:*2 --dilations "1/2/4;1/2/5"
  archscope sweep --depth 6,12,24 --d-model 384,768 --measure params,macs --sort macs
  archscope sweep cnn --causal --depth 4:12 --where "params < 100k and rf >= 255"
  archscope sweep cnn --depth 4:16 --channels 16:128:16 --pareto params,rf -o sweep.html
  archscope sweep transformer --depth 6,12,24 --d-model 1152,768,576 --zip depth,d_model
  archscope sweep --depth 6:96:*2 --iso params=124M --solve d_model --measure params,macs
  archscope sweep ./net.py:Net --model-arg depth=4:16 --input-shape 1,3,224,224

An axis is a list 6,12,24, a range 4:16, one in steps 4:16:4 or by factors 16:256:*2. If the field
is a list itself, `;` separates the alternatives: "1/2/4;1/2/5".
"""
_TYPED = "archscope.cli.sweep.typed"
_VALUES = re.compile(r"(true|false|yes|no)([,;](true|false|yes|no))*", re.IGNORECASE)
"""What may follow the flag of a switch."""


class SweepCommand(ModelCommand):
    """A command whose flags of fields take axes, those of switches too: `--causal yes,no`."""

    def words(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return what was typed with a value behind every switch: without one it is `true`."""
        flags = {each.flag for each in self._fields(ctx).values() if each.kind == "switch"}
        off = {f"--no-{flag[2:]}": flag for flag in flags}
        ctx.meta[_TYPED] = [word.partition("=")[0] for word in args]
        found: list[str] = []
        rest = iter([*args, ""])
        word = next(rest)
        for follower in rest:
            if word in flags:
                is_value = _VALUES.fullmatch(follower) is not None
                found.append(f"{word}={follower if is_value else 'true'}")
                word = next(rest, "") if is_value else follower
                continue
            found.append(f"{off[word]}=false" if word in off else word)
            word = follower
        return found

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        switches = {n for n, each in self._fields(ctx).items() if each.kind == "switch"}
        return [
            _of_text(param) if param.name in switches else param
            for param in super().get_params(ctx)
        ]

    def invoke(self, ctx: click.Context) -> Any:
        ctx.params["arguments"] = dict(map(_argument, ctx.params["model_arg"]))
        ctx.params["model_arg"] = ()
        return super().invoke(ctx)


def _of_text(switch: click.Parameter) -> click.Option:
    """Return the flag of a switch as one that takes a text."""
    assert isinstance(switch, click.Option)
    return click.Option(switch.opts, default=None, metavar="yes|no", help=switch.help)


def _argument(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise UsageError(f"Invalid value for '--model-arg': {text!r} is not KEY=VALUE, e.g. d=4:16")
    return name, value


@click.command(cls=SweepCommand, epilog=_EPILOG, no_args_is_help=True)
@click.argument("model", required=False)
@click.option(
    "--measure",
    metavar="LIST",
    shell_complete=measure_names,
    help="Measures: params, macs, flops, weights, rf, coverage, ahead, latency, ... "
    "[default: params,macs, and rf where it costs nothing]",
)
@click.option(
    "--where",
    metavar="CONDITION",
    shell_complete=measures_and_fields,
    help='Keep only variants that meet this, e.g. "params < 100k and rf >= 1s".',
)
@click.option(
    "--pareto",
    metavar="LIST",
    shell_complete=measure_names,
    help="Mark the Pareto front: variants that no other beats in all of these.",
)
@click.option(
    "--sort",
    metavar="NAME",
    shell_complete=measures_and_fields,
    help="Best first by this measure; -NAME: worst first.",
)
@click.option("--top", type=Count(min=1), help="Show only the first rows, this many.")
@click.option(
    "--group",
    metavar="FIELD",
    shell_complete=field_names,
    help="Add a table with one row per value of this field.",
)
@click.option(
    "--plot", metavar="X,Y,COLOUR", help="Axes and colour of the chart on a page (-o FILE.html)."
)
@click.option(
    "--zip",
    "zip",
    metavar="LIST",
    shell_complete=field_names,
    help="Fields that vary together instead of in every combination.",
)
@click.option(
    "--limit",
    type=Count(min=1),
    help="Run only the first variants, this many; more than 10,000 run only with it.",
)
@click.option("--sample", type=Count(min=1), help="Run a random sample of this many variants.")
@click.option("--seed", type=int, default=0, help="Seed of --sample. [default: 0]")
@click.option(
    "--sample-rate", metavar="RATE", help="Positions per second: gives rf in seconds too."
)
@click.option(
    "--iso", metavar="NAME=AMOUNT", help="Give each variant the same amount, e.g. params=124M ..."
)
@click.option(
    "--solve",
    metavar="FIELD",
    shell_complete=field_names,
    help="... by adjusting this field.",
)
@click.option("--device", default="auto", help="Device for latency. [default: auto]")
@click.option("--dtype", default="fp32", help="Number type for latency. [default: fp32]")
@click.option(
    "--runs",
    type=Count(min=1),
    default=100,
    help="Maximum number of samples for latency. [default: 100]",
)
@click.option(
    "--store",
    metavar="FILE",
    type=click.Path(),
    help="Save every answer to FILE (SQLite) at once; resume from it.",
)
@click.option("--retry", type=click.Choice(["failed"]), help="Run again what failed in the store.")
@click.option(
    "--show",
    metavar="FILE",
    type=click.Path(),
    help="Show a store, even while it is being written.",
)
@click.option(
    "--workers",
    type=Count(min=1),
    help="Number of processes. [default: 1, for many variants one per processor]",
)
@click.option("--memory-limit", metavar="SIZE", help="Memory limit of each process, e.g. 4GiB.")
@click.option(
    "--executor",
    metavar="NAME",
    help="What runs the variants: processes, dask://HOST:PORT, mpi. [default: processes]",
)
@click.option(
    "--parquet", metavar="FILE", type=click.Path(), help="Also write the rows to a Parquet file."
)
@click.option("--strict", is_flag=True, help="Exit with 3 if a variant failed.")
@output_options
def command(
    *,
    model: str | None,
    fields: Mapping[str, str],
    arguments: Mapping[str, str],
    output: Output,
    top: int | None,
    show: str | None,
    parquet: str | None,
    strict: bool,
    **asked: Any,
) -> None:
    """Measure every combination of some values of MODEL's fields, one row each.

    MODEL is a family, a published network, a sentence or one of your own; without it the flags
    decide. Any field can be an axis. Both engines count each variant; one that cannot be built or
    counted is a row that says why.
    """
    view = output.view(top=top)
    if asked["plot"] and output.form != "html":
        raise UsageError("--plot is drawn on a page; add -o FILE.html")
    if parquet is not None:
        _check_parquet(parquet)
    if show is not None:
        report = _kept(show, model, fields, arguments, asked)
        output.show(report, view)
    else:
        report = _run(model, fields, arguments, asked, output, view)
    if parquet is not None:
        _write_parquet(report, parquet, quiet=output.quiet)
    _say_failures(report, strict=strict, quiet=output.quiet)


def _kept(
    path: str,
    model: str | None,
    fields: Mapping[str, str],
    arguments: Mapping[str, str],
    asked: Mapping[str, Any],
) -> Report:
    """Return the report of what a store holds."""
    if model is not None or fields or arguments or asked["store"]:
        raise UsageError("--show FILE shows what a file holds; leave out all that would run")
    from archscope.library import show_sweep

    return show_sweep(path, **{name: asked[name] for name in _CHOICE})


def _run(
    model: str | None,
    fields: Mapping[str, str],
    arguments: Mapping[str, str],
    asked: dict[str, Any],
    output: Output,
    view: View,
) -> Report:
    """Run a sweep and show it, also what of it was finished before a Ctrl-C."""
    from archscope.library import plan_sweep, run_sweep
    from archscope.studies.measures import chosen

    how = {name: asked.pop(name) for name in _HOW}
    how["retry"] = how["retry"] is not None
    request = with_own_words(Request(fields=_as_typed(fields)))
    request = replace(request, arguments=arguments)
    sweep = plan_sweep(model or "", request, **asked)
    require_latency(chosen(sweep.question.measures))
    _require_columns(output, STUDIES.get("sweep").declared(sweep.layout.kept))
    if how["workers"] is None and how["executor"] is None and sweep.space.taken >= _MANY:
        how["executor"] = "processes"
    try:
        report = run_sweep(sweep, **how, watch=_tell)
    except InterruptedRunError as cut:
        output.show(cut.report, view)
        raise
    output.show(report, view)
    return report


def _require_columns(output: Output, sections: Sequence[Section]) -> None:
    """Raise `UsageError` before any work for a column that no row has.

    Of a measure that is not asked for, it says what asks for it.
    """
    from archscope.studies.measures import measures

    try:
        output.require_columns(sections)
    except UsageError as error:
        there = {each.name for section in sections for each in columns(section.row_type)}
        named = (same_word(word, measures()) for word in output.columns)
        absent = next((each for each in named if each and each not in there), None)
        if absent is None:
            raise
        raise UsageError(
            f"--columns: {absent} is not measured here; ask for it, e.g. --measure params,{absent}"
        ) from error


def _as_typed(fields: Mapping[str, str]) -> dict[str, str]:
    """Return fields in the order in which their flags were typed: the last axis changes first."""
    typed = click.get_current_context().meta[_TYPED]
    place = {name: typed.index(flag_of(name)) for name in fields if flag_of(name) in typed}
    return dict(sorted(fields.items(), key=lambda field: place.get(field[0], -1)))


def _check_parquet(path: str) -> None:
    """Raise `UsageError` before any work where no Parquet can be written."""
    from importlib.util import find_spec

    check_output(path)
    if find_spec("pyarrow") is None:
        raise UsageError("Parquet is written by the package pyarrow: pip install pyarrow")


def _write_parquet(report: Report, path: str, *, quiet: bool) -> None:
    from archscope.frames import to_parquet

    size = write_whole(Path(path), to_parquet(report, "sweep.variants"))
    if not quiet:
        say(f"wrote {path}, {size:,} bytes")


_CHOICE = ("where", "pareto", "sort", "group", "plot")
"""Options that say which variants are shown, and how."""
_HOW = ("store", "retry", "workers", "memory_limit", "executor")
"""Options that say how variants are asked."""
_MANY = 500
"""Variants from which on it pays to start other processes, which import torch first."""


def _say_failures(report: Report, *, strict: bool, quiet: bool) -> None:
    rows = report.section("sweep.variants").rows
    failed = sum(row.status == "failed" for row in rows)
    if not failed:
        return
    said = f"{failed:,} variant{'s' * (failed != 1)} of {len(rows):,} failed"
    if strict:
        raise ThresholdError(f"--strict: {said}")
    if failed == len(rows):
        raise ArchscopeError(said)
    if not quiet:
        say(said)


def _tell(progress: Progress) -> None:
    """Say how far it is, and how much is left."""
    failed = f", {progress.failed:,} failed" if progress.failed else ""
    what = f"{progress.done:,} of {progress.total:,} variants{failed}"
    doing(what, done=progress.done / max(progress.total, 1), left_s=progress.left_s)


COMMAND = Command(
    name="sweep",
    summary="Many variants of one network, measured and ranked.",
    order=55,
    click=command,
)
