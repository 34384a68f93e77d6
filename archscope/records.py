"""The one way to declare data: frozen dataclasses with slots, given by keyword, made quickly.

A program that answers in a blink declares some 60 of them first. `dataclasses` writes a source text
for each method of each type and compiles it, which is most of what a type costs; what reads alike
for every type is a function here instead.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,)
)
def frozen(cls: type[T]) -> type[T]:
    """Return what `dataclass(frozen=True, slots=True, kw_only=True)` makes of a class.

    It is a dataclass like any other to `dataclasses`, `copy`, `pickle` and pattern matching; its
    `repr`, equality and hash are the same, but not compiled for it alone.
    """
    make = dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
    made: Any = make(cls)
    values = _values(made)

    def equal(self: Any, other: object) -> bool:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    made.__eq__ = equal
    if "__repr__" not in vars(cls):
        made.__repr__ = _repr
    made.__hash__ = lambda self: hash(values(self))
    return made  # type: ignore[no-any-return]


def _values(made: type[Any]) -> Callable[[Any], object]:
    """Return what gives the values by which two of a type are compared."""
    names = [field.name for field in dataclasses.fields(made) if field.compare]
    return attrgetter(*names) if names else lambda self: ()


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (field.name for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(f'{n}={getattr(self, n)!r}' for n in shown)})"
