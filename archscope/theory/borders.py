"""What a finite input does to a stack: taps that fall into padding, inputs that nobody reads."""

from fractions import Fraction

from archscope.records import frozen
from archscope.theory.bits import every, ones, spread, stretch
from archscope.theory.combs import combs
from archscope.theory.layers import Layer, Stack, output_size, sizes


@frozen
class Unread:
    """Inputs of a finite map that no output reads, along one axis."""

    before: int
    """Positions before the first one that is read."""
    after: int
    """Positions after the last one that is read."""
    total: int
    """All of them, those in between included."""


def valid_taps(stack: Stack, input_size: int) -> tuple[Fraction, ...]:
    """Return, per layer and along one axis, the share of (output, tap) pairs that read real input.

    Where the dilation nears the map's size a 3-tap convolution keeps one tap of three (Chen et al.
    2017, section 3.3). Over several axes the shares multiply; up-sampling by copying has share 1.

    >>> valid_taps((Layer(kernel=3, dilation=65, padding=(65, 65)),), 65)
    (Fraction(1, 3),)
    """
    return tuple(
        _valid_share(layer, size)
        for layer, size in zip(stack, sizes(stack, input_size)[:-1], strict=True)
    )


def find_unread(stack: Stack, input_size: int) -> Unread:
    """Return how many inputs no output reads; a stride that does not divide drops the last ones.

    Not for up-sampling.
    """
    combs(stack)  # refuses up-sampling
    *inputs, outputs = sizes(stack, input_size)
    read = ones(outputs)
    for layer, size in zip(reversed(stack), reversed(inputs), strict=True):
        taps = spread(stretch(read, layer.stride), layer.kernel, layer.dilation)
        read = taps >> layer.padding[0] & ones(size)
    before = (read & -read).bit_length() - 1 if read else input_size
    after = input_size - read.bit_length() if read else 0
    return Unread(before=before, after=after, total=input_size - read.bit_count())


def find_blind(stack: Stack, input_size: int) -> int:
    """Return how many outputs along one axis see no input at all, but padding alone.

    Not for up-sampling.

    >>> find_blind((Layer(kernel=2, dilation=10, padding=(5, 5)),), 8)
    2
    """
    combs(stack)  # refuses up-sampling
    maps = sizes(stack, input_size)
    alive = ones(input_size)
    for layer, size, outputs in zip(stack, maps[:-1], maps[1:], strict=True):
        before = layer.padding[0]
        taps = spread(alive << before, layer.kernel, layer.dilation) >> layer.span
        alive = every(taps, max(size + before, 1), 0, layer.stride) & ones(outputs)
    return maps[-1] - alive.bit_count()


def _valid_share(layer: Layer, size: int) -> Fraction:
    if layer.kind in ("nearest", "linear"):
        return Fraction(1)
    outputs = output_size(layer, size)
    # A transposed layer scatters: its taps fall off the ends of the output, not of the input.
    units, reads = (size, outputs) if layer.kind == "transposed" else (outputs, size)
    valid = 0
    for tap in range(layer.kernel):
        shift = tap * layer.dilation - layer.padding[0]
        lowest = max(0, -(shift // layer.stride))  # first unit whose tap is not before the map
        highest = min(units - 1, (reads - 1 - shift) // layer.stride)
        valid += max(0, highest - lowest + 1)
    return Fraction(valid, layer.kernel * units)
