"""The file of budgets that `check` and `lock` read, and the folder in which its networks are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archscope.cli._config import BUDGETS, Config, config_of, read_config
from archscope.cli._group import flags_of, summaries
from archscope.errors import UsageError
from archscope.records import frozen

if TYPE_CHECKING:
    from archscope.studies.check.budgets import Budget
    from archscope.studies.check.source import Source

_EXAMPLE = 'write e.g.: [[budget]] model = "resnet50" max.params = "26M", each on a line'


@frozen
class File:
    """A file of budgets, read."""

    path: Path
    """Where it is, as the user would write it."""
    source: Source
    """Says on which line something stands."""
    budgets: tuple[Budget, ...]
    """Its budgets, in their order."""

    def beside(self, name: str) -> Path:
        """Return the path of a file in the same folder."""
        return self.path.with_name(name)

    @contextmanager
    def folder(self) -> Iterator[None]:
        """Work in the folder of the file: from there it names the user's own networks."""
        from contextlib import chdir

        with chdir(self.path.resolve().parent):
            yield


def budget_file(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `-c FILE`, whose defaults of options are taken as those of the nearest are."""
    return click.option(
        "-c",
        "--config",
        metavar="FILE",
        type=click.Path(),
        is_eager=True,
        callback=_take_defaults,
        help="File with the budgets. [default: archscope.toml or pyproject.toml, here or in a "
        "parent folder]",
    )(command)


def _take_defaults(ctx: click.Context, option: click.Parameter, path: str | None) -> str | None:
    if path is not None and not ctx.resilient_parsing:
        config = read_config(path)
        if config is not None:
            flags = flags_of(ctx.command, ctx.parent or ctx)
            ctx.default_map = config.options(ctx.info_name or "", flags)
    return path


def read_file(path: str | None) -> File:
    """Return the budgets of a file, or of the nearest one; raises `UsageError` for none."""
    config = read_config(path) if path is not None else config_of(click.get_current_context())
    if config is not None:
        config.check(list(summaries()))
    if config is None:
        raise UsageError(
            "there is no archscope.toml, or tool.archscope in a pyproject.toml, here or above; "
            + _EXAMPLE
        )
    return _file(config)


def _file(config: Config) -> File:
    from archscope.studies.check.reading import read_budgets
    from archscope.studies.check.source import Source

    source = Source(name=str(config.path), text=config.text)
    budgets = read_budgets(config.tables.get(BUDGETS, []), source)
    if not budgets:
        raise UsageError(f"{config.path} has no [[budget]]; {_EXAMPLE}")
    return File(path=config.path, source=source, budgets=budgets)
