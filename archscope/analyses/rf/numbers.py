"""Numbers of the rf analysis: as rows hold them, and as words in the notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T")

EXACT_BITS = 14_000
"""Bits of an integer that is written out; Python itself refuses to write more than 4,300 digits."""


def exact(number: int | None) -> int | None:
    """Return an integer that can be written out, None in place of a longer one."""
    return number if number is not None and number.bit_length() <= EXACT_BITS else None


def plain(number: Fraction) -> int | float:
    """Return a fraction as an integer where it is one."""
    return int(number) if number.denominator == 1 else float(number)


def share(part: int, whole: int) -> str:
    """Return a percentage with one decimal; 0.0 and 100.0 only where they are exactly true.

    >>> share(120, 169), share(1, 10**6), share(999_999, 10**6)
    ('71.0%', '<0.1%', '>99.9%')
    """
    text = f"{100 * part / whole:.1f}"
    if text == "0.0" and part:
        return "<0.1%"
    if text == "100.0" and part != whole:
        return ">99.9%"
    return f"{text}%"


def extent(sizes: Sequence[int], noun: str = "position") -> str:
    """Return the size of a window as an adjective.

    >>> extent((15, 15)), extent((1024,))
    ('15×15', '1,024-position')
    """
    return f"{sizes[0]:,}-{noun}" if len(sizes) == 1 else "×".join(f"{size:,}" for size in sizes)


def a(text: str) -> str:
    """Return what begins with a number with its article.

    >>> a("8-position"), a("11×11"), a("110-position"), a("1,100-position")
    ('an 8-position', 'an 11×11', 'a 110-position', 'a 1,100-position')
    """
    first = text[:1] == "8" or re.match(r"1[18]([^\d]|$)", text)
    return f"an {text}" if first else f"a {text}"


def missing(reached: int, positions: int, window: str, noun: str = "position") -> str:
    """Return how much of a window is missed, as a verdict begins.

    >>> missing(49, 169, "13×13")
    'Gridding: 120 of 169 positions (71.0%) of the 13×13 receptive field'
    """
    missed = positions - reached
    of_all = f"{counted(positions, noun)} ({share(missed, positions)})"
    return f"Gridding: {missed:,} of {of_all} of the {window} receptive field"


def apart(networks: int, each: str = "") -> tuple[str, ...]:
    """Return the harm beyond holes, if any: neighbours that share nothing (Wang & Ji 2018)."""
    said = (
        f"Neighbouring outputs share no input: they form {networks:,} interleaved networks{each}."
    )
    return (said,) if networks > 1 else ()


def within(reads: str, seen: str) -> str:
    """Return that a map within is gridded, of which no more than said is seen."""
    return (
        f"Gridding within: in the output of {reads}, {seen}; earlier layers hide it from the input."
    )


def ordinal(number: int) -> str:
    """Return `2nd`, `3rd`, `11th`."""
    teen = number % 100 in (11, 12, 13)
    return f"{number:,}" + ("th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th"))


EACH = "along each axis"
NAMED_AXES = ("first", "second", "third")


def by_axis(found: Sequence[T]) -> Iterator[tuple[T, str]]:
    """Yield what there is along each axis with words for where: once if all are alike.

    >>> list(by_axis((3, 3))), list(by_axis((3, 5)))
    ([(3, 'along each axis')], [(3, 'along the first axis'), (5, 'along the second axis')])
    """
    if not found:
        return
    if all(one == found[0] for one in found):
        yield found[0], EACH
    else:
        yield from (
            (one, f"along the {name} axis") for one, name in zip(found, NAMED_AXES, strict=False)
        )


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, in the plural where it must be."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def along(value: T | None, axes: int) -> tuple[T, ...] | None:
    """Return a number of one axis for each of so many that are alike."""
    return None if value is None else (value,) * axes


def together(values: Iterable[T | None]) -> tuple[T, ...] | None:
    """Return a number for each axis; None where one of them is not known.

    >>> together((1, 2)), together((1, None))
    ((1, 2), None)
    """
    found = tuple(values)
    return None if None in found else found  # type: ignore[return-value]


def ratio(part: int | None, whole: int) -> float | None:
    """Return a share of a whole; None where the part is not known, or there is nothing."""
    return None if part is None or not whole else part / whole
