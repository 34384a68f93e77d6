"""Weights that are stored in fewer bits than they have numbers: how many they are, and their bytes.

They hide in packed objects of torch's quantised layers, in words of 32 bits that hold several
numbers (GPTQ, AWQ), behind a shape of their own (bitsandbytes), or in a tensor made of others
(torchao). What is counted is the weights that a layer multiplies by, and the memory really held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from archscope.records import frozen
from archscope.running.attributes import stated
from archscope.running.storages import parts_of

_PACKED = ("qweight", "weight_packed", "weight")
"""Names under which layers keep integers that stand for weights."""
_SCALES = ("scales", "scale", "weight_scale", "weight_scales")
"""Names of what these are multiplied by; without one, integers are no weights."""
_FEATURES = (("in_features", "out_features"), ("infeatures", "outfeatures"))
_BITS = ("bits", "w_bit", "wbits", "num_bits")


@frozen
class Held:
    """Weights that are stored in some way of their own."""

    numbers: int
    """How many weights there are."""
    bytes: int
    """Memory of these, and of the scales that belong to them."""


def logical_numel(tensor: Tensor) -> int:
    """Return how many weights a tensor stands for: bitsandbytes' two in a byte count as two."""
    shape = getattr(getattr(tensor, "quant_state", None), "shape", None)
    return tensor.numel() if shape is None else prod(shape)


def bytes_of(tensor: Tensor) -> int:
    """Return the memory that a tensor holds, of one that is made of others theirs."""
    flatten = getattr(tensor, "__tensor_flatten__", None)
    if flatten is not None:
        names, _ = flatten()
        held = (getattr(tensor, name) for name in names)
        return sum(bytes_of(each) for each in held if isinstance(each, Tensor))
    state = getattr(tensor, "quant_state", None)
    extra = [value for value in vars(state).values() if isinstance(value, Tensor)] if state else []
    size = sum(bytes_of(value) for value in extra)
    parts = parts_of(tensor)
    if tensor.layout is not torch.strided and parts:
        return size + sum(map(bytes_of, parts))
    scales = _scales_of(tensor) if parts else 0  # what lies as a kernel wants it has none
    return size + tensor.numel() * tensor.element_size() + scales


def _scales_of(tensor: Tensor) -> int:
    if not tensor.is_quantized or tensor.qscheme() not in (
        torch.per_channel_affine,
        torch.per_channel_affine_float_qparams,
    ):
        return 0
    return bytes_of(tensor.q_per_channel_scales()) + bytes_of(tensor.q_per_channel_zero_points())


def packed_by(module: nn.Module) -> tuple[Held | None, frozenset[str]]:
    """Return the weights that a module packs, and the names of the tensors that hold them."""
    held = {**module._parameters, **module._buffers}
    for name in _PACKED:
        tensor = held.get(name)
        if tensor is None or tensor.is_floating_point() or tensor.is_complex():
            continue
        numbers = _numbers(module, tensor)
        if numbers is None or not any(held.get(scale) is not None for scale in _SCALES):
            continue
        of_layer = {key: value for key, value in held.items() if value is not None}
        bias = of_layer["bias"].numel() if "bias" in module._buffers and "bias" in of_layer else 0
        names = frozenset((name, "bias")) if bias else frozenset((name,))
        of_layer = {key: value for key, value in of_layer.items() if key in module._buffers} | {
            name: tensor
        }
        size = sum(bytes_of(value) for value in of_layer.values())
        return Held(numbers=numbers + bias, bytes=size), names
    return None, frozenset()


