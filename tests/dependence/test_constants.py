"""Masks, indices and tables in buffers, weights cut by them, and masks that cannot be read.

Each kind is held against float64 gradients, element by element, on two roads: as a module with its
values, and as the command line makes it, with weights on shapes alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from drawn.seeds import batches
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune

from archscope.blocks.constants import weights_without_values
from archscope.dependence.answer.backward import ways
from archscope.dependence.answer.examine import Examination, examine
from archscope.dependence.record import constants
from archscope.dependence.record.fact_rules import Facts, facts_of_values
from archscope.dependence.rules import UNREAD
from archscope.dependence.sets.products import over
from archscope.subject import Inputs

N, C = 6, 2
LINE, PLANE = (1, N, C), (1, 1, N, N)
Make = Callable[[], nn.Module]


class Attention(nn.Module):
    """One head; `masked` gets scores, what `constants` made, and the module."""

    def __init__(
        self,
        masked: Callable[[Any, Tensor], Tensor],
        constants: Callable[[Any], object] = lambda self: None,
    ) -> None:
        super().__init__()
        self.qkv = nn.Linear(C, 3 * C)
        self.masked = masked
        constants(self)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        weights: Tensor = self.masked(self, q @ k.transpose(1, 2) / math.sqrt(C))
        made: Tensor = weights @ v
        return made


class Held(nn.Module):
    """A function of the module and its input, with what `constants` made."""

    def __init__(
        self, constants: Callable[[Any], object], function: Callable[[Any, Tensor], Tensor]
    ) -> None:
        super().__init__()
        self.function = function
        constants(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def keep(module: nn.Module, **held: Any) -> nn.Module:
    """Give a module what it holds."""
    for name, value in held.items():
        setattr(module, name, value)
    return module


def causal(n: int = N) -> Tensor:
    made: Tensor = torch.tril(torch.ones(n, n))
    return made


def buffer(make: Callable[[], Tensor], **settings: Any) -> Callable[[nn.Module], None]:
    return lambda self: self.register_buffer("mask", make(), **settings)


def attribute(make: Callable[[], Any]) -> Callable[[nn.Module], object]:
    return lambda self: keep(self, mask=make())


def filled(self: Any, scores: Tensor) -> Tensor:
    return scores.masked_fill(self.mask[:N, :N] == 0, -math.inf).softmax(-1)


def added(self: Any, scores: Tensor) -> Tensor:
    made: Tensor = (scores + self.mask).softmax(-1)
    return made


def by_mask(self: Any, scores: Tensor) -> Tensor:
    scores[:, self.mask] = -math.inf
    return scores.softmax(-1)


def by_column(self: Any, scores: Tensor) -> Tensor:
    for place in range(N - 1):
        scores[:, : place + 1, place + 1] = -math.inf
    return scores.softmax(-1)


def into_blocked(self: Any, scores: Tensor) -> Tensor:
    made = torch.full((1, N, N), -math.inf, dtype=scores.dtype, device=scores.device)
    for place in range(N):
        made[:, place, : place + 1] = scores[:, place, : place + 1]
    return made.softmax(-1)


def off_diagonal(self: Any, scores: Tensor) -> Tensor:
    weights: Tensor = scores.squeeze(0).fill_diagonal_(0)
    return weights[None]


def low(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.full((N, N), torch.finfo(dtype).min).triu(1)


def clip_mask() -> Tensor:
    """As CLIP fills memory that holds nothing yet."""
    mask = torch.empty(N, N)
    mask.fill_(-math.inf)
    mask.triu_(1)
    return mask


def window() -> Tensor:
    at = torch.arange(N)
    return ((at[:, None] - at).abs() <= 1) | (at == 0)  # and a sink: the first is seen by all


def by_hand(scores: Tensor) -> Tensor:
    """A softmax that takes off the highest score, so that no exponential is infinite."""
    exponentials = torch.exp(scores - scores.amax(-1, keepdim=True))
    return exponentials / exponentials.sum(-1, keepdim=True)


def in_blocks(scores: Tensor) -> Tensor:
    """The same from block to block of keys, the highest of the blocks so far taken off."""
    highest = torch.full_like(scores[..., :1], -1e30)
    total, parts = torch.zeros_like(highest), []
    for part in scores.split(2, -1):
        new = torch.maximum(highest, part.max(-1, keepdim=True)[0])
        parts = [old * torch.exp(highest - new) for old in parts] + [torch.exp(part - new)]
        total = total * torch.exp(highest - new) + parts[-1].sum(-1, keepdim=True)
        highest = new
    return torch.cat(parts, -1) / total


def blocks() -> Tensor:
    seen: Tensor = torch.kron(torch.eye(3), torch.ones(2, 2))
    return seen


def first_row_masked() -> Tensor:
    """Each row sees those before it, and the second itself too: of one alone the weight is 1."""
    mask = torch.full((N, N), -1e4).triu(0)
    mask[1, 1] = 0
    return mask


def written() -> Tensor:
    mask = torch.zeros(N, N)
    for row in range(N):
        mask[row, : row + 1] = 1
    return mask


def from_numpy() -> Tensor:
    return torch.from_numpy(np.tril(np.ones((N, N), dtype=np.float32)))


SCORES: dict[str, tuple[Callable[[Any], object], Callable[[Any, Tensor], Tensor]]] = {
    "a buffer, larger than the input": (buffer(lambda: causal(9)), filled),
    "a buffer that is not saved": (buffer(causal, persistent=False), filled),
    "an attribute": (attribute(causal), filled),
    "a list of tensors": (
        attribute(lambda: [causal(), causal()]),
        lambda self, s: s.masked_fill(self.mask[1] == 0, -math.inf).softmax(-1),
    ),
    "an array of NumPy": (
        attribute(lambda: np.tril(np.ones((N, N), dtype=bool))),
        lambda self, s: s.masked_fill(~torch.from_numpy(self.mask), -math.inf).softmax(-1),
    ),
    "made of an array": (buffer(from_numpy), filled),
    "four axes": (
        buffer(lambda: causal(9).view(1, 1, 9, 9)),
        lambda self, s: s[:, None]
        .masked_fill(self.mask[:, :, :N, :N] == 0, -math.inf)
        .softmax(-1)[:, 0],
    ),
    "booleans, and what they are not": (
        buffer(lambda: causal().bool()),
        lambda self, s: s.masked_fill(~self.mask, -math.inf).softmax(-1),
    ),
    "written row by row": (buffer(written), filled),
    "chosen from a tensor of -inf": (
        buffer(causal),
        lambda self, s: torch.where(self.mask > 0, s, torch.full_like(s, -math.inf)).softmax(-1),
    ),
    "scores written to by a mask": (buffer(lambda: ~causal().bool()), by_mask),
    "scores written to, column by column": (buffer(causal), by_column),
    "scores written into what is blocked": (buffer(causal), into_blocked),
    "scores beside a constant": (
        buffer(lambda: torch.full((N, 2), -math.inf)),
        lambda self, s: torch.cat([s[..., 2:], self.mask.expand(1, N, 2)], -1).softmax(-1),
    ),
    "weights, their diagonal written to": (buffer(causal), off_diagonal),
    "added -inf": (buffer(lambda: torch.full((N, N), -math.inf).triu(1)), added),
    "memory filled later": (buffer(clip_mask), added),
    "the lowest number": (buffer(low), added),
    "one less, times -10000": (
        buffer(causal),
        lambda self, s: (s + (1.0 - self.mask) * -10000.0).softmax(-1),
    ),
    "one less, times 1e9, taken off": (
        buffer(causal),
        lambda self, s: (s - 1e9 * (1.0 - self.mask)).softmax(-1),
    ),
    "added by a factor": (
        buffer(lambda: 1 - causal()),
        lambda self, s: torch.add(s, self.mask, alpha=-1e9).softmax(-1),
    ),
    "GPT-2's: times the mask, less what it lacks": (
        buffer(causal),
        lambda self, s: (s * self.mask - 1e10 * (1 - self.mask)).softmax(-1),
    ),
    "chosen": (
        buffer(lambda: causal().bool()),
        lambda self, s: torch.where(self.mask, s, -math.inf).softmax(-1),
    ),
    "chosen after the softmax": (
        buffer(lambda: causal().bool()),
        lambda self, s: torch.where(self.mask, s.softmax(-1), 0.0),
    ),
    "multiplied after the softmax": (buffer(causal), lambda self, s: s.softmax(-1) * self.mask),
    "a softmax by hand": (buffer(causal), lambda self, s: by_hand(filled_scores(self, s))),
    "a softmax by hand, of a sum": (buffer(low), lambda self, s: by_hand(s + self.mask)),
    "a softmax by hand, by blocks": (
        buffer(causal),
        lambda self, s: in_blocks(s.masked_fill(self.mask == 0, -1e30)),
    ),
    "less what is the logarithm of the sum": (
        buffer(causal),
        lambda self, s: torch.exp(
            filled_scores(self, s) - filled_scores(self, s).logsumexp(-1, keepdim=True)
        ),
    ),
    "the logarithm of a softmax": (
        buffer(causal),
        lambda self, s: filled_scores(self, s).log_softmax(-1).exp(),
    ),
    "a row that is masked throughout, by -inf": (
        buffer(lambda: causal().tril(-1)),
        lambda self, s: filled_scores(self, s).softmax(-1).nan_to_num(),
    ),
    "a padded end": (
        buffer(lambda: torch.arange(N) < 4),
        lambda self, s: by_hand(s.masked_fill(~self.mask, -math.inf)),
    ),
    "a row that is masked throughout": (
        buffer(first_row_masked),
        lambda self, s: by_hand(s + self.mask),
    ),
    "a row that is masked throughout, by blocks": (
        buffer(first_row_masked),
        lambda self, s: in_blocks(s.masked_fill(self.mask < 0, -1e30)),
    ),
    "scaled after masking": (
        buffer(causal),
        lambda self, s: (filled_scores(self, s) / 3.0 * 0.5).softmax(-1),
    ),
    "multiplied, squared, normalised": (buffer(causal), lambda self, s: normalised(s * self.mask)),
    "ReLU of what is masked": (
        buffer(causal),
        lambda self, s: (s + 10).masked_fill(self.mask == 0, -math.inf).relu(),
    ),
    "sigmoid of what is masked": (
        buffer(causal),
        lambda self, s: s.masked_fill(self.mask == 0, -math.inf).sigmoid(),
    ),
    "logical operators": (
        buffer(window),
        lambda self, s: s.masked_fill(
            torch.logical_not(torch.logical_and(self.mask, causal().bool())), -math.inf
        ).softmax(-1),
    ),
    "a window and a sink": (
        buffer(window),
        lambda self, s: s.masked_fill(~self.mask, -math.inf).softmax(-1),
    ),
    "blocks": (buffer(blocks), filled),
    "moved about": (
        buffer(lambda: causal().flip(0).roll(1, 1).repeat(2, 1).expand(2, 2 * N, N)),
        lambda self, s: s.masked_fill(
            F.pad(self.mask[0].tile(1, 2), (1, 0))[:N, 1 : N + 1] == 0, -1e9
        ).softmax(-1),
    ),
    "side by side": (
        attribute(lambda: (causal()[:, :3], causal()[:, 3:])),
        lambda self, s: s.masked_fill(torch.cat(self.mask, 1) == 0, -math.inf).softmax(-1),
    ),
    "by arange in forward": (
        lambda self: None,
        lambda self, s: s.masked_fill(ahead(s.device), -math.inf).softmax(-1),
    ),
    "of a Python list in forward": (
        lambda self: None,
        lambda self, s: s.masked_fill(
            torch.tensor([[j > i for j in range(N)] for i in range(N)], device=s.device), -math.inf
        ).softmax(-1),
    ),
    "as torch makes one": (
        buffer(lambda: nn.Transformer.generate_square_subsequent_mask(N)),
        added,
    ),
    "a parameter that is not trained": (
        lambda self: keep(self, mask=nn.Parameter(causal(), requires_grad=False)),
        filled,
    ),
    "such a one, multiplied": (
        lambda self: keep(self, mask=nn.Parameter(causal(), requires_grad=False)),
        lambda self, s: s.softmax(-1) * self.mask,
    ),
    "a learned bias, cut": (
        lambda self: (
            buffer(lambda: causal() == 0)(self),
            keep(self, bias=nn.Parameter(torch.randn(N, N))),
        ),
        lambda self, s: (s + self.bias.masked_fill(self.mask, -math.inf)).softmax(-1),
    ),
    "ALiBi": (
        buffer(lambda: -torch.arange(N).float()[:, None].sub(torch.arange(N)).abs()),
        added,
    ),
    "a table of relative positions": (
        lambda self: (
            buffer(lambda: torch.arange(N)[:, None] - torch.arange(N) + N - 1)(self),
            keep(self, table=nn.Parameter(torch.zeros(2 * N - 1))),
        ),
        lambda self, s: (s + self.table[self.mask.view(-1)].view(N, N)).softmax(-1),
    ),
}  # fmt: skip


def ahead(device: torch.device) -> Tensor:
    return torch.arange(N, device=device)[:, None] < torch.arange(N, device=device)


def filled_scores(self: Any, scores: Tensor) -> Tensor:
    return scores.masked_fill(self.mask == 0, -math.inf)


def normalised(weights: Tensor) -> Tensor:
    weights = weights**2
    return weights / (weights.sum(-1, keepdim=True) + 1)


def biased(self: nn.Module) -> None:
    buffer(lambda: causal()[:, 3:4])(self)
    self.bias = nn.Parameter(torch.randn(N, 1))


def far_below(self: Any, x: Tensor) -> Tensor:
    return x + self.bias.masked_fill(self.mask == 0, -1e9)


def rotations(self: nn.Module) -> None:
    """Complex weights that are learned, less some."""
    buffer(lambda: causal()[:, 3:4])(self)
    self.turn = nn.Parameter(torch.randn(N, 1, dtype=torch.cdouble))


def rotated_parts(self: Any, x: Tensor) -> Tensor:
    made: Tensor = (torch.complex(x, x.roll(1, 1)) * (self.turn * self.mask)).imag
    return made


class Fused(nn.Module):
    """Attention in one operator, over two heads."""

    mask: Any

    def __init__(self, make: Callable[[], Tensor] | None, **settings: Any) -> None:
        super().__init__()
        self.qkv = nn.Linear(C, 3 * C)
        self.register_buffer("mask", None if make is None else make())
        self.settings = settings

    def forward(self, x: Tensor) -> Any:
        heads = self.qkv(x).view(1, N, 3, 2, C // 2).permute(2, 0, 3, 1, 4)
        mask = None if self.mask is None else self.mask[..., :N, :N]
        q, k, v = heads
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, **self.settings)
        made: Tensor = y.transpose(1, 2).flatten(2)
        return made


class Layer(nn.Module):
    """A layer of torch's own, under a mask in a buffer."""

    mask: Any

    def __init__(
        self, make: Callable[[], Tensor], call: Callable[..., Tensor], layer: Make
    ) -> None:
        super().__init__()
        self.layer = layer()
        self.call = call
        self.register_buffer("mask", make())

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self.layer, x, self.mask)


