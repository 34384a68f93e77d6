"""Turns one value into text: nothing else in archscope rounds."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from math import log10
from typing import Any

from archscope.columns import Kind
from archscope.labels import safe_label as safe_label

UNKNOWN = "unknown"
"""A number that could not be had."""
NOTHING = "–"
"""A cell that has nothing to say: no work, no share, no shape."""
BAR_CELLS = 8
"""Width of a full bar, in characters."""

_ROUNDED = Context(prec=4, rounding=ROUND_HALF_EVEN)
_MEASURED = Context(prec=3, rounding=ROUND_HALF_EVEN)
_EXACT = Context(prec=60)
_TIMES = ("s", "ms", "µs", "ns")
_SI = ("", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q")
_IEC = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
_BY_AXIS = ("number", "ratio", "extent", "factor", "count", "seconds")
"""Kinds of numbers of which a cell may hold one for each axis."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"

_ASCII = {
    "×": "x",
    "–": "-",
    "−": "-",
    "·": "|",
    "…": "...",
    "→": "->",
    "≥": ">=",
    "≤": "<=",
    "µ": "u",
    "├": "|",
    "└": "`",
    "│": "|",
    "─": "-",
    "█": "#",
}
_TO_ASCII = str.maketrans({**_ASCII, **dict.fromkeys(_EIGHTHS[1:-1], "")})


