"""NAS-Bench-101 (Ying et al. 2019): a cell of vertices, repeated in stacks.

B batch, I channels in, O channels out, V channels of a vertex, C classes, H x W and X x Y
positions, x x y after a pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce

import torch
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.inverted_residual import ConvNormActivation
from archscope.blocks.plan import Step, lists
from archscope.blocks.stack import sequence
from archscope.families.nasbench101.cell import Vertex as Plan
from archscope.families.nasbench101.spec import NasBench101Spec, cell


class Vertex(nn.Module):
    """An operator on the sum of what it reads; the cell's input is projected to its channels."""

    def __init__(self, plan: Plan, inputs: int) -> None:
        super().__init__()
        self.sources, channels = plan.sources, plan.channels
        self.channels = channels
        self.projection = _relued(inputs, channels, 1) if plan.reads_input else None
        self.operator: nn.Module = nn.MaxPool2d(3, stride=1, padding=1)
        if plan.kernel:
            self.operator = _relued(channels, channels, plan.kernel)

    def forward(self, found: Sequence[Tensor]) -> Tensor:
        """Take all vertices before, the first of them the input; return (B, V, X, Y)."""
        read = [found[source][:, : self.channels] for source in self.sources]
        if self.projection is not None:
            read.append(self.projection(found[0]))
        made: Tensor = self.operator(reduce(torch.add, read))  # (B, V, X, Y)
        return made


class Cell(nn.Module):
    """Vertices whose outputs are put side by side; a pool of 2x2 first where the cell strides."""

    def __init__(self, spec: NasBench101Spec, plan: Step) -> None:
        super().__init__()
        inputs, outputs = plan.in_channels, plan.out_channels
        found = cell(spec.matrix, spec.operators, outputs)
        self.pool = nn.MaxPool2d(2, ceil_mode=True) if plan.stride > 1 else None
        for vertex in found.vertices:
            self.add_module(f"vertex_{vertex.number}", Vertex(vertex, inputs))
        self.vertices = len(found.vertices)
        self.out = [vertex.number for vertex in found.vertices if vertex.goes_out]
        self.projection = _relued(inputs, outputs, 1) if found.passes_input else None

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        found = [x if self.pool is None else self.pool(x)]
        for number in range(1, self.vertices + 1):
            found.append(self.get_submodule(f"vertex_{number}")(found))
        parts = [torch.cat([found[number] for number in self.out], 1)] if self.out else []
        if self.projection is not None:
            parts.append(self.projection(found[0]))
        return reduce(torch.add, parts)  # (B, O, x, y)


class NasBench101(nn.Module):
    """A convolution, stacks of cells, the mean over all positions, one linear layer."""

    def __init__(self, spec: NasBench101Spec, blocks: Sequence[Step]) -> None:
        super().__init__()
        self.stem = _relued(spec.in_channels, spec.channels, 3)
        self.stacks = list(lists(blocks))
        for path, inside in lists(blocks).items():
            self.add_module(path, sequence(inside, partial(Cell, spec)))
        self.classifier = part("head", nn.Linear(blocks[-1].out_channels, spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = self.stem(x)
        for stack in self.stacks:
            x = self.get_submodule(stack)(x)  # (B, O, X, Y)
        scores: Tensor = self.classifier(x.mean((2, 3)))  # (B, C)
        return scores


def _relued(inputs: int, outputs: int, kernel: int) -> nn.Module:
    return ConvNormActivation(inputs, outputs, kernel, activation="relu")
