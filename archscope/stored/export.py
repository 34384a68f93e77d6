"""Reads programs that `torch.export.save` wrote: their graph and lists of tensors, as JSON.

`torch.export.load` is not used: it unpickles what the archive holds, calls what the graph names,
and evaluates its symbolic sizes as Python. Here the graph is data: operators of torch's by name.

The format: torch, `torch/export/pt2_archive/constants.py` and `torch/_export/serde/schema.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from archscope.records import frozen
from archscope.stored import archive
from archscope.stored.archive import Archive
from archscope.stored.number_types import BITS
from archscope.stored.reading import LARGEST_JSON, BadFileError, elements_of, json_object
from archscope.stored.tensors import Entry

DTYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32",
    8: "float64", 9: "complex32", 10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16",
    28: "uint16", 29: "float8_e4m3fn", 30: "float8_e5m2", 31: "float8_e4m3fnuz",
    32: "float8_e5m2fnuz",
}  # fmt: skip
"""By the number of a type in the schema."""
_OPERATOR = re.compile(r"torch\.ops\.(aten\.\w+\.\w+)|_operator\.(\w+)")
LARGEST_VALUES = 16 << 20
"""Bytes of a buffer whose numbers are read."""
_DEEPEST = 50
_LONGEST = 500
"""Characters of a name."""


@frozen
class Ref:
    """A value of the graph, by its name."""

    name: str


@frozen
class Word:
    """A word of torch's that is not a number: a number type, a device, a layout."""

    kind: str
    value: Any


@frozen
class Known:
    """Numbers of a value that is not a tensor of the file, as they stand in memory."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


@frozen
class Node:
    """One call of an operator."""

    operator: str
    """`aten.conv1d.default`, or `getitem` of Python's own."""
    path: str
    """The module that called it."""
    classes: tuple[tuple[str, str], ...]
    """Path and class of that module, and of all that it is part of."""
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    results: tuple[str, ...]
    """The names of what it returns; empty texts: not used."""
    as_tuple: bool
    """Whether it returns several."""


@frozen
class Program:
    """What an archive says."""

    entries: tuple[Entry, ...]
    nodes: tuple[Node, ...]
    weights: Mapping[str, str]
    """The names of parameters, buffers and constants by those in the graph."""
    inputs: tuple[tuple[str, tuple[int, ...], str], ...]
    """Name in the graph, shape and number type of what it is called with."""
    outputs: tuple[Any, ...]
    why_not: str = ""
    """Why the graph cannot be run; empty: it can."""
    constants: Mapping[str, Known] = field(default_factory=dict)
    """Values that were worked out, by their names in the graph."""
    values: Callable[[str], bytes | None] = lambda name: None
    """Reads the numbers of a small buffer by its name in the file: masks and indices decide what
    an output sees. None: they cannot be had."""


def read(path: Path, shown: str) -> Program:
    """Return what an archive says; raises `BadFileError`."""
    listed = archive.read(path, shown)
    root = _root(listed)
    name, model = _model(listed, root)
    entries = (
        *_entries(listed, root, "weights", name),
        *_entries(listed, root, "constants", name),
    )
    by_name = {entry.name: entry for entry in entries}

    def values(name: str) -> bytes | None:
        entry = by_name.get(name)
        if entry is None:  # a name with empty parts is no module's
            return None
        folder, part, offset, stride = entry.place
        if entry.bytes > LARGEST_VALUES or offset or stride != _dense(entry.shape):
            return None
        return listed.data(folder + part, LARGEST_VALUES)[: entry.bytes]

    try:
        return replace(_program(model, entries), values=values)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as error:
        said = f"{type(error).__name__} {error}"[:80]
        raise BadFileError(
            f"{shown}: its graph is not one that torch.export writes ({said})"
        ) from None


