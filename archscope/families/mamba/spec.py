"""Mamba and Mamba-2: decoders whose blocks are selective state spaces."""

from __future__ import annotations

from typing import Literal

from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, nearest_divisors, option

_READ_BY = {"step_rank": "v1", "inner_norm": "v1", "head_dim": "v2", "chunk_size": "v2"}
"""Fields that one version alone reads."""


@frozen
class MambaSpec:
    """The shape of a Mamba (Gu & Dao 2023) or Mamba-2 (Dao & Gu 2024); by default mamba-130m."""

    version: Literal["v1", "v2"] = option(
        "v1",
        "v1 (Mamba): each number of a state decays at its own rate; v2 (Mamba-2): one "
        "rate per head, computed in chunks",
    )
    depth: int = option(24, "number of blocks, each only a mixer", low=1, high=10_000)
    d_model: int = option(768, "width of the model, in features", low=1, high=2**20)
    expansion: int = option(2, "inner width of a block, as a multiple of d_model", low=1, high=64)
    state_size: int | None = option(
        None,
        "state size: numbers that the recurrence keeps per inner feature (none: 16, in v2 128)",
        low=1,
        high=2**16,
    )
    kernel_size: int = option(
        4, "kernel size of the convolution before the recurrence", low=1, high=2**16
    )
    step_rank: int | None = option(
        None,
        "rank of v1's projection to step sizes (none: d_model / 16, rounded up)",
        low=1,
        high=2**20,
    )
    head_dim: int | None = option(
        None, "inner features per head of v2 (none: 64)", low=1, high=2**20
    )
    chunk_size: int | None = option(
        None, "chunk size of v2's recurrence, in tokens (none: 256)", low=1, high=2**20
    )
    inner_norm: bool = option(
        False, "norms without weights on v1's step sizes and its B and C (Falcon Mamba)"
    )
    bias: bool = option(False, "biases in a block's input and output projections")
    conv_bias: bool = option(True, "a bias in the convolution")
    vocab_size: int = option(50_280, "size of the vocabulary", low=1, high=10**9)
    tied: bool = option(True, "share one table between input and output tokens")
    seq_len: int = option(2048, "length of the input, in tokens", low=1, high=2**24)
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        for field, version in _READ_BY.items():
            value = getattr(self, field)
            if value and self.version != version:
                raise SpecError(field, value, f"needs {{version}} {version}")
        if self.version == "v2":
            self._check_heads()

    def _check_heads(self) -> None:
        if self.inner % self.head_width:
            near = ", ".join(map(str, nearest_divisors(self.inner, self.head_width)))
            problem = f"does not divide the {self.inner} inner features. Nearest: {near}"
            raise SpecError("head_dim", self.head_width, problem)

    @property
    def inner(self) -> int:
        """Inner features of a block."""
        return self.expansion * self.d_model

    @property
    def state(self) -> int:
        """Numbers that are kept of each inner feature."""
        return self.state_size or (128 if self.version == "v2" else 16)

    @property
    def head_width(self) -> int:
        """Inner features that fade alike."""
        return self.head_dim or 64

    @property
    def chunk(self) -> int:
        """Tokens of a chunk."""
        return self.chunk_size or 256


def blocks(spec: MambaSpec) -> list[Numbered]:
    """Return the blocks, which are all alike."""
    return numbered("blocks", spec.depth)


def describe(spec: MambaSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = ["mamba-2" if spec.version == "v2" else "mamba", f"depth {spec.depth}"]
    words += [f"d_model {spec.d_model}", f"inner {spec.inner}", f"state {spec.state}"]
    if spec.version == "v2":
        words += [f"heads of {spec.head_width}", f"chunks of {spec.chunk}"]
    if spec.kernel_size != 4:
        words.append(f"kernel {spec.kernel_size}")
    if spec.step_rank:
        words.append(f"step rank {spec.step_rank}")
    if spec.inner_norm:
        words.append("normed steps and states")
    if spec.bias:
        words.append("biases")
    if not spec.conv_bias:
        words.append("no bias in the convolution")
    words.append(f"vocab {spec.vocab_size:,}" + ("" if spec.tied else " untied"))
    return [*words, f"seq {spec.seq_len}", f"batch {spec.batch_size}"]
