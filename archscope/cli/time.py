"""`archscope time`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from archscope import specs
from archscope.cli._claims import assert_option
from archscope.cli._command import Command
from archscope.cli._model import ModelCommand, read_model, read_models
from archscope.cli._numbers import Count
from archscope.cli._output import Output, output_options
from archscope.cli._timing import kernels_apart, timing_options
from archscope.results import Report
from archscope.study import claims_of, require
from archscope.subject import Network, Request

_EPILOG = """\
\b
Examples:
  archscope time resnet18 --input-size 64 --dtype bf16 --pass train
  archscope time resnet18 --input-size 64 --per-layer --sort time --top 10
  archscope time resnet18 --channels-last --batch-size 1,2,4,8,16
  archscope time cnn:dilations=1/1/1 cnn:dilations=2/2/2 cnn:dilations=4/4/4
  archscope time gpt2-xl --gpu h100 --dtype bf16 --sort time --top 10
  archscope time resnet50 --gpu h100 --dtype bf16 --assert "bound <= 2ms"
  archscope time --depth 2 --d-model 64 --heads 4 --seq-len 64 -f json -o small.json

Weights and inputs are random. Ctrl-C prints what has been measured so far. The JSON contains every
sample, and the settings and state of the machine.
"""
_SORTS = {"order": None, "time": "time_s", "macs": "macs", "ratio": "over_bound"}


_BATCH = click.Option(
    ["--batch-size"],
    metavar="INT[,INT]...",
    help="Batch size; a list is timed one by one until memory runs out.",
)
"""A field of families; of a network of one's own, the inputs are cut or repeated for it."""


class TimeCommand(ModelCommand):
    """`time`, whose batches may be several, of networks of one's own too.

    A kernel of attention may go by the name of a Transformer's field.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        found = super().get_params(ctx)
        has_field = any(param.name == _BATCH.name for param in found)
        return found if has_field else [*found, _BATCH]

    def words(self, ctx: click.Context, args: list[str]) -> list[str]:
        return kernels_apart(args)


@click.command(cls=TimeCommand, epilog=_EPILOG, no_args_is_help=False)
@click.option("--per-layer", is_flag=True, help="Also time every module of the forward pass.")
@timing_options
@click.option(
    "--sort",
    type=click.Choice(list(_SORTS)),
    help="With --per-layer: largest first (ratio: to the lower bound), or in model order. "
    "[default: order]",
)
@click.option("--top", type=Count(min=1), metavar="INT", help="With --per-layer: number of rows.")
@click.option(
    "--max-depth",
    type=Count(min=1),
    metavar="INT",
    help="With --per-layer: modules down to this nesting depth.",
)
@click.option("--expand", is_flag=True, help="With --per-layer: every copy of a repeated block.")
@assert_option("latency <= 10ms", "throughput >= 1k", "peak <= 2GiB", "bound <= 5ms")
@output_options
@click.argument("models", metavar="[MODEL]...", nargs=-1)
def command(
    *,
    models: tuple[str, ...],
    fields: Mapping[str, str],
    timing: dict[str, Any],
    per_layer: bool,
    sort: str | None,
    top: int | None,
    max_depth: int | None,
    expand: bool,
    batch_size: str | None = None,
    claims: tuple[str, ...],
    output: Output,
) -> None:
    """Time MODEL on this machine: a pass, its throughput and memory, and what limits it.

    Several networks are timed in turns, so that drift cancels out, and their ratio is given with
    its interval.

    MODEL is a family (`transformer` if left out), a published network, or one of your own; it is
    built in full, so it must fit. A table of CPU times says that it is one. With --gpu nothing runs
    and nothing has to fit: each module gets its roofline lower bound on that GPU.
    """
    from archscope.library import have_batches, time_network, with_context

    rows = {"top": top, "max_depth": max_depth, "expand": expand}
    claimed = claims_of("time", claims)
    fields = with_context(models, fields, timing["context"])
    text = batch_size or fields.get("batch_size")
    if text and "," not in text and have_batches(models):
        text = None  # a field like any other
    fields, batches = _with_batches(models, fields, text)
    request = Request(fields=fields)
    if batches and (len(models) > 1 or timing["gpu"]):
        raise click.UsageError("--batch-size is of one network that is timed here; leave it out.")
    if len(models) > 1:
        _refuse_rows(claims, per_layer=per_layer, sort=sort, **rows)
        _show_together(read_models(models, request), models, timing, output)
        return
    network = read_model(models[0] if models else None, request)
    if timing["gpu"] is not None:
        require(claimed, _show_bounds(network, timing, sort, output, rows))
        return
    if batches:
        _refuse_rows(claims, per_layer=per_layer, sort=sort, **rows)
        _show_batches(network, batches, timing, output)
        return
    _check_rows(per_layer, sort=sort, **rows)
    by = "layers" if per_layer else None
    view = output.view(by=by, sort=_SORTS[sort or "order"], **rows)
    report = time_network(network, per_layer=per_layer, keep_interrupted=True, **timing)
    if per_layer and all(section.name != "layers" for section in report.sections):
        view = output.view()  # interrupted before them
    output.show(report, view)
    if report.totals.interrupted:
        raise KeyboardInterrupt
    require(claimed, report)


def _refuse_rows(claims: tuple[str, ...], **flags: Any) -> None:
    given = next((name for name, value in flags.items() if value), "assert" if claims else None)
    if given is not None:
        raise click.UsageError(
            f"{specs.flag_of(given)} is for one network and one size of its batch."
        )


def _show_together(
    networks: Sequence[Network], names: Sequence[str], timing: dict[str, Any], output: Output
) -> None:
    from archscope.library import time_networks

    view = output.view(by="ratios")
    report = time_networks(networks, names, keep_interrupted=True, **timing)
    output.show(report, view)
    if report.totals.interrupted:
        raise KeyboardInterrupt


def _with_batches(
    models: Sequence[str], fields: Mapping[str, str], text: str | None
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Return fields without the sizes of a batch that a text lists, and these."""
    from archscope.library import with_batches

    if text is None:
        return dict(fields), ()
    others = {name: value for name, value in fields.items() if name != "batch_size"}
    return with_batches(models, others, _batches(text))


