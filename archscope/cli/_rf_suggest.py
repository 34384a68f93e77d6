"""`archscope rf suggest`."""

from __future__ import annotations

import click

from archscope.cli._output import Output, output_options
from archscope.library import suggest
from archscope.loaders.stack import StackSpec
from archscope.specs import fields

_EPILOG = """\
\b
Examples:
  archscope rf suggest --target 255
  archscope rf suggest --target 63 --kernel-size 3 --layers 5
  archscope rf suggest --target 511 --max-dilation 24
  archscope rf suggest --target 301 --prefix 1,2 --stride 8
"""


def _listed(ctx: click.Context, option: click.Parameter, text: str | None) -> tuple[int, ...]:
    if not text:
        return ()
    (field,) = (each for each in fields(StackSpec) if each.name == "dilations")
    found = field.parse(text)
    field.check(found)
    return tuple(found)


@click.command(epilog=_EPILOG)
@click.option(
    "--target",
    type=click.IntRange(2, 2**31),
    required=True,
    help="Wanted receptive field along an axis, in positions of the input.",
)
@click.option(
    "--kernel-size",
    type=click.IntRange(2, 2**16),
    default=3,
    show_default=True,
    help="Taps per dimension of each new layer.",
)
@click.option("--layers", type=click.IntRange(1, 500), help="How many new layers. [default: few]")
@click.option("--max-dilation", type=click.IntRange(1, 2**31), help="Largest dilation allowed.")
@click.option(
    "--prefix",
    metavar="LIST",
    callback=_listed,
    help="Dilations of layers that stay in front, e.g. 1,2.",
)
@click.option(
    "--stride",
    type=click.IntRange(1, 2**16),
    default=1,
    show_default=True,
    help="Stride of the map that all layers read.",
)
@output_options
def command(
    *,
    target: int,
    kernel_size: int,
    layers: int | None,
    max_dilation: int | None,
    prefix: tuple[int, ...],
    stride: int,
    output: Output,
) -> None:
    """Find dilations that see at least so many positions along an axis, and miss none of them.

    Three choices: the fewest layers, the smoothest with one more, and a pyramid that leaves no map
    within gridded either. Strides and the prefix stay as they are.
    """
    report = suggest(
        target,
        kernel_size=kernel_size,
        layers=layers,
        max_dilation=max_dilation,
        prefix=prefix,
        stride=stride,
    )
    output.show(report, output.view())
