"""Reads ONNX files: initialisers and what they are used for, nodes and their multiply-accumulates.

The package `onnx` parses the file and infers shapes; weights beside the file are not looked at.
Operators: https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from archscope.errors import UsageError
from archscope.records import frozen
from archscope.stored.export import LARGEST_VALUES, Program
from archscope.stored.number_types import BITS
from archscope.stored.onnx_paths import path_of
from archscope.stored.onnx_program import program
from archscope.stored.onnx_shapes import Shapes
from archscope.stored.onnx_uses import Uses
from archscope.stored.onnx_work import Shape, macs_of
from archscope.stored.reading import BadFileError, elements_of, opened
from archscope.stored.tensors import Entry, Held, Step

LARGEST = 2 << 30
"""Bytes that a message of protobuf may have; larger models keep their weights in other files."""
_KEPT = 4096
"""Bytes of an initialiser's values that are kept: shapes, of which others are inferred."""
_LOOKED_AT = 100_000
"""Numbers of a tensor that are looked at, to tell a mask."""
_DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64",
    15: "complex128", 16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz",
    19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4_e2m1",
    24: "float8_e8m0fnu", 25: "uint2", 26: "int2",
}  # fmt: skip
"""By TensorProto.DataType."""
Given = Mapping[str, tuple[int, ...]]
"""Shapes of inputs by name, or by place: `0`."""


@frozen
class Graph:
    """What an ONNX file says."""

    held: tuple[Held, ...]
    steps: tuple[Step, ...]
    inputs: tuple[tuple[str, tuple[int, ...], str], ...]
    facts: Mapping[str, Any]
    notes: tuple[str, ...]
    program: Program
    """The graph as operators of torch, where it can be told so."""


def read(path: Path, shown: str, given: Given) -> Graph:
    """Return what a file says; raises `UsageError` where it is damaged, or `onnx` is missing."""
    onnx = _package(shown)
    with opened(path, shown) as (file, size):
        if size > LARGEST:
            raise BadFileError(
                f"{shown} has {size:,} bytes; a message of protobuf has at most 2^31"
            )
        data = file.read()
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's own, which says no more than this
        raise BadFileError(f"{shown} is not an ONNX file: {_said(error)}") from None
    del data
    _require_texts(model.graph, shown)
    if not model.graph.node and not model.graph.initializer:
        raise BadFileError(f"{shown} is not an ONNX file: it has no graph")
    entries = {each.name: each for each in _entries(model.graph, shown)}
    inputs = tuple(_inputs(model.graph, entries, given, shown))
    masks = {name for tensor, name in _constants(model.graph) if _has_few_values(tensor)}
    arrays = _arrays(onnx, model.graph)
    _forget_values(model.graph)
    model, known = _inferred(onnx, model)
    shapes = known.shapes()
    shapes.update({name: entry.shape for name, entry in entries.items()})
    nodes = list(model.graph.node)
    uses = Uses(nodes, entries, masks)
    outputs = [value.name for value in model.graph.output]
    return Graph(
        held=tuple(uses.held()),
        steps=tuple(_steps(nodes, shapes)),
        inputs=inputs,
        facts=_facts(model),
        notes=tuple(_notes(nodes, inputs, uses, known.why)),
        program=replace(
            program(nodes, shapes, known.values, uses.names(), inputs, outputs),
            values={uses.names()[name]: data for name, data in arrays.items()}.get,
        ),
    )


def _has_few_values(tensor: Any) -> bool:
    """Return whether a float32 tensor of rows and columns holds two numbers, as a mask does."""
    if tensor.data_type != 1 or len(tensor.dims) < 2 or len(tensor.raw_data) % 4:
        return False
    numbers = memoryview(tensor.raw_data).cast("I")
    found: set[int] = set()
    for at in range(0, min(len(numbers), _LOOKED_AT), 64):
        found.update(numbers[at : at + 64])
        if len(found) > 2:
            return False
    return len(found) == 2


def _arrays(onnx: Any, graph: Any) -> dict[str, bytes]:
    """Return the numbers of initialisers of rows and columns that are small, as masks are."""
    found: dict[str, bytes] = {}
    left = LARGEST_VALUES
    for tensor, name in _constants(graph):
        count = 1
        for size in tensor.dims:
            count *= max(size, 0)
        if 8 * count > left:
            continue
        try:
            found[name] = onnx.numpy_helper.to_array(tensor).tobytes()
        except Exception:  # its values stand in another file, or are damaged
            continue
        left -= len(found[name])
    return found


def _package(shown: str) -> Any:
    try:
        onnx = import_module("onnx")
        for part in ("inliner", "numpy_helper", "shape_inference"):
            import_module(f"onnx.{part}")
    except Exception as error:  # a broken numpy beside it raises all kinds of errors
        missing = isinstance(error, ImportError) and error.name == "onnx"
        why = "" if missing else f" ({_said(error)})"
        raise UsageError(
            f"{shown} is read by the package onnx, which cannot be imported{why}: "
            "pip install archscope[onnx]"
        ) from None
    return onnx


def _said(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:120] or type(error).__name__


def _require_texts(graph: Any, shown: str) -> None:
    """Raise `BadFileError` where a name is not text: protobuf gives such as bytes."""
    named = (*graph.initializer, *graph.input, *graph.output)
    texts = [each.name for each in named]
    for node in graph.node:
        texts += [node.name, node.op_type, node.domain, *node.input, *node.output]
        texts += [text for prop in node.metadata_props for text in (prop.key, prop.value)]
    if any(type(text) is not str for text in texts):
        raise BadFileError(f"{shown} is damaged: a name in it is not written in UTF-8")


