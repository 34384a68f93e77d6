"""What a causal network that runs keeps from chunk to chunk, convolution by convolution."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from archscope.dependence.answer.examine import Examination
from archscope.dependence.record.graph import Node, Value

_MOVES = frozenset(("constant_pad_nd", "slice"))
"""Operators that only shift positions: padding before a convolution, a cut behind it."""


@dataclass(frozen=True)
class Kept:
    """The buffer in front of one convolution or pool."""

    module: str
    """The module that ran it."""
    kernel: int
    """Taps."""
    dilation: int
    """Positions from tap to tap."""
    positions: int
    """Positions of its own input."""
    channels: int
    """Numbers at each position, of all rows that are of one sequence."""
    itemsize: int | None
    """Bytes of one number; None: it has no weights that tell."""


def buffers_of(exam: Examination, target: Value) -> tuple[tuple[Kept, ...], str]:
    """Return what is kept for one value of a causal sequence, and why that is not known."""
    found: list[Kept] = []
    before = exam.ancestors(target)
    makers = {value: node for node in exam.graph.nodes for value in node.outputs if value}
    for index in sorted(exam.dependences.looked):
        node = exam.graph.nodes[index]
        if before.isdisjoint(node.outputs):
            continue
        if node.operator in _MOVES:
            if not _belongs(node, exam, makers):
                return (), f"{node.operator} in {_where(node)} shifts positions by itself"
            continue
        kept = _pool(node) if "pool" in node.operator else _convolution(node, makers)
        if kept is None:
            return (), f"{node.operator} in {_where(node)} looks ahead, or keeps another state"
        if not kept.positions:
            continue
        rows = _rows(exam, node)
        if rows is None:
            return (), f"{node.operator} in {_where(node)} has parts of the sequence as rows"
        found.append(replace(kept, channels=kept.channels * rows))
    return tuple(found), ""


def _rows(exam: Examination, node: Node) -> int | None:
    """Return how many rows a layer runs on for one sequence, as for each band of a spectrum; None
    where parts of the sequence are among them: windows, or every other position."""
    source: Value = node.arguments["input" if node.operator == "convolution" else "self"]
    batch = exam.roles.batch
    rows, samples = source.shape[0], 1 if batch is None else exam.seed.shape[batch]
    if rows == samples:
        return 1
    field = exam.total(source)
    if field is None or rows % samples or any(0 in pattern.units for pattern in field.patterns):
        return None
    return rows // samples


def _where(node: Node) -> str:
    return node.module or "the model itself"


def _belongs(node: Node, exam: Examination, makers: dict[Value, Node]) -> bool:
    """Return whether a shift only feeds a convolution, or cuts off what one made too much.

    One of a single tap keeps nothing by itself.
    """
    if node.operator == "slice":
        source = makers.get(node.arguments["self"])
        return source is not None and source.operator == "convolution"
    readers = [
        other
        for other in exam.graph.nodes
        if any(value in other.arguments.values() for value in node.outputs if value is not None)
    ]
    return bool(readers) and all(
        other.operator == "convolution" and other.arguments["weight"].shape[-1] > 1
        for other in readers
    )


def _convolution(node: Node, makers: dict[Value, Node]) -> Kept | None:
    if node.operator != "convolution":
        return None
    weight, source = node.arguments["weight"], node.arguments["input"]
    if not isinstance(weight, Tensor) or weight.dim() != 3 or not isinstance(source, Value):
        return None
    (stride,), (dilation,) = node.arguments["stride"], node.arguments["dilation"]
    span, before = (weight.shape[2] - 1) * dilation, _before(node, source, makers)
    if node.arguments["transposed"]:
        positions = span // stride
        if before:
            return None
    else:
        positions = before
        if span - before >= stride:
            return None
    return Kept(
        module=node.module,
        kernel=weight.shape[2],
        dilation=dilation,
        positions=positions,
        channels=source.shape[1],
        itemsize=weight.element_size(),
    )


def _pool(node: Node) -> Kept | None:
    """Return the buffer of a pool; those of one axis run as the last axis of two."""
    source, sizes = node.arguments.get("self"), node.arguments.get("kernel_size")
    if not isinstance(source, Value) or not sizes or any(size != 1 for size in sizes[:-1]):
        return None
    kernel, stride = sizes[-1], (node.arguments.get("stride") or sizes)[-1]
    dilation = (node.arguments.get("dilation") or (1,))[-1]
    span = (kernel - 1) * dilation
    padding = (node.arguments.get("padding") or (0,))[-1]
    if span - padding >= stride:
        return None
    return Kept(
        module=node.module,
        kernel=kernel,
        dilation=dilation,
        positions=padding,
        channels=source.shape[1],
        itemsize=None,
    )


def _before(node: Node, source: Value, makers: dict[Value, Node]) -> int:
    """Return the positions of padding before a convolution, its own and that of a pad in front."""
    maker = makers.get(source)
    own: int = node.arguments["padding"][0]
    if maker is None or maker.operator != "constant_pad_nd":
        return own
    return own + int(maker.arguments["pad"][0])
