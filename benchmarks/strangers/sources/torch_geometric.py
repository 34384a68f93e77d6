"""torch_geometric: graphs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch_geometric.nn import models

from benchmarks.strangers.stranger import Stranger, noise, of


def networks() -> Iterator[Stranger]:
    e = torch.arange(60)
    edges = torch.stack([e % 20, (e * 7 + e // 20) % 20])
    sizes: dict[str, Any] = {"in_channels": 8, "hidden_channels": 16, "num_layers": 2}
    pna = {"aggregators": ["mean", "max"], "scalers": ["identity"], "deg": torch.ones(8).long()}
    for name, more in (
        ("GCN", {}),
        ("GraphSAGE", {}),
        ("GIN", {}),
        ("GAT", {"heads": 2}),
        ("PNA", pna),
        ("EdgeCNN", {}),
    ):
        yield of(name, partial(getattr(models, name), **sizes, **more), noise(20, 8), edges)
    yield of("MLP", lambda: models.MLP([8, 16, 4]), noise(20, 8))
    yield of("LightGCN", lambda: models.LightGCN(20, 8, 2), edges)
    yield of("GraphUNet", lambda: models.GraphUNet(8, 16, 4, depth=2), noise(20, 8), edges)
    yield of("LinkPredictor", lambda: models.GAE(models.GCN(**sizes)), noise(20, 8), edges)
    yield of(
        "AttentiveFP",
        lambda: models.AttentiveFP(8, 16, 4, 3, 2, 2),
        noise(20, 8),
        edges,
        noise(60, 3),
        torch.zeros(20, dtype=torch.int64),
    )
