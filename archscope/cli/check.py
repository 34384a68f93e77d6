"""`archscope check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archscope.cli import _github
from archscope.cli._budgets import File, budget_file, read_file
from archscope.cli._command import Command
from archscope.cli._output import Output, output_options
from archscope.errors import ThresholdError
from archscope.results import Report, View

if TYPE_CHECKING:
    from archscope.studies.check.rows import LimitRow

_EPILOG = """\
\b
Examples:
  archscope check
  archscope check -c ./ci/archscope.toml resnet50
  archscope check -f junit -o check.xml
  archscope check -f md

\b
archscope.toml (in pyproject.toml: [[tool.archscope.budget]]):
  [[budget]]
  model = "resnet50"        # any MODEL; optional: name = "ours"
  batch_size = 8            # any of its fields
  max.params = "26M"        # any measure: archscope list measures
  min.coverage = "100%"
  grow.macs = "+1%"         # over its number in archscope.lock
  assert = ["complete", "params < 100k or rf >= 255"]

\b
  [[budget]]
  model = "./net.py:UNet"   # relative to this file
  inputs = "1,3,64,64"      # several: a list; or "./data.py:function"
  sample_rate = "16kHz"     # for limits in seconds
  max.ahead = "40ms"

Exits with 3 if a limit is missed or a number is unknown, with 1 if a network could not be checked;
all others are checked first. A time misses a limit if all samples from the 5th to the 95th
percentile do, and is undecided if only some do. [check] in the same file sets defaults for these
options. In a GitHub Actions job the table is added to the summary and failures are annotated.
"""


@click.command(epilog=_EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@budget_file
@click.option(
    "--lock",
    "locked",
    metavar="FILE",
    type=click.Path(),
    help="File that growth is measured against. [default: archscope.lock beside the budgets]",
)
@output_options
def command(
    *, names: tuple[str, ...], config: str | None, locked: str | None, output: Output
) -> None:
    """Check networks against their budgets: limit, measured number, room left.

    Each NAME is a budget; without any, all are checked. Only the analyses that the limits need run.
    """
    view = output.view()
    file = read_file(config)
    report = _checked(file, names, locked)
    output.show(report, view)
    _github.summarise(report_text(report))
    _end(report, file.path, told=output.is_read)


def _checked(file: File, names: tuple[str, ...], locked: str | None) -> Report:
    from archscope.library import check_budgets
    from archscope.studies.check.budgets import chosen
    from archscope.studies.check.lock import NAME, read_lock

    budgets = chosen(file.budgets, names)
    path = Path(locked) if locked else file.beside(NAME)
    before = read_lock(path)
    with file.folder():
        return check_budgets(budgets, file.source, before, str(path))


def report_text(report: Report) -> str:
    """Return a check as Markdown."""
    from archscope.present import FORMATS

    return FORMATS.get("md").render(report, View())


def _end(report: Report, path: Path, *, told: bool) -> None:
    """Raise what a check ends with, in a line where all is `told` already.

    In a job each limit is marked where it stands.
    """
    from archscope.library import require_held
    from archscope.studies.check.messages import failing, sentence, summary

    try:
        require_held(report)
    except ThresholdError as error:
        if _github.in_job():
            file = _github.in_repository(path)
            rows = failing(report.section("check.limits").rows)
            _github.annotate(_annotation(row, sentence(row), file) for row in rows)
        elif not told:
            raise
        raise type(error)(summary(report.totals)) from None


def _annotation(row: LimitRow, text: str, file: str) -> str:
    return _github.annotation(text, title=row.budget, file=file, line=row.line)


COMMAND = Command(
    name="check",
    summary="Networks checked against their budgets, for CI.",
    order=51,
    click=command,
)
