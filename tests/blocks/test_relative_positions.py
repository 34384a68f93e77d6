"""Relative positions: which bucket a distance is in, and where its number ends up."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from archscope.blocks.relative_attention import RelativeDotProduct, sinusoids_of
from archscope.blocks.relative_positions import BiasedDotProduct, RelativeBias, place

LENGTH = 150


def _bucket(distance: int, *, buckets: int, furthest: int, causal: bool) -> int:
    """Return the bucket of key minus query, from the definition (Raffel et al. 2020, 2.1)."""
    if causal:
        offset, apart = 0, max(0, -distance)
    else:
        buckets //= 2
        offset, apart = (buckets if distance > 0 else 0), abs(distance)
    exact = buckets // 2
    if apart < exact:
        return offset + apart
    log = math.log(apart / exact) / math.log(furthest / exact)
    return offset + min(buckets - 1, exact + int(log * (buckets - exact)))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("buckets", "furthest"), [(32, 128), (8, 20)])
def test_every_distance_is_in_its_bucket(causal: bool, buckets: int, furthest: int) -> None:
    bias = RelativeBias(buckets, 2, max_distance=furthest, causal=causal)
    nn.init.normal_(bias.weight)

    found = bias(torch.zeros(1, LENGTH, 1))

    expected = torch.full((2, LENGTH, LENGTH), -torch.inf)
    for query in range(LENGTH):
        for key in range(query + 1 if causal else LENGTH):
            number = _bucket(key - query, buckets=buckets, furthest=furthest, causal=causal)
            expected[:, query, key] = bias.weight[number].detach()
    assert torch.equal(found, expected)


@pytest.mark.parametrize("memory", [0, 1, 4])
def test_what_belongs_to_a_distance_goes_to_the_key_that_is_so_far(memory: int) -> None:
    queries, keys = 5, 5 + memory
    x = torch.rand(3, queries, keys)  # distances from keys - 1 before down to 0

    placed = place(x, keys)

    for query in range(queries):
        for key in range(memory + query + 1):
            before = memory + query - key
            assert torch.equal(placed[:, query, key], x[:, query, keys - 1 - before])


@pytest.mark.parametrize("scale", [None, 1.0])
def test_a_bias_is_added_to_the_scores(scale: float | None) -> None:
    q, k, v = (torch.rand(2, 3, 4, 5, dtype=torch.float64) for _ in range(3))
    bias = torch.rand(1, 3, 4, 4, dtype=torch.float64)

    found = BiasedDotProduct(scale=scale)(q, k, v, bias)

    weights = (q @ k.transpose(-1, -2) * (5**-0.5 if scale is None else scale) + bias).softmax(-1)
    torch.testing.assert_close(found, weights @ v)


@pytest.mark.parametrize(("memory", "segments"), [(0, False), (3, False), (0, True)])
def test_content_distance_and_segment_are_scored_apart(memory: int, segments: bool) -> None:
    """Hold the product against equation 5 of Dai et al. 2019, score by score."""
    torch.manual_seed(0)
    heads, queries, width = 2, 4, 6
    keys = queries + memory
    product = RelativeDotProduct(heads, width, segments=segments).double()
    for weight in product.parameters():
        nn.init.normal_(weight)
    q = torch.randn(1, heads, queries, width).double()
    k, v = (torch.randn(1, heads, keys, width).double() for _ in range(2))
    distance = torch.arange(keys, -queries, -1)
    r = sinusoids_of(distance, torch.zeros(1, width).double()).expand(heads, -1, -1)
    apart = torch.rand(1, 1, queries, keys) > 0.5

    found = product(q, k, v, r, None, apart if segments else None)

    scores = torch.zeros(heads, queries, keys, dtype=torch.float64)
    for i in range(queries):
        for j in range(keys):
            far = r[:, keys - (memory + i - j)]
            score = ((q[0, :, i] + product.content[:, 0]) * k[0, :, j]).sum(-1)
            score = score + ((q[0, :, i] + product.position[:, 0]) * far).sum(-1)
            if segments:
                kind = product.kinds[:, int(apart[0, 0, i, j])]
                score = score + ((q[0, :, i] + product.segment[:, 0]) * kind).sum(-1)
            scores[:, i, j] = score / width**0.5
    torch.testing.assert_close(found, scores.softmax(-1)[None] @ v)


def test_sinusoids_of_a_distance() -> None:
    found: Tensor = sinusoids_of(torch.tensor([-2, 7]), torch.zeros(1, 4))

    # wavelengths 2 pi and 2 pi * 10000^(2/4) = 2 pi * 100
    angles = [[math.sin(n), math.sin(n / 100), math.cos(n), math.cos(n / 100)] for n in (-2, 7)]
    torch.testing.assert_close(found, torch.tensor(angles))
