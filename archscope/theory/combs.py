"""A stack as combs: equally spaced taps on the input, which add up to what an output sees.

Without up-sampling, the positions that one output sees are all sums of one tooth from each comb;
this is the whole mathematics of gridding.
"""

from collections.abc import Iterable
from math import gcd, prod

from archscope.errors import UsageError
from archscope.records import frozen
from archscope.theory.layers import Stack


@frozen
class Comb:
    """The taps of one layer, seen from the input of the stack."""

    taps: int
    """How many; at least 2, since a layer of one tap adds nothing."""
    rate: int
    """Effective rate: input positions between neighbouring taps, dilation x jump."""
    layer: int
    """Index of the layer in its stack."""

    @property
    def span(self) -> int:
        """Distance from the first tap to the last."""
        return (self.taps - 1) * self.rate


def combs(stack: Stack) -> tuple[Comb, ...]:
    """Return the combs of a stack in its own order; raises `UsageError` where it up-samples."""
    found = []
    jump = 1
    for index, layer in enumerate(stack):
        if layer.upsamples:
            raise UsageError(
                f"{layer.name or layer.kind} up-samples, so that outputs see windows of different "
                "sizes; ask for unit ranges instead of one window."
            )
        if layer.kernel > 1:
            found.append(Comb(taps=layer.kernel, rate=layer.dilation * jump, layer=index))
        jump *= layer.stride
    return tuple(found)


def jump(stack: Stack) -> int:
    """Return the input positions between neighbouring outputs (the effective stride)."""
    return prod(layer.stride for layer in stack)


def ascending(teeth: Iterable[Comb]) -> list[Comb]:
    """Return the combs by rate, the smallest first."""
    return sorted(teeth, key=lambda comb: comb.rate)


def reach(teeth: Iterable[Comb]) -> int:
    """Return the width from the first to the last position seen, both included.

    Araujo, Norris & Sim 2019, equation 2: 1 + sum of (k - 1) d J.
    """
    return 1 + sum(comb.span for comb in teeth)


def common_rate(teeth: Iterable[Comb]) -> int:
    """Return the greatest common divisor of all rates; 0 for no combs."""
    return gcd(*(comb.rate for comb in teeth))


def differences(teeth: Iterable[Comb]) -> tuple[Comb, ...]:
    """Return the combs whose sums are all distances between two positions of the given ones."""
    return tuple(Comb(taps=2 * c.taps - 1, rate=c.rate, layer=c.layer) for c in teeth)


def groups(teeth: Iterable[Comb]) -> list[list[Comb]]:
    """Split combs into groups that never overlap one another's sums, the finest group first.

    Where every remaining rate is a multiple of something longer than all smaller combs reach, each
    sum names its parts uniquely, as digits do. Counts then multiply, and 200 layers stay cheap.
    """
    ordered = ascending(teeth)
    multiples = [0]
    for comb in reversed(ordered):
        multiples.append(gcd(multiples[-1], comb.rate))
    found: list[list[Comb]] = []
    reached = 1
    for comb, multiple in zip(ordered, reversed(multiples), strict=False):
        if not found or multiple > reached:
            found.append([])
        found[-1].append(comb)
        reached += comb.span
    return found
