"""LSTM language models: word vectors, recurrent layers, a linear layer over the words."""

from __future__ import annotations

from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option


@frozen
class LstmSpec:
    """The shape of an LSTM language model (Zaremba, Sutskever & Vinyals 2014)."""

    depth: int = option(2, "number of recurrent layers", low=1, high=1000)
    d_model: int = option(650, "width of a word vector, in features", low=1, high=2**20)
    hidden_size: int = option(650, "units of each recurrent layer", low=1, high=2**20)
    vocab_size: int = option(10_000, "size of the vocabulary, in words", low=1, high=2**24)
    tied: bool = option(False, "share one table between input and output")
    seq_len: int = option(35, "length of the input, in words", low=1, high=2**20)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if self.tied and self.d_model != self.hidden_size:
            problem = f"needs {{d_model}} {self.d_model} to be {{hidden_size}} {self.hidden_size}"
            raise SpecError("tied", True, problem)


def describe(spec: LstmSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = [f"lstm language model · depth {spec.depth}", f"hidden {spec.hidden_size}"]
    if spec.d_model != spec.hidden_size:
        words.append(f"d_model {spec.d_model}")
    words.append(f"vocab {spec.vocab_size:,}" + (" tied" if spec.tied else ""))
    return [*words, f"seq {spec.seq_len}", f"batch {spec.batch_size}"]
