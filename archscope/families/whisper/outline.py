"""What Whisper looks at along the spectrogram: its two convolutions; blocks see all frames."""

from __future__ import annotations

from archscope.families.whisper.spec import STRIDES, WhisperSpec
from archscope.theory.layers import conv
from archscope.theory.outline import Outline


def outline(spec: WhisperSpec) -> Outline:
    """Return what a position of the encoder sees, before attention reads all of them."""
    side = spec.kernel_size // 2
    return Outline(
        axes=1,
        layers=tuple(
            conv(spec.kernel_size, stride=stride, padding=side, name=f"encoder.conv{number}")
            for number, stride in enumerate(STRIDES, start=1)
        ),
        input_size=spec.input_size,
        output="encoder.conv2",
        reads_all="encoder.blocks.0.attn",
        remarks=(
            "the table is of a position of the encoder before its blocks, in frames of the "
            f"spectrogram; every token of the text sees all {spec.input_size:,} frames, and of the "
            "text what came before it",
        ),
    )
