"""Shapes of all values of an ONNX graph, node by node, with the numbers that shapes are made of.

ONNX's own inference of a whole graph does not follow what exporters compute of sizes (divisions of
heads, lists of paddings); here its inference of a single node is fed with such numbers, which are
worked out as far as they are few.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archscope.stored.onnx_work import Shape, attribute

FEW = 4096
"""Numbers that are worked out of a value."""


class Shapes:
    """What is known of the values of a graph."""

    def __init__(self, onnx: Any, model: Any) -> None:
        self._onnx, self._model = onnx, model
        self._numpy = __import__("numpy")
        self._types: dict[str, Any] = {}
        self._versions = {each.domain: each.version for each in model.opset_import}
        self.values: dict[str, Any] = {}
        """Small values as arrays, by name."""
        self.why = ""
        """What was said where a node's shapes could not be inferred."""

    def shape(self, name: str) -> Shape | None:
        """Return the shape of a value, None for a size that is not known."""
        held = self._types.get(name)
        if held is None or not held.tensor_type.HasField("shape"):
            return None
        return tuple(
            dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else None
            for dim in held.tensor_type.shape.dim
        )

    def shapes(self) -> dict[str, Shape]:
        """Return all shapes that are known."""
        found = ((name, self.shape(name)) for name in self._types)
        return {name: shape for name, shape in found if shape is not None}

    def infer(self) -> None:
        """Go through the graph once."""
        graph = self._model.graph
        for value in graph.input:
            self._types[value.name] = value.type
        for tensor in graph.initializer:
            self._hold(tensor.name, tensor)
        with self._numpy.errstate(all="ignore"):
            for node in graph.node:
                self._infer(node)

    def _hold(self, name: str, tensor: Any) -> None:
        make = self._onnx.helper.make_tensor_type_proto
        self._types[name] = make(tensor.data_type, list(tensor.dims))
        if _count(tensor.dims) <= FEW:
            try:
                self.values[name] = self._onnx.numpy_helper.to_array(tensor)
            except Exception:  # its values were left out, or are damaged
                return

    def _infer(self, node: Any) -> None:
        if node.op_type == "Constant":
            for each in node.attribute:
                if each.name == "value" and node.output:
                    self._hold(node.output[0], each.t)
                    return
        if node.op_type == "Transpose":
            _count_from_front(node)
        for name, array in self._worked_out(node).items():
            if array.size <= FEW:
                self._told(name, array)
        if all(name in self.values for name in node.output):
            return
        try:
            found = self._of_node(node)
        except Exception as error:  # it raises what C++ throws
            self.why = self.why or f"{node.op_type}: {str(error).strip().partition(chr(10))[0]}"
            return
        self._types.update(found)

    def _of_node(self, node: Any) -> Mapping[str, Any]:
        domain = "" if node.domain == "ai.onnx" else node.domain
        version = self._versions.get(domain, self._versions.get("ai.onnx", 1))
        schema = self._onnx.defs.get_schema(node.op_type, version, domain)
        tensors = {}
        for name in node.input:
            if name in self.values:
                tensors[name] = self._onnx.numpy_helper.from_array(self.values[name], name)
        types = {name: self._types[name] for name in node.input if name in self._types}
        found: Mapping[str, Any] = self._onnx.shape_inference.infer_node_outputs(
            schema,
            node,
            types,
            tensors,
            opset_imports=list(self._model.opset_import),
            ir_version=self._model.ir_version,
        )
        return found

    def _told(self, name: str, array: Any) -> None:
        self.values[name] = array
        kind = self._onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
        self._types[name] = self._onnx.helper.make_tensor_type_proto(kind, array.shape)

    def _worked_out(self, node: Any) -> dict[str, Any]:
        """Return what a node computes of values that are known; nothing where it cannot be said."""
        if node.domain not in ("", "ai.onnx") or not node.output:
            return {}
        if node.op_type in ("Shape", "Size"):
            shape = self.shape(node.input[0]) if node.input else None
            if shape is None or any(size is None for size in shape):
                return {}
            array = self._numpy.array(shape, dtype="int64")
            if node.op_type == "Size":
                return {node.output[0]: self._numpy.array(_count(shape), dtype="int64")}
            start, end = attribute(node, "start", 0), attribute(node, "end", len(shape))
            return {node.output[0]: array[start:end]}
        work = _WORK.get(node.op_type)
        if work is None or any(name and name not in self.values for name in node.input):
            return {}
        given = [self.values[name] if name else None for name in node.input]
        try:
            found = work(self._numpy, node, given)
        except Exception:  # what numpy raises of numbers that do not fit each other
            return {}
        every = found if isinstance(found, list) else [found]
        return dict(zip(node.output, map(self._numpy.asarray, every), strict=False))


def _count_from_front(node: Any) -> None:
    """Write axes that are counted from the end, as torch's exporter does, as ONNX wants them."""
    for each in node.attribute:
        if each.name == "perm":
            rank = len(each.ints)
            each.ints[:] = [axis % rank if rank else axis for axis in each.ints]


