"""`archscope rf`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from archscope import specs
from archscope.cli._claims import assert_option
from archscope.cli._command import Command
from archscope.cli._model import ModelCommand, read_model
from archscope.cli._numbers import Count, Percent
from archscope.cli._output import Output, output_options
from archscope.errors import UsageError
from archscope.library import bare_network, require_coverage, see_network, why_unbuffered
from archscope.loaders.stack import StackSpec, read_branches, sketch
from archscope.results import Report
from archscope.study import analyse, claims_of, require
from archscope.subject import Request, Sketch

if TYPE_CHECKING:
    from archscope.assertions import Claim
from archscope.theory.rates import read_rate

_EPILOG = """\
\b
Examples:
  archscope rf --dilations 2,2,2 --strict
  archscope rf --dilations 1,2,4,8 --kernel-size 2 --causal --sample-rate 16kHz
  archscope rf --dilations 1,2,4,8 --convs-per-block 2 --residual --kernel-size 3x5
  archscope rf --branches "6;12;18" --by map
  archscope rf "conv k7 s2; pool 3 s2; 4x(conv d1,2,4,8 res); up 2"
  archscope rf transformer --attention window --window 4096 --depth 32
  archscope rf resnet50 --graph --by axis
  archscope rf ./net.py:UNet --input-shape 1,3,64,64 --of bottom --verify
  archscope rf ./net.py:Tcn --input-shape 1,1,16000 --assert causal --assert "rf >= 255"
  archscope rf suggest --target 255 --kernel-size 3

