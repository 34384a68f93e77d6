"""A clock that tests turn by hand, with a queue behind it where it plays a card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import torch

from archscope.timing.sampling import Stage


@dataclass
class Mark:
    """An event in the queue, which cannot be read before the device has reached it."""

    time: float
    reached: bool


@dataclass
class FakeClock:
    """Time passes only where work is done; a queue's work is done while the host goes on."""

    queued: bool = False
    name: str = "fake"
    host_s: float = 0.0
    device_s: float = 0.0
    log: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def mark(self) -> Mark:
        self.log.append("mark")
        mark = Mark(self.device_s if self.queued else self.host_s, reached=not self.queued)
        self.marks.append(mark)
        return mark

    def wait(self) -> None:
        self.log.append("wait")
        self.host_s = max(self.host_s, self.device_s)
        for mark in self.marks:
            mark.reached = True

    def seconds(self, start: Mark, end: Mark) -> float:
        assert start.reached, "read before the device got there"
        assert end.reached, "read before the device got there"
        return end.time - start.time

    def now(self) -> float:
        return self.host_s

    def work(self, seconds: float, launch: float = 1e-6) -> None:
        """Do what takes so long on the device; the host only asks for it."""
        self.log.append("work")
        if self.queued:
            self.host_s += launch
            self.device_s = max(self.device_s, self.host_s) + seconds
        else:
            self.host_s += seconds

    def stage(self, *seconds: float, name: str = "forward") -> Stage:
        """Return a stage that takes these times in turn, the last one for ever after."""
        times = list(seconds)
        return Stage(name=name, run=lambda: self.work(times.pop(0) if times[1:] else times[0]))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue() -> FakeClock:
    return FakeClock(queued=True)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep small networks from waiting for processors that other tests use."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
