"""What a network looks at, without its weights: all that a receptive field depends on.

A family gives the outline of its spec without building the network, so that its receptive field is
known without torch. Every axis is alike.
"""

from typing import Literal

from archscope.records import frozen
from archscope.theory.layers import Stack


@frozen
class Branch:
    """One of several parallel paths from the input to the output."""

    name: str
    """What the reader calls it, e.g. `branch2`."""
    stack: Stack
    """All its layers along one axis."""


@frozen
class Attention:
    """A block in which a position attends to all positions, or to all before it and itself."""

    name: str
    """What the reader calls it, e.g. `blocks.0.attn`."""
    causal: bool
    """Whether it sees only the past."""


@frozen
class Outline:
    """Layers, branches or attention: exactly one of the three, or nothing at all."""

    axes: int
    """Spatial dimensions; 1 for a sequence."""
    layers: Stack = ()
    """A single path, along one axis."""
    branches: tuple[Branch, ...] = ()
    """Parallel paths, whose outputs are added or put side by side."""
    windowed: bool = False
    """Whether the layers are windows of attention, which see what such convolutions see."""
    attention: tuple[Attention, ...] = ()
    """Blocks of unlimited attention."""
    input_size: int | None = None
    """Positions of the input along each axis; None: as many as it takes."""
    noun: Literal["position", "token"] = "position"
    """What a position of the input is called."""
    flag: str = ""
    """The flag that sets every layer's dilation by itself, e.g. `--dilations`; empty: none does."""
    flagged: tuple[int, ...] = ()
    """Indices of the layers that the flag goes through; empty: all."""
    output: str = ""
    """The module whose output all this is about; empty: the network's own or, where that sees
    everything, the last map before."""
    reads_all: str = ""
    """The module behind the layers that makes an output depend on every position; empty: none."""
    partial: str = ""
    """Why the layers do not tell all that an output sees; empty: they do."""
    remarks: tuple[str, ...] = ()
    """What else must be known to read the answer rightly."""


def skips_a_hole(stack: Stack) -> bool:
    """Return whether an identity path around a layer sees a position that the layer does not.

    >>> from archscope.theory.layers import dilated
    >>> skips_a_hole(dilated((4,))), skips_a_hole(dilated((3,), kernels=(2,)))
    (False, True)
    """
    return any(
        layer.kernel > 1 and (layer.padding[0] % layer.dilation or layer.padding[0] > layer.span)
        for layer in stack
    )