def _entries(graph: Any, shown: str) -> Iterator[Entry]:
    seen: set[str] = set()
    for tensor, name in _constants(graph):
        what = f"{shown}: {name[:80]!r}"
        if name in seen:
            raise BadFileError(f"{shown} names {name[:80]!r} twice")
        seen.add(name)
        dtype = _DTYPES.get(tensor.data_type)
        if dtype is None:
            if tensor.data_type == 8:  # texts
                continue
            raise BadFileError(f"{what} has an unknown number type {tensor.data_type}")
        shape = tuple(tensor.dims)
        size = -(-elements_of(shape, what) * BITS[dtype] // 8)
        raw = len(tensor.raw_data)
        if raw and raw < size:
            raise BadFileError(f"{what} needs {size:,} bytes and has {raw:,}")
        yield Entry(name=name, shape=shape, dtype=dtype, bytes=size)


def _constants(graph: Any) -> Iterator[tuple[Any, str]]:
    """Yield initialisers, and the values of nodes that are constants, each with its name."""
    for tensor in graph.initializer:
        yield tensor, tensor.name
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            for attribute in node.attribute:
                if attribute.name == "value":
                    yield attribute.t, node.output[0]


def _inputs(
    graph: Any, entries: Mapping[str, Entry], given: Given, shown: str
) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Yield what the graph is called with, and write its sizes there; 0 is an unknown size.

    The first axis is a batch of 1 where the file leaves it open.
    """
    wanted = [value for value in graph.input if value.name not in entries]
    names = [value.name for value in wanted]
    for word in given:
        if word not in names and not (word.isdigit() and int(word) < len(names)):
            raise UsageError(f"--input-shape: {shown} takes {', '.join(names)}, and no {word!r}")
    for place, value in enumerate(wanted):
        tensor = value.type.tensor_type
        said = given.get(value.name, given.get(str(place)))
        sizes = []
        for axis, dim in enumerate(tensor.shape.dim):
            size = max(dim.dim_value, 0) or (1 if axis == 0 else 0)
            if said is not None and axis < len(said):
                size = said[axis]
            sizes.append(size)
            if size:
                dim.dim_value = size
        if said is not None and len(said) != len(sizes):
            raise UsageError(
                f"--input-shape: {value.name} of {shown} has {len(sizes)} axes, {len(said)} came"
            )
        elements_of(sizes, f"{shown}: {value.name[:80]!r}")
        yield value.name, tuple(sizes), _DTYPES.get(tensor.elem_type, "float32")


def _forget_values(graph: Any) -> None:
    """Leave out the values of large initialisers, and shapes that hang on sizes left open."""
    for tensor, _ in _constants(graph):
        for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data"):
            held = getattr(tensor, field)
            if len(held) * (1 if field == "raw_data" else 4) > _KEPT:
                tensor.ClearField(field)
        del tensor.external_data[:]
        tensor.data_location = 0
    del graph.value_info[:]
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")


def _inferred(onnx: Any, model: Any) -> tuple[Any, Shapes]:
    """Return a model without functions of its own, and the shapes that are known."""
    if model.functions:
        try:
            model = onnx.inliner.inline_local_functions(model)
        except Exception as error:  # it raises what C++ throws
            known = Shapes(onnx, model)
            known.why = _said(error)
            return model, known
    known = Shapes(onnx, model)
    known.infer()
    return model, known


def _steps(nodes: Sequence[Any], shapes: Mapping[str, Shape]) -> Iterator[Step]:
    for number, node in enumerate(nodes):
        if node.op_type == "Constant":
            continue
        macs, unknown = macs_of(node, shapes)
        out = shapes.get(node.output[0]) if node.output else None
        whole = out is not None and all(size is not None for size in out)
        yield Step(
            path=path_of(node, number),
            operator=f"{node.domain}.{node.op_type}" if node.domain else node.op_type,
            output_shape=tuple(size or 0 for size in out) if whole and out is not None else None,
            macs=macs,
            why=unknown,
        )


def _facts(model: Any) -> dict[str, Any]:
    opsets = {each.domain or "ai.onnx": each.version for each in model.opset_import}
    return {"producer": f"{model.producer_name} {model.producer_version}".strip(), "opset": opsets}


def _notes(nodes: Sequence[Any], inputs: Sequence[Any], uses: Uses, why: str) -> Iterator[str]:
    if why:
        yield f"some shapes could not be inferred: {why}"
    open_ones = [name for name, shape, _ in inputs if 0 in shape]
    if open_ones:
        flags = " ".join(f"--input-shape {name}:SHAPE" for name in open_ones[:3])
        yield f"the file leaves sizes of its inputs open; say them: {flags}"
    kinds = {node.op_type for node in nodes}
    biased = any(n.op_type == "Conv" and len(n.input) > 2 for n in nodes)
    if biased and not kinds & {"BatchNormalization", "InstanceNormalization"}:
        yield (
            "convolutions have biases and no batch normalisation is there: where the network has "
            "them, its exporter has folded them into the convolutions"
        )
    constants = sum(each.numbers for each in uses.constants())
    if constants:
        yield f"initialisers that are not parameters (masks, indices, numbers): {constants:,}"
