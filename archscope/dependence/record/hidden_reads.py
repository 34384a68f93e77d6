"""Finds what a forward does with numbers of its input where no operator shows it.

A thread of its own, memory that is copied by hand, a pickle, a list of tensors: such numbers come
back as constants, and what is made of them would count as if it depended on nothing. So a forward
that ran on data runs once more on other numbers. A constant that is another one then is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ctypes import c_char
from dataclasses import replace
from itertools import chain, count, zip_longest
from zlib import crc32

import torch
from torch import Tensor

from archscope.dependence.record.graph import READ, UNSEEN, Graph, Node, Shape, Value
from archscope.dependence.record.numbers_read import Same, values_in
from archscope.running.storages import parts_of


def other_numbers(tensor: Tensor) -> Tensor:
    """Return a tensor of the same kind with other numbers; whole ones stay among those there."""
    generator = torch.Generator().manual_seed(0)
    if tensor.is_floating_point() or tensor.is_complex():
        drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        return (tensor + drawn.to(tensor.device)).to(tensor.dtype)
    turned = tensor.flatten().flip(0).reshape(tensor.shape)
    return turned if not torch.equal(turned, tensor) else (tensor == 0).to(tensor.dtype)


def checksum(tensor: Tensor, *, memory: bool = False) -> int:
    """Return a number that differs where what a tensor holds does; 0 of what cannot be read.

    With `memory` of all that lies in its memory.
    """
    found = 0
    try:
        for part in parts_of(tensor.detach()):
            if memory:
                part = torch.empty(0, dtype=torch.uint8).set_(part.untyped_storage())
            plain = part.resolve_conj().resolve_neg().contiguous().cpu()
            size, address = plain.numel() * plain.element_size(), plain.data_ptr()
            if address:  # not by way of numpy, after which torch resizes it no more
                found = crc32((c_char * size).from_address(address), found)
    except (RuntimeError, NotImplementedError, TypeError):  # without data, or of a class of its own
        return 0
    return found


def checksums(constants: Iterable[Tensor], written: Iterable[Tensor]) -> tuple[int, ...]:
    """Return checksums of an operator's constants before it runs.

    Of one that it writes to, with all that it may be a part of.
    """
    whole = set(map(id, written))
    return tuple(checksum(one, memory=id(one) in whole) for one in constants)


def with_hidden(graph: Graph, again: Callable[[], Graph]) -> Graph:
    """Return the graph of a run on data with `UNSEEN` nodes where constants turn out to be none.

    `again` runs the model on other numbers. From where that run goes another way, all that is made
    may depend on all of the input.
    """
    inputs = tuple(graph.inputs.values())
    reads = [node for node in graph.nodes if node.operator == READ]
    meant = set(chain.from_iterable(node.arguments["values"] for node in reads))
    if graph.failure is not None or not meant.isdisjoint(inputs):
        return graph  # nothing came of it, or all that is returned counts as depending on all
    other = again()
    if other.failure is not None:
        return graph
    compared = _Compared(numbers_too=not meant)
    nodes = [
        _unseen(node, inputs) if compared.differ(node, theirs) else node
        for node, theirs in zip_longest(graph.nodes, other.nodes[: len(graph.nodes)])
    ]
    lost = compared.lost or len(other.nodes) > len(nodes) or not compared.alike(graph, other)
    fresh = count(
        max((value.index for node in nodes for value in node.outputs if value), default=0)
    )
    next(fresh)
    outputs = {} if lost else dict(graph.outputs)
    for name, shape in _shapes(graph).items():
        if name not in outputs and (lost or graph.constants[name] != other.constants.get(name)):
            outputs[name] = Value(next(fresh), shape)
            sources = [*inputs, *([graph.outputs[name]] if name in graph.outputs else [])]
            nodes.append(_node(sources, (outputs[name],), ""))
    return replace(graph, nodes=nodes, outputs=outputs)


class _Compared:
    """Compares two runs node by node."""

    def __init__(self, *, numbers_too: bool) -> None:
        self._same = Same()
        self._numbers_too = numbers_too
        self.lost = False
        """Whether the runs went different ways."""

    def differ(self, one: Node, other: Node | None) -> bool:
        """Return whether a node of one run takes other constants, or is there in one run alone."""
        if other is None or self.lost or not self._same.made(one, other):
            self.lost = True
            return True
        self._same.differs = False
        alike = self._same.nodes(one, other)
        return not alike or (self._same.differs and self._numbers_too)

    def alike(self, one: Graph, other: Graph) -> bool:
        """Return whether both runs returned the same values."""
        return self._same.returned(one, other)


def _shapes(graph: Graph) -> dict[str, Shape]:
    """Return the shapes of all tensors that a model returned, by place."""
    constants = {name: shape for name, (shape, _) in graph.constants.items()}
    return {name: value.shape for name, value in graph.outputs.items()} | constants


def _unseen(node: Node, inputs: tuple[Value, ...]) -> Node:
    return _node([*inputs, *values_in(node)], node.outputs, node.module)


def _node(sources: list[Value], outputs: tuple[Value | None, ...], module: str) -> Node:
    return Node(
        operator=UNSEEN,
        arguments={"values": list(dict.fromkeys(sources))},
        outputs=outputs,
        picked=None,
        module=module,
        pointwise=False,
    )
