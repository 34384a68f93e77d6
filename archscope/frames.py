"""A section of a report as a pandas DataFrame: the only file that imports pandas."""

from __future__ import annotations

import pandas as pd  # noqa: TID253

from archscope.columns import columns
from archscope.errors import UsageError, did_you_mean
from archscope.results import Report

_INT64 = range(-(2**63), 2**63)


def to_frame(report: Report, section: str | None = None) -> pd.DataFrame:
    """Return one section (by default the first) as a DataFrame: a row per row, raw values.

    Integers are nullable `Int64`; a column with one that needs more than 64 bits holds Python's
    own, so that no digit is lost.
    """
    found = report.sections[0] if section is None and report.sections else None
    found = report.find(section) if section is not None else found
    if found is None:
        names = [each.name for each in report.sections]
        known = ", ".join(names) or "none"
        raise UsageError(
            f"no section is called {section!r}; there are {known}."
            + did_you_mean(str(section), names)
        )
    found = report.spread(found)
    fields = [column.name for column in columns(found.row_type)]
    return pd.DataFrame(
        {field: _series([getattr(row, field) for row in found.rows]) for field in fields},
        columns=fields,
    )


def _series(values: list[object]) -> pd.Series:
    known = [value for value in values if value is not None]
    integers = [value for value in known if isinstance(value, int) and not isinstance(value, bool)]
    if not known or len(integers) < len(known):
        return pd.Series(values, dtype=_dtype(known))
    fits = all(value in _INT64 for value in integers)
    return pd.Series(values, dtype="Int64" if fits else "object")


def _dtype(known: list[object]) -> str | None:
    """Return the type of a column that holds no integers; pandas finds it for plain values."""
    plain = all(isinstance(value, str | float | bool) for value in known)
    return None if known and plain else "object"


def to_parquet(report: Report, section: str | None = None) -> bytes:
    """Return one section (by default the first) as a Parquet file; it takes the package pyarrow.

    Numbers along several axes are lists there; a column of numbers and words holds texts.
    """
    frame = to_frame(report, section)
    for name in frame.columns[frame.dtypes == "object"]:
        frame[name] = pd.Series(_alike(list(frame[name])), index=frame.index, dtype="object")
    return bytes(frame.to_parquet(None, index=False))


def _alike(values: list[object]) -> list[object]:
    """Return values of one type, as a column of Parquet has them."""
    if any(isinstance(value, tuple) for value in values):
        several = [value if isinstance(value, tuple) else (value,) for value in values]
        whole = all(isinstance(one, int | None) for each in several for one in each)
        read = int if whole else float
        return [None if each == (None,) else [read(str(one)) for one in each] for each in several]
    if len({type(value) for value in values if value is not None}) > 1:
        return [None if value is None else str(value) for value in values]
    return values
