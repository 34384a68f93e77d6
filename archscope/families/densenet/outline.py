"""What a DenseNet looks at: its longest path as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.families.densenet.spec import DenseNetSpec
from archscope.theory.layers import Layer, conv, pool
from archscope.theory.outline import Outline


def layers(spec: DenseNetSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis."""
    if spec.stem == "3x3":
        yield conv(3, name="features.conv0")
    else:
        yield conv(7, stride=2, padding=3, name="features.conv0")
        yield pool(3, stride=2, padding=1, name="features.pool0")
    for number, count in enumerate(spec.blocks, start=1):
        if number > 1:
            yield conv(1, name=f"features.transition{number - 1}.conv")
            yield pool(2, name=f"features.transition{number - 1}.pool")
        for layer in range(1, count + 1):
            path = f"features.denseblock{number}.denselayer{layer}"
            kernels = (1, 3) if spec.bottleneck else (3,)
            for place, kernel in enumerate(kernels, start=1):
                yield conv(kernel, name=f"{path}.conv{place}")


def outline(spec: DenseNetSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    remark = (
        "a layer reads the outputs of all layers before it in its block; the table is of the path "
        "through all of them, and the shorter ones see the middle of the same windows"
    )
    return Outline(
        axes=2,
        layers=tuple(layers(spec)),
        input_size=spec.input_size,
        reads_all="avgpool",
        remarks=(remark,),
    )
