"""`archscope sweep`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from archscope.cli._command import Command
from archscope.cli._model import ModelCommand, with_own_words
from archscope.cli._output import Output, output_options
from archscope.errors import InterruptedRunError, UsageError
from archscope.subject import Request

if TYPE_CHECKING:
    from archscope.sweeping.running import Progress

_EPILOG = """\
\b
Examples:
  archscope sweep --depth 4:16 --channels 16:256:*2 --dilations "1/2/4;1/2/5"
  archscope sweep --depth 6,12,24 --d-model 512,768 --measure params,macs --sort macs
  archscope sweep cnn --causal --depth 4:12 --where "params < 100k and rf >= 255"
  archscope sweep cnn --depth 4:16 --channels 16:128:16 --pareto params,rf -o sweep.html
  archscope sweep transformer --depth 6,12,24 --d-model 1024,768,512 --zip depth,d_model
  archscope sweep ./net.py:Net --model-arg depth=4:16 --input-shape 1,3,224,224

An axis is a list 6,12,24, a range 4:16, one in steps 4:16:4 or by factors 16:256:*2; of a field
that is a list itself `;` stands between alternatives: "1/2/4;1/2/5".
"""
_VALUES = re.compile(r"(true|false|yes|no)([,;](true|false|yes|no))*", re.IGNORECASE)
"""What may follow the flag of a switch."""


class SweepCommand(ModelCommand):
    """A command whose flags of fields take axes, those of switches too: `--causal yes,no`."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples before the options, which are many."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_epilog(ctx, formatter)
        self.format_options(ctx, formatter)

    def words(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return what was typed with a value behind every switch: without one it is `true`."""
        flags = {each.flag for each in self._fields(ctx).values() if each.kind == "switch"}
        off = {f"--no-{flag[2:]}": flag for flag in flags}
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
    help="What is measured: params, macs, flops, weights, rf, coverage, ahead, latency, ... "
    "[default: params,macs, and rf where it costs nothing]",
)
@click.option(
    "--where",
    metavar="CONDITION",
    help='Those of which it does not hold are left out, e.g. "params < 100k and rf >= 1s".',
)
@click.option("--pareto", metavar="LIST", help="Mark what no other beats in all of these.")
@click.option("--sort", metavar="NAME", help="Best first; -NAME: worst first.")
@click.option("--top", type=click.IntRange(min=1), help="The first so many rows.")
@click.option("--group", metavar="FIELD", help="A row for each value of it.")
@click.option("--zip", "zip", metavar="LIST", help="Axes that go together, not each with each.")
@click.option("--limit", type=click.IntRange(min=1), help="The first so many variants.")
@click.option("--sample", type=click.IntRange(min=1), help="So many variants, drawn at random.")
@click.option("--seed", type=int, default=0, help="What the draw begins with. [default: 0]")
@click.option("--sample-rate", metavar="RATE", help="Positions a second: rf in seconds too.")
@click.option("--device", default="auto", help="Where latency is measured. [default: auto]")
@click.option("--dtype", default="fp32", help="What it computes in. [default: fp32]")
@click.option("--runs", type=click.IntRange(min=1), default=100, help="Samples. [default: 100]")
@output_options
def command(
    *,
    model: str | None,
    fields: Mapping[str, str],
    arguments: Mapping[str, str],
    output: Output,
    top: int | None,
    **asked: Any,
) -> None:
    """Measure every combination of some values of MODEL's fields, a row for each.

    MODEL is a family, a published network, a sentence or one of your own; without it the flags say
    which. Any field is an axis. Both engines count each variant, and one that cannot be made or
    counted is a row that says why.
    """
    from archscope.library import plan_sweep, run_sweep

    view = output.view(top=top)
    request = replace(with_own_words(Request(fields=fields)), arguments=arguments)
    sweep = plan_sweep(model or "", request, **asked)
    try:
        with _progress(quiet=output.quiet) as watch:
            report = run_sweep(sweep, watch=watch)
    except InterruptedRunError as cut:
        output.show(cut.report, view)
        raise
    output.show(report, view)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Show how much is left on stderr, where somebody looks."""
    if quiet or not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sweep", total=None, left="")

        def watch(progress: Progress) -> None:
            failed = f"{progress.failed:,} failed · " if progress.failed else ""
            left = "" if progress.left_s is None else f"{progress.left_s:.0f} s left"
            bar.update(task, completed=progress.done, total=progress.total, left=f"{failed}{left}")

        yield watch


COMMAND = Command(
    name="sweep",
    summary="Many variants of one network, measured and ranked.",
    order=55,
    click=command,
)
