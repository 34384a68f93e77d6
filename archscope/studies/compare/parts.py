"""Parts of networks side by side: their components, or their layers by type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from archscope.results import Section
from archscope.studies.compare.numbers import side_by_side
from archscope.studies.compare.rows import PartRow


def part_rows(
    sections: Sequence[Section], field: str, fair: Sequence[bool], whole: Sequence[bool]
) -> Iterator[PartRow]:
    """Yield a row for each name that a `field` of the sections' rows has in any network.

    `fair` says of each network but the first whether its FLOPs can be compared, `whole` of each
    whether all its work is counted, which is said of a part where the part itself does not.
    """
    tables = [{getattr(row, field): row for row in section.rows} for section in sections]
    for name in dict.fromkeys(name for table in tables for name in table):
        rows = [table.get(name) for table in tables]
        params = [_read(row, lambda row: row.trainable + row.frozen) for row in rows]
        flops = [_read(row, lambda row: row.flops) for row in rows]
        macs = tuple(_read(row, lambda row: row.macs) for row in rows)
        complete = [
            all_is or row is None or getattr(row, "complete", False)
            for row, all_is in zip(rows, whole, strict=True)
        ]
        both = [f and complete[0] and c for f, c in zip(fair, complete[1:], strict=True)]
        params_differences, params_ratios = side_by_side(params, [True] * len(fair))
        flops_differences, flops_ratios = side_by_side(flops, both)
        yield PartRow(
            part=name,
            differs=len(set(params)) > 1 or len(set(flops)) > 1 or len(set(macs)) > 1,
            params=tuple(params),
            params_difference=params_differences,
            params_ratio=params_ratios,
            macs=macs,
            flops=tuple(flops),
            complete=tuple(complete),
            flops_difference=flops_differences,
            flops_ratio=flops_ratios,
        )


def _read(row: Any, read: Callable[[Any], int | None]) -> Any:
    """Return a number of a part; a network without it has 0 there."""
    return 0 if row is None else read(row)
