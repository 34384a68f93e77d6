"""What a ViTDet looks at: patches, then within windows, then all of them."""

from __future__ import annotations

from archscope.families.vitdet.spec import BODY, GLOBAL, VitDetSpec, blocks
from archscope.theory.layers import conv
from archscope.theory.outline import Outline


def outline(spec: VitDetSpec) -> Outline:
    """Return what a patch sees; from the first global block on it sees all of them."""
    patch = conv(spec.patch_size, stride=spec.patch_size, padding=0, name=f"{BODY}patch_emb")
    whole = [block.path for block in blocks(spec) if block.kind == GLOBAL]
    return Outline(
        axes=2,
        layers=(patch,),
        input_size=spec.input_size,
        output=f"{BODY}patch_emb",
        reads_all=f"{whole[0]}.attn" if whole else "",
        partial="the table is of one patch alone; blocks that are not global let it see the "
        f"others of its window, {spec.window}×{spec.window} counted from the first patch",
    )
