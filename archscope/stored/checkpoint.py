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
from archscope.stored.pickled import Call, Name, Storage
from archscope.stored.reading import BadFileError, elements_of, opened
from archscope.stored.tensors import Entry

_PICKLE = "/data.pkl"
_OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files of torch before 1.6 begin: a magic number, pickled."""
_NESTED = ("state_dict", "model_state_dict", "model", "module", "network", "net", "weights")
"""Under which words checkpoints keep their weights, the likeliest first."""
_AGAIN = "load and save it again with a torch of today"
_DEEPEST = 100


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
        raise BadFileError(f"{shown} holds no tensors")
    beside = [str(key) for key in found if key not in where] if where else []
    notes = (f"beside the weights, not counted: {', '.join(beside[:6])}",) if beside else ()
    return entries, notes


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
    raise BadFileError(f"{shown} is no file of torch.save: it begins with {first[:4]!r}")


def _root(listed: Archive) -> str:
    """Return the folder in which a checkpoint stands in its archive."""
    roots = [n.removesuffix(_PICKLE) for n in listed.parts if n.endswith(_PICKLE)]
    roots = [root for root in roots if "/" not in root]
    if len(roots) != 1:
        raise BadFileError(f"{listed.shown} is a zip archive, but none of torch.save")
    if f"{roots[0]}/constants.pkl" in listed.parts:
        raise BadFileError(
            f"{listed.shown} is a TorchScript archive, which holds code; it is not run: "
            "archscope.params(torch.jit.load(...)) counts it in Python"
        )
    return roots[0]


def _weights(found: Any, shown: str) -> tuple[tuple[str, ...], Mapping[Any, Any]]:
    """Return the words under which the weights stand, and the weights."""
    where: tuple[str, ...] = ()
    while isinstance(found, dict) and len(where) < _DEEPEST:
        if any(isinstance(value, Call | Storage) for value in found.values()):
            return where, found
        inner = next((word for word in _NESTED if isinstance(found.get(word), dict)), None)
        if inner is None:
            return where, found
        where, found = (*where, inner), found[inner]
    if isinstance(found, Call | list | tuple):
        return where, {"": found}
    raise BadFileError(f"{shown} holds no weights: its pickle is {_kind(found)}")


def _kind(found: Any) -> str:
    return "a dictionary" if isinstance(found, dict) else f"a {type(found).__name__}"


def _flat(weights: Any, shown: str, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Call]]:
    """Yield every tensor with its dotted name; what is none is left out."""
    if depth > _DEEPEST:
        raise BadFileError(f"{shown} holds dictionaries that are nested too deep")
    if isinstance(weights, Call):
        if weights.name in pickled.TENSORS:
            yield prefix or "tensor", weights
    elif isinstance(weights, dict | list | tuple):
        pairs = weights.items() if isinstance(weights, dict) else enumerate(weights)
        for key, value in pairs:
            if isinstance(value, Call | dict | list | tuple):
                name = f"{prefix}.{key}" if prefix else str(key)
                yield from _flat(value, shown, name, depth + 1)


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
                f"{self.shown}: {name[:80]!r} is made in no way of torch's"
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
        room = self._room(name, storage, dtype, offset, shape, _shape(given[3]))
        place = (storage.key, offset, _shape(given[3]))
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
            trains=trains,
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
