"""XLNet: encoders with relative attention."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archscope.blocks.repeats import repeats
from archscope.errors import SpecError
from archscope.specs import check, nearest_divisors, option
from archscope.subject import Inputs, Repeat
from archscope.theory.outline import Attention, Outline

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class XlnetSpec:
    """The shape of an XLNet; the default is xlnet-base-cased."""

    depth: int = option(12, "number of blocks", low=1, high=10_000)
    d_model: int = option(768, "width of the model, in features", low=1, high=2**20)
    heads: int = option(12, "number of heads", low=1, high=2**16)
    d_ff: int = option(3072, "hidden features of one feed-forward", low=1, high=2**24)
    vocab_size: int = option(32_000, "number of tokens", low=1, high=10**9)
    segments: bool = option(
        False, "segment numbers as a second input, which adds a term to the scores"
    )
    seq_len: int = option(512, "tokens of the input", low=1, high=2**24)
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if self.d_model % 2:
            near = f"{self.d_model - 1}, {self.d_model + 1}"
            problem = f"is odd, but each distance has sines and cosines. Nearest: {near}"
            raise SpecError("d_model", self.d_model, problem)
        if self.d_model % self.heads:
            near = ", ".join(map(str, nearest_divisors(self.d_model, self.heads)))
            problem = f"does not divide {{d_model}} {self.d_model}. Nearest: {near}"
            raise SpecError("heads", self.heads, problem)


def describe(spec: XlnetSpec) -> str:
    """Return the spec in one line."""
    words = ["xlnet", f"depth {spec.depth}", f"d_model {spec.d_model}", f"{spec.heads} heads"]
    words += [f"d_ff {spec.d_ff}", f"vocab {spec.vocab_size:,}"]
    if spec.segments:
        words.append("segments")
    return " · ".join([*words, f"seq {spec.seq_len}", f"batch {spec.batch_size}"])


def inputs(spec: XlnetSpec) -> Inputs:
    """Return random tokens, and their segments where the spec has them."""
    from archscope.families.xlnet.network import example_inputs

    return example_inputs(spec)


def outline(spec: XlnetSpec) -> Outline:
    """Return what a token sees: all tokens, from the first block on."""
    names = (f"blocks.{block}.attn" for block in range(spec.depth))
    return Outline(
        axes=1,
        attention=tuple(Attention(name=name, causal=False) for name in names),
        input_size=spec.seq_len,
        noun="token",
        remarks=(
            "in pre-training a mask hides from each token those that come later in a random order",
        ),
    )


def build(spec: XlnetSpec, without: Set[str]) -> nn.Module:
    """Build the network without the blocks that others stand for."""
    from archscope.families.xlnet.network import Xlnet

    return Xlnet(spec, without=without)


def blocks_alike(spec: XlnetSpec) -> tuple[Repeat, ...]:
    """Return which blocks are built once for several: all are alike."""
    return repeats("blocks", (tuple(range(spec.depth)),))
