"""Numbers on the command line, read as every other: `--runs 1k`, `--budget 500ms`."""

from __future__ import annotations

from math import isnan
from typing import Any

import click

from archscope import amounts

MOST = 10**9
"""More things than there ever are; a larger number, which not all that counts takes, is as many."""


class Count(click.IntRange):
    """A whole number of things in a range."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; what is none is told by Click."""
        found = amounts.whole(value) if isinstance(value, str) else None
        number: int = super().convert(value if found is None else found, param, ctx)
        return min(number, MOST)


class Seconds(click.FloatRange):
    """Seconds in a range, with or without a unit."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; what is none is told by Click."""
        found = amounts.seconds(value) if isinstance(value, str) else None
        return super().convert(value if found is None else found, param, ctx)


class Percent(click.FloatRange):
    """A share of 100, with or without its sign."""

    name = "percentage"

    def __init__(self) -> None:
        super().__init__(0, 100)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; NaN is none, though no comparison with a bound tells."""
        text: Any = value.strip().removesuffix("%") if isinstance(value, str) else value
        found: float = super().convert(text, param, ctx)
        if isnan(found):
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return found
