"""Which positions one output sees, without how often: sets as the bits of one whole number.

Layers are walked back as in `units.seen_by`, which counts ways too; here a layer is a few shifts of
all positions at once.
"""

from __future__ import annotations

from archscope.records import frozen
from archscope.theory.layers import Layer, Stack


@frozen
class Positions:
    """A set of positions, some of which may be negative."""

    bits: int = 0
    """Bit i stands for position `first` + i."""
    first: int = 0

    @property
    def number(self) -> int:
        """How many there are."""
        return self.bits.bit_count()

    @property
    def hull(self) -> tuple[int, int] | None:
        """The first and the last; None: there are none."""
        if not self.bits:
            return None
        lowest = (self.bits & -self.bits).bit_length() - 1
        return self.first + lowest, self.first + self.bits.bit_length() - 1


def positions_seen(stack: Stack, unit: int) -> Positions:
    """Return the positions that output `unit` sees of an input without borders.

    >>> from archscope.theory.layers import conv
    >>> positions_seen((conv(3, dilation=2, padding=2),), 0)
    Positions(bits=21, first=-2)
    """
    found = Positions(bits=1, first=unit)
    for layer in reversed(stack):
        found = _before(layer, found)
    return found


def _before(layer: Layer, seen: Positions) -> Positions:
    """Return the positions of a layer's input that some of its outputs see."""
    step = layer.stride
    if layer.kind == "nearest":
        return _joined([_every(seen, step, rest) for rest in range(step)])
    if layer.kind == "linear":
        # In half steps of the output, so that all is integer: (u + 1/2) / f - 1/2.
        ends = [divmod(2 * rest + 1 - step, 2 * step) for rest in range(step)]
        each = [(_every(seen, step, rest), *ends[rest]) for rest in range(step)]
        taps = [_moved(part, whole + more) for part, whole, half in each for more in {0, half > 0}]
        return _joined(taps)
    if layer.kind == "transposed":
        parts = [_moved(seen, layer.padding[0] - tap) for tap in _taps(layer)]
        return _joined([_every(part, step, 0) for part in parts])
    spread = _moved(_spread(seen, step), -layer.padding[0])
    return _joined([_moved(spread, tap) for tap in _taps(layer)])


def _taps(layer: Layer) -> range:
    return range(0, layer.span + 1, layer.dilation)


def _moved(seen: Positions, by: int) -> Positions:
    return Positions(bits=seen.bits, first=seen.first + by)


def _spread(seen: Positions, step: int) -> Positions:
    """Return position p * step for each p."""
    if step == 1:
        return seen
    apart = ("0" * (step - 1)).join(f"{seen.bits:b}")
    return Positions(bits=int(apart, 2), first=seen.first * step)


def _every(seen: Positions, step: int, rest: int) -> Positions:
    """Return q for each position q * step + rest."""
    least = -((rest - seen.first) // step)  # the first q whose position is no earlier
    skipped = least * step + rest - seen.first
    picked = f"{seen.bits >> skipped:b}"[::-1][::step][::-1]
    return Positions(bits=int(picked, 2), first=least)


def _joined(parts: list[Positions]) -> Positions:
    parts = [part for part in parts if part.bits]
    if not parts:
        return Positions()
    first, bits = min(part.first for part in parts), 0
    for part in parts:
        bits |= part.bits << (part.first - first)
    return Positions(bits=bits, first=first)
