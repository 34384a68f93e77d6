"""Reads weights that torch saved: the zip archive of `torch.save`, whose pickle is only read.

The format: torch, `torch/serialization.py`, `_save`: NAME/data.pkl, and NAME/data/KEY for the
numbers of each storage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from archscope.stored import archive, pickled
from archscope.stored.archive import Archive
from archscope.stored.number_types import BITS
from archscope.stored.pickled import Call, Foreign, Name, Storage, holds_tensors, not_called
from archscope.stored.reading import BadFileError, elements_of, opened
from archscope.stored.tensors import Entry

_PICKLE = "/data.pkl"
_OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files of torch before 1.6 begin: a magic number, pickled."""
_NESTED = ("state_dict", "model_state_dict", "model", "module", "network", "net", "weights")
"""Under which words checkpoints keep their weights, the likeliest first."""
_AGAIN = "load and save it again with a torch of today"
_DEEPEST = 100
_MOST = 1_000_000
"""Values that are looked at: a pickle of some lines can name one dictionary 2^60 times."""
_NAMED = 6
"""Words that a note lists."""
_WORDS = 10
"""Words of `_NESTED` within each other."""


def read(path: Path, shown: str) -> tuple[list[Entry], tuple[str, ...]]:
    """Return the tensors of a checkpoint in its order, and what stands beside them.

    Raises `BadFileError`; nothing that the file asks for is called.
    """
    _require_zip(path, shown)
    listed = archive.read(path, shown)
    root = _root(listed)
    found = pickled.read(listed.data(root + _PICKLE, pickled.LARGEST), shown)
    where, weights = _weights(found, shown)
    tensors = _Tensors(listed, root, shown)
    entries = [tensors.entry(name, made) for name, made in _flat(weights, shown)]
    if not entries:
        other = "the state of an optimizer and no weights" if _is_optimizer(found) else "no tensors"
        raise BadFileError(f"{shown} holds {other}")
    beside = _beside(found, where)
    more = f", and {len(beside) - _NAMED} more" if len(beside) > _NAMED else ""
    text = f"beside the weights, not counted: {', '.join(beside[:_NAMED])}{more}"
    return entries, (text,) if beside else ()


def _beside(found: Any, where: tuple[str, ...]) -> list[str]:
    """Return the words under which a checkpoint keeps what is no weight."""
    if not isinstance(found, dict):
        return []
    return [
        str(key)
        for key, value in found.items()
        if (key not in where if where else _is_optimizer(value) or isinstance(value, Foreign))
    ]


def _require_zip(path: Path, shown: str) -> None:
    with opened(path, shown) as (file, size):
        first = file.read(512)
    if first[:4] == archive.MAGIC:
        return
    if first.startswith(_OLD):
        raise BadFileError(f"{shown} was saved by a torch before 1.6, as pickles; {_AGAIN}")
    if first[257:262] == b"ustar":
        raise BadFileError(f"{shown} is a tar archive, as torch wrote before 0.2; {_AGAIN}")
    if first[:1] == b"\x80":
        raise BadFileError(
            f"{shown} is a bare pickle, which is not run; save weights by torch.save"
        )
    if not size:
        raise BadFileError(f"{shown} is empty")
    raise BadFileError(f"{shown} is not a file of torch.save: it begins with {first[:4]!r}")


def _root(listed: Archive) -> str:
    """Return the folder in which a checkpoint stands in its archive."""
    roots = [n.removesuffix(_PICKLE) for n in listed.parts if n.endswith(_PICKLE)]
    roots = [root for root in roots if "/" not in root]
    if len(roots) != 1:
        raise BadFileError(f"{listed.shown} is a zip archive, but not one written by torch.save")
    if f"{roots[0]}/constants.pkl" in listed.parts:
        raise BadFileError(
            f"{listed.shown} is a TorchScript archive, which holds code; it is not run: "
            "archscope.params(torch.jit.load(...)) counts it in Python"
        )
    return roots[0]


def _weights(found: Any, shown: str) -> tuple[tuple[str, ...], Mapping[Any, Any]]:
    """Return the words under which the weights stand, and the weights."""
    where: tuple[str, ...] = ()
    while isinstance(found, dict):
        inner = next((word for word in _NESTED if _is_weights(found.get(word))), None)
        if inner is None or _is_state(found) or len(where) == _WORDS:
            return where, found
        where, found = (*where, inner), found[inner]
    if isinstance(found, Call | Foreign | list | tuple):
        return where, {"": found}
    raise BadFileError(f"{shown} holds no weights: its pickle is a {type(found).__name__}")


def _is_weights(found: Any) -> bool:
    return isinstance(found, dict) and not _is_optimizer(found) and holds_tensors(found)


def _is_state(found: Mapping[Any, Any]) -> bool:
    """Return whether tensors stand here by names of modules: not a loss, or a generator's state."""
    return any(
        isinstance(value, Call) and isinstance(name, str) and "." in name
        for name, value in found.items()
    )


def _is_optimizer(found: Any) -> bool:
    """Return whether it is what `torch.optim.Optimizer.state_dict` gives: no weights."""
    return isinstance(found, dict) and "state" in found and "param_groups" in found


