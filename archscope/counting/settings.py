"""What distinguishes two modules of one type, in a few words."""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any

from torch import nn


def settings(module: nn.Module) -> str:
    """Return e.g. `3×3, stride 2, dilation 4`; empty where type and shapes tell all.

    A subclass may hold anything under the names of a torch layer, or nothing; words about a module
    never end a count, so what is not as torch makes it gives none.
    """
    for kind, describe in _DESCRIBE:
        if isinstance(module, kind):
            try:
                return describe(module)
            except Exception:  # a property of the user's own may raise anything
                return ""
    return ""


def _convolution(module: Any) -> str:
    words = [_kernel(module.kernel_size)]
    stride, dilation = _sizes(module.stride), _sizes(module.dilation)
    words += [f"stride {_each(stride)}"] if set(stride) != {1} else []
    words += [f"dilation {_each(dilation)}"] if set(dilation) != {1} else []
    (groups,) = _sizes(module.groups)
    words += [f"groups {groups}"] if groups != 1 else []
    return ", ".join(words)


def _pooling(module: Any) -> str:
    size, kernel = _kernel(module.kernel_size), _sizes(module.kernel_size)
    # torch takes the kernel for a stride that is None or empty
    stride = kernel if module.stride is None else _sizes(module.stride) or kernel
    if len(kernel) != len(stride):  # one number is meant for all axes alike
        axes = max(len(kernel), len(stride))
        kernel, stride = (s * axes if len(s) == 1 else s for s in (kernel, stride))
    return f"{size}, stride {_each(stride)}" if stride != kernel else size


def _attention(module: nn.MultiheadAttention) -> str:
    (heads,) = _sizes(module.num_heads)
    return f"{heads} heads"


def _recurrent(module: nn.RNNBase) -> str:
    (layers,) = _sizes(module.num_layers)
    words = [f"{layers} layers"] if layers > 1 else []
    words += ["both ways"] if module.bidirectional is True else []
    return ", ".join(words)


def _kernel(value: Any) -> str:
    """Return `3×3`, or `kernel 3` where there is one axis or one number for all."""
    sizes = _sizes(value)
    return "×".join(map(str, sizes)) if len(sizes) > 1 else f"kernel {_each(sizes)}"


def _each(sizes: tuple[int, ...]) -> str:
    """Return `3` or `3×5`; one number for all axes alike."""
    return "×".join(map(str, sizes if len(set(sizes)) > 1 else sizes[:1]))


def _sizes(value: Any) -> tuple[int, ...]:
    """Return one whole number or several, as a tuple; raises `TypeError` for anything else."""
    if isinstance(value, list | tuple):
        return tuple(index(size) for size in value)
    return (index(value),)


_DESCRIBE: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (nn.modules.conv._ConvNd, _convolution),
    (nn.modules.pooling._MaxPoolNd, _pooling),
    (nn.modules.pooling._AvgPoolNd, _pooling),
    (nn.MultiheadAttention, _attention),
    (nn.RNNBase, _recurrent),
)
