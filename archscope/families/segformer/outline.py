"""What a SegFormer looks at: everything by attention, and by its convolutions what is near."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.families.segformer.spec import KERNELS, STRIDES, SegformerSpec, blocks
from archscope.theory.layers import Layer, conv, linear
from archscope.theory.outline import Outline


def layers(spec: SegformerSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis, and through the last stage."""
    plan = list(blocks(spec))
    for stage, (kernel, stride) in enumerate(zip(KERNELS, STRIDES, strict=True)):
        path = f"stages.{stage}"
        yield conv(kernel, stride=stride, padding=kernel // 2, name=f"{path}.patch_emb")
        for block in plan:
            if block.path.startswith(f"{path}."):
                yield conv(3, name=f"{block.path}.mlp.dwconv")
    yield linear(8, name="stage 4 to stage 1")
    yield conv(1, name="decoder.linear_fuse")
    yield conv(1, name="decoder.classifier")


def outline(spec: SegformerSpec) -> Outline:
    """Return what the network looks at."""
    found, output, partial = tuple(layers(spec)), "", ""
    stage = _with_one_key(spec)
    if stage is not None:
        output = f"stages.{stage}.patch_emb"
        last = next(number for number, layer in enumerate(found) if layer.name == output)
        found = found[: last + 1]
        partial = (
            f"the table ends before the blocks of stage {stage}, where one convolution makes one "
            "key of the whole map, and each position sees all that it sees"
        )
    return Outline(
        axes=2,
        layers=found,
        input_size=spec.input_size,
        output=output,
        reads_all="stages.0.blocks.0.attn",
        partial=partial,
        remarks=(
            "the table is of the convolutions of patches and feed-forwards through all stages, "
            "which see all that those of fewer stages see",
        ),
    )


def _with_one_key(spec: SegformerSpec) -> int | None:
    """Return the first stage whose map becomes one key, None if there is none."""
    size = spec.input_size
    for stage, (stride, reduction) in enumerate(zip(STRIDES, spec.reductions, strict=True)):
        size //= stride
        if size // reduction == 1:
            return stage
    return None
