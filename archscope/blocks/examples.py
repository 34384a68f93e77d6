"""Example inputs of a network: random, the same each time, without values on the meta device."""

import torch
from torch import Tensor

_SEED = 0


def tokens(*shape: int, words: int) -> Tensor:
    """Return token numbers below `words`, of any shape, on torch's default device."""
    device = torch.get_default_device()
    if device.type == "meta":
        return torch.zeros(shape, dtype=torch.long)
    generator = torch.Generator(device).manual_seed(_SEED)
    return torch.randint(words, shape, generator=generator)


def features(*shape: int) -> Tensor:
    """Return numbers of the standard normal distribution, on torch's default device."""
    device = torch.get_default_device()
    if device.type == "meta":
        return torch.zeros(shape)
    return torch.randn(shape, generator=torch.Generator(device).manual_seed(_SEED))
