"""What is read of the machine, and why something is not."""

from __future__ import annotations

import os

import pytest
import torch

from archscope.timing.cache import emptied
from archscope.timing.clocks import clock_for
from archscope.timing.machine import others, read

CPU = torch.device("cpu")


def test_every_reading_has_a_value_or_a_reason() -> None:
    for device in (CPU, torch.device("cuda", 0)):
        for reading in read(device):
            assert (reading.value is None) == (reading.unknown is not None), reading
            assert reading.unknown is None or "\n" not in reading.unknown

    assert {reading.name: reading.value for reading in read(CPU)}["threads"] == 1


def test_other_processes_are_counted_without_this_one() -> None:
    listed = (
        "GPU:0\n"
        f"process {os.getpid():>10d} uses     1000.000 MB GPU memory\n"
        "process          1 uses     2000.000 MB GPU memory\n"
    )

    assert others(listed) == 1
    assert others("GPU:0\nno processes are running") == 0
    with pytest.raises(LookupError, match="please install nvidia-ml-py"):
        others("pynvml module not found, please install nvidia-ml-py")


def test_a_cpu_is_timed_by_the_counter_of_torchs_own_benchmark() -> None:
    from torch.utils.benchmark.utils.timer import timer

    clock = clock_for(CPU)
    assert clock.name == "perf_counter"
    start, theirs, end = clock.mark(), timer(), clock.mark()
    if not torch.cuda.is_available():  # with a card theirs waits for it
        assert start <= theirs <= end
    assert not clock.queued


def test_a_cpu_keeps_its_caches() -> None:
    assert emptied(CPU) is None
