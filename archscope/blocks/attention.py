"""Attention: projections around one product, over all keys or over a window of them.

B batch, S queries, T keys, D width of the model, H query heads, K key and value heads,
G = H / K query heads per key head, d width of a head, W keys in a window.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.positions import rotate
from archscope.theory import mixing_counts
from archscope.theory.counts import ClosedForm


class ScaledDotProduct(nn.Module):
    """softmax(q k / sqrt(d)) v over all keys, or over those that are not later than the query."""

    def __init__(self, *, causal: bool, grouped: bool = False) -> None:
        super().__init__()
        self.causal = causal
        self.grouped = grouped

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Take (B, H, S, d) and twice (B, K, T, d); return (B, H, S, d)."""
        return F.scaled_dot_product_attention(
            q, k, v, is_causal=self.causal, enable_gqa=self.grouped
        )

    def archscope_decoding(self, context: int) -> Callable[..., Tensor]:
        """Return what one token of each sequence does beside so many that are kept."""
        return _Cached(context, grouped=self.grouped)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Every query meets every key, a later one too: a causal mask saves nothing."""
        return closed_form_of_product(inputs, keys=inputs[1][2])


class WindowDotProduct(nn.Module):
    """The same over `window` keys per query, `dilation` apart, the query's own among them.

    Of an even number on both sides one more lies before the query than after it.
    The keys are padded so that every query has its whole window: the padding is masked, but it is
    multiplied, so that a head costs S * W * 2d multiply-accumulates, edges included. A window that
    covers every key that a query may see is full attention, and costs what that does.
    """

    archscope_core = "in_windows"

    def __init__(self, *, window: int, dilation: int, causal: bool, grouped: bool = False) -> None:
        super().__init__()
        self.window = window
        self.dilation = dilation
        self.causal = causal
        self.grouped = grouped
        self.reach = (window - 1) * dilation
        self.past = self.reach if causal else window // 2 * dilation

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Take (B, H, S, d) and twice (B, K, S, d); return (B, H, S, d)."""
        if self._covers(k.shape[2]):
            return F.scaled_dot_product_attention(
                q, k, v, is_causal=self.causal, enable_gqa=self.grouped
            )
        found: Tensor = self.in_windows(q, k, v)  # (B, H, S, d)
        return found

    def in_windows(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Do the same where a window leaves keys out."""
        batch, _, length, width = q.shape
        q = q.view(batch, k.shape[1], -1, length, width).transpose(2, 3)  # (B, K, S, G, d)
        scores = q @ self._windows(k) * width**-0.5  # (B, K, S, G, W)
        weights = scores.masked_fill(self._padding(k), -torch.inf).softmax(-1)  # (B, K, S, G, W)
        out: Tensor = weights @ self._windows(v).transpose(-1, -2)  # (B, K, S, G, d)
        return out.transpose(2, 3).flatten(1, 2)  # (B, H, S, d)

    def archscope_decoding(self, context: int) -> Callable[..., Tensor]:
        """Return what one token of each sequence does beside those that are kept of its window."""
        kept = -(-context // self.dilation)
        return _Cached(min(self.window, kept), grouped=self.grouped)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Every query meets the keys of its window, padding among them."""
        length = inputs[1][2]
        return closed_form_of_product(inputs, keys=length if self._covers(length) else self.window)

    def _covers(self, length: int) -> bool:
        return mixing_counts.window_covers(
            length, window=self.window, dilation=self.dilation, causal=self.causal
        )

    def _windows(self, x: Tensor) -> Tensor:
        x = F.pad(x, (0, 0, self.past, self.reach - self.past))  # (B, K, S + reach, d)
        return x.unfold(2, self.reach + 1, 1)[..., :: self.dilation]  # (B, K, S, d, W)

    def _padding(self, k: Tensor) -> Tensor:
        length = k.shape[2]
        query = torch.arange(length, device=k.device)[:, None, None]  # (S, 1, 1)
        step = torch.arange(self.window, device=k.device) * self.dilation - self.past  # (W,)
        key = query + step  # (S, 1, W)
        return (key < 0) | (key >= length)


class _Cached:
    """Attention of one token over keys and values that are kept, its own among them.

    The memory is there before, as a runtime's is: the token's key and value are written into it,
    and the product reads all of it.
    """

    def __init__(self, kept: int, *, grouped: bool) -> None:
        self.kept = kept
        self.grouped = grouped
        self.cache: tuple[Tensor, ...] = ()
        """Keys and values, once the first token has told their shapes."""

    def __call__(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Take (B, H, 1, d) and twice (B, K, 1, d); return (B, H, 1, d)."""
        if not self.cache:
            self.cache = tuple(x.repeat(1, 1, self.kept, 1) for x in (k, v))  # 2 x (B, K, T, d)
        for kept, new in zip(self.cache, (k, v), strict=True):
            kept[:, :, -1:] = new
        keys, values = self.cache
        return F.scaled_dot_product_attention(q, keys, values, enable_gqa=self.grouped)


def closed_form_of_product(inputs: Sequence[Shape], *, keys: int) -> ClosedForm:
    """Return the closed form of both products, given how many keys each query meets."""
    (batch, heads, queries, width), value = inputs[0], inputs[2]
    return mixing_counts.attention(
        batch=batch, heads=heads, queries=queries, keys=keys, key_width=width, value_width=value[-1]
    )


class Attention(nn.Module):
    """Queries, keys and values, their product head by head, and the projection back."""

    archscope_component = "attention"

    def __init__(
        self,
        d_model: int,
        heads: int,
        product: nn.Module,
        *,
        kv_heads: int | None = None,
        head_dim: int | None = None,
        bias: bool = True,
        qkv_bias: bool = True,
        key_bias: bool = True,
        head_norm: Callable[[int], nn.Module] | None = None,
        norm_across: bool = False,
        rotary: bool = False,
        rotary_dim: int | None = None,
        cross: bool = False,
        output_gate: bool = False,
    ) -> None:
        """Build attention of so many heads around a product.

        `head_norm` makes the norms of queries and keys: of each head or, `norm_across`, of all at
        once (Muennighoff et al. 2024, OLMoE, section 4.2). With `output_gate`, what a head answers
        is multiplied by sigmoids that its token makes, one for each feature (Qiu et al. 2025,
        Gated Attention for Large Language Models, equation 5).
        """
        super().__init__()
        kv_heads = kv_heads or heads
        self.head_dim = head_dim or d_model // heads
        self.rotary = rotary
        self.rotary_dim = rotary_dim
        # A bias of the keys moves all scores of a query alike, which softmax takes no notice of.
        self.fused = kv_heads == heads and not cross and key_bias
        if self.fused:
            self.qkv = nn.Linear(d_model, 3 * heads * self.head_dim, bias=qkv_bias)
        else:
            self.q = nn.Linear(d_model, heads * self.head_dim, bias=qkv_bias)
            self.k = nn.Linear(d_model, kv_heads * self.head_dim, bias=qkv_bias and key_bias)
            self.v = nn.Linear(d_model, kv_heads * self.head_dim, bias=qkv_bias)
        asked, met = (heads, kv_heads) if norm_across else (1, 1)
        self.norm_across = norm_across
        self.q_norm = head_norm(asked * self.head_dim) if head_norm else None
        self.k_norm = head_norm(met * self.head_dim) if head_norm else None
        self.sdpa = product
        inner = heads * self.head_dim
        self.gate = nn.Linear(d_model, inner, bias=qkv_bias) if output_gate else None
        self.proj = nn.Linear(inner, d_model, bias=bias)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        """Take (B, S, D) and, to attend to another sequence, (B, T, D); return (B, S, D)."""
        q, k, v = self._project(x, memory)  # (B, S, H d), 2 x (B, T, K d)
        if self.norm_across:
            q, k = self._normed(q, k)
        q, k, v = (
            split_heads(part, part.shape[-1] // self.head_dim) for part in (q, k, v)
        )  # (B, H, S, d), 2 x (B, K, T, d)
        if not self.norm_across:
            q, k = self._normed(q, k)
        if self.rotary:
            q, k = rotate(q, self.rotary_dim), rotate(k, self.rotary_dim)
        out = join_heads(self.sdpa(q, k, v))  # (B, S, H d)
        if self.gate is not None:
            out = out * self.gate(x).sigmoid()
        joined: Tensor = self.proj(out)  # (B, S, D)
        return joined

    def _normed(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        if self.q_norm is None or self.k_norm is None:
            return q, k
        return self.q_norm(q), self.k_norm(k)

    def _project(self, x: Tensor, memory: Tensor | None) -> tuple[Tensor, ...]:
        if self.fused:
            return torch.chunk(self.qkv(x), 3, dim=-1)  # 3 x (B, S, H d)
        source = x if memory is None else memory
        return self.q(x), self.k(source), self.v(source)  # (B, S, H d), 2 x (B, T, K d)
