"""Runs an operator on shapes alone, with stand-ins for what has data."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from archscope.dependence.record.aliases import results_of, writes_of
from archscope.dependence.record.index_bounds import refuse_beyond
from archscope.dependence.record.operands import tensors_among, with_tensors
from archscope.dependence.record.operators import (
    INDEXED,
    RESHAPED_IN_PLACE,
    RESIZED,
    is_sized_by_data,
    is_view,
    name_of,
)
from archscope.running.shapes import RULES
from archscope.running.twin import bodiless

_SPARSE = frozenset((torch.sparse_coo, torch.sparse_csr, torch.sparse_csc))
_TO_SPARSE = frozenset(("_to_sparse", "_to_sparse_csr", "_to_sparse_csc"))
"""Operators that store a tensor otherwise, which on meta none can be."""


def refuse_nested(tensors: list[Tensor]) -> None:
    """Raise where the parts of a tensor differ in their sizes: it has no positions to follow."""
    if any(tensor.is_nested for tensor in tensors):
        raise NotImplementedError("positions are not followed through nested tensors")


def on_shapes(func: Any, args: Any, kwargs: Any) -> Any:
    """Run an operator on shapes alone; what it would write to stands for what it makes."""
    if kwargs.get("device") is not None:
        kwargs = {**kwargs, "device": torch.device("meta")}
    if is_view(func) and not args[0].is_meta:
        return func(*args, **kwargs)  # a constant that was written to: its data is never read
    written, name = writes_of(func, args, kwargs), name_of(func)
    refuse_beyond(name, args)
    if len(written) == len(func._schema.returns) == 1 and written[0][1] == 0:
        if name in RESHAPED_IN_PLACE:
            return func(*args, **kwargs)
        if name not in RESIZED and not any(a.is_out for a in func._schema.arguments):
            return written[0][0]
    picked = _picked(*args) if name == "masked_select" and not kwargs else None
    if picked is not None:
        return picked
    args, kwargs = without_values(name, args, kwargs)
    if name in _TO_SPARSE:
        return _bodiless(args[0])
    out = RULES[func](*args, **kwargs) if func in RULES else None
    if out is None:  # torch's own answer imports its compiler
        out = ran(func, args, kwargs)
    return with_written(func, written, out)


def ran(func: Any, args: Any, kwargs: Any) -> Any:
    """Run an operator; raise, saying why, where it does not run without data that is not there."""
    try:
        return func(*args, **kwargs)
    except NotImplementedError as error:
        name = name_of(func)
        if not is_sized_by_data(func, name):
            if not any(tensor.is_meta for tensor in tensors_among(args, kwargs)):
                raise
            raise NotImplementedError(
                f"torch runs {func._schema.name} on data alone: give weights and inputs with values"
            ) from error
        raise NotImplementedError(
            f"how many elements aten::{name} makes is told by numbers that are not there: what it "
            "picks by, a mask maybe, is on meta"
        ) from error


def without_values(name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Return the arguments of an operator by their shapes; of a mask, how many it picks."""
    if name in INDEXED:
        args = (args[0], [one for index in args[1] for one in _numbers_of(index)], *args[2:])
    return with_tensors(args, _bodiless), with_tensors(kwargs, _bodiless)


def with_written(func: Any, written: list[tuple[Tensor, int | None]], out: Any) -> Any:
    """Return what an operator returned with the tensors that it was to write to.

    They may have had stand-ins, and are of the size by now that it gave to these.
    """
    results = results_of(func, out)
    for tensor, place in written:
        if place is not None and tensor is not results[place]:
            if tensor.shape != results[place].shape:
                tensor.resize_(results[place].shape)
            results[place] = tensor
    return type(out)(results) if isinstance(out, list | tuple) else next(iter(results), None)


def _picked(tensor: Tensor, mask: Tensor) -> Tensor | None:
    """Return as many elements as a mask picks; None where it has no values."""
    if mask.is_meta:
        return None
    count = int(mask.expand(torch.broadcast_shapes(tensor.shape, mask.shape)).sum())
    return torch.empty(count, dtype=tensor.dtype, device="meta")


def _bodiless(tensor: Tensor) -> Tensor:
    if tensor.layout in _SPARSE:  # on meta, operators know blocks of numbers alone
        return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
    return tensor if tensor.is_meta else bodiless(tensor)


def _numbers_of(index: Any) -> list[Any]:
    """Return an index by a mask as how many numbers it is, which no shape tells."""
    if not isinstance(index, Tensor) or index.is_meta or index.dtype is not torch.bool:
        return [index]
    count = int(index.sum())
    return [torch.empty(count, dtype=torch.long, device="meta") for _ in range(index.dim())]
