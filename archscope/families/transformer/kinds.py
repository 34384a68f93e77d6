"""The kinds that a Transformer's fields choose among, each with the numbers that it alone reads."""

from __future__ import annotations

from typing import ClassVar

from archscope.errors import SpecError
from archscope.families.transformer.mixers import PAST_ONLY as PAST_ONLY
from archscope.families.transformer.mixers import DilatedConv as DilatedConv
from archscope.families.transformer.mixers import DualStateSpace as DualStateSpace
from archscope.families.transformer.mixers import GatedDelta as GatedDelta
from archscope.families.transformer.mixers import LightningAttention as LightningAttention
from archscope.families.transformer.mixers import LinearAttention as LinearAttention
from archscope.families.transformer.mixers import Mixer as Mixer
from archscope.families.transformer.mixers import SelfAttention as SelfAttention
from archscope.families.transformer.mixers import StateSpace as StateSpace
from archscope.records import frozen
from archscope.specs import option


@frozen
class Decoder:
    """One stack of blocks, which sees only the past."""

    word: ClassVar[str] = "decoder"
    causal: bool = option(True, "causal: each position sees only itself and earlier ones")


@frozen
class Encoder:
    """One stack of blocks, which sees both sides."""

    word: ClassVar[str] = "encoder"
    causal: bool = option(False, "causal: each position sees only itself and earlier ones")


@frozen
class EncoderDecoder:
    """Two stacks, of which the second sees its past and attends to the first."""

    word: ClassVar[str] = "encoder-decoder"
    decoder_depth: int | None = option(
        None, "number of decoder blocks (none: as depth)", low=1, high=10_000
    )
    target_len: int | None = option(
        None, "length of the target, in tokens (none: as seq_len)", low=1, high=2**24
    )


Arch = Decoder | Encoder | EncoderDecoder


@frozen
class Full:
    """A query sees all keys."""

    word: ClassVar[str] = "full"
    sinks: bool = option(
        False, "an attention sink per head: one extra logit that enters only the softmax"
    )


@frozen
class Window:
    """A query sees the nearest keys."""

    word: ClassVar[str] = "window"
    window: int = option(
        255,
        "keys per query, its own position included; odd unless causal; windows are computed "
        "in full at the edges too",
        low=1,
        high=2**24,
    )
    masked_window: bool = option(
        False, "compute all scores and mask those outside the window: saves no work"
    )
    full_every: int | None = option(
        None,
        "every n-th block has full attention, the others windows (none: all have windows)",
        low=1,
        high=10_000,
    )
    sinks: bool = option(
        False, "an attention sink per head: one extra logit that enters only the softmax"
    )

    def __post_init__(self) -> None:
        if self.sinks and not self.masked_window:
            raise SpecError("sinks", True, "needs {masked_window} where {attention} has windows")


@frozen
class DilatedWindow:
    """A query sees the nearest keys that lie some positions apart."""

    word: ClassVar[str] = "dilated-window"
    window: int = option(255, "keys per query", low=1, high=2**24)
    window_dilation: int = option(
        2, "distance between neighbouring keys of a window, in positions", low=1, high=2**20
    )
    full_every: int | None = option(None, "every n-th block has full attention", low=1, high=10_000)


@frozen
class Chunk:
    """A query sees those before it in its own chunk of the sequence (Meta 2025, Llama 4)."""

    word: ClassVar[str] = "chunk"
    chunk: int = option(
        8192, "size of the chunks that attention is restricted to, in tokens", low=1, high=2**24
    )
    full_every: int = option(
        4,
        "every n-th block has full attention, which connects the chunks",
        low=2,
        high=10_000,
    )


Attention = Full | Window | DilatedWindow | Chunk


@frozen
class Dense:
    """One feed-forward for all tokens."""

    word: ClassVar[str] = "dense"


