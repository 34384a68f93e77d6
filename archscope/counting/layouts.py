"""What layouts and number types make of a product: entries that are stored, complex numbers.

A sparse operand multiplies the entries that it stores and no others; of nested ones each part meets
its like; a complex product is four real ones, (a + bi)(c + di) = ac - bd + (ad + bc)i.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

Formula = Callable[..., int | None]

REAL_PER_COMPLEX = 4
"""Real multiply-accumulates of a complex one; of a convolution torch makes three real ones."""
_NEEDS_DATA = "how many entries its sparse operand stores is not known without data"
_NEEDS_STARTS = "where its sequences begin is not known without data"
_NESTED = "no formula tells what it does with nested tensors"
_SPARSE = frozenset(
    (torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc)
)
_OPERANDS = {
    **dict.fromkeys(("mm", "bmm", "mv", "hspmm"), 0),
    **dict.fromkeys(("_sparse_sparse_matmul", "_sparse_mm_reduce_impl"), 0),
    **dict.fromkeys(("addmm", "addmm_", "baddbmm", "addmv", "_sparse_addmm", "sspaddmm"), 1),
}
"""Where the first of an operator's two factors stands."""


def is_sparse(tensor: Tensor) -> bool:
    """Return whether a tensor stores some of its entries alone."""
    return tensor.layout in _SPARSE


def is_nested(tensor: Tensor) -> bool:
    """Return whether a tensor is a list of others that operators take whole, as jagged is not."""
    return tensor.is_nested and tensor.layout is torch.strided


def by_layout(name: str, formula: Formula) -> Formula:
    """Return a formula for plain operands as one that heeds their layouts and number types.

    It returns None where a sparse operand's entries are not known, or for nested ones that are not
    multiplied part by part.
    """

    def macs(*args: Any, result: Any, **kwargs: Any) -> int | None:
        operands = [value for value in args if isinstance(value, Tensor)]
        if any(map(is_nested, operands)):
            found = _of_parts(name, args, result)
        elif any(map(is_sparse, operands)):
            found = _of_entries(name, args)
        else:
            found = formula(*args, result=result, **kwargs)
        if found is None:
            return None
        return found * REAL_PER_COMPLEX if any(map(torch.is_complex, operands)) else found

    return macs


def _of_parts(name: str, args: tuple[Any, ...], result: Tensor) -> int | None:
    """Every number in a part of the result sums over the last axis of that part of the first."""
    if name.removeprefix("aten::") not in ("linear", "matmul", "bmm", "mm"):
        return None
    pairs = zip(args[0].unbind(), result.unbind(), strict=True)
    return sum(int(made.numel() * part.shape[-1]) for part, made in pairs)


def sampled_product(mask: Tensor, a: Tensor, *_: Any, **__: Any) -> int | None:
    """a (m, k) @ b (k, n) at the entries that `mask` (m, n) stores, k products for each."""
    stored = entries(mask)
    return None if stored is None else stored * a.shape[-1]


def entries(tensor: Tensor) -> int | None:
    """Return how many numbers a sparse tensor stores, whole blocks too; None without data."""
    if tensor.is_meta:
        return None
    values = tensor._values() if tensor.layout is torch.sparse_coo else tensor.values()
    return values.numel()


def _of_entries(name: str, args: tuple[Any, ...]) -> int | None:
    operator = name.removeprefix("aten::")
    if operator == "sparse_sampled_addmm":
        return sampled_product(*args)
    place = _OPERANDS.get(operator)
    if place is None:
        return None
    a, b = args[place : place + 2]
    if is_sparse(a) and is_sparse(b):
        return _pairs(a, b)
    if is_sparse(a):
        stored, times = entries(a), b.shape[-1] if b.ndim > 1 else 1
    elif is_sparse(b):
        stored, times = entries(b), a.shape[-2]
    else:  # what is added is sparse, not a factor
        return None
    return None if stored is None else stored * times


def _pairs(a: Tensor, b: Tensor) -> int | None:
    """Every entry (i, k) of a meets every entry of row k of b (Gustavson 1978)."""
    if a.is_meta or b.is_meta or a.ndim != 2:
        return None
    columns = torch.bincount(_indices(a)[1], minlength=a.shape[1])
    rows = torch.bincount(_indices(b)[0], minlength=b.shape[0])
    return int((columns * rows).sum())


def _indices(tensor: Tensor) -> Tensor:
    indices: Tensor = tensor.detach().to_sparse_coo().coalesce().indices()
    return indices


def why_unknown(operands: Iterable[Tensor]) -> str:
    """Say why a formula gave nothing for these operands."""
    given = list(operands)
    if any(map(is_nested, given)):
        return _NESTED
    return _NEEDS_DATA if any(map(is_sparse, given)) else _NEEDS_STARTS


def special(tensors: Iterable[Tensor]) -> set[str]:
    """Return what is out of the ordinary among operands: `sparse`, `complex`."""
    found = set()
    for tensor in tensors:
        if tensor.layout in _SPARSE:
            found.add("sparse")
        if tensor.is_complex():
            found.add("complex")
    return found
