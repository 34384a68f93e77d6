"""Runs a backward pass within the modes that are active, for what runs again in it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd import Variable


def run_backward(roots: Sequence[Tensor]) -> None:
    """Give gradients to all that tensors depend on, as of their sum.

    torch's own function hands itself to modes of functions, which stand aside while they answer:
    a checkpoint of the user's would run again without them, and find that it keeps something else.
    """
    ones = tuple(torch.ones_like(root) for root in roots)
    engine = Variable._execution_engine
    engine.run_backward(
        tuple(roots), ones, False, False, (), allow_unreachable=True, accumulate_grad=True
    )
