"""Several networks on one page: compared with the first, number by number."""

from __future__ import annotations

from collections.abc import Sequence

from archscope.errors import UsageError
from archscope.results import Report
from archscope.studies.compare.answer import convention_of, sections_of, sides_of, title_of

_MOST = 3
"""Networks beyond which a table of their parts has more columns than anybody reads."""
_OF_MANY = ("totals", "networks")
"""What stands there all the same; charts tell of the parts."""


def compared(reports: Sequence[Report]) -> Report | None:
    """Return what `compare` says of reports; None where they hold nothing that can be compared."""
    try:
        sides = sides_of(reports, ())
        sections = sections_of(sides)
    except UsageError:
        return None
    if len(reports) > _MOST:
        sections = tuple(each for each in sections if each.name in _OF_MANY)
    return Report(
        command="compare",
        title=title_of(sides),
        config={},
        environment=reports[0].environment,
        sections=sections,
        convention=convention_of(sides),
    )
