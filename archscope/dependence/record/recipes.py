"""How transforms of constants were made, so that they can be made again of other numbers.

What is learned counts as anything: its numbers of today, which may be zero, say nothing. Where it
matters what a transform makes of it (of a kernel that is padded with zeros), the same operators are
run on numbers that are random, but zero where the constant is whatever is learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

import torch
from torch import Tag, Tensor, nn
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map
from torch.utils.weak import WeakIdKeyDictionary

from archscope.dependence.record.aliases import written_by
from archscope.dependence.record.fact_rules import BLOCKED
from archscope.dependence.record.operators import LIKE
from archscope.errors import ArchscopeError

LOOKED_UP = frozenset(("embedding", "index", "index_select", "gather"))
"""Operators that pick of what is learned by numbers: a bias by how far apart places are."""
MOST_PICKED = 1 << 20
"""Elements of a constant that picks or masks up to which its numbers are kept."""
TRANSFORMS = ("_fft_r2c", "_fft_c2c", "_fft_c2r")
_DOUBLE = {
    **dict.fromkeys((torch.float16, torch.bfloat16, torch.float32), torch.float64),
    **dict.fromkeys((torch.complex32, torch.complex64), torch.complex128),
}


class Known(Protocol):
    """What is known of the constants that an operator reads."""

    def zeros_of(self, tensor: Tensor) -> Tensor | None:
        """Return where a constant is zero, whatever is learned; None: nowhere."""

    def is_plain(self, tensor: Tensor) -> bool:
        """Return whether a constant's values stand for themselves."""


class NoDataError(ArchscopeError):
    """A constant has no data, and nobody knows how it was made."""


@dataclass(frozen=True, slots=True, eq=False)
class _Support:
    """A constant of which no more counts than where it is zero."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    zero: Tensor | None
    """None: nowhere."""
    number: int = field(default_factory=count().__next__)
    """Which it is: what is made of one twice is made of one's numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class _Recipe:
    """The operator that made a constant."""

    func: Any
    """None: a part of its memory was written to, and nothing else is known."""
    args: Any = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


_RECIPES: WeakIdKeyDictionary = WeakIdKeyDictionary()
"""A recipe, or a support, of constants whose own numbers are not what counts."""
_NAMES: WeakIdKeyDictionary = WeakIdKeyDictionary()
"""Which learned constant a tensor is: of one name there are one's numbers."""


def note(func: Any, name: str, given: Any, out: Any, known: Known) -> None:
    """Take in an operator on constants that ran."""
    if func._schema.is_mutable:
        _note_written(func, given, out, known)
        return
    tensors = [leaf for leaf in tree_leaves(given) if isinstance(leaf, Tensor)]
    is_drawn = Tag.nondeterministic_seeded in func.tags
    of_one = name not in LIKE and not is_drawn and any(one in _RECIPES for one in tensors)
    picks = name in LOOKED_UP and not known.is_plain(tensors[0])
    if isinstance(out, Tensor) and (of_one or picks or name in TRANSFORMS):
        _RECIPES[out] = _Recipe(func, *_kept(given, known))


def _note_written(func: Any, given: Any, out: Any, known: Known) -> None:
    """Take in a write: of what shares the memory of what was written to nothing is known."""
    written = written_by(func, *given) if len(_RECIPES) else []
    memories = set(map(memory_of, written))
    is_one = isinstance(out, Tensor) and out in _RECIPES and any(one is out for one in written)
    again = _Recipe(func, *_kept(given, known)) if is_one else None
    for one in [one for one in _RECIPES if memory_of(one) in memories]:
        _RECIPES[one] = again if one is out and again else _Recipe(None)