@frozen
class MixtureOfExperts:
    """Several feed-forwards, of which each token is sent to a few."""

    word: ClassVar[str] = "moe"
    experts: int = option(
        8, "experts per feed-forward layer; 0: one dense layer", low=1, high=2**16, chooses=True
    )
    top_k: int | None = option(None, "experts per token (none: 2)", low=1, high=2**16)
    moe_every: int = option(
        1, "every n-th block has experts, the others are dense", low=1, high=10_000
    )
    dense_blocks: int = option(
        0,
        "number of first blocks that have a dense feed-forward layer instead of experts",
        low=0,
        high=10_000,
    )
    dense_ff: int | None = option(
        None, "hidden width of the dense feed-forward layers (none: as d_ff)", low=1, high=2**24
    )
    shared_ff: int = option(
        0,
        "hidden width of the shared expert, which processes every token; 0: none",
        low=0,
        high=2**24,
    )
    shared_gate: bool = option(False, "a gate on the shared expert's output")
    router_bias: bool = option(False, "a bias in the router")

    def __post_init__(self) -> None:
        if self.top_k is not None and self.top_k > self.experts:
            problem = f"is more than {{experts}} {self.experts}. Give 1 to {self.experts}"
            raise SpecError("top_k", self.top_k, problem)
        if self.dense_ff is not None and self.moe_every == 1 and not self.dense_blocks:
            problem = "needs dense blocks: {dense_blocks} of 1, or {moe_every} of 2, or more"
            raise SpecError("dense_ff", self.dense_ff, problem)
        if self.shared_gate and not self.shared_ff:
            raise SpecError("shared_gate", True, "needs {shared_ff} of 1 or more")

    @property
    def chosen(self) -> int:
        """Experts that each token is sent to."""
        return self.top_k or min(2, self.experts)


FeedForward = Dense | MixtureOfExperts


@frozen
class Learned:
    """A table with a row for each position."""

    word: ClassVar[str] = "learned"
    max_positions: int | None = option(
        None,
        "rows of the learned position table (none: the length of the input)",
        low=1,
        high=2**24,
    )


@frozen
class Sinusoidal:
    """Sines and cosines added to the embeddings (Vaswani et al. 2017, section 3.5)."""

    word: ClassVar[str] = "sinusoidal"


@frozen
class Rotary:
    """Queries and keys turned by their position (Su et al. 2021, eq. 34)."""

    word: ClassVar[str] = "rotary"
    rotary_dim: int | None = option(
        None, "features of each head that are rotated (none: all)", low=2, high=2**16
    )


@frozen
class Alibi:
    """Scores that fall with the distance (Press et al. 2022, section 3)."""

    word: ClassVar[str] = "alibi"


@frozen
class NoPositions:
    """A token does not know its place."""

    word: ClassVar[str] = "none"


Positions = Learned | Sinusoidal | Rotary | Alibi | NoPositions


@frozen
class LayerNorm:
    """Mean and variance normalised (Ba et al. 2016)."""

    word: ClassVar[str] = "layernorm"
    norm_bias: bool | None = option(None, "biases in norms (none: as bias)")


@frozen
class RmsNorm:
    """Root mean square normalised (Zhang & Sennrich 2019)."""

    word: ClassVar[str] = "rmsnorm"


Norm = LayerNorm | RmsNorm


@frozen
class PreNorm:
    """A norm before each part of a block."""

    word: ClassVar[str] = "pre"
    parallel: bool = option(False, "run attention and feed-forward in parallel on the same input")
    shared_norm: bool = option(False, "one norm for both parallel branches")

    def __post_init__(self) -> None:
        if self.shared_norm and not self.parallel:
            raise SpecError("shared_norm", True, "needs {parallel}")


@frozen
class PostNorm:
    """A norm after the residual sum of each part of a block."""

    word: ClassVar[str] = "post"


@frozen
class SandwichNorm:
    """A norm before each part of a block and another on its answer."""

    word: ClassVar[str] = "sandwich"


NormPlace = PreNorm | PostNorm | SandwichNorm


@frozen
class LanguageHead:
    """One projection to scores over the vocabulary."""

    word: ClassVar[str] = "lm"
    head_bias: bool = option(False, "a bias in the lm head")


@frozen
class MaskedHead:
    """BERT's dense layer, norm and projection to scores over the vocabulary."""

    word: ClassVar[str] = "mlm"


@frozen
class NoHead:
    """Features come out."""

    word: ClassVar[str] = "none"


Head = LanguageHead | MaskedHead | NoHead
