"""neuralop: operators between functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from neuralop import models

from benchmarks.strangers.stranger import Stranger, noise, of


def networks() -> Iterator[Stranger]:
    sizes: dict[str, Any] = {"in_channels": 1, "out_channels": 1, "hidden_channels": 16}
    field = (noise(1, 1, 32, 32),)
    yield of("FNO", lambda: models.FNO((8, 8), n_layers=2, **sizes), *field)
    yield of("TFNO", lambda: models.TFNO((8, 8), n_layers=2, **sizes), *field)
    yield of("FNO1d", lambda: models.FNO((8,), n_layers=2, **sizes), noise(1, 1, 32))
    yield of(
        "UNO",
        lambda: models.UNO(
            n_layers=3,
            uno_out_channels=[16, 16, 16],
            uno_n_modes=[[4, 4]] * 3,
            uno_scalings=[[1, 1], [0.5, 0.5], [2, 2]],
            channel_mlp_skip="linear",
            **sizes,
        ),
        *field,
    )
    yield of(
        "CODANO",
        lambda: models.CODANO(
            output_variable_codimension=1,
            hidden_variable_codimension=2,
            lifting_channels=4,
            n_layers=2,
            n_modes=[[4, 4]] * 2,
            per_layer_scaling_factors=[[1, 1]] * 2,
            n_heads=[1, 1],
            attention_scaling_factors=[1, 1],
            variable_ids=["a"],
            enable_cls_token=False,
        ),
        x=noise(1, 1, 16, 16),
        input_variable_ids=["a"],
    )
    yield of("FNO3d", lambda: models.FNO((4, 4, 4), n_layers=2, **sizes), noise(1, 1, 8, 8, 8))