`archscope rf suggest --help` explains how to find dilations for a receptive field.
"""
_SECTIONS = {
    "layer": "layers",
    "map": "maps",
    "position": "positions",
    "branch": "branches",
    "unit": "unit",
    "erf": "erf",
    "axis": "axes",
    "buffer": "buffers",
    "module": "layers",
    "within": "maps",
}
_NEEDED = {"erf": "; add --erf IMAGES, e.g. --erf 20", "branch": "; --branches describes them"}
"""How rows are asked for that are told only then."""
_OF_OPERATORS = ("module", "within", "unit")
"""Those that ask for the operators that run: `module` and `within` are layers and maps by them."""
_STACK = "stack"


class RfCommand(ModelCommand):
    """`rf`, which hands `rf suggest` over to a command of its own."""

    groups = ((_STACK, StackSpec),)
    also = ("suggest",)
    lists_families = False

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
@click.option(
    "--branches", metavar="LISTS", help='Parallel branches, by their dilations, e.g. "6;12;18".'
)
@click.option(
    "--by",
    type=click.Choice(list(_SECTIONS)),
    help="What each row is; axis: look-ahead, tiles, valid input sizes; buffer: the state that a "
    "causal network keeps; module, within: layer and map from the operators that run. [default: "
    "layer, or branch where there are any]",
)
@click.option(
    "--sort", metavar="COLUMN", help="Sort by this, largest first, e.g. rf. [default: as they run]"
)
@click.option("--top", type=Count(min=1), help="Show only the first rows, this many.")
@click.option(
    "--max-depth",
    type=Count(min=1),
    help="Show the modules that run, down to this nesting depth.",
)
@click.option("--expand", is_flag=True, help="Show every module and every copy of a block.")
@click.option("--strict", is_flag=True, help="Exit with 3 if any position is missed.")
@click.option(
    "--min-coverage",
    type=Percent(),
    metavar="PCT",
    help="Exit with 3 if less than this share of the receptive field is reached.",
)
@click.option(
    "--verify",
    is_flag=True,
    help="Check the answer by running the network with random weights. Imports torch.",
)
@click.option(
    "--graph",
    is_flag=True,
    help="Answer from the operators that run, checked against the closed form. Imports torch.",
)
@click.option(
    "--of",
    metavar="MODULE",
    help="Trace back from the output of this module. [default: the network's]",
)
@click.option(
    "--unit",
    metavar="LIST",
    help="Trace back from this unit of it, e.g. 3,4. [default: the middle]",
)
@click.option(
    "--wrt",
    metavar="INPUT",
    help="Trace back to this input, by name or place, e.g. tgt or 1. [default: the first that is "
    "no mask and no tokens]",
)
@click.option(
    "--axes",
    metavar="LIST",
    help="Spatial or time axes of the input, e.g. 2,3. [default: inferred]",
)
@click.option(
    "--erf",
    type=Count(min=1),
    metavar="IMAGES",
    help="Measure the effective receptive field by gradients over this many random inputs.",
)
@click.option(
    "--sample-rate",
    metavar="RATE",
    help="Positions per second, e.g. 16kHz or 25fps: also gives delays in milliseconds.",
)
@assert_option("causal", "rf >= 1s", "ahead <= 40ms", "coverage == 100%")
@click.option("--total", is_flag=True, help="Show only the totals.")
@output_options
def command(
    *,
    model: str | None,
    branches: str | None,
    by: str | None,
    sort: str | None,
    top: int | None,
    max_depth: int | None,
    expand: bool,
    strict: bool,
    min_coverage: float | None,
    verify: bool,
    graph: bool,
    of: str | None,
    unit: str | None,
    wrt: str | None,
    axes: str | None,
    erf: int | None,
    sample_rate: str | None,
    claims: tuple[str, ...],
    total: bool,
    output: Output,
    fields: Mapping[str, str],
) -> None:
    """Show what one output of MODEL sees and misses, and which dilations would miss nothing.

    MODEL is a family, a published network, a stack of layers in words (`archscope list sentence`)
    or a network of your own; without it, `--dilations` and the flags beside it describe a stack of
    convolutions. Closed forms need no torch; a network of your own is traced through the operators
    that it runs.
    """
    shown = by or ("erf" if erf else None)
    view = output.view(
        by=None if shown is None else _SECTIONS[shown],
        sort=None if sort == "order" else sort,
        top=top,
        max_depth=max_depth,
        expand=expand,
        total=total,
    )
    claimed = _claims(claims, sample_rate)
    graph = graph or by in _OF_OPERATORS or max_depth is not None  # an outline has no containers
    places = {"unit": _unit(unit), "axes": _numbers("--axes", axes)}
    asked = {"graph": graph, "output": of, "studied": wrt, "erf": erf or 0, **places}
    settings = {"verify": verify, "sample_rate": sample_rate}
    report = _answer(model, fields, branches, **settings, **asked)
    if by == "buffer" and report.find("rf.buffers") is None:
        raise UsageError(f"--by buffer: no buffers are known, because {why_unbuffered(report)}")
    if by is not None:
        _require_rows(report, by)
    output.show(report, view)
    require(claimed, report)
    require_coverage(report, strict=strict, min_coverage=min_coverage)


def _require_rows(report: Report, by: str) -> None:
    """Raise `UsageError` where an answer has no rows of a kind, with those that there are."""
    if report.find(_SECTIONS[by]) is None:
        there = [word for word, name in _SECTIONS.items() if report.find(name) is not None]
        needs = _NEEDED.get(by, "")
        raise UsageError(f"--by {by}: there are none here{needs}; there are {', '.join(there)}")


def _answer(
    model: str | None, texts: Mapping[str, str], branches: str | None, **settings: Any
) -> Report:
    if model is None:
        described = "stack" if branches else bare_network(texts)
        if described == "stack":
            return analyse("rf", read_stack(texts, branches), **settings)
        return see_network(read_model(described, Request(fields=texts)), **settings)
    if branches is not None:
        raise UsageError("--branches already describes a network; leave MODEL out")
    return see_network(read_model(model, Request(fields=texts)), **settings)


def _claims(texts: tuple[str, ...], sample_rate: str | None) -> tuple[Claim, ...]:
    """Return what is claimed, checked before any work."""
    found = claims_of("rf", texts)
    in_time = next((claim for claim in found if claim.dimension == "time"), None)
    if sample_rate is not None:
        read_rate(sample_rate)
    elif in_time is not None:
        raise UsageError(f"--assert {in_time.text!r} needs --sample-rate, e.g. 16kHz")
    return found


def _unit(text: str | None) -> tuple[int, ...] | None:
    found = _numbers("--unit", text)
    if found is not None and min(found) < 0:
        raise UsageError(f"--unit {text}: units are counted from 0")
    return found


def _numbers(flag: str, text: str | None) -> tuple[int, ...] | None:
    try:
        return None if text is None else tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{flag} {text!r} is not a list of integers, e.g. 3,4") from None


def read_stack(texts: Mapping[str, str], branches: str | None) -> Sketch:
    """Return the stack of convolutions that the flags and `--branches` describe."""
    if not specs.reads(StackSpec, texts):
        from archscope.loaders.family import refuse_strangers

        refuse_strangers("a bare stack", StackSpec, texts, names_them="archscope rf --help")
    if branches is None:
        return sketch(specs.made(StackSpec, texts))
    if "dilations" in texts:
        raise UsageError("give --dilations or --branches, not both: branches are dilations too")
    return sketch(specs.made(StackSpec, texts), read_branches(branches))


COMMAND = Command(
    name="rf",
    summary="Receptive field and gridding; which dilations to choose instead.",
    order=20,
    click=command,
)
