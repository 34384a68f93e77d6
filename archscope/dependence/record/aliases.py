"""Follows views and writes while a forward runs, so that a write is never lost.

Eager code writes through views: `out[:, :, 2:] = y` is a view of `out` and a copy into it. Here
each tensor is a base or a view of one; a write makes a new value of the view and, through a `write`
node, of all that it is a view of. A view that was made before is made again when it is read.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from torch import Tag, Tensor, strided

from archscope.dependence.record.graph import WRITE, Shape, Value, View
from archscope.dependence.record.operands import tensors_among, with_tensors
from archscope.dependence.record.operators import is_view

Emit = Callable[..., tuple[Value | None, ...]]


@dataclass(slots=True, eq=False)
class _Alias:
    """One tensor: a base, or a view of another."""

    shape: Shape
    base: _Alias | None
    """What it is a view of in the end; None: it is a base itself."""
    parent: _Alias | None = None
    """What it is a view of at first."""
    view: View | None = None
    value: Value | None = None
    """What it last was; None while it holds constants alone."""
    memory: tuple[Shape, int] | None = None
    """Of a base: its strides, and where it begins in its storage."""
    element_size: int = 0
    """Of a base: bytes of one element."""
    tensor: Tensor | None = None
    """What it was met as."""
    parts: list[_Alias] = field(default_factory=list)
    """Of a part that an operator made with others, none of which lies over another: all of these.
    """
    version: int = 0
    """Of a base: how often it was written to. Of a view: the base's version that `value` is of."""

    @property
    def root(self) -> _Alias:
        return self.base or self


MOST_PARTS = 64
"""Parts of one tensor that are kept as they are when another of them is written to."""
_COUNTED = frozenset(("_pack_padded_sequence",))
"""Operators whose second result says how many there are, which no data changes."""


class _Block(NamedTuple):
    """A block of memory: one storage."""

    start: int
    """Its address; of one that has no data, a negative number of its own."""
    size: int
    """Bytes; 0 where it has no data."""


_Place = tuple[int, Shape, Shape, int]
"""The block of a tensor, its shape, its strides, and where it begins in the block."""


