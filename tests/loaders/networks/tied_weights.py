"""An output layer that uses the weight of the embedding."""

from torch import Tensor, nn


class Language(nn.Module):
    def __init__(self, words: int = 100, width: int = 8) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.mixing = nn.Linear(width, width, bias=False)
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.mixing(self.embedding(tokens)))
