"""Processes of an MPI job, by mpi4py: `mpiexec -n 9 python -m mpi4py.futures -m archscope ...`."""

from __future__ import annotations

from functools import partial
from typing import Any

from archscope.errors import UsageError
from archscope.sweeping.executors import ExecutorKind, Limits, Pool


def _open(address: str, limits: Limits) -> Pool:
    if address:
        raise UsageError("mpi takes no address; mpiexec decides where its processes run")
    try:
        from mpi4py.futures import MPIPoolExecutor
    except ImportError:
        raise UsageError("mpi needs the package mpi4py and an MPI: pip install mpi4py") from None
    executor: Any = MPIPoolExecutor(limits.workers)
    workers = getattr(executor, "num_workers", 0) or limits.workers or 1
    stop = partial(executor.shutdown, wait=False, cancel_futures=True)
    return Pool(executor=executor, workers=workers, stop=stop)


EXECUTOR = ExecutorKind(
    name="mpi",
    summary="processes of an MPI job, by mpi4py.futures",
    open=_open,
)
