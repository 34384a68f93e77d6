"""Layers of maps in closed form. No torch."""

from __future__ import annotations

from archscope.theory import counts
from archscope.theory.census import Counted, convolution_kind


def convolution(
    positions: int,
    inputs: int,
    outputs: int,
    kernel: tuple[int, ...],
    *,
    groups: int = 1,
    bias: bool = False,
    read: int | None = None,
) -> Counted:
    """Return a convolution that makes so many positions, of batch and space.

    A transposed one is told by the positions that it `read`.
    """
    transposed = read is not None
    form = counts.convolution(
        positions=positions if read is None else read,
        inputs=inputs,
        outputs=outputs,
        kernel=kernel,
        groups=groups,
        bias=bias,
    )
    kind = convolution_kind(kernel, inputs=inputs, groups=groups, transposed=transposed)
    return Counted(kind=kind, form=form, outputs=positions * outputs)
