"""Attention over all keys with something added to the scores: a mask, a slope, a sink.

B batch, S queries, T keys, H query heads, K key and value heads, G = H / K, d width of a head.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import closed_form_of_product
from archscope.blocks.components import Shape, part
from archscope.theory import counts
from archscope.theory.counts import ClosedForm


class MaskedDotProduct(nn.Module):
    """softmax(q k / sqrt(d) + bias) v over all keys; what is masked is multiplied all the same.

    `window` keys per query, the query's own among them, are left unmasked; None leaves all, or
    all that are not later. `alibi` lowers a score with the distance, each head by a slope of its
    own (Press et al. 2022, section 3). `sinks` puts one learned logit per head into the softmax,
    which takes weight and gives no value (Xiao et al. 2024; OpenAI 2025, gpt-oss).
    """

    archscope_core = "with_sinks"

    def __init__(
        self,
        heads: int,
        *,
        causal: bool,
        window: int | None = None,
        alibi: bool = False,
        sinks: bool = False,
        grouped: bool = False,
    ) -> None:
        super().__init__()
        self.past, self.future = _reach(window, causal=causal)
        self.grouped = grouped
        self.slopes = slopes(heads) if alibi else ()
        self.sinks = part("rel_pos_or_attn_bias", Sinks(heads)) if sinks else None

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Take (B, H, S, d) and twice (B, K, T, d); return (B, H, S, d)."""
        if self.sinks is None:
            bias = self._bias(q, k)  # (S, T) or (H, S, T)
            return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, enable_gqa=self.grouped)
        return self.with_sinks(q, k, v)

    def with_sinks(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Do the same where there are sinks, which no kernel of torch's knows."""
        assert self.sinks is not None
        bias = self._bias(q, k)  # (S, T) or (H, S, T)
        batch, heads, length, width = q.shape
        q = q.reshape(batch, k.shape[1], -1, width)  # (B, K, G S, d)
        scores = q @ k.transpose(-1, -2) * width**-0.5  # (B, K, G S, T)
        scores = scores.view(batch, heads, length, -1) + bias  # (B, H, S, T)
        weights = self.sinks(scores)  # (B, H, S, T)
        weights = weights.reshape(batch, k.shape[1], -1, k.shape[2])  # (B, K, G S, T)
        out: Tensor = weights @ v  # (B, K, G S, d)
        return out.view(batch, heads, length, width)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Every query meets every key, masked or not."""
        return closed_form_of_product(inputs, keys=inputs[1][2])

    def _bias(self, q: Tensor, k: Tensor) -> Tensor:
        # Made from q, so that it has no data where q has none: S x T numbers are a lot.
        hidden = q.new_full((q.shape[2], k.shape[2]), -torch.inf)  # (S, T)
        bias = q.new_zeros(hidden.shape)  # (S, T)
        if self.future is not None:
            bias = bias + hidden.triu(self.future + 1)  # (S, T)
        if self.past is not None:
            bias = bias + hidden.tril(-self.past - 1)  # (S, T)
        if not self.slopes:
            return bias
        # Press et al. lower a score by slope x (i - j); what is the same for all keys of a query,
        # slope x i, changes no softmax and is left out.
        dtype = torch.promote_types(q.dtype, torch.float32)
        key = torch.arange(k.shape[2], dtype=dtype, device=q.device)  # (T,)
        slope = q.new_tensor(self.slopes, dtype=dtype)  # (H,)
        return bias + (slope[:, None, None] * key).to(q.dtype)  # (H, S, T)


class Sinks(nn.Module):
    """Softmax over scores and one learned logit per head, the share of that logit left out."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(heads))

    def forward(self, scores: Tensor) -> Tensor:
        """Take and return (B, H, S, T)."""
        sink = self.logit[:, None, None].expand(*scores.shape[:-1], 1)  # (B, H, S, 1)
        return torch.cat((scores, sink), -1).softmax(-1)[..., :-1]  # (B, H, S, T)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """One logit per head; no products."""
        return counts.embedding(words=self.logit.numel(), width=1)


def _reach(window: int | None, *, causal: bool) -> tuple[int | None, int | None]:
    """Return how many keys before and after itself a query sees; None: all."""
    if window is None:
        return None, 0 if causal else None
    return (window - 1, 0) if causal else (window // 2, (window - 1) // 2)


def slopes(heads: int) -> tuple[float, ...]:
    """Return the slope of each head: a geometric sequence (Press et al. 2022, section 3).

    For a number of heads that is no power of two, those of the next lower power come first, then
    every second one of twice as many, as in their code.

    >>> slopes(4)
    (0.25, 0.0625, 0.015625, 0.00390625)
    """
    power = 1 << (heads.bit_length() - 1)
    first = [2 ** (-8 * (head + 1) / power) for head in range(power)]
    between = [2 ** (-8 * (head + 1) / (2 * power)) for head in range(0, 2 * power, 2)]
    return tuple(first + between[: heads - power])
