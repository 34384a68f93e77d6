"""All of a network, its inputs and its process that a count might change."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_leaves


def fingerprint(model: nn.Module, inputs: Any) -> dict[str, Any]:
    """Return a mark by name for each thing; the same marks mean that nothing has changed."""
    marks = dict(_of_process())
    for path, module in model.named_modules(remove_duplicate=False):
        for name, value in vars(module).items():
            marks[f"{path}.{name}"] = _mark(value)
            if name in ("_parameters", "_buffers"):
                marks |= {f"{path}.{key}": _mark(tensor) for key, tensor in value.items()}
    return marks | {f"input {i}": _mark(leaf) for i, leaf in enumerate(tree_leaves(inputs))}


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the names of all that is not as it was."""
    names = sorted(before.keys() | after.keys())
    return [name for name in names if before.get(name) != after.get(name)]


def _of_process() -> Iterator[tuple[str, Any]]:
    yield "torch's generator", torch.get_rng_state().numpy().tobytes()
    yield "Python's generator", random.getstate()
    yield "NumPy's generator", str(numpy.random.get_state())
    yield "default dtype", torch.get_default_dtype()
    yield "grad mode", torch.is_grad_enabled()
    yield "attention fast path", torch.backends.mha.get_fastpath_enabled()
    yield "working folder", os.getcwd()
    yield "environment", dict(os.environ)
    yield "import path", list(sys.path)
    for name, value in vars(nn.modules.module).items():
        if name.startswith("_global") and "hooks" in name:
            yield name, len(value)


def _mark(value: Any) -> Any:
    """Return something that differs where a value was replaced, or changed inside."""
    if isinstance(value, Tensor):
        return _of_tensor(value)
    if isinstance(value, dict):
        return id(value), [(str(key), id(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return id(value), [id(item) for item in value]
    if isinstance(value, set | frozenset):
        return id(value), sorted(map(id, value))
    if isinstance(value, int | float | str | None):
        return value
    return id(value), sorted(getattr(value, "__dict__", ()))


def _of_tensor(tensor: Tensor) -> Any:
    if is_lazy(tensor) or tensor.layout is not torch.strided:
        return id(tensor)
    bits = None
    if not tensor.is_meta:
        bits = hash(
            tensor.detach().contiguous().cpu().flatten().view(torch.uint8).numpy().tobytes()
        )
    grad = id(tensor.grad) if tensor.is_leaf else None
    place = id(tensor), tensor.data_ptr(), tensor._version, str(tensor.device)
    return place, tensor.shape, tensor.requires_grad, grad, bits