def _count(shape: Sequence[Any]) -> int:
    count = 1
    for size in shape:
        count *= int(size)
    return count


Work = Callable[[Any, Any, list[Any]], Any]
"""Gets numpy, the node and its inputs."""


def _axes(node: Any, given: list[Any]) -> tuple[int, ...]:
    found = attribute(node, "axes")
    if found is None:
        found = given[1].reshape(-1).tolist() if len(given) > 1 and given[1] is not None else []
    return tuple(found)


def _slice(np: Any, node: Any, given: list[Any]) -> Any:
    x = given[0]
    said = [attribute(node, name) for name in ("starts", "ends", "axes")]
    parts = [each.tolist() if each is not None else None for each in given[1:]] or said
    starts: list[int] = parts[0] or []
    ends: list[int] = parts[1] or []
    axes = parts[2] if len(parts) > 2 and parts[2] is not None else list(range(len(starts)))
    steps = parts[3] if len(parts) > 3 and parts[3] is not None else [1] * len(starts)
    places: list[Any] = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        far = None if step < 0 and end < -x.shape[axis] else end
        places[axis] = slice(start, far, step)
    return x[tuple(places)]


def _constant_of_shape(np: Any, node: Any, given: list[Any]) -> Any:
    sizes = given[0].tolist()
    if _count(sizes) > FEW or any(size < 0 for size in sizes):
        raise ValueError
    tensor = next((each.t for each in node.attribute if each.name == "value"), None)
    if tensor is None:
        return np.zeros(sizes, dtype="float32")
    values = [*tensor.int64_data, *tensor.int32_data, *tensor.float_data]
    kind = {1: "float32", 6: "int32", 7: "int64", 9: "bool", 11: "float64"}[tensor.data_type]
    value = np.frombuffer(tensor.raw_data, dtype=kind)[0] if tensor.raw_data else values[0]
    return np.full(sizes, value, dtype=kind)


def _range(np: Any, node: Any, given: list[Any]) -> Any:
    start, limit, delta = (each.item() for each in given)
    if abs((limit - start) / delta) > FEW:
        raise ValueError
    return np.arange(start, limit, delta, dtype=given[0].dtype)


def _reshape(np: Any, node: Any, given: list[Any]) -> Any:
    x, sizes = given[0], given[1].tolist()
    return x.reshape([x.shape[at] if size == 0 else size for at, size in enumerate(sizes)])


def _divide(np: Any, node: Any, given: list[Any]) -> Any:
    a, b = given
    return np.trunc(a / b).astype(a.dtype) if a.dtype.kind in "iu" else a / b


def _expand(np: Any, node: Any, given: list[Any]) -> Any:
    sizes = np.broadcast_shapes(given[0].shape, tuple(given[1].tolist()))
    if _count(sizes) > FEW:
        raise ValueError
    return np.broadcast_to(given[0], sizes)


def _trilu(np: Any, node: Any, given: list[Any]) -> Any:
    k = given[1].item() if len(given) > 1 and given[1] is not None else 0
    return (np.triu if attribute(node, "upper", 1) else np.tril)(given[0], k)


_CASTS = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
          11: "float64"}  # fmt: skip


def _binary(name: str) -> Work:
    return lambda np, node, given: getattr(np, name)(given[0], given[1])


def _unary(name: str) -> Work:
    return lambda np, node, given: getattr(np, name)(given[0]).astype(given[0].dtype)


_WORK: Mapping[str, Work] = {
    "Identity": lambda np, node, given: given[0],
    "Cast": lambda np, node, given: given[0].astype(_CASTS[attribute(node, "to")]),
    "Gather": lambda np, node, given: np.take(given[0], given[1], attribute(node, "axis", 0)),
    "Concat": lambda np, node, given: np.concatenate(given, attribute(node, "axis", 0)),
    "Unsqueeze": lambda np, node, given: np.expand_dims(given[0], _axes(node, given)),
    "Squeeze": lambda np, node, given: np.squeeze(given[0], _axes(node, given) or None),
    "Transpose": lambda np, node, given: np.transpose(given[0], attribute(node, "perm")),
    "Slice": _slice,
    "Reshape": _reshape,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Expand": _expand,
    "Div": _divide,
    "Add": _binary("add"),
    "Sub": _binary("subtract"),
    "Mul": _binary("multiply"),
    "Mod": _binary("mod"),
    "Min": _binary("minimum"),
    "Max": _binary("maximum"),
    "Equal": _binary("equal"),
    "Less": _binary("less"),
    "Greater": _binary("greater"),
    "And": _binary("logical_and"),
    "Or": _binary("logical_or"),
    "Not": lambda np, node, given: np.logical_not(given[0]),
    "Trilu": _trilu,
    "Where": lambda np, node, given: np.where(*given),
    "Floor": _unary("floor"),
    "Ceil": _unary("ceil"),
    "Sqrt": _unary("sqrt"),
    "Neg": _unary("negative"),
    "ReduceProd": lambda np, node, given: np.prod(
        given[0], _axes(node, given) or None, keepdims=bool(attribute(node, "keepdims", 1))
    ),
}
"""By operator: what it computes of a few numbers."""