def _kept(given: Any, known: Known) -> Any:
    """Return arguments with what is known of them in the place of tensors: of those that pick and
    of masks the numbers."""

    def kept(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        if leaf.numel() <= MOST_PICKED and known.is_plain(leaf) and _picks_or_masks(leaf):
            return leaf.detach().clone()  # it may be written to
        return _RECIPES.get(leaf) or _Support(tuple(leaf.shape), leaf.dtype, known.zeros_of(leaf))

    return tree_map(kept, given)


def _picks_or_masks(constant: Tensor) -> bool:
    """Return whether numbers are whole, or such as masks are of."""
    if not (constant.is_floating_point() or constant.is_complex()):
        return True
    if constant.is_complex() or constant.layout is not torch.strided or constant.itemsize == 1:
        return False
    return bool(((constant == 0) | (constant == 1) | (constant <= BLOCKED)).all())


def memory_of(tensor: Tensor) -> int:
    """Return which piece of memory a tensor lies in."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):  # a sparse tensor has several
        return id(tensor)


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


def made_again(constant: Tensor) -> Tensor | None:
    """Return what is made of random numbers by the operators that made a learned constant; None
    where these are not known, or the numbers by which they pick."""
    recipe = _RECIPES.get(constant)
    if not isinstance(recipe, _Recipe) or not _picks_as_told(recipe):
        return None
    found: Tensor = drawn(recipe, torch.Generator().manual_seed(0))
    return found


def _picks_as_told(leaf: Any) -> bool:
    """Return whether the operators that made a constant, and all whole numbers, are known."""
    if isinstance(leaf, _Recipe):
        leaves = tree_leaves((leaf.args, dict(leaf.kwargs)))
        return leaf.func is not None and all(map(_picks_as_told, leaves))
    return not isinstance(leaf, _Support) or leaf.dtype in _DOUBLE or leaf.dtype in _DOUBLE.values()


def drawn(leaf: Any, generator: torch.Generator) -> Any:
    """Return an argument in double precision, with random numbers for what is learned."""
    if isinstance(leaf, torch.dtype):
        return _DOUBLE.get(leaf, leaf)
    if isinstance(leaf, torch.device):
        return torch.device("cpu")
    if isinstance(leaf, _Support):
        return _numbers(leaf, _own(generator, -1 - leaf.number))
    if isinstance(leaf, _Recipe):
        if leaf.func is None:
            raise NoDataError
        args, kwargs = tree_map(lambda one: drawn(one, generator), (leaf.args, dict(leaf.kwargs)))
        return leaf.func(*args, **kwargs)
    if not isinstance(leaf, Tensor):
        return leaf
    recipe, name = _RECIPES.get(leaf), name_of(leaf)
    if isinstance(recipe, _Recipe) or (recipe is not None and name is None):
        return drawn(recipe, generator)
    if name is not None:
        generator = _own(generator, name)
    if recipe is not None:
        return _numbers(recipe, generator)
    if isinstance(leaf, nn.Parameter):
        return random_of(tuple(leaf.shape), leaf.dtype, generator)
    if leaf.is_meta:
        raise NoDataError
    return leaf.detach().cpu().to(_DOUBLE.get(leaf.dtype, leaf.dtype))


def _own(generator: torch.Generator, number: int) -> torch.Generator:
    """Return a generator of one's own, that draws the same whenever it is asked for."""
    return torch.Generator().manual_seed(hash((generator.initial_seed(), number)) % (1 << 63))


def _numbers(support: _Support, generator: torch.Generator) -> Tensor:
    made = random_of(support.shape, support.dtype, generator)
    return made if support.zero is None else made * ~support.zero


def likeness(leaf: Any, supports: dict[int, int] | None = None) -> Any:
    """Return what is the same of two arguments if `drawn` makes the same of both.

    `supports` number what of several arguments is made of the same constant.
    """
    supports = {} if supports is None else supports
    if isinstance(leaf, _Support):
        zero = None if leaf.zero is None else leaf.zero.cpu().numpy().tobytes()
        number = supports.setdefault(leaf.number, len(supports))
        return leaf.shape, str(leaf.dtype), zero, number
    if isinstance(leaf, _Recipe):
        leaves, structure = tree_flatten((leaf.args, dict(leaf.kwargs)))
        return str(leaf.func), str(structure), *(likeness(one, supports) for one in leaves)
    if not isinstance(leaf, Tensor):
        return str(leaf)
    recipe = _RECIPES.get(leaf)
    if recipe is not None:
        return likeness(recipe, supports)
    kind = tuple(leaf.shape), str(leaf.dtype)
    if isinstance(leaf, nn.Parameter) or leaf.is_meta:
        return *kind, isinstance(leaf, nn.Parameter)
    values = leaf.detach().cpu().contiguous()
    return *kind, torch.view_as_real(values).numpy().tobytes() if values.is_complex() else (
        values.float().numpy().tobytes()
        if values.dtype is torch.bfloat16
        else values.resolve_neg().numpy().tobytes()
    )


def random_of(shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Return random numbers, of integers ones."""
    double = _DOUBLE.get(dtype, dtype)
    if not (double.is_floating_point or double.is_complex):
        return torch.ones(shape, dtype=double)
    return torch.randn(shape, dtype=double, generator=generator)
