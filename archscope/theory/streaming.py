"""Buffers of a causal network that is fed chunk by chunk."""

from __future__ import annotations

from archscope.records import frozen
from archscope.theory.layers import Layer, Stack


@frozen
class Buffer:
    """What one layer keeps of its own input."""

    layer: int
    """Its index in the stack."""
    positions: int
    """How many of the last positions before a chunk its outputs of that chunk read."""


def buffer_of(layer: Layer) -> int | None:
    """Return the positions before a chunk that a layer still reads; None where it looks ahead.

    A convolution or pool reads its padding: of a causal one (kernel - 1) * dilation, less where a
    stride lets it wait for its window; chunks begin where windows do. A transposed one reads the
    inputs of the outputs before.

    >>> from archscope.theory.layers import conv, pool, transposed
    >>> buffer_of(conv(3, dilation=4, padding="causal")), buffer_of(conv(3)), buffer_of(pool(2))
    (8, None, 0)
    >>> buffer_of(transposed(8, stride=4))
    1
    """
    before = layer.padding[0]
    if layer.kind == "transposed":
        return None if before else layer.span // layer.stride
    if layer.upsamples:
        return None if layer.kind == "linear" else 0
    return None if layer.span - before >= layer.stride else before


def buffers(stack: Stack) -> tuple[Buffer, ...] | None:
    """Return the buffers of the layers that need one; None where some layer looks ahead."""
    sizes = [buffer_of(layer) for layer in stack]
    if None in sizes:
        return None
    return tuple(Buffer(layer=at, positions=size) for at, size in enumerate(sizes) if size)
