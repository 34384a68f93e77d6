"""What an HRNet looks at: the path that goes to the coarsest branch at once and stays on it."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.residual_plan import longest_path, residual_remark
from archscope.families.hrnet.spec import HrnetSpec, basics, stem
from archscope.theory.layers import Layer, conv, linear
from archscope.theory.outline import Outline


def layers(spec: HrnetSpec) -> Iterator[Layer]:
    """Yield the longest path along one axis up to the head."""
    yield conv(3, stride=2, padding=1, name="conv1")
    yield conv(3, stride=2, padding=1, name="conv2")
    for block in stem(spec):
        yield from longest_path(block)
    for number, modules in enumerate(spec.modules, start=2):
        branch = number - 1
        yield conv(3, stride=2, padding=1, name=f"transition{branch}.{branch}.0.0")
        for module in range(modules):
            path = f"stage{number}.{module}.branches.{branch}"
            for block in basics(spec, path, branch):
                yield from longest_path(block)


def outline(spec: HrnetSpec) -> Outline:
    """Return what the network looks at."""
    body = tuple(layers(spec))
    last = len(spec.modules)
    if spec.head == "classification":
        after: tuple[Layer, ...] = (
            conv(1, name=f"head.incre_modules.{last}.0.conv1"),
            conv(3, name=f"head.incre_modules.{last}.0.conv2"),
            conv(1, name=f"head.incre_modules.{last}.0.conv3"),
            conv(1, name="head.final_layer.0"),
        )
    else:
        after = (
            linear(2**last, name="coarsest to finest"),
            conv(1, name="head.last_layer.0"),
            conv(1, name="head.last_layer.3"),
        )
    return Outline(
        axes=2,
        layers=(*body, *after),
        input_size=spec.input_size,
        reads_all="head.avgpool" if spec.head == "classification" else "",
        remarks=(
            residual_remark(body),
            "the table is of the path through the coarsest branch of each stage, which sees all "
            "that the paths through finer branches see",
        ),
    )
