"""All that can be told of a network, its inputs and the process: two of them are equal or not."""

from __future__ import annotations

import decimal
import gc
import logging
import os
import random
import signal
import sys
import warnings
from collections import deque
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.overrides import _get_current_function_mode_stack
from torch.utils import _device as devices
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from archscope.running import float32

TOP_OF_HOOKS = getattr(
    torch._C._autograd, "_top_saved_tensors_default_hooks", lambda ignore_tracing: None
)
"""Older torch tells no hooks of saved tensors."""


def fingerprint(*values: Any) -> list[Any]:
    """Return what is held by some objects, at any depth: identities, places, versions, values."""
    found: list[Any] = []
    _walk(values, found, set())
    return found


def _walk(value: Any, found: list[Any], seen: set[int]) -> None:
    if isinstance(value, bool | int | float | complex | str | bytes | type | None):
        found.append(value)
        return
    if id(value) in seen:
        found.append(("again", id(value)))
        return
    seen.add(id(value))
    found.append((type(value).__name__, 0 if isinstance(value, tuple | MethodType) else id(value)))
    if isinstance(value, Tensor):
        found.append(_of_tensor(value))
    elif isinstance(value, np.ndarray):
        found.append(value.tobytes())
    elif isinstance(value, torch.Generator):
        found.append(value.get_state().numpy().tobytes())
    elif isinstance(value, np.random.Generator):
        found.append(str(value.bit_generator.state))
    elif isinstance(value, random.Random):
        found.append(value.getstate())
    if isinstance(value, dict):
        for key, item in value.items():
            _walk(key, found, seen)
            _walk(item, found, seen)
    elif isinstance(value, list | tuple | set | frozenset | deque):
        for item in value if not isinstance(value, set) else sorted(value, key=repr):
            _walk(item, found, seen)
    elif isinstance(value, MethodType):
        _walk(value.__self__, found, seen)
    elif isinstance(value, FunctionType):
        for cell in value.__closure__ or ():
            _walk(cell.cell_contents, found, seen)
    elif isinstance(value, torch.jit.ScriptModule):
        found.extend(_of_tensor(tensor) for tensor in value.state_dict().values())
    elif isinstance(value, nn.Module) or type(value).__module__ == "tests.running.awkward":
        if hasattr(value, "__dict__"):
            _walk(vars(value), found, seen)
        for name in getattr(type(value), "__slots__", ()):
            _walk(getattr(value, name), found, seen)


def _of_tensor(tensor: Tensor) -> Any:
    if torch.nn.parameter.is_lazy(tensor):
        return "lazy"
    dense = tensor.to_dense() if tensor.layout is not torch.strided else tensor
    place = dense.data_ptr() if tensor.layout is torch.strided and type(tensor) is Tensor else 0
    numbers = dense.detach().dequantize() if dense.is_quantized else dense.detach()
    return (
        str(tensor.device), tuple(tensor.shape), tensor.dtype, tensor.requires_grad, place,
        tensor._version, numbers.clone().flatten().tolist(), tensor.grad is None,
    )  # fmt: skip


SMALLEST = 5e-324


def _nesting() -> int:
    torch.autocast_increment_nesting()
    return torch.autocast_decrement_nesting()


def _umask() -> int | None:
    if not Path("/proc/self/status").exists():
        return None  # there it is told by setting it alone, and not put back
    found = os.umask(0o077)
    os.umask(found)
    return found


def of_process() -> dict[str, Any]:
    """Return the switches, random numbers and surroundings of this process."""
    kind, numbers, *rest = np.random.get_state()
    return {
        "modes": (*_get_current_dispatch_mode_stack(), *_get_current_function_mode_stack()),
        "tracing": torch._C._get_tracing_state(),
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "default dtype": torch.get_default_dtype(),
        "default device": (dict(vars(torch._GLOBAL_DEVICE_CONTEXT)), devices.CURRENT_DEVICE),
        "anomalies": torch.is_anomaly_enabled(),
        "autocast's dtype": torch.get_autocast_dtype("cpu"),
        "kernels": (
            torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled(),
            torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic,
        ),
        "fast path": torch.backends.mha.get_fastpath_enabled(),
        "threads": torch.get_num_threads(),
        "precision": float32.switches(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "hooks": [
            len(value) for name, value in sorted(vars(hooks).items())
            if name.startswith("_global_") and isinstance(value, dict)
        ],
        "torch's chance": torch.get_rng_state().tolist(),
        "NumPy's chance": (kind, np.asarray(numbers).tobytes(), *rest),
        "Python's chance": random.getstate(),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "streams": (sys.stdout, sys.stderr),
        "filters": list(warnings.filters),
        "logging": logging.root.manager.disable,
        "torch's switches": (
            torch.get_deterministic_debug_mode(), torch.is_warn_always_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
            torch.is_autocast_cache_enabled(), torch.backends.cuda.cudnn_sdp_enabled(),
            torch.backends.cudnn.enabled,
        ),
        "small numbers": SMALLEST * 1.0 == 0.0,
        "contexts": (
            _nesting(), torch.autograd.forward_ad._current_level,
            TOP_OF_HOOKS(True),
            torch._C._is_multithreading_enabled(),
        ),
        "printing": (
            dict(vars(torch._tensor_str.PRINT_OPTS)), np.get_printoptions(), np.geterr(),
        ),
        "root logger": (logging.root.level, list(logging.root.handlers)),
        "Python": (sys.excepthook, sys.getswitchinterval(), sys.getprofile(), sys.gettrace()),
        "signals": [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)],
        "collector": (gc.isenabled(), gc.get_threshold()),
        "decimals": repr(decimal.getcontext()),
        "new files": _umask(),
        "recursion": sys.getrecursionlimit(),
        "Ctrl-C": signal.getsignal(signal.SIGINT),
    }  # fmt: skip
