"""ONNX's nodes as operators of torch: a graph that runs on shapes, for what its outputs look at.

Sizes are those that were inferred, so what only computes shapes has no place in it. An operator
that is not told makes the graph unknown, and is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archscope.stored.export import Program
from archscope.stored.onnx_nodes import REDUCED, write
from archscope.stored.onnx_work import Shape
from archscope.stored.onnx_writer import UnknownNodeError, Values, Writer


def program(
    nodes: Sequence[Any],
    shapes: Mapping[str, Shape],
    values: Values,
    names: Mapping[str, str],
    inputs: Sequence[tuple[str, tuple[int, ...], str]],
    outputs: Sequence[str],
) -> Program:
    """Return a graph as operators of torch; of one that is not told why it is not.

    `names` are those of initialisers, in the list of tensors by their own.
    """
    writer = Writer(shapes, values, names)
    wanted = _wanted(nodes, values, outputs)
    why = "" if all(all(shape) for _, shape, _ in inputs) else "sizes of its inputs are left open"
    for number, node in enumerate(nodes):
        if why or node.op_type == "Constant" or not wanted & {*node.output}:
            continue
        try:
            write(writer, node, number)
        except (UnknownNodeError, TypeError, ValueError, IndexError, KeyError, AttributeError):
            why = f"{node.op_type} {node.name[:60]!r} is not told as operators of torch"
    return Program(
        entries=(),
        nodes=tuple(writer.nodes),
        weights=names,
        inputs=tuple(inputs),
        outputs=tuple(writer.ref(name) for name in outputs),
        why_not=why,
        constants=writer.constants,
    )


_SHAPES_OF = {
    "Reshape": 1,
    "Expand": 1,
    "Flatten": 1,
    "Squeeze": 1,
    "Unsqueeze": 1,
    "Resize": 1,
    "Upsample": 1,
    "Clip": 1,
    "Dropout": 1,
    "Slice": 1,
    "Pad": 1,
    "Split": 1,
    "CastLike": 1,
    **dict.fromkeys(REDUCED, 1),
}
"""By operator: how many of its inputs are read; others say sizes, which are known."""


def _wanted(nodes: Sequence[Any], values: Values, outputs: Sequence[str]) -> set[str]:
    """Return the values that reach an output otherwise than as a size, and are not known."""
    wanted = set(outputs)
    for node in reversed(nodes):
        if wanted & {*node.output}:
            read = node.input[: _SHAPES_OF.get(node.op_type, len(node.input))]
            wanted |= {name for name in read if name not in values}
    return wanted
