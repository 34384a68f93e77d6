"""Claim: an operator that torch does not know is a named gap, until its formula is given.

python examples/operator_of_your_own.py
"""

import torch
from torch import nn

import archscope


@torch.library.custom_op("example::scores", mutates_args=())
def scores(x: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """Return the score of each row for each key; your kernel would stand here."""
    return x @ keys.T


class Ranker(nn.Module):
    """A layer, and scores against keys."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)
        self.keys = nn.Parameter(torch.zeros(5, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return scores(self.fc(x), self.keys)


before = archscope.params(Ranker(), torch.zeros(3, 8)).totals
print(f"{before.macs} MACs, complete: {before.complete}")
assert (before.macs, before.complete) == (3 * 8 * 8, False)

archscope.operator(
    "example::scores",
    macs=lambda x, keys, *, result: result.numel() * keys.shape[1],
    shapes=lambda x, keys: (x.shape[0], keys.shape[0]),
    reads="everything",
)
after = archscope.params(Ranker(), torch.zeros(3, 8)).totals
print(f"{after.macs} MACs, complete: {after.complete}")
assert (after.macs, after.complete) == (3 * 8 * 8 + 3 * 5 * 8, True)