class Aliases:
    """The tensors of one forward pass, by identity, and by the memory that they lie in.

    Not all that shares memory is made by an operator: `as_subclass`, `Parameter`, `from_numpy`,
    `data` that is set.
    """

    def __init__(self, emit: Emit, complex_values: set[Value]) -> None:
        self._emit = emit
        self._complex = complex_values  # of all values those that are complex come in
        # By identity, and kept alive: a tensor that C++ alone holds may come back as the same one.
        self._known: dict[int, tuple[Tensor, int | None, _Alias]] = {}
        self._by_place: dict[_Place, _Alias] = {}
        self._bases: dict[int, tuple[_Block, _Alias]] = {}
        self._starts: list[int] = []

    def add(self, tensor: Tensor, value: Value) -> None:
        """Say that a fresh tensor is a value."""
        alias = _Alias(tuple(tensor.shape), None, value=value)
        self._set(tensor, alias)
        self._note_kind(alias, value)

    def is_known(self, tensor: Tensor) -> bool:
        """Return whether a tensor, or what it lies in, was met before."""
        return self._get(tensor) is not None

    def is_dependent(self, tensor: Tensor) -> bool:
        """Return whether a tensor depends on the studied input."""
        alias = self._get(tensor)
        return alias is not None and alias.root.value is not None

    def value(self, tensor: Tensor) -> Value | None:
        """Return what a tensor is now; None for a constant."""
        alias = self._get(tensor)
        return None if alias is None or alias.root.value is None else self._current(alias)

    def base_value(self, tensor: Tensor) -> Value | None:
        """Return what the tensor is now that a tensor is a view of, or itself."""
        alias = self._get(tensor)
        return None if alias is None else alias.root.value

    def record_constant(self, func: Any, name: str, args: Any, kwargs: Any, out: Any) -> None:
        """Remember views of constants: one of them may be written to."""
        if is_view(func) and isinstance(args[0], Tensor):
            self._add_views(func, name, args, kwargs, out)

    def record(self, func: Any, name: str, args: Any, kwargs: Any, out: Any) -> None:
        """Write what an operator did into the graph, or remember the view that it made."""
        if is_view(func):
            self._add_views(func, name, args, kwargs, out)
            return
        written = writes_of(func, args, kwargs)
        alone = [tensor for tensor, place in written if place is None]
        results = [*results_of(func, out), *alone]
        shapes = [tuple(one.shape) if isinstance(one, Tensor) else None for one in results]
        if name in _COUNTED:
            shapes[1] = None
        pointwise = Tag.pointwise in func.tags
        arguments = self._read(bound(func, args, kwargs))
        values = self._emit(name, arguments, shapes, pointwise=pointwise)
        own = iter(values[len(values) - len(alone) :])
        for tensor, place in written:
            made = next(own) if place is None else values[place]
            if made is not None:
                self._write(self._alias(tensor), made)
        changed = {id(tensor) for tensor, _ in written}
        for tensor, value in zip(results, values, strict=True):
            if isinstance(tensor, Tensor) and value is not None and id(tensor) not in changed:
                self.add(tensor, value)

    def _add_views(self, func: Any, name: str, args: Any, kwargs: Any, out: Any) -> None:
        parent, (_, *given) = self._alias(args[0]), bound(func, args, kwargs).items()
        if name == "as_strided":  # it counts elements in memory, whatever the view that it is of
            parent = parent.root
            given += [("memory", parent.memory), ("storage_offset", out.storage_offset())]
        several, parts = isinstance(out, list | tuple), list[_Alias]()
        for number, tensor in enumerate(out if several else [out]):
            if tensor is args[0]:
                continue
            view = View(operator=name, arguments=dict(given), picked=number if several else None)
            alias = _Alias(tuple(tensor.shape), parent.root, parent=parent, view=view, version=-1)
            if several and len(out) <= MOST_PARTS and _lies_apart(args[0]):
                alias.parts = parts
                parts.append(alias)
            self._set(tensor, alias)

    def _alias(self, tensor: Tensor) -> _Alias:
        found = self._get(tensor)
        if found is None:
            found = _Alias(tuple(tensor.shape), None)
            self._set(tensor, found)
        return found

    def _get(self, tensor: Tensor) -> _Alias | None:
        block = _block_of(tensor)
        known = self._known.get(id(tensor))
        if known is not None and (block is None or known[1] == block.start):
            return known[2]
        if block is None:
            return None
        found = self._by_place.get(_place(block, tensor)) or self._overlapping(block, tensor)
        if found is not None:
            self._known[id(tensor)] = (tensor, block.start, found)
        return found

    def _note_kind(self, alias: _Alias, value: Value | None) -> None:
        if alias.tensor is not None and alias.tensor.is_complex() and value is not None:
            self._complex.add(value)

    def _set(self, tensor: Tensor, alias: _Alias) -> None:
        alias.tensor = tensor
        block = _block_of(tensor)
        self._known[id(tensor)] = (tensor, None if block is None else block.start, alias)
        if block is None:
            return
        if alias.base is None and alias.memory is None:
            alias.memory = (tuple(tensor.stride()), int(tensor.storage_offset()))
            alias.element_size = tensor.element_size()
        self._by_place[_place(block, tensor)] = alias
        if alias.base is None:
            if block.start not in self._bases:
                insort(self._starts, block.start)
            self._bases[block.start] = (block, alias)

    def _overlapping(self, block: _Block, tensor: Tensor) -> _Alias | None:
        """Return a tensor that lies in memory of one that is known, as a view of that one."""
        at = bisect_right(self._starts, block.start) - 1
        if at < 0:
            return None
        first, base = self._bases[self._starts[at]]
        if first.start != block.start and first.start + first.size <= block.start:
            return None
        offset, rest = divmod(block.start - first.start, tensor.element_size())
        given = {
            "size": tuple(tensor.shape),
            "stride": tuple(tensor.stride()),
            "storage_offset": tensor.storage_offset() + offset,
            "memory": base.memory,
        }
        alike = not rest and tensor.element_size() == base.element_size
        view = View(
            operator="as_strided" if alike else "reinterpreted", arguments=given, picked=None
        )
        shape = tuple(tensor.shape)
        return _Alias(shape, base, parent=base, view=view, version=-1, tensor=tensor)

    def _current(self, alias: _Alias) -> Value | None:
        root = alias.root
        if alias is root or alias.version == root.version:
            return alias.value
        assert alias.parent is not None
        assert alias.view is not None
        parent = self._current(alias.parent)
        view = alias.view
        (alias.value,) = self._emit(
            view.operator, {"self": parent, **view.arguments}, [alias.shape], picked=view.picked
        )
        alias.version = root.version
        self._note_kind(alias, alias.value)
        return alias.value

    def _write(self, alias: _Alias, value: Value) -> None:
        """Give a tensor a new value, and with it all that it is a view of."""
        self._note_kind(alias, value)
        others = [one for one in alias.parts if one is not alias and alias.root.value is not None]
        for other in others:
            self._current(other)  # as it was, and stays
        if alias.parent is not None:
            parent = alias.parent
            before = None if parent.root.value is None else self._current(parent)
            constant = {"constant": parent.tensor} if before is None else {}
            arguments = {"whole": before, "part": value, "view": alias.view, **constant}
            (whole,) = self._emit(WRITE, arguments, [parent.shape])
            assert whole is not None
            self._write(parent, whole)
            apart = alias.tensor is None or _lies_apart(alias.tensor)
            alias.version = alias.root.version if apart else -1  # more of it was written to
        else:
            alias.version += 1
        for other in others:
            other.version = alias.root.version
        alias.value, alias.shape = value, value.shape

    def _read(self, arguments: Any) -> Any:
        def current(tensor: Tensor) -> Tensor | Value:
            value = self.value(tensor)
            return tensor if value is None else value

        return with_tensors(arguments, current)


