"""Says which blocks a block that was built once stands for."""

from collections.abc import Iterable

from archscope.subject import Repeat


def reruns(stack: str, times: int) -> tuple[Repeat, ...]:
    """Return a `Repeat` for the one block of `stack`, which runs so many times."""
    path = f"{stack}.0"
    return (Repeat(path=path, copies=(path,) * times, shared=True),) if times > 1 else ()


def repeats(stack: str, groups: Iterable[tuple[int, ...]]) -> tuple[Repeat, ...]:
    """Return a `Repeat` per group of identical blocks of `stack`, groups of one left out."""
    return tuple(
        Repeat(path=f"{stack}.{group[0]}", copies=tuple(f"{stack}.{number}" for number in group))
        for group in groups
        if len(group) > 1
    )
