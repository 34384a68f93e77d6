"""What a query sees, and what seeing it costs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archscope.blocks.attention import Attention, ScaledDotProduct, WindowDotProduct
from archscope.blocks.masked_attention import MaskedDotProduct, slopes
from archscope.blocks.positions import rotate, sinusoids

LENGTH = 13
WINDOWS = [
    (4, 1, True),
    (4, 3, True),
    (5, 1, False),
    (3, 2, False),
    (15, 1, False),
    (30, 2, True),
    (1, 1, True),
    (2, 3, False),
    (30, 2, False),
]


def _seen(window: int, dilation: int, causal: bool) -> Tensor:
    """Which key (column) each query (row) sees, from the definition alone."""
    last = 0 if causal else (window - 1) // 2 * dilation
    steps = [last - tap * dilation for tap in range(window)]
    seen = torch.zeros(LENGTH, LENGTH, dtype=torch.bool)
    for query in range(LENGTH):
        for step in steps:
            if 0 <= query + step < LENGTH:
                seen[query, query + step] = True
    return seen


def _projections(heads: int, kv_heads: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(
        torch.randn(2, count, LENGTH, 6, dtype=torch.float64, generator=generator)
        for count in (heads, kv_heads, kv_heads)
    )


@pytest.mark.parametrize(("window", "dilation", "causal"), WINDOWS)
def test_a_window_sees_exactly_its_keys(window: int, dilation: int, causal: bool) -> None:
    q, k, v = _projections(1, 1)
    product = WindowDotProduct(window=window, dilation=dilation, causal=causal)
    before = product(q, k, v)
    seen = torch.zeros(LENGTH, LENGTH, dtype=torch.bool)
    for key in range(LENGTH):
        changed = v.clone()
        changed[:, :, key] += 1
        seen[:, key] = (product(q, k, changed) != before).any(-1)[0, 0]
    assert torch.equal(seen, _seen(window, dilation, causal))


@pytest.mark.parametrize(("window", "dilation", "causal"), WINDOWS)
@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_a_window_is_masked_dense_attention(
    window: int, dilation: int, causal: bool, kv_heads: int
) -> None:
    q, k, v = _projections(4, kv_heads)
    product = WindowDotProduct(window=window, dilation=dilation, causal=causal, grouped=True)
    wide_k, wide_v = (x.repeat_interleave(4 // kv_heads, 1) for x in (k, v))
    mask = _seen(window, dilation, causal)
    dense = nn.functional.scaled_dot_product_attention(q, wide_k, wide_v, attn_mask=mask)
    torch.testing.assert_close(product(q, k, v), dense)


@pytest.mark.parametrize(("window", "causal"), [(LENGTH, True), (2 * LENGTH - 1, False)])
def test_a_window_that_covers_all_is_full_attention(window: int, causal: bool) -> None:
    q, k, v = _projections(2, 2)
    covering = WindowDotProduct(window=window, dilation=1, causal=causal)
    full = ScaledDotProduct(causal=causal)
    torch.testing.assert_close(covering(q, k, v), full(q, k, v))
    # 2 products x batch 2 x 2 heads x 13 queries x 13 keys x 6 features = 8,112
    assert _macs(covering, q, k, v) == _macs(full, q, k, v) == 8_112


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_a_window_costs_its_keys_for_every_query(kv_heads: int) -> None:
    q, k, v = _projections(4, kv_heads)
    product = WindowDotProduct(window=5, dilation=2, causal=False, grouped=True)
    # 2 products x batch 2 x 4 heads x 13 queries x 5 keys x 6 features = 6,240, edges included
    assert _macs(product, q, k, v) == 6_240


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_grouped_heads_are_repeated_heads(kv_heads: int) -> None:
    q, k, v = _projections(4, kv_heads)
    grouped = ScaledDotProduct(causal=True, grouped=True)
    repeated = (x.repeat_interleave(4 // kv_heads, 1) for x in (k, v))
    torch.testing.assert_close(grouped(q, k, v), ScaledDotProduct(causal=True)(q, *repeated))
    # 2 products x batch 2 x 4 heads x 13 queries x 13 keys x 6 features = 16,224
    assert _macs(grouped, q, k, v) == 16_224


def test_grouped_attention_is_attention_with_repeated_weights() -> None:
    torch.manual_seed(0)
    grouped = Attention(12, 4, ScaledDotProduct(causal=True, grouped=True), kv_heads=2).double()
    plain = Attention(12, 4, ScaledDotProduct(causal=True)).double()

    def repeated(rows: Tensor) -> Tensor:
        return rows.unflatten(0, (2, 3)).repeat_interleave(2, 0).flatten(0, 1)

    with torch.no_grad():
        for name in ("weight", "bias"):
            parts = [getattr(layer, name) for layer in (grouped.q, grouped.k, grouped.v)]
            fused = torch.cat((parts[0], repeated(parts[1]), repeated(parts[2])))
            getattr(plain.qkv, name).copy_(fused)
            getattr(plain.proj, name).copy_(getattr(grouped.proj, name))
    x = torch.randn(2, 7, 12, dtype=torch.float64)
    torch.testing.assert_close(grouped(x), plain(x))


def test_rotated_scores_depend_on_the_distance_alone() -> None:
    torch.manual_seed(0)
    q, k = (torch.randn(1, 1, 1, 8, dtype=torch.float64).expand(1, 1, 9, 8) for _ in range(2))
    scores = (rotate(q) @ rotate(k).transpose(-1, -2))[0, 0]
    for distance in range(-8, 9):
        line = scores.diagonal(distance)
        torch.testing.assert_close(line, line[:1].expand_as(line))
    assert len({round(x.item(), 6) for x in scores[0]}) == 9


def test_sinusoids_are_vaswanis() -> None:
    table = sinusoids(torch.zeros(1, 50, 8, dtype=torch.float64))
    # Vaswani et al. 2017, 3.5: PE(pos, 2i) = sin(pos / 10000^(2i / d)), PE(pos, 2i + 1) = cos
    expected = torch.tensor(7 / 10_000 ** (4 / 8), dtype=torch.float64)
    torch.testing.assert_close(table[7, 4], expected.sin())
    torch.testing.assert_close(table[7, 5], expected.cos())


@pytest.mark.parametrize("kv_heads", [2, 1])
def test_queries_and_keys_are_normalised_then_rotated_and_values_are_not(kv_heads: int) -> None:
    torch.manual_seed(0)
    full = ScaledDotProduct(causal=True, grouped=True)
    layer = Attention(8, 2, full, kv_heads=kv_heads, head_norm=nn.RMSNorm, rotary=True).double()
    with torch.no_grad():
        layer.q_norm.weight.uniform_()
        layer.k_norm.weight.uniform_()
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    separate = kv_heads == 1
    parts = (layer.q(x), layer.k(x), layer.v(x)) if separate else layer.qkv(x).chunk(3, -1)
    q, k, v = (part.unflatten(-1, (-1, 4)).transpose(1, 2) for part in parts)
    out = full(rotate(layer.q_norm(q)), rotate(layer.k_norm(k)), v)
    torch.testing.assert_close(layer(x), layer.proj(out.transpose(1, 2).flatten(2)))


def test_attention_to_a_memory_sees_all_of_it() -> None:
    torch.manual_seed(0)
    attention = Attention(8, 2, ScaledDotProduct(causal=False), cross=True).double()
    x, memory = torch.randn(1, 3, 8).double(), torch.randn(1, 5, 8).double()
    before = attention(x, memory)
    for place in range(5):
        changed = memory.clone()
        changed[:, place] += 1
        assert (attention(x, changed) != before).any(-1).all()


MASKED = [(window, causal) for window, dilation, causal in WINDOWS if dilation == 1]


@pytest.mark.parametrize(("window", "causal"), MASKED)
@pytest.mark.parametrize("kv_heads", [4, 1])
def test_a_window_by_mask_is_the_same_window_and_saves_nothing(
    window: int, causal: bool, kv_heads: int
) -> None:
    q, k, v = _projections(4, kv_heads)
    masked = MaskedDotProduct(4, causal=causal, window=window, grouped=True)
    gathered = WindowDotProduct(window=window, dilation=1, causal=causal, grouped=True)
    torch.testing.assert_close(masked(q, k, v), gathered(q, k, v))
    # 2 products x batch 2 x 4 heads x 13 queries x 13 keys x 6 features = 16,224
    assert _macs(masked, q, k, v) == 16_224


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("kv_heads", [4, 2])
def test_a_sink_takes_weight_and_gives_no_value(causal: bool, kv_heads: int) -> None:
    q, k, v = _projections(4, kv_heads)
    product = MaskedDotProduct(4, causal=causal, sinks=True, grouped=True).double()
    with torch.no_grad():
        product.sinks.logit.copy_(torch.tensor([-1.0, 0.0, 1.0, 2.0]))
    wide_k, wide_v = (x.repeat_interleave(4 // kv_heads, 1) for x in (k, v))
    scores = q @ wide_k.transpose(-1, -2) / 6**0.5
    if causal:
        scores = scores.masked_fill(torch.ones(LENGTH, LENGTH).triu(1) > 0, -torch.inf)
    weights = scores.exp() / (
        scores.exp().sum(-1, keepdim=True) + product.sinks.logit.exp()[:, None, None]
    )
    torch.testing.assert_close(product(q, k, v), weights @ wide_v)
    assert _macs(product.to("meta"), q, k, v) == 16_224


def test_alibi_lowers_scores_by_the_distance() -> None:
    q, k, v = _projections(4, 4)
    distance = torch.arange(LENGTH)[:, None] - torch.arange(LENGTH)
    bias = -torch.tensor([1 / 4, 1 / 16, 1 / 64, 1 / 256])[:, None, None] * distance
    bias = bias.masked_fill(distance < 0, -torch.inf).double()
    expected = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    torch.testing.assert_close(MaskedDotProduct(4, causal=True, alibi=True)(q, k, v), expected)


def test_slopes_of_heads_that_are_no_power_of_two() -> None:
    # Those of 2 heads, 2^-4 and 2^-8, then the first of 4 heads, 2^-2
    assert slopes(3) == (2**-4, 2**-8, 2**-2)


def test_a_part_of_a_head_can_be_rotated() -> None:
    x = torch.randn(1, 2, 5, 8, dtype=torch.float64)
    turned = rotate(x, 4)
    torch.testing.assert_close(turned[..., :4], rotate(x[..., :4]))
    assert torch.equal(turned[..., 4:], x[..., 4:])


def _macs(product: nn.Module, *projections: Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        product(*(x.to("meta") for x in projections))
    return counter.get_total_flops() // 2
