"""Processes on this machine, each started anew from one that has imported torch already."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from archscope.errors import ArchscopeError, UsageError
from archscope.sweeping.executors import ExecutorKind, Limits, Pool

_PRELOADED = [
    "archscope.sweeping.answering",
    "archscope.counting.forward",
    "archscope.analyses.params.sections",
    "archscope.families.cnn.network",
    "archscope.families.transformer.network",
    "archscope.analyses.rf.analysis",
]
"""What nearly every variant imports, torch among it: imported once, and shared by all workers."""


def _open(address: str, limits: Limits) -> Pool:
    if address:
        raise UsageError("processes run on this machine; they take no address")
    workers = limits.workers or processors()
    executor = ProcessPoolExecutor(
        workers, mp_context=_context(), initializer=_begin, initargs=(limits.memory,)
    )
    try:
        executor.submit(os.getpid).result()
    except BrokenProcessPool:
        limit = ", or --memory-limit is too small for torch" if limits.memory else ""
        raise ArchscopeError(
            'no worker starts: a script of yours that asks for workers needs `if __name__ == "'
            f'__main__":` around it{limit}'
        ) from None
    return Pool(executor=executor, workers=workers, stop=partial(_stop, executor))


def _prepare() -> None:
    """Start the process that imports torch for all others."""
    if _context().get_start_method() == "forkserver":
        from multiprocessing import forkserver

        forkserver.ensure_running()


def processors() -> int:
    """Return how many processors this program may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _context() -> multiprocessing.context.BaseContext:
    """Return how processes start: never forked from here, where torch has threads of its own."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _begin(memory: int | None) -> None:
    """Make a process a worker: one thread, deaf to Ctrl-C, gone when its parent is."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers itself
    torch.set_num_threads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()
    if memory is not None:
        _limit(memory)


def _follow(sentinel: int) -> None:
    """End this process when its parent has ended, by whatever means."""
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def _limit(memory: int) -> None:
    """Let this process have so many bytes of its own; what lies beyond raises `MemoryError`."""
    if sys.platform == "win32":
        return
    import resource

    # RLIMIT_AS would count the libraries that are mapped and never read, some GiB of torch's.
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _stop(executor: ProcessPoolExecutor) -> None:
    for process in list((executor._processes or {}).values()):
        process.kill()
    executor.shutdown(wait=False, cancel_futures=True)


EXECUTOR = ExecutorKind(
    name="processes",
    summary="processes on this machine, as many as --workers says",
    open=_open,
    prepare=_prepare,
)
