"""TextCNN: convolutions of several widths over word vectors, each reduced to its maximum."""

from __future__ import annotations

from typing import Literal

from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option


@frozen
class TextCnnSpec:
    """The shape of a TextCNN (Kim 2014, section 2)."""

    mode: Literal["rand", "static", "non-static", "multichannel"] = option(
        "non-static",
        "word vectors: learnt, frozen, fine-tuned, or two channels, one frozen and one fine-tuned",
    )
    vocab_size: int = option(18_765, "size of the vocabulary, in words", low=1, high=2**24)
    d_model: int = option(300, "width of a word vector, in features", low=1, high=2**16)
    windows: tuple[int, ...] = option(
        (3, 4, 5), "widths of the filters, in words", low=1, high=1024
    )
    maps: int = option(100, "number of filters of each width", low=1, high=2**16)
    classes: int = option(2, "number of classes", low=1, high=2**24)
    seq_len: int = option(56, "length of the input, in words", low=1, high=2**20)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if self.seq_len < max(self.windows):
            problem = f"is too short: a filter of {{windows}} sees {max(self.windows)} words"
            raise SpecError("seq_len", self.seq_len, problem)


def tables(spec: TextCnnSpec) -> tuple[bool, ...]:
    """Return of each table of word vectors whether it is trained."""
    return {"static": (False,), "multichannel": (False, True)}.get(spec.mode, (True,))


def describe(spec: TextCnnSpec) -> tuple[str, ...]:
    """Return what tells it from others, in words."""
    return (
        f"textcnn {spec.mode}",
        f"windows {listed(spec.windows)} × {spec.maps}",
        f"vocab {spec.vocab_size:,} × {spec.d_model}",
        f"{spec.classes} classes",
        f"seq {spec.seq_len}",
        f"batch {spec.batch_size}",
    )
