"""Says which blocks a block that was built once stands for."""

from collections.abc import Iterable

from archscope.subject import Repeat


def repeats(stack: str, groups: Iterable[tuple[int, ...]]) -> tuple[Repeat, ...]:
    """Return a `Repeat` per group of identical blocks of `stack`, groups of one left out."""
    return tuple(
        Repeat(path=f"{stack}.{group[0]}", copies=tuple(f"{stack}.{number}" for number in group))
        for group in groups
        if len(group) > 1
    )