def _dense(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of a tensor that stands row by row."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def _root(listed: Archive) -> str:
    roots = [n.removesuffix("archive_format") for n in listed.parts if n.endswith("archive_format")]
    if len(roots) != 1:
        raise BadFileError(
            f"{listed.shown} is a zip archive, but not one written by torch.export.save"
        )
    return roots[0]


def _model(listed: Archive, root: str) -> tuple[str, dict[str, Any]]:
    start = f"{root}models/"
    found = [n for n in listed.parts if n.startswith(start) and n.endswith(".json")]
    if len(found) != 1:
        raise BadFileError(f"{listed.shown} holds {len(found)} exported programs; one is read")
    name = found[0].removeprefix(start).removesuffix(".json")
    what = f"{name}.json of {listed.shown}"
    return name, json_object(listed.data(found[0], LARGEST_JSON), what)


def _entries(listed: Archive, root: str, kind: str, model: str) -> Iterator[Entry]:
    folder = f"{root}data/{kind}/"
    name = f"{folder}{model}_{kind}_config.json"
    if name not in listed.parts:
        return
    what = f"the list of {kind} in {listed.shown}"
    config = json_object(listed.data(name, LARGEST_JSON), what).get("config")
    for fqn, payload in (config if isinstance(config, dict) else {}).items():
        entry = _entry(fqn, payload, listed, folder, is_weight=kind == "weights")
        if entry is not None:
            yield entry


def _entry(
    fqn: str, payload: Any, listed: Archive, folder: str, *, is_weight: bool
) -> Entry | None:
    what = f"{listed.shown}: {fqn[:80]!r}"
    if not isinstance(payload, dict) or type(payload.get("path_name")) is not str:
        raise BadFileError(f"{what} is described wrongly")
    if payload.get("use_pickle"):
        raise BadFileError(f"{what} is a pickle, which is not run; only plain tensors are read")
    meta = payload.get("tensor_meta")
    if not isinstance(meta, dict):
        return None
    dtype = DTYPES.get(meta.get("dtype", 0)) if type(meta.get("dtype")) is int else None
    if dtype is None:
        raise BadFileError(f"{what} has an unknown number type {str(meta.get('dtype'))[:20]}")
    shape, stride = (_sizes(meta.get(word), what) for word in ("sizes", "strides"))
    size = elements_of(shape, what) * BITS[dtype] // 8
    part = listed.parts.get(folder + payload["path_name"])
    if part is None:
        raise BadFileError(f"{what} is not in the archive")
    if size > part.size and stride and min(stride, default=1) > 0:
        raise BadFileError(f"{what} needs {size:,} bytes, and {part.size:,} are there")
    offset = _size(meta.get("storage_offset", {"as_int": 0}), what)
    return Entry(
        name=fqn,
        shape=shape,
        dtype=dtype,
        bytes=min(size, part.size),
        place=(folder, payload["path_name"], offset, stride),
        is_parameter=is_weight and bool(payload.get("is_param")),
        trains=bool(meta.get("requires_grad", True)),
    )


def _sizes(given: Any, what: str) -> tuple[int, ...]:
    if not isinstance(given, list) or len(given) > 64:
        raise BadFileError(f"{what} has no sizes")
    return tuple(_size(each, what) for each in given)


def _size(given: Any, what: str) -> int:
    """Return a size, of a symbolic one the example it was exported with."""
    found = given.get("as_int") if isinstance(given, dict) else None
    if found is None and isinstance(given, dict):
        hint = (given.get("as_expr") or {}).get("hint") or {}
        found = hint.get("as_int")
    if type(found) is not int or not 0 <= found < 1 << 62:
        raise BadFileError(f"{what} has a size of {str(given)[:60]}")
    return found


def _program(model: dict[str, Any], entries: tuple[Entry, ...]) -> Program:
    module = model["graph_module"]
    graph = module["graph"]
    weights: dict[str, str] = {}
    inputs: list[str] = []
    for spec in module["signature"]["input_specs"]:
        ((kind, said),) = spec.items()
        named = next((said[key] for key in _NAMED if said.get(key)), None)
        if kind == "user_input":
            argument = said["arg"]
            if "as_tensor" not in argument:
                return _unrun(entries, "it takes an input that is not a tensor")
            inputs.append(_text(argument["as_tensor"]["name"]))
        elif named is not None:
            weights[_text(said["arg"]["name"])] = _text(named)
    values = graph["tensor_values"]
    shapes = tuple(
        (name, _sizes(values[name]["sizes"], name), DTYPES[values[name]["dtype"]])
        for name in inputs
    )
    for name, shape, _ in shapes:
        elements_of(shape, name)
    outputs = tuple(_value(each) for each in graph["outputs"])
    nodes = tuple(map(_node, graph["nodes"]))
    why = next((node.operator for node in nodes if node.operator.startswith("!")), "")
    return Program(
        entries=entries,
        nodes=nodes,
        weights=weights,
        inputs=shapes,
        outputs=outputs,
        why_not=f"its graph calls {why[1:80]!r}, which is not an operator of torch" if why else "",
    )


_NAMED = ("parameter_name", "buffer_name", "tensor_constant_name")


def _unrun(entries: tuple[Entry, ...], why: str) -> Program:
    return Program(entries=entries, nodes=(), weights={}, inputs=(), outputs=(), why_not=why)


def _text(given: Any) -> str:
    if type(given) is not str or len(given) > _LONGEST:
        raise ValueError("a name is not text")
    return given


def _node(given: dict[str, Any]) -> Node:
    found = _OPERATOR.fullmatch(_text(given["target"]))
    arguments = tuple(_value(each["arg"]) for each in given["inputs"] if each.get("kind") != 2)
    keywords = {
        _text(each["name"]): _value(each["arg"])
        for each in given["inputs"]
        if each.get("kind") == 2
    }
    results, as_tuple = _results(given["outputs"])
    stack = str((given.get("metadata") or {}).get("nn_module_stack", ""))
    classes = tuple(_classes(stack))
    return Node(
        operator=(found[1] or found[2]) if found else f"!{given['target']}",
        path=classes[-1][0] if classes else "",
        classes=classes,
        arguments=arguments,
        keywords=keywords,
        results=results,
        as_tuple=as_tuple,
    )


def _results(given: list[dict[str, Any]]) -> tuple[tuple[str, ...], bool]:
    if len(given) == 1 and "as_tensors" in given[0]:
        return tuple(_text(each["name"]) for each in given[0]["as_tensors"]), True
    names = []
    for each in given:
        ((_, said),) = each.items()
        name = said.get("name") or said.get("as_name") if isinstance(said, dict) else ""
        names.append(_text(name or ""))
    return tuple(names), len(names) > 1


def _classes(stack: str) -> Iterator[tuple[str, str]]:
    """Yield path and class of every module of a stack `id,path,class;id,path,class`."""
    for each in stack.split(";")[:_DEEPEST]:
        parts = each.split(",")
        if len(parts) == 3:
            path = [part for part in parts[1].partition("@")[0].split(".") if part]
            yield ".".join(path[:_DEEPEST]), parts[2].rpartition(".")[2]


def _value(given: dict[str, Any]) -> Any:
    """Return an argument as plain data, values of the graph as references to them."""
    ((kind, said),) = given.items()
    if kind == "as_none":
        return None
    if kind in ("as_tensor", "as_custom_obj"):
        return Ref(name=_text(said["name"]))
    if kind in ("as_tensors", "as_nested_tensors"):
        return [Ref(name=_text(each["name"])) for each in said]
    if kind == "as_optional_tensors":
        return [_value(each) for each in said]
    if kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
        return _symbolic(said)
    if kind in ("as_sym_ints", "as_sym_bools", "as_sym_floats"):
        return [_symbolic(each) for each in said]
    if kind in ("as_scalar_type", "as_device", "as_layout", "as_memory_format"):
        return Word(kind=kind, value=said)
    if kind in ("as_int", "as_float", "as_bool", "as_string"):
        return _plain(said)
    if kind in ("as_ints", "as_floats", "as_bools", "as_strings"):
        return [_plain(each) for each in said]
    raise ValueError(f"an argument {kind}")


_ENDLESS = ("Infinity", "-Infinity", "NaN", "inf", "-inf", "nan")
"""Numbers that JSON has no sign for."""


def _plain(given: Any) -> Any:
    if type(given) is str:
        return float(given) if given in _ENDLESS else given
    if type(given) not in (int, float, bool) or abs(given) >= 1 << 63:
        raise ValueError("a number is missing")
    return given


def _symbolic(given: dict[str, Any]) -> Any:
    ((kind, said),) = given.items()
    return Ref(name=_text(said)) if kind == "as_name" else _plain(said)
