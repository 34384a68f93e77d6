"""A module that runs the graph of an exported program on shapes: operators of torch's by name.

No operator is called that reads or writes a file. On shapes every tensor, and every one that an
operator makes, is on the meta device; with data the parameters are random, and all that an operator
makes was measured on shapes before.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archscope.errors import ArchscopeError, ForwardError
from archscope.running.attributes import buffers_of, parameters_of
from archscope.running.device import default_device
from archscope.running.skeleton import skeleton, submodule
from archscope.stored.export import DTYPES, Node, Program, Ref, Word
from archscope.stored.tensors import Held
from archscope.subject import Inputs

_OF_PYTHON = "getitem add sub mul floordiv mod neg truediv eq ne lt le gt ge and_ or_ not_"
_WORDS = frozenset(("rounding_mode", "approximate", "padding_mode", "reduce", "indexing", "mode"))
"""Arguments of operators that may be texts: choices, and never a path."""
_PRIVATE = (
    "_softmax _log_softmax _to_copy _unsafe_view _native_batch_norm_legit_no_training "
    "_native_batch_norm_legit _scaled_dot_product_flash_attention_for_cpu _unsafe_index "
    "_adaptive_avg_pool2d _adaptive_avg_pool3d _fused_rms_norm _assert_tensor_metadata "
    "_upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d _trilinear "
    "_native_multi_head_attention _transformer_encoder_layer_fwd _weight_norm "
    "_weight_norm_interface"
)
"""Operators of torch's own making that exported programs call; others may trust their arguments."""
_LARGEST = 1 << 62
"""Sizes that a graph may compute with."""
_CONSTANT = "constant:"
"""How the names of buffers begin that are constants of the graph."""
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
        device = inputs[0].device if inputs else torch.device("meta")
        for name in self.program.constants:
            values[name] = self._buffers[_CONSTANT + name]
        with device:
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


def graph(program: Program, held: Iterable[Held], device: str = "meta") -> tuple[nn.Module, Inputs]:
    """Return a program as a module on shapes, and what it is called with.

    Its buffers are as in the file: masks and indices decide what an output sees. On another device
    its parameters are random. Raises `ArchscopeError` where the numbers of a buffer are not read,
    or a pass takes too much memory.
    """
    model, inputs = _on_shapes(program, held)
    if device != "meta":
        _require_room(model, inputs)
        _with_random_weights(model, torch.device(device))
        inputs = Inputs(args=tuple(_random(x, torch.device(device)) for x in inputs.args))
    _with_buffers(model, program, torch.device("cpu" if device == "meta" else device))
    return model, inputs


def _require_room(model: nn.Module, inputs: Inputs) -> None:
    """Raise `ArchscopeError` where weights and all that a pass makes have too many bytes."""
    size = sum(t.numel() * t.element_size() for t in (*parameters_of(model), *buffers_of(model)))
    with _Measured() as made, torch.no_grad():
        model(*inputs.args)
    if size + made.bytes > MOST_BYTES:
        raise ArchscopeError(
            f"a pass of this graph takes {(size + made.bytes) / 2**30:.1f} GiB; with data it runs "
            f"up to {MOST_BYTES / 2**30:g} GiB"
        )


MOST_BYTES = 8 << 30
"""Of weights and all results together, where a graph runs with data."""


class _Measured(TorchDispatchMode):
    """Adds up the bytes of all that operators make."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.bytes += leaf.numel() * leaf.element_size()
        return result


def _with_random_weights(model: nn.Module, device: torch.device) -> None:
    """Give parameters random numbers, a tie the same."""
    made: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                if id(parameter) not in made:
                    values = _random(parameter.detach(), device)
                    trains = parameter.requires_grad
                    made[id(parameter)] = nn.Parameter(values, requires_grad=trains)
                module._parameters[name] = made[id(parameter)]


def _with_buffers(model: nn.Module, program: Program, device: torch.device) -> None:
    """Give buffers and constants the numbers of the file."""
    for path, module in model.named_modules():
        for name, buffer in module._buffers.items():
            if buffer is None:
                continue
            fqn = f"{path}.{name}" if path else name
            known = program.constants.get(name.removeprefix(_CONSTANT)) if not path else None
            data = known.data if known is not None else program.values(fqn)
            if data is None and buffer.numel():
                raise ArchscopeError(
                    f"the numbers of {fqn[:80]!r} are not read: they are too many, or not in the "
                    "file, and decide what its outputs see"
                )
            module._buffers[name] = _of_bytes(data or b"", buffer, device)


def _random(like: Tensor, device: torch.device) -> Tensor:
    if not like.is_floating_point():
        return torch.zeros(like.shape, dtype=like.dtype, device=device)
    wide = torch.empty(like.shape, dtype=torch.float32, device=device)
    return wide.uniform_(-0.1, 0.1).to(like.dtype)


def _of_bytes(data: bytes, like: Tensor, device: torch.device) -> Tensor:
    size = like.numel() * like.element_size()
    if not size or len(data) != size:
        return torch.ones(like.shape, dtype=like.dtype, device=device)
    return torch.frombuffer(bytearray(data), dtype=like.dtype).view(like.shape).to(device)


def _on_shapes(program: Program, held: Iterable[Held]) -> tuple[nn.Module, Inputs]:
    root = Graph()
    classes = {path: name for node in program.nodes for path, name in node.classes}
    skeleton(held, root, lambda path: _part(classes.get(path, "")))
    for path in dict.fromkeys(node.path for node in program.nodes):
        submodule(root, path, lambda path: _part(classes.get(path, "")))
    root.program = program
    for name, known in program.constants.items():
        like = torch.empty(known.shape, dtype=getattr(torch, known.dtype), device="meta")
        root._buffers[_CONSTANT + name] = like
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
    found: Tensor | None = module._parameters.get(name)
    found = module._buffers.get(name) if found is None else found
    if found is None:
        raise ArchscopeError(f"the graph takes {fqn[:80]!r}, which the file does not hold")
    return found


def _filled(given: Any, values: Mapping[str, Any]) -> Any:
    """Return an argument with values of the graph in place of their names."""
    if isinstance(given, Ref):
        if given.name not in values:
            raise ArchscopeError(f"the graph uses {given.name[:80]!r} before it is computed")
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
        return default_device()
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
    if name.startswith("_") and name not in _PRIVATE.split():
        raise ArchscopeError(f"the graph calls {node.operator[:80]!r}, which is not called here")
    found = getattr(getattr(torch.ops.aten, name, None), overload, None)
    schema = getattr(found, "_schema", None)
    if found is None or schema is None:
        raise ArchscopeError(f"the graph calls {node.operator[:80]!r}, which torch does not have")
    if any("str" in str(a.type) and a.name not in _WORDS for a in schema.arguments):
        raise ArchscopeError(f"the graph calls {node.operator[:80]!r}, which is not called here")
    try:
        return found(*arguments, **keywords)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        said = str(error).strip().partition("\n")[0][:160]
        raise ForwardError(f"torch refuses {node.operator[:80]} of the graph: {said}") from error
