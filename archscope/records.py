"""The one way to declare data: frozen dataclasses with slots, given by keyword, made quickly.

A program that answers in a blink declares some 70 of them first. `dataclasses` writes a source text
for each method of each type and compiles it, which is most of what a type costs; what reads alike
for every type is a function here instead, and what does not is compiled when it is first called.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
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
    make = dataclasses.dataclass(slots=True, kw_only=True, init=False, repr=False, eq=False)
    made: Any = _with_hints_unread(make, cls)
    made.__dataclass_params__.frozen = made.__dataclass_params__.init = True
    made.__init__ = _early_init(made)
    made.__setattr__, made.__delattr__ = _refuse_to_set, _refuse_to_delete
    made.__getstate__, made.__setstate__ = _state, _set_state
    values = _values(made)

    def equal(self: Any, other: object) -> bool:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    made.__eq__ = equal
    if "__repr__" not in vars(cls):
        made.__repr__ = _repr
    made.__hash__ = lambda self: hash(values(self))
    return made  # type: ignore[no-any-return]


class _Hint:
    """A type's hint while `dataclasses` has it: it would search each text for three words."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


_READ = ("ClassVar", "InitVar", "KW_ONLY")


def _with_hints_unread(make: Callable[[type], type], cls: type) -> type:
    """Return what `make` makes of a class whose texts of types it does not look into."""
    hints = vars(cls).get("__annotations__", {})  # shared with the class that is made
    texts = {
        name: text
        for name, text in hints.items()
        if isinstance(text, str) and not any(word in text for word in _READ)
    }
    hints.update({name: _Hint(text) for name, text in texts.items()})
    made: Any = make(cls)
    hints.update(texts)
    for name, text in texts.items():
        made.__dataclass_fields__[name].type = text
    return made  # type: ignore[no-any-return]


def _values(made: type[Any]) -> Callable[[Any], object]:
    """Return what gives the values by which two of a type are compared."""
    names = [field.name for field in dataclasses.fields(made) if field.compare]
    return attrgetter(*names) if names else lambda self: ()


_WORTH = 12
"""So many of a type are made field by field before its `__init__` is compiled, which takes as long
as some 20 of them."""


@cache
def _parts(made: Any) -> tuple[set[str], set[str], dict[str, Any], dict[str, Any]]:
    """Return the names of fields, of those that must be given, and how others are made."""
    fields = dataclasses.fields(made)
    missing = dataclasses.MISSING
    names = {field.name for field in fields}
    usual = {field.name: field.default for field in fields if field.default is not missing}
    makers = {f.name: f.default_factory for f in fields if f.default_factory is not missing}
    return names, names - usual.keys() - makers.keys(), usual, makers


def _early_init(made: Any) -> Callable[..., None]:
    """Return an `__init__` that puts the compiled one in its place once that is worth its time."""
    left = _WORTH

    def early(self: Any, *args: Any, **given: Any) -> None:
        nonlocal left
        left -= 1
        names, needed, usual, makers = _parts(made)
        if left < 0 or args or not needed <= given.keys() <= names:  # what is wrong raises there
            if made.__init__ is early:
                made.__init__ = _init(made)
            made.__init__(self, *args, **given)
            return
        for name, make in makers.items():
            if name not in given:
                given[name] = make()
        for name, value in (usual | given).items():
            object.__setattr__(self, name, value)
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    return early


def _init(made: type[Any]) -> Callable[..., None]:
    """Compile the `__init__` that `dataclasses` would: keywords, defaults, `__post_init__`."""
    names: dict[str, Any] = {"_set": object.__setattr__, "_missing": dataclasses.MISSING}
    given, body = [], []
    for field in dataclasses.fields(made):
        name = value = field.name
        if field.default_factory is not dataclasses.MISSING:
            names[f"_make_{name}"] = field.default_factory
            given.append(f"{name}=_missing")
            value = f"_make_{name}() if {name} is _missing else {name}"
        elif field.default is not dataclasses.MISSING:
            names[f"_default_{name}"] = field.default
            given.append(f"{name}=_default_{name}")
        else:
            given.append(name)
        body.append(f" _set(self, {name!r}, {value})")
    if hasattr(made, "__post_init__"):
        body.append(" self.__post_init__()")
    star = ", *, " if given else ""
    source = f"def __init__(self{star}{', '.join(given)}):\n" + ("\n".join(body) or " pass")
    exec(source, names)
    made_init: Callable[..., None] = names["__init__"]
    made_init.__qualname__ = f"{made.__qualname__}.__init__"
    return made_init


def _refuse_to_set(self: Any, name: str, value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (field.name for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(f'{n}={getattr(self, n)!r}' for n in shown)})"
