"""Workers of a Dask cluster: `dask://HOST:PORT` is its scheduler."""

from __future__ import annotations

from functools import partial
from typing import Any

from archscope.errors import ArchscopeError, UsageError
from archscope.sweeping.executors import ExecutorKind, Limits, Pool

_PATIENCE = "15s"
"""How long a scheduler is waited for."""


def _open(address: str, limits: Limits) -> Pool:
    if not address:
        raise UsageError("give the scheduler's address, e.g. --executor dask://127.0.0.1:8786")
    try:
        from distributed import Client
    except ImportError:
        raise UsageError(
            "dask:// needs the package distributed: pip install 'archscope[distributed]'"
        ) from None
    try:
        client: Any = Client(f"tcp://{address}", timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        said = str(error).strip().splitlines()[:1]
        raise ArchscopeError(f"no Dask scheduler answers at {address}: {' '.join(said)}") from None
    threads = sum(client.nthreads().values())
    if not threads:
        client.close()
        raise ArchscopeError(f"the Dask scheduler at {address} has no workers; start some")
    # A worker that runs several variants at once would mix their prints and random numbers.
    workers = min(limits.workers or threads, threads)
    return Pool(executor=client.get_executor(pure=False, retries=0), workers=workers,
                stop=partial(_stop, client))  # fmt: skip


def _stop(client: Any) -> None:
    client.close()


EXECUTOR = ExecutorKind(
    name="dask",
    summary="workers of a Dask cluster, by its scheduler: dask://HOST:PORT",
    open=_open,
)
