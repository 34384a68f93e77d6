"""What a causal stack keeps between chunks."""

from __future__ import annotations

import pytest

from archscope.theory.layers import Layer, conv, nearest, pool
from archscope.theory.streaming import Buffer, buffers


@pytest.mark.parametrize(
    ("layer", "kept"),
    [
        # windows of 3: each 3rd position begins one that ends in its chunk, each 2nd one beyond
        (conv(3, stride=3, padding=0), 0),
        (conv(3, stride=2, padding=0), None),
        (conv(4, stride=2, padding=2), 2),
        (conv(4, stride=2, padding=1), None),
        (pool(2), 0),
        (nearest(2), 0),
    ],
)
def test_a_layer_looks_ahead_where_its_window_reaches_beyond_its_stride(
    layer: Layer, kept: int | None
) -> None:
    found = buffers((conv(2, padding="causal"), layer))

    if kept is None:
        assert found is None
    else:
        others = (Buffer(layer=1, positions=kept),) if kept else ()
        assert found == (Buffer(layer=0, positions=1), *others)
