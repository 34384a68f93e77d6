"""What torch's layers and a causal stack ask of a step, checked before anything is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod

from archscope.families.cnn.plan import (
    GLOBAL_NORMS,
    POOLS,
    RESIZES,
    Layer,
    MisfitError,
    Numbers,
    Step,
)
from archscope.specs import nearest_divisors
from archscope.theory.layers import Layer as Axis
from archscope.theory.layers import output_size

MOST_ELEMENTS = 1 << 60
"""Elements that a map or a weight may have: torch counts its bytes in 63 bits."""


def flat(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the steps, and those within blocks in their blocks' place."""
    for step in steps:
        yield from step.inner or (step,)


def check_stack(steps: Sequence[Step]) -> None:
    """Raise `MisfitError` where a causal stack has a norm that reads the future."""
    every = tuple(flat(steps))
    if not any("causal" in step.padding for step in every):
        return
    for step in every:
        if step.norm in GLOBAL_NORMS:
            problem = (
                "reads all positions, the future too, and the stack is causal; batch and layer "
                "norm do not"
            )
            raise MisfitError("norm", step.norm, problem, step)


def check_step(step: Step) -> None:
    """Raise `MisfitError` where a step asks for what torch has not, wherever it stands."""
    if step.mode != "zeros" and step.kind == "transposed":
        problem = f"is of convolutions, and {step.label} is transposed: torch pads it with zeros"
        raise MisfitError("padding_mode", step.mode, problem, step)
    if step.mode in ("reflect", "circular") and "causal" in step.padding:
        problem = "puts later positions before the first, and {causal} sees only the past"
        raise MisfitError("padding_mode", step.mode, problem, step)
    if step.residual and step.kind == "transposed":
        problem = f"does not go around {step.label}, which is transposed"
        raise MisfitError("residual", True, problem, step)
    if step.kind in POOLS:
        _check_pool(step)
    for one in step.inner:
        if one.kind in ("transposed", "residual", *RESIZES):
            what = "is a block itself" if one.kind == "residual" else "makes the map larger"
            problem = f"does not go around {one.label}, which {what}"
            raise MisfitError("residual", True, problem, one)


def _check_pool(step: Step) -> None:
    if step.kind == "avg-pool" and set(step.dilation) != {1}:
        raise MisfitError("dilations", max(step.dilation), "exists only for max pooling", step)
    for kernel, rate, padding in zip(step.kernel, step.dilation, step.padding, strict=True):
        most = ((kernel - 1) * rate + 1) // 2
        if not isinstance(padding, int):
            raise MisfitError(
                "pool_padding",
                padding,
                "must be one number: torch pads a pool on both sides alike",
                step,
            )
        if padding > most:
            problem = f"is more than half of what {step.label} spans; up to {most} is allowed"
            raise MisfitError("pool_padding", padding, problem, step)


def check_room(step: Step, along: Sequence[Axis], sizes: Numbers) -> None:
    """Raise `MisfitError` where a step has no output on a map of these sizes."""
    for axis, size in zip(along, sizes, strict=False):
        if axis.kind == "transposed":
            if axis.padding[1] <= -max(axis.stride, axis.dilation):
                problem = "is not below the stride or the dilation, as torch has it"
                raise MisfitError("output_padding", max(step.output_padding), problem, step)
            if (size - 1) * axis.stride + axis.span + 1 <= sum(axis.padding):
                raise MisfitError(
                    "padding", max(axis.padding), f"leaves {step.label} no output", step
                )
        elif axis.kind in ("conv", "pool") and size + _counted(step, axis, sizes) <= axis.span:
            problem = f"is too small: {step.label} spans {axis.span + 1} positions and gets {size}"
            raise MisfitError("input_size", None, problem, step)


def _counted(step: Step, axis: Axis, sizes: Numbers) -> int:
    """Return the padding that makes room: of a mean in three dimensions torch counts none."""
    return 0 if step.kind == "avg-pool" and len(sizes) == 3 else sum(axis.padding)


def check_layer(layer: Layer) -> None:
    """Raise `MisfitError` where a step does not fit what it stands on."""
    step = layer.step
    if step.convolves:
        _check_groups(layer)
    _check_padding(layer)
    _check_norm(layer)
    if step.residual or layer.inner:
        _check_around(layer)
    elements = max(map(prod, _shapes(layer)))
    if elements > MOST_ELEMENTS:
        problem = f"is too large: {step.label} has {elements:,} elements, more than torch can count"
        raise MisfitError("input_size", None, problem, step)


def _check_groups(layer: Layer) -> None:
    step, groups = layer.step, layer.groups
    depthwise = step.groups != groups
    for what, channels in (("input", layer.in_channels), ("output", layer.out_channels)):
        if not channels % groups:
            continue
        of = f"the {channels} {what} channels of {step.label}"
        if depthwise:
            problem = (
                f"is not a multiple of its {groups} input channels, and {step.label} is depthwise"
            )
            raise MisfitError("channels", channels, problem, step)
        near = ", ".join(map(str, nearest_divisors(channels, groups)))
        raise MisfitError("groups", groups, f"does not divide {of}. Nearest: {near}", step)


def _check_padding(layer: Layer) -> None:
    step = layer.step
    if step.mode not in ("reflect", "circular"):
        return
    for axis, size in zip(layer.along, layer.in_sizes, strict=False):
        most = size - (step.mode == "reflect")
        if max(axis.padding) > most:
            problem = (
                f"has up to {most} positions to put around {step.label}, which pads "
                f"{max(axis.padding)}; a larger input, or zeros, has them"
            )
            raise MisfitError("padding_mode", step.mode, problem, step)


def _check_norm(layer: Layer) -> None:
    step, positions = layer.step, prod(layer.out_sizes)
    inputs = {layer.in_channels} if step.separable else set()
    for channels in {layer.out_channels, *inputs} if step.norm in GLOBAL_NORMS else ():
        groups = channels if step.norm == "instance" else step.groups_of_norm(channels)
        if channels % groups:
            near = ", ".join(map(str, nearest_divisors(channels, groups)))
            problem = f"does not divide the {channels} channels of {step.label}. Nearest: {near}"
            raise MisfitError("norm_groups", groups, problem, step)
        if channels == groups and positions == 1:
            problem = (
                f"of one channel has no mean of the one position that {step.label} leaves; a "
                "larger input has more"
            )
            raise MisfitError("norm", step.norm, problem, step)


def _check_around(layer: Layer) -> None:
    for stack, cut, size, made in zip(
        layer.stacks, layer.cuts, layer.in_sizes, layer.out_sizes, strict=False
    ):
        around = Axis(stride=prod(one.stride for one in stack), padding=(-cut[0], -cut[1]))
        if size <= sum(cut) or output_size(around, size) != made:
            problem = f"does not go around {layer.step.label}: its rounding makes another size"
            raise MisfitError("residual", True, problem, layer.step)


def _shapes(layer: Layer) -> Iterator[tuple[int, ...]]:
    """Yield the shapes of what a layer holds: its padded input, its output, its weights."""
    pads = [max(sum(axis.padding), 0) for axis in layer.along] or [0]
    sizes = (
        size + pad for size, pad in zip(layer.in_sizes, pads * len(layer.in_sizes), strict=False)
    )
    yield (layer.in_channels, *sizes)
    yield (layer.out_channels, *layer.out_sizes)
    yield (layer.out_channels, layer.in_channels, *layer.step.kernel)
