"""A pass with one size of the batch after another, until memory ends."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope import time
from archscope.analyses.time import memory_needed
from archscope.errors import UsageError
from archscope.subject import Inputs
from archscope.timing.out_of_memory import with_batch

QUICK: dict[str, Any] = {"device": "cpu", "warmup": 0, "runs": 3, "budget": 6.0}


class Full(nn.Module):
    """Runs out of memory above a batch of 4; time comes before the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(3, 3)
        self.seen: set[int] = set()

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] > 4 and not x.is_meta:
            raise torch.OutOfMemoryError("CUDA out of memory")
        made: Tensor = self.rnn(x)[0]
        return made


def test_batches_are_timed_until_memory_ends() -> None:
    report = time(Full(), torch.ones(5, 2, 3), batch_size=(8, 1, 2, 4, 16), **QUICK)

    rows = report.section("batches").rows
    assert [(row.batch, row.unknown) for row in rows] == [
        (1, None),
        (2, None),
        (4, None),
        (8, "out of memory"),
        (16, "a smaller one did not fit"),
    ]
    per_s = [row.items_per_s for row in rows[:3]]
    assert per_s == [pytest.approx(row.batch / row.median_s) for row in rows[:3]]
    # 2 x 5 steps x batch x (3 + 3) x 9
    assert rows[2].flops_per_s == pytest.approx(2 * 5 * 4 * 54 / rows[2].median_s)
    assert report.totals.best == rows[per_s.index(max(per_s))].batch
    assert report.totals.enough <= report.totals.best


def test_what_exceeds_a_machine_is_not_tried_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_needed, "machine_bytes", lambda: 2**20)
    # Weights are 4 x 1,392 bytes; a batch takes 3 images in and out, 8 channels each: 76 kB
    report = time("cnn", channels=8, input_size=32, batch_size=[4, 64], **QUICK)

    assert [row.unknown for row in report.section("batches").rows] == [None, "out of memory"]
    assert "batches 4, 64" in report.title


def test_inputs_are_cut_or_repeated() -> None:
    given = Inputs(args=(torch.arange(6).view(3, 2),), kwargs={"scale": torch.ones(2)})

    assert with_batch(given, 2).args[0].tolist() == [[0, 1], [2, 3]]
    assert with_batch(given, 4).args[0].tolist() == [[0, 1], [2, 3], [4, 5], [0, 1]]
    assert with_batch(given, 4).kwargs["scale"] is given.kwargs["scale"]


def test_sizes_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="batch_size is 0"):
        time("cnn", batch_size=(0, 1), **QUICK)
    with pytest.raises(UsageError, match="takes a single sample"):
        time(nn.Conv2d(3, 3, 3), torch.ones(3, 8, 8), batch_size=(1, 2), **QUICK)
    with pytest.raises(UsageError, match="give one batch_size"):
        time("cnn", batch_size=(1, 2), gpu="h100")
