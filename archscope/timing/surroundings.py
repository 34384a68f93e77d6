"""Process-wide settings of the user under which a pass would be timed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from archscope.errors import UsageError
from archscope.hardware import Precision
from archscope.timing.precision import DTYPES


@contextmanager
def plain(device: torch.device) -> Iterator[None]:
    """Leave autocast, inference mode and autograd's search for anomalies; all is put back after.

    What is cast is what a pass is asked for, and not what surrounds the call; in inference mode
    nothing can be trained.
    """
    with ExitStack() as left:
        left.enter_context(torch.inference_mode(False))
        if torch.is_anomaly_enabled():
            left.enter_context(torch.autograd.set_detect_anomaly(False))
        for kind in {"cpu", device.type}:
            if torch.is_autocast_enabled(kind):
                left.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextmanager
def any_algorithm() -> Iterator[None]:
    """Let a product of our own run where the user wants deterministic algorithms alone.

    cuBLAS has none without a setting that must stand in the environment from the beginning.
    """
    wanted = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(wanted, warn_only=warns)


def require_autocast(precision: Precision, device: torch.device) -> None:
    """Raise `UsageError` where torch would cast nothing: it only warns, or ends the forward."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.autocast(device.type, DTYPES[precision]):
                casts = torch.is_autocast_enabled(device.type)
    except (RuntimeError, AssertionError):
        casts = False
    if not casts:
        raise UsageError(
            f"--autocast {precision}: torch does not cast to it on {device.type.upper()} devices "
            f"here. --dtype {precision} casts weights and inputs once."
        )