def _flat(weights: Any, shown: str) -> Iterator[tuple[str, Call]]:
    """Yield every tensor with its dotted name; what is none is left out."""
    waiting = [("", weights, 0)]
    looked = 0
    while waiting:
        prefix, value, depth = waiting.pop()
        looked += 1
        if depth > _DEEPEST or looked > _MOST:
            many = f"more than {_MOST:,} values" if looked > _MOST else "values nested too deeply"
            raise BadFileError(f"{shown} holds {many}")
        if isinstance(value, Call):
            if value.name in pickled.TENSORS:
                yield prefix or "tensor", value
        elif isinstance(value, Foreign):
            if holds_tensors(value):
                raise not_called(value.name, shown)
        elif not _is_optimizer(value):
            waiting += [
                (f"{prefix}.{key}" if prefix else str(key), part, depth + 1)
                for key, part in reversed(_pairs(value))
                if isinstance(part, Call | Foreign | dict | list | tuple)
            ]


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    return list(value.items() if isinstance(value, dict) else enumerate(value))


class _Tensors:
    """Reads how tensors are made of storages."""

    def __init__(self, listed: Archive, root: str, shown: str) -> None:
        self.listed, self.root, self.shown = listed, root, shown

    def entry(self, name: str, made: Call, *, parameter: bool | None = None) -> Entry:
        """Return one tensor; raises `BadFileError` where its storage cannot hold it."""
        try:
            return self._entry(name, made, parameter, trains=True)
        except (ValueError, IndexError, TypeError, RecursionError):
            raise BadFileError(
                f"{self.shown}: {name[:80]!r} is built in a way that torch does not use"
            ) from None

    def _entry(self, name: str, made: Call, parameter: bool | None, *, trains: bool) -> Entry:
        kind, given = made.name.rpartition(".")[2], made.arguments
        if kind == "_rebuild_from_type_v2":  # (function, type, its arguments, state)
            inner = Call(name=given[0].text, arguments=given[2])
            return self._entry(name, inner, parameter, trains=trains)
        if kind in ("_rebuild_parameter", "_rebuild_parameter_with_state"):
            return self._entry(name, given[0], True, trains=bool(given[1]))
        if kind == "_rebuild_meta_tensor_no_storage":
            dtype, shape = _dtype(given[0]), _shape(given[1])
            return self._of(name, dtype, shape, (), parameter, trains=trains)
        storage, offset, shape = given[0], given[1], _shape(given[2])
        if not isinstance(storage, Storage) or type(offset) is not int or offset < 0:
            raise ValueError("no storage")
        dtype = _dtype(given[6]) if kind == "_rebuild_tensor_v3" else storage.dtype
        stride = _shape(given[3])
        room = self._room(name, storage, dtype, offset, shape, stride)
        place = (storage.key, offset, *(() if _is_dense(shape, stride) else (shape, stride)))
        found = self._of(name, dtype, shape, place, parameter, trains=trains)
        return replace(found, bytes=min(found.bytes, room))  # one number may stand for many

    def _of(
        self,
        name: str,
        dtype: str,
        shape: tuple[int, ...],
        place: tuple[Any, ...],
        parameter: bool | None,
        *,
        trains: bool,
    ) -> Entry:
        elements = elements_of(shape, f"{self.shown}: {name[:80]!r}")
        return Entry(
            name=name,
            shape=shape,
            dtype=dtype,
            bytes=elements * BITS[dtype] // 8,
            place=place,
            is_parameter=parameter,
            trains=trains and not dtype.startswith(("q", "int", "uint")),
        )

    def _room(
        self,
        name: str,
        storage: Storage,
        dtype: str,
        offset: int,
        shape: tuple[int, ...],
        stride: tuple[int, ...],
    ) -> int:
        """Return the bytes of a storage; raises `BadFileError` where a tensor reaches beyond."""
        if len(stride) != len(shape) or any(step < 0 for step in stride):
            raise ValueError("sizes and strides differ")
        elements = elements_of(shape, f"{self.shown}: {name[:80]!r}")
        last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
        part = self.listed.parts.get(f"{self.root}/data/{storage.key}")
        if part is None:
            raise BadFileError(f"{self.shown} lacks the numbers of {name[:80]!r}")
        if elements and (last + 1) * BITS[dtype] > 8 * part.size:
            raise BadFileError(
                f"{self.shown}: {name[:80]!r} needs {(last + 1) * BITS[dtype] // 8:,} bytes, and "
                f"its storage has {part.size:,}"
            )
        return part.size


def _is_dense(shape: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    """Return whether numbers stand without gaps, in whatever order of axes: transposed are tied."""
    expected = 1
    for step, size in sorted(zip(stride, shape, strict=True)):
        if size > 1 and step != expected:
            return False
        expected *= size
    return True


def _dtype(given: Any) -> str:
    if isinstance(given, Name) and given.text.removeprefix("torch.") in BITS:
        return given.text.removeprefix("torch.")
    raise ValueError("no number type")


def _shape(given: Any) -> tuple[int, ...]:
    if isinstance(given, Call) and given.name == "torch.Size":
        given = given.arguments[0]
    if type(given) not in (tuple, list) or not all(type(size) is int for size in given):
        raise ValueError("no shape")
    return tuple(given)
