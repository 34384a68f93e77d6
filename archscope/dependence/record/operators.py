"""What a recorder must know of torch's operators by name."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

LIKE = frozenset(
    (
        *("new_zeros", "new_ones", "new_full", "new_empty", "new_empty_strided"),
        *("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like"),
    )
)
"""Operators that take no more from a tensor than its shape, type and device."""
FILLED = {"zeros": 0.0, "ones": 1.0, "full": None}
"""Operators that make a tensor of one number; None: it is their second argument."""
UNFILLED = frozenset(
    ("empty", "empty_strided", "empty_like", "empty_permuted", "new_empty", "new_empty_strided")
)
"""Operators that make a tensor of whatever lay in its memory before."""
RESHAPED_IN_PLACE = frozenset(
    ("squeeze", "unsqueeze", "transpose", "t", "swapaxes", "resize", "as_strided")
)
"""Operators that, writing, change a tensor's shape alone."""
RESIZED = frozenset(("set", "resize_as", "resize_as_sparse", "_resize_output"))
"""Operators that, writing, give a tensor the shape of another."""
INDEXED = frozenset(("index", "_unsafe_index"))
"""Operators that take numbers or masks, one for each axis or several."""
_OF_KNOWN_SIZE = frozenset(("_ctc_loss", "linalg_lstsq"))
"""Operators of which torch says that data decides on their size, while only its options do."""
BY_MASK = frozenset(("index", "masked_select"))
"""Operators whose result has as many elements as a mask has that are True."""
READS = frozenset(("_local_scalar_dense", "equal", "allclose"))
"""Operators that hand a number to Python."""


@cache
def parts_of(func: Any) -> Any:
    """Return what runs an operator by its parts, as it comes whole in inference mode; or None."""
    key = torch._C.DispatchKey.CompositeImplicitAutograd
    # Some operators have their name alone, e.g. `dim`, which classes of tensors are asked by.
    is_known = torch._C._dispatch_has_kernel(func.name())
    return func.decompose if is_known and func.has_kernel_for_dispatch_key(key) else None


_WITH_RULES = frozenset(("aten", "prims", "torchvision"))
"""Namespaces whose operators go by their names alone."""


def name_of(func: Any) -> str:
    """Return an operator's name as nodes have it."""
    return node_name(func._schema.name)


def node_name(qualified: str) -> str:
    """Return the name as nodes have it of an operator that is `namespace::name`.

    One of a namespace of somebody's own keeps it: a `relu` of theirs may do anything.
    """
    space, _, name = qualified.partition("::")
    plain: str = name if name.startswith("__") else name.rstrip("_")
    if space == "quantized":
        return f"quantized_{plain}"
    return plain if space in _WITH_RULES else f"{space}::{plain}"


_VIEWS_TOO = frozenset(("unsafe_split", "unsafe_split_with_sizes"))
"""Operators that torch says make no views, while they do: a GRU cell writes into the parts."""


@cache
def is_view(func: Any) -> bool:
    """Return whether what an operator makes lies in the memory of its first argument."""
    return bool(func.is_view) or name_of(func) in _VIEWS_TOO


def is_sized_by_data(func: Any, name: str) -> bool:
    """Return whether data decides on how large the result of an operator is."""
    return torch.Tag.dynamic_output_shape in func.tags and name not in _OF_KNOWN_SIZE
