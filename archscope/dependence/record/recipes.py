"""How transforms of constants were made, so that they can be made again of other numbers.

What is learned counts as anything: its numbers of today, which may be zero, say nothing. Where it
matters what a transform makes of it (of a kernel that is padded with zeros), the same operators are
run on numbers that are random, but zero where the constant is whatever is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map
from torch.utils.weak import WeakIdKeyDictionary

from archscope.dependence.record.operators import is_view
from archscope.errors import ArchscopeError

TRANSFORMS = ("_fft_r2c", "_fft_c2c", "_fft_c2r")
_MOVING = frozenset(
    (
        *("clone", "_to_copy", "contiguous", "flip", "roll", "cat", "stack", "repeat"),
        *("_unsafe_view", "_reshape_copy", "lift_fresh", "constant_pad_nd", "index_select"),
    )
)
"""Operators, beside views, that put the numbers of a transform elsewhere."""
_DOUBLE = {
    **dict.fromkeys((torch.float16, torch.bfloat16, torch.float32), torch.float64),
    **dict.fromkeys((torch.complex32, torch.complex64), torch.complex128),
}


class NoDataError(ArchscopeError):
    """A constant has no data, and nobody knows how it was made."""


@dataclass(frozen=True, slots=True, eq=False)
class _Support:
    """A constant of which no more counts than where it is zero."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    zero: Tensor | None
    """None: nowhere."""


@dataclass(frozen=True, slots=True, eq=False)
class _Recipe:
    """The operator that made a constant."""

    func: Any
    args: Any
    kwargs: Mapping[str, Any]


_RECIPES: WeakIdKeyDictionary = WeakIdKeyDictionary()
"""A recipe, or a support, of constants whose own numbers are not what counts."""
_NAMES: WeakIdKeyDictionary = WeakIdKeyDictionary()
"""Which learned constant a tensor is: of one name there are one's numbers."""


def note(
    func: Any, name: str, given: Any, out: Any, zeros_of: Callable[[Tensor], Tensor | None]
) -> None:
    """Take in an operator on constants that ran; `zeros_of` says where one is always zero."""
    results = [one for one in tree_leaves(out) if isinstance(one, Tensor)]
    if func._schema.is_mutable:
        for one in results:
            _RECIPES.pop(one, None)
        return
    tensors = [leaf for leaf in tree_leaves(given) if isinstance(leaf, Tensor)]
    moves = (name in _MOVING or is_view(func)) and any(one in _RECIPES for one in tensors)
    if isinstance(out, Tensor) and (moves or name in TRANSFORMS):

        def kept(leaf: Any) -> Any:
            if not isinstance(leaf, Tensor) or leaf in _RECIPES:
                return leaf
            return _Support(tuple(leaf.shape), leaf.dtype, zeros_of(leaf))

        args, kwargs = tree_map(kept, given)
        _RECIPES[out] = _Recipe(func, args, kwargs)


def stands_for(shown: Tensor, constant: Tensor, zero: Tensor | None) -> Tensor:
    """Say that a tensor is shown in a constant's place, and return it."""
    made = _RECIPES.get(constant)
    if made is not None:
        _RECIPES[shown] = made
    elif zero is not None:
        _RECIPES[shown] = _Support(tuple(constant.shape), constant.dtype, zero)
    return shown


def named(shown: Tensor, name: int) -> Tensor:
    """Say which learned constant a tensor is, and return it."""
    _NAMES[shown] = name
    return shown


def name_of(leaf: Any) -> int | None:
    """Return which learned constant an argument is; None: it is none that has a name."""
    return _NAMES.get(leaf) if isinstance(leaf, Tensor) else None


def drawn(leaf: Any, generator: torch.Generator) -> Any:
    """Return an argument in double precision, with random numbers for what is learned."""
    if isinstance(leaf, torch.dtype):
        return _DOUBLE.get(leaf, leaf)
    if isinstance(leaf, torch.device):
        return torch.device("cpu")
    if isinstance(leaf, _Support):
        made = random_of(leaf.shape, leaf.dtype, generator)
        return made if leaf.zero is None else made * ~leaf.zero
    if not isinstance(leaf, Tensor):
        return leaf
    recipe, name = _RECIPES.get(leaf), name_of(leaf)
    if name is not None:
        own = hash((generator.initial_seed(), name)) % (1 << 63)
        generator = torch.Generator().manual_seed(own)
    if isinstance(recipe, _Support):
        return drawn(recipe, generator)
    if recipe is not None:
        given = tree_map(lambda one: drawn(one, generator), (recipe.args, dict(recipe.kwargs)))
        return recipe.func(*given[0], **given[1])
    if isinstance(leaf, nn.Parameter):
        return random_of(tuple(leaf.shape), leaf.dtype, generator)
    if leaf.is_meta:
        raise NoDataError
    return leaf.detach().cpu().to(_DOUBLE.get(leaf.dtype, leaf.dtype))


def likeness(leaf: Any) -> Any:
    """Return what is the same of two arguments if `drawn` makes the same of both."""
    if isinstance(leaf, _Support):
        zero = None if leaf.zero is None else leaf.zero.cpu().numpy().tobytes()
        return leaf.shape, str(leaf.dtype), zero
    if not isinstance(leaf, Tensor):
        return str(leaf)
    recipe = _RECIPES.get(leaf)
    if isinstance(recipe, _Support):
        return likeness(recipe)
    if recipe is not None:
        return str(recipe.func), _likenesses((recipe.args, dict(recipe.kwargs)))
    kind = tuple(leaf.shape), str(leaf.dtype)
    if isinstance(leaf, nn.Parameter) or leaf.is_meta:
        return *kind, isinstance(leaf, nn.Parameter)
    values = leaf.detach().cpu().contiguous()
    return *kind, torch.view_as_real(values).numpy().tobytes() if values.is_complex() else (
        values.float().numpy().tobytes()
        if values.dtype is torch.bfloat16
        else values.resolve_neg().numpy().tobytes()
    )


def _likenesses(given: Any) -> tuple[Any, ...]:
    leaves, structure = tree_flatten(given)
    return (str(structure), *map(likeness, leaves))


def random_of(shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Return random numbers, of integers ones."""
    double = _DOUBLE.get(dtype, dtype)
    if not (double.is_floating_point or double.is_complex):
        return torch.ones(shape, dtype=double)
    return torch.randn(shape, dtype=double, generator=generator)
