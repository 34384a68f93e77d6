"""A step of a network of which blocks that repeat were run once: what it is with all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
