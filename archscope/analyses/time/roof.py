"""A GPU's roofline: the least time that work takes (Williams, Waterman and Patterson 2009)."""

from __future__ import annotations

from dataclasses import dataclass

from archscope.errors import UsageError
from archscope.hardware import Card, Precision
from archscope.records import frozen


@frozen
class Roof:
    """What a card can do at best in one number type."""

    card: Card
    precision: Precision
    peak: float
    """FLOP/s."""

    def bound(self, macs: int | None, bytes_moved: int | None) -> Bound:
        """Return the lower bound of work that runs by itself; what is unknown takes no time."""
        compute = 2 * (macs or 0) / self.peak
        memory = (bytes_moved or 0) / self.card.bandwidth
        return Bound(seconds=max(compute, memory), memory_s=memory if memory >= compute else 0.0)


@dataclass(frozen=True, slots=True)
class Bound:
    """Seconds that something takes at least; bounds of what runs one after another add up."""

    seconds: float = 0.0
    memory_s: float = 0.0
    """Of them those of what the memory bounds."""

    def __add__(self, other: Bound) -> Bound:
        return Bound(self.seconds + other.seconds, self.memory_s + other.memory_s)

    @property
    def binds(self) -> str | None:
        """What most of it is bound by; None where nothing is done."""
        if not self.seconds:
            return None
        return "memory" if 2 * self.memory_s >= self.seconds else "compute"


def roof_of(card: Card, precision: Precision) -> Roof | None:
    """Return a card's roof in a number type, None where it has none."""
    peak = card.peak(precision)
    return None if peak is None else Roof(card=card, precision=precision, peak=peak)


def require_roof(card: Card, precision: Precision) -> Roof:
    """Return a card's roof in a number type; raises `UsageError` where it has none."""
    found = roof_of(card, precision)
    if found is None:
        kinds: tuple[Precision, ...] = ("fp32", "tf32", "fp16", "bf16")
        known = ", ".join(kind for kind in kinds if card.peak(kind))
        raise UsageError(
            f"{card.word} has no cited peak in {precision}; --dtype can be {known} there."
        )
    return found