def bound(func: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return every argument of an operator by its name, defaults too."""
    given = dict(zip(_defaults_of(func), args, strict=False))
    return {**_defaults_of(func), **given, **kwargs}


@cache
def _defaults_of(func: Any) -> dict[str, Any]:
    """Return an operator's arguments in their order, each with what it is where it is left out."""
    return {argument.name: argument.default_value for argument in func._schema.arguments}


def written_by(func: Any, args: Any, kwargs: Any) -> list[Tensor]:
    """Return the arguments that an operator writes to."""
    return [tensor for tensor, _ in writes_of(func, args, kwargs)]


def writes_of(func: Any, args: Any, kwargs: Any) -> list[tuple[Tensor, int | None]]:
    """Return the arguments that an operator writes to, each with which result it is, if any."""
    found: list[tuple[Tensor, int | None]] = []
    for place, name, result in _written_places(func):
        value = args[place] if place < len(args) else kwargs.get(name)
        returned = result if isinstance(value, Tensor) else None
        found += [(tensor, returned) for tensor in tensors_among(value)]
    return found


@cache
def _written_places(func: Any) -> tuple[tuple[int, str, int | None], ...]:
    """Return the place and the name of each argument that is written to, and which result it is."""
    return tuple(
        (place, argument.name, _returned_as(func, argument.alias_info))
        for place, argument in enumerate(func._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )


def _returned_as(func: Any, alias: Any) -> int | None:
    for place, result in enumerate(func._schema.returns):
        if result.alias_info is not None and result.alias_info.before_set & alias.before_set:
            return place
    return None


def results_of(func: Any, out: Any) -> list[Any]:
    """Return what an operator returned, as a list; of one that only writes, nothing."""
    if not func._schema.returns:
        return []
    return list(out) if isinstance(out, list | tuple) else [out]


def _block_of(tensor: Tensor) -> _Block | None:
    """Return the memory that a tensor lies in; None where it is no plain block of numbers."""
    if tensor.layout is not strided:
        return None
    try:
        storage = tensor.untyped_storage()
        address = storage.data_ptr()
    except (NotImplementedError, RuntimeError):  # nested, or of a class without memory
        return None
    return _Block(address, storage.nbytes()) if address else _Block(-int(storage._cdata), 0)


def _lies_apart(tensor: Tensor) -> bool:
    """Return whether each element has a place of its own, as of no windows that overlap."""
    farthest = 0
    for step, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and step <= farthest:
            return False
        farthest += step * max(size - 1, 0)
    return True


def _place(block: _Block, tensor: Tensor) -> _Place:
    return block.start, tuple(tensor.shape), tuple(tensor.stride()), int(tensor.storage_offset())
