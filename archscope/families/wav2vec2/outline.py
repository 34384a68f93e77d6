"""What a frame of wav2vec 2.0 looks at: the convolutions over samples; blocks see all frames."""

from __future__ import annotations

from archscope.families.wav2vec2.spec import Wav2Vec2Spec, blocks, convolutions
from archscope.theory.layers import conv
from archscope.theory.outline import Outline


def outline(spec: Wav2Vec2Spec) -> Outline:
    """Return what a frame of the front end sees, before anything reads all frames."""
    layers = tuple(
        conv(one.kernel_size, stride=one.stride, padding="valid", name=f"{one.path}.conv")
        for one in convolutions(spec)
    )
    attention = f"{blocks(spec)[0].path}.attn"
    first = f"{convolutions(spec)[0].path}.layer_norm"
    over_time = (
        f"{first} normalises each channel over all positions, so that strictly every frame depends "
        "on the whole input; the table is of the convolutions beside it"
    )
    return Outline(
        axes=1,
        layers=layers,
        input_size=spec.input_size,
        output="feature_extractor",
        reads_all=first if spec.conv_norm == "group" else attention,
        remarks=(
            *((over_time,) if spec.conv_norm == "group" else ()),
            f"the table is of a frame of feature_extractor; a convolution over "
            f"{spec.position_kernel} frames behind it tells positions, and from {attention} on "
            f"every frame sees all {spec.frames:,}",
        ),
    )
