"""A product before and after tells what samples cannot: that a load is steady, or the clock low."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from archscope.timing import calibration
from archscope.timing.calibration import Product, changed, is_shared, product
from archscope.timing.clocks import clock_for

CPU = torch.device("cpu")


def took(median_s: float, least_s: float | None = None, processors: float | None = 1.0) -> Product:
    least_s = median_s if least_s is None else least_s
    return Product(size=256, median_s=median_s, least_s=least_s, processors=processors)


def test_a_machine_that_changed_is_told_from_one_that_is_noisy() -> None:
    assert changed(took(1.0), took(1.2))
    assert changed(took(1.0), took(0.8))
    assert not changed(took(1.0), took(1.05))
    assert not changed(took(1.0, least_s=0.9), took(1.4, least_s=0.92)), "the fastest are alike"


def test_threads_that_a_product_does_not_wake_are_no_load(monkeypatch: pytest.MonkeyPatch) -> None:
    # torch may have more threads than a library takes for so small a product.
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    ticks = count()
    monkeypatch.setattr(calibration, "perf_counter", lambda: 1e-3 * next(ticks))
    monkeypatch.setattr(calibration, "thread_time", lambda: 1e-3 * (next(ticks) - 1))
    found = product(CPU, clock_for(CPU), torch.float32)

    assert found is not None
    assert not is_shared(found)


def test_a_steady_load_is_seen_by_the_time_without_a_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Two programs of one processor: each ms of ours takes 2.
    ticks = count()
    monkeypatch.setattr(calibration, "perf_counter", lambda: 2e-3 * next(ticks))
    monkeypatch.setattr(calibration, "thread_time", lambda: 1e-3 * (next(ticks) - 1))
    found = product(CPU, clock_for(CPU), torch.float32)

    assert found is not None
    assert found.processors == pytest.approx(0.5)
    assert is_shared(found)
    assert found.least_s <= found.median_s
    assert found.flops_per_s == pytest.approx(2 * 256**3 / found.least_s)


@pytest.mark.parametrize(("speed", "size"), [(1e15, 4096), (4e12, 2048), (1e10, 512)])
def test_a_slow_device_gets_a_smaller_product(speed: float, size: int, queue: Any) -> None:
    # 2 n^3 FLOPs: of 2048, 17 GFLOP, 4 ms at 4 TFLOP/s; of 4096 34 ms, too long
    def mm(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor) -> None:
        queue.work(2 * a.shape[0] ** 3 / speed)

    card = SimpleNamespace(type="card")
    ones = lambda *shape, dtype, device: torch.empty(shape, device="meta")  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "mm", mm)
        patch.setattr(torch, "ones", ones)
        found: Any = product(card, queue, torch.bfloat16)  # type: ignore[arg-type]
        again: Any = product(card, queue, torch.bfloat16, like=found)  # type: ignore[arg-type]

    assert found.size == again.size == size
    assert found.flops_per_s == pytest.approx(speed)
    assert found.processors is None


def test_without_memory_for_it_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "ones", full)
    assert product(CPU, clock_for(CPU), torch.float32) is None
