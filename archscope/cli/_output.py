"""Where results go and in which form: the options that every command shares."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click

from archscope.cli._progress import hush
from archscope.cli._say import say
from archscope.errors import UsageError
from archscope.files import check_target, write_whole
from archscope.present import FORMATS, check_ending, format_of, require_columns, unsorted
from archscope.records import frozen
from archscope.results import Report, Section, View

_FIRST = ("table", "json", "jsonl", "csv", "md")


def format_names() -> list[str]:
    """Return the names of all formats, the most useful first."""
    known = FORMATS.names()
    return [*(n for n in _FIRST if n in known), *(n for n in known if n not in _FIRST)]


@frozen
class Output:
    """Where a result goes, and in which form."""

    format_name: str | None
    """A format; None: by the ending of the path, else a table."""
    path: str | None
    """A file; None or `-`: stdout."""
    wide: bool
    """Whether every column is shown, however narrow the terminal."""
    color: str
    """`auto`, `always` or `never`."""
    quiet: bool
    """Whether nothing is said on stderr."""
    columns: tuple[str, ...] = ()
    """The columns to show; none: those that are worth one."""

    @property
    def is_read(self) -> bool:
        """Whether a person reads it at once, with its notes."""
        return self.path in (None, "-") and self.format_name in (None, "table", "md")

    @property
    def form(self) -> str:
        """The format that is written."""
        return self.format_name or format_of(self.path or "-") or "table"

    def view(self, **shown: Any) -> View:
        """Return which part of a report is shown, for the place where it is.

        Raises `UsageError` for a column that no answer to the command's question has, and for
        columns of totals alone.
        """
        if self.columns and shown.get("total"):
            raise UsageError(
                "--columns chooses among the columns of rows, and --total shows none; leave one "
                "out (-f json has every total under its name)"
            )
        if self.columns:
            self.require_columns(_declared(), shown.get("by"))
        where = terminal(wide=self.wide, color=self.color, output=self.path)
        return View(**shown, **where, columns=self.columns)

    def require_columns(self, sections: Sequence[Section], by: str | None = None) -> None:
        """Raise `UsageError` before any work for a column that is in none of these sections."""
        shown = [each for each in sections if each.name == by] or sections
        if self.columns and shown:
            require_columns(shown, self.columns)

    def show(self, report: Report, view: View) -> None:
        """Write a report to stdout or, whole or not at all, to a file."""
        text = FORMATS.get(self.form).render(report, view)
        note = unsorted(report, view)
        if note and not self.quiet:
            say(note)
        if self.path in (None, "-"):
            write_stdout(text)
            return
        size = write_whole(Path(str(self.path)), text)
        if not self.quiet:
            say(f"wrote {self.path}, {size:,} bytes")


_OPTIONS = (
    click.option(
        "-f",
        "--format",
        "format_name",
        type=click.Choice(format_names()),
        default=None,
        help="Output format. [default: by the suffix of -o, else table]",
    ),
    click.option(
        "-o", "--output", metavar="FILE", type=click.Path(), help="Write to FILE. [default: -]"
    ),
    click.option(
        "--columns",
        metavar="LIST",
        help="Show only these columns, e.g. type,input_shape,channels_out; JSON has all.",
    ),
    click.option("--wide", is_flag=True, help="Show every column, however narrow the terminal."),
    click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        help="When to use colours. [default: auto]",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Print no notes to stderr."),
)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-f`, `-o`, `--wide`, `--color` and `-q`, which the command gets as one `Output`.

    That the result can be written is checked before any work.
    """

    def callback(
        *,
        format_name: str | None,
        output: str | None,
        columns: str | None,
        wide: bool,
        color: str,
        quiet: bool,
        **options: Any,
    ) -> Any:
        check_output(output)
        if output and format_name is None:
            check_ending(output)
        place = Output(
            format_name=format_name,
            path=output,
            wide=wide,
            color=color,
            quiet=quiet,
            columns=tuple(word.strip() for word in (columns or "").split(",") if word.strip()),
        )
        return command(output=place, **options)

    update_wrapper(callback, command)
    made: Callable[..., Any] = callback
    for option in reversed(_OPTIONS):
        made = option(made)
    return made


def _declared() -> tuple[Section, ...]:
    """Return the sections that the command being run may show, as far as its name tells them."""
    from archscope.analyses import ANALYSES
    from archscope.studies import STUDIES

    for name in click.get_current_context().command_path.split()[1:]:
        if name in ANALYSES:
            return ANALYSES.get(name).declared()
        if name in STUDIES:
            return STUDIES.get(name).declared()
    return ()


def check_output(path: str | None) -> None:
    """Raise `UsageError` before any work where the result could not be written to `path`."""
    if path in (None, "-"):
        return
    check_target(Path(str(path)))


def write_stdout(text: str) -> None:
    """Write a result to stdout, all of it."""
    hush()
    click.echo(text, nl=False, color=True)  # Click takes colours out of a pipe, asked for or not
    sys.stdout.flush()


def terminal(*, wide: bool, color: str, output: str | None) -> dict[str, Any]:
    """Return what a `View` must know of where it is shown: width, colour, encoding."""
    to_file = output not in (None, "-")
    is_terminal = not to_file and sys.stdout.isatty()
    columns = os.environ.get("COLUMNS", "")
    if wide or to_file:
        width = None
    elif is_terminal or columns.isdigit():
        import shutil

        width = shutil.get_terminal_size().columns
    else:
        width = None
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    return {
        "width": width,
        "color": not to_file and _color(color, is_terminal),
        "ascii": not to_file and not encoding.startswith("utf"),
    }


def _color(choice: str, is_terminal: bool) -> bool:
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb"