def _batches(text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and 0 < int(word) < 2**31 for word in words):
        raise click.BadParameter(
            f"{text!r} is not a batch size or a list of them; write e.g. 8, or 1,2,4,8",
            param_hint="'--batch-size'",
        )
    return tuple(sorted({int(word) for word in words}))


def _show_batches(
    network: Network, batches: Sequence[int], timing: dict[str, Any], output: Output
) -> None:
    from archscope.library import time_network

    asked = {name: value for name, value in timing.items() if name != "gpu"}
    view = output.view(by="batches")
    report = time_network(network, batches=batches, keep_interrupted=True, **asked)
    output.show(report, view)
    if report.totals.interrupted:
        raise KeyboardInterrupt


def _show_bounds(
    network: Network,
    timing: dict[str, Any],
    sort: str | None,
    output: Output,
    rows: dict[str, Any],
) -> Report:
    from archscope.library import bound_network

    if sort == "ratio":
        raise click.UsageError("--sort ratio needs times that were measured; leave out --gpu.")
    column = "bound_s" if sort == "time" else _SORTS[sort or "order"]
    view = output.view(sort=column, **rows)
    report = bound_network(network, **timing)
    output.show(report, view)
    return report


def _check_rows(per_layer: bool, **flags: Any) -> None:
    given = next((name for name, value in flags.items() if value), None)
    if given and not per_layer:
        flag = specs.flag_of(given)
        raise click.UsageError(f"{flag} is about modules; add --per-layer.")


COMMAND = Command(
    name="time",
    summary="Time, throughput and memory of a pass, module by module.",
    order=30,
    click=command,
)