def _numbers(module: nn.Module, packed: Tensor) -> int | None:
    for names in _FEATURES:
        sizes = [size for size in (stated(module, name) for name in names) if isinstance(size, int)]
        if len(sizes) == len(names):
            return prod(sizes)
    for name in _BITS:
        bits = stated(module, name)
        if isinstance(bits, int) and bits > 0:
            return int(packed.numel() * packed.element_size() * 8 // bits)
    return packed.numel() if packed.element_size() == 1 else None


def objects_of(module: nn.Module) -> Iterator[Held]:
    """Yield what the packed objects of torch's own quantised layers hold."""
    if isinstance(module, torch.jit.ScriptModule):
        return  # its weights are parameters like any other's
    for value in vars(module).values():
        if isinstance(value, torch.ScriptObject):
            # A recurrent layer's tells its biases by themselves, and again beside each weight.
            tensors = {tensor.data_ptr(): tensor for tensor in _unpacked(value)}.values()
            if tensors:
                yield Held(
                    numbers=sum(t.numel() for t in tensors), bytes=sum(map(bytes_of, tensors))
                )


def _unpacked(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _unpacked(item)
    elif isinstance(value, torch.ScriptObject):
        read = getattr(value, "unpack", None) or getattr(value, "__getstate__", None)
        with suppress(RuntimeError):  # an object of another kind, which tells nothing
            yield from _unpacked(read() if read is not None else ())


def packed_linear(x: Tensor, packed: Any, *_: Any, **__: Any) -> int:
    """x (*, in) times a packed weight (out, in)."""
    return x.numel() * _weight(packed).shape[0]


def packed_convolution(x: Tensor, packed: Any, *_: Any, result: Tensor, **__: Any) -> int:
    """x (N, Cin, *L), packed weight (Cout, Cin/groups, *k)."""
    return result.numel() * _weight(packed).shape[1:].numel()


def packed_transposed(x: Tensor, packed: Any, *_: Any, **__: Any) -> int:
    """x (N, Cin, *L), packed weight (Cin, Cout/groups, *k)."""
    return x.numel() * _weight(packed).shape[1:].numel()


def packed_cell(x: Tensor, hidden: Any, *packed: Any, **_: Any) -> int:
    """x (B, in) and a state (B, h), each times a packed weight: the first two of `packed`."""
    return prod(x.shape[:-1]) * sum(_weight(each).numel() for each in packed[:2])


def packed_recurrence(x: Tensor, *given: Any, **_: Any) -> int:
    """Recurrent layers of x (T, B, in) or (rows, in): every row meets every packed weight once."""
    layers = next(each for each in given if _is_packed_list(each))
    weights = (tensor for layer in layers for tensor in _unpacked(layer) if tensor.ndim == 2)
    return prod(x.shape[:-1]) * sum(weight.numel() for weight in weights)


def _is_packed_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and isinstance(value[0], torch.ScriptObject)


def by_result(x: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    """x (*, in) times a weight that lies as its kernel wants it: as many as the result has."""
    return x.numel() * result.shape[-1]


def half_stored(weight: Tensor, x: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    """A weight of which two in four entries are stored, times x (k, n)."""
    return result.numel() * x.shape[0] // 2


def half_stored_linear(x: Tensor, weight: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    """x (*, k), and a weight (out, k / 2) of which two in four entries are stored."""
    return prod(x.shape[:-1]) * weight.numel()


def half_stored_sum(c: Tensor, weight: Tensor, meta: Tensor, x: Tensor, **_: Any) -> int:
    """c + (m, k / 2 stored) @ (k, n)."""
    return weight.numel() * x.shape[-1]


def half_stored_product(weight: Tensor, meta: Tensor, x: Tensor, *_: Any, **__: Any) -> int:
    """(m, k / 2 stored) @ (k, n)."""
    return weight.numel() * x.shape[-1]


def _weight(packed: Any) -> Tensor:
    weight: Tensor = packed.unpack()[0]
    return weight


HALF_STORED: dict[str, Callable[..., int]] = {
    "aten::_cslt_sparse_mm": half_stored,
    "aten::_sparse_semi_structured_linear": half_stored_linear,
    "aten::_sparse_semi_structured_mm": half_stored_product,
    "aten::_sparse_semi_structured_addmm": half_stored_sum,
}
"""Products with a weight that stores two of each four entries (2:4 sparsity): these are counted."""
FORMULAS: dict[str, Callable[..., int]] = HALF_STORED | {
    f"aten::{name}": formula
    for formula, names in (
        (by_result, "_weight_int4pack_mm _weight_int4pack_mm_for_cpu _weight_int8pack_mm"),
        (by_result, "_weight_int4pack_mm_with_scales_and_zeros"),
        (packed_recurrence, "quantized_lstm quantized_gru"),
    )
    for name in names.split()
}
FORMULAS |= {
    f"quantized::{name}": formula
    for formula, names in (
        (packed_linear, "linear linear_relu linear_dynamic linear_relu_dynamic"),
        (packed_linear, "linear_dynamic_fp16 linear_relu_dynamic_fp16 linear_leaky_relu"),
        (packed_convolution, "conv1d conv2d conv3d conv1d_relu conv2d_relu conv3d_relu"),
        (packed_convolution, "conv1d_dynamic conv2d_dynamic conv3d_dynamic"),
        (packed_transposed, "conv_transpose1d conv_transpose2d conv_transpose3d"),
        (packed_cell, "quantized_lstm_cell_dynamic quantized_gru_cell_dynamic"),
        (packed_cell, "quantized_rnn_tanh_cell_dynamic quantized_rnn_relu_cell_dynamic"),
    )
    for name in names.split()
}
"""Products with packed weights."""
ELEMENTWISE = frozenset(
    f"quantized::{name}"
    for name in (
        "add add_relu add_scalar mul mul_relu mul_scalar relu6 leaky_relu hardswish sigmoid elu "
        "celu softmax batch_norm1d batch_norm2d batch_norm3d batch_norm2d_relu batch_norm3d_relu "
        "layer_norm group_norm instance_norm clamp threshold prelu cat cat_relu "
        "embedding_bag_byte embedding_bag_4bit embedding_bag_2bit embedding_byte embedding_4bit "
        "embedding_bag_byte_rowwise_offsets embedding_bag_4bit_rowwise_offsets "
        "embedding_bag_2bit_rowwise_offsets".split()
    )
)
"""What torch's quantised layers do element by element."""
