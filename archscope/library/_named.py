"""What a call of the library names: a module in memory, or a network by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError
from archscope.subject import Inputs, Network, Request, Subject, unwrapped

if TYPE_CHECKING:
    from torch import nn


def subject_of(model: nn.Module | str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Subject:
    """Return a module in memory, or a named network, as a `Subject`."""
    if isinstance(model, str):
        return network_of(model, kwargs).subject()
    model = unwrapped(model)
    inputs = Inputs(args=args, kwargs=kwargs) if args or kwargs else None
    shapes = inputs.shapes() if inputs else ()
    given = ", ".join("×".join(map(str, tensor.shape)) for tensor in shapes)
    return Subject(
        name=type(model).__name__ + (f" · input {given}" if given else ""),
        model=model,
        inputs=inputs,
        origin="memory",
    )


def network_of(
    name: str, fields: Mapping[str, Any], *, parameters_alone: bool | None = None
) -> Network:
    """Return a named network with fields of its spec changed."""
    from archscope import loaders

    loader = loaders.find(name)
    spec = loader.spec(name) if loader else None
    if spec is not None:
        check_names(spec, fields)
    values = {field: tuple_of(value) for field, value in fields.items()}
    return loaders.load(name, Request(fields=values, parameters_alone=parameters_alone))


def spec_of(spec_type: type, fields: dict[str, Any]) -> Any:
    """Return a spec with the fields that are given; raises `UsageError` for a name it lacks."""
    check_names(spec_type, fields)
    return spec_type(**fields)


def check_names(spec_type: Any, fields: Mapping[str, Any]) -> None:
    """Raise `UsageError` where a spec has no field of that name."""
    known = spec_type.__dataclass_fields__
    for name in fields:
        if name not in known:
            raise UsageError(f"no field is called {name!r}; there are {', '.join(known)}")


def tuple_of(value: Any) -> Any:
    """Return a list as the tuple that a spec holds, anything else as it is."""
    return tuple(value) if isinstance(value, list) else value
