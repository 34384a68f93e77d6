"""`archscope rf`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from archscope import specs
from archscope.analyses._stack import StackSpec, read_branches, sketch
from archscope.cli._model import ModelCommand, read_model
from archscope.cli._output import check_output, output_options, show, terminal
from archscope.errors import UsageError
from archscope.library import require_coverage
from archscope.results import View
from archscope.study import analyse
from archscope.subject import Request, Sketch, Subject

_EPILOG = """\
\b
Examples:
  archscope rf --dilations 1,2,4
  archscope rf --dilations 2,2,2 --strict
  archscope rf --dilations 1,2,4,8 --kernel-size 2 --causal
  archscope rf --branches "6;12;18" --by map
  archscope rf transformer --attention window --window 4096 --depth 32
  archscope rf cnn --depth 4 --stride 2,1,1,1 --dilations 1,2,4,4 --verify
  archscope rf suggest --target 255 --kernel-size 3

`archscope rf suggest --help` tells how dilations are found for a wanted receptive field.
"""
_SECTIONS = {"layer": "layers", "map": "maps", "position": "positions", "branch": "branches"}
_STACK = "A bare stack of convolutions (without MODEL)"


class RfCommand(ModelCommand):
    """`rf`, which hands `rf suggest` over to a command of its own."""

    groups = ((_STACK, StackSpec),)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        if args[:1] != ["suggest"]:
            return super().make_context(info_name, args, parent, **extra)
        from archscope.cli._rf_suggest import command as suggest

        extra.setdefault("auto_envvar_prefix", "ARCHSCOPE_RF_SUGGEST")
        return suggest.make_context(f"{info_name} suggest", args[1:], parent, **extra)


@click.command(cls=RfCommand, epilog=_EPILOG, no_args_is_help=True)
@click.argument("model", required=False)
@click.option("--branches", metavar="LISTS", help='Parallel paths by dilations, e.g. "6;12;18".')
@click.option(
    "--by",
    type=click.Choice(list(_SECTIONS)),
    help="One row for each of these. [default: layer, or branch where there are any]",
)
@click.option("--strict", is_flag=True, help="Exit 3 where any position is missed.")
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 100),
    metavar="PCT",
    help="Exit 3 where a smaller share of the receptive field is reached.",
)
@click.option("--verify", is_flag=True, help="Build the layers, run them, compare. Imports torch.")
@click.option("--total", is_flag=True, help="The totals alone.")
@output_options
def command(
    *,
    model: str | None,
    branches: str | None,
    by: str | None,
    strict: bool,
    min_coverage: float | None,
    verify: bool,
    total: bool,
    format_name: str | None,
    output: str | None,
    wide: bool,
    color: str,
    quiet: bool,
    fields: Mapping[str, str],
) -> None:
    """Tell what one output of MODEL sees, what it misses, and which dilations miss nothing.

    MODEL is a family with fields after a colon or as flags; without it, `--dilations` and the flags
    beside it describe a stack of convolutions. All is exact; nothing is built, torch stays out.
    """
    check_output(output)
    view = View(
        by=None if by is None else _SECTIONS[by],
        total=total,
        **terminal(wide=wide, color=color, output=output),
    )
    report = analyse("rf", read_sketch(model, fields, branches), verify=verify)
    show(report, view, format_name=format_name, output=output, quiet=quiet)
    require_coverage(report, strict=strict, min_coverage=min_coverage)


def read_sketch(
    model: str | None, texts: Mapping[str, str], branches: str | None
) -> Sketch | Subject:
    """Return what MODEL, the flags and `--branches` describe together."""
    if model is not None:
        if branches is not None:
            raise UsageError("--branches describes a network by itself; leave MODEL out")
        network = read_model(model, Request(fields=texts))
        return network.subject() if network.sketch is None else network.sketch()
    known = {field.name for field in specs.fields(StackSpec)}
    strange = next((name for name in texts if name not in known), None)
    if strange is not None:
        flag = "--" + strange.replace("_", "-")
        raise UsageError(
            f"{flag} is a field of a family; name it, e.g. archscope rf cnn {flag} ..."
        )
    if branches is None:
        return sketch(specs.read(StackSpec, texts))
    if "dilations" in texts:
        raise UsageError("give --dilations or --branches, not both: branches are dilations too")
    return sketch(specs.read(StackSpec, texts), read_branches(branches))
