"""LSTM language models (Zaremba, Sutskever & Vinyals 2014).

torch's LSTM has two biases for each gate where the paper has one.
B batch, S words, D features of a word, H units, V words of the table.
"""

from __future__ import annotations

from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.families.lstm.spec import LstmSpec

DROPOUT = 0.5


class LstmLanguageModel(nn.Module):
    """Word vectors, recurrent layers with dropout between them, scores of the next word."""

    def __init__(self, spec: LstmSpec) -> None:
        super().__init__()
        self.embedding = nn.Embedding(spec.vocab_size, spec.d_model)
        self.dropout = nn.Dropout(DROPOUT)
        recurrent = nn.LSTM(
            spec.d_model,
            spec.hidden_size,
            spec.depth,
            batch_first=True,
            dropout=DROPOUT if spec.depth > 1 else 0.0,
        )
        self.lstm = part("lstm", recurrent)
        self.decoder = part("head", nn.Linear(spec.hidden_size, spec.vocab_size))
        if spec.tied:
            self.decoder.weight = self.embedding.weight

    def forward(self, words: Tensor) -> Tensor:
        """Take (B, S), return (B, S, V)."""
        x = self.dropout(self.embedding(words))  # (B, S, D)
        x, _ = self.lstm(x)  # (B, S, H)
        scores: Tensor = self.decoder(self.dropout(x))  # (B, S, V)
        return scores
