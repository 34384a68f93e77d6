"""Replays a pass as one CUDA graph: the same kernels without the host's time to launch them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

_RUNS_BEFORE = 3
"""Runs on the side before capturing, as torch's notes on CUDA graphs ask for."""


def capture(run: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """Return what replays the kernels of `run`; raises what torch raises where it cannot be.

    `run` must read and write the same memory each time, launch the same kernels, and not wait: what
    waits is found before the capture where torch tells of it. The stream is this call's own, since
    torch keeps one for all calls, on the device of the first. A capture that fails changes nothing.
    """
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(_RUNS_BEFORE):
            run()
        with _waiting_is_an_error():
            run()
    torch.cuda.current_stream(device).wait_stream(side)
    torch.cuda.synchronize(device)
    graph = torch.cuda.CUDAGraph()
    # Other threads of the process may do as they like: it is theirs.
    capturing = torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local")
    with _stream_put_back(device), _random_numbers_apart(device), capturing:
        run()
    return graph.replay


@contextmanager
def _waiting_is_an_error() -> Iterator[None]:
    """Let torch raise where a run waits for the device, as `.item()` does; put back after."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


@contextmanager
def _stream_put_back(device: torch.device) -> Iterator[None]:
    """Make the stream of before the current one: torch does not where ending a capture fails."""
    before = torch.cuda.current_stream(device)
    try:
        yield
    finally:
        torch.cuda.set_stream(before)


@contextmanager
def _random_numbers_apart(device: torch.device) -> Iterator[None]:
    """Capture with another state of torch's generator, which a capture that fails leaves unusable.

    So it is with a stream that is not joined again, or a wait that torch does not tell of. A graph
    keeps the state that it was captured with.
    """
    generator = torch.cuda.default_generators[device.index]
    before = generator.graphsafe_get_state()
    generator.graphsafe_set_state(generator.clone_state())
    try:
        yield
    finally:
        generator.graphsafe_set_state(before)
