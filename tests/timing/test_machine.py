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


@pytest.mark.parametrize(("hip", "watts"), [(None, 0.7), ("6.4", 700.0)])
def test_power_is_told_in_thousandths_by_nvidias_library_alone(
    hip: str | None, watts: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what AMD's does not say torch tells as 0."""
    monkeypatch.setattr(torch.version, "hip", hip)
    monkeypatch.setattr(torch.cuda, "power_draw", lambda device: 700)
    monkeypatch.setattr(torch.cuda, "clock_rate", lambda device: 0)
    found = {reading.name: reading for reading in read(torch.device("cuda", 0))}

    assert found["power"].value == watts
    assert found["clock rate"].value is None
    assert found["clock rate"].unknown == "the driver's library does not report it"


def test_other_processes_are_counted_without_this_one() -> None:
    listed = (
        "GPU:0\n"
        f"process {os.getpid():>10d} uses     1000.000 MB GPU memory\n"
        "process          1 uses     2000.000 MB GPU memory\n"
    )

    assert others(listed, held=2**30) == 1
    with pytest.raises(LookupError, match="please install nvidia-ml-py"):
        others("pynvml module not found, please install nvidia-ml-py", held=0)


def test_within_a_container_this_process_is_known_by_what_it_holds() -> None:
    # The driver numbers processes as the host does: none of these is this one's number here.
    listed = "GPU:0\nprocess  4000001 uses  900.000 MB GPU memory\n"
    both = f"{listed}process  4000002 uses 2000.000 MB GPU memory\n"

    assert others(listed, held=500 * 2**20) == 0
    assert others(both, held=500 * 2**20) == 1
    for hidden in (listed, "GPU:0\nno processes are running"):  # or the container shows none
        with pytest.raises(LookupError, match="does not list this process"):
            others(hidden, held=1000 * 2**20)


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
