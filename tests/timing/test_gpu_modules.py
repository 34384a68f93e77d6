"""Modules and settings that only a card can show to be timed right; skipped where there is none."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

import archscope

DEVICE = "cuda"
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
QUICK: dict[str, Any] = {"device": DEVICE, "budget": 2.0}
LEFT = "returns before its work is done"


def said(report: Any) -> list[str]:
    return [note.text for note in report.notes]


def first(report: Any) -> Any:
    return report.section("passes").rows[0]


class Side(nn.Module):
    """Multiplies on a stream of its own, and waits for it or not."""

    def __init__(self, *, waits: bool) -> None:
        super().__init__()
        self.waits = waits

    def forward(self, x: Tensor) -> Tensor:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self.made = x @ x @ x @ x
        if self.waits:
            torch.cuda.current_stream().wait_stream(side)
        return x


def test_work_on_a_stream_that_nobody_waits_for_is_told() -> None:
    x = torch.randn(8192, 8192)
    left, joined = (archscope.time(Side(waits=waits), x, **QUICK) for waits in (False, True))

    assert any(LEFT in text for text in said(left))
    assert not any(LEFT in text for text in said(joined))
    assert first(left).median_s < 0.5 * first(joined).median_s


class Elsewhere(nn.Module):
    """Computes on the CPU in the middle, and comes back."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.cpu() @ torch.ones(x.shape[-1], x.shape[-1])).to(x.device)


def test_a_module_that_goes_to_the_cpu_and_back_is_timed_with_its_way() -> None:
    x = torch.randn(2048, 2048)
    there = archscope.time(Elsewhere(), x, **QUICK)
    alone = archscope.time(Elsewhere(), x, **{**QUICK, "device": "cpu"})

    assert first(there).median_s > 0.5 * first(alone).median_s
    assert not any(LEFT in text for text in said(there))


class Calls(nn.Module):
    """Starts work on the card and returns, though it is timed on the CPU."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.to(DEVICE)
        self.made = y @ y @ y @ y @ y @ y
        return x


def test_a_network_on_the_cpu_that_starts_work_on_the_card_is_told() -> None:
    report = archscope.time(Calls(), torch.randn(8192, 8192), **{**QUICK, "device": "cpu"})

    assert any(LEFT in text for text in said(report))


def test_inputs_and_weights_may_lie_anywhere() -> None:
    model, x = nn.Linear(64, 64), torch.randn(8, 64)

    for network, given in ((model, x.to(DEVICE)), (model.to(DEVICE), x)):
        for device in (DEVICE, "cpu"):
            report = archscope.time(network, given, **{**QUICK, "device": device})
            assert first(report).median_s > 0


def test_a_packed_sequence_is_timed_by_a_recurrent_layer() -> None:
    packed = pack_sequence([torch.randn(5, 16), torch.randn(3, 16)])

    assert first(archscope.time(nn.LSTM(16, 32), packed, **QUICK)).median_s > 0


def test_deterministic_algorithms_leave_our_own_product_alone() -> None:
    """Without CUBLAS_WORKSPACE_CONFIG cuBLAS refuses; a convolution needs none of it."""
    torch.use_deterministic_algorithms(True)
    try:
        report = archscope.time(nn.Conv2d(3, 8, 3), torch.randn(2, 3, 32, 32), **QUICK)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    names = {row.name for row in report.section("conditions").rows}
    assert "deterministic algorithms" in names
    assert any(name.startswith("product of") for name in names)


@pytest.mark.parametrize("asked", ["bf16", "fp16"])
def test_an_autocast_of_the_users_is_not_timed(asked: Any) -> None:
    x = torch.randn(4096, 4096)
    model = nn.Linear(4096, 4096)
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}[asked]
    with torch.autocast(DEVICE, dtype):
        within = archscope.time(model, x, **QUICK)
    cast = archscope.time(model, x, **QUICK, autocast=asked)

    assert first(within).median_s > 2 * first(cast).median_s


@pytest.mark.parametrize(
    ("model", "shape"),
    [(nn.Conv3d(8, 8, 3), (2, 8, 16, 16, 16)), (nn.Conv2d(8, 8, 3), (2, 8, 32, 32))],
)
def test_channels_last_of_images_and_volumes(model: nn.Module, shape: tuple[int, ...]) -> None:
    report = archscope.time(model, torch.randn(shape), **QUICK, channels_last=True)

    assert first(report).median_s > 0


def test_another_thread_goes_on_while_a_graph_is_captured() -> None:
    """As one that pins memory for a loader of data."""
    import threading

    ended, errors = threading.Event(), []

    def pins() -> None:
        while not ended.is_set():
            try:
                torch.empty(2**20).pin_memory()
            except RuntimeError as error:
                errors.append(str(error))

    other = threading.Thread(target=pins)
    other.start()
    try:
        report = archscope.time(nn.Linear(64, 64), torch.randn(8, 64), **QUICK, cuda_graph=True)
    finally:
        ended.set()
        other.join()
    assert errors == []
    assert "forward, CUDA graph" in {row.stage for row in report.section("passes").rows}
