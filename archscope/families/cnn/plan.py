"""The layers of a stack as data: what the fields of a spec and the words of a sentence come to.

A `Step` is what was asked for; a `Layer` is the same in its place, with its channels and sizes. No
torch.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal, Protocol

from archscope.errors import SpecError
from archscope.records import frozen
from archscope.theory.combs import jump
from archscope.theory.layers import Layer as Axis
from archscope.theory.layers import lost

Kind = Literal[
    "conv",
    "transposed",
    "max-pool",
    "avg-pool",
    "nearest",
    "linear",
    "norm",
    "activation",
    "residual",
]
Norm = Literal["none", "batch", "layer", "group", "instance"]
Mode = Literal["zeros", "reflect", "replicate", "circular"]
Numbers = tuple[int, ...]
"""One for each axis."""
DEPTHWISE = 0
"""Groups: as many as there are channels."""
POOLS = ("max-pool", "avg-pool")
RESIZES = ("nearest", "linear")
NORM_GROUPS = 32
"""Groups of a group norm where so many divide the channels (Wu & He 2018, section 4)."""
GLOBAL_NORMS = ("group", "instance")
"""Norms whose mean and variance are over all positions."""


@frozen
class Step:
    """One step of a stack, as it is asked for; where it says no channels, it keeps them."""

    kind: Kind
    """What it does; `residual`: several steps with a path around them."""
    channels: int | None = None
    """Output channels of a convolution; None: as many as it gets."""
    kernel: Numbers = ()
    """Taps along each axis."""
    stride: Numbers = ()
    """Positions from output to output; of what up-samples, its factor."""
    dilation: Numbers = ()
    """Positions from tap to tap."""
    padding: tuple[Any, ...] = ()
    """Along each axis `same`, `valid`, `causal`, a number on both sides, or `before+after`."""
    output_padding: Numbers = ()
    """What a transposed convolution adds behind its output."""
    mode: Mode = "zeros"
    """What stands in the padding: zeros, or the input mirrored, its border, or its other end."""
    ceil: bool = False
    """Whether a last, cut window of a pool counts."""
    groups: int = 1
    """Groups of channels; of a separable convolution those of its second half."""
    separable: bool = False
    """Whether it is one convolution per channel, and then one of kernel size 1."""
    bias: bool = True
    """Whether its convolutions have biases."""
    norm: Norm = "none"
    """The norm behind it, or which it is."""
    norm_groups: int | None = None
    """Groups of a group norm; None: 32, or as many below as divide the channels."""
    activation: str = "none"
    """The activation behind it, or which it is."""
    residual: bool = False
    """Whether its input is added before its activation."""
    inner: tuple[Step, ...] = ()
    """The steps of a residual block."""
    label: str = field(default="", compare=False)
    """What a message calls it, e.g. `layer 3`."""
    at: int | None = field(default=None, compare=False)
    """The column at which it stands in a sentence, from 1; None: it is of fields."""

    def groups_of_norm(self, channels: int) -> int:
        """Return the groups of its group norm over so many channels."""
        most = min(channels, NORM_GROUPS)
        usual = next(n for n in range(most, 0, -1) if channels % n == 0)
        return self.norm_groups or usual

    @property
    def convolves(self) -> bool:
        """Whether it is a convolution, transposed or not."""
        return self.kind in ("conv", "transposed")


@frozen
class Layer:
    """A step of the stack in its place."""

    path: str
    """Where it stands in the network, e.g. `blocks.0`; of one in a block, within that."""
    step: Step
    """What it does."""
    along: tuple[Axis, ...]
    """The same along each axis; empty where it works position by position."""
    in_channels: int
    """Channels of its input."""
    out_channels: int
    """Channels of its output."""
    in_sizes: Numbers
    """Positions of its input along each axis."""
    out_sizes: Numbers
    """Positions of its output along each axis."""
    inner: tuple[Layer, ...] = ()
    """The layers of a residual block."""

    @property
    def repeatable(self) -> bool:
        """Whether it returns what it takes, in channels and positions."""
        return self.in_channels == self.out_channels and self.in_sizes == self.out_sizes

    @property
    def groups(self) -> int:
        """Groups of channels."""
        return self.step.groups or self.in_channels

    @property
    def stacks(self) -> tuple[tuple[Axis, ...], ...]:
        """Its layers along each axis, without those that work position by position."""
        layers = [one.along for one in self.inner or (self,) if one.along]
        return tuple(zip(*layers, strict=True))

    @property
    def strides(self) -> Numbers:
        """Positions of its input between neighbouring outputs, of a block over all its layers."""
        return tuple(map(jump, self.stacks))

    @property
    def cuts(self) -> tuple[tuple[int, int], ...]:
        """What is cut before and after along each axis for the path around; negative: added."""
        found = map(lost, self.stacks)
        return tuple((cut // 2, cut - cut // 2) for cut in found)

    @property
    def is_projected(self) -> bool:
        """Whether the path around it needs a convolution of kernel size 1."""
        return self.in_channels != self.out_channels or bool({*self.strides} - {1})


@frozen
class Head:
    """A linear layer on what is left of the positions."""

    classes: int
    """Its outputs."""
    bias: bool
    """Whether it has a bias."""
    reads_last: bool
    """Whether it reads the last position, and not the mean over all."""


class Headed(Protocol):
    """A spec that says what stands behind its plan."""

    @property
    def classifier(self) -> Head | None:
        """The classifier, if there is one."""


class MisfitError(SpecError):
    """One step that does not fit into its place, or is none."""

    def __init__(self, field: str, value: object, problem: str, step: Step) -> None:
        super().__init__(field, value, problem)
        self.step = step
        """The step to blame."""
