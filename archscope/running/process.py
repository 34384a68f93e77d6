"""Leaves the process as it was found: torch's switches, random numbers, folder, environment.

What runs here may be interrupted anywhere, in the middle of putting things back too. Therefore all
is put back again by the level around that which was interrupted.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeVar

import torch
from torch.nn.modules import module as hooks
from torch.overrides import _get_current_function_mode_stack
from torch.utils import _device as devices
from torch.utils._python_dispatch import (
    _disable_current_modes,
    _get_current_dispatch_mode_stack,
    _pop_mode,
    _push_mode,
)

from archscope.running.caches import stores_at_hand
from archscope.running.switches import SWITCHES
from archscope.running.transforms import outside_transforms

T = TypeVar("T")
PutBack = Callable[[], object]
_ONE_AT_A_TIME = threading.RLock()
"""torch keeps hooks, random numbers and switches for the whole process: other threads wait."""
_GLOBAL_HOOKS = tuple(
    value
    for name, value in sorted(vars(hooks).items())
    if name.startswith("_global_") and isinstance(value, dict)
)


_CALLS = 2_000
"""Calls within calls: what runs is looked at by hooks, which are calls of their own, and a network
that runs at all below Python's usual 1,000 is to run so too."""


def process_as_found(run: Callable[[], T]) -> T:
    """Return what `run` returns, with the process as it was before; one thread at a time."""
    with _ONE_AT_A_TIME, stores_at_hand():
        return _putting_back(lambda: _deeper(run), _state(), times=3)


def outside_modes(run: Callable[[], T]) -> T:
    """Return what `run` returns outside the modes and transforms that the caller has entered.

    Under them a counter of the caller's would count what runs here, tensors would be fake,
    `torch.inference_mode` lets nothing be trained, and `torch.vmap` draws no random numbers.
    """
    with ExitStack() as left:
        left.enter_context(outside_transforms())
        if torch.is_inference_mode_enabled():
            left.enter_context(torch.inference_mode(False))
        if torch._C._len_torch_dispatch_stack():
            left.enter_context(_disable_current_modes())
        return run()


def _deeper(run: Callable[[], T]) -> T:
    if threading.current_thread() is threading.main_thread():  # others may have a small stack
        sys.setrecursionlimit(max(_CALLS, sys.getrecursionlimit()))
    return run()


def _putting_back(run: Callable[[], T], state: list[PutBack], times: int) -> T:
    """Run something and put all back after; where that ends in an error, so many times over."""
    if not times:
        try:
            return run()
        finally:
            _put_back(state)
    try:
        return _putting_back(run, state, times - 1)
    except BaseException as error:
        try:
            raise_interrupt(error)
            raise
        finally:
            _put_back(state)


def _put_back(state: list[PutBack]) -> None:
    for put_back in state:
        put_back()


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Let a Ctrl-C within it be raised at its end, the third one at once.

    For code that is not made for it: torch's tracer has ended the process. Handlers of the user's
    own are left alone.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    waiting: list[int] = []

    def wait(number: int, frame: Any) -> None:
        waiting.append(number)
        if len(waiting) > 2:
            signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, wait)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if waiting:
            raise KeyboardInterrupt


