"""Both engines on a module in memory, against fvcore alone as it ships, on CPU tensors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn

import archscope
from benchmarks.bench.rows import Row, against, here

AIM = 0.6


def cases() -> Iterator[tuple[str, nn.Module, tuple[Any, ...]]]:
    """Yield networks with what they are called with."""
    yield "ResNet-50 at 224 x 224", archscope.build("resnet50"), (torch.zeros(1, 3, 224, 224),)
    for layers, tokens in ((12, 128), (6, 512)):
        layer = nn.TransformerEncoderLayer(512, 8, 2048, batch_first=True)
        encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        yield f"{layers} encoder layers at {tokens} tokens", encoder, (torch.zeros(1, tokens, 512),)


def rows() -> Iterator[Row]:
    """Yield one row for each network."""
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)  # idle threads spin, and would be counted against who does arithmetic
    for name, model, inputs in cases():
        model.eval()
        # Without no_grad: under it torch fuses a whole encoder layer into one operator, of which
        # fvcore counts nothing.
        yield against(
            f"`params` of {name}",
            lambda model=model, inputs=inputs: here(  # type: ignore[misc]
                lambda: archscope.params(model, *inputs)
            ),
            "plain fvcore",
            lambda model=model, inputs=inputs: here(  # type: ignore[misc]
                lambda: FlopCountAnalysis(model, inputs).total()
            ),
            aim=AIM,
        )
