"""`archscope report`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from archscope.cli._command import Command
from archscope.cli._model import ModelCommand, read_model
from archscope.cli._numbers import Count
from archscope.cli._output import check_output, write_stdout
from archscope.cli._say import say
from archscope.cli._timing import require_none, timing_options
from archscope.errors import ForwardError, InterruptedRunError, UsageError
from archscope.files import write_whole
from archscope.library import is_saved, report_network
from archscope.loaders import require_name
from archscope.present import FORMATS, check_ending, format_of
from archscope.results import Report, View
from archscope.saved import read
from archscope.specs import flag_of
from archscope.subject import Request

_EPILOG = """\
\b
Examples:
  archscope report --depth 24
  archscope report cnn --dilations 2,2,2 -o holes.html
  archscope report cnn:dilations=2/2/2 cnn:dilations=1/2/3 -o side-by-side.html
  archscope report ./net.py:UNet --input-shape 1,3,64,64 --erf 20 --audit
  archscope report gpt2 --train
  archscope report resnet18 --time --dtype bf16 --batch-size 8
  archscope report gpt2 --gpu h100 --dtype bf16
  archscope report --depth 24 -o gpt2-24.json
  archscope report gpt2-12.json gpt2-24.json --title "Twice as deep"
  archscope report --depth 24 -o - | gzip > report.html.gz

A page made from saved JSON is identical, byte for byte, to the one made directly.
"""
_UNASKED = {"time": "not asked for; --time", "train": "not asked for; --train"}
"""What is told by default, for it takes seconds."""


@click.command(cls=ModelCommand, epilog=_EPILOG, no_args_is_help=False)
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),
    default="report.html",
    help="Write to FILE; - is stdout, .json and .md save those formats. [default: report.html]",
)
@click.option(
    "--assets",
    type=click.Choice(["inline", "directory", "cdn"]),
    default="inline",
    help="Where plotly.js comes from: the page itself, a file beside it, or a CDN. "
    "[default: inline]",
)
@click.option("--title", metavar="TEXT", help="Title of the page.")
@click.option(
    "--rf/--no-rf", "rf", default=True, help="Include receptive field and gridding. [default: rf]"
)
@click.option(
    "--time/--no-time",
    "time",
    default=False,
    help="Also time a pass, module by module. [default: no-time]",
)
@click.option(
    "--train/--no-train",
    "train",
    default=False,
    help="Include memory and work of a training step: full, frozen backbone, LoRA, recomputation. "
    "[default: no-train]",
)
@click.option(
    "--erf",
    type=Count(min=1),
    metavar="IMAGES",
    help="Also measure the effective receptive field, by gradients over this many random inputs.",
)
@click.option(
    "--audit", is_flag=True, help="Also show what other counters say, and why they differ."
)
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
@click.option("-q", "--quiet", is_flag=True, help="Print no notes to stderr.")
@timing_options
def command(
    *,
    models: tuple[str, ...],
    output: str,
    assets: str,
    title: str | None,
    rf: bool,
    time: bool,
    train: bool,
    erf: int | None,
    audit: bool,
    open_page: bool,
    quiet: bool,
    timing: dict[str, Any],
    fields: Mapping[str, str],
) -> None:
    """Write one page with everything: numbers, findings, tables, charts, raw data.

    Each MODEL is a network, as for `params`, or a JSON file that archscope saved; several are shown
    side by side. The page works offline and contains all its data.
    """
    _check(output, assets, len(models), open_page=open_page)
    if not time and timing["gpu"] is None:
        require_none(timing, "--time")
    failure: ForwardError | InterruptedRunError | None = None
    reports = []
    for name in models:
        if not is_saved(name):
            require_name(name)
    for model in models or (None,):
        told: list[str] = []
        try:
            asked = {"rf": rf, "time": time, "train": train, "erf": erf or 0, "audit": audit}
            reports.append(_report(model, fields, told, timing=timing, **asked))
        except ForwardError as error:
            if error.report is None:
                raise
            reports.append(error.report)
            failure = error
        except InterruptedRunError as cut:
            reports.append(cut.report)
            failure = cut
        if told and not quiet:
            say("  ".join(told))
        if isinstance(failure, InterruptedRunError):
            break
    _write(reports, output, assets, title, quiet=quiet)
    if open_page and failure is None:
        click.launch(Path(output).resolve().as_uri())
    if failure is not None:
        raise failure


def _check(output: str, assets: str, models: int, *, open_page: bool) -> None:
    check_output(output)
    check_ending(output)
    if models > 1 and _format_of(output) != "html":
        raise UsageError(f"{output} holds one report; only a page shows several side by side")
    if output == "-" and (assets == "directory" or open_page):
        flag = "--open" if open_page else "--assets directory"
        raise UsageError(f"{flag} needs a file; give one with -o")
    if assets == "directory":
        check_output(str(_beside(output)))


def _report(model: str | None, fields: Mapping[str, str], told: list[str], **asked: Any) -> Report:
    """Return the report of a network, or the one that a file holds."""
    if model is not None and is_saved(model):
        if fields:
            flag = flag_of(next(iter(fields)))
            raise UsageError(f"{flag} cannot change {model}: it holds a finished result")
        return read(model)

    def tell(analysis: str, reason: str | None) -> None:
        told.append(f"{analysis} ✓" if reason is None else f"{analysis} – ({reason})")

    network = read_model(model, Request(fields=fields))
    found = report_network(network, **asked, tell=tell)
    for analysis, why in _UNASKED.items():
        if not asked[analysis] and analysis not in {word.split()[0] for word in told}:
            tell(analysis, why)
    return found


def _write(
    reports: Sequence[Report], output: str, assets: str, title: str | None, *, quiet: bool
) -> None:
    format_name = _format_of(output)
    if format_name == "html":
        text = _page(reports, assets, title)
    else:
        text = FORMATS.get(format_name).render(reports[0], View())
    if output == "-":
        write_stdout(text)
        return
    if assets == "directory" and format_name == "html":
        _write_library(_beside(output))
    written = write_whole(Path(output), text)
    if not quiet:
        size = _size(written)
        of_it = {"html": _offline(assets), "json": "read back by archscope report"}
        say(f"wrote {output} ({', '.join(filter(None, (size, of_it.get(format_name))))})")


def _format_of(output: str) -> str:
    return "html" if output == "-" else format_of(output) or "html"


def _page(reports: Sequence[Report], assets: Any, title: str | None) -> str:
    from archscope.present.html.document import Settings, render

    return render(reports, Settings(title=title, assets=assets))


def _beside(output: str) -> Path:
    from archscope.present.html.assets import BESIDE

    return Path(output).parent / BESIDE


def _write_library(target: Path) -> None:
    """Write plotly's script beside the page, unless the same is there already."""
    from archscope.present.html.assets import plotly_script

    script = plotly_script()
    if not target.is_file() or target.read_bytes() != script.encode("utf-8"):
        write_whole(target, script)


def _offline(assets: str) -> str:
    words = {
        "inline": "works offline",
        "directory": "works offline with plotly.min.js beside it",
        "cdn": "needs the network for its charts",
    }
    return words[assets]


def _size(count: int) -> str:
    """Return a size as file managers show it."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(count / 1e3, 0.1):.1f} kB"


COMMAND = Command(
    name="report",
    summary="One HTML page about a network, or several side by side.",
    order=60,
    click=command,
)
