"""The memory that tensors lie in, sparse ones too, which several may share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor


def parts_of(tensor: Tensor) -> tuple[Tensor, ...]:
    """Return the plain tensors that one is made of: itself, or a sparse one's places and values.

    Of a class that holds other tensors, as quantised weights and their scales, it is theirs.
    """
    flatten = getattr(tensor, "__tensor_flatten__", None)
    if flatten is not None:
        names, _ = flatten()
        held = (getattr(tensor, name) for name in names)  # a mesh of processes is held so too
        return tuple(p for each in held if isinstance(each, Tensor) for p in parts_of(each))
    if tensor.layout is torch.strided:
        return (tensor,)
    if tensor.layout is torch.sparse_coo:
        return (tensor._indices(), tensor._values())
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return (tensor.crow_indices(), tensor.col_indices(), tensor.values())
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return (tensor.ccol_indices(), tensor.row_indices(), tensor.values())
    return ()


def storages_of(tensors: Iterable[Tensor]) -> Iterator[torch.UntypedStorage]:
    """Yield the blocks of memory that tensors lie in."""
    yield from (part.untyped_storage() for tensor in tensors for part in parts_of(tensor))


def keys_of(tensors: Iterable[Tensor]) -> Iterator[int]:
    """Yield the keys of these blocks: the same for tensors that share one."""
    yield from (int(storage._cdata) for storage in storages_of(tensors))


def bytes_of(tensors: Iterable[Tensor]) -> int:
    """Return what tensors take, memory that several share once."""
    return sum({each._cdata: each.nbytes() for each in storages_of(tensors)}.values())
