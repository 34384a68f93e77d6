"""lightning: modules that know how they are trained."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from lightning.pytorch.demos import Transformer
from lightning.pytorch.demos.boring_classes import BoringModel, DemoModel

from benchmarks.strangers.stranger import Stranger, noise, of


def networks() -> Iterator[Stranger]:
    yield of("BoringModel", BoringModel, noise(4, 32))
    yield of("DemoModel", DemoModel, noise(4, 32))
    yield of(
        "Transformer",
        lambda: Transformer(vocab_size=64, ninp=32, nhead=2, nhid=32),
        torch.arange(16)[None],
        torch.arange(16)[None],
    )
