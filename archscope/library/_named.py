"""What a call of the library names: a module in memory, or a network by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from numbers import Integral
from types import GeneratorType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from archscope.errors import UsageError, did_you_mean
from archscope.specs import flags
from archscope.study import made
from archscope.subject import Inputs, Network, Request, Subject, unwrapped

if TYPE_CHECKING:
    from torch import nn


FOR_MODULES = (
    "only a module takes inputs; a network given by its name has fields, e.g. batch_size=2, "
    "and one of your own input_shape=(2, 3)"
)
P = ParamSpec("P")
R = TypeVar("R")


def also_called(**words: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have a verb take its keywords by older words too, `old="new"`."""

    def taught(verb: Callable[P, R]) -> Callable[P, R]:
        @wraps(verb)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            given: dict[str, Any] = kwargs
            for old in words.keys() & given.keys():
                given[words[old]] = given.pop(old)
            return verb(*args, **kwargs)

        return call

    return taught


def subject_of(
    model: nn.Module | str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    method: str | None = None,
) -> Subject:
    """Return a module in memory, or a named network, as a `Subject`.

    What is not a module and holds one stands for that; layers without sizes get them on a copy.
    Where forward has no argument of that name, `input_shape` is of a random input, as it is of a
    named network of one's own: `(1, 3, 224, 224)`, `"ids:int64:1,128"`, or a list of such.
    """
    if isinstance(model, str):
        return made(network_of(model, kwargs, args=args, method=method).subject)
    from archscope.running.method import calling
    from archscope.running.nesting import require_walkable
    from archscope.running.process import outside_modes
    from archscope.running.wrapped_networks import held_network

    kind = type(model).__name__
    try:
        held, holder = held_network(model)
    except UsageError as error:
        raise UsageError(f"this is {error}") from None
    require_walkable(held)
    if any(isinstance(each, GeneratorType) for each in (*args, *kwargs.values())):
        raise UsageError(
            "an argument is a generator, which can be read only once: give a list instead"
        )
    asked = calling(unwrapped(held), method)
    network, inputs = outside_modes(lambda: _with_inputs(asked, args, kwargs, method))
    shapes = inputs.shapes() if inputs else ()
    given = ", ".join("×".join(map(str, tensor.shape)) for tensor in shapes)
    parts = [
        type(network).__name__ + (f", {holder} of a {kind}" if holder else ""),
        *([f"{method}()"] if method else []),
        *([f"input {given}"] if given else []),
    ]
    return Subject(
        name=" · ".join(parts),
        model=network,
        inputs=inputs,
        origin="memory",
        example=lambda: _example(network),
    )


def _with_inputs(
    model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], method: str | None
) -> tuple[nn.Module, Inputs | None]:
    """Return a module, of which each layer has a size, and what it is called with."""
    from archscope.loaders import brought_inputs, sized
    from archscope.running.transforms import require_untransformed, untransformed

    require_untransformed(model)
    given = _called_with(model, *untransformed((args, kwargs)))
    inputs = given or brought_inputs(model, method)
    return sized(model, inputs, lambda: _example(model)), inputs


def _called_with(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Inputs | None:
    """Return the arguments that were given, or made of `input_shape`; None: there are none."""
    from archscope import loaders

    if SHAPE not in kwargs or loaders.takes(model, SHAPE):
        return Inputs(args=args, kwargs=kwargs) if args or kwargs else None
    values = {word: value for word, value in kwargs.items() if word != SHAPE}
    shapes = _shape_texts(() if kwargs[SHAPE] is None else kwargs[SHAPE])
    if not shapes:
        return _called_with(model, args, values)
    if args:
        raise UsageError(f"give inputs or {SHAPE}, not both")
    return loaders.made_inputs(model, Request(input_shapes=shapes, input_values=values))


def _example(model: nn.Module) -> str:
    """Return an example of inputs that fits a module, as it is given in Python."""
    from archscope import loaders

    texts = [_in_python(text) for text in loaders.example_inputs(model)]
    return f"{SHAPE}={texts[0] if len(texts) == 1 else '[' + ', '.join(texts) + ']'}"


def _in_python(text: str) -> str:
    """Return a shape in the words of `--input-shape` as Python writes it."""
    sizes = text.split(",")
    return repr(tuple(map(int, sizes)) if all(map(str.isdigit, sizes)) else text)


def network_of(
    name: str,
    fields: Mapping[str, Any],
    *,
    args: Sequence[Any] = (),
    parameters_alone: bool | None = None,
    method: str | None = None,
) -> Network:
    """Return a named network with fields of its spec changed, or the one that fields describe.

    For one of the user's own, `fields` are the command line's words: `input_shape`, `input`,
    `inputs` and `model_arg`. Inputs are no `args` of it: they would be passed over in silence.
    """
    from archscope import loaders

    refuse_inputs(args)
    name = loaders.spelt(name) or loaders.described_by(fields)
    loader = loaders.find(name)
    spec = loader.spec(name) if loader else None
    if spec is not None:
        check_names(spec, fields)
    own = own_words(fields) if loader is not None and spec is None else {}
    rest = {word: value for word, value in fields.items() if word not in OWN or not own}
    values = {field: tuple_of(value) for field, value in rest.items()}
    request = Request(fields=values, parameters_alone=parameters_alone, method=method, **own)
    return loaders.load(name, request)


def refuse_inputs(args: Sequence[Any]) -> None:
    """Raise `UsageError` where inputs are given to networks that are named."""
    if args:
        raise UsageError(FOR_MODULES)


def request_of(fields: Mapping[str, Any]) -> Request:
    """Return what is said of several networks: fields of specs, and words for one's own."""
    own = own_words(fields)
    values = {name: tuple_of(value) for name, value in fields.items() if name not in OWN}
    return Request(fields=values, **own)


SHAPE = "input_shape"
"""The keyword for sizes of random inputs."""
OWN = (SHAPE, "input", "inputs", "model_arg")
"""What is said of a network of the user's own."""


def own_words(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the command line's words that are given, as a `Request` holds them."""
    found = {
        "input_shapes": _shape_texts(fields.get(SHAPE, ())),
        "input_values": fields.get("input", {}),
        "inputs_from": fields.get("inputs"),
        "arguments": fields.get("model_arg", {}),
    }
    return {word: value for word, value in found.items() if value}


def _shape_texts(given: Any) -> tuple[str, ...]:
    """Return shapes in the words of `--input-shape`: one or several, as texts or as sizes.

    >>> _shape_texts((1, 3, 32, 32)), _shape_texts([(1, 8), "ids:int64:1,4"])
    (('1,3,32,32',), ('1,8', 'ids:int64:1,4'))
    """
    if isinstance(given, str | Integral):
        return (str(given),)
    if not isinstance(given, tuple | list):
        raise UsageError(f"{SHAPE} holds {type(given).__name__}: give sizes, e.g. (1, 3, 224, 224)")
    if given and all(isinstance(size, Integral) for size in given):
        return (",".join(map(str, given)),)
    return tuple(text for each in given for text in _shape_texts(each))


def check_names(spec_type: Any, fields: Mapping[str, Any]) -> None:
    """Raise `UsageError` where a spec has no field of that name."""
    known = [flag.name for flag in flags(spec_type)]
    for name in fields:
        if name not in known:
            raise UsageError(
                f"no field is called {name!r}.{did_you_mean(name, known)} "
                f"There are {', '.join(known)}."
            )


def tuple_of(value: Any) -> Any:
    """Return a list as the tuple that a spec holds, anything else as it is."""
    return tuple(value) if isinstance(value, list) else value
