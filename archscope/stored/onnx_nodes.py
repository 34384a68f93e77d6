"""What each of ONNX's operators is in torch's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

from archscope.stored.export import Ref
from archscope.stored.onnx_work import attribute
from archscope.stored.onnx_writer import UnknownNodeError, Writer

_UNARY = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Erf": "erf", "Exp": "exp",
    "Log": "log", "Sqrt": "sqrt", "Abs": "abs", "Neg": "neg", "Floor": "floor", "Ceil": "ceil",
    "Reciprocal": "reciprocal", "Softplus": "softplus", "Elu": "elu", "Selu": "selu",
    "Gelu": "gelu", "HardSwish": "hardswish", "HardSigmoid": "hardsigmoid", "Mish": "mish",
    "LeakyRelu": "leaky_relu", "Sin": "sin", "Cos": "cos", "Sign": "sign", "Round": "round",
    "Not": "logical_not", "Celu": "celu",
}  # fmt: skip
_BINARY = {
    "Add": "add.Tensor", "Sub": "sub.Tensor", "Mul": "mul.Tensor", "Div": "div.Tensor",
    "Pow": "pow.Tensor_Tensor", "Max": "maximum.default", "Min": "minimum.default",
    "PRelu": "mul.Tensor", "Equal": "eq.Tensor", "Greater": "gt.Tensor", "Less": "lt.Tensor",
    "GreaterOrEqual": "ge.Tensor", "LessOrEqual": "le.Tensor", "And": "logical_and.default",
    "Or": "logical_or.default",
}  # fmt: skip
_SAME = frozenset(("Identity", "Dropout", "Cast", "CastLike"))
_RESHAPED = frozenset(("Reshape", "Flatten", "Squeeze", "Unsqueeze"))
REDUCED = {"ReduceMean": "mean.dim", "ReduceSum": "sum.dim_IntList", "ReduceMax": "amax.default",
            "ReduceMin": "amin.default"}  # fmt: skip
_PLACES = {1: "1d", 2: "2d", 3: "3d"}


def write(writer: Writer, node: Any, number: int) -> None:
    """Write a node; raises `UnknownNodeError`."""
    writer.enter(node, number)
    kind = node.op_type
    if kind in _SAME:
        writer.same[node.output[0]] = writer.ref(node.input[0]).name
    elif kind in _UNARY:
        writer.call(_UNARY[kind] + ".default", [writer.ref(node.input[0])], node.output[0])
    elif kind in _BINARY:
        _folded(writer, node, _BINARY[kind])
    elif kind in _RESHAPED:
        sizes = list(writer.shape(node.output[0]))
        writer.call("reshape.default", [writer.ref(node.input[0]), sizes], node.output[0])
    elif kind in REDUCED:
        _reduced(writer, node)
    elif kind in _KINDS:
        _KINDS[kind](writer, node)
    else:
        raise UnknownNodeError


def _folded(writer: Writer, node: Any, operator: str) -> None:
    first, *others = map(writer.ref, node.input)
    for number, other in enumerate(others):
        last = number == len(others) - 1
        name = node.output[0] if last else f"{node.output[0]}:{number}"
        first = Ref(name=writer.call(operator, [first, other], name))
    if not others:
        writer.same[node.output[0]] = first.name


def _reduced(writer: Writer, node: Any) -> None:
    axes = writer.numbers(node, 1, "axes")
    rank = len(writer.shape(node.input[0]))
    dims = axes or list(range(rank))
    keeps = bool(attribute(node, "keepdims", 1))
    arguments = [writer.ref(node.input[0]), dims, keeps]
    writer.call(REDUCED[node.op_type], arguments, node.output[0])


def _pads(writer: Writer, node: Any, kernel: Sequence[int], steps: Sequence[int],
          dilations: Sequence[int]) -> tuple[list[int], list[int]]:  # fmt: skip
    """Return the padding before and behind, along each axis."""
    axes = len(kernel)
    auto = attribute(node, "auto_pad", b"NOTSET").decode("ascii", "replace")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        before, behind = [], []
        sizes = writer.shape(node.input[0])[2:]
        for size, taps, step, rate in zip(sizes, kernel, steps, dilations, strict=True):
            reach = (taps - 1) * rate + 1
            more = max((ceil(size / step) - 1) * step + reach - size, 0)
            less = more // 2 if auto == "SAME_UPPER" else more - more // 2
            before.append(less)
            behind.append(more - less)
        return before, behind
    pads = attribute(node, "pads") or [0] * 2 * axes
    return list(pads[:axes]), list(pads[axes:])


def _padded(writer: Writer, x: Ref, before: list[int], behind: list[int], name: str) -> Ref:
    """Write a padding of its own, the last axis first, as torch has it."""
    pairs = list(zip(before, behind, strict=True))[::-1]
    flat = [each for pair in pairs for each in pair]
    return Ref(name=writer.call("constant_pad_nd.default", [x, flat, 0.0], f"{name}:padded"))


def _conv(writer: Writer, node: Any, *, transposed: bool = False) -> None:
    kernel = writer.shape(node.input[1])[2:]
    axes = len(kernel)
    steps = attribute(node, "strides") or [1] * axes
    rates = attribute(node, "dilations") or [1] * axes
    x, weight, bias = writer.ref(node.input[0]), writer.ref(node.input[1]), writer.optional(node, 2)
    before, behind = _pads(writer, node, kernel, steps, rates)
    more = [0] * axes
    if transposed:
        more = list(attribute(node, "output_padding") or more)
        if attribute(node, "output_shape") or before != behind:
            raise UnknownNodeError
    elif before != behind:
        x = _padded(writer, x, before, behind, node.output[0])
        before = [0] * axes
    groups = attribute(node, "group", 1)
    arguments = [x, weight, bias, list(steps), before, list(rates), transposed, more, groups]
    writer.call("convolution.default", arguments, node.output[0])


def _gemm(writer: Writer, node: Any) -> None:
    a, b = writer.ref(node.input[0]), writer.ref(node.input[1])
    if attribute(node, "transA", 0):
        a = Ref(name=writer.call("t.default", [a], f"{node.output[0]}:a"))
    if not attribute(node, "transB", 0):
        b = Ref(name=writer.call("t.default", [b], f"{node.output[0]}:b"))
    bias = writer.optional(node, 2)
    if bias is None or len(writer.shape(node.input[2])) == 1:
        writer.call("linear.default", [a, b, bias], node.output[0])
        return
    made = writer.call("linear.default", [a, b, None], f"{node.output[0]}:product")
    writer.call("add.Tensor", [Ref(name=made), bias], node.output[0])


def _pool(writer: Writer, node: Any) -> None:
    kernel = attribute(node, "kernel_shape")
    axes = len(kernel)
    steps = attribute(node, "strides") or [1] * axes
    rates = attribute(node, "dilations") or [1] * axes
    before, behind = _pads(writer, node, kernel, steps, rates)
    x, up = writer.ref(node.input[0]), bool(attribute(node, "ceil_mode", 0))
    if before != behind or any(2 * pad > taps for pad, taps in zip(before, kernel, strict=True)):
        x, before = _padded(writer, x, before, behind, node.output[0]), [0] * axes
    if node.op_type == "MaxPool":
        arguments = [x, kernel, list(steps), before, list(rates), up]
        writer.call(f"max_pool{_PLACES[axes]}.default", arguments, node.output[0])
        return
    arguments = [x, kernel, list(steps), before, up]
    writer.call(f"avg_pool{_PLACES[axes]}.default", arguments, node.output[0])


def _global(writer: Writer, node: Any) -> None:
    dims = list(range(2, len(writer.shape(node.input[0]))))
    operator = "amax.default" if node.op_type == "GlobalMaxPool" else "mean.dim"
    writer.call(operator, [writer.ref(node.input[0]), dims, True], node.output[0])


def _batch_norm(writer: Writer, node: Any) -> None:
    refs = [writer.ref(name) for name in node.input[:5]]
    eps = attribute(node, "epsilon", 1e-5)
    writer.call("batch_norm.default", [*refs, False, 0.1, eps, False], node.output[0])


def _layer_norm(writer: Writer, node: Any) -> None:
    axis, sizes = attribute(node, "axis", -1), writer.shape(node.input[0])
    refs = [writer.ref(node.input[0]), list(sizes[axis:]), writer.ref(node.input[1])]
    eps = attribute(node, "epsilon", 1e-5)
    writer.call("layer_norm.default", [*refs, writer.optional(node, 2), eps], node.output[0])


def _instance_norm(writer: Writer, node: Any) -> None:
    x, weight, bias = map(writer.ref, node.input[:3])
    eps = attribute(node, "epsilon", 1e-5)
    arguments = [x, weight, bias, None, None, True, 0.1, eps, False]
    writer.call("instance_norm.default", arguments, node.output[0])


def _softmax(writer: Writer, node: Any) -> None:
    name = "softmax.int" if node.op_type == "Softmax" else "log_softmax.int"
    writer.call(name, [writer.ref(node.input[0]), attribute(node, "axis", -1)], node.output[0])


def _transpose(writer: Writer, node: Any) -> None:
    order = attribute(node, "perm") or list(range(len(writer.shape(node.input[0]))))[::-1]
    writer.call("permute.default", [writer.ref(node.input[0]), order], node.output[0])


def _concat(writer: Writer, node: Any) -> None:
    parts = [writer.ref(name) for name in node.input]
    writer.call("cat.default", [parts, attribute(node, "axis", 0)], node.output[0])


def _split(writer: Writer, node: Any) -> None:
    axis = attribute(node, "axis", 0)
    sizes = [writer.shape(name)[axis] for name in node.output]
    arguments = [writer.ref(node.input[0]), sizes, axis]
    if len(sizes) == 1:
        writer.same[node.output[0]] = writer.ref(node.input[0]).name
        return
    writer.call("split_with_sizes.default", arguments, *node.output)


def _slice(writer: Writer, node: Any) -> None:
    starts, ends = writer.numbers(node, 1, "starts"), writer.numbers(node, 2, "ends")
    if starts is None or ends is None:
        raise UnknownNodeError
    axes = writer.numbers(node, 3, "axes") or list(range(len(starts)))
    steps = writer.numbers(node, 4) or [1] * len(starts)
    x, last = writer.ref(node.input[0]), len(starts) - 1
    for number, (start, end, axis, step) in enumerate(zip(starts, ends, axes, steps, strict=True)):
        if step < 1:
            raise UnknownNodeError
        name = node.output[0] if number == last else f"{node.output[0]}:{number}"
        far = min(max(end, -(1 << 62)), (1 << 62) - 1)
        x = Ref(name=writer.call("slice.Tensor", [x, axis, start, far, step], name))


def _gather(writer: Writer, node: Any) -> None:
    axis, sizes = attribute(node, "axis", 0), writer.shape(node.input[0])
    table, picked = writer.ref(node.input[0]), writer.shape(node.input[1])
    if not picked:
        index = writer.numbers(node, 1)
        writer.call("select.int", [table, axis, (index or [0])[0]], node.output[0])
    elif axis == 0 and len(sizes) == 2:
        writer.call("embedding.default", [table, writer.ref(node.input[1])], node.output[0])
    elif len(picked) == 1:
        arguments = [table, axis, writer.ref(node.input[1])]
        writer.call("index_select.default", arguments, node.output[0])
    else:
        raise UnknownNodeError


def _pad(writer: Writer, node: Any) -> None:
    pads = writer.numbers(node, 1, "pads")
    mode = attribute(node, "mode", b"constant").decode("ascii", "replace")
    if pads is None or writer.optional(node, 3) is not None:
        raise UnknownNodeError
    axes = len(pads) // 2
    pairs = [(pads[axis], pads[axes + axis]) for axis in range(axes)][::-1]
    while len(pairs) > 1 and pairs[-1] == (0, 0):
        pairs.pop()
    flat = [each for pair in pairs for each in pair]
    if mode == "constant":
        arguments = [writer.ref(node.input[0]), flat, 0.0]
        writer.call("constant_pad_nd.default", arguments, node.output[0])
        return
    name = {"reflect": "reflection_pad", "edge": "replication_pad"}.get(mode)
    if name is None or len(pairs) not in _PLACES:
        raise UnknownNodeError
    arguments = [writer.ref(node.input[0]), flat]
    writer.call(f"{name}{_PLACES[len(pairs)]}.default", arguments, node.output[0])


def _resize(writer: Writer, node: Any) -> None:
    sizes, before = writer.shape(node.output[0]), writer.shape(node.input[0])
    mode = attribute(node, "mode", b"nearest").decode("ascii", "replace")
    if sizes[:2] != before[:2] or len(sizes) - 2 not in _PLACES:
        raise UnknownNodeError
    place, out = _PLACES[len(sizes) - 2], list(sizes[2:])
    if mode == "nearest":
        arguments = [writer.ref(node.input[0]), out]
        writer.call(f"upsample_nearest{place}.default", arguments, node.output[0])
        return
    way = attribute(node, "coordinate_transformation_mode", b"half_pixel")
    names = {"1d": "linear", "2d": "bilinear", "3d": "trilinear"}
    name = (
        names[place] if mode == "linear" else "bicubic" if (mode, place) == ("cubic", "2d") else ""
    )
    if not name:
        raise UnknownNodeError
    arguments = [writer.ref(node.input[0]), out, way == b"align_corners"]
    writer.call(f"upsample_{name}{place}.default", arguments, node.output[0])


def _matmul(writer: Writer, node: Any) -> None:
    writer.call("matmul.default", list(map(writer.ref, node.input)), node.output[0])


def _where(writer: Writer, node: Any) -> None:
    writer.call("where.self", list(map(writer.ref, node.input)), node.output[0])


def _clip(writer: Writer, node: Any) -> None:
    writer.call("clamp.default", [writer.ref(node.input[0]), 0.0, 6.0], node.output[0])


def _expand(writer: Writer, node: Any) -> None:
    sizes = list(writer.shape(node.output[0]))
    writer.call("expand.default", [writer.ref(node.input[0]), sizes], node.output[0])


def _trilu(writer: Writer, node: Any) -> None:
    k = writer.numbers(node, 1)
    name = "triu.default" if attribute(node, "upper", 1) else "tril.default"
    writer.call(name, [writer.ref(node.input[0]), (k or [0])[0]], node.output[0])


def _shuffled(writer: Writer, node: Any) -> None:
    arguments = [writer.ref(node.input[0]), attribute(node, "blocksize")]
    writer.call("pixel_shuffle.default", arguments, node.output[0])


_KINDS: Mapping[str, Callable[[Writer, Any], None]] = {
    "Conv": _conv,
    "ConvTranspose": lambda writer, node: _conv(writer, node, transposed=True),
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalAveragePool": _global,
    "GlobalMaxPool": _global,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "InstanceNormalization": _instance_norm,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
    "Where": _where,
    "Clip": _clip,
    "Expand": _expand,
    "DepthToSpace": _shuffled,
    "Trilu": _trilu,
}
