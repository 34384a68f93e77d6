"""What distinguishes two modules of one type, in a few words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn


def settings(module: nn.Module) -> str:
    """Return e.g. `3×3, stride 2, dilation 4`; empty where type and shapes tell all."""
    for kind, describe in _DESCRIBE:
        if isinstance(module, kind):
            return describe(module)
    return ""


def _convolution(module: Any) -> str:
    words = [_kernel(module.kernel_size)]
    words += [f"stride {_each(module.stride)}"] if set(module.stride) != {1} else []
    words += [f"dilation {_each(module.dilation)}"] if set(module.dilation) != {1} else []
    words += [f"groups {module.groups}"] if module.groups != 1 else []
    return ", ".join(words)


def _pooling(module: Any) -> str:
    size, stride = _kernel(module.kernel_size), module.stride
    return f"{size}, stride {_each(stride)}" if stride != module.kernel_size else size


def _attention(module: nn.MultiheadAttention) -> str:
    return f"{module.num_heads} heads"


def _recurrent(module: nn.RNNBase) -> str:
    words = [f"{module.num_layers} layers"] if module.num_layers > 1 else []
    words += ["both ways"] if module.bidirectional else []
    return ", ".join(words)


def _kernel(size: int | tuple[int, ...]) -> str:
    """Return `3×3`, or `kernel 3` where there is one axis or one number for all."""
    if isinstance(size, tuple) and len(size) > 1:
        return "×".join(map(str, size))
    return f"kernel {_each(size)}"


def _each(value: int | tuple[int, ...]) -> str:
    """Return `3` or `3×5`; one number for all axes alike."""
    sizes = value if isinstance(value, tuple) else (value,)
    return "×".join(map(str, sizes if len(set(sizes)) > 1 else sizes[:1]))


_DESCRIBE: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (nn.modules.conv._ConvNd, _convolution),
    (nn.modules.pooling._MaxPoolNd, _pooling),
    (nn.modules.pooling._AvgPoolNd, _pooling),
    (nn.MultiheadAttention, _attention),
    (nn.RNNBase, _recurrent),
)
