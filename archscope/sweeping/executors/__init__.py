"""Where variants run: one file each, with the constant `EXECUTOR`.

All of them are executors of Python's `concurrent.futures`, so that another one is one file.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from archscope.errors import UsageError
from archscope.records import frozen
from archscope.registry import Registry


@frozen
class Limits:
    """What an executor may take of a machine."""

    workers: int | None = None
    """Processes that work at the same time; None: as many as there are processors."""
    memory: int | None = None
    """Bytes that each of them may have; None: no limit."""


@frozen
class Pool:
    """An executor that is open."""

    executor: Executor
    """What runs functions elsewhere."""
    workers: int
    """How many run at the same time, about."""
    stop: Callable[[], object]
    """Ends it at once, whatever runs."""


@frozen
class ExecutorKind:
    """A way to run functions elsewhere."""

    name: str
    """What the user types, e.g. `processes`, or `dask` in `dask://HOST:PORT`."""
    summary: str
    """One line."""
    open: Callable[[str, Limits], Pool]
    """Opens one at an address, which is empty where none was typed; raises `ArchscopeError`."""
    prepare: Callable[[], object] = lambda: None
    """Begins what takes its time and needs nobody, while variants are planned."""


EXECUTORS = Registry("executor", "archscope.sweeping.executors", "EXECUTOR", ExecutorKind)


def prepare_pool(text: str) -> None:
    """Begin to open the executor that a text names; raises `UsageError` where there is none."""
    EXECUTORS.get(text.partition("://")[0]).prepare()


def open_pool(text: str, limits: Limits) -> Pool:
    """Return the executor that a text names, e.g. `dask://10.0.0.1:8786`, open.

    Raises `UsageError` with the nearest name where there is none.
    """
    name, _, address = text.partition("://")
    kind = EXECUTORS.get(name)
    if limits.memory is not None and name != "processes":
        raise UsageError(f"a memory limit applies to local processes; {name} has its own")
    return kind.open(address, limits)