def attend(layer: Any, x: Tensor, mask: Tensor) -> Tensor:
    made: Tensor = layer(x, x, x, attn_mask=mask)[0]
    return made


def attend_fast(layer: Any, x: Tensor, mask: Tensor) -> Tensor:
    made: Tensor = layer(x, x, x, attn_mask=mask, is_causal=True, need_weights=False)[0]
    return made


def beside_padding(layer: Any, x: Tensor, mask: Tensor) -> Tensor:
    padded = torch.tensor([[False] * (N - 1) + [True]], device=x.device)
    made: Tensor = layer(x, mask=mask, src_key_padding_mask=padded)
    return made


def attention_layer() -> nn.Module:
    return nn.MultiheadAttention(C, 2, batch_first=True)


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(C, 1, 4, dropout=0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()


def upper() -> Tensor:
    return causal() == 0


def by_head() -> Tensor:
    """Two heads: one looks back, one at itself and what comes next."""
    at = torch.arange(N)
    apart = at - at[:, None]
    return torch.stack([apart <= 0, (apart == 0) | (apart == 1)])


class Triangle(nn.Module):
    mask: Any

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", causal())

    def forward(self, weight: Tensor) -> Tensor:
        made: Tensor = weight * self.mask
        return made


def mixing(self: Any) -> None:
    self.weight = nn.Parameter(torch.randn(N, N))
    self.register_buffer("mask", causal())


def table(self: Any) -> None:
    """A bias for each distance between two positions, that of what lies ahead taken out."""
    self.weight = nn.Parameter(torch.randn(2 * N - 1, 2))
    at = torch.arange(N)
    self.register_buffer("distances", at[:, None] - at + N - 1)
    self.register_buffer("mask", (torch.arange(2 * N - 1) >= N - 1).float()[:, None])


def by_table(self: Any, x: Tensor) -> Tensor:
    return F.embedding(self.distances, self.weight * self.mask)[..., 0] @ x


def parametrized() -> nn.Module:
    mix = nn.Linear(N, N)
    parametrize.register_parametrization(mix, "weight", Triangle())
    return Held(
        lambda self: keep(self, mix=mix),
        lambda self, x: self.mix(x.transpose(1, 2)).transpose(1, 2),
    )


def pruned() -> nn.Module:
    mix = nn.Linear(N, N, bias=False)
    prune.custom_from_mask(mix, "weight", causal())
    return Held(
        lambda self: keep(self, mix=mix),
        lambda self, x: self.mix(x.transpose(1, 2)).transpose(1, 2),
    )


def toeplitz(self: Any, x: Tensor) -> Tensor:
    """A matrix of zeros into which a learned kernel is written along the diagonals."""
    matrix = torch.zeros(N, N, dtype=x.dtype, device=x.device)
    rows, columns = torch.tril_indices(N, N)
    matrix[rows, columns] = self.kernel[rows - columns]
    return matrix @ x


def spectra(x: Tensor) -> Tensor:
    window = torch.hann_window(4, device=x.device, dtype=x.dtype)
    return torch.stft(x, 4, 1, window=window, center=False, return_complex=True)


class PixelCNN(nn.Conv2d):
    """van den Oord et al. 2016, as most write it: the mask begins as a copy of the weight."""

    mask: Any

    def __init__(self, kind: str, *, in_place: bool) -> None:
        super().__init__(1, 1, 3, padding=1)
        self.register_buffer("mask", self.weight.data.clone())
        self.mask.fill_(1)
        self.mask[:, :, 1, 1 + (kind == "B") :] = 0
        self.mask[:, :, 2:] = 0
        self.in_place = in_place

    def forward(self, x: Tensor) -> Tensor:
        if self.in_place:
            self.weight.data *= self.mask
            return super().forward(x)
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=1)


