"""Whisper: an encoder of spectrograms and a decoder of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks.checks import check_divides, check_even, check_odd
from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option

STRIDES = (1, 2)
"""Frames of the spectrogram from output to output of both convolutions."""


@frozen
class WhisperSpec:
    """The shape of a Whisper (Radford et al. 2022); the default is whisper-tiny on 30 seconds."""

    depth: int = option(4, "number of blocks of the encoder", low=1, high=10_000)
    decoder_depth: int | None = option(
        None, "number of blocks of the decoder (none: as depth)", low=1, high=10_000
    )
    d_model: int = option(384, "width of the model, in features", low=1, high=2**20)
    heads: int = option(6, "number of heads", low=1, high=2**16)
    d_ff: int = option(1536, "hidden width of a feed-forward layer", low=1, high=2**24)
    kernel_size: int = option(
        3, "kernel size of the two convolutions; the second has stride 2", low=1, high=2**16
    )
    mel_bins: int = option(80, "number of mel bins of the spectrogram", low=1, high=2**20)
    vocab_size: int = option(51_865, "size of the vocabulary", low=1, high=10**9)
    source_positions: int = option(
        1500, "rows of the encoder's position table, which is not trained", low=1, high=2**24
    )
    target_positions: int = option(448, "rows of the decoder's position table", low=1, high=2**24)
    input_size: int = option(
        3000, "length of the spectrogram, in frames; 100 are one second", low=1, high=2**24
    )
    target_len: int = option(448, "length of the text, in tokens", low=1, high=2**24)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_divides("heads", self.heads, "d_model", self.d_model)
        check_even("d_model", self.d_model, ": half of the features are sines")
        check_odd("kernel_size", self.kernel_size, ": the middle tap has to stand on a frame")
        if self.frames > self.source_positions:
            problem = (
                f"leaves {self.frames} frames for {self.source_positions} {{source_positions}}"
            )
            raise SpecError("input_size", self.input_size, problem)
        if self.target_len > self.target_positions:
            problem = f"is more than {{target_positions}} {self.target_positions}"
            raise SpecError("target_len", self.target_len, problem)

    @property
    def decoder_blocks(self) -> int:
        """Blocks of the decoder."""
        return self.decoder_depth or self.depth

    @property
    def frames(self) -> int:
        """Positions that the convolutions leave of the spectrogram."""
        return (self.input_size + 1) // 2


def blocks(spec: WhisperSpec) -> Iterator[Numbered]:
    """Yield the blocks of the encoder, then those of the decoder.

    The decoder's first block stands apart: the longest path enters it from the source, all later
    ones from the block before.
    """
    yield from numbered("encoder.blocks", spec.depth)
    first, *later = numbered("decoder.blocks", spec.decoder_blocks)
    yield replace(first, repeatable=False)
    yield from later


def describe(spec: WhisperSpec) -> Iterator[str]:
    """Yield what tells it from others, in words."""
    yield "whisper"
    yield f"depth {spec.depth} + {spec.decoder_blocks}"
    yield f"d_model {spec.d_model}"
    yield f"{spec.heads} heads"
    yield f"d_ff {spec.d_ff}"
    if spec.kernel_size != 3:
        yield f"kernel {spec.kernel_size}"
    yield f"vocab {spec.vocab_size:,}"
    yield f"input {spec.mel_bins}×{spec.input_size:,} to {spec.target_len} tokens"
    yield f"batch {spec.batch_size}"
