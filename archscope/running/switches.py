"""What torch, NumPy and Python keep for the whole process and let anyone read and set."""

from __future__ import annotations

import decimal
import gc
import logging
import operator
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from archscope.running import float32


def _put_streams(streams: tuple[Any, Any]) -> None:
    sys.stdout, sys.stderr = streams


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return None


def _handlers() -> tuple[Any, ...]:
    return tuple(map(signal.getsignal, _SIGNALS))


def _put_handlers(handlers: tuple[Any, ...]) -> None:
    if threading.current_thread() is threading.main_thread():
        for number, handler in zip(_SIGNALS, handlers, strict=True):
            if handler is not None and signal.getsignal(number) != handler:  # None: not Python's
                signal.signal(number, handler)


def _go_to(folder: str | None) -> None:
    if folder is not None:
        with suppress(OSError):
            os.chdir(folder)


def _put_dual_level(level: int) -> None:
    while forward_ad._current_level > level:
        forward_ad.exit_dual_level()


def _nesting_of_autocast() -> int:
    # It can be read only by changing it. Python raises an interrupt between its own steps alone:
    # both calls are made within one.
    ways = torch.autocast_increment_nesting, torch.autocast_decrement_nesting
    _, found = map(operator.call, ways)
    return found


def _put_nesting_of_autocast(level: int) -> None:
    while _nesting_of_autocast() > level:
        torch.autocast_decrement_nesting()
    torch.clear_autocast_cache()


def _put_saved_hooks(hooks: Any) -> None:
    while _saved_hooks() not in (hooks, None):
        torch._C._autograd._pop_saved_tensors_default_hooks()


def _saved_hooks() -> Any:
    return hooks_on_top(True)


_TOLD_BY = "_top_saved_tensors_default_hooks"
TELLS_HOOKS = hasattr(torch._C._autograd, _TOLD_BY)
"""Whether torch tells what it keeps tensors by; older torch does not."""
hooks_on_top: Any = getattr(torch._C._autograd, _TOLD_BY, lambda ignore_tracing: None)
"""What torch keeps tensors by at the moment, where it tells."""


def _decimals() -> tuple[decimal.Context, dict[str, Any]]:
    context = decimal.getcontext()
    plain = {name: getattr(context, name) for name in _OF_DECIMALS}
    return context, plain | {"flags": dict(context.flags), "traps": dict(context.traps)}


def _put_decimals(found: tuple[decimal.Context, dict[str, Any]]) -> None:
    context, values = found
    decimal.setcontext(context)
    for name, value in values.items():
        setattr(context, name, value)


def _umask() -> int | None:
    """Return which rights new files do not get; None where it is told by setting it alone.

    For that moment the files of other threads would get others.
    """
    try:
        file = os.open("/proc/self/status", os.O_RDONLY)
    except OSError:
        return None
    try:
        told = os.read(file, 512).partition(b"\nUmask:")[2].split(None, 1)
    finally:
        os.close(file)
    return int(told[0], 8) if told else None


def _put_umask(found: int | None) -> None:
    if found is not None:
        os.umask(found)


def _flushes_denormals() -> bool:
    return _SMALLEST * 1.0 == 0.0


_SMALLEST = 5e-324
_OF_DECIMALS = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGALRM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCHLD")
    if hasattr(signal, name)
)
_OF_TORCH = (
    *("mkldnn_enabled", "mkldnn_deterministic", "qengine", "graph_executor_optimize"),
    *("cudnn_enabled", "cudnn_benchmark", "cudnn_deterministic"),
    "deterministic_fill_uninitialized_memory",
)
"""Of `torch._C`, behind `_get_` and `_set_`; an older torch may lack one."""
SWITCHES: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    *(
        (getattr(torch._C, f"_get_{name}"), getattr(torch._C, f"_set_{name}"))
        for name in _OF_TORCH
        if hasattr(torch._C, f"_get_{name}")
    ),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.backends.mha.get_fastpath_enabled, torch.backends.mha.set_fastpath_enabled),
    (torch.get_num_threads, torch.set_num_threads),
    (float32.switches, float32.set_switches),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.is_warn_always_enabled, torch.set_warn_always),
    (torch._C._is_multithreading_enabled, torch._C._set_multithreading_enabled),
    (torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled),
    (_nesting_of_autocast, _put_nesting_of_autocast),
    (lambda: forward_ad._current_level, _put_dual_level),
    (_saved_hooks, _put_saved_hooks),
    (_flushes_denormals, torch.set_flush_denormal),
    (np.geterr, lambda found: np.seterr(**found)),
    (np.get_printoptions, lambda found: np.set_printoptions(**found)),
    (lambda: logging.root.level, logging.root.setLevel),
    (lambda: sys.excepthook, lambda hook: setattr(sys, "excepthook", hook)),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
    (sys.getswitchinterval, sys.setswitchinterval),
    (lambda: torch.is_autocast_enabled("cpu"), lambda on: torch.set_autocast_enabled("cpu", on)),
    (lambda: torch.is_autocast_enabled("cuda"), lambda on: torch.set_autocast_enabled("cuda", on)),
    (lambda: torch.get_autocast_dtype("cpu"), lambda kind: torch.set_autocast_dtype("cpu", kind)),
    (
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda found: torch.set_anomaly_enabled(*found),
    ),
    (torch.backends.cuda.flash_sdp_enabled, torch.backends.cuda.enable_flash_sdp),
    (torch.backends.cuda.mem_efficient_sdp_enabled, torch.backends.cuda.enable_mem_efficient_sdp),
    (torch.backends.cuda.cudnn_sdp_enabled, torch.backends.cuda.enable_cudnn_sdp),
    (torch.backends.cuda.math_sdp_enabled, torch.backends.cuda.enable_math_sdp),
    (lambda: logging.root.manager.disable, logging.disable),
    (lambda: (sys.stdout, sys.stderr), _put_streams),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (_decimals, _put_decimals),
    (_umask, _put_umask),
    (gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    (gc.get_threshold, lambda found: gc.set_threshold(*found)),
    (_folder, _go_to),
    (_handlers, _put_handlers),
)
"""What is read and set as a whole."""
