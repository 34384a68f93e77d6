"""What ONNX's initialisers are for, by the operators that read them: many are not parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archscope.stored.number_types import is_whole
from archscope.stored.onnx_paths import path_of
from archscope.stored.tensors import Entry, Held, Role

_PASSES = frozenset(
    (
        *("Identity", "Transpose", "Reshape", "Cast", "Squeeze", "Unsqueeze", "Flatten"),
        *("Dropout", "Expand", "Slice", "Split", "Concat", "QuantizeLinear"),
    )
)
"""Operators behind which a weight is still one."""
_WEIGHTS: Mapping[str, tuple[int, ...]] = {
    "Conv": (1, 2),
    "FusedConv": (1, 2),
    "ConvTranspose": (1, 2),
    "DeformConv": (1, 3),
    "Gemm": (0, 1, 2),
    "MatMul": (0, 1),
    "Einsum": (0, 1),
    "Gather": (0,),
    "BatchNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2),
    "GroupNormalization": (1, 2),
    "RMSNormalization": (1,),
    "SimplifiedLayerNormalization": (1,),
    "PRelu": (1,),
    "LSTM": (1, 2, 3, 7),
    "GRU": (1, 2, 3),
    "RNN": (1, 2, 3),
    "Attention": (1, 2),
    "MatMulNBits": (1,),
    "ConvInteger": (1,),
    "MatMulInteger": (1,),
    "QLinearConv": (3, 8),
    "QLinearMatMul": (3,),
    "DequantizeLinear": (0,),
    "DynamicQuantizeMatMul": (1,),
    "SkipLayerNormalization": (2, 3, 4),
    "EmbedLayerNormalization": (2, 3, 4, 5, 6),
}
"""By operator: which of its inputs are weights where they are initialisers."""
_ADDED = ("Add", "Mul", "Sub", "Div")
"""Operators that add biases and multiply by gains, and do much else."""
_SCALES: Mapping[str, tuple[int, ...]] = {
    "DequantizeLinear": (1, 2),
    "QuantizeLinear": (1, 2),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "MatMulNBits": (2, 3, 4),
    "MatMulInteger": (2, 3),
    "ConvInteger": (2, 3),
    "DynamicQuantizeMatMul": (2, 3),
}
"""By operator: which inputs belong to weights in fewer bits."""
_OWN = ("", "ai.onnx", "ai.onnx.ml")
"""Domains whose operators are known."""
_STATISTICS = {"BatchNormalization": (3, 4)}


class Uses:
    """Which node reads an initialiser, at which place."""

    def __init__(
        self, nodes: Sequence[Any], entries: Mapping[str, Entry], masks: Collection[str]
    ) -> None:
        self._entries, self._masks = entries, masks
        self._uses: dict[str, list[tuple[Any, int]]] = {}
        self._first: dict[str, tuple[Any, int]] = {}
        origin = {name: name for name in entries}
        for number, node in enumerate(nodes):
            for place, name in enumerate(node.input):
                if name in origin:
                    self._uses.setdefault(origin[name], []).append((node, place))
                    self._first.setdefault(origin[name], (node, number))
            if node.op_type in _PASSES and node.input and node.input[0] in origin:
                origin.update(dict.fromkeys(node.output, origin[node.input[0]]))

    def held(self) -> Iterator[Held]:
        """Yield every initialiser with its role, under the path of the node that reads it."""
        names = self.names()
        for name, entry in self._entries.items():
            role, why = self._role(name, entry)
            yield Held(
                entry=_renamed(entry, names[name]),
                role=role,
                numbers=self._numbers(entry, role),
                bytes=entry.bytes,
                why=why,
            )

    def names(self) -> dict[str, str]:
        """Return the names of initialisers as modules have them: nameless ones in their node's."""
        found = {}
        for name in self._entries:
            first = self._first.get(name)
            under = path_of(*first) if first and _is_nameless(name) else ""
            found[name] = f"{under}.{name}" if under else name
        return found

    def constants(self) -> Iterator[Held]:
        """Yield those that are not parameters."""
        return (each for each in self.held() if each.role == "buffer")

    def _numbers(self, entry: Entry, role: Role) -> int:
        if role == "scale":
            return 0
        bits = next(
            (
                each.i
                for node, place in self._uses.get(entry.name, ())
                if node.op_type == "MatMulNBits" and place == 1
                for each in node.attribute
                if each.name == "bits"
            ),
            8,
        )
        return entry.elements * 8 // bits if 0 < bits < 8 else entry.elements

    def _role(self, name: str, entry: Entry) -> tuple[Role, str]:
        uses = self._uses.get(name, [])
        kinds = [(node.op_type, place) for node, place in uses]
        if any(place in _STATISTICS.get(kind, ()) for kind, place in kinds):
            return "buffer", "statistics of a normalisation"
        if any(place in _WEIGHTS.get(kind, ()) for kind, place in kinds):
            if not is_whole(entry.dtype):
                return "parameter", ""
            if any(k not in ("Gather",) and p in _WEIGHTS.get(k, ()) for k, p in kinds):
                return "packed", f"{entry.dtype} with a scale"
        if any(place in _SCALES.get(kind, ()) for kind, place in kinds):
            return "scale", "scale of integers"
        if is_whole(entry.dtype):
            return "buffer", "integers, which no gradient reaches"
        if any(kind in _ADDED for kind, _ in kinds) and not self._is_constant(name, entry):
            return "parameter", ""
        if entry.shape and any(node.domain not in _OWN for node, _ in uses):
            return "parameter", "read by an operator of another domain"
        said = ", ".join(sorted({kind for kind, _ in kinds})) or "nothing"
        return "buffer", f"read by {said}"

    def _is_constant(self, name: str, entry: Entry) -> bool:
        """Return whether what is added or multiplied is a number, or a mask of positions."""
        sizes = [size for size in entry.shape if size != 1]
        is_square = len(sizes) > 1 and sizes[-1] == sizes[-2]
        is_alone = len(entry.shape) > 2 and len(sizes) == 2
        return not sizes or (is_square and (is_alone or name in self._masks))


def _is_nameless(name: str) -> bool:
    """Return whether an initialiser has no name of the network's own."""
    return "::" in name or "." not in name


def _renamed(entry: Entry, name: str) -> Entry:
    return entry if entry.name == name else replace(entry, name=name)
