"""One axis of a layer, and a stack of them: all that a receptive field depends on.

A stack is a tuple of layers, first layer first. A network in two or three dimensions is one stack
per axis; along a single path what an output sees is the product of what it sees on each axis
(branches differ: see `branches`).
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from archscope.errors import SpecError, UsageError
from archscope.records import frozen

Kind = Literal["conv", "pool", "transposed", "nearest", "linear"]
"""What a layer does along the axis; `linear` is one axis of bilinear or trilinear resizing, with
PyTorch's `align_corners=False`."""

Padding = int | tuple[int, int] | Literal["same", "causal", "valid"]
"""Positions added on both sides, or (before, after), or a word: `same` adds half of the span before
and the rest after, `causal` adds all of it before, `valid` adds none."""


@frozen
class Layer:
    """One axis of one layer."""

    kernel: int = 1
    """Taps; 1 for resizing, whose neighbours follow from `kind`."""
    stride: int = 1
    """Input positions between neighbouring outputs; of an up-sampling layer, its factor."""
    dilation: int = 1
    """Input positions between neighbouring taps; of a transposed one, output positions."""
    padding: tuple[int, int] = (0, 0)
    """Positions added (before, after) the input; of a transposed one, cut off the output, so that
    an output padding makes the second number smaller. Of a kernel of 1, negative ones are cut."""
    kind: Kind = "conv"
    """What the layer does."""
    ceil_mode: bool = False
    """Whether a last, cut window counts as an output (PyTorch's pooling)."""
    name: str = ""
    """What the reader calls it, e.g. `layer4.0.conv2`."""

    def __post_init__(self) -> None:
        """Check every number by itself; raises `SpecError`."""
        for field in ("kernel", "stride", "dilation"):
            _check(field, getattr(self, field), 1, self.name)
        before, after = self.padding
        if self.kind == "conv" and self.kernel == 1:
            return  # what goes around a block may be cut
        _check("padding", before, 0, self.name)
        if self.kind != "transposed":
            _check("padding", after, 0, self.name)

    @property
    def span(self) -> int:
        """Distance from the first to the last tap."""
        return (self.kernel - 1) * self.dilation

    @property
    def upsamples(self) -> bool:
        """Whether neighbouring outputs lie closer than neighbouring inputs."""
        return self.stride > 1 and self.kind in ("transposed", "nearest", "linear")


Stack: TypeAlias = tuple[Layer, ...]
"""One axis of a single path, first layer first."""

Path: TypeAlias = tuple[Stack, ...]
"""One path through the network: a stack for each axis, whole, from the input to the output."""


def conv(
    kernel: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    padding: Padding = "same",
    name: str = "",
) -> Layer:
    """Return one axis of a convolution.

    >>> conv(4).padding  # PyTorch's `padding="same"`: the extra position goes after
    (1, 2)
    """
    for field, value in (("kernel", kernel), ("dilation", dilation)):
        _check(field, value, 1, name)
    sides = _sides(padding, (kernel - 1) * dilation)
    return Layer(kernel=kernel, stride=stride, dilation=dilation, padding=sides, name=name)


def pool(
    kernel: int,
    *,
    stride: int | None = None,
    dilation: int = 1,
    padding: Padding = 0,
    ceil_mode: bool = False,
    name: str = "",
) -> Layer:
    """Return one axis of max or average pooling; its stride is its kernel unless given."""
    return Layer(
        kernel=kernel,
        stride=kernel if stride is None else stride,
        dilation=dilation,
        padding=_sides(padding, (kernel - 1) * dilation),
        kind="pool",
        ceil_mode=ceil_mode,
        name=name,
    )


def transposed(
    kernel: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    name: str = "",
) -> Layer:
    """Return one axis of a transposed convolution, in PyTorch's terms."""
    return Layer(
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=(padding, padding - output_padding),
        kind="transposed",
        name=name,
    )


