"""Plans: the blocks of a network as data, and which of them stand for each other. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from archscope.records import frozen
from archscope.subject import Repeat, Stretch


class Block(Protocol):
    """A block of a list: a frozen dataclass with everything by which it differs from others."""

    @property
    def path(self) -> str:
        """Where it stands in the network, e.g. `blocks.3`; a block that runs again has it again."""

    @property
    def repeatable(self) -> bool:
        """Whether it returns the shape that it takes, and its place in the list changes nothing."""


B = TypeVar("B", bound=Block)


@frozen
class Numbered:
    """A block that differs from the others of its list by its kind alone, or in nothing."""

    path: str
    """Where it stands in the network, e.g. `blocks.3`."""
    kind: str = ""
    """What tells it from others, e.g. `hashed`."""
    repeatable: bool = True
    """Whether it returns the shape that it takes, and its place in the list changes nothing."""


@frozen
class Step:
    """One layer, or several that go together, in the place of a block."""

    path: str
    """Where it stands in the network, e.g. `features.3`."""
    kind: str = "convolution"
    """What stands there."""
    in_channels: int
    """Channels of its input."""
    out_channels: int
    """Channels of its output."""
    stride: int = 1
    """Positions of the input from output to output."""
    dilation: int = 1
    """Positions from tap to tap."""

    @property
    def repeatable(self) -> bool:
        """Whether it returns the shape that it takes."""
        return self.stride == 1 and self.in_channels == self.out_channels


def numbered(path: str, depth: int, kind: Callable[[int], str] | None = None) -> list[Numbered]:
    """Return the blocks of the list at `path`, each of the kind that its number says."""
    return [
        Numbered(path=f"{path}.{number}", kind=kind(number) if kind else "")
        for number in range(depth)
    ]


def stage(first: B, count: int, **later: Any) -> Iterator[B]:
    """Yield so many blocks: the first, then others that keep its shape, with some fields new."""
    yield first
    shape: Any = first
    for number in range(1, count):
        path, channels = f"{list_of(first)}.{number}", shape.out_channels
        yield replace(shape, path=path, in_channels=channels, stride=1, **later)


def number_of(block: Block) -> str:
    """Return the number of a block in its list."""
    return block.path.rpartition(".")[2]


def list_of(block: Block) -> str:
    """Return the path of the list that a block stands in."""
    return block.path.rpartition(".")[0]


def lists(plan: Iterable[B]) -> dict[str, list[B]]:
    """Return the blocks of each list, by its path."""
    found: dict[str, list[B]] = {}
    for block in plan:
        found.setdefault(list_of(block), []).append(block)
    return found


def alike(plan: Iterable[B]) -> tuple[tuple[B, ...], ...]:
    """Return the blocks in groups of those that stand for each other, in order of their first.

    They differ in their path alone, and no block between them changes the shape: without the
    others, what comes before and after the first still fits, at the same cost.
    """
    groups: dict[Any, list[B]] = {}
    changes: Counter[str] = Counter()
    for place, block in enumerate(plan):
        inside = list_of(block)
        changes[inside] += not block.repeatable
        same = (inside, changes[inside], _anywhere(block)) if block.repeatable else place
        groups.setdefault(same, []).append(block)
    return tuple(map(tuple, groups.values()))


def first_of_each(plan: Iterable[B]) -> tuple[B, ...]:
    """Return the blocks that are built where each stands for all that are like it."""
    return tuple(group[0] for group in alike(plan))


def repeats(plan: Iterable[Block]) -> tuple[Repeat, ...]:
    """Return which blocks of a plan are built once for several."""
    paths = [tuple(block.path for block in group) for group in alike(plan)]
    return tuple(
        Repeat(path=copies[0], copies=copies, shared=len({*copies}) == 1)
        for copies in paths
        if len(copies) > 1
    )


@frozen
class Shortened:
    """A plan of which periods of blocks that are alike were left out."""

    blocks: tuple[Any, ...]
    """What is left, in order."""
    repeats: tuple[Repeat, ...]
    """Which of these stand for several."""
    stretches: tuple[Stretch, ...]
    """Where some were left out."""


def shortened(plan: Iterable[Block], multiple: int = 1) -> Shortened | None:
    """Leave out all but the first three and the last of periods of blocks that are alike.

    A period is so many blocks, or a multiple of that. None where nothing can be left out.
    """
    left: list[Block] = []
    repeated: list[Repeat] = []
    stretches: list[Stretch] = []
    for blocks in lists(plan).values():
        start, period, times = _longest(blocks, multiple)
        if times < 5 or len({block.path for block in blocks}) < len(blocks):
            left += blocks
            continue
        second, third, last = (start + period * number for number in (1, 2, times - 1))
        left += (*blocks[: third + period], *blocks[last:])
        paths = [block.path for block in blocks]
        for first in range(third, third + period):
            copies = tuple(paths[first:last:period])
            repeated.append(Repeat(path=copies[0], copies=copies))
        stretches.append(
            Stretch(
                before=tuple(paths[second:third]),
                middle=tuple(paths[third : third + period]),
                after=tuple(paths[last : last + period]),
            )
        )
    if not stretches:
        return None
    return Shortened(blocks=tuple(left), repeats=tuple(repeated), stretches=tuple(stretches))


def _longest(blocks: list[Any], multiple: int) -> tuple[int, int, int]:
    """Return start, period and number of periods of the stretch of which most can be left out."""
    kinds = [_anywhere(block) if block.repeatable else place for place, block in enumerate(blocks)]
    best = (0, 1, 0)
    for period in range(multiple, min(len(kinds) // 5, 16 * multiple) + 1, multiple):
        run = 0
        for place in range(len(kinds) - period + 1):
            more = place + period < len(kinds) and kinds[place] == kinds[place + period]
            run += more
            if more:
                continue
            times = run // period + 1
            if (times - 4) * period > (best[2] - 4) * best[1]:
                best = (place - run, period, times)
            run = 0
    return best


def _anywhere(block: Any) -> Block:
    found: Block = replace(block, path="")
    return found
