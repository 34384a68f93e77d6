"""Runs a copy of a network, with stand-ins for its tensors: the user's own is never written to.

What belongs to the user must not be reached from the copy either, as by a function that holds the
module in a global name: a module of the user's that is called, or memory of the user's that is
written to, ends the run before anything is done to it.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain, repeat
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archscope.errors import ForwardError
from archscope.records import frozen
from archscope.running.attributes import buffers_of, parameters_of
from archscope.running.caches import Stored
from archscope.running.copies import Copies, StandIn
from archscope.running.higher_order import derived, kernel_of, sees_functions
from archscope.running.returned import returned
from archscope.subject import Inputs

LARGEST_KEPT = 2**22
"""Elements up to which a buffer keeps its values where the rest is shapes alone."""
_LARGEST_COPY = 2**30
"""Bytes of weights up to which a copy has its own; more are read where they lie."""
_STATISTICS = frozenset(("running_mean", "running_var", "num_batches_tracked"))
"""Buffers whose values steer no forward."""
_SHARDED = frozenset(("DTensor", "FlatParameter"))
"""Classes of weights that lie on several machines."""


class ReachedOriginalError(BaseException):
    """A copy reached the user's own network. No `Exception`, which a forward might catch."""


@frozen
class Twin:
    """A copy of a network in evaluation mode, and of what it is called with."""

    model: nn.Module
    """Has the paths of the original; nobody else uses it."""
    inputs: Inputs
    """Copies; a tensor that the network holds too is the same tensor in both."""

    def run(self) -> Any:
        """Call the copy; see `returned`."""
        return returned(self.model, self.inputs.args, self.inputs.kwargs)


class Original:
    """What belongs to the user: modules that are not to run, memory that is not to be written."""

    def __init__(self, model: nn.Module, inputs: Inputs) -> None:
        self.model = model
        """The network."""
        self.inputs = inputs
        """What it is called with."""
        modules = list(model.modules())
        self._modules = set(map(id, modules))
        self.scripted = any(isinstance(module, torch.jit.ScriptModule) for module in modules)
        """Whether a part of it is TorchScript."""
        self._attributes = [
            value
            for module in modules
            for value in vars(module).values()
            if isinstance(value, Tensor)
        ]
        self.statistics = {
            id(tensor)
            for module in modules
            for name, tensor in module._buffers.items()
            if name in _STATISTICS
        }
        """The buffers whose values steer no forward, by their `id`."""
        places = {_place(value) for value in self.tensors()}
        self._memory = places - {0}

    def tensors(self) -> Iterator[Tensor]:
        """Yield all tensors that the network and its inputs hold."""
        yield from parameters_of(self.model)
        yield from buffers_of(self.model)
        yield from self._attributes
        for value in tree_leaves((self.inputs.args, dict(self.inputs.kwargs))):
            if isinstance(value, Tensor):
                yield value

    @contextmanager
    def out_of_reach(self, *, writes: bool = True) -> Iterator[None]:
        """Within it, in this thread, a call of one of the modules raises. What files of the
        network's store meanwhile without data is gone after it.

        With `writes` an operator that writes to its memory does too, where no mode around asks
        `refuse_write`.
        """
        thread = threading.get_ident()

        def refuse(module: nn.Module, args: Any) -> None:
            if id(module) in self._modules and threading.get_ident() == thread:
                raise ReachedOriginalError(type(module).__name__)

        stored = Stored(self.model)
        handle = register_module_forward_pre_hook(refuse)
        try:
            with self.read_only() if writes else nullcontext():
                yield
        finally:
            handle.remove()
            stored.put_back()

    def read_only(self) -> AbstractContextManager[object]:
        """Return what refuses, within it, an operator that would write to its memory."""
        return _ReadOnly(self)

    def refuse_write(self, func: Any, args: Any, kwargs: Any) -> None:
        """Raise where an operator is about to write to the memory of one of the tensors."""
        for number, argument in enumerate(func._schema.arguments):
            if argument.alias_info is None or not argument.alias_info.is_write:
                continue
            value = args[number] if number < len(args) else kwargs.get(argument.name)
            for tensor in value if isinstance(value, list | tuple) else (value,):
                if isinstance(tensor, Tensor) and _place(tensor) in self._memory:
                    raise ReachedOriginalError(str(func))


@sees_functions
class _ReadOnly(TorchDispatchMode):
    """Refuses what would write to the memory of an original."""

    def __init__(self, original: Original) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._original = original

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Otherwise torch imports its compiler at the first operator.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kernel = kernel_of(func)
        if kernel is not None:
            return derived(kernel, self, args, kwargs or {})
        if hasattr(func, "_schema") and func._schema.is_mutable:
            self._original.refuse_write(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))


def on_shapes(original: Original, *, constants_too: bool = False) -> Twin:
    """Return a copy whose weights and inputs have no data.

    Buffers keep their values, masks and indices among them, unless they are huge; whole numbers in
    the inputs too, since they steer a forward. With `constants_too` buffers have none either.
    """

    def weight(tensor: Tensor) -> Tensor:
        bare = constants_too or isinstance(tensor, nn.Parameter)
        bare = bare or id(tensor) in original.statistics
        return bodiless(tensor) if bare else _kept(tensor)

    def argument(tensor: Tensor) -> Tensor:
        numbers = tensor.is_floating_point() or tensor.is_complex()
        return bodiless(tensor) if numbers else own(tensor)

    return twin_of(original, weight=weight, argument=argument)


