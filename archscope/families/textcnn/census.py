"""The layers of a TextCNN in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counts import convolution, embedding, linear
from archscope.families.textcnn.spec import TextCnnSpec, tables
from archscope.theory.census import Census, Counted, repeated


def census(spec: TextCnnSpec) -> Census:
    """Return what is counted of the word vectors, the filters and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: TextCnnSpec) -> Iterator[Counted]:
    batch, words = spec.batch_size, spec.seq_len
    for trained in tables(spec):
        yield embedding(batch * words, spec.vocab_size, spec.d_model, trained=trained)
    filters = (
        convolution(batch * (words - taps + 1), spec.d_model, spec.maps, (taps,), bias=True)
        for taps in spec.windows
    )
    yield from repeated(filters, times=len(tables(spec)), copies=1)
    yield linear(batch, spec.maps * len(spec.windows), spec.classes, bias=True)
