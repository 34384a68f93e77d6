"""Numbers that a program held before a forward listed a tensor's: none of them is made of those.

Which these are is told by identity. Python makes a new object of each sum and product, so that an
object that was there before, or stands in the program's text, is none.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from types import CodeType, FrameType
from typing import Any

from torch import nn

_CONTAINERS = (list, tuple, set, frozenset, deque)
_MOST = 100_000
"""Numbers that are looked at in one place; of more, the rest counts as made."""


class OlderNumbers:
    """Floats that a forward's functions, its modules and their globals held at one time."""

    def __init__(self) -> None:
        self._held: dict[int, float] = {}  # held, so that no other gets the place of one

    def look(self) -> None:
        """Note what is held now by whoever is running."""
        for frame in _frames():
            used = {n: frame.f_globals[n] for n in frame.f_code.co_names if n in frame.f_globals}
            for number in _floats([*frame.f_locals.values(), *used.values()]):
                self._held[id(number)] = number

    def has_all(self, values: Any = None) -> bool:
        """Return whether all numbers of lists are such, or stand in the text of what is running."""
        numbers = _leaves(values)
        written = {id(number) for frame in _frames() for number in _constants(frame.f_code)}
        return bool(numbers) and all(
            type(each) is float and (id(each) in self._held or id(each) in written)
            for each in numbers
        )


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _constants(code: CodeType) -> Iterator[float]:
    """Yield the floats of a program's text; a list of them stands there as a tuple."""
    return _floats(code.co_consts)


def _leaves(values: Any) -> list[Any]:
    if type(values) not in _CONTAINERS:
        return [values]
    return [leaf for value in values for leaf in _leaves(value)]


def _floats(values: Any) -> Iterator[float]:
    """Yield the floats in plain containers, and among the attributes of modules."""
    waiting, seen, left = [values], set[int](), _MOST
    while waiting and left:
        value = waiting.pop()
        left -= 1
        if type(value) is float:
            yield value
        elif id(value) not in seen:
            seen.add(id(value))
            waiting.extend(islice(_parts(value), left))


def _parts(value: Any) -> Iterable[Any]:
    if type(value) in _CONTAINERS:
        return list(value)
    if isinstance(value, nn.Module):
        return list(value.__dict__.values())
    return list(value.values()) if type(value) is dict else ()
