"""Short names that tell several reports apart: what their titles do not share."""

from __future__ import annotations

from collections.abc import Sequence

from archscope.results import Report

SEPARATOR = " · "
LONGEST = 30
"""Characters of a short name."""


def short_names(reports: Sequence[Report]) -> tuple[str, ...]:
    """Return a name for each report, all different; one report alone needs none.

    >>> short_names([depth_12, depth_24])  # doctest: +SKIP
    ('depth 12', 'depth 24')
    """
    if len(reports) == 1:
        return ("",)
    parts = [report.title.split(SEPARATOR) for report in reports]
    shared = set(parts[0]).intersection(*map(set, parts[1:]))
    names = [
        each[0]  # a published network has a name of its own
        if report.origin.startswith("preset:")
        else SEPARATOR.join(part for part in each if part not in shared)
        for each, report in zip(parts, reports, strict=True)
    ]
    names = [
        shortened(name or report.title, LONGEST)
        for name, report in zip(names, reports, strict=True)
    ]
    if len(set(names)) == len(names):
        return tuple(names)
    return tuple(f"{number} · {name}" for number, name in enumerate(names, start=1))


def shortened(text: str, longest: int) -> str:
    """Return a text with its middle left out where it is too long."""
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[: longest - 1 - half]}…{text[-half:]}"
