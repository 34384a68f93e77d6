"""Inputs that code of the user's makes: `--inputs data.py:batch`, or what stands beside a network.

A function called `archscope_inputs`, in the file or on the network, is asked where nothing is
given, and so is Lightning's `example_input_array`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError
from archscope.files import at_home
from archscope.loaders import _code, _target
from archscope.subject import Inputs

if TYPE_CHECKING:
    from torch import nn

OPTION = "--inputs"
NAME = "archscope_inputs"
"""What a function is called that makes the inputs of the network beside it."""
_LIGHTNING = "example_input_array"
_FORM = re.compile(r"(?P<place>.+?\.py|[^\W\d][\w.]*)(?::(?P<target>.+))?", re.DOTALL)


def by_name(text: str, model: nn.Module) -> Inputs:
    """Return the inputs that `text` names: a function, called without arguments, or a value."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(f"{OPTION} {text!r} names no function; write e.g. ./data.py:batch")
    target = _target.parse(found["target"] or NAME)
    module = _module(found["place"])
    value = _target.find(module, target, found["place"])
    folder = Path(str(getattr(module, "__file__", None) or ".")).resolve().parent
    return _asked(value, target, model, f"{OPTION} {text}", folder)


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        if place in sys.modules:
            return sys.modules[place]
        return _code.run(
            lambda: import_module(place), f"{_code.IMPORTING} {place}", folder=Path.cwd()
        )
    path = at_home(place)
    if not path.is_file():
        raise UsageError(f"{OPTION}: {place} does not exist")
    return _code.import_file(path.resolve())


def beside(model: nn.Module, *, method: str | None) -> Inputs | None:
    """Return the inputs that a network, or the file that made it, brings along; None: none."""
    from torch import nn

    home = sys.modules.get(type(model).__module__)
    is_users = not type(model).__module__.startswith(nn.__name__)
    for holder in (model, home if is_users else None):
        made = getattr(holder, NAME, None)
        if callable(made):
            where = f"{type(model).__name__}.{NAME}" if holder is model else f"{NAME}()"
            return _asked(made, _target.Target(name=NAME), model, where, Path.cwd())
    example = getattr(model, _LIGHTNING, None) if method in (None, "forward") else None
    return None if example is None else as_call(example, model)


def _asked(
    value: Any, target: _target.Target, model: nn.Module, where: str, folder: Path
) -> Inputs:
    made = value
    if callable(value) and not hasattr(value, "shape"):
        call: Callable[[], Any] = lambda: value(*target.args, **target.kwargs)  # noqa: E731
        made = _code.run(call, where, folder=folder)
    if made is None:
        raise UsageError(f"{where} returned None; it must return the inputs of forward")
    return as_call(made, model)


def as_call(value: Any, model: nn.Module) -> Inputs:
    """Return a value as the arguments of a call of `model`.

    A tuple holds positional arguments and a dictionary keyword arguments, where forward takes
    such; a pair of both holds both. Anything else is the one argument.
    """
    match value:
        case Inputs():
            return value
        case (tuple() | list() as args, Mapping() as kwargs) if isinstance(value, tuple) and (
            _fits(model, args, kwargs)
        ):
            return Inputs(args=tuple(args), kwargs=dict(kwargs))
        case Mapping() if _fits(model, (), value):
            return Inputs(kwargs=dict(value))
        case tuple() if not hasattr(value, "_fields"):
            return Inputs(args=value)
    return Inputs(args=(value,))


def _fits(model: nn.Module, args: Any, kwargs: Mapping[Any, Any]) -> bool:
    if not all(isinstance(key, str) for key in kwargs):
        return False
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def on_device(inputs: Inputs, device: Any) -> Inputs:
    """Return inputs with their tensors on a device, in lists, tuples and dictionaries too."""
    import torch
    from torch.utils._pytree import tree_map_only

    move: Callable[[Any], Any] = lambda tensor: tensor.to(device)  # noqa: E731
    args, kwargs = tree_map_only(torch.Tensor, move, (inputs.args, dict(inputs.kwargs)))
    return Inputs(args=args, kwargs=kwargs)
