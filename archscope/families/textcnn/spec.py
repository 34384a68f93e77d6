"""TextCNN: convolutions of several widths over word vectors, each reduced to its maximum."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from archscope.errors import SpecError
from archscope.specs import check, listed, option
from archscope.subject import Inputs
from archscope.theory.layers import conv
from archscope.theory.outline import Branch, Outline

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCnnSpec:
    """The shape of a TextCNN (Kim 2014, section 2)."""

    mode: Literal["rand", "static", "non-static", "multichannel"] = option(
        "non-static", "word vectors learnt, frozen, tuned, or one frozen and one tuned"
    )
    vocab_size: int = option(18_765, "words of the table", low=1, high=2**24)
    d_model: int = option(300, "features of a word vector", low=1, high=2**16)
    windows: tuple[int, ...] = option((3, 4, 5), "words that each filter sees", low=1, high=1024)
    maps: int = option(100, "filters of each width", low=1, high=2**16)
    classes: int = option(2, "outputs of the classifier", low=1, high=2**24)
    seq_len: int = option(56, "words of the input", low=1, high=2**20)
    batch_size: int = option(1, "number of inputs", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if self.seq_len < max(self.windows):
            problem = f"is too short: a filter of {{windows}} sees {max(self.windows)} words"
            raise SpecError("seq_len", self.seq_len, problem)


def outline(spec: TextCnnSpec) -> Outline:
    """Return what one position of each feature map looks at, before the maximum over all."""
    branches = (
        Branch(name=f"convs.{n}", stack=(conv(width, padding="valid", name=f"convs.{n}"),))
        for n, width in enumerate(spec.windows)
    )
    return Outline(
        axes=1,
        branches=tuple(branches),
        input_size=spec.seq_len,
        noun="token",
        reads_all="pool",
    )


def inputs(spec: TextCnnSpec) -> Inputs:
    """Return one batch of random words."""
    from archscope.blocks.examples import tokens

    return Inputs(args=(tokens(spec.batch_size, spec.seq_len, words=spec.vocab_size),))


def build(spec: TextCnnSpec, without: Set[str]) -> nn.Module:
    """Build the network; no blocks are left out."""
    from archscope.families.textcnn.network import TextCnn

    return TextCnn(spec)


def describe(spec: TextCnnSpec) -> str:
    """Return the spec in one line."""
    return " · ".join(
        (
            f"textcnn {spec.mode}",
            f"windows {listed(spec.windows)} × {spec.maps}",
            f"vocab {spec.vocab_size:,} × {spec.d_model}",
            f"{spec.classes} classes",
            f"seq {spec.seq_len}",
            f"batch {spec.batch_size}",
        )
    )
