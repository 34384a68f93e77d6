"""Puts a network and its inputs on a device, in one number type; both themselves stay as found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.rnn import PackedSequence
from torch.utils._pytree import tree_leaves

from archscope.errors import ArchscopeError, UsageError, first_line, is_out_of_memory
from archscope.hardware import Precision
from archscope.running.attributes import parameters_of
from archscope.running.twin import Original, copied, own, twin_of
from archscope.subject import Inputs
from archscope.timing.precision import DTYPES

_CASTS: dict[torch.dtype, Callable[[nn.Module], nn.Module]] = {
    torch.float32: nn.Module.float,
    torch.float16: nn.Module.half,
    torch.bfloat16: nn.Module.bfloat16,
}
_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


def placed(
    model: nn.Module,
    inputs: Inputs,
    original: Original | None,
    device: torch.device,
    precision: Precision,
) -> tuple[nn.Module, Inputs]:
    """Return the network, a copy of the `original` where there is one, and copies of the inputs.

    Raises `ArchscopeError` where the device has no such numbers, or the network has no data.
    """
    with _refusals_told(device, precision):
        moved = _moved(model, original, device, DTYPES[precision])
        return moved, inputs_on(inputs, device, DTYPES[precision])


def _moved(
    model: nn.Module, original: Original | None, device: torch.device, dtype: torch.dtype
) -> nn.Module:
    _refuse_without_data(model)
    if original is not None:
        model = twin_of(original, weight=own).model
    return _CASTS[dtype](model).to(device)


def _refuse_without_data(model: nn.Module) -> None:
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):
            raise ArchscopeError(f"parameter {name} has no shape yet; run the model once first")
        if tensor.is_meta:
            raise ArchscopeError(
                f"{name} holds no data (it is on the meta device); time needs a network that can "
                "run: build it on the CPU or on a card"
            )


@contextmanager
def _refusals_told(device: torch.device, precision: Precision) -> Iterator[None]:
    """Say in a line that a device has no such numbers, as MPS has none of 64 bits."""
    try:
        yield
    except (RuntimeError, TypeError) as error:
        if is_out_of_memory(error):
            raise
        raise ArchscopeError(
            f"it cannot be moved to {device} in {precision}: {first_line(error)}"
        ) from error


def inputs_on(inputs: Inputs, device: torch.device, dtype: torch.dtype) -> Inputs:
    """Return copies of the inputs on the device; only floating-point numbers change their type."""

    values = (inputs.args, dict(inputs.kwargs))
    packed = tree_leaves(values, is_leaf=lambda value: isinstance(value, PackedSequence))
    lengths = {id(each.batch_sizes) for each in packed if isinstance(each, PackedSequence)}

    def place(tensor: Tensor) -> Tensor:
        if id(tensor) in lengths:  # torch's recurrent layers read it on the CPU
            return own(tensor)
        kind = dtype if tensor.is_floating_point() else tensor.dtype
        return tensor.detach().to(device=device, dtype=kind, copy=True)

    return copied(inputs, place)


def channels_last(model: nn.Module, inputs: Inputs) -> Inputs:
    """Lay out weights and inputs of images and volumes anew; raises `UsageError` for none."""
    changed = []
    axes = {parameter.dim() for parameter in parameters_of(model)}
    one_volume = 5 in axes and 4 not in axes

    def laid_out(tensor: Tensor) -> Tensor:
        if tensor.dim() not in _FORMATS or not tensor.is_floating_point():
            return tensor
        changed.append(tensor)
        if tensor.dim() == 4 and one_volume:  # not a batch of images
            return laid_out(tensor[None])[0]
        return tensor.contiguous(memory_format=_FORMATS[tensor.dim()])

    made = copied(inputs, laid_out)
    if not changed:
        raise UsageError(
            "--channels-last is for images and volumes; no input has 4 or 5 axes. Leave it out."
        )
    for parameter in parameters_of(model):
        parameter.data = laid_out(parameter.data)
    return made


def current(device: torch.device) -> AbstractContextManager[object]:
    """Make a device the one that is meant where none is named, its random numbers ready."""
    if device.type == "cpu":
        return nullcontext()
    module = torch.get_device_module(device)
    getattr(module, "init", lambda: None)()  # so that its random numbers can be put back
    made: AbstractContextManager[object] = getattr(module, "device", nullcontext)(device)
    return made
