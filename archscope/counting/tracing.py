"""Traces one forward pass with torch's tracer, as it runs: sizes are numbers, modules are scopes.

The tracer listens to torch's functions alone, for as long as they run. Left on, it would turn sizes
into tensors, on which `round`, a dictionary or `torch._check` fail, let a forward ask whether it is
traced and do something else, and take a custom function for one operator. Sizes within torch's own
functions are numbers too: torch stashes those that are tensors until an operator takes them, and
what an error leaves in that stash ends the process when the next trace finds it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.nn import functional
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_unflatten

from archscope.counting.operators import name_of
from archscope.counting.ownership import held_tensors
from archscope.counting.recurrences import RECURRENT, is_long
from archscope.running.module_stack import paths_of, tensors_in
from archscope.running.process import interrupts_wait
from archscope.running.returned import returned
from archscope.running.twin import Twin

_TRACER: Any = torch._C._parse_dispatch_key("Tracer")
_CONVOLUTION = torch.ops.aten.convolution.default
_TRACED_CONVOLUTION = torch.ops.aten._convolution.default
_ASKING = frozenset(
    (
        *(Tensor.size, Tensor.numel, Tensor.nelement, Tensor.stride, Tensor.dim, Tensor.ndimension),
        *(Tensor.__len__, Tensor.element_size, Tensor.item, Tensor.tolist, Tensor.is_contiguous),
        *(Tensor.__bool__, Tensor.__int__, Tensor.__float__, Tensor.__index__, torch.numel),
    )
)
"""Functions that give Python a number: a trace would give a tensor."""
_CHECKING = frozenset((functional.max_unpool1d, functional.max_unpool2d, functional.max_unpool3d))
"""Functions that check sizes in Python; they multiply nothing."""
_SHAPES = frozenset(("shape", "ndim", "itemsize", "nbytes"))
"""Attributes of tensors that do."""
_WITH_TRUTH = frozenset(
    (torch.scatter, Tensor.scatter, Tensor.scatter_, torch.masked_fill, Tensor.masked_fill)
)
"""Functions of a number whose traces do not bear a truth value in its place."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What one forward pass ran, in torch's own form."""

    graph: Any
    """A `torch._C.Graph`, with the tensors of the inputs and then those of `weights` as inputs."""
    given: int
    """How many of its inputs are tensors that the forward was called with."""
    weights: tuple[Tensor, ...]
    """Parameters and saved buffers, each once."""
    paths: tuple[str, ...]
    """Paths of the modules; a node's scope ends with the place in here of the one that ran it."""
    unheard: frozenset[str]
    """Operators that ran within scripted code, as `aten::addmm`: they are not in the graph."""


def trace(twin: Twin, *, keep_all: bool, also: Sequence[Tensor] = ()) -> Trace:
    """Run a copy once and return what torch's tracer saw; raises what that or the forward raises.

    The tracer drops work that no output depends on. What each module returned is an output here;
    with `keep_all`, what each function returned, and operators that it did not see are told. So is
    what stands in `also` when the forward ends.
    """
    inputs = twin.inputs
    flat, structure = tree_flatten((inputs.args, dict(inputs.kwargs)))
    places = [place for place, leaf in enumerate(flat) if isinstance(leaf, Tensor)]
    weights = tuple({id(tensor): tensor for _, tensor in held_tensors(twin.model)}.values())
    modules = paths_of(twin.model)
    kept = _Kept()
    listening = _Listening(kept if keep_all else None)
    overhearing = _Overhearing(listening)

    def forward(*tensors: Tensor) -> tuple[Tensor, ...]:
        for place, tensor in zip(places, tensors, strict=False):
            flat[place] = tensor
        args, kwargs = tree_unflatten(flat, structure)
        aside = overhearing if keep_all else nullcontext()
        with _sizes_as_numbers(), _scoped(modules, kept), aside, listening:
            kept.keep(returned(twin.model, args, kwargs))
        kept.keep(also)
        return kept.traced()

    tensors = (*(flat[place] for place in places), *weights)
    with interrupts_wait():
        graph, _ = torch._C._create_graph_by_tracing(forward, tensors, "".format, True, False)
    paths = tuple(modules.values())
    return Trace(graph, len(places), weights, paths, frozenset(overhearing.unheard))


class _Kept:
    """Tensors that are to be outputs, so that the tracer drops nothing that they depend on."""

    def __init__(self) -> None:
        self._tensors: dict[int, Tensor] = {}

    def keep(self, value: Any) -> None:
        """Keep all tensors in some value."""
        for tensor in tensors_in(value):
            if not is_functorch_wrapped_tensor(tensor):
                self._tensors[id(tensor)] = tensor

    def traced(self) -> tuple[Tensor, ...]:
        """Return all of them; those that came about unseen are constants of the trace."""
        for tensor in self._tensors.values():
            torch._C._get_value_trace(tensor)  # type: ignore[attr-defined]
        return tuple(self._tensors.values())