def with_data(original: Original, *, shares: bool = False) -> Twin:
    """Return a copy with data of its own; weights too large for that are read where they lie.

    So are all with `shares`.
    """
    parameters = () if shares else parameters_of(original.model)
    weighs = sum(t.numel() * t.element_size() for t in parameters if not is_lazy(t))

    def weight(tensor: Tensor) -> Tensor:
        if isinstance(tensor, nn.Parameter) and (shares or weighs > _LARGEST_COPY):
            return _as_held(tensor.detach(), tensor)
        return own(tensor)

    return twin_of(original, weight=weight)


def twin_of(original: Original, *, weight: StandIn, argument: StandIn | None = None) -> Twin:
    """Return a copy with what `weight` makes of the model's tensors and `argument` of the inputs'.

    Raises `ForwardError` for a network that is sharded over several processes.
    """
    refuse_sharded(original.model)
    copies = Copies()
    with torch.no_grad():
        model = copies.of(original.model, weight)
        inputs = copied(original.inputs, argument or own, copies)
    if original.scripted:
        _as_scripted(model, original.model)
    evaluate(model)
    return Twin(model=model, inputs=inputs)


def _as_scripted(model: nn.Module, original: nn.Module) -> None:
    """Tell a copy what its TorchScript forgot: which weights are trained, and which are one."""
    made: dict[int, Tensor] = {}
    for module, like in zip(model.modules(), original.modules(), strict=False):
        for name, held in like._parameters.items():
            copied = module._parameters[name]
            if held is None or copied is None:
                continue
            first = made.setdefault(id(held), copied)
            if first is not copied:
                setattr(module, name, first)
            first.requires_grad_(held.requires_grad)


def evaluate(model: nn.Module, modes: Iterable[bool] = ()) -> None:
    """Put each module of a copy into evaluation mode, or the mode that is given for it.

    Its `eval()` and what sets attributes may be the user's own, and do something else.
    """
    for module, mode in zip(model.modules(), chain(modes, repeat(False)), strict=False):
        if isinstance(module, torch.jit.ScriptModule):
            module.training = mode
        else:
            vars(module)["training"] = mode


def copied(inputs: Inputs, stand_in: StandIn, copies: Copies | None = None) -> Inputs:
    """Return copies of what a forward is called with."""
    args, kwargs = (copies or Copies()).of((inputs.args, dict(inputs.kwargs)), stand_in)
    return Inputs(args=args, kwargs=kwargs)


def refuse_sharded(model: nn.Module) -> None:
    """Raise `ForwardError` where weights lie on several machines, and only running joins them."""
    for name, tensor in model.named_parameters():
        if any(kind.__name__ in _SHARDED for kind in type(tensor).__mro__):
            raise ForwardError(
                f"{name} is sharded over several processes ({type(tensor).__name__}): count the "
                "network before it is sharded. It was not touched."
            )


def bodiless(tensor: Tensor) -> Tensor:
    """Return a tensor of the same shape, strides and number type that holds no memory.

    One of a class with operators of its own, or that is no plain block of numbers, keeps its data
    where it cannot do without.
    """
    if is_fake(tensor):
        made = torch.empty_strided(
            tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta"
        )
        return (
            nn.Parameter(made, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else made
        )
    if type(tensor).__torch_dispatch__ is not Tensor.__torch_dispatch__:
        try:
            return tensor.detach().to("meta")
        except Exception:  # a class that knows nothing of meta
            return own(tensor)
    odd = tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_nested
    if odd or is_lazy(tensor):
        return own(tensor)
    with torch._C._DisableTorchDispatch():  # no mode around has anything to say of it
        made = torch.empty_strided(
            tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta"
        )
    return _as_held(made, tensor)


def is_fake(tensor: Tensor) -> bool:
    """Return whether a tensor is of torch's kind without data: a network may be made of them."""
    return type(tensor).__name__ == "FakeTensor"


def own(tensor: Tensor) -> Tensor:
    """Return a copy with the same values, without a history."""
    if is_fake(tensor):
        return bodiless(tensor)
    if is_lazy(tensor):
        return copy.deepcopy(tensor)
    with torch.no_grad():
        return _as_held(tensor.detach().clone(), tensor)


def _kept(tensor: Tensor) -> Tensor:
    """Return a copy with values, on the CPU, unless it is huge."""
    if is_lazy(tensor) or (tensor.numel() > LARGEST_KEPT and tensor.layout is torch.strided):
        return bodiless(tensor)
    made = own(tensor)
    return made if made.is_cpu or made.is_meta else _as_held(made.detach().cpu(), tensor)


def _as_held(made: Tensor, like: Tensor) -> Tensor:
    """Return a tensor as the kind of parameter that another one is, if it is one."""
    if not isinstance(like, nn.Parameter):
        return made.requires_grad_() if like.requires_grad and like.is_leaf else made
    if type(like) is nn.Parameter:
        return nn.Parameter(made, requires_grad=like.requires_grad)
    if type(made) is Tensor:  # a parameter of a class of the user's
        return Tensor._make_subclass(type(like), made, like.requires_grad)
    return made.requires_grad_(like.requires_grad)


def _place(tensor: Tensor) -> int:
    """Return the address of a tensor's memory, 0 where it has none."""
    try:
        bare = tensor.is_meta or is_lazy(tensor) or is_fake(tensor)
        return 0 if bare else tensor.untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):  # it has several, or is no block of numbers
        return 0
