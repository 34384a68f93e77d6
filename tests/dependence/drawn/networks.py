"""Random networks of what real ones are made of: registered masks and tables, recurrences, global
operators, attention, resampling, branches and reshapes, with features first or last.

Layers are drawn for the shape that they are given, so that every seed is a network that runs; it
is a plain `Sequential`, so that one that fails can be cut down to the layers that make it fail.
"""

from __future__ import annotations

from copy import copy

import torch
from torch import nn

from drawn.either import (
    activation,
    blanked,
    chosen,
    flattened,
    outer,
    over_all,
    over_line,
    part,
    put,
    repeated,
    roll,
    running,
    scattered,
    split,
    table,
    turned,
)
from drawn.features_first import (
    along_line,
    axial,
    blocks,
    causal_conv,
    conv,
    depthwise,
    folded,
    fourier,
    gated,
    masked_conv,
    norm,
    odd_conv,
    odd_pool,
    odd_transposed,
    padded,
    pool,
    refolded,
    regrouped,
    sampled,
    shifted,
    shuffle,
    squeeze,
    strange_shape,
    strided,
    to_last,
    transposed,
    unfolded,
    up,
    written,
)
from drawn.features_last import (
    attention,
    biased_attention,
    cached,
    chunks,
    class_token,
    conv_last,
    crossed,
    decoder,
    features_norm,
    last_states,
    linear,
    linear_attention,
    loop,
    merged,
    placed,
    recurrent,
    rotary,
    to_first,
    token_mixing,
    torch_attention,
    windows,
)
from drawn.maker import Draw, Maker, Table

MOST_LAYERS = 7

_BOTH: list[Draw] = [
    *(put, put, repeated, split, outer, over_line, flattened),
    *(roll, turned, part, blanked, chosen, table, scattered, running, over_all),
]


_FIRST: list[Draw] = [
    *(conv, conv, strided, depthwise, transposed, causal_conv, masked_conv, pool, up, padded),
    *(norm, squeeze, along_line, fourier, shifted, gated, written, unfolded, blocks, activation),
    *(to_last, to_last, to_last, odd_conv, odd_transposed, odd_pool, regrouped),
]


_LAST: list[Draw] = [linear, features_norm, activation, placed, to_first]


FIRST: Table = {
    1: [*_BOTH, *_FIRST],
    2: [*_BOTH, *_FIRST, shuffle, folded, strange_shape, sampled, refolded, axial],
}
"""What may follow where features are first, by the number of axes of positions."""


LAST: Table = {
    1: [
        *(*_BOTH, *_LAST, recurrent, recurrent, loop, attention, attention, torch_attention),
        *(linear_attention, biased_attention, token_mixing, chunks, merged, class_token),
        *(crossed, decoder, rotary, conv_last, cached, last_states, last_states),
    ],
    2: [*_BOTH, *_LAST, windows, windows, to_first],
}
"""The same where features are last."""


class Drawn:
    """The network of one seed, its input, and its axes of positions."""

    def __init__(self, seed: int, layers: int | None = None) -> None:
        maker = Maker(seed, (FIRST, LAST))
        axes = 1 + maker.draw.randrange(2)
        maker.last = maker.draw.random() < 0.5
        places = tuple(maker.draw.randint(6, 12) for _ in range(axes))
        shape = (1, *places, 4) if maker.last else (1, 4, *places)
        self.axes = tuple(range(1, 1 + axes) if maker.last else range(2, 2 + axes))
        """Of the input."""
        x = torch.rand(shape, dtype=torch.float64, generator=maker.generator)
        number = layers or maker.draw.randint(2, MOST_LAYERS)
        self.model, y = maker.network(x, number)
        self.model = self.model.double().eval()
        self.input = x
        self.features = y.dim() - 1 if maker.last else 1
        """The axis of the output."""

    def of(self, model: nn.Sequential, features: int) -> Drawn:
        """Return another network on the same input, with its features along an axis."""
        other = copy(self)
        other.model, other.features = model, features
        return other
