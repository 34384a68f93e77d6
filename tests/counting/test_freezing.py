"""Parameters that patterns of names freeze: counted so, on the module as it is."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import archscope
from archscope.errors import UsageError

SMALL: dict[str, Any] = {"depth": 4, "d_model": 8, "heads": 2, "vocab_size": 11, "seq_len": 5}
BLOCK = 12 * 8 * 8 + 13 * 8
"""Parameters of a block of width 8: 4 + 8 matrices, 4 + 5 vectors of the layers, 4 of the norms."""


@pytest.mark.parametrize(
    ("freeze", "frozen"),
    [
        ("blocks.[0-1]", 2 * BLOCK),
        ("blocks", 4 * BLOCK),
        ("blocks.*", 4 * BLOCK),
        (["blocks.3", "tok_emb"], BLOCK + 11 * 8),
        ("lm_head", 11 * 8),  # the table's second name
        ("*.ln_1.bias", 4 * 8),
    ],
)
def test_a_pattern_freezes_modules_and_parameters(freeze: Any, frozen: int) -> None:
    plain = archscope.params("transformer", **SMALL).totals
    found = archscope.params("transformer", **SMALL, freeze=freeze).totals

    assert found.frozen == frozen
    assert found.trainable == plain.trainable - frozen
    assert (found.macs, found.weight_bytes) == (plain.macs, plain.weight_bytes)


def test_a_module_of_ones_own_stays_trainable() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))

    found = archscope.params(model, torch.zeros(1, 3), freeze="0")

    assert (found.totals.trainable, found.totals.frozen) == (10, 16)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_figures_of_the_authors_are_of_the_whole_network() -> None:
    assert archscope.params("resnet18", freeze="layer1").find("params.published") is None
    assert archscope.params("resnet18").find("params.published") is not None


def test_a_pattern_that_names_nothing_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'layr1' names no parameter.* Did you mean 'layer1'"):
        archscope.params("resnet18", freeze="layr1")


def test_frozen_names_are_texts() -> None:
    with pytest.raises(UsageError, match="of type int"):
        archscope.params(nn.Linear(8, 4), torch.ones(2, 8), freeze=3)  # type: ignore[arg-type]
