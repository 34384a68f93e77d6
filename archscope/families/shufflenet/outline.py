"""What a ShuffleNet looks at: its longest path as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.families.shufflenet.spec import ShuffleNetSpec, blocks
from archscope.theory.layers import Layer, conv, pool
from archscope.theory.outline import Outline


def layers(spec: ShuffleNetSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis."""
    yield conv(3, stride=2, padding=1, name="conv1.0")
    yield pool(3, stride=2, padding=1, name="maxpool")
    for block in blocks(spec):
        yield conv(1, name=f"{block.path}.branch2.0")
        yield conv(3, stride=block.stride, padding=1, name=f"{block.path}.branch2.3")
        yield conv(1, name=f"{block.path}.branch2.5")
    yield conv(1, name="conv5.0")


def outline(spec: ShuffleNetSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    remark = (
        "half of the channels go around each block, and the shuffle brings them into the next; the "
        "table is of the path through all blocks, and the shorter ones see the middle of the same "
        "windows"
    )
    return Outline(
        axes=2,
        layers=tuple(layers(spec)),
        input_size=spec.input_size,
        reads_all="avgpool",
        remarks=(remark,),
    )
