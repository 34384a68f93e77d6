"""What a Vision Transformer looks at: patches, then all of them."""

from __future__ import annotations

from archscope.families.vit.spec import VitSpec
from archscope.theory.layers import conv
from archscope.theory.outline import Outline


def outline(spec: VitSpec) -> Outline:
    """Return what a patch sees; from the first block on it sees all of them."""
    patch = conv(spec.patch_size, stride=spec.patch_size, padding=0, name="patch_emb")
    return Outline(axes=2, layers=(patch,), input_size=spec.input_size, reads_all="blocks.0.attn")
