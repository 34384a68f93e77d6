"""Multiply-accumulates of ONNX's operators, from the shapes of what they read and write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

Shape = tuple[int | None, ...]
"""Sizes; None: unknown."""
Shapes = Mapping[str, Shape]


class UnknownError(Exception):
    """A shape is not known that the work hangs on."""


def macs_of(node: Any, shapes: Shapes) -> tuple[int | None, str]:
    """Return the multiply-accumulates of a node, or None and why they are unknown."""
    if node.domain not in ("", "ai.onnx", "ai.onnx.ml") and node.op_type not in _OTHER_DOMAINS:
        return None, f"{node.domain} is a domain of its own"
    work = _WORK.get(node.op_type)
    if work is None:
        return 0, ""
    try:
        return work(node, shapes), ""
    except UnknownError as unknown:
        return None, str(unknown)
    except (IndexError, ZeroDivisionError, TypeError, ValueError):
        return None, "its inputs are not what the operator takes"


def attribute(node: Any, name: str, default: Any = None) -> Any:
    """Return an attribute's value as a number, a list or a text."""
    for each in node.attribute:
        if each.name == name:
            kinds = {1: "f", 2: "i", 3: "s", 6: "floats", 7: "ints", 8: "strings"}
            found = getattr(each, kinds.get(each.type, "i"))
            return list(found) if each.type in (6, 7, 8) else found
    return default


def _whole(shapes: Shapes, name: str) -> tuple[int, ...]:
    shape = shapes.get(name)
    if shape is None:
        raise UnknownError(f"the shape of {name[:60]!r} is")
    found = tuple(size for size in shape if size is not None)
    if len(found) < len(shape):
        raise UnknownError(f"a size of {name[:60]!r} is left open")
    return found


def _conv(node: Any, shapes: Shapes, weight: int = 1) -> int:
    """out (N, Cout, *L), weight (Cout, Cin/groups, *k)."""
    return prod(_whole(shapes, node.output[0])) * prod(_whole(shapes, node.input[weight])[1:])


def _transposed(node: Any, shapes: Shapes) -> int:
    """x (N, Cin, *L), weight (Cin, Cout/groups, *k)."""
    return prod(_whole(shapes, node.input[0])) * prod(_whole(shapes, node.input[1])[1:])


def _gemm(node: Any, shapes: Shapes) -> int:
    a, b = _whole(shapes, node.input[0]), _whole(shapes, node.input[1])
    return prod(a) * b[0 if attribute(node, "transB", 0) else 1]


def _matmul(node: Any, shapes: Shapes, second: int = 1) -> int:
    """out (*, M, N), a (*, M, K)."""
    a, b = _whole(shapes, node.input[0]), _whole(shapes, node.input[second])
    if node.output[0] in shapes:
        return prod(_whole(shapes, node.output[0])) * a[-1]
    rows = prod(a[:-1])
    stacked = max(prod(b[:-2]), 1)
    if len(a) > 2 and len(b) > 2 and a[:-2] != b[:-2]:
        raise UnknownError("what two stacks of matrices make is")
    return rows * (b[-1] if len(b) > 1 else 1) * a[-1] * (stacked if len(a) <= 2 else 1)


def _einsum(node: Any, shapes: Shapes) -> int:
    """Each pair of operands is multiplied over all letters that either has."""
    equation = attribute(node, "equation", b"").decode("ascii", "replace").replace(" ", "")
    terms = equation.partition("->")[0].split(",")
    if "." in equation or len(terms) != len(node.input) or len(terms) > 2:
        raise UnknownError(f"an einsum {equation[:40]!r} is")
    sizes: dict[str, int] = {}
    for term, name in zip(terms, node.input, strict=True):
        sizes.update(zip(term, _whole(shapes, name), strict=True))
    return prod(sizes.values()) if len(terms) == 2 else 0


def _recurrent(gates: int) -> Callable[[Any, Shapes], int]:
    def work(node: Any, shapes: Shapes) -> int:
        """x (steps, batch, in), R (directions, gates*hidden, hidden)."""
        steps, batch, features = _whole(shapes, node.input[0])
        directions, _, hidden = _whole(shapes, node.input[2])
        return steps * batch * directions * gates * hidden * (features + hidden)

    return work


def _attention(node: Any, shapes: Shapes) -> int:
    """q (B, H, L, d), k (B, K, S, d), v (B, K, S, e); or (B, L, H*d)."""
    q, k, v = (_whole(shapes, node.input[place]) for place in range(3))
    if len(q) == 4:
        past = _whole(shapes, node.input[4])[2] if len(node.input) > 4 and node.input[4] else 0
        return prod(q[:3]) * (k[2] + past) * (q[3] + v[3])
    heads, of_keys = attribute(node, "q_num_heads"), attribute(node, "kv_num_heads")
    keys = k[1]
    return int(q[0] * q[1] * keys * (q[2] + v[2] // of_keys * heads))


def _subgraph(node: Any, shapes: Shapes) -> int:
    raise UnknownError("how often its inner graph runs is")


_WORK: Mapping[str, Callable[[Any, Shapes], int]] = {
    "Conv": _conv,
    "FusedConv": _conv,
    "ConvInteger": _conv,
    "DeformConv": _conv,
    "QLinearConv": lambda node, shapes: _conv(node, shapes, 3),
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": lambda node, shapes: _matmul(node, shapes, 3),
    "Einsum": _einsum,
    "LSTM": _recurrent(4),
    "GRU": _recurrent(3),
    "RNN": _recurrent(1),
    "Attention": _attention,
    "Loop": _subgraph,
    "Scan": _subgraph,
    "If": _subgraph,
}
"""By operator; all others of ONNX do none."""
_OTHER_DOMAINS = ("FusedConv",)
