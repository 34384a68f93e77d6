"""`archscope facts`."""

from __future__ import annotations

from pathlib import Path

import click

from archscope.cli._command import Command
from archscope.cli._help import ExplainedCommand
from archscope.cli._output import Output, output_options
from archscope.errors import InterruptedRunError, ThresholdError

_EPILOG = """\
\b
Examples:
  archscope facts
  archscope facts --only kv
  archscope facts "zero-*" chinchilla
  archscope facts --by subject
  archscope facts ./my-facts.toml
  archscope facts -f junit -o facts.xml

\b
my-facts.toml:
  ["days-of-my-run"]
  claim = "2.83 days on 8 cards at 42 % of their peak"
  formula = "training_cost.seconds_for"   # a function of archscope.theory
  inputs.flops.model = "gpt2"             # an input can be computed too
  inputs.flops.measure = "train_flops"
  inputs.flops.settings.tokens = "300B"
  inputs.cards = 8
  inputs.peak = 312e12
  inputs.mfu = 0.42
  value = 2.83
  unit = "days"
  tolerance = 0.01
  source = "my own log"

\b
  ["size-of-my-network"]
  claim = "a decoder of 24 blocks has 209,494,272 parameters"
  model = "transformer:depth=24"          # any MODEL
  measure = "params"                      # archscope list measures
  value = 209494272
  source = "the paper's table 1"

Exits with 3 if a fact is missed, with 1 if one could not be computed (the others still are).
"""


@click.command(cls=ExplainedCommand, epilog=_EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME|FILE.toml]...")
@click.option(
    "--only", multiple=True, metavar="SUBJECT", help="Only facts about this, e.g. kv; repeatable."
)
@click.option(
    "--by",
    type=click.Choice(["fact", "subject"]),
    default="fact",
    help="What each row is. [default: fact]",
)
@click.option("--built", is_flag=True, help="Include facts whose network has to be built.")
@click.option("--exact", is_flag=True, help="Show every digit of every number.")
@output_options
def command(
    *,
    names: tuple[str, ...],
    only: tuple[str, ...],
    by: str,
    built: bool,
    exact: bool,
    output: Output,
) -> None:
    """Recompute published figures: what is printed, what archscope says, the error, the source.

    NAME is a fact, a part of its name, or a pattern; FILE.toml holds facts of your own. Without
    any, all built-in facts are computed. Facts about networks that have to be built need torch and
    take a while: they are computed with --built, or if named in full.
    """
    view = output.view(by=f"{by}s", exact=exact)
    from archscope.library import facts, require_facts

    files = [name for name in names if _is_file(name)]
    named = [name for name in names if not _is_file(name)]
    try:
        report = facts(*named, only=only, files=files, built=built)
    except InterruptedRunError as cut:
        output.show(cut.report, view)
        raise
    output.show(report, view)
    try:
        require_facts(report)
    except ThresholdError as error:
        if not output.is_read:
            raise
        raise type(error)(_short(error)) from None


def _is_file(name: str) -> bool:
    return name.lower().endswith(".toml") or Path(name).is_file()


def _short(error: ThresholdError) -> str:
    """Return what became of all facts in a line; a table has told each."""
    return "".join(
        part for part in error.report.section("facts.facts").summary[0] if isinstance(part, str)
    )


COMMAND = Command(
    name="facts",
    summary="Published figures, each one recomputed.",
    order=55,
    click=command,
)
