"""Sets of positions as the bits of one Python integer: bit i stands for position i."""

from collections.abc import Sequence

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Each byte with its bits in the opposite order."""


def ones(count: int) -> int:
    """Return the set of positions 0 to count - 1."""
    return (1 << count) - 1


def spread(mask: int, taps: int, rate: int) -> int:
    """Return the union of `taps` copies of a set, each shifted by `rate` from the last."""
    copies = 1
    while copies < taps:
        step = min(copies, taps - copies)
        mask |= mask << step * rate
        copies += step
    return mask


def mirror(mask: int, length: int) -> int:
    """Return the set read from the other end of its `length` positions."""
    size = (length + 7) // 8
    turned = mask.to_bytes(size, "big").translate(_REVERSED)
    return int.from_bytes(turned, "little") >> 8 * size - length


def every(mask: int, length: int, start: int, step: int) -> int:
    """Return positions start, start + step, ... of a set of `length` positions, renumbered."""
    if step == 1:
        return mask >> start
    digits = f"{mask:0{length}b}"[::-1][start::step]
    return int(digits[::-1], 2) if digits else 0


def stretch(mask: int, step: int) -> int:
    """Return the set with position i moved to i * step; `every` undoes it."""
    if step == 1:
        return mask
    return int(("0" * (step - 1)).join(f"{mask:b}"), 2)


def positions(mask: int) -> list[int]:
    """Return the positions in a set, ascending."""
    digits = f"{mask:b}"[::-1]
    found = []
    at = digits.find("1")
    while at >= 0:
        found.append(at)
        at = digits.find("1", at + 1)
    return found


def longest_run(mask: int) -> int:
    """Return the length of the longest run of neighbouring positions."""
    doubled = [mask]  # doubled[j] holds the starts of runs of at least 2**j
    while mask:
        mask &= mask >> (1 << len(doubled) - 1)
        doubled.append(mask)
    if len(doubled) == 1:
        return 0
    starts = doubled[-2]
    length = 1 << len(doubled) - 2
    for power in range(len(doubled) - 3, -1, -1):
        longer = starts & (doubled[power] >> length)
        if longer:
            starts = longer
            length += 1 << power
    return length


def volume(axes: Sequence[Sequence[int]]) -> int:
    """Return how many positions a union of products has, from each one's set along every axis.

    >>> volume([[0b11, 0b110], [0b1, 0b11]])  # 2 x 1 and 2 x 2, which share 1 x 1
    5
    """
    return _volume(axes, frozenset(range(len(axes[0]))))


def _volume(axes: Sequence[Sequence[int]], chosen: frozenset[int]) -> int:
    # Positions of the first axis grouped by the paths that see them; the rest by recursion.
    if not axes:
        return 1
    parts = [(-1, frozenset[int]())]
    for path in sorted(chosen):
        mask = axes[0][path]
        parts = [
            part
            for inside, paths in parts
            for part in ((inside & mask, paths | {path}), (inside & ~mask, paths))
            if part[0]
        ]
    return sum(inside.bit_count() * _volume(axes[1:], paths) for inside, paths in parts if paths)
