"""Reads `--input-shape` and `--input`, and makes the tensors and values that they describe.

An input is `[NAME:][DTYPE:]SHAPE`, e.g. `1,3,224,224`, `int64:1,128`, `mask:bool:1,128`. Without a
name it is positional. A dot goes into a dictionary or a list: `batch.image:1,3,32,32`. Whole
numbers are drawn below the smallest embedding table of the network, `int64<30522` bounds them
otherwise, and `int64=16` makes all of them 16. What is no tensor is `--input NAME=VALUE`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError, did_you_mean
from archscope.running.attributes import parameters_of
from archscope.subject import Inputs

if TYPE_CHECKING:
    from torch import Tensor, nn

OPTION = "--input-shape"
PLAIN = "--input"
_DTYPES = {
    **{name: name for name in ("float16", "bfloat16", "float32", "float64", "complex64", "bool")},
    **{name: name for name in ("uint8", "int8", "int16", "int32", "int64")},
    **{"half": "float16", "float": "float32", "double": "float64", "int": "int32", "long": "int64"},
}
_TOKENS = re.compile(r"(^|_)(ids?|idx|indices|tokens?|labels?|targets?_ids)$")
"""How arguments are called that hold whole numbers."""
_MASK = re.compile(r"(^|_)mask$")
_LARGEST = 2**48
"""Elements of the largest input; more is a slip of the keyboard."""
_SAFE_BOUND = 2
"""Whole numbers are drawn below this where the network has no embedding table: 0 and 1 are valid
nearly everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One input as it was typed."""

    path: tuple[str, ...]
    """Name of the argument, then keys of what it holds; empty for the next positional one."""
    dtype: str | None
    """Number type; None where the network and the argument's name decide."""
    shape: tuple[int, ...]
    """Sizes."""
    bound: int | None = None
    """Whole numbers are drawn below this."""
    value: int | None = None
    """All elements are this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """One input that is no tensor: a number, a text, a list."""

    path: tuple[str, ...]
    """Name or number of the argument, then keys of what it holds."""
    value: Any
    """What forward gets."""


def plain(values: Mapping[str, Any]) -> list[Plain]:
    """Return the inputs that `--input NAME=VALUE` gives, by their names."""
    for name in values:
        if not re.fullmatch(r"\w+(\.\w+)*", name):
            raise UsageError(f"{PLAIN}: {name!r} is not the name of an argument")
    return [Plain(path=tuple(name.split(".")), value=value) for name, value in values.items()]


def parse(text: str) -> Given:
    """Return the input that `text` describes; raises `UsageError`.

    >>> parse("ids:int64<100:1,128")
    Given(path=('ids',), dtype='int64', shape=(1, 128), bound=100, value=None)
    """
    *words, sizes = text.split(":")
    if len(words) > 2:
        raise _refused(text, "has too many colons")
    kind = None
    if words and (len(words) == 2 or re.split("[<=]", words[-1])[0] in _DTYPES):
        kind = _kind(text, words.pop())
    name = words[0] if words else ""
    if words and not re.fullmatch(r"\w+(\.\w+)*", name):
        raise _refused(text, f"{name!r} is not the name of an argument")
    dtype, bound, value = kind or (None, None, None)
    path = tuple(name.split(".")) if name else ()
    return Given(path=path, dtype=dtype, shape=_shape(text, sizes), bound=bound, value=value)


def _kind(text: str, word: str) -> tuple[str, int | None, int | None]:
    found = re.fullmatch(r"(\w+)(?:([<=])(-?\d+))?", word)
    name = found.group(1) if found else word
    if found is None or name not in _DTYPES:
        near = did_you_mean(name, list(_DTYPES))
        raise _refused(
            text, f"{name!r} is not a number type; there are {', '.join(_DTYPES)}.{near}"
        )
    sign, number = found.group(2), int(found.group(3) or 0)
    if sign == "<" and (number < 1 or "int" not in _DTYPES[name]):
        raise _refused(text, f"{word!r} bounds nothing; write e.g. int64<30522")
    return _DTYPES[name], number if sign == "<" else None, number if sign == "=" else None


def _shape(text: str, sizes: str) -> tuple[int, ...]:
    if sizes.strip() == "()":
        return ()
    shape = []
    sizes = sizes.strip().strip("()[]")  # as Python prints a shape
    for position, size in enumerate(re.split("[,x×]", sizes), start=1):
        if not re.fullmatch(r"\s*\d+\s*", size, re.ASCII) or int(size) < 1:
            raise _refused(text, f"{size!r} (item {position}) is not a size of 1 or more")
        shape.append(int(size))
    if prod(shape) > _LARGEST:
        raise _refused(text, f"these are {prod(shape):,} elements; no input is so large")
    return tuple(shape)


def _refused(text: str, problem: str) -> UsageError:
    return UsageError(
        f"Invalid value for '{OPTION}': {text!r}: {problem}. "
        "Write [NAME:][DTYPE:]SHAPE, e.g. 1,3,224,224 or input_ids:int64:1,128"
    )


def make(given: Sequence[Given | Plain], model: nn.Module, names: Mapping[int, str]) -> Inputs:
    """Return the tensors of a call of `model`, random but the same each time.

    `names` are the names of the positional arguments, by position. Where the weights have no data,
    floating-point inputs have none; whole numbers always have, since they steer a forward.
    """
    positions: dict[str, Any] = {}
    keywords: dict[str, Any] = {}
    for number, item in enumerate(given):
        path = item.path or (str(sum(not other.path for other in given[:number])),)
        position = int(path[0]) if path[0].isdigit() else None
        called = path[-1] if len(path) > 1 or position is None else names.get(position, "")
        value = item.value if isinstance(item, Plain) else _tensor(item, called, model)
        _place(positions if position is not None else keywords, path, value)
    if sorted(map(int, positions)) != list(range(len(positions))):
        raise UsageError(f"{OPTION}: positional inputs are numbered 0, 1, 2 and so on")
    args = (positions[str(number)] for number in range(len(positions)))
    return Inputs(
        args=tuple(_listed(argument) for argument in args),
        kwargs={name: _listed(value) for name, value in keywords.items()},
    )


class _Holder(dict[str, Any]):
    """What dots go into; a dictionary that was given as one is none."""


def _place(into: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        into = into.setdefault(key, _Holder())
        if not isinstance(into, _Holder):
            raise UsageError(f"{OPTION}: {'.'.join(path)} goes into {key}, which is given already")
    if path[-1] in into:
        raise UsageError(f"{OPTION}: {'.'.join(path)} is given twice")
    into[path[-1]] = value


def _listed(value: Any) -> Any:
    """Return a dictionary with the keys 0, 1, 2 as a list; inside other values too."""
    if not isinstance(value, _Holder):
        return value
    inner = {key: _listed(item) for key, item in value.items()}
    if list(inner) == [str(number) for number in range(len(inner))]:
        return list(inner.values())
    return inner


def _tensor(item: Given, name: str, model: nn.Module) -> Tensor:
    import torch

    from archscope.running.device import default_device

    weight = next((w for w in parameters_of(model) if w.is_floating_point()), None)
    floats = torch.get_default_dtype() if weight is None else weight.dtype
    dtype = getattr(torch, item.dtype) if item.dtype else _guess(name, model, floats)
    device = default_device() if weight is None else weight.device
    if any(w.is_meta for w in parameters_of(model)):  # those that are not trained may have values
        device = torch.device("meta")
    if not (dtype.is_floating_point or dtype.is_complex) and device.type == "meta":
        device = torch.device("cpu")
    with torch.device("cpu"):
        if item.value is not None:
            return torch.full(item.shape, item.value, dtype=dtype, device=device)
        if dtype is torch.bool or _MASK.search(name):
            # In torch's own modules a padding mask names what is to be ignored.
            kept = not re.search("padding|ignore", name)
            known = torch.device("cpu") if device.type == "meta" else device
            return torch.full(item.shape, int(kept), dtype=dtype, device=known)
        if device.type == "meta":
            return torch.empty(item.shape, dtype=dtype, device=device)
        chance = torch.Generator().manual_seed(0)
        if dtype.is_floating_point or dtype.is_complex:
            return torch.randn(item.shape, generator=chance).to(device, dtype)
        bound = item.bound or _smallest_table(model)
        return torch.randint(bound, item.shape, generator=chance).to(device, dtype)


def _guess(name: str, model: nn.Module, floats: Any) -> Any:
    """Return the number type of an input that was given without one."""
    import torch
    from torch import nn

    leaves = (m for m in model.modules() if next(m.parameters(recurse=False), None) is not None)
    tokens_first = isinstance(next(leaves, None), nn.Embedding | nn.EmbeddingBag)
    is_tokens = bool(_TOKENS.search(name)) or (tokens_first and not _MASK.search(name))
    return torch.int64 if is_tokens or name == "attention_mask" else floats


def _smallest_table(model: nn.Module) -> int:
    from torch import nn

    tables = (m for m in model.modules() if isinstance(m, nn.Embedding | nn.EmbeddingBag))
    return min((table.num_embeddings for table in tables), default=_SAFE_BOUND)
