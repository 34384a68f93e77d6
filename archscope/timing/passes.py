"""Makes a network ready to be timed: a copy on the device in one number type, and its stages.

`forward` is the forward pass in evaluation mode without gradients, `decode` that of one next
position of each sequence, with keys and values of those before kept. `train` is one step: the
forward pass in training mode, the backward pass, and the optimiser. The backward pass starts from a
fixed random gradient of every output (the loss is the sum of output x that gradient), so that no
loss function is timed. The optimiser is AdamW at learning rate 0: all its arithmetic, and the
weights stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parameter import is_lazy
from torch.nn.utils.rnn import PackedSequence
from torch.utils._pytree import tree_leaves

from archscope.errors import ArchscopeError, ForwardError, UsageError, first_line, is_out_of_memory
from archscope.hardware import Precision
from archscope.records import frozen
from archscope.running.as_found import left_as_found
from archscope.running.as_written import as_written
from archscope.running.attributes import buffers_of, parameters_of
from archscope.running.module_stack import tensors_in
from archscope.running.returned import returned
from archscope.running.storages import bytes_of
from archscope.running.twin import Original, ReachedOriginalError, copied, own, twin_of
from archscope.subject import Inputs
from archscope.timing.decode import for_one_token, kept_by
from archscope.timing.precision import DTYPES, computing_in
from archscope.timing.sampling import Stage
from archscope.timing.surroundings import plain, require_autocast

Pass = Literal["forward", "train", "decode"]
"""What is run."""
Kernel = Literal["flash", "efficient", "math", "cudnn"]
"""What torch calls its kernels of attention."""
_KERNELS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "math": SDPBackend.MATH,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
}
LOSS = "sum of output × a fixed random gradient, so that no loss function is timed"
OPTIMISER = "AdamW at learning rate 0 (the arithmetic is done, the weights stay), gradients cleared"
_CASTS: dict[torch.dtype, Callable[[nn.Module], nn.Module]] = {
    torch.float32: nn.Module.float,
    torch.float16: nn.Module.half,
    torch.bfloat16: nn.Module.bfloat16,
}


@frozen
class Way:
    """How a pass is run, beside its number type."""

    step: Pass = "forward"
    context: int = 0
    """Positions of each sequence in a step of decoding, the new one among them."""
    compiled: bool = False
    """Whether it runs through torch.compile."""
    channels_last: bool = False
    """Whether weights and inputs of images and volumes have their channels last in memory."""
    autocast: Precision | None = None
    """What `torch.autocast` casts products to, their weights in each pass; None: no autocast."""
    benchmark: bool | None = None
    """Whether cuDNN tries its algorithms and takes the fastest; None: as torch is set."""
    attention: Kernel | None = None
    """The kernel of scaled dot product attention; None: torch chooses."""


AS_IT_IS = Way()
"""A forward pass, with nothing changed."""


@frozen
class Workload:
    """A network that is ready to be timed."""

    model: nn.Module
    """On the device, in the number type and the mode of the pass; never compiled."""
    call: Callable[[], Any]
    """Runs the forward pass of `model` and returns what it returns."""
    stages: tuple[Stage, ...]
    """What is timed, in order."""
    bytes_held: Callable[[], int]
    """Returns what is on the device before each run: weights, buffers, inputs, the optimiser's
    state."""
    original: Original | None = None
    """What `model` is a copy of; None where it is no copy, or is compiled."""


@contextmanager
def ready(
    model: nn.Module,
    inputs: Inputs,
    *,
    device: torch.device,
    precision: Precision,
    way: Way = AS_IT_IS,
    copy: bool = True,
) -> Iterator[Workload]:
    """Give the workload of one pass; the model, its inputs and torch's switches stay as found.

    Without `copy` the model itself is moved and cast, which needs no memory for a second one.
    Raises `ArchscopeError` where it cannot be run so.
    """
    trains = way.step == "train"
    if way.autocast is not None:
        require_autocast(way.autocast, device)
    here = _current(device)
    switched = computing_in(precision, benchmark=way.benchmark)
    kernel = nullcontext() if way.attention is None else sdpa_kernel(_KERNELS[way.attention])
    with (
        plain(device),
        left_as_found(model),
        switched,
        kernel,
        here,
        torch.set_grad_enabled(trains),
    ):
        original = Original(model, inputs) if copy else None
        with _refusals_told(device, precision):
            moved = _moved(model, original, device, DTYPES[precision])
            given = _given(inputs, device, DTYPES[precision])
        if way.channels_last:
            given = _channels_last(moved, given)
        if way.step == "decode":
            given = for_one_token(moved, given, way.context)
        moved.train(trains)
        watched = None if way.compiled else original
        call = _calling(torch.compile(moved) if way.compiled else moved, given, device, way)
        name = "decode" if way.step == "decode" else "forward"
        stages: tuple[Stage, ...] = (Stage(name=name, run=call),)
        held: list[Tensor] = []
        optimiser = None
        if trains:
            optimiser = _optimiser(moved)
            stages, held = _training(optimiser, call, watched)

        def bytes_held() -> int:
            states = [] if optimiser is None else list(optimiser.state.values())
            values = (_tensors_of(moved), given.args, dict(given.kwargs), held, states)
            tensors = (leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor))
            return bytes_of(tensor for tensor in tensors if tensor.device == device)

        yield Workload(
            model=moved,
            call=_calling(moved, given, device, way),
            stages=stages,
            bytes_held=bytes_held,
            original=watched,
        )


def _calling(run: Any, given: Inputs, device: torch.device, way: Way) -> Callable[[], Any]:
    """Return the forward pass; autocast is entered in each, so that each casts the weights."""
    if way.autocast is None:
        return lambda: returned(run, given.args, given.kwargs)
    dtype = DTYPES[way.autocast]

    def call() -> Any:
        with torch.autocast(device.type, dtype):
            return returned(run, given.args, given.kwargs)

    return call


_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


def _channels_last(model: nn.Module, inputs: Inputs) -> Inputs:
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


def _current(device: torch.device) -> AbstractContextManager[object]:
    """Make a device the one that is meant where none is named, its random numbers ready."""
    if device.type == "cpu":
        return nullcontext()
    module = torch.get_device_module(device)
    getattr(module, "init", lambda: None)()  # so that its random numbers can be put back
    made: AbstractContextManager[object] = getattr(module, "device", nullcontext)(device)
    return made


def _moved(
    model: nn.Module, original: Original | None, device: torch.device, dtype: torch.dtype
) -> nn.Module:
    _refuse_without_data(model)
    if original is not None:
        model = twin_of(original, weight=own).model
    return _CASTS[dtype](model).to(device)


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


def _refuse_without_data(model: nn.Module) -> None:
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):
            raise ArchscopeError(f"parameter {name} has no shape yet; run the model once first")
        if tensor.is_meta:
            raise ArchscopeError(
                f"{name} holds no data (it is on the meta device); time needs a network that can "
                "run: build it on the CPU or on a card"
            )


def _given(inputs: Inputs, device: torch.device, dtype: torch.dtype) -> Inputs:
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


def _optimiser(model: nn.Module) -> torch.optim.Optimizer:
    trained = [parameter for parameter in parameters_of(model) if parameter.requires_grad]
    if not trained:
        raise ArchscopeError("nothing can be trained: no parameter has requires_grad")
    # Frozen copies of gradients would be made for nothing.
    return torch.optim.AdamW(trained, lr=0.0)


def _training(
    optimiser: torch.optim.Optimizer, call: Callable[[], Any], original: Original | None
) -> tuple[tuple[Stage, ...], list[Tensor]]:
    """Return the stages of one training step, and the gradients of its outputs.

    The forward runs once here, for its outputs.
    """
    held: list[Tensor] = []
    seeds = [torch.randn_like(output) for output in differentiable(first_call(call, original))]
    if not seeds:
        raise ArchscopeError("nothing can be trained: no output depends on a trained parameter")

    def forward() -> None:
        held[:] = differentiable(call())

    def backward() -> None:
        torch.autograd.backward(held, seeds)
        held.clear()

    def update() -> None:
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    stages = (
        Stage(name="forward", run=forward),
        Stage(name="backward", run=backward),
        Stage(name="optimiser", run=update),
    )
    return stages, seeds


def _tensors_of(model: nn.Module) -> list[Tensor]:
    """Return what a network holds, tensors that are not buffers too."""
    attributes = (value for module in model.modules() for value in vars(module).values())
    loose = [value for value in attributes if isinstance(value, Tensor)]
    return [*parameters_of(model), *buffers_of(model), *loose, *kept_by(model)]


def first_call(
    call: Callable[[], Any], original: Original | None = None, stage: str = "forward"
) -> Any:
    """Run a stage of a pass for the first time; what it raises becomes a `ForwardError`.

    Raises `ArchscopeError` where a copy calls the `original` that it was made of.
    """
    with failures_told("the optimiser's step" if stage == "optimiser" else f"the {stage} pass"):
        if original is None:
            return call()
        try:
            # As it is written: torch's compiler does not get through what watches for writes.
            with as_written(), original.out_of_reach():
                return call()
        except ReachedOriginalError as reached:
            raise ArchscopeError(
                "a copy is timed, so that yours stays as it is, and the copy calls your own "
                f"{reached} by a name from outside: use self in its forward"
            ) from None


@contextmanager
def failures_told(what: str) -> Iterator[None]:
    """Within it, what a network raises becomes a `ForwardError`; that memory ran out stays."""
    try:
        yield
    except ArchscopeError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise ForwardError(f"{what} failed: {first_line(error)}") from error


def differentiable(outputs: Any) -> list[Tensor]:
    """Return the tensors among outputs, at any depth, that a gradient can start from."""
    return [tensor for tensor in tensors_in(outputs) if tensor.requires_grad]
