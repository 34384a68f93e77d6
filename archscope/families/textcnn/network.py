"""TextCNN (Kim 2014, section 2).

B batch, S words, D features of a word, M filters of each width, T positions of a filter, K classes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.families.textcnn.spec import TextCnnSpec, tables

DROPOUT = 0.5


class MaxOverTime(nn.Module):
    """The largest value of each filter (Collobert et al. 2011)."""

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, M, T), return (B, M)."""
        return x.amax(-1)


class TextCnn(nn.Module):
    """Filters of several widths, the maximum of each over all positions, and a linear layer.

    With two channels of word vectors, frozen and tuned, each filter is applied to both and the
    results are added (section 2.1).
    """

    def __init__(self, spec: TextCnnSpec) -> None:
        super().__init__()
        tuned = tables(spec)
        self.embeddings = nn.ModuleList(nn.Embedding(spec.vocab_size, spec.d_model) for _ in tuned)
        for table, is_tuned in zip(self.embeddings, tuned, strict=True):
            table.requires_grad_(is_tuned)
        self.convs = nn.ModuleList(
            nn.Conv1d(spec.d_model, spec.maps, width) for width in spec.windows
        )
        self.pool = MaxOverTime()
        self.dropout = nn.Dropout(DROPOUT)
        self.fc = part("head", nn.Linear(spec.maps * len(spec.windows), spec.classes))

    def forward(self, words: Tensor) -> Tensor:
        """Take (B, S), return (B, K)."""
        channels = [table(words).transpose(1, 2) for table in self.embeddings]  # each (B, D, S)
        pooled = []
        for conv in self.convs:
            first, *others = [conv(x) for x in channels]
            maps = sum(others, first)  # (B, M, T)
            pooled.append(self.pool(F.relu(maps)))  # (B, M)
        scores: Tensor = self.fc(self.dropout(torch.cat(pooled, 1)))  # (B, K)
        return scores
