"""The numbers of a sentence: one, one for each axis, two sides of a padding, lists of these."""

from __future__ import annotations

import re

from archscope.families.cnn.sentence import Token, refuse
from archscope.families.cnn.words import MOST, MOST_OF_STEP

WHOLE = re.compile(r"\d+")
"""A number by itself."""
_AXES = re.compile(r"\d+(?:[x:]\d+)*")
_SIDE = r"(?:\d+(?:\+\d+)?|same|valid|causal)"
_SIDES = re.compile(rf"{_SIDE}(?:[x:]{_SIDE})*")
_DIGITS = 12
"""Digits that a number may have before it is too large to be read."""


def items_of(text: str, token: Token, name: str, step: str, copies: int) -> tuple[str, ...]:
    """Return the items of a number in one spelling, each checked by itself.

    `name` is the letter that they stand behind, empty for the step's own, and `copies` how many
    times the step stands in the innermost repetition; 0: in none. Raises `UsageError`.
    """
    items = tuple(re.split(r"\s*,\s*", token.text))
    alone = name == "g" or (not name and step in ("conv", "tconv", "head"))
    form = WHOLE if alone else _SIDES if name == "p" else _AXES
    most = MOST[name] if name else MOST_OF_STEP[step]
    for item in items:
        if not form.fullmatch(item):
            wanted = "one number" if alone else "a number, or one for each axis, e.g. 3x5"
            refuse(text, token.at, f"{item!r} is not {wanted}")
        for number in WHOLE.findall(item):
            whole(text, number, token.at, most, low=0 if name in ("p", "op") else 1)
    if len(items) > max(copies, 1):
        refuse(
            text,
            token.at,
            f"a list of {len(items)} goes item by item through a repetition of as many, e.g. "
            f"{len(items)}x(conv 64 d{','.join(items)})",
        )
    return tuple(map(_spelt, items))


def whole(text: str, digits: str, at: int, most: int, low: int = 1) -> int:
    """Return a number in its range; raises `UsageError`."""
    number = int(digits) if len(digits) <= _DIGITS else most + 1
    if not low <= number <= most:
        shown = digits if len(digits) <= _DIGITS else f"{digits[:_DIGITS]}…"
        refuse(text, at, f"{shown} is not in the range {low} to {most}")
    return number


def _spelt(item: str) -> str:
    """Return an item without zeros in front, with `x` between axes, beside words and sides `:`."""
    plain = WHOLE.sub(lambda digits: str(int(digits[0])), item)
    return re.sub("[x:]", ":" if re.search("[a-wyz+]", plain) else "x", plain)
