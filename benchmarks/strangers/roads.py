"""Two roads to the multiply-accumulates of one call that share no code with archscope.

By operators: torch's `FlopCounterMode`, with the formulas that it lacks. By functions: what the
forward calls in Python, each counted by the shapes that it is called with.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import (
    FlopCounterMode,
    flop_registry,
    sdpa_flop_count,
    shape_wrapper,
)

aten = torch.ops.aten


def grouped(a: Any, b: Any, *_: Any, out_shape: Any, **__: Any) -> int:
    """Rows of a, in groups, each times its own matrix; or columns of a, in groups, times rows."""
    return 2 * (prod(a) * b[-1] if len(a) == len(b) == 2 else prod(out_shape) * a[-1])


def attention(q: Any, k: Any, v: Any, *_: Any, **__: Any) -> int:
    """What a forward that chooses torch's fused kernel by itself does."""
    return int(sdpa_flop_count(q, k, v))


LACKING: dict[Any, Callable[..., int]] = {
    aten.mv: lambda a, *_, **__: 2 * prod(a),
    aten.dot: lambda a, *_, **__: 2 * prod(a),
    aten.vdot: lambda a, *_, **__: 2 * prod(a),
    aten.addmv: lambda c, a, *_, **__: 2 * prod(a),
    aten.addbmm: lambda c, a, b, *_, **__: 2 * prod(a) * b[-1],
    aten._int_mm: lambda a, b, *_, **__: 2 * prod(a) * b[-1],
    aten._grouped_mm: grouped,
    aten.mkldnn_rnn_layer: lambda x, a, b, *_, **__: 2 * prod(x[:-1]) * (prod(a) + prod(b)),
    aten._scaled_dot_product_flash_attention_for_cpu: attention,
}
"""FLOPs, two for each multiply-accumulate, of what torch's counter knows no formula for."""


def _true(formula: Callable[..., int], first: int) -> Callable[..., int]:
    """Return a formula that looks at what the factors are; `first` is the place of the former.

    A complex multiply-accumulate is four real ones, and what a sparse factor does not store is
    multiplied by nobody.
    """

    def counted(*args: Any, **kwargs: Any) -> int:
        a, b = args[first : first + 2]
        if is_sparse(a) or is_sparse(b):
            return 2 * stored_products(a, b)
        return formula(*args, **kwargs) * (4 if a.is_complex() else 1)

    counted._get_raw = True  # type: ignore[attr-defined]
    return counted


def is_sparse(tensor: Tensor) -> bool:
    """Whether a tensor stores some of its entries alone."""
    return tensor.layout is not torch.strided


def stored_products(a: Tensor, b: Tensor) -> int:
    """(m, k) @ (k, n): each stored entry of a column of a meets those of the same row of b."""
    columns = _stored(a).sum(0)  # (k,)
    rows = _stored(b).reshape(len(columns), -1).sum(1)  # (k,)
    return int(columns @ rows)


def _stored(matrix: Tensor) -> Tensor:
    if not is_sparse(matrix):
        return torch.ones(matrix.shape)
    entries = matrix.to_sparse_coo().coalesce()
    ones = torch.ones(entries.values().shape)
    return torch.sparse_coo_tensor(entries.indices(), ones, entries.shape).to_dense()


FORMULAS = LACKING | {
    product: _true(flop_registry.get(product) or shape_wrapper(LACKING[product]), first)
    for first, products in (
        (0, (aten.mm, aten.bmm, aten.convolution, aten.mv, aten.dot)),
        (1, (aten.addmm, aten.baddbmm)),
    )
    for product in products
}
"""All that the first road counts, where torch's counter alone would be wrong."""


@contextmanager
def _plain(model: nn.Module) -> Iterator[nn.Module]:
    """Yield a copy of a network, with all that torch fuses written out."""
    torch.manual_seed(0)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), torch.random.fork_rng(devices=[]):
            try:
                twin = copy.deepcopy(model)
            except RuntimeError:  # a weight that a hook made of others
                twin = model
            yield twin
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def by_operators(model: nn.Module, args: Any, kwargs: Any) -> int:
    """Return the multiply-accumulates of all operators of one call on real data."""
    args, kwargs = copy.deepcopy((args, dict(kwargs)))
    with _plain(model) as twin, FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter:
        twin(*args, **kwargs)
    return counter.get_total_flops() // 2