class Made(nn.Linear):
    """A masked layer (Germain et al. 2015) over the positions, its mask by degrees."""

    mask: Any

    def __init__(self) -> None:
        super().__init__(N, N)
        degrees = torch.arange(N)
        self.register_buffer("mask", torch.zeros(N, N))
        self.mask.data.copy_((degrees[:, None] > degrees).float())

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x.transpose(1, 2), self.weight * self.mask, self.bias)
        return y.transpose(1, 2)


def written_in_place() -> nn.Module:
    """A kernel of which a forward overwrites one tap."""

    def forward(self: Any, x: Tensor) -> Tensor:
        self.conv.weight.data[..., 2] = 0
        made: Tensor = self.conv(x.transpose(1, 2)).transpose(1, 2)
        return made

    return Held(lambda self: keep(self, conv=nn.Conv1d(C, C, 3, padding=1)), forward)


WEIGHTS: dict[str, tuple[tuple[int, ...], Make]] = {
    "fused, under a buffer": (LINE, lambda: Fused(lambda: causal(9).bool())),
    "fused, under what is added": (LINE, lambda: Fused(low)),
    "fused, a mask for each head": (LINE, lambda: Fused(by_head)),
    "fused, causal": (LINE, lambda: Fused(None, is_causal=True)),
    "fused, all before and not itself": (LINE, lambda: Fused(lambda: causal().tril(-1).bool())),
    "torch's attention": (LINE, lambda: Layer(upper, attend, attention_layer)),
    "torch's attention, causal": (LINE, lambda: Layer(upper, attend_fast, attention_layer)),
    "torch's attention, by heads": (
        LINE,
        lambda: Layer(lambda: ~by_head(), attend, attention_layer),
    ),
    "torch's encoder": (
        LINE,
        lambda: Layer(
            lambda: nn.Transformer.generate_square_subsequent_mask(N),
            lambda layer, x, mask: layer(x, mask=mask),
            encoder,
        ),
    ),
    "torch's encoder beside padding": (LINE, lambda: Layer(upper, beside_padding, encoder)),
    "tril of a parameter": (LINE, lambda: Held(mixing, lambda s, x: torch.tril(s.weight) @ x)),
    "a table of parameters, filled": (LINE, lambda: Held(table, by_table)),
    "blocks of parameters": (
        LINE, lambda: Held(mixing, lambda s, x: torch.block_diag(*s.weight[:, :2].split(2)) @ x)
    ),
    "an inverse of parameters": (
        LINE,
        lambda: Held(
            mixing, lambda s, x: torch.linalg.inv(s.weight * s.mask + 30 * torch.eye(N)) @ x
        ),
    ),
    "rows of parameters, by a mask": (
        LINE,
        lambda: Held(mixing, lambda s, x: (s.weight * s.mask)[torch.arange(N) % 2 == 0] @ x),
    ),
    "a parameter, filled": (
        LINE,
        lambda: Held(mixing, lambda s, x: s.weight.masked_fill(s.mask == 0, 0.0) @ x),
    ),
    "a parameter, chosen": (
        LINE,
        lambda: Held(mixing, lambda s, x: torch.where(s.mask == 0, 0.0, s.weight) @ x),
    ),
    "a parameter, by a softmax": (
        LINE,
        lambda: Held(
            mixing, lambda s, x: s.weight.masked_fill(s.mask == 0, -math.inf).softmax(-1) @ x
        ),
    ),
    "a parameter's exponentials": (
        LINE,
        lambda: Held(mixing, lambda s, x: s.weight.masked_fill(s.mask == 0, -1e9).exp() @ x),
    ),
    "a parameter times a mask": (
        LINE,
        lambda: Held(
            mixing, lambda s, x: F.linear(x.transpose(1, 2), s.weight * s.mask).transpose(1, 2)
        ),
    ),
    "two parameters, cut": (
        LINE,
        lambda: Held(mixing, lambda s, x: s.weight.tril() @ (s.weight.triu(-1) @ x)),
    ),
    "their product": (
        LINE,
        lambda: Held(mixing, lambda s, x: (s.weight.tril() @ s.weight.tril(-1)) @ x),
    ),
    "their sum": (
        LINE,
        lambda: Held(mixing, lambda s, x: (s.weight.tril() + 0.5 * s.weight.tril(-1).neg()) @ x),
    ),
    "a kernel along diagonals": (
        LINE,
        lambda: Held(lambda s: keep(s, kernel=nn.Parameter(torch.randn(N))), toeplitz),
    ),
    "a parametrization": (LINE, parametrized),
    "a pruned weight": (LINE, pruned),
    "a bias that is learned, far below in places": (LINE, lambda: Held(biased, far_below)),
    "a complex weight under a mask": (LINE, lambda: Held(rotations, rotated_parts)),
    "MADE": (LINE, Made),
    "PixelCNN A": (PLANE, lambda: PixelCNN("A", in_place=False)),
    "PixelCNN B": (PLANE, lambda: PixelCNN("B", in_place=False)),
    "PixelCNN A, in place": (PLANE, lambda: PixelCNN("A", in_place=True)),
    "a tap that forward overwrites": (LINE, written_in_place),
    "averages so far": (
        LINE,
        lambda: Held(
            buffer(lambda: causal() / causal().sum(1, keepdim=True)), lambda s, x: s.mask @ x
        ),
    ),
    "a sparse neighbourhood": (
        LINE,
        lambda: Held(
            attribute(lambda: torch.diag(torch.ones(N - 1), 1).to_sparse()),
            lambda s, x: torch.sparse.mm(s.mask.to(x.dtype), x[0]),
        ),
    ),
    "rows by number": (
        LINE,
        lambda: Held(buffer(lambda: torch.tensor([5, 0, 3])), lambda s, x: x[:, s.mask]),
    ),
    "rows gathered": (
        LINE,
        lambda: Held(
            buffer(lambda: torch.tensor([5, 0, 3])),
            lambda s, x: x.gather(1, s.mask.view(1, 3, 1).expand(1, 3, C)),
        ),
    ),
    "rows selected": (
        LINE,
        lambda: Held(
            buffer(lambda: torch.arange(N).flip(0)), lambda s, x: x.index_select(1, s.mask)
        ),
    ),
    "rows taken along an axis": (
        LINE,
        lambda: Held(
            buffer(lambda: torch.tensor([5, 0, 3]).view(1, 3, 1)),
            lambda s, x: x.take_along_dim(s.mask, 1),
        ),
    ),
    "elements taken along all": (
        LINE,
        lambda: Held(
            buffer(lambda: torch.tensor([5, 0, 3])), lambda s, x: torch.take_along_dim(x, s.mask)
        ),
    ),
    "elements picked by a mask": (
        LINE,
        lambda: Held(
            buffer(lambda: torch.arange(N)[:, None] % 2 == 0),
            lambda s, x: x.masked_select(s.mask),
        ),
    ),
    "a sum of which a mask takes parts": (
        LINE,
        lambda: Held(
            buffer(lambda: (torch.arange(N) % 2)[:, None].double()),
            lambda s, x: torch.addcmul(x, x.roll(1, 1), s.mask.to(x.dtype)),
        ),
    ),
    "one end or the other": (
        LINE,
        lambda: Held(
            buffer(lambda: (torch.arange(N) % 3)[:, None] / 2),
            lambda s, x: torch.lerp(x, x.roll(1, 1), s.mask.to(x.dtype)),
        ),
    ),
    "a kernel of its own for each feature": (
        LINE,
        lambda: Held(
            buffer(lambda: torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]]])),
            lambda s, x: F.conv1d(x.mT, s.mask.to(x.dtype), padding=1, groups=C).mT,
        ),
    ),
    "kernels of outputs that have unlike holes": (
        LINE,
        lambda: Held(
            buffer(lambda: torch.tensor([[[1.0, 0, 1]] * C, [[0.0, 2, 0]] * C, [[3.0, 0, 1]] * C])),
            lambda s, x: F.conv1d(x.mT, s.mask.to(x.dtype)).mT,
        ),
    ),
    "kernels of features that have unlike holes": (
        LINE,
        lambda: Held(
            buffer(lambda: torch.tensor([[[1.0, 0, 0], [0.0, 0, 2]]])),
            lambda s, x: F.conv1d(x.mT, s.mask.to(x.dtype)).mT,
        ),
    ),
    "kernels of features that have unlike holes, transposed": (
        LINE,
        lambda: Held(
            buffer(lambda: torch.tensor([[[1.0, 0, 0, 0]], [[0.0, 0, 0, 2]]])),
            lambda s, x: F.conv_transpose1d(x.mT, s.mask.to(x.dtype), stride=2).mT,
        ),
    ),
    "kernels that have unlike holes, transposed": (
        LINE,
        lambda: Held(
            buffer(lambda: torch.tensor([[[1.0, 0, 1], [0.0, 2, 0]], [[0.0, 1, 1], [1.0, 0, 0]]])),
            lambda s, x: F.conv_transpose1d(x.mT, s.mask.to(x.dtype), stride=2, groups=C).mT,
        ),
    ),
    "a window of frames, made in forward": (
        LINE,
        lambda: Held(lambda self: None, lambda s, x: spectra(x[..., 0]).abs().mT),
    ),
    "a kernel with a hole, transposed": (
        LINE,
        lambda: Held(
            buffer(lambda: torch.tensor([[[1.0, 0.0, 1.0]]] * C)),
            lambda s, x: F.conv_transpose1d(x.mT, s.mask.to(x.dtype), stride=2, groups=C).mT,
        ),
    ),
    "rows by a mask": (
        LINE,
        lambda: Held(buffer(lambda: torch.arange(N) % 2 == 0), lambda s, x: x[:, s.mask]),
    ),
    "positions forgotten": (
        LINE,
        lambda: Held(
            buffer(lambda: (torch.arange(N) % 2).float().view(1, N, 1)),
            lambda s, x: (x * s.mask).cumsum(1),
        ),
    ),
    "a table of positions": (
        LINE,
        lambda: Held(
            lambda s: (
                buffer(lambda: torch.arange(N))(s),
                keep(s, table=nn.Embedding(N, C)),
            ),
            lambda s, x: (x + s.table(s.mask)).roll(1, 1),
        ),
    ),
}  # fmt: skip


