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
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._pytree import tree_leaves

from archscope.errors import ArchscopeError, ForwardError, first_line, is_out_of_memory
from archscope.hardware import Precision
from archscope.records import frozen
from archscope.running.as_found import left_as_found
from archscope.running.as_written import as_written
from archscope.running.attributes import buffers_of, parameters_of
from archscope.running.module_stack import tensors_in
from archscope.running.returned import returned
from archscope.running.storages import bytes_of
from archscope.running.twin import Original, ReachedOriginalError
from archscope.subject import Inputs
from archscope.timing.decode import for_one_token, kept_by
from archscope.timing.placement import channels_last, current, placed
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
    if way.autocast is not None:
        require_autocast(way.autocast, device)
    here = current(device)  # first, so that its random numbers are there to be put back
    with (
        plain(device),
        left_as_found(model),
        computing_in(precision, benchmark=way.benchmark),
        nullcontext() if way.attention is None else sdpa_kernel(_KERNELS[way.attention]),
        here,
        torch.set_grad_enabled(way.step == "train"),
    ):
        original = Original(model, inputs) if copy else None
        moved, given = placed(model, inputs, original, device, precision)
        if way.channels_last:
            given = channels_last(moved, given)
        if way.step == "decode":
            given = for_one_token(moved, given, way.context)
        moved.train(way.step == "train")
        yield _workload(moved, given, device, way, None if way.compiled else original)


def _workload(
    model: nn.Module, given: Inputs, device: torch.device, way: Way, original: Original | None
) -> Workload:
    """Return what is timed of a network that is on the device."""
    call = _calling(torch.compile(model) if way.compiled else model, given, device, way)
    stages: tuple[Stage, ...] = (Stage(name=way.step, run=call),)
    held: list[Tensor] = []
    optimiser = None
    if way.step == "train":
        optimiser = _optimiser(model)
        stages, held = _training(optimiser, call, original)

    def bytes_held() -> int:
        states = [] if optimiser is None else list(optimiser.state.values())
        values = (_tensors_of(model), given.args, dict(given.kwargs), held, states)
        tensors = (leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor))
        return bytes_of(tensor for tensor in tensors if tensor.device == device)

    return Workload(
        model=model,
        call=_calling(model, given, device, way),
        stages=stages,
        bytes_held=bytes_held,
        original=original,
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
