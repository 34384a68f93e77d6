"""A module that runs the graph of an exported program on shapes: operators of torch's by name.

No operator is called that reads or writes a file, and nothing has memory: every tensor, and every
one that an operator makes, is on the meta device.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from archscope.errors import ArchscopeError
from archscope.running.skeleton import skeleton, submodule
from archscope.stored.export import DTYPES, Node, Program, Ref, Word
from archscope.stored.tensors import Held
from archscope.subject import Inputs

_OF_PYTHON = "getitem add sub mul floordiv mod neg truediv eq ne lt le gt ge and_ or_ not_"
_WORDS = frozenset(("rounding_mode", "approximate", "padding_mode", "reduce", "indexing", "mode"))
"""Arguments of operators that may be texts: choices, and never a path."""
_LARGEST = 1 << 62
"""Sizes that a graph may compute with."""
_LONGEST = 80
"""Characters of the name of a class."""


class Part(nn.Module):
    """A module of the program, which runs the operators that were called in it."""

    def forward(self, node: Node, arguments: Any, keywords: Any) -> Any:
        return _called(node, arguments, keywords)


class Graph(Part):
    """The program itself."""

    program: Program

    def forward(self, *inputs: Tensor) -> Any:  # type: ignore[override]
        given = (name for name, _, _ in self.program.inputs)
        values: dict[str, Any] = dict(zip(given, inputs, strict=True))
        for name, fqn in self.program.weights.items():
            values[name] = _held(self, fqn)
        with torch.device("meta"):
            for node in self.program.nodes:
                self._run(node, values)
        results = tuple(_filled(each, values) for each in self.program.outputs)
        return results[0] if len(results) == 1 else results

    def _run(self, node: Node, values: dict[str, Any]) -> None:
        arguments = [_filled(each, values) for each in node.arguments]
        keywords = {name: _filled(each, values) for name, each in node.keywords.items()}
        part = self.get_submodule(node.path) if node.path else None
        if isinstance(part, Part):
            result = part(node, arguments, keywords)
        else:
            result = _called(node, arguments, keywords)
        if not node.as_tuple:
            result = (result,)
        values.update(zip(node.results, result, strict=False))


def graph(program: Program, held: Iterable[Held]) -> tuple[nn.Module, Inputs]:
    """Return a program as a module on shapes, and what it is called with."""
    root = Graph()
    classes = {path: name for node in program.nodes for path, name in node.classes}
    skeleton(held, root, lambda path: _part(classes.get(path, "")))
    for path in dict.fromkeys(node.path for node in program.nodes):
        submodule(root, path, lambda path: _part(classes.get(path, "")))
    root.program = program
    args = tuple(
        torch.empty(shape, dtype=getattr(torch, dtype), device="meta")
        for _, shape, dtype in program.inputs
    )
    root.eval()
    return root, Inputs(args=args)


@cache
def _class(name: str) -> type[Part]:
    """Return a class of parts that is called as the one whose place it takes."""
    return type(name, (Part,), {}) if name.isidentifier() and len(name) <= _LONGEST else Part


def _part(name: str) -> Part:
    return _class(name)()


def _held(root: nn.Module, fqn: str) -> Tensor:
    path, _, name = fqn.rpartition(".")
    module = root.get_submodule(path) if path else root
    found = module._parameters.get(name)
    found = module._buffers.get(name) if found is None else found
    if found is None:
        raise ArchscopeError(f"the graph takes {fqn[:80]!r}, which the file does not hold")
    return found


def _filled(given: Any, values: Mapping[str, Any]) -> Any:
    """Return an argument with values of the graph in place of their names."""
    if isinstance(given, Ref):
        if given.name not in values:
            raise ArchscopeError(f"the graph takes {given.name[:80]!r} before it is made")
        return values[given.name]
    if isinstance(given, list):
        return [_filled(each, values) for each in given]
    return _word(given) if isinstance(given, Word) else given


_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}


def _word(given: Word) -> Any:
    if given.kind == "as_device":
        return torch.device("meta")
    if given.kind == "as_layout":
        return torch.strided
    if given.kind == "as_memory_format":
        return _FORMATS.get(given.value, torch.preserve_format)
    return getattr(torch, DTYPES.get(given.value, "float32"))


def _called(node: Node, arguments: Any, keywords: Any) -> Any:
    if not node.operator.startswith("aten."):
        if node.operator not in _OF_PYTHON.split():
            raise ArchscopeError(f"the graph calls {node.operator[:80]!r}, which is not known")
        result = getattr(operator, node.operator)(*arguments, **keywords)
        if isinstance(result, int) and abs(result) > _LARGEST:
            raise ArchscopeError("the graph computes with sizes beyond 2^62")
        return result
    _, name, overload = node.operator.split(".")
    found = getattr(getattr(torch.ops.aten, name, None), overload, None)
    schema = getattr(found, "_schema", None)
    if found is None or schema is None:
        raise ArchscopeError(f"the graph calls {node.operator[:80]!r}, which torch does not have")
    if any("str" in str(a.type) and a.name not in _WORDS for a in schema.arguments):
        raise ArchscopeError(f"the graph calls {node.operator[:80]!r}, which is not called here")
    return found(*arguments, **keywords)
