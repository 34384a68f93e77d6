"""Numbers on the command line, read as every other: `--runs 1k`, `--budget 500ms`."""

from __future__ import annotations

from typing import Any

import click

from archscope import amounts


class Count(click.IntRange):
    """A whole number of things in a range."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; what is none is told by Click."""
        found = amounts.whole(value) if isinstance(value, str) else None
        return super().convert(value if found is None else found, param, ctx)


class Seconds(click.FloatRange):
    """Seconds in a range, with or without a unit."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; what is none is told by Click."""
        found = amounts.seconds(value) if isinstance(value, str) else None
        return super().convert(value if found is None else found, param, ctx)