def ascii_only(text: str) -> str:
    """Return `text` for an output that holds only ASCII: our own signs translated, others escaped.

    >>> ascii_only("blocks.0–23 ×24")
    'blocks.0-23 x24'
    """
    if text.isascii():
        return text
    return text.translate(_TO_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def integer(value: float) -> str:
    """Return a count with all its digits: `209,494,272`."""
    return f"{value:,}"


def si(value: float) -> str:
    """Return a number in SI units with four significant digits; whole numbers below 1000 exactly.

    >>> si(252_317_270_016), si(999), si(999_950)
    ('252.3 G', '999', '1.000 M')
    """
    if isinstance(value, int) and abs(value) < 1000:
        return str(value)
    rounded = _ROUNDED.plus(Decimal(value))
    step = min(max(rounded.adjusted() // 3, 0), len(_SI) - 1)
    return f"{_four_digits(_EXACT.scaleb(rounded, -3 * step))} {_SI[step]}".rstrip()


def iec_bytes(value: int) -> str:
    """Return bytes in IEC units with four significant digits: `799.2 MiB`, `1.562 GiB`."""
    if value < 0:
        return f"-{iec_bytes(-value)}"
    if value < 1024:
        return f"{value:,} B"
    step, rounded = 0, Decimal(value)
    while rounded >= 1024 and step < len(_IEC) - 1:
        step += 1
        rounded = _ROUNDED.plus(_EXACT.divide(Decimal(value), Decimal(1024**step)))
    return f"{_four_digits(rounded)} {_IEC[step]}"


def _four_digits(value: Decimal) -> str:
    return f"{value:.{max(0, 3 - value.adjusted())}f}"


def most(part: float, whole: float) -> str:
    """Return how to speak of the largest part of a whole: `most` is more than half of it.

    >>> most(51, 100), most(50, 100)
    ('most', 'the largest share of')
    """
    return "most" if 2 * part > whole else "the largest share of"


def percent(part: float, whole: float = 1) -> str:
    """Return a share to one decimal; 0.0 and 100.0 appear only where they are exactly true.

    >>> percent(1, 10_000), percent(9_999, 10_000), percent(1, 3), percent(-1, 10_000)
    ('<0.1', '99.9', '33.3', '>-0.1')
    """
    share = Fraction(part) / Fraction(whole) * 100
    text = f"{share.numerator / share.denominator:.1f}"
    if text in ("0.0", "-0.0") and share:
        return "<0.1" if share > 0 else ">-0.1"
    if text == "100.0" and share != 100:
        return "99.9" if share < 100 else ">100.0"
    return text


def shape(sizes: Sequence[object]) -> str:
    """Return a shape: `1×1024×768`."""
    return "×".join(str(size) for size in sizes) if sizes else "scalar"


def number(value: float) -> str:
    """Return a number that is never summed: integers with all digits, others with two decimals.

    Near 0 it has two digits: 0 appears only where it is exactly true.

    >>> number(1024), number(2.8284), number(0.5), number(0.00387), number(0.0)
    ('1,024', '2.83', '0.5', '0.0039', '0')
    """
    if value and abs(value) < 0.005:
        return f"{value:.2g}"
    return integer(value) if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def power(value: int) -> str:
    """Return a count, as a power of ten where it has many digits.

    >>> power(102_334), power(3**200)
    ('102,334', '2.656×10^95')
    """
    if value < 10**9:
        return integer(value)
    exponent = int(log10(value))
    return f"{10 ** (log10(value) - exponent):.3f}×10^{exponent}"


def figure(value: float, *, exact: bool = False) -> str:
    """Return any number in six digits, or `exact`ly: what is printed elsewhere may be of any size.

    >>> figure(524288), figure(3.14e23), figure(0.4137), figure(78351.92888), figure(2.4e-16)
    ('524,288', '3.14e+23', '0.4137', '78,351.9', '2.4e-16')
    """
    if exact:
        return integer(value) if isinstance(value, int) else repr(value)
    if isinstance(value, int) and abs(value) < 10**12:
        return integer(value)
    plain = f"{value:.6g}"
    return plain if "e" in plain else f"{float(plain):,.10g}"


def factor(value: float) -> str:
    """Return how many times as much; 0 and 1 appear only where they are exactly true.

    >>> factor(1.6835), factor(1), factor(0.9967), factor(1.00001), factor(0.0001), factor(1800.5)
    ('1.68×', '1×', '0.9967×', '>1.00×', '<0.01×', '1,800×')
    """
    if value == 1 or not value:
        return f"{value:.0f}×"
    if round(value, 4) == 1:
        return f"{'>' if value > 1 else '<'}1.00×"
    if value < 0.005:
        return "<0.01×"
    digits = 4 if round(value, 2) == 1 else 2 if value < 100 else 1 if value < 1000 else 0
    return f"{value:,.{digits}f}×"


def seconds(value: float) -> str:
    """Return a time with three significant digits: nobody measures more.

    >>> seconds(0.00971), seconds(12.345), seconds(0.00099996), seconds(0)
    ('9.71 ms', '12.3 s', '1.00 ms', '0 s')
    """
    rounded = _MEASURED.plus(Decimal(value))
    step = min(max(-(rounded.adjusted() // 3), 0), len(_TIMES) - 1) if rounded else 0
    return f"{_three_digits(rounded, step)} {_TIMES[step]}"


def _three_digits(value: Decimal, step: int) -> str:
    shown = _EXACT.scaleb(_MEASURED.plus(value), 3 * step)
    return f"{shown:,.{max(0, 2 - shown.adjusted())}f}" if shown else "0"


def span(low: float, high: float) -> str:
    """Return two times in the unit of the longer one.

    >>> span(0.00966, 0.00994), span(0.0000095, 0.00123)
    ('9.66 … 9.94 ms', '0.00950 … 1.23 ms')
    """
    longer = seconds(high)
    step = _TIMES.index(longer.rpartition(" ")[2])
    return f"{_three_digits(Decimal(low), step)} … {longer}"


def unit(largest: float) -> tuple[float, str]:
    """Return the SI prefix that suits a column with this largest value, and its factor.

    >>> unit(4.157e14), unit(12.0)
    ((1000000000000.0, 'T'), (1.0, ''))
    """
    step = min(max(Decimal(largest).adjusted() // 3, 0), len(_SI) - 1) if largest else 0
    step = min(step, _SI.index("T"))
    return 1000.0**step, _SI[step]


def in_unit(value: float, factor: float) -> str:
    """Return a value in a unit that stands in the heading, with four significant digits."""
    return _four_digits(_ROUNDED.plus(Decimal(value / factor)))


def times(copies: int) -> str:
    """Return a multiplicity: `×24`, nothing for a single one."""
    return f"×{copies:,}" if copies != 1 else ""


def bar(part: float, whole: float, *, blocks: bool = True) -> str:
    """Return a bar of at most `BAR_CELLS` characters, in eighths of one or in whole `#`."""
    share = min(max(Fraction(part) / Fraction(whole), Fraction(0)), Fraction(1))
    if not blocks:
        return "#" * round(share * BAR_CELLS)
    full, eighths = divmod(int(share * BAR_CELLS * 8), 8)
    return _EIGHTHS[8] * full + (_EIGHTHS[eighths] if eighths else "")


def work(value: float, *, exact: bool) -> str:
    """Return an amount of work, in SI units unless every digit is asked for."""
    return integer(value) if exact else si(value)


def size(value: int, *, exact: bool) -> str:
    """Return an amount of memory, in IEC units unless every digit is asked for."""
    return f"{value:,} B" if exact else iec_bytes(value)


def cell(value: Any, kind: Kind, *, exact: bool = False, signed: bool = False) -> str:
    """Return one value of a row as the text of a table's cell, safe to print."""
    if isinstance(value, tuple) and kind in _BY_AXIS:
        shown = [cell(one, kind, exact=exact, signed=signed) for one in value]
        return each(shown, alone=kind != "extent")
    if signed and value:
        plain = cell(value, kind, exact=exact)
        return plain if value < 0 or plain.startswith("<") else f"+{plain}"
    match kind:
        case "text" | "path" | "reference":
            return NOTHING if value is None else safe_label(_words(value))
        case "shape":
            return NOTHING if value is None else safe_label(shape(value))
        case _ if value is None:
            return UNKNOWN
        case "count":
            return number(value)  # days are counted in parts, too
        case "work":
            return work(value, exact=exact) if value else NOTHING
        case "bytes":
            return size(value, exact=exact)
        case "ratio":
            return f"{percent(value)}%"
        case "times":
            return times(value)
        case "factor":
            return factor(value)
        case "seconds":
            return seconds(value)
        case "rate" | "throughput":
            return si(value)
        case "power":
            return power(value)
        case "figure":
            return figure(value, exact=exact)
        case "number" | "extent":
            return number(value)


def each(texts: Sequence[str], *, alone: bool) -> str:
    """Return a number for each axis as text; `alone`: one stands for all where they are alike.

    >>> each(("15", "15"), alone=False), each(("2", "2"), alone=True), each(("2", "1"), alone=True)
    ('15×15', '2', '2×1')
    """
    shown = texts[:1] if alone and len(set(texts)) == 1 else texts
    return "×".join(shown) or NOTHING


def _words(value: object) -> object:
    return ("no", "yes")[value] if isinstance(value, bool) else value
