"""What is asked of a card, and in which order, with fakes in the place of its driver."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from archscope.timing.allocator import UnseenError
from archscope.timing.cache import LEAST_BYTES, emptied
from archscope.timing.clocks import clock_for
from archscope.timing.graphs import capture
from archscope.timing.machine import read
from archscope.timing.memory import peaks
from archscope.timing.sampling import Plan, Stage, sample

CARD = torch.device("cuda", 0)


class FakeCard:
    """A driver with a queue: events get their time when the queue reaches them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, tells_time: bool = True) -> None:
        self.log: list[str] = []
        self.time_ms = 0.0
        card = self

        class Event:
            def __init__(self, device: torch.device, enable_timing: bool = False) -> None:
                assert enable_timing, "an event without it cannot be read"

            def record(self, stream: Any) -> None:
                assert stream.startswith("stream of ")
                card.log.append("record")
                self.time_ms = card.time_ms

            def elapsed_time(self, end: Event) -> float:
                if not tells_time:
                    raise RuntimeError("Backend doesn't support elapsedTime.")
                assert card.log[-1] in ("synchronize", "read")
                card.log.append("read")
                return end.time_ms - self.time_ms

        wait = lambda device=None: card.log.append("synchronize")  # noqa: E731
        monkeypatch.setattr(torch, "Event", Event)
        monkeypatch.setattr(torch.accelerator, "current_stream", lambda d: f"stream of {d}")
        monkeypatch.setattr(torch.accelerator, "synchronize", wait)
        for module in (torch.xpu, torch.mps):
            monkeypatch.setattr(module, "synchronize", wait)

    def run(self) -> None:
        self.log.append("run")
        self.time_ms += 2.0


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> FakeCard:
    return FakeCard(monkeypatch)


def test_events_are_recorded_around_each_run_and_read_after_waiting_once(card: FakeCard) -> None:
    clock = clock_for(CARD)
    assert clock.name == "CUDA events"

    found = sample([Stage(name="forward", run=card.run)], clock, Plan(warmup=4, runs=6))

    assert found.stage(0) == pytest.approx([0.002] * 6), "events count in milliseconds"
    last = card.log[: len(card.log) - card.log[::-1].index("record")]
    block = last[len(last) - last[::-1].index("read") :]
    # one run that is not measured, then six, and nothing that waits among them
    assert block == ["record", "run", "record"] * 7


class FakeMemory:
    """The statistics of a card's allocator, which counts `there` from the beginning."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, there: int, *, counts: bool = True) -> None:
        self.now = self.most = there
        self.counts = counts

        def reset(device: torch.device) -> None:
            self.most = self.now

        monkeypatch.setattr(torch, "empty", lambda size, device: Probe(self))
        monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", reset)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: self.now)
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: self.most)

    def add(self, size: int) -> None:
        self.now += size if self.counts else 0
        self.most = max(self.most, self.now)


class Probe:
    """A tensor whose memory is counted until it is gone."""

    def __init__(self, memory: FakeMemory) -> None:
        self.memory = memory
        memory.add(512)

    def __del__(self) -> None:
        self.memory.add(-512)


def test_peak_memory_is_of_this_network_whatever_else_the_card_holds(
    card: FakeCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What empties the cache is 256 MiB of ours, and the user's own network may be there too."""
    memory = FakeMemory(monkeypatch, there=LEAST_BYTES + 10**6)

    def forward() -> None:
        memory.add(700)
        memory.add(-300)

    def backward() -> None:
        memory.add(50)
        memory.add(-450)

    stages = [Stage(name="forward", run=forward), Stage(name="backward", run=backward)]

    # 1000 bytes of weights and inputs; the forward takes 700 and leaves 400 for the backward
    assert peaks(stages, CARD, lambda: 1000) == (1700, 1450)
    assert card.log == ["synchronize"] * 2


