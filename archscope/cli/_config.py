"""Defaults of options from TOML: `[params]` in archscope.toml, or `[tool.archscope.params]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archscope.errors import UsageError


def read_config(path: str | None) -> dict[str, Any]:
    """Return defaults by command and option; without a path, from the working folder if any.

    Raises `UsageError` where the file was named and cannot be read, or is not TOML.
    """
    if path is not None:
        return _tables(Path(path))
    for name in ("archscope.toml", "pyproject.toml"):
        if Path(name).is_file():
            return _tables(Path(name))
    return {}


def _tables(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"config file '{path}' cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"config file '{path}' is not TOML: {error}") from None
    if path.name == "pyproject.toml":
        document = document.get("tool", {}).get("archscope", {})
    return {command: _options(table) for command, table in document.items()}


def _options(table: Any) -> Any:
    if not isinstance(table, dict):
        return table
    return {name.replace("-", "_"): _text(value) for name, value in table.items()}


def _text(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value
