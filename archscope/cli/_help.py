"""Help of a command: examples first, and no more than a page of it; `--help-all` is all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from typing import Any

import click

from archscope.cli._help_page import Entry, Group, Page, choosing, fitted, paragraph
from archscope.cli._progress import shown

SHARED = ("format_name", "output", "columns", "wide", "color", "quiet")
"""Options that every command has, by name: how its result is written."""
_ALL = "archscope.cli.help.all"


class ExplainedCommand(click.Command):
    """A command whose help is a page of groups, with `--help-all` where that is not all."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), _HELP_ALL]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        page = self._page(ctx, formatter)
        if not ctx.meta.get(_ALL):
            page = fitted(page, formatter.width)
        formatter.write("\n".join(page.lines(formatter.width)) + "\n")

    def invoke(self, ctx: click.Context) -> Any:
        self._refuse_empty(ctx)
        with shown(quiet=bool(ctx.params.get("quiet"))):
            return super().invoke(ctx)

    def _refuse_empty(self, ctx: click.Context) -> None:
        """Raise `UsageError` where an option is given nothing, as by an unset variable."""
        for param in self.params:
            if not isinstance(param, click.Option) or param.flag_value == "":
                continue  # an option that may stand without a value, as --teacher
            if ctx.params.get(param.name or "") == "":
                flag, what = max(param.opts, key=len), param.metavar or "a value"
                raise click.UsageError(f"{flag} is empty; leave it out or give {what}", ctx)

    def help_groups(self, ctx: click.Context, *, everything: bool) -> Iterator[Group]:
        """Yield the options of its help, `everything`: those that a page only counts too."""
        found = tuple(click.Command.get_params(self, ctx))
        if not everything:  # whoever reads it knows of it
            found = tuple(param for param in found if param is not self.get_help_option(ctx))
        shared = [param for param in found if param.name in SHARED]
        own = [param for param in found if param.name not in SHARED]
        yield Group(heading="Options", label="options", entries=tuple(entries(own, ctx)))
        yield Group(heading="Output", label="output", entries=tuple(entries(shared, ctx)))

    def _page(self, ctx: click.Context, formatter: click.HelpFormatter) -> Page:
        examples, notes = read_epilog(self.epilog or "")
        return Page(
            head=tuple(_head(self, ctx, formatter.width)),
            examples=examples,
            notes=notes,
            groups=tuple(self.help_groups(ctx, everything=bool(ctx.meta.get(_ALL)))),
            command=ctx.command_path,
        )


def explained(command: click.Command) -> click.Command:
    """Return a plain command of Click's as one whose help is a page; any other as it is."""
    if type(command) is not click.Command:
        return command
    made = ExplainedCommand.__new__(ExplainedCommand)
    vars(made).update(vars(command))
    return made


def entries(params: Sequence[click.Parameter], ctx: click.Context) -> Iterator[Entry]:
    """Yield the options that are not hidden, as a help shows them."""
    for param in params:
        record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
        if record is None:
            continue
        usage, text = record
        if isinstance(param.type, click.Choice):
            choices = [str(each) for each in param.type.choices]
            taken, text = choosing(choices, text)
            usage = usage.replace(f"[{'|'.join(choices)}]", taken)
        usage = usage.replace("INTEGER RANGE", "N").replace("FLOAT RANGE", "X")
        yield Entry(usage=usage, text=text, name="/".join(param.opts))


def _head(command: click.Command, ctx: click.Context, width: int) -> Iterator[str]:
    """Yield the line of usage and the text of a command."""
    from textwrap import wrap  # a help alone needs it

    pieces = " ".join(command.collect_usage_pieces(ctx))
    yield from wrap(f"Usage: {ctx.command_path} {pieces}", width, subsequent_indent=" " * 7)
    for part in cleandoc(command.help or "").split("\n\n"):
        yield ""
        yield from paragraph(part, width, "  ")


def read_epilog(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the examples of an epilog, each on one line, and its paragraphs behind them."""
    found: tuple[str, ...] = ()
    notes = []
    for part in text.strip("\n").split("\n\n"):
        first, _, rest = part.removeprefix("\b\n").partition("\n")
        if first == "Examples:":
            joined = re.sub(r"\s*\\\n\s*", " ", rest)
            found = tuple(line.strip() for line in joined.splitlines() if line.strip())
        elif part:
            notes.append(part)
    return found, tuple(notes)


def _show_all(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    ctx.meta[_ALL] = True
    click.echo(ctx.get_help(), color=ctx.color)
    ctx.exit()


_HELP_ALL: Any = click.Option(
    ["--help-all"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_all,
    help="Show every option and field in full.",
)