def test_an_allocator_that_counts_nothing_is_found(
    card: FakeCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where PYTORCH_NO_CUDA_MEMORY_CACHING is set: its statistics stay 0."""
    FakeMemory(monkeypatch, there=0, counts=False)

    with pytest.raises(UnseenError, match="torch keeps no statistics of CUDA memory here"):
        peaks([Stage(name="forward", run=card.run)], CARD, lambda: 1000)


@pytest.mark.parametrize("kind", ["cuda", "xpu", "mps"])
def test_every_accelerator_is_timed_by_its_events(card: FakeCard, kind: str) -> None:
    clock = clock_for(torch.device(kind, 0))

    assert clock.name == f"{kind.upper()} events"
    found = sample([Stage(name="forward", run=card.run)], clock, Plan(warmup=0, runs=3))
    assert found.stage(0) == pytest.approx([0.002] * 3)


def test_a_device_whose_events_tell_no_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    card = FakeCard(monkeypatch, tells_time=False)
    clock = clock_for(torch.device("mps", 0))
    card.log.clear()

    assert clock.name == "perf_counter, waiting for the MPS device"
    assert not clock.queued
    sample([Stage(name="forward", run=card.run)], clock, Plan(warmup=0, runs=1))
    assert card.log == ["synchronize", "run", "synchronize", "synchronize"]


def test_what_a_device_cannot_tell_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    device = torch.device("mps", 0)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 2**34)
    found = {reading.name: reading for reading in read(device)}

    assert (found["card"].value, found["card memory"].value) == ("MPS device", 2**34)
    unknown = {name for name, reading in found.items() if reading.value is None}
    assert unknown == {"multiprocessors", "clock rate", "temperature", "power", "other processes"}
    assert found["power"].unknown == "torch does not report it for MPS devices"
    monkeypatch.setattr(torch.accelerator, "max_memory_allocated", lambda d: 0, raising=False)
    monkeypatch.setattr(torch.accelerator, "reset_peak_memory_stats", _refuses, raising=False)
    with pytest.raises(UnseenError, match="keeps no statistics of MPS memory"):
        peaks([Stage(name="forward", run=lambda: None)], device, lambda: 0)


def _refuses(device: torch.device) -> None:
    raise RuntimeError("the allocator of MPS keeps none")


@pytest.mark.parametrize(
    ("cache", "size"), [(50 * 2**20, LEAST_BYTES), (2**28, 2**29), (None, LEAST_BYTES)]
)
def test_more_than_the_cache_is_written(
    monkeypatch: pytest.MonkeyPatch, cache: int | None, size: int
) -> None:
    made: list[tuple[int, torch.device]] = []

    def empty(count: int, dtype: torch.dtype, device: torch.device) -> Any:
        made.append((count * dtype.itemsize, device))
        return SimpleNamespace(zero_=lambda: "written")

    known = {} if cache is None else {"L2_cache_size": cache}
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: SimpleNamespace(**known)
    )
    monkeypatch.setattr(torch, "empty", empty)
    empty_it = emptied(CARD)

    assert made == [(size, CARD)]
    assert empty_it is not None
    assert empty_it() == "written"


def test_a_card_that_is_full_is_timed_with_a_warm_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(count: int, dtype: torch.dtype, device: torch.device) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: SimpleNamespace(L2_cache_size=2**20)
    )
    monkeypatch.setattr(torch, "empty", full)

    assert emptied(CARD) is None


def test_what_a_card_says_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(device: torch.device) -> int:
        raise ModuleNotFoundError("nvidia-ml-py does not seem to be installed\nmore")

    card = SimpleNamespace(name="NVIDIA H200", total_memory=140 * 2**30, multi_processor_count=132)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: card.name)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 2**20)
    monkeypatch.setattr(torch.cuda, "clock_rate", lambda device: 1980)
    monkeypatch.setattr(torch.cuda, "temperature", missing)
    monkeypatch.setattr(torch.cuda, "power_draw", lambda device: 312_000)
    monkeypatch.setattr(
        torch.cuda,
        "list_gpu_processes",
        lambda device: f"GPU:0\nprocess 1 uses 5 MB\nprocess {os.getpid()} uses 5 MB",
    )
    found = {reading.name: reading for reading in read(CARD)}

    assert found["card"].value == "NVIDIA H200"
    assert (found["clock rate"].value, found["clock rate"].unit) == (1980, "MHz")
    assert (found["power"].value, found["power"].unit) == (312.0, "W")
    assert found["other processes"].value == 1
    assert found["temperature"].value is None
    assert found["temperature"].unknown == "nvidia-ml-py does not seem to be installed"


class Driver:
    """The parts of a driver that a capture asks for, on the second card."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mode: int | str = 0
        self.captured_on: list[Any] = []
        self.card = torch.device("cuda", 1)
        self.stream = SimpleNamespace(wait_stream=lambda other: None)
        own = SimpleNamespace(wait_stream=lambda other: None, device=self.card)
        self.state = "the user's"
        self.unjoined = False

        @contextmanager
        def captures(graph: Any, stream: Any, capture_error_mode: str) -> Iterator[None]:
            assert capture_error_mode == "thread_local", "threads of the user's go on"
            self.captured_on.append(stream)
            before, self.stream = self.stream, stream
            yield
            if self.unjoined:  # torch raises before it puts anything back
                self.state += ", left capturing"
                raise RuntimeError("capture ended with an unjoined stream")
            self.stream = before

        generator = SimpleNamespace(
            graphsafe_get_state=lambda: self.state,
            graphsafe_set_state=lambda state: setattr(self, "state", state),
            clone_state=lambda: "a copy",
        )

        fakes = {
            "Stream": lambda device: own,
            "current_stream": lambda device: self.stream,
            "set_stream": lambda stream: setattr(self, "stream", stream),
            "default_generators": (None, generator),
            "stream": lambda stream: nullcontext(),
            "synchronize": lambda device: None,
            "CUDAGraph": lambda: SimpleNamespace(replay="replay"),
            "graph": captures,
            "get_sync_debug_mode": lambda: self.mode,
            "set_sync_debug_mode": lambda mode: setattr(self, "mode", mode),
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(torch.cuda, name, fake)


def test_a_graph_is_captured_on_a_stream_of_its_own_device(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(monkeypatch)

    assert capture(lambda: None, driver.card) == "replay"
    assert [stream.device for stream in driver.captured_on] == [driver.card]
    assert driver.mode == 0, "put back"


@pytest.mark.parametrize("unjoined", [False, True])
def test_after_a_capture_stream_and_random_numbers_are_as_before(
    unjoined: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(monkeypatch)
    driver.unjoined = unjoined
    stream, during = driver.stream, []

    with pytest.raises(RuntimeError, match="unjoined") if unjoined else nullcontext():
        capture(lambda: during.append(driver.state), driver.card)
    assert during == ["the user's"] * 4 + ["a copy"]
    assert driver.state == "the user's"
    assert driver.stream is stream


def test_a_forward_that_waits_is_found_before_it_is_captured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = Driver(monkeypatch)

    def item() -> None:
        if driver.mode == "error":
            raise RuntimeError("called a synchronizing CUDA operation")

    with pytest.raises(RuntimeError, match="synchronizing"):
        capture(item, driver.card)
    assert driver.captured_on == []
    assert driver.mode == 0, "put back"