def made(name: str) -> tuple[tuple[int, ...], Make]:
    if name in WEIGHTS:
        return WEIGHTS[name]
    constants, masked = SCORES[name]
    return LINE, lambda: Attention(masked, constants)


def on_shapes(make: Make) -> nn.Module:
    with weights_without_values() as finished:
        return finished(make())


@pytest.mark.parametrize("name", [*SCORES, *WEIGHTS])
@pytest.mark.parametrize("road", ["values", "shapes"])
def test_a_constant_says_what_gradients_say(name: str, road: str) -> None:
    shape, make = made(name)
    torch.manual_seed(0)
    model = make().double()
    x = torch.rand(shape, dtype=torch.float64) + 0.1
    expected = masks(make().double(), x)
    before = {key: value.clone() for key, value in model.state_dict().items()}

    found = (
        look_at(model, x)
        if road == "values"
        else look_at(on_shapes(make), torch.empty(shape, device="meta"))
    )

    assert not [each.node.operator for each in found.lowered if each.flag]
    assert seen(found, shape) == expected
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def look_at(model: nn.Module, *inputs: Tensor) -> Examination:
    return examine(model, Inputs(args=inputs), axes=(1,) if inputs[0].dim() == 3 else (2, 3))


def masks(model: nn.Module, x: Tensor) -> dict[tuple[int, ...], bytes]:
    """Return which positions each output element sees, by float64 gradients."""
    gradients: Any = torch.autograd.functional.jacobian(model, x)
    others = (0, 2) if x.dim() == 3 else (0, 1)
    return {
        unit: (gradients[unit] != 0).numpy().any(others).tobytes()
        for unit in np.ndindex(*gradients.shape[: -x.dim()])
    }


