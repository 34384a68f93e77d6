"""`--assert CLAIM`, alike for every command of whose answer something can be claimed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from archscope.cli._complete import measure_names


def assert_option(*examples: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--assert`, which arrives as `claims`; `examples` are claims that it understands."""
    shown = ", ".join(f'"{each}"' if " " in each else each for each in examples)
    return click.option(
        "--assert",
        "claims",
        multiple=True,
        metavar="CLAIM",
        shell_complete=measure_names,
        help=f"Exit with 3 unless this holds: {shown}; repeatable.",
    )
