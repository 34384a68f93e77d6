"""Defaults of options from TOML: `[params]` in archscope.toml, or `[tool.archscope.params]`.

The nearest file counts, from the working folder upwards. A key is a flag without its dashes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from archscope.errors import UsageError, did_you_mean
from archscope.files import read_text
from archscope.records import frozen

KEY = "archscope.cli.config"
"""Under which a command line keeps what its file says."""
BUDGETS = "budget"
"""The one table that is of no command: several read it."""
_OWN_FILE, _PROJECT = "archscope.toml", "pyproject.toml"
_OURS = re.compile(r"^\s*\[+\s*tool\s*\.\s*archscope\b|^\s*tool\s*\.\s*archscope\b", re.MULTILINE)


@frozen
class Config:
    """What a file says, not yet compared with the options that there are."""

    path: Path
    """The file."""
    text: str
    """All of it, to say on which line something stands."""
    tables: Mapping[str, Any]
    """Its tables by the command that they are for."""

    def options(self, command: str, flags: Mapping[str, click.Option]) -> dict[str, Any]:
        """Return the defaults of a command's options, by name; `flags` are they by their flags.

        Raises `UsageError` for a key that is no flag of it, and for what is no table.
        """
        found = {}
        for key, value in self._table(command).items():
            word = key.replace("_", "-")
            if word not in flags:
                near = did_you_mean(word, list(flags))
                raise self.error(key, f"[{command}] has no option {key!r}.{near}", command)
            found[flags[word].name or word] = _value(flags[word], value)
        return found

    def check(self, commands: list[str]) -> None:
        """Raise `UsageError` for what is no table of a command."""
        for name in self.tables:
            if name == BUDGETS:
                continue
            if name not in commands:
                near = did_you_mean(name, [*commands, BUDGETS])
                raise self.error(name, f"no command is called {name!r}.{near}")
            self._table(name)

    def _table(self, name: str) -> dict[str, Any]:
        table = self.tables.get(name, {})
        if isinstance(table, dict):
            return table
        raise self.error(name, f"{name} is {table!r}, not a table; write [{name}]")

    def error(self, key: str, problem: str, table: str = "") -> UsageError:
        """Return an error that names the file and the line."""
        return UsageError(f"{self.path}, line {_line(self.text, key, table)}: {problem}")


def read_config(path: str | None) -> Config | None:
    """Return what a file says, or the nearest one; None: there is none.

    Raises `UsageError` where the file cannot be read, or is not TOML.
    """
    found = Path(path) if path is not None else next(_nearest(), None)
    return None if found is None else _read(found)


def config_of(context: click.Context) -> Config | None:
    """Return what the file of a command line says; None: there is none."""
    found: Config | None = context.meta.get(KEY)
    return found


def _nearest() -> Iterator[Path]:
    try:
        here = Path.cwd()
    except OSError:  # it was removed meanwhile
        return
    for folder in (here, *here.parents):  # one that may not be looked into has none
        if os.path.isfile(folder / _OWN_FILE):
            yield _from(here, folder / _OWN_FILE)
        project = folder / _PROJECT
        if os.path.isfile(project) and _is_ours(project):
            yield _from(here, project)


def _is_ours(project: Path) -> bool:
    """Return whether a file of another tool's too has a table of ours; none where it is shut."""
    try:
        return _OURS.search(read_text(project)) is not None
    except (OSError, UnicodeDecodeError):
        return False


def _from(here: Path, path: Path) -> Path:
    return path.relative_to(here) if path.parent == here else path


def _read(path: Path) -> Config:
    import tomllib

    try:
        text = read_text(path)
        document = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"config file '{path}' cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"config file '{path}' is not TOML: {error}") from None
    for part in ("tool", "archscope") if path.name == _PROJECT else ():
        document = document.get(part, {})
        if not isinstance(document, dict):
            raise UsageError(f"config file '{path}': {part} is {document!r}, not a table")
    return Config(path=path, text=text, tables=document)


def _line(text: str, key: str, table: str) -> int:
    """Return the line on which a key stands, behind the heading of its table."""
    after = not table
    for number, line in enumerate(text.splitlines(), start=1):
        heading = re.match(r"\s*\[+\s*(?:tool\s*\.\s*archscope\s*\.\s*)?(.*?)\s*\]", line)
        if heading:
            after = not table or heading[1].strip("\"'") == table
        named = heading[1] if heading and not table else line.partition("=")[0]
        if after and key in re.split(r"[\s.\"']+", named):
            return number
    return 1


def _value(option: click.Option, value: Any) -> Any:
    """Return a value as an option takes it: a list as it is typed, texts once for each time."""
    several = isinstance(value, list)
    if option.multiple and several and all(isinstance(item, str) for item in value):
        return value
    text = ",".join(map(str, value)) if several else value
    if isinstance(option.type, click.Path):  # Click asks the system for a number as it is
        text = str(text)
    return [text] if option.multiple else text