def seen(found: Examination, shape: tuple[int, ...]) -> dict[tuple[int, ...], bytes]:
    """Return the same of the graph."""
    axes = (1,) if len(shape) == 3 else (2, 3)
    (target,) = found.graph.outputs.values()
    nothing = np.zeros([shape[axis] for axis in axes], dtype=bool)
    result = {}
    for unit in np.ndindex(*target.shape):
        back = ways(found.lowered, target, dict(enumerate(unit)), [found.seed])
        mask = over(back[found.seed], axes) > 0 if found.seed in back else nothing
        result[unit] = mask.tobytes()
    return result


def band(x: Tensor) -> Tensor:
    at = torch.arange(N, device=x.device)
    return (at[:, None] - at).abs() > 1


class Gated(nn.Module):
    """Attention under a mask that is learned."""

    def __init__(self, cut: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.randn(N, N))
        self.rows = nn.Parameter(torch.rand(N))
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        return self.cut(self, x @ x.transpose(1, 2)) @ x


LEARNED: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "filled": lambda self, s: s.masked_fill(self.gate > 0, -math.inf).softmax(-1),
    "chosen": lambda self, s: torch.where(self.gate > 0, s, 0.0),
    "multiplied": lambda self, s: s.softmax(-1) * (self.gate > 0),
    "added": lambda self, s: (s + (self.gate > 0).float() * -1e9).softmax(-1),
    "by number": lambda self, s: s[:, self.rows.argsort()],
}  # fmt: skip


