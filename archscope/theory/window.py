"""Where the window of one output lies: size, jump, start and centre after every layer."""

from fractions import Fraction

from archscope.records import frozen
from archscope.theory.layers import Layer, Stack
from archscope.theory.seen_positions import positions_seen
from archscope.theory.units import unit_ranges


@frozen
class Window:
    """What outputs see of the input, from the first to the last position, holes included."""

    size: int
    """Receptive field in input positions; with up-sampling, of the output that sees most."""
    smallest: int
    """The same of the output that sees least; 0 where an output sees nothing."""
    jump: Fraction
    """Effective stride: input positions between neighbouring outputs."""
    centre: Fraction
    """Where output 0 is centred, in input positions; position 0 has its centre at 0."""
    start: int | None
    """First position of output 0, negative inside padding; None where up-sampling makes windows
    differ."""
    period: int = 1
    """Outputs after which the sizes repeat; 1 without up-sampling."""


def window(stack: Stack) -> Window:
    """Return the window of a stack on an unbounded input.

    Araujo, Norris & Sim 2019: r = 1 + sum of (k - 1) d J, S = product of strides, P = sum of p J;
    output u sees -P + uS to -P + uS + r - 1.

    >>> from archscope.theory.layers import dilated
    >>> window(dilated((1, 2, 4))).size
    15
    """
    return windows(stack)[-1] if stack else _regular(1, Fraction(1), Fraction(0))


def windows(stack: Stack) -> tuple[Window, ...]:
    """Return the window after each layer, on an unbounded input."""
    found = []
    jump, centre = Fraction(1), Fraction(0)
    size = 1
    upsamples = False
    for depth, layer in enumerate(stack, start=1):
        upsamples = upsamples or layer.upsamples
        step, shift = _position_map(layer)
        size += int(layer.span * jump)
        jump, centre = jump * step, centre + jump * shift
        if upsamples:
            found.append(_irregular(stack[:depth], jump, centre))
        else:
            found.append(_regular(size, jump, centre))
    return tuple(found)


def _regular(size: int, jump: Fraction, centre: Fraction) -> Window:
    start = int(centre - Fraction(size - 1, 2))
    return Window(size=size, smallest=size, jump=jump, centre=centre, start=start)


def _irregular(stack: Stack, jump: Fraction, centre: Fraction) -> Window:
    ranges = unit_ranges(stack)
    smallest, largest = ranges.hull
    hull = positions_seen(stack, 0).hull if ranges.period == 1 else None
    if hull is not None:  # all windows are alike
        return _regular(largest, jump, Fraction(sum(hull), 2))
    return Window(
        size=largest,
        smallest=smallest,
        jump=jump,
        centre=centre,
        start=None,
        period=ranges.period,
    )


def _position_map(layer: Layer) -> tuple[Fraction, Fraction]:
    # Output u of the layer is centred at step * u + shift of its input.
    step = Fraction(1, layer.stride)
    if layer.kind == "transposed":
        return step, (layer.padding[0] - Fraction(layer.span, 2)) * step
    if layer.kind in ("nearest", "linear"):
        return step, (step - 1) / 2  # pixel areas: (u + 1/2) / f - 1/2
    return Fraction(layer.stride), Fraction(layer.span, 2) - layer.padding[0]
