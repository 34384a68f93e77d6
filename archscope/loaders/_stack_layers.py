"""The numbers of a bare stack of convolutions, and the layers that they describe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archscope.blocks.per_layer import along, axes_of, item, require_axes, require_one_axis, sides
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option
from archscope.theory.layers import Layer, conv, pool

LISTS = {
    "dilations": "dilations",
    "kernel_size": "kernels",
    "stride": "strides",
    "padding": "paddings",
    "pool": "pools",
    "pool_stride": "pool strides",
    "pool_padding": "pool paddings",
}
"""The fields that hold one value for all layers or one per layer, and what to call their values."""
OF_ONE_PATH = ("depth", "pool", "residual", "convs_per_block")
"""Fields that parallel branches have not."""

Item = int | tuple[int, ...]
"""A number, or one for each axis."""
Layers = tuple[Layer, ...]
"""One layer along each axis."""


@frozen
class StackSpec:
    """The numbers of a stack of convolutions; a list that is shorter than the stack repeats.

    An item is a number for all axes, or one for each with `x` or `:` between: 3x5.
    """

    depth: int | None = option(
        None,
        "number of layers, or of blocks; shorter lists repeat (none: the length of the "
        "longest list)",
        low=1,
        high=1000,
    )
    dilations: tuple[Item, ...] = option(
        (1,),
        "dilation of each layer; here and below, 3x5 or 3:5 is 3 along the first axis and 5 "
        "along the second",
        low=1,
        high=2**31,
        along=True,
    )
    kernel_size: tuple[Item, ...] = option(
        (3,),
        "kernel size of each layer, or one for all, e.g. 7,3,3 or 3x5",
        low=1,
        high=2**16,
        along=True,
    )
    stride: tuple[Item, ...] = option(
        (1,), "stride of each layer, e.g. 2,1,1 or 2x1", low=1, high=2**16, along=True
    )
    spatial_dims: int | None = option(
        None,
        "number of spatial dimensions (none: as many as the items have, else 2, or 1 if causal)",
        low=1,
        high=3,
    )
    causal: bool = option(
        False,
        "outputs depend only on the present and the past: all padding before the input; one "
        "dimension only",
    )
    padding: tuple[Any, ...] = option(
        ("same",),
        "same: keeps the size at stride 1; valid: none; causal: all before the input; a "
        "number: on both sides; 6+0: 6 before, 0 after; causal:same: per axis",
        low=0,
        high=2**31,
        along=True,
        words=("same", "valid", "causal"),
        sides=True,
    )
    pool: tuple[Item, ...] = option(
        (1,),
        "window of a pooling layer after each layer, e.g. 1,2,1,2 (1: none)",
        low=1,
        high=2**16,
        along=True,
    )
    pool_stride: tuple[Item, ...] | None = option(
        None, "stride of the pooling (none: its window)", low=1, high=2**16, along=True
    )
    pool_padding: tuple[Item, ...] = option(
        (0,), "padding of the pooling, on both sides", low=0, high=2**16, along=True
    )
    convs_per_block: int = option(
        1,
        "consecutive convolutions that each item of the lists stands for; the first has the "
        "stride (TCN and ResNet: 2)",
        low=1,
        high=16,
    )
    residual: bool = option(
        False,
        "residual connections: add each block's input, through a convolution of kernel size 1 "
        "if the block has a stride, cropped to the output",
    )
    input_size: Item | None = option(
        None,
        "size of the input along each axis, e.g. 224 or 80x1000 (none: unbounded)",
        low=1,
        high=2**24,
        along=True,
    )

    def __post_init__(self) -> None:
        check(self)
        for field in LISTS:
            self.require_axes(field, getattr(self, field) or ())
        self.require_axes("input_size", [self.input_size])
        if self.causal and self.padding not in (("same",), ("causal",)):
            raise SpecError("causal", True, "needs {padding} causal: the past is replaced by zeros")
        require_one_axis(causal=self.causal, padding=self.padding, axes=self.axes)

    def require_axes(self, field: str, items: Sequence[Any]) -> None:
        """Raise `SpecError` where an item has not one number for each axis, of three at most."""
        require_axes(field, items, self.axes)

    @property
    def sees_only_past(self) -> bool:
        """Whether all padding comes first, along every axis."""
        return self.causal or set(self.padding) == {"causal"}

    @property
    def axes(self) -> int:
        """Number of spatial dimensions."""
        if self.spatial_dims is not None:
            return self.spatial_dims
        items = [self.input_size, *(one for field in LISTS for one in getattr(self, field) or ())]
        return axes_of(items) or (1 if self.sees_only_past else 2)


def count_of(spec: StackSpec) -> int:
    """Return the depth, or else how many items the longest list has."""
    return spec.depth or max(len(getattr(spec, field) or ()) for field in LISTS)


def check_branches(spec: StackSpec, count: int) -> None:
    """Raise `SpecError` where a list has neither one item nor one for each of `count` branches."""
    for field, noun in LISTS.items():
        given = getattr(spec, field) or (1,)
        if len(given) not in (1, count):
            problem = f"gives {len(given)} {noun} for {count} branches; give 1 or {count}"
            raise SpecError(field, listed(given), problem)
    _refuse_blocks(spec)


def _refuse_blocks(spec: StackSpec) -> None:
    usual = StackSpec()
    for field in OF_ONE_PATH:
        if getattr(spec, field) != getattr(usual, field):
            value = getattr(spec, field)
            shown = listed(value) if isinstance(value, tuple) else value
            raise SpecError(field, shown, "is for a single path, but branches are given")


def blocks_of(
    spec: StackSpec,
    count: int,
    dilations: Sequence[Item] | None = None,
    branch: int | None = None,
    prefix: str = "",
) -> list[list[Layers]]:
    """Return the layers of each item of the lists: its convolutions, and a pool behind them.

    Of a branch all layers take the item of its number.
    """
    rates = spec.dilations if dilations is None else dilations
    axes = spec.axes  # worked out of all items
    found = []
    for number in range(count):
        place = number if branch is None else branch
        rate = along(item(rates, number), axes)
        found.append(_convs(spec, number, place, rate, prefix))
        pooled = _along(spec, "pool", place, axes)
        if set(pooled) != {1}:
            found[-1].append(_pool(spec, number, place, pooled))
    return found


def _convs(
    spec: StackSpec, number: int, place: int, rates: tuple[int, ...], prefix: str
) -> list[Layers]:
    kernel, stride, padding = (
        _along(spec, field, place, len(rates)) for field in ("kernel_size", "stride", "padding")
    )
    found = []
    for turn in range(spec.convs_per_block):
        part = f"_{turn + 1}" if spec.convs_per_block > 1 else ""
        layer = tuple(
            conv(
                kernel[axis],
                stride=1 if turn else stride[axis],
                dilation=rates[axis],
                padding="causal" if spec.causal else sides(padding[axis]),
                name=f"{prefix}conv{number + 1}{part}",
            )
            for axis in range(len(rates))
        )
        found.append(layer)
    return found


def _pool(spec: StackSpec, number: int, place: int, pooled: tuple[int, ...]) -> Layers:
    axes = len(pooled)
    strides = pooled if spec.pool_stride is None else _along(spec, "pool_stride", place, axes)
    padding = _along(spec, "pool_padding", place, axes)
    return tuple(
        pool(pooled[axis], stride=strides[axis], padding=padding[axis], name=f"pool{number + 1}")
        for axis in range(axes)
    )


def _along(spec: StackSpec, field: str, place: int, axes: int) -> tuple[Any, ...]:
    return along(item(getattr(spec, field), place), axes)
