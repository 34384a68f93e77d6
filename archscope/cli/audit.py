"""`archscope audit`."""

from __future__ import annotations

import click

from archscope.cli._command import Command
from archscope.cli._model import ModelCommand, with_model
from archscope.cli._output import Output, output_options
from archscope.subject import Network

_EPILOG = """\
\b
Examples:
  archscope audit --depth 2 --seq-len 128
  archscope audit bert-base-uncased
  archscope audit ./net.py:UNet --input-shape 1,3,64,64
  archscope audit cnn --dilations 1,2,4 --by difference -f csv

Counters that are not installed are listed with the command to install them.
"""
_SECTIONS = {"counter": "tools", "difference": "differences"}


@click.command(cls=ModelCommand, epilog=_EPILOG, no_args_is_help=False)
@click.option(
    "--by",
    type=click.Choice(list(_SECTIONS)),
    default="counter",
    help="What each row is. [default: counter]",
)
@output_options
@with_model
def command(
    *,
    network: Network,
    by: str,
    output: Output,
) -> None:
    """Count MODEL with other counters too, side by side, and explain the differences.

    fvcore as it ships, torch's FlopCounterMode, and torchinfo, thop, ptflops and calflops where
    installed. Each gets a copy; what it patches or prints does not leak.
    """
    view = output.view(by=_SECTIONS[by])
    from archscope.library import audit_network

    output.show(audit_network(network), view)


COMMAND = Command(
    name="audit",
    summary="The same network under other counters, and why they differ.",
    order=40,
    click=command,
)
