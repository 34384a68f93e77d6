"""The layers of an LSTM language model in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counts import embedding, linear
from archscope.families.lstm.spec import LstmSpec
from archscope.theory.census import RECURRENT, Census, Counted
from archscope.theory.mixing_counts import recurrent


def census(spec: LstmSpec) -> Census:
    """Return what is counted of the table, the recurrence and the scores."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: LstmSpec) -> Iterator[Counted]:
    rows, hidden = spec.batch_size * spec.seq_len, spec.hidden_size
    yield embedding(rows, spec.vocab_size, spec.d_model)
    form = recurrent(
        rows=rows, inputs=spec.d_model, hidden=hidden, gates=4, layers=spec.depth, directions=1,
        bias=True,
    )  # fmt: skip
    yield Counted(kind=RECURRENT, form=form, outputs=rows * hidden * spec.depth)
    yield linear(rows, hidden, spec.vocab_size, bias=True, tied=spec.tied)
