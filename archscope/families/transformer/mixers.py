"""What can mix the positions of a block of a Transformer, each with the numbers it alone reads."""

from __future__ import annotations

from typing import ClassVar

from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import nearest_divisors, option


@frozen
class SelfAttention:
    """Every position asks all that it may see."""

    word: ClassVar[str] = "attention"
    output_gate: bool = option(
        False, "multiply each head's output by a gate computed from the token (Qiu 2025)"
    )


@frozen
class DilatedConv:
    """A convolution over positions, from all features to all or one for each feature."""

    word: ClassVar[str] = "dilated-conv"
    kernel_size: tuple[int, ...] = option(
        (3,),
        "kernel sizes of the convolutions that replace attention, one per such block, "
        "repeated as a pattern",
        low=1,
        high=2**16,
    )
    dilations: tuple[int, ...] = option(
        (1,),
        "dilations of those convolutions, one per such block, repeated as a pattern",
        low=1,
        high=2**20,
    )
    depthwise: bool = option(False, "make those convolutions depthwise")

    def __post_init__(self) -> None:
        for field in ("kernel_size", "dilations"):
            if not getattr(self, field):
                raise SpecError(field, (), "has no items. Give at least one, e.g. 1,2,4")


@frozen
class LinearAttention:
    """Attention without a softmax, at a cost that grows with the length (Katharopoulos 2020)."""

    word: ClassVar[str] = "linear-attention"


@frozen
class LightningAttention:
    """Linear attention that forgets at a pace of each head's own, with a norm and gates on what it
    answers (MiniMax 2025); it has as many key heads as heads."""

    word: ClassVar[str] = "lightning-attention"


@frozen
class GatedDelta:
    """Linear attention that erases before it writes, behind a short convolution (Yang 2024)."""

    word: ClassVar[str] = "gated-delta"
    delta_heads: int = option(32, "number of value heads of the gated delta net", low=1, high=2**16)
    delta_key_heads: int | None = option(
        None, "number of its query and key heads (none: as delta_heads)", low=1, high=2**16
    )
    delta_key_dim: int = option(
        128, "width of a query and key head, in features", low=1, high=2**16
    )
    delta_value_dim: int = option(128, "width of a value head, in features", low=1, high=2**16)
    delta_kernel: int = option(
        4, "kernel size of the convolution before its recurrence", low=1, high=2**16
    )

    def __post_init__(self) -> None:
        if self.delta_heads % self.key_heads:
            near = ", ".join(map(str, nearest_divisors(self.delta_heads, self.key_heads)))
            problem = f"does not divide {{delta_heads}} {self.delta_heads}. Nearest: {near}"
            raise SpecError("delta_key_heads", self.key_heads, problem)

    @property
    def key_heads(self) -> int:
        """Heads of its queries and keys."""
        return self.delta_key_heads or self.delta_heads

    @property
    def conv_width(self) -> int:
        """Channels of its convolution: queries, keys and values."""
        values = self.delta_heads * self.delta_value_dim
        return 2 * self.key_heads * self.delta_key_dim + values


@frozen
class StateSpace:
    """A recurrence that each token steers, as in Mamba (Gu & Dao 2023); both ways in an encoder."""

    word: ClassVar[str] = "state-space"
    state_size: int = option(
        16, "state size: numbers that the recurrence keeps per inner feature", low=1, high=2**16
    )
    expansion: int = option(
        2, "inner width of the recurrence, as a multiple of d_model", low=1, high=64
    )
    state_kernel: int = option(
        4, "kernel size of the convolution before the recurrence", low=1, high=2**16
    )
    state_conv_bias: bool | None = option(None, "a bias in that convolution (none: as bias)")
    state_norm: bool = option(
        False, "norms on the recurrence's step sizes and its B and C (Lieber 2024, Jamba)"
    )


@frozen
class DualStateSpace:
    """A recurrence whose features fade alike in a head, as in Mamba-2 (Dao & Gu 2024)."""

    word: ClassVar[str] = "state-space-dual"
    state_size: int = option(
        128, "state size: numbers that the recurrence keeps per inner feature", low=1, high=2**16
    )
    expansion: int = option(
        2, "inner width of the recurrence, as a multiple of d_model", low=1, high=64
    )
    state_kernel: int = option(
        4, "kernel size of the convolution before the recurrence", low=1, high=2**16
    )
    state_head_dim: int = option(64, "inner features per head", low=1, high=2**20)
    state_groups: int = option(1, "groups of heads that share B and C", low=1, high=2**16)
    state_chunk: int = option(256, "chunk size of the recurrence, in tokens", low=1, high=2**20)
    state_conv_bias: bool | None = option(None, "a bias in that convolution (none: as bias)")


Mixer = (
    SelfAttention
    | DilatedConv
    | LinearAttention
    | LightningAttention
    | GatedDelta
    | StateSpace
    | DualStateSpace
)

PAST_ONLY = (LightningAttention, GatedDelta, DualStateSpace)
"""Those that have no way to see what comes later."""
