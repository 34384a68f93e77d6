"""What CLIP looks at in an image: patches, then all of them."""

from __future__ import annotations

from archscope.families.clip.spec import ClipSpec, blocks
from archscope.theory.layers import conv
from archscope.theory.outline import Outline


def outline(spec: ClipSpec) -> Outline:
    """Return what a patch sees; from the first block on it sees all of them."""
    patch = conv(spec.patch_size, stride=spec.patch_size, padding=0, name="visual.conv1")
    remark = (
        "the table is of the image; in the text each token sees those before it, and the token "
        "that ends it, which alone is compared, sees them all"
    )
    return Outline(
        axes=2,
        layers=(patch,),
        input_size=spec.input_size,
        reads_all=f"{blocks(spec)[0].path}.attn",
        remarks=(remark,),
    )