@pytest.mark.parametrize("road", ["values", "shapes"])
@pytest.mark.parametrize("name", LEARNED)
def test_a_mask_that_is_learned_makes_a_bound(name: str, road: str) -> None:
    def make() -> nn.Module:
        return Gated(LEARNED[name])

    model = make() if road == "values" else on_shapes(make)

    found = look_at(model, torch.zeros(LINE))

    flags = {each.flag for each in found.lowered if each.flag}
    assert flags == {UNREAD}
    (target,) = found.graph.outputs.values()
    assert found.dependences.seen[target].bounded_by is not None
    # Which keys are cut is not known: each output may see all 6 positions.
    assert set(seen(found, LINE).values()) == {b"\1" * N}


def test_a_mask_without_values_makes_a_bound_and_a_table_does_not() -> None:
    meta: Any = torch.device("meta")
    with meta:
        masked = Attention(filled, buffer(causal))
        table = Held(buffer(lambda: torch.ones(N, C)), lambda self, x: x + self.mask)
        rotary = Held(
            buffer(lambda: torch.ones(N, C)), lambda self, x: x.roll(1, 1) * self.mask.cos()
        )
        model = nn.Sequential(table, rotary, Attention(lambda self, s: s.softmax(-1)))

    bound, exact = (look_at(one, torch.zeros(LINE)) for one in (masked, model))

    assert [each.node.operator for each in bound.lowered if each.flag == UNREAD] == [
        "masked_fill",
        "_softmax",
        "bmm",
    ]
    assert not [each for each in exact.lowered if each.flag]


