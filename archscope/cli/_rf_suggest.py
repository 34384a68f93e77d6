"""`archscope rf suggest`."""

from __future__ import annotations

from typing import Any

import click

from archscope import specs
from archscope.analyses.rf.suggest.answer import SuggestSpec
from archscope.cli._fields import option_of, text_of
from archscope.cli._help import ExplainedCommand
from archscope.cli._output import Output, output_options
from archscope.library import suggest
from archscope.loaders import is_sentence

_EPILOG = """\
\b
Examples:
  archscope rf suggest --target 255
  archscope rf suggest --target 63 --kernel-size 3 --layers 5
  archscope rf suggest --target 511 --max-dilation 24
  archscope rf suggest --target 301 --prefix 1,2 --stride 8
  archscope rf suggest --target 255 --prefix "conv k7 s2; pool 3 s2"
  archscope rf suggest --target 250ms --sample-rate 16kHz --kernel-size 7,3 --strides 2,2
  archscope rf suggest --target 1s --sample-rate 100Hz --convs-per-block 2
"""


def _with_fields(command: click.Command) -> click.Command:
    """Give the command a flag for each field of the new layers."""
    command.params[2:2] = [option_of(field) for field in specs.fields(SuggestSpec)]
    return command


@_with_fields
@click.command(cls=ExplainedCommand, epilog=_EPILOG)
@click.option(
    "--target",
    metavar="SIZE",
    required=True,
    help="Receptive field wanted along an axis, in positions of the input or, with --sample-rate, "
    "as a duration, e.g. 255, 250ms or 1.5s.",
)
@click.option("--sample-rate", metavar="RATE", help="Positions per second, e.g. 16kHz or 44100.")
@output_options
def command(*, target: str, sample_rate: str | None, output: Output, **fields: Any) -> None:
    """Find dilations that see at least this many positions along an axis and miss none of them.

    Three choices: the fewest layers; one more layer, for the smoothest weighting; and a pyramid, in
    which no feature map within is gridded either. Strides and the prefix stay as they are.
    """
    texts = {name: text_of(value) for name, value in fields.items() if value is not None}
    said = {"prefix": texts.pop("prefix")} if is_sentence(texts.get("prefix", "")) else {}
    given = {**specs.assembled(SuggestSpec, texts), **said}
    view = output.view(by="schedules")
    output.show(suggest(target, sample_rate=sample_rate, **given), view)
