"""The authors' published figures of a network beside the counts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from archscope.analyses.params.summary import with_lines
from archscope.columns import column
from archscope.records import frozen
from archscope.results import Amount, Report, Section, Words

if TYPE_CHECKING:
    from archscope.subject import Published

TITLES = {
    "trainable": "parameters",
    "frozen": "frozen parameters",
    "active": "active parameters",
    "non-embedding": "parameters without embeddings",
    "macs": "MACs",
    "2 x macs": "FLOPs, 2 for a MAC",
    "flops": "FLOPs as fvcore counts",
}
"""What each quantity is called."""
_EMBEDDINGS = ("embeddings", "head")
"""Components without which parameters are counted where embeddings are left out."""


@frozen
class PublishedRow:
    """One figure that the authors print, and the same figure counted."""

    quantity: str = column("Figure")
    """What it is a figure of, e.g. `parameters`."""
    text: str = column("Published")
    """As it is printed, e.g. `110M`."""
    value: int = column()
    """The figure, e.g. 110,000,000."""
    counted: int | None = column("Counted", kind="number")
    """The same here; None where it was not counted."""
    difference: int | None = column("Difference", kind="number", drop=1)
    """Counted minus published."""
    agrees: bool | None = column()
    """Whether the count, rounded or cut to the digits that are printed, is what is printed."""
    counts: str = column("Of", drop=2)
    """What the published figure counts, where that is not the network as it is counted here."""
    reason: str = column("Why they differ", drop=3)
    """The reason of a difference that rounding does not explain."""
    source: str = column("Source", drop=4)
    """Where it is printed."""


PUBLISHED = Section(
    analysis="params",
    name="published",
    row_type=PublishedRow,
    caption="Figures by its authors, and counts by archscope",
    chapter="cost",
)


def with_published(report: Report, figures: Sequence[Published]) -> Report:
    """Return `report`, a count of parameters, with a section on its authors' figures, if any."""
    if not figures:
        return report
    rows = tuple(_row(report, figure) for figure in figures)
    return with_lines(
        report, tuple(_line(row) for row in rows if row.counted is not None), PUBLISHED.filled(rows)
    )


def _line(row: PublishedRow) -> Words:
    """Return what stands under a table on one figure."""
    what = f"{row.text} {row.quantity}" + (f" ({row.counts})" if row.counts else "")
    counted = Amount(value=row.counted, kind="count")
    line: Words = (f"Published: {what}, {row.source}; counted ", counted)
    if not row.difference:
        return (*line, ", the same")
    sign = "−" if row.difference < 0 else "+"
    line += (f", {sign}", Amount(value=abs(row.difference) / row.value, kind="ratio"))
    if row.agrees:
        return (*line, ", the same to the digits printed")
    return (*line, f": {row.reason}") if row.reason else line


def counted(report: Report, quantity: str) -> int | None:
    """Return what a count of parameters says of one of the `TITLES`, None where it says nothing."""
    totals = report.totals
    found: int | None
    if quantity == "2 x macs":
        found = None if totals.macs is None else 2 * totals.macs
    elif quantity == "non-embedding":
        rows = report.section("components").rows
        found = totals.trainable - sum(r.trainable for r in rows if r.component in _EMBEDDINGS)
    else:
        found = getattr(totals, quantity)
    return found


def agrees(count: int, text: str, value: int) -> bool:
    """Return whether a count, rounded or cut to the digits of a printed figure, is that figure.

    Zeros at the end of a figure without a decimal point are taken for no digits.

    >>> agrees(335_141_888, "340M", 340_000_000), agrees(174_604_259_328, "175.0B", 175 * 10**9)
    (True, False)
    """
    digits = Decimal(text.replace(",", "").rstrip("KMBGT"))
    last = digits if "." in text else digits.normalize()
    unit = Decimal(10) ** int(last.as_tuple().exponent) * (value / digits)
    return -unit / 2 <= count - value < unit


def _row(report: Report, figure: Published) -> PublishedRow:
    count = counted(report, figure.quantity)
    return PublishedRow(
        quantity=TITLES.get(figure.quantity, figure.quantity),
        text=figure.text,
        value=figure.value,
        counted=count,
        difference=None if count is None else count - figure.value,
        agrees=None if count is None else agrees(count, figure.text, figure.value),
        counts=figure.counts,
        reason=figure.reason,
        source=figure.source,
    )