def nearest(factor: int, *, name: str = "") -> Layer:
    """Return one axis of nearest-neighbour up-sampling by an integer factor."""
    return Layer(stride=factor, kind="nearest", name=name)


def linear(factor: int, *, name: str = "") -> Layer:
    """Return one axis of bilinear up-sampling by an integer factor (`align_corners=False`)."""
    return Layer(stride=factor, kind="linear", name=name)


def dilated(
    dilations: Sequence[int],
    *,
    kernels: Sequence[int] = (3,),
    strides: Sequence[int] = (1,),
    padding: Padding = "same",
) -> Stack:
    """Return a stack of convolutions named `conv1`, `conv2`, ..., one per dilation.

    One kernel or one stride stands for all.

    >>> [layer.span for layer in dilated((1, 2, 4))]
    [2, 4, 8]
    """
    kernels = _one_each("kernel", kernels, len(dilations))
    strides = _one_each("stride", strides, len(dilations))
    return tuple(
        conv(kernel, stride=stride, dilation=dilation, padding=padding, name=f"conv{number}")
        for number, (kernel, stride, dilation) in enumerate(
            zip(kernels, strides, dilations, strict=True), start=1
        )
    )


def output_size(layer: Layer, size: int) -> int:
    """Return the number of outputs of `layer` for `size` inputs; raises `UsageError` for none.

    Dumoulin & Visin 2016, relationships 8 and 14, with dilation.
    """
    padded = size + sum(layer.padding)
    if layer.kind in ("nearest", "linear"):
        outputs = size * layer.stride
    elif layer.kind == "transposed":
        outputs = (size - 1) * layer.stride + layer.span + 1 - sum(layer.padding)
    else:
        outputs = (padded - layer.span - 1) // layer.stride + 1
        outputs += layer.ceil_mode and _has_cut_window(layer, size, outputs)
    if outputs < 1:
        raise UsageError(
            f"{layer.name or layer.kind}: {size} position{'s are' * (size != 1)}"
            f"{' is' * (size == 1)} too few; "
            f"a kernel that spans {layer.span + 1} leaves no output. Give a larger input or more "
            "padding."
        )
    return outputs


def sizes(stack: Stack, size: int) -> tuple[int, ...]:
    """Return the size of every map, the input first."""
    found = [size]
    for layer in stack:
        found.append(output_size(layer, found[-1]))
    return tuple(found)


def lost(stack: Stack) -> int:
    """Return how many positions a stack loses for lack of padding; negative: gains.

    Around a residual block so many are cut off, half of them before: then both maps have one size.

    >>> lost(dilated((1, 2), padding="valid")), lost(dilated((1, 2)))
    (6, 0)
    """
    found, jump = 0, 1
    for layer in stack:
        found += (layer.span - sum(layer.padding)) * jump
        jump *= layer.stride
    return found


def _has_cut_window(layer: Layer, size: int, outputs: int) -> bool:
    # PyTorch keeps a cut window only where it starts inside the input or the padding before it.
    before, after = layer.padding
    start = outputs * layer.stride
    is_cut = start + layer.span + 1 > size + before + after
    is_needed = (outputs - 1) * layer.stride + layer.span + 1 < size + before + after
    return is_cut and is_needed and start < size + before


def _sides(padding: Padding, span: int) -> tuple[int, int]:
    if isinstance(padding, tuple):
        return padding
    if isinstance(padding, int):
        return padding, padding
    return {"same": (span // 2, span - span // 2), "causal": (span, 0), "valid": (0, 0)}[padding]


def _one_each(what: str, given: Sequence[int], layers: int) -> tuple[int, ...]:
    if len(given) == 1:
        return tuple(given) * layers
    if len(given) != layers:
        raise UsageError(f"got {len(given)} {what}s for {layers} dilations; give 1 or {layers}.")
    return tuple(given)


def _check(field: str, value: object, low: int, name: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        where = f" in layer {name}" if name else ""
        raise SpecError(field, value, f"is not an integer of at least {low}{where}")
