"""A network whose forward is another of its methods, e.g. `encode`; the network stays as it is."""

from __future__ import annotations

import copy
from functools import wraps
from typing import Any

from torch import nn

from archscope.errors import UsageError, did_you_mean

_RUNS = "_archscope_method_runs"
"""The attribute that a module has while its method runs."""


def calling(model: nn.Module, method: str | None) -> nn.Module:
    """Return a module with the parts of `model` whose forward is one of its methods.

    It is of a class of its own, called like the model's, so that what the method calls of itself,
    forward among it, is the model's own. Raises `UsageError` where there is no such method.
    """
    if method is None or method == "forward":
        return model
    found = getattr(model, method, None)
    if not callable(found):
        near = did_you_mean(method, [n for n in dir(type(model)) if not n.startswith("_")])
        raise UsageError(f"{type(model).__name__} has no method {method!r}.{near}")
    if hasattr(model, "_c"):  # TorchScript: its methods are no functions of its class
        made = copy.copy(model)
        object.__setattr__(made, "forward", getattr(made, method))
        return made
    made = object.__new__(_with_forward(type(model), method, found))
    state = dict(vars(model))
    own = ("_parameters", "_buffers", "_modules")
    for name, value in state.items():
        if name in own or (name.endswith("hooks") and isinstance(value, dict)):
            state[name] = value.copy()
    made.__dict__.update(state)
    return made


def _with_forward(kind: type, method: str, found: Any) -> type:
    """Return a class like `kind` whose forward is a method, until that calls forward."""

    @wraps(getattr(kind, method, found))
    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _RUNS in self.__dict__:
            return kind.forward(self, *args, **kwargs)  # type: ignore[attr-defined]
        self.__dict__[_RUNS] = True
        try:
            return getattr(self, method)(*args, **kwargs)
        finally:
            del self.__dict__[_RUNS]

    names = {"forward": forward, "__module__": kind.__module__, "__doc__": kind.__doc__}
    made = type(kind)(kind.__name__, (kind,), names)
    made.__qualname__ = kind.__qualname__
    return made