def raise_interrupt(error: BaseException) -> None:
    """Raise the `KeyboardInterrupt` that led to an error, if one did: it is nobody's failure."""
    chain = list(_chain(error))
    interrupt = next((each for each in chain if isinstance(each, KeyboardInterrupt)), None)
    if interrupt is not None:
        for each in chain:
            # A context manager that was interrupted half-way is finished when its last holder is
            # gone, which is the traceback: that is to be before all is put back.
            traceback.clear_frames(each.__traceback__)
        raise interrupt from None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and all that was being handled when it was raised."""
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop(0)
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [each for each in (one.__context__, one.__cause__) if each is not None]


def random_as_found() -> PutBack:
    """Return what puts all random numbers of the process back to where they are now."""
    cpu, python = torch.get_rng_state(), random.getstate()
    numpy = sys.modules.get("numpy")
    numbers = None if numpy is None else numpy.random.get_state()
    put_back_devices = _random_of_devices()

    def put_back() -> None:
        torch.set_rng_state(cpu)
        random.setstate(python)
        if numpy is not None:
            numpy.random.set_state(numbers)
        put_back_devices()

    return put_back


def random_drawn() -> Callable[[], frozenset[str]]:
    """Return what says whose random numbers were drawn meanwhile: `torch`, `random`, `numpy`."""
    before = _random_states()

    def drawn() -> frozenset[str]:
        now = _random_states()
        return frozenset(name for name, state in before.items() if now[name] != state)

    return drawn


def _random_states() -> dict[str, object]:
    states: dict[str, object] = {
        "torch": bytes(torch.get_rng_state().numpy()),
        "random": random.getstate(),
    }
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        _, numbers, *place = numpy.random.get_state()
        states["numpy"] = (bytes(numbers), *place)
    return states


def _random_of_devices() -> PutBack:
    """Return what puts back the random numbers of torch's accelerator, where it is in use."""
    try:  # what asks whether one is there would start its driver
        kind = torch.accelerator.current_accelerator()
    except RuntimeError:  # older torch says so where it is built for none
        kind = None
    module = None if kind is None else torch.get_device_module(kind)
    if not getattr(module, "is_initialized", torch.accelerator.is_available)():
        return lambda: None
    every = "_all" if hasattr(module, "get_rng_state_all") else ""
    if not hasattr(module, f"get_rng_state{every}"):  # a package's own kind may tell none
        return lambda: None
    state = getattr(module, f"get_rng_state{every}")()
    return partial(getattr(module, f"set_rng_state{every}"), state)


def _state() -> list[PutBack]:
    """Return what puts back each part of the process; each may be called more than once."""
    return [
        _modes(),
        _default_device(),
        _items(vars(torch._tensor_str.PRINT_OPTS)),
        _list(logging.root.handlers),
        *(_items(registered) for registered in _GLOBAL_HOOKS),
        *(_switch(get, put) for get, put in SWITCHES),
        _environment(),
        _names(torch.Tensor),
        _list(sys.path),
        _filters(),
        random_as_found(),
    ]


def _switch(get: Callable[[], Any], put: Callable[[Any], object]) -> PutBack:
    found = get()

    def put_back() -> None:
        if get() != found:
            put(found)

    return put_back


def _items(held: Any) -> PutBack:
    found = dict(held)

    def put_back() -> None:
        if dict(held) != found:
            for name in held.keys() - found.keys():
                del held[name]
            held.update(found)

    return put_back


def _environment() -> PutBack:
    bare = getattr(os.environ, "_data", os.environ)  # without decoding every one of them
    found = dict(bare)

    def put_back() -> None:
        if bare != found:
            for name in bare.keys() - found.keys():
                del os.environ[os.fsdecode(name)]
            for name, value in found.items():
                os.environ[os.fsdecode(name)] = os.fsdecode(value)

    return put_back


def _names(owner: type) -> PutBack:
    found = dict(vars(owner))

    def put_back() -> None:
        now = vars(owner)
        for name in set(now) - set(found):
            delattr(owner, name)
        for name in (name for name, value in found.items() if now.get(name) is not value):
            setattr(owner, name, found[name])

    return put_back


def _list(held: Any) -> PutBack:
    found = list(held)

    def put_back() -> None:
        if list(held) != found:
            held[:] = found

    return put_back


def _filters() -> PutBack:
    found, put_back_items = warnings.filters, _list(warnings.filters)

    def put_back() -> None:
        warnings.filters = found  # `catch_warnings` works on a copy
        put_back_items()

    return put_back


def _modes() -> PutBack:
    """Put back torch's stacks of modes, and what a tracer or a context left switched."""
    dispatch, functions = _get_current_dispatch_mode_stack(), _get_current_function_mode_stack()
    tracing = torch._C._get_tracing_state()

    def put_back() -> None:
        torch._C._set_tracing_state(tracing)  # type: ignore[attr-defined]
        if _get_current_dispatch_mode_stack() != dispatch:
            for _ in _get_current_dispatch_mode_stack():
                _pop_mode()
            for mode in dispatch:
                _push_mode(mode)
        if _get_current_function_mode_stack() != functions:
            while torch._C._len_torch_function_stack():
                torch._C._pop_torch_function_stack()
            for mode in functions:
                torch._C._push_on_torch_function_stack(mode)

    return put_back


def _default_device() -> PutBack:
    """Put back what torch remembers of its default device beside the mode that it is."""
    remembered = _items(vars(torch._GLOBAL_DEVICE_CONTEXT))
    device = devices.CURRENT_DEVICE

    def put_back() -> None:
        remembered()
        devices.CURRENT_DEVICE = device

    return put_back
