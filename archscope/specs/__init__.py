"""Reads, checks and labels any spec: a frozen dataclass whose fields are made by `option`.

One definition of a field gives its flag, default, help, range, JSON key and sweep axis. A field is
an `int`, a `float`, a `bool`, a `str`, a `Literal` of words, one of several kinds that carry
numbers of their own, a tuple of integers or kinds, or one of these or None. The numbers of a kind
have flags too: `--attention window:255` and `--attention window --window 255` say the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from archscope.errors import UsageError, did_you_mean
from archscope.specs._declared import fields as fields
from archscope.specs._declared import option as option
from archscope.specs._field import Field as Field
from archscope.specs._field import number_type as number_type
from archscope.specs._field import of_python as of_python
from archscope.specs._kinds import with_parts
from archscope.specs._typed import flag_of as flag_of
from archscope.specs._typed import listed as listed
from archscope.specs._typed import nearest_divisors as nearest_divisors
from archscope.specs._typed import repeated as repeated
from archscope.specs._typed import shown as shown
from archscope.specs._typed import typed as typed
from archscope.specs._typed import written

T = TypeVar("T")


def check(spec: Any) -> None:
    """Check every field of `spec` by itself; a spec calls it first in its `__post_init__`."""
    for field in fields(type(spec)):
        field.check(getattr(spec, field.name))


@cache
def flags(spec_type: type) -> tuple[Field, ...]:
    """Return all that has a flag: each field, and behind it the numbers of its kinds."""
    return tuple(flag for field in fields(spec_type) for flag in (field, *_parts(field)))


def belongs(spec_type: type, name: str) -> str:
    """Return which kinds have a number, as they are typed; empty: it is a field by itself.

    >>> belongs(TransformerSpec, "window")  # doctest: +SKIP
    '--attention window|dilated-window'
    """
    field, _ = _owners(spec_type).get(name, (None, None))
    if field is None:
        return ""
    return f"{field.flag} {'|'.join(kind.word for kind in field.kinds if kind.part(name))}"


def made(spec_type: type[T], *layers: Mapping[str, Any]) -> T:
    """Build a spec from what is said of its fields, later layers over earlier ones.

    A text says what it says when it is typed; in Python one number or word stands for a list of
    it, a list for a tuple. Raises `UsageError` for a name that is no field, `SpecError` for what
    says no value.

    >>> made(TransformerSpec, {"depth": "24"}).depth  # doctest: +SKIP
    24
    """
    return spec_type(**assembled(spec_type, *layers))


def assembled(spec_type: type, *layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that layers set, with the numbers of kinds put into their kinds."""
    own = {field.name: field for field in fields(spec_type)}
    found: dict[str, Any] = {}
    for layer in layers:
        within: dict[str, dict[str, Any]] = {}
        for name, given in layer.items():
            key = _known(spec_type, name)
            if key in own:
                found[key] = own[key].after(found.get(key, own[key].default), given)
            else:
                field, part = _owners(spec_type)[key]
                if given is not None or part.optional:  # else None is the default of its kind
                    within.setdefault(field.name, {})[key] = part.after(None, given)
        for name, parts in within.items():
            field = own[name]
            old = found.get(name, field.default)
            found[name] = with_parts(name, field.kinds, old, parts)
    return found


def reads(spec_type: type, names: Iterable[str]) -> bool:
    """Return whether all these are fields, or numbers of kinds that are there or asked for.

    >>> reads(TransformerSpec, ["dilations"])  # of a mixer that is not the usual one
    False
    >>> reads(TransformerSpec, ["mixer", "dilations"])
    True
    """
    given = {name.replace("-", "_") for name in names}
    fields_ = {field.name for field in fields(spec_type)}
    return all(name in fields_ or _is_there(spec_type, name, given) for name in given)


def _is_there(spec_type: type, name: str, given: Collection[str]) -> bool:
    if name not in _owners(spec_type):
        return False
    field, part = _owners(spec_type)[name]
    usual = field.default if isinstance(field.default, tuple) else (field.default,)
    return part.chooses or field.name in given or any(hasattr(one, name) for one in usual)


def _known(spec_type: type, name: str) -> str:
    known = [flag.name for flag in flags(spec_type)]
    key = name.replace("-", "_")
    if key not in known:
        near = did_you_mean(name, known)
        raise UsageError(f"no field is called {name!r}; there are {', '.join(known)}.{near}")
    return key


@cache
def _owners(spec_type: Any) -> Mapping[str, tuple[Field, Field]]:
    """Return each number of a kind by its name, behind the field that it belongs to."""
    return {part.name: (field, part) for field in fields(spec_type) for part in _parts(field)}


def _parts(field: Field) -> Iterator[Field]:
    """Yield the numbers of a field's kinds; what several kinds have, once."""
    found: dict[str, Any] = {}
    for kind in field.kinds:
        for part in kind.parts:
            found.setdefault(part.name, part)
    yield from found.values()


def values(spec: Any) -> dict[str, Any]:
    """Return a spec's fields as plain JSON values, in the order in which they are declared."""
    pairs = ((field.name, getattr(spec, field.name)) for field in fields(type(spec)))
    return {name: plain(value) for name, value in pairs}


def plain(value: Any) -> Any:
    """Return a field's value as a plain JSON value: a tuple as a list, a kind as it is typed."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return written(value) if hasattr(value, "word") else value
