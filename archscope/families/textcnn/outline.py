"""What a TextCNN looks at: one branch for each width of filters."""

from __future__ import annotations

from archscope.families.textcnn.spec import TextCnnSpec
from archscope.theory.layers import conv
from archscope.theory.outline import Branch, Outline


def outline(spec: TextCnnSpec) -> Outline:
    """Return what one position of each feature map looks at, before the maximum over all."""
    branches = (
        Branch(name=f"convs.{n}", stack=(conv(width, padding="valid", name=f"convs.{n}"),))
        for n, width in enumerate(spec.windows)
    )
    return Outline(
        axes=1, branches=tuple(branches), input_size=spec.seq_len, noun="token", reads_all="pool"
    )