def every_second() -> Tensor:
    return torch.arange(N) % 2


def of_places() -> Tensor:
    return every_second().float()[:, None]


def of_features() -> Tensor:
    return torch.ones(C)


UNKNOWN: dict[str, tuple[bool, Callable[[], Tensor], Callable[[Any, Tensor], Tensor]]] = {
    "scaled by places": (True, of_places, lambda self, x: x * self.mask),
    "scaled by places, then added": (True, of_places, lambda self, x: (x * self.mask).cumsum(1)),
    "scaled by what is made of it": (True, of_places, lambda self, x: x * (1 - self.mask)),
    "added by places": (True, of_places, lambda self, x: torch.addcmul(x, x.roll(1, 1), self.mask)),
    "blended by places": (True, of_places, lambda self, x: torch.lerp(x, x.roll(1, 1), self.mask)),
    "chosen": (True, of_places, lambda self, x: torch.where(self.mask > 0, x, x.roll(1, 1))),
    "filled": (True, of_places, lambda self, x: x.masked_fill(self.mask > 0, 0.0)),
    "a mean by places": (True, of_places, lambda self, x: x.mean(1, keepdim=True) * self.mask),
    "a mean by features": (False, of_features, lambda self, x: x.mean(1) * self.mask),
    "scaled by features": (False, of_features, lambda self, x: (x * self.mask).cumsum(1)),
    "as stored statistics scale": (
        False,
        of_features,
        lambda self, x: (x * (self.mask * (self.mask + 1e-5).rsqrt())).cumsum(1),
    ),
    "filled by features": (
        True,
        of_features,
        lambda self, x: x.masked_fill(self.mask > 0, 0).cumsum(1),
    ),
    "turned by frequencies": (
        False,
        of_features,
        lambda self, x: x * (torch.arange(N, device=x.device)[:, None] * self.mask).cos(),
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_takes_elements_by_their_places_is_a_bound_where_it_is_not_known(name: str) -> None:
    is_bound, make, function = UNKNOWN[name]
    with torch.device("meta"):
        model = Held(buffer(make), function)

    found = look_at(model, torch.zeros(LINE))

    (target,) = found.graph.outputs.values()
    bounded = found.dependences.seen[target].bounded_by
    assert (bounded is not None) == is_bound
    assert bounded is None or found.lowered[bounded].flag == UNREAD
    learned = look_at(Held(learn(make), function), torch.zeros(LINE))
    flags = {each.flag for each in learned.lowered if each.flag}
    assert flags == ({UNREAD} if name in ("chosen", "filled", "filled by features") else set())


def learn(make: Callable[[], Tensor]) -> Callable[[nn.Module], object]:
    return lambda self: keep(self, mask=nn.Parameter(torch.rand_like(make())))


@pytest.mark.parametrize("kind", [torch.bool, torch.int64, torch.float32])
def test_a_mask_among_the_inputs_is_unknown_without_its_values(kind: torch.dtype) -> None:
    class Masked(nn.Module):
        def forward(self, x: Tensor, other: Tensor) -> Tensor:
            made: Tensor = (x * other).cumsum(1)
            return made

    found = look_at(Masked(), torch.zeros(LINE), torch.ones(N, 1, dtype=kind, device="meta"))

    assert {each.flag for each in found.lowered if each.flag} == {UNREAD}


def test_an_input_is_no_mask_behind_weights_that_are_learned() -> None:
    class Gates(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.project, self.norm = nn.Linear(C, C), nn.LayerNorm(C)

        def forward(self, x: Tensor, other: Tensor) -> Tensor:
            gated = x * self.project(other).sigmoid() * self.norm(other)
            return (gated + other).cumsum(1)

    found = look_at(Gates(), torch.zeros(LINE), torch.ones(LINE, device="meta"))

    assert not [each for each in found.lowered if each.flag]


def test_a_mask_among_the_inputs_has_its_values() -> None:
    class Masked(nn.Module):
        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            return (x @ x.transpose(1, 2)).masked_fill(mask == 0, -math.inf).softmax(-1) @ x

    found = look_at(Masked(), torch.zeros(LINE), causal())

    (target,) = found.graph.outputs.values()
    field = found.total(target)
    assert field is not None
    assert tuple(field.lines[0].sets) == tuple((1 << unit + 1) - 1 for unit in range(N))


def test_a_mask_too_large_to_be_followed_makes_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archscope.dependence.record.zeros.MOST_ELEMENTS", N)
    monkeypatch.setattr("archscope.dependence.record.element_moves.MOST_ELEMENTS", N)
    model = Attention(lambda self, s: filled_scores(self, s).flip(0).softmax(-1), buffer(causal))

    found = look_at(model, torch.zeros(LINE))
    plain = look_at(Attention(lambda self, s: s.flip(0).softmax(-1)), torch.zeros(LINE))

    assert {each.flag for each in found.lowered if each.flag} == {UNREAD}
    assert set(seen(found, LINE).values()) == {b"\1" * N}
    assert not [
        each for each in plain.lowered if each.flag
    ]  # of what no mask was in nothing is lost


def test_matrices_of_too_many_kinds_are_taken_together(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Held(
        buffer(lambda: torch.stack([causal(), torch.eye(N)])),
        lambda self, x: self.mask @ x.T[:, :, None],
    )
    few, found = None, None
    for most in (2, 1):
        monkeypatch.setattr("archscope.dependence.rules.mixing.MOST_KINDS", most)
        few, found = found, examine(model, Inputs(args=(torch.zeros(N, C),)), axes=(0,))

    assert few is not None
    assert found is not None
    assert [each.node.operator for each in few.lowered if each.flag] == []
    assert [each.node.operator for each in found.lowered if each.flag] == ["bmm"]
    # Feature 1 sees its own place alone, and is said to see at most what feature 0 does.
    for unit in range(N):
        for feature in range(C):
            (target,) = found.graph.outputs.values()
            back = ways(found.lowered, target, {0: feature, 1: unit, 2: 0}, [found.seed])
            mask = over(back[found.seed], (0,)) > 0
            assert mask.tolist() == [at <= unit for at in range(N)]


class Program(nn.Module):
    """Random operators on a weight and masks, then a matrix over positions or scores of them."""

    mask: Any

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.draw = random.Random(seed)
        self.weight = nn.Parameter(torch.randn(N, N))
        self.other = nn.Parameter(torch.randn(N, N))
        generator = torch.Generator().manual_seed(seed)
        seen = torch.rand(N, N, generator=generator) < 0.6
        self.register_buffer("mask", (seen | torch.eye(N).bool()).float())
        self.register_buffer("index", torch.randperm(N, generator=generator))
        self.steps = [self.draw.choice(list(FACTORS)) for _ in range(self.draw.randint(1, 4))]
        self.last = self.draw.choice(list(ENDS))

    def forward(self, x: Tensor) -> Any:
        factor: Any = self.draw_first()
        for step in self.steps:
            factor = FACTORS[step](self, factor)
        return ENDS[self.last](self, factor, x)

    def draw_first(self) -> Tensor:
        return self.weight * self.mask if self.steps[0] < "m" else self.weight


def put(self: Any, factor: Tensor) -> Tensor:
    made = torch.zeros(N, N, dtype=factor.dtype, device=factor.device)
    made[1:, self.index] = factor[1:]
    return made


def in_place(self: Any, factor: Tensor) -> Tensor:
    made = factor.clone()
    made[:, :2].mul_(self.mask[:, :2])
    made[0].zero_()
    made.diagonal().fill_(0.5)
    return made


FACTORS: dict[str, Callable[[Any, Any], Any]] = {
    "times a mask": lambda self, f: f * self.mask,
    "times a weight": lambda self, f: self.other * f,
    "cut": lambda self, f: f.tril(1),
    "cut above": lambda self, f: f.triu(-1),
    "filled": lambda self, f: f.masked_fill(self.mask == 0, 0.0),
    "chosen": lambda self, f: torch.where(self.mask > 0, f, self.other.tril()),
    "turned": lambda self, f: f.t(),
    "moved": lambda self, f: f.flip(0).roll(1, 1),
    "rows": lambda self, f: f[self.index],
    "scaled": lambda self, f: -f.abs() / 3.0,
    "weights": lambda self, f: f.masked_fill(self.mask == 0, -math.inf).softmax(-1),
    "exponentials": lambda self, f: (f + (self.mask - 1) * 1e9).exp(),
    "product": lambda self, f: f @ (self.mask * self.other),
    "sum": lambda self, f: f + self.other * self.mask,
    "halves": lambda self, f: torch.cat([f[:, 3:], f[:, :3] * self.mask[:, :3]], 1),
    "padded": lambda self, f: F.pad(f[1:, 1:], (1, 0, 0, 1)),
    "put into zeros": put,
    "in place": in_place,
}
ENDS: dict[str, Callable[[Any, Any, Tensor], Tensor]] = {
    "a matrix": lambda self, f, x: f @ x,
    "a matrix, turned": lambda self, f, x: (x.transpose(1, 2) @ f).transpose(1, 2),
    "a layer": lambda self, f, x: F.linear(x.transpose(1, 2), f).transpose(1, 2),
    "weights of scores": lambda self, f, x: (x @ x.transpose(1, 2) + 3).square() * f @ x,
    "scores": lambda self, f, x: (
        (x @ x.transpose(1, 2) + f).masked_fill(self.mask == 0, -math.inf).softmax(-1) @ x
    ),
}  # fmt: skip


PROGRAMS = (*range(17), 32, 33, 35, 40)
"""Seeds whose programs lead through every line, and from each to every next one, that those of the
first 48 lead through."""


@pytest.mark.parametrize("seeds", batches(PROGRAMS, 2))
def test_random_programs_see_what_their_gradients_see(seeds: Sequence[int]) -> None:
    x = torch.rand(LINE, dtype=torch.float64) + 0.1
    cut = 0
    for seed in seeds:
        torch.manual_seed(seed)
        expected = masks(Program(seed).double(), x)
        cut += any(mask != b"\1" * N for mask in expected.values())
        models = Program(seed).double(), on_shapes(lambda: Program(seed))  # noqa: B023
        for model, given in zip(models, (x, torch.zeros(LINE)), strict=True):
            found = look_at(model, given)
            sets = seen(found, LINE) if found.graph.outputs else dict.fromkeys(expected, bytes(N))
            assert sets == expected, (seed, model.steps, model.last)
    assert cut > len(seeds) / 3, cut  # the others see everything


def test_positions_that_are_only_bounded_are_positions_all_the_same() -> None:
    model = nn.Sequential(nn.Linear(C, C), Gated(LEARNED["filled"]))

    found = examine(model, Inputs(args=(torch.zeros(LINE),)))

    assert found.axes == (1,)  # and not the features, which the first layer mixes


def test_kernels_are_not_searched_for_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []

    def facts(tensor: Tensor) -> Facts:
        searched.append(tensor.numel())
        return facts_of_values(tensor)

    monkeypatch.setattr(constants, "facts_of_values", facts)
    model = nn.Sequential(nn.Conv1d(4, 8, 3), nn.Conv1d(8, 8, 3, groups=2), nn.Linear(8, 8))
    examine(model, Inputs(args=(torch.zeros(1, 4, 12),)))

    assert searched
    assert max(searched) == 8  # the biases
