"""A step of a network of which blocks that repeat were run once: what it is with all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archscope.subject import Repeat
from archscope.training.saved import Saved


def block_of(path: str, repeats: Sequence[Repeat]) -> Repeat | None:
    """Return the block that a module belongs to and that stands for several, if any."""
    return next((r for r in repeats if path == r.path or path.startswith(f"{r.path}.")), None)


def names(path: str, repeats: Sequence[Repeat]) -> Iterator[str]:
    """Yield the paths of all modules for which the one at a path stands, itself first."""
    block = block_of(path, repeats)
    yield from (
        (path,) if block is None else (copy + path[len(block.path) :] for copy in block.copies)
    )


def unfolded_paths(paths: Iterable[str], repeats: Sequence[Repeat]) -> dict[str, str]:
    """Return the paths of all modules in the model's order, with that which stands for each."""
    every = {name: path for path in paths for name in names(path, repeats)}
    lists = {copy.rpartition(".")[0] for repeat in repeats for copy in repeat.copies}
    first: dict[str, int] = {}
    for place, name in enumerate(every):
        for part in _parts(name):
            first.setdefault(part, place)

    def place_of(name: str) -> list[tuple[int, int]]:
        return [(_number(part, lists), first[part]) for part in _parts(name)]

    return {name: every[name] for name in sorted(every, key=place_of)}


def _parts(path: str) -> list[str]:
    """Return the paths of the modules that one is part of, from the outermost to itself."""
    words = path.split(".") if path else []
    return [".".join(words[:end]) for end in range(1, len(words) + 1)]


def _number(path: str, lists: set[str]) -> int:
    """Return the place that a module's name tells where its list has blocks that repeat."""
    around, _, name = path.rpartition(".")
    return int(name) if around in lists and name.isdecimal() else 0


def times_saved(saved: Saved, repeats: Sequence[Repeat]) -> int:
    """Return how often a block of memory is kept, by one copy each of what keeps it.

    What was made outside of a block is the same for all its copies, as a mask is; but what the
    block before hands on is not, and is there once for each.
    """
    block = block_of(saved.path, repeats)
    if block is None:
        return 1
    inside = saved.made_in is not None and block_of(saved.made_in, repeats) is block
    return len(block.copies) if inside or saved.handed_on else 1
