"""`archscope lock`."""

from __future__ import annotations

from pathlib import Path

import click

from archscope.cli._budgets import File, budget_file, read_file
from archscope.cli._command import Command
from archscope.cli._output import check_output, write_stdout
from archscope.cli._say import say
from archscope.errors import ThresholdError
from archscope.files import write_whole

_EPILOG = """\
\b
Examples:
  archscope lock
  archscope lock --check
  archscope lock -c ./ci/archscope.toml -o ./ci/archscope.lock
  archscope lock -o - | diff archscope.lock -

Commit the file: `grow` limits of `archscope check` refer to its numbers, and a change of a network
shows up in review, one number per line.
"""


@click.command(epilog=_EPILOG)
@budget_file
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),
    help="Write to FILE; - is stdout. [default: archscope.lock beside the budgets]",
)
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    help="Write nothing; exit with 3 if the file would change.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print no notes to stderr.")
def command(*, config: str | None, output: str | None, only_check: bool, quiet: bool) -> None:
    """Write the numbers of all networks that have a budget to a file.

    Parameters, MACs, bytes and everything that the budgets limit, as exact integers in sorted
    order; no host, time or version, so that the same networks give the same file everywhere.
    Timings are left out.
    """
    from archscope.studies.check.lock import NAME

    if only_check and output == "-":
        raise click.UsageError("--check compares with a file, and -o - is not one")
    if not only_check:
        check_output(output)
    file = read_file(config)
    path = Path(output) if output else file.beside(NAME)
    if only_check:
        _require_fresh(file, path, quiet=quiet)
    else:
        _write(file, path, quiet=quiet)


def _require_fresh(file: File, path: Path, *, quiet: bool) -> None:
    from archscope.library import lock_budgets
    from archscope.studies.check.lock import differences, read_lock

    old = read_lock(path)
    if old is None:
        raise ThresholdError(f"there is no {path}; archscope lock writes it")
    with file.folder():
        new = lock_budgets(file.budgets, file.source)
    changed = tuple(differences(old, new))
    if changed:
        advice = f"{path} is stale; archscope lock writes it anew"
        raise ThresholdError("\n".join([*changed, advice]))
    if not quiet:
        say(f"{path} is what archscope lock would write")


def _write(file: File, path: Path, *, quiet: bool) -> None:
    from archscope.library import lock_budgets
    from archscope.studies.check.lock import written

    with file.folder():
        new = lock_budgets(file.budgets, file.source)
    if str(path) == "-":
        write_stdout(written(new))
        return
    write_whole(path, written(new))
    if not quiet:
        say(f"wrote {path}, {len(new):,} network{'s' * (len(new) != 1)}")


COMMAND = Command(
    name="lock",
    summary="The numbers of all networks with a budget, as a file to commit.",
    order=52,
    click=command,
)
