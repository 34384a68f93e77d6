"""Tensors in the order of their network; files often list them alphabetically."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archscope.stored.tensors import Held


def in_order(held: Iterable[Held]) -> tuple[Held, ...]:
    """Return tensors with numbered modules in the order of their numbers, else as they came.

    `a.2.w` comes before `a.10.w`, and all of `a` where its first tensor comes.
    """
    places: dict[str, int] = {}
    every = [(tuple(_places(each.entry.name, places)), each) for each in held]
    return tuple(each for _, each in sorted(every, key=lambda pair: pair[0]))


def _places(name: str, places: dict[str, int]) -> Iterator[tuple[bool, int]]:
    """Yield where each part of a name stands among its siblings, numbers before words."""
    path = ""
    for part in name.split("."):
        path = f"{path}.{part}"
        if part.isascii() and part.isdigit() and len(part) < 10:
            yield False, int(part)
        else:
            yield True, places.setdefault(path, len(places))


def parents(path: str) -> Iterator[str]:
    """Yield the paths of all modules above one, the highest first.

    >>> list(parents("a.b.c"))
    ['', 'a', 'a.b']
    """
    if not path:
        return
    yield ""
    at = path.find(".")
    while at != -1:
        yield path[:at]
        at = path.find(".", at + 1)
