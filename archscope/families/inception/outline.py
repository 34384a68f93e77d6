"""What a network of Inception modules looks at: its longest paths, along both axes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from archscope.families.inception.plan import Fork, Module, Part, Step, parts
from archscope.families.inception.spec import InceptionSpec
from archscope.theory.layers import Layer, Stack, conv, pool
from archscope.theory.outline import Branch, Outline


def outline(spec: InceptionSpec) -> Outline:
    """Return what the network looks at: its longest path, or all where no one is the longest."""
    routes = list(_routes(list(parts(spec))))
    remark = (
        "the table is of the branch of each module that sees the most; the others see parts of the "
        "same windows"
    )
    rows, columns = zip(*(_stacks(route) for route in routes), strict=True)
    if len(routes) == 1:
        return Outline(
            axes=2,
            layers=rows[0],
            others=(columns[0],),
            input_size=spec.input_size,
            reads_all="avgpool",
            remarks=(remark,),
        )
    branches = tuple(
        Branch(name=_named(route), stack=row, others=(column,))
        for route, row, column in zip(routes, rows, columns, strict=True)
    )
    return Outline(
        axes=2,
        branches=branches,
        input_size=spec.input_size,
        reads_all="avgpool",
        remarks=(remark,),
    )


Route = list[tuple[str, Step]]
"""Steps with their paths in the network, one after the other."""


def _routes(found: list[Part]) -> Iterator[Route]:
    """Yield every way through the longest branches; they part where a branch ends in a fork."""
    choices: list[list[Route]] = []
    for item in found:
        if isinstance(item, Module):
            branch = max(item.branches, key=_reach)
            ways = product(*branch)
            choices.append([[(f"{item.name}.{step.name}", step) for step in way] for way in ways])
        else:
            choices.append([[(item.name, item)]])
    for way in product(*choices):
        yield [step for piece in way for step in piece]


def _reach(branch: tuple[Fork, ...]) -> int:
    """Return how far its kernels reach along both axes together."""
    return sum(sum(step.kernel) - 2 for fork in branch for step in fork)


def _named(route: Route) -> str:
    """Return the ends of forks that a way takes, e.g. `branch3x3dbl_3a, branch3x3dbl_3b`."""
    return ", ".join(path for path, step in route if step.kernel in ((1, 3), (3, 1)))


def _stacks(route: Route) -> tuple[Stack, Stack]:
    height, width = (tuple(_layer(path, step, axis) for path, step in route) for axis in (0, 1))
    return height, width


def _layer(path: str, step: Step, axis: int) -> Layer:
    kernel, padding = step.kernel[axis], step.padding[axis]
    if step.kind == "conv":
        return conv(kernel, stride=step.stride, padding=padding, name=path)
    return pool(kernel, stride=step.stride, padding=padding, ceil_mode=step.ceil_mode, name=path)
