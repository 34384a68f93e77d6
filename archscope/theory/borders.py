"""Effects of a finite input on a stack: taps that read padding, inputs that no output reads."""

from collections.abc import Sequence
from fractions import Fraction
from math import prod

from archscope.records import frozen
from archscope.theory.bits import every, ones, spread, stretch, volume
from archscope.theory.combs import combs
from archscope.theory.layers import Layer, Path, Stack, output_size, sizes


@frozen
class Unread:
    """Inputs of a finite map that no output reads, along one axis."""

    before: int
    """Positions before the first one that is read."""
    after: int
    """Positions after the last one that is read."""
    total: int
    """All of them, those in between included."""


@frozen
class Blind:
    """Outputs that see no position of a finite input, over all axes."""

    blind: int
    """All of them."""
    inside: int | None
    """Those amid outputs that see, in the smallest box with them; all, where none sees; None:
    parallel paths begin or end at different outputs."""
    outputs: int
    """All outputs."""


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
    for layer, size, made in zip(
        reversed(stack), reversed(inputs), reversed((*inputs[1:], outputs)), strict=True
    ):
        first, last = _taps_within(layer, size, made)
        places = _copies(stretch(read, layer.stride), last - first + 1, layer.dilation)
        read = _shifted(places, first * layer.dilation - _before(layer)) & ones(size)
    before = _lowest(read) if read else input_size
    after = input_size - read.bit_length() if read else 0
    return Unread(before=before, after=after, total=input_size - read.bit_count())


def count_blind(paths: Sequence[Path], input_sizes: Sequence[int]) -> Blind:
    """Return how many outputs see no input through any of parallel paths, and all of them.

    Over all axes; outputs of which not every path has one are cut off.

    >>> transposed = (Layer(kernel=3, stride=2, dilation=2, kind="transposed"),)
    >>> count_blind([(transposed, transposed)], (10, 10))
    Blind(blind=385, inside=385, outputs=529)
    >>> count_blind([((Layer(kernel=1, padding=(2, 0)),),)], (8,))
    Blind(blind=2, inside=0, outputs=10)
    """
    along = [[seeing(path[axis], size) for path in paths] for axis, size in enumerate(input_sizes)]
    made = [min(outputs for _, outputs in axis) for axis in along]
    masks = [
        [mask & ones(outputs) for mask, _ in axis]
        for axis, outputs in zip(along, made, strict=True)
    ]
    seen, ends = volume(masks), [{(_lowest(m), m.bit_length()) for m in axis} for axis in masks]
    blind = prod(made) - seen
    alike = all(len(axis) == 1 for axis in ends) or not blind
    box = prod(last - first for axis in ends for first, last in axis) if alike else None
    inside = blind if not seen else None if box is None else box - seen
    return Blind(blind=blind, inside=inside if blind else 0, outputs=prod(made))


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1 if mask else 0


def seeing(stack: Stack, input_size: int) -> tuple[int, int]:
    """Return the outputs along one axis that see some input, as bits, and how many there are."""
    found, size = ones(input_size), input_size
    for layer in stack:
        outputs = output_size(layer, size)
        if found == ones(size) and _reaches_all(layer, size, outputs):
            found = ones(outputs)
        else:
            found = _passed_on(layer, found, size, outputs) & ones(outputs)
        size = outputs
    return found, size


def _reaches_all(layer: Layer, size: int, outputs: int) -> bool:
    """Return whether every output has a tap inside the map; False where that is to be looked at."""
    if layer.kind in ("nearest", "linear"):
        return True
    last = (outputs - 1) * layer.stride - layer.padding[0]
    reaches = layer.dilation <= size and layer.padding[0] <= layer.span and last < size
    return layer.kind != "transposed" and reaches


def _before(layer: Layer) -> int:
    """Return how many positions lie before the input, as taps that look ahead take it."""
    before = layer.padding[0]
    return layer.span - before if layer.kind == "transposed" else before  # its taps look back


def _taps_within(layer: Layer, size: int, outputs: int) -> tuple[int, int]:
    """Return the first and the last tap that reads the input for some output.

    Without the others, sets take no more bits than the maps have positions.
    """
    before, reach = _before(layer), (outputs - 1) * layer.stride
    first = max(0, -(-(before - reach) // layer.dilation))
    return first, min(layer.kernel - 1, (before + size - 1) // layer.dilation)


def _copies(mask: int, taps: int, rate: int) -> int:
    return spread(mask, taps, rate) if taps > 0 else 0


def _shifted(mask: int, by: int) -> int:
    return mask << by if by >= 0 else mask >> -by


def _passed_on(layer: Layer, found: int, size: int, outputs: int) -> int:
    """Return which outputs of a layer read one of the inputs that are found."""
    before, factor = layer.padding[0], layer.stride
    match layer.kind:
        case "transposed":
            return spread(stretch(found, factor), layer.kernel, layer.dilation) >> before
        case "nearest":
            return spread(stretch(found, factor), factor, 1)
        case "linear":
            # Between two inputs an output reads both; one upon an input, where the factor is odd,
            # reads that alone.
            below = spread(stretch(found, factor), factor, 1) << factor // 2
            above = spread(stretch(found, factor), factor - factor % 2, 1) << factor // 2
            return below | above << factor % 2 >> factor
    first, last = _taps_within(layer, size, outputs)
    taps = _copies(found, last - first + 1, layer.dilation)
    length = (outputs - 1) * factor + 1
    places = _shifted(taps, before - last * layer.dilation) & ones(length)
    return every(places, length, 0, factor)


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
