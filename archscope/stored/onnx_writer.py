"""Writes operators of torch for nodes of ONNX, one after another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archscope.stored.export import Known, Node, Ref
from archscope.stored.onnx_paths import path_of
from archscope.stored.onnx_work import Shape, attribute

_HEAVY = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators that a module is called by, where it has several."""


class UnknownNodeError(Exception):
    """A node that is not told as operators of torch."""


Values = Mapping[str, Any]
"""Few numbers that are known, as arrays by the names of their values."""


class Writer:
    """Writes nodes, one after another."""

    def __init__(
        self, shapes: Mapping[str, Shape], values: Values, weights: Mapping[str, str]
    ) -> None:
        self._shapes, self._values, self._weights = shapes, values, weights
        self.constants: dict[str, Known] = {}
        self.nodes: list[Node] = []
        self.same: dict[str, str] = {}
        self._path = ""  # of the node that is written
        self._classes: tuple[tuple[str, str], ...] = ()
        self._named: dict[str, str] = {}

    def enter(self, node: Any, number: int) -> None:
        """Say which node the next calls are of; raises `UnknownNodeError` for a foreign one."""
        self._path = path_of(node, number)
        kind = node.op_type
        if self._path and (kind in _HEAVY or self._path not in self._named):
            self._named[self._path] = kind
            self._classes = ((self._path, kind),)
        if node.domain not in ("", "ai.onnx"):
            raise UnknownNodeError

    def call(self, operator: str, arguments: list[Any], *results: str) -> str:
        """Write one call; return the name of its first result."""
        self.nodes.append(
            Node(
                operator=f"aten.{operator}",
                path=self._path,
                classes=self._classes,
                arguments=tuple(arguments),
                keywords={},
                results=results,
                as_tuple=len(results) > 1,
            )
        )
        return results[0]

    def ref(self, name: str) -> Ref:
        """Return a reference to a value; one that is worked out already is made of its shape."""
        known = self._values.get(name)
        if known is not None and name not in self._weights:
            dtype, shape = str(known.dtype), tuple(known.shape)
            self.constants[name] = Known(dtype=dtype, shape=shape, data=known.tobytes())
        return Ref(name=self.same.get(name, name))

    def optional(self, node: Any, place: int) -> Ref | None:
        given = len(node.input) > place and node.input[place]
        return self.ref(node.input[place]) if given else None

    def shape(self, name: str) -> tuple[int, ...]:
        shape = self._shapes.get(name)
        if shape is None or any(size is None for size in shape):
            raise UnknownNodeError
        return tuple(size for size in shape if size is not None)

    def numbers(self, node: Any, place: int, name: str = "") -> list[Any] | None:
        """Return the values of an input, or of the attribute that older versions have for it."""
        said = attribute(node, name) if name else None
        if said is not None:
            return list(said) if isinstance(said, list) else [said]
        if len(node.input) <= place or not node.input[place]:
            return None
        found = self._values.get(node.input[place])
        if found is None:
            raise UnknownNodeError
        numbers: list[Any] = found.reshape(-1).tolist()
        return numbers