def by_functions(model: nn.Module, args: Any, kwargs: Any) -> int:
    """Return the multiply-accumulates of all functions that one call calls."""
    args, kwargs = copy.deepcopy((args, dict(kwargs)))
    with _plain(model) as twin, _Functions() as counter:
        twin(*args, **kwargs)
    return counter.macs


class _Functions(TorchFunctionMode):
    """Adds up what the functions of `FUNCTIONS` do."""

    def __init__(self) -> None:
        super().__init__()
        self.macs = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        formula = FUNCTIONS.get(getattr(func, "__name__", ""))
        if formula is not None:
            count = formula(*args, result=result, **kwargs)
            real = not isinstance(result, Tensor) or not result.is_complex() or formula is _einsum
            self.macs += count if real else 4 * count
        return result


def _matmul(a: Tensor, b: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    if is_sparse(a) or is_sparse(b):
        return stored_products(a, b)
    if a.ndim == 1 or b.ndim == 1:
        return max(a.numel(), b.numel())
    return result.numel() * a.shape[-1]


def _rmatmul(b: Tensor, a: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    return _matmul(a, b, result=result)


def _added(c: Tensor, *given: Tensor, beta: Any = 1, alpha: Any = 1, **named: Any) -> int:
    factors = [*given, *(value for name, value in named.items() if name not in ("result", "out"))]
    a, b = factors[:2]
    return a.numel() * (b.shape[-1] if b.ndim > 1 else 1)


def _linear(x: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    return x.numel() * (weight.shape[0] if weight.ndim > 1 else 1)


def _convolution(input: Tensor, weight: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    return result.numel() * weight[0].numel()


def _transposed(input: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    return input.numel() * weight[0].numel()


def _attention(query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> int:
    return query[..., 0].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1])


def _multihead(q: Tensor, k: Tensor, v: Tensor, width: int, *_: Any, **named: Any) -> int:
    queries, keys = q.numel() // width, k.numel() // k.shape[-1]
    batch = q.shape[1] if q.ndim == 3 else 1
    length = keys // batch + (named.get("bias_k") is not None) + bool(named.get("add_zero_attn"))
    projections = q.numel() * width * 2 + (k.numel() + v.numel()) * width
    return projections + 2 * queries * length * width


def _einsum(equation: Any, *operands: Any, result: Tensor, **_: Any) -> int:
    with FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter:
        torch.einsum(equation, *operands)
    return counter.get_total_flops() // 2


def _tensordot(a: Tensor, b: Tensor, dims: Any = 2, *, result: Tensor, **_: Any) -> int:
    axes = range(-dims, 0) if isinstance(dims, int) else dims[0]
    return result.numel() * prod(a.shape[axis] for axis in axes)


def _recurrence(x: Tensor, *rest: Any, **_: Any) -> int:
    lists = [r for r in rest if isinstance(r, list | tuple)]
    weights = next(r for r in lists if len(r) > 3 or r[0].ndim == 2)
    return prod(x.shape[:-1]) * sum(w.numel() for w in weights if w.ndim == 2)


def _cell(x: Tensor, h: Any, w_ih: Tensor, w_hh: Tensor, *_: Any, **__: Any) -> int:
    return prod(x.shape[:-1]) * (w_ih.numel() + w_hh.numel())


def _bilinear(a: Tensor, b: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    return a[..., 0].numel() * weight.shape[0] * weight.shape[1] * (weight.shape[2] + 1)


def _grouped(a: Tensor, b: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    return a.numel() * b.shape[-1] if a.ndim == b.ndim == 2 else result.numel() * a.shape[-1]


FUNCTIONS: dict[str, Callable[..., int]] = {
    name: formula
    for formula, names in (
        (_matmul, "matmul __matmul__ mm bmm mv dot vdot"),
        (_rmatmul, "__rmatmul__"),
        (_added, "addmm addmm_ baddbmm baddbmm_ addmv addbmm"),
        (_linear, "linear"),
        (_convolution, "conv1d conv2d conv3d"),
        (_transposed, "conv_transpose1d conv_transpose2d conv_transpose3d"),
        (_attention, "scaled_dot_product_attention"),
        (_multihead, "multi_head_attention_forward"),
        (_einsum, "einsum"),
        (_tensordot, "tensordot"),
        (_recurrence, "lstm gru rnn_tanh rnn_relu"),
        (_cell, "lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell"),
        (_bilinear, "bilinear"),
        (_grouped, "_grouped_mm grouped_mm"),
    )
    for name in names.split()
}
"""Multiply-accumulates of a function by its name: `formula(*args, result=..., **kwargs)`."""
