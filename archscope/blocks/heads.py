"""What stands on the last block: scores over the vocabulary, a pooled position, classes.

B batch, S positions, D width of the model, V vocabulary, C classes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.block import make_norm
from archscope.blocks.components import part

if TYPE_CHECKING:
    from archscope.families.transformer.spec import TransformerSpec

Output = Tensor | tuple[Tensor, Tensor]


class MaskedHead(nn.Module):
    """Dense layer, activation, norm, projection onto the vocabulary (Devlin et al. 2019, BERT)."""

    archscope_component = "head"

    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.dense = nn.Linear(spec.d_model, spec.table_width, bias=spec.bias)
        self.norm = make_norm(spec, spec.table_width)
        self.decoder = nn.Linear(spec.table_width, spec.vocab_size, bias=spec.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, S, D), return (B, S, V)."""
        scores: Tensor = self.decoder(self.norm(F.gelu(self.dense(x))))  # (B, S, V)
        return scores


class ProjectedHead(nn.Module):
    """A projection onto the width of the embeddings, then one onto the vocabulary."""

    archscope_component = "head"

    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.proj = nn.Linear(spec.d_model, spec.table_width, bias=spec.bias)
        self.decoder = nn.Linear(spec.table_width, spec.vocab_size, bias=spec.head_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, S, D), return (B, S, V)."""
        scores: Tensor = self.decoder(self.proj(x))  # (B, S, V)
        return scores


class Pooler(nn.Module):
    """tanh(dense(x)) of one position."""

    archscope_component = "pooler"

    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.dense = nn.Linear(spec.d_model, spec.d_model, bias=spec.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, D)."""
        out: Tensor = self.dense(x)  # (B, D)
        return out.tanh()


class PooledHead(nn.Module):
    """A pooler, a classifier or both, on the one position that sees the whole sequence."""

    archscope_component = "head"

    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.position = -1 if spec.sees_only_past else 0
        self.pooler = Pooler(spec) if spec.pooler else None
        linear = partial(nn.Linear, spec.d_model, spec.classes, bias=spec.bias)
        self.classifier = linear() if spec.classes else None

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, S, D), return (B, D) or (B, C)."""
        x = x[:, self.position]  # (B, D)
        x = x if self.pooler is None else self.pooler(x)  # (B, D)
        return x if self.classifier is None else self.classifier(x)  # (B, D) or (B, C)


def vocabulary_head(spec: TransformerSpec, table: nn.Embedding | None) -> nn.Module | None:
    """Return the head over the vocabulary, with the weight of `table` where they are tied."""
    if spec.vocabulary_head == "none" or table is None:
        return None
    if spec.vocabulary_head == "mlm" or spec.embedding_dim is not None:
        head = MaskedHead(spec) if spec.vocabulary_head == "mlm" else ProjectedHead(spec)
        head.decoder.weight = table.weight if spec.tied else head.decoder.weight
        return head
    projection = part("head", nn.Linear(spec.d_model, spec.vocab_size, bias=spec.head_bias))
    projection.weight = table.weight if spec.tied else projection.weight
    return projection


def pooled_head(spec: TransformerSpec) -> nn.Module | None:
    """Return the head on the pooled position, or None where there is none."""
    return PooledHead(spec) if spec.pooler or spec.classes else None


def outputs(x: Tensor, lm_head: nn.Module | None, pooled: nn.Module | None) -> Output:
    """Return scores, or features where there is no head; and the pooled position, if any."""
    scores: Tensor = x if lm_head is None else lm_head(x)  # (B, S, V) or (B, S, D)
    return scores if pooled is None else (scores, pooled(x))