class _Listening(TorchFunctionMode):
    """Lets the tracer listen while a function of torch runs, and at no other time."""

    def __init__(self, kept: _Kept | None) -> None:
        super().__init__()
        self._kept = kept
        self._state: Any = None
        self.listens = False

    def __enter__(self) -> _Listening:
        self._state = torch._C._get_tracing_state()
        torch._C._set_tracing_state(None)  # type: ignore[attr-defined]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)  # type: ignore[no-untyped-call]
        torch._C._set_tracing_state(self._state)  # type: ignore[attr-defined]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        about = getattr(getattr(func, "__self__", None), "__name__", "")
        if func in _ASKING or func in _CHECKING or about in _SHAPES:
            return func(*args, **kwargs)
        if func in _WITH_TRUTH:
            args = tuple(int(each) if isinstance(each, bool) else each for each in args)
        if torch._C._dispatch_tls_is_dispatch_key_excluded(_TRACER):  # within an operator
            return func(*args, **kwargs)
        torch._C._set_tracing_state(self._state)  # type: ignore[attr-defined]
        self.listens = True
        try:
            with _unrolled_by_none(func, args):
                result = func(*args, **kwargs)
        finally:
            self.listens = False
            torch._C._set_tracing_state(None)  # type: ignore[attr-defined]
        if self._kept is not None:
            self._kept.keep(result)
        return result


def _unrolled_by_none(func: Any, args: Any) -> AbstractContextManager[object]:
    """Have a long recurrence on shapes answered as one operator, below where it is taken apart."""
    if func in RECURRENT and is_long(args):
        return torch._C._AutoDispatchBelowAutograd()
    return nullcontext()


class _Overhearing(TorchDispatchMode):
    """Notes the operators that run while the tracer does not listen: those of scripted code."""

    def __init__(self, listening: _Listening) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._listening = listening
        self.unheard: set[str] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Otherwise torch imports its compiler at the first operator.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not self._listening.listens:
            self.unheard.add(name_of(func))
        elif func is _CONVOLUTION and torch._C._is_tracing():  # see `ShapesOnly`
            with torch._C._SetExcludeDispatchKeyGuard(_TRACER, False), self:
                return _TRACED_CONVOLUTION(*args, False, False, False, False)
        return func(*args, **(kwargs or {}))


@contextmanager
def _sizes_as_numbers() -> Iterator[None]:
    """Let tensors give sizes as numbers while the tracer listens, in whatever function."""
    before = {name: vars(Tensor)[name] for name in _SIZES if name in vars(Tensor)}
    for name, instead in _SIZES.items():
        setattr(Tensor, name, instead)
    try:
        yield
    finally:
        for name in _SIZES:
            delattr(Tensor, name)
        for name, found in before.items():
            setattr(Tensor, name, found)


def _unheard(ask: Callable[..., Any]) -> Callable[..., Any]:
    def asked(*args: Any, **kwargs: Any) -> Any:
        state: Any = torch._C._get_tracing_state()
        if state is None:
            return ask(*args, **kwargs)
        torch._C._set_tracing_state(None)  # type: ignore[attr-defined]
        try:
            return ask(*args, **kwargs)
        finally:
            torch._C._set_tracing_state(state)  # type: ignore[attr-defined]

    return asked


_SIZES: dict[str, Any] = {
    "shape": property(_unheard(torch._C.TensorBase.shape.__get__)),  # type: ignore[attr-defined]
    "size": _unheard(torch._C.TensorBase.size),
    "numel": _unheard(torch._C.TensorBase.numel),
    "nelement": _unheard(torch._C.TensorBase.nelement),
}
"""What torch.Tensor inherits, with the tracer paused."""


@contextmanager
def _scoped(modules: dict[int, str], kept: _Kept) -> Iterator[None]:
    """Let the nodes of a trace know the module that runs them, and keep what it returns."""
    state = torch._C._get_tracing_state()
    numbers = {module: str(number) for number, module in enumerate(modules)}
    running: list[int] = []
    thread = threading.get_ident()  # the tracer listens in this one alone

    def enter(module: nn.Module, args: Any) -> None:
        if id(module) in numbers and threading.get_ident() == thread:
            # In this order, here and below: an interrupt in between leaves a scope too many, which
            # is harmless, where one too few would end the process.
            state.push_scope(numbers[id(module)])
            running.append(id(module))

    def leave(module: nn.Module, args: Any, output: Any) -> None:
        if id(module) in running and threading.get_ident() == thread:
            # A forward that raised left its inner modules behind.
            while running.pop() != id(module):
                state.pop_scope()
            state.pop_scope()
            kept.keep(output)

    handles = (
        register_module_forward_pre_hook(enter),
        register_module_forward_hook(leave, always_call=True),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        while running:
            running.pop()
            state.pop_scope()
