"""Example inputs of a network: random, the same each time, without values on the meta device.

No torch until they are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from archscope.subject import Inputs

if TYPE_CHECKING:
    from torch import Tensor

_SEED = 0


class OfImages(Protocol):
    """A spec of a network that takes square images."""

    @property
    def batch_size(self) -> int:
        """Number of images."""

    @property
    def in_channels(self) -> int:
        """Channels of an image."""

    @property
    def input_size(self) -> int:
        """Its height and width."""


class OfText(Protocol):
    """A spec of a network that takes sequences of tokens."""

    @property
    def batch_size(self) -> int:
        """Number of sequences."""

    @property
    def seq_len(self) -> int:
        """Tokens of a sequence."""

    @property
    def vocab_size(self) -> int:
        """Number of different tokens."""


def images(spec: OfImages) -> Inputs:
    """Return a batch of random images."""
    size = spec.input_size
    return Inputs(args=(features(spec.batch_size, spec.in_channels, size, size),))


def images_in_words(spec: OfImages) -> str:
    """Return the size of such a batch, e.g. `input 3×224×224 · batch 1`."""
    size = spec.input_size
    return f"input {spec.in_channels}×{size}×{size} · batch {spec.batch_size}"


def text(spec: OfText) -> Inputs:
    """Return a batch of random tokens."""
    return Inputs(args=(tokens(spec.batch_size, spec.seq_len, words=spec.vocab_size),))


def tokens(*shape: int, words: int) -> Tensor:
    """Return token numbers below `words`, of any shape, on torch's default device.

    They are the same on every device: made on the CPU, for some devices draw none.
    """
    import torch

    from archscope.running.device import default_device

    device = default_device()
    if device.type == "meta":
        return torch.zeros(shape, dtype=torch.long)
    seed = torch.Generator("cpu").manual_seed(_SEED)
    return torch.randint(words, shape, generator=seed, device="cpu").to(device)


def features(*shape: int) -> Tensor:
    """Return numbers of the standard normal distribution, on torch's default device, likewise."""
    import torch

    from archscope.running.device import default_device

    device = default_device()
    if device.type == "meta":
        return torch.zeros(shape)
    seed = torch.Generator("cpu").manual_seed(_SEED)
    return torch.randn(shape, generator=seed, device="cpu").to(device)
