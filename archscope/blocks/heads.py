"""What stands on the last block: scores over the vocabulary, a pooled position, classes.

B batch, S positions, D width of the model, V vocabulary, C classes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

Output = Tensor | tuple[Tensor, Tensor]


class MaskedHead(nn.Module):
    """Dense layer, activation, norm, projection onto the vocabulary (Devlin et al. 2019, BERT)."""

    archscope_component = "head"

    def __init__(
        self, d_model: int, width: int, words: int, *, norm: Callable[[int], nn.Module], bias: bool
    ) -> None:
        super().__init__()
        self.dense = nn.Linear(d_model, width, bias=bias)
        self.norm = norm(width)
        self.decoder = nn.Linear(width, words, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, S, D), return (B, S, V)."""
        scores: Tensor = self.decoder(self.norm(F.gelu(self.dense(x))))  # (B, S, V)
        return scores


class ProjectedHead(nn.Module):
    """A projection onto the width of the embeddings, then one onto the vocabulary."""

    archscope_component = "head"

    def __init__(
        self, d_model: int, width: int, words: int, *, bias: bool, head_bias: bool
    ) -> None:
        super().__init__()
        self.proj = nn.Linear(d_model, width, bias=bias)
        self.decoder = nn.Linear(width, words, bias=head_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, S, D), return (B, S, V)."""
        scores: Tensor = self.decoder(self.proj(x))  # (B, S, V)
        return scores


class Pooler(nn.Module):
    """tanh(dense(x)) of one position, or of each."""

    archscope_component = "pooler"

    def __init__(self, d_model: int, *, bias: bool) -> None:
        super().__init__()
        self.dense = nn.Linear(d_model, d_model, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (..., D)."""
        out: Tensor = self.dense(x)  # (..., D)
        return out.tanh()


class PooledHead(nn.Module):
    """A pooler, a classifier or both: on one position that sees the whole sequence, or on each.

    The classes are the sequence's, or each token's, as where words are tagged (Devlin et al. 2019,
    section 4.1 and appendix B).
    """

    archscope_component = "head"

    def __init__(
        self, d_model: int, classes: int, *, position: int | None, pooler: bool, bias: bool
    ) -> None:
        """Build a pooler where there is to be one, and a classifier where there are classes.

        `position` None takes every position.
        """
        super().__init__()
        self.position = position
        self.pooler = Pooler(d_model, bias=bias) if pooler else None
        self.classifier = nn.Linear(d_model, classes, bias=bias) if classes else None

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, S, D), return (B, D) or (B, C); of every position (B, S, D) or (B, S, C)."""
        x = x if self.position is None else x[:, self.position]  # (B, D) or (B, S, D)
        x = x if self.pooler is None else self.pooler(x)  # as before
        return x if self.classifier is None else self.classifier(x)  # (B, C) or (B, S, C)


def outputs(x: Tensor, lm_head: nn.Module | None, pooled: nn.Module | None) -> Output:
    """Return scores, or features where there is no head; and what is pooled or classified."""
    scores: Tensor = x if lm_head is None else lm_head(x)  # (B, S, V) or (B, S, D)
    return scores if pooled is None else (scores, pooled(x))
