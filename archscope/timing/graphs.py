"""Replays a pass as one CUDA graph: the same kernels without the host's time to launch them."""

from __future__ import annotations

from collections.abc import Callable

import torch

_RUNS_BEFORE = 3
"""Runs on the side before capturing, as torch's notes on CUDA graphs ask for."""


def capture(run: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """Return what replays the kernels of `run`; raises what torch raises where it cannot be.

    `run` must read and write the same memory each time, launch the same kernels, and not wait.
    """
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(_RUNS_BEFORE):
            run()
    torch.cuda.current_stream(device).wait_stream(side)
    torch.cuda.synchronize(device)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay
