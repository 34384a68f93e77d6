"""Mamba: decoders whose blocks are selective state spaces."""

from __future__ import annotations

from archscope.blocks.plan import Numbered, numbered
from archscope.records import frozen
from archscope.specs import check, option


@frozen
class MambaSpec:
    """The shape of a Mamba (Gu & Dao 2023); the default is mamba-130m."""

    depth: int = option(24, "number of blocks, each a mixer alone", low=1, high=10_000)
    d_model: int = option(768, "width of the model, in features", low=1, high=2**20)
    expand: int = option(2, "inner width of a block, as a multiple of d_model", low=1, high=64)
    state_size: int = option(
        16, "numbers that the recurrence keeps of each inner feature", low=1, high=2**16
    )
    kernel_size: int = option(
        4, "taps of the convolution before the recurrence, in tokens", low=1, high=2**16
    )
    step_rank: int | None = option(
        None,
        "rank of the projection that makes the steps (none: d_model / 16, rounded up)",
        low=1,
        high=2**20,
    )
    bias: bool = option(False, "biases in the projections into and out of a block")
    conv_bias: bool = option(True, "a bias in the convolution")
    vocab_size: int = option(50_280, "number of tokens", low=1, high=10**9)
    tied: bool = option(True, "one table for input and output tokens")
    seq_len: int = option(2048, "tokens of the input", low=1, high=2**24)
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)


def blocks(spec: MambaSpec) -> list[Numbered]:
    """Return the blocks, which are all alike."""
    return numbered("blocks", spec.depth)


def describe(spec: MambaSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = ["mamba", f"depth {spec.depth}", f"d_model {spec.d_model}"]
    words += [f"inner {spec.expand * spec.d_model}", f"state {spec.state_size}"]
    if spec.kernel_size != 4:
        words.append(f"kernel {spec.kernel_size}")
    if spec.step_rank:
        words.append(f"step rank {spec.step_rank}")
    if spec.bias:
        words.append("biases")
    if not spec.conv_bias:
        words.append("no bias in the convolution")
    words.append(f"vocab {spec.vocab_size:,}" + ("" if spec.tied else " untied"))
    return [*words, f"seq {spec.seq_len}", f"batch {spec.batch_size}"]
