"""Tables over a large vocabulary that spend more on frequent tokens than on rare ones.

Adaptive softmax (Grave et al. 2017) and adaptive embeddings (Baevski and Auli 2019), tied as in
Transformer-XL. B batch, S positions, D width of the model; of cluster c, counted from the most
frequent tokens: V tokens, E width of its table.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape, part
from archscope.theory import counts
from archscope.theory.counts import ClosedForm


class AdaptiveEmbedding(nn.Module):
    """A table per cluster, each `div_val` times narrower than the one before, projected to D.

    Every cluster answers for every token, and a mask takes the one answer that counts: so the work
    does not depend on which tokens there are. With a `div_val` of 1 nothing is projected.
    """

    archscope_component = "embeddings"

    def __init__(self, sizes: Sequence[int], d_model: int, div_val: int) -> None:
        super().__init__()
        self.scale = d_model**0.5
        self.sizes = tuple(sizes)
        self.widths = tuple(d_model // div_val**cluster for cluster in range(len(sizes)))
        self.tables = nn.ModuleList(map(nn.Embedding, self.sizes, self.widths))
        up = [nn.Linear(width, d_model, bias=False) for width in self.widths]
        self.up = nn.ModuleList(up if div_val > 1 else ())

    def forward(self, tokens: Tensor) -> Tensor:
        """Take (B, S), return (B, S, D)."""
        first, answers = 0, []
        for cluster, (size, table) in enumerate(zip(self.sizes, self.tables, strict=True)):
            place = tokens - first  # (B, S)
            x = table(place.clamp(0, size - 1))  # (B, S, E)
            x = self.up[cluster](x) if self.up else x  # (B, S, D)
            answers.append(x.masked_fill(((place < 0) | (place >= size))[..., None], 0.0))
            first += size
        found: Tensor = sum(answers[1:], answers[0]) * self.scale
        return found


class AdaptiveHead(nn.Module):
    """Logarithms of probabilities: of frequent tokens at once, of rare ones within their cluster.

    The tables and all projections but the first are those of the embedding.
    """

    def __init__(self, embedding: AdaptiveEmbedding, d_model: int) -> None:
        super().__init__()
        width, rest = embedding.widths[0], len(embedding.sizes) - 1
        own = "head_cluster_and_out_proj"
        first = [part(own, nn.Linear(d_model, width, bias=False))] if embedding.up else []
        self.down = nn.ModuleList([*first, *map(Transposed, embedding.up[1:])])
        self.clusters = part(own, nn.Linear(width, rest)) if rest else None
        self.scores = nn.ModuleList(map(TiedScores, embedding.tables))
        self.biases = nn.ModuleList(map(Bias, embedding.sizes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, S, D), return (B, S, sum of V)."""
        narrow = self._narrow(0, x)  # (B, S, E)
        head = self._scores(0, narrow)  # (B, S, V)
        if self.clusters is None:
            return head.log_softmax(-1)
        parts = (head.shape[-1], len(self.scores) - 1)
        both = torch.cat((head, self.clusters(narrow)), -1)  # (B, S, V + rare clusters)
        frequent, rare = both.log_softmax(-1).split(parts, -1)
        tails = [
            self._scores(number, self._narrow(number, x)).log_softmax(-1) + of_cluster
            for number, of_cluster in enumerate(rare.split(1, -1), start=1)
        ]
        return torch.cat((frequent, *tails), -1)

    def _narrow(self, cluster: int, x: Tensor) -> Tensor:
        narrow: Tensor = self.down[cluster](x) if self.down else x  # (B, S, E)
        return narrow

    def _scores(self, cluster: int, narrow: Tensor) -> Tensor:
        scores: Tensor = self.biases[cluster](self.scores[cluster](narrow))  # (B, S, V)
        return scores


class Transposed(nn.Module):
    """A projection back with the weight of one that leads up, from D features to E."""

    archscope_component = "head"

    def __init__(self, up: nn.Module) -> None:
        super().__init__()
        self.weight = up.get_parameter("weight")

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, S, D), return (B, S, E)."""
        out: Tensor = x @ self.weight  # (B, S, E)
        return out

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """A linear layer."""
        return _linear(inputs[0], output)


class TiedScores(nn.Module):
    """The product of features with each row of a table."""

    archscope_component = "head"

    def __init__(self, table: nn.Module) -> None:
        super().__init__()
        self.weight = table.get_parameter("weight")

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, S, E), return (B, S, V)."""
        return F.linear(x, self.weight)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """A linear layer."""
        return _linear(inputs[0], output)


class Bias(nn.Module):
    """A number per token, added to its score."""

    archscope_component = "head_bias"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, V)."""
        return x + self.bias

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """A sum."""
        return ClosedForm(params="V", macs="0", symbols={"V": output[-1]})


def _linear(taken: tuple[int, ...], made: tuple[int, ...]) -> ClosedForm:
    batch, length, width = taken
    return counts.linear(rows=batch * length, inputs=width, outputs=made[-1], bias=False)
