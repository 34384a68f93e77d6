"""Where elements that are known to be constants go when an operator only moves elements.

The operator itself is run on the mask that says which they are: no rule is needed for any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import prod
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archscope.dependence.record.graph import WRITE, Node, Value

Mask: TypeAlias = NDArray[np.bool_]
"""Of size 1 along axes where all elements are alike."""
MOST_ELEMENTS = 1 << 26
"""Elements of a mask that is followed one by one."""
MOST_PADDED = 1 << 18
"""Elements up to which the border that a tensor is given is followed: of weights, not of images."""
CARRIED = frozenset(
    ("clone", "_to_copy", "contiguous", "dropout", "native_dropout", "alias", "detach", "lift")
)
"""Operators that leave elements where they are, and a constant as it is."""
_TURNED = frozenset(("transpose", "permute", "t", "unsqueeze"))
"""Operators that do the same to a mask of size 1 along some axes."""
_VIEWS = frozenset(("view", "_unsafe_view", "reshape", "_reshape_alias", "expand", "squeeze"))
_TRIANGLES = ("tril", "triu")
"""Operators that make one side of a diagonal zero."""
MOVING = frozenset(
    (
        *("view", "_unsafe_view", "reshape", "_reshape_alias", "expand", "squeeze", "slice"),
        *("select", "narrow", "split", "split_with_sizes", "unbind", "unfold", "diagonal"),
        *("flip", "roll", "repeat", "index_select", "constant_pad_nd", *_TRIANGLES),
    )
)


def moved(
    node: Node,
    known: Mapping[Value, Mask],
    fills: Callable[[Any], bool],
    written: Mask | None = None,
) -> Mask | None:
    """Return where known constants are in a node's output; None where that is not known.

    `fills` says whether a number that an operator puts beside them is such a constant; `written`
    where a constant is that it writes to.
    """
    given, (output, *_) = node.arguments, node.outputs
    if output is None:
        return None
    source = given.get("self")
    mask = known.get(source) if isinstance(source, Value) else None
    if mask is None and _begins(node, output, fills):
        mask = np.zeros((1,) * len(output.shape), dtype=np.bool_)
    if node.operator in _TURNED and mask is not None:
        turned = {**given, "self": torch.from_numpy(mask.copy())}
        return np.asarray(_run(node.operator, turned, None))
    if node.operator in _VIEWS and isinstance(source, Value) and mask is not None:
        viewed = _viewed(mask, source.shape, output.shape)
        if viewed is not None:
            return viewed
    if node.operator == "im2col":
        return _columns(node, mask, output.shape) if fills(0) else None
    if node.operator in _TRIANGLES:
        return _triangle(node, mask, output.shape) if fills(0) else None
    if prod(output.shape) > MOST_ELEMENTS:
        return None
    if node.operator in MOVING and isinstance(source, Value) and mask is not None:
        whole = _whole(mask, source.shape)
        pads = {"value": fills(given["value"])} if node.operator == "constant_pad_nd" else {}
        return alike(_run(node.operator, {**given, **pads, "self": whole}, node.picked))
    return _written(node, known, written, output) if node.operator == WRITE else None


def _triangle(node: Node, mask: Mask | None, shape: tuple[int, ...]) -> Mask | None:
    """Return where a matrix is zero of which one side of a diagonal is left, as it was or not."""
    matrix = shape[-2:]
    before = np.zeros((1,) * len(shape), dtype=np.bool_) if mask is None else mask
    if prod(before.shape[:-2]) * prod(matrix) > MOST_ELEMENTS:
        return None
    whole = torch.from_numpy(~np.broadcast_to(before, (*before.shape[:-2], *matrix)))
    left = _run(node.operator, {**node.arguments, "self": whole}, None)
    return alike(~left)


def _columns(node: Node, mask: Mask | None, shape: tuple[int, ...]) -> Mask | None:
    """Return where windows of an image as columns are zero: what they have of a border, too."""
    given, image = node.arguments, node.arguments["self"].shape
    if prod(shape) > MOST_PADDED or (mask is None and not any(given["padding"])):
        return None
    before = np.zeros((1,) * len(image), dtype=np.bool_) if mask is None else mask
    some = _whole(~before, image).float()
    return alike(_run(node.operator, {**given, "self": some}, None) == 0)


def _begins(node: Node, output: Value, fills: Callable[[Any], bool]) -> bool:
    """Return whether constants are put beside a tensor of which none were known."""
    if node.operator != "constant_pad_nd" or prod(output.shape) > MOST_PADDED:
        return False
    return fills(node.arguments["value"])


def _viewed(mask: Mask, before: tuple[int, ...], after: tuple[int, ...]) -> Mask | None:
    """Return a mask for another shape of the same elements, where that takes no more of them."""
    if len(after) > len(before) and after[-len(before) :] == before:
        return mask.reshape((1,) * (len(after) - len(before)) + mask.shape)
    stripped = tuple(size for size in before if size > 1)
    if stripped == tuple(size for size in after if size > 1):
        sizes = iter([m for size, m in zip(before, mask.shape, strict=True) if size > 1])
        return mask.reshape(tuple(next(sizes) if size > 1 else 1 for size in after))
    last = min(len(before), len(after)) >= 2 and before[-2:] == after[-2:]
    if last and all(size == 1 for size in mask.shape[:-2]):
        return mask.reshape((1,) * (len(after) - 2) + mask.shape[-2:])
    return None


def _written(
    node: Node, known: Mapping[Value, Mask], before: Mask | None, output: Value
) -> Mask | None:
    whole, part, view = (node.arguments[name] for name in ("whole", "part", "view"))
    before = before if whole is None else known.get(whole)
    if part not in known and before is None:
        return None
    mask = _whole(np.zeros((), dtype=np.bool_) if before is None else before, output.shape)
    given = dict(view.arguments)
    if "memory" in given and given.pop("memory") != (mask.stride(), 0):
        return None  # it does not lie in its own order
    place = _run(view.operator, {"self": mask, **given}, view.picked)
    place.copy_(_whole(known[part], part.shape) if part in known else torch.tensor(False))
    return alike(mask)


def _run(operator: str, given: Mapping[str, Any], picked: int | None) -> Tensor:
    first, *rest = given.values()
    names = list(given)[1:]
    found = getattr(torch.ops.aten, operator)(first, **dict(zip(names, rest, strict=True)))
    place: Tensor = found[picked or 0] if isinstance(found, list | tuple) else found
    return place


def _whole(mask: Mask, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(np.broadcast_to(mask, shape).copy())


def ranked(mask: Mask, rank: int) -> Mask:
    """Return a mask with as many axes as what it broadcasts to has."""
    return mask.reshape((1,) * (rank - mask.ndim) + mask.shape)


def known_of(known: Mapping[Value, Mask], argument: Any, rank: int) -> Mask | None:
    """Return the mask of an argument, with as many axes as given; None: nothing is known of it."""
    mask = known.get(argument) if isinstance(argument, Value) else None
    return None if mask is None else ranked(mask, rank)


def union(masks: Sequence[Mask | None]) -> Mask | None:
    """Return where any mask is true; None where there is none."""
    known = [mask for mask in masks if mask is not None]
    return reduce(np.logical_or, known) if known else None


def alike(elements: Tensor) -> Mask:
    """Return a mask with axes along which all is alike of size 1."""
    mask: Mask = elements.numpy()
    for axis in range(mask.ndim):
        if mask.shape[axis] < 2:
            continue
        first, second = (mask.take([at], axis=axis) for at in (0, 1))
        if (first == second).all() and (mask == first).all():  # most are told by two
            mask = first
    return mask
