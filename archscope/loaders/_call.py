"""What a module's forward takes, and which inputs to ask for where none were given."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError, did_you_mean
from archscope.loaders import _inputs, _made_inputs
from archscope.loaders._inputs import OPTION, Given, Plain
from archscope.loaders._trial_forward import runs_on_shapes
from archscope.running.attributes import parameters_of
from archscope.subject import Inputs, Request

if TYPE_CHECKING:
    from torch import nn

_TOKENS = "int64:1,128"
_KNOWN = {
    "input_ids": _TOKENS,
    "decoder_input_ids": _TOKENS,
    "token_ids": _TOKENS,
    "tokens": _TOKENS,
    "ids": _TOKENS,
    "idx": _TOKENS,
    "pixel_values": None,
    "input_values": "1,16000",
    "input_features": None,
    "inputs_embeds": None,
}
"""Arguments that are the same wherever they appear, and their inputs; None: as the layers say."""
_HOLDERS = ("batch", "data", "sample", "inputs", "features", "xs")
"""How arguments are often called that hold several inputs."""
_PLAIN = "1,3,224,224"
_ANY_CHANNELS = 3
"""Of a layer that takes its sizes from its input."""
_SIDES = {1: "1024", 2: "224,224", 3: "16,112,112"}
"""An image of ImageNet's size, a second of 1 kHz, a clip: by number of spatial axes."""


Usual = Callable[["nn.Module"], Sequence[str]]
"""Tells what a kind of network is called with, in the words of `--input-shape`."""


def inputs(
    model: nn.Module, name: str, request: Request, usual: Usual = lambda model: ()
) -> Inputs | None:
    """Return what the request calls `model` with; None where only its parameters are wanted.

    What is asked for goes before what the user's code brings along, and that before what is usual.
    Raises `UsageError` where inputs are missing, with an example, or where forward takes no such.
    """
    if request.parameters_alone:
        return None
    if request.inputs_from is not None:
        if request.input_shapes:
            raise UsageError(f"give {_made_inputs.OPTION} or {OPTION}, not both")
        return _with_values(_made_inputs.by_name(request.inputs_from, model), model, name, request)
    if not request.input_shapes:
        brought = _made_inputs.beside(model, method=request.method)
        if brought is not None:
            return _with_values(brought, model, name, request)
    texts = request.input_shapes or tuple(usual(model))
    return _of_texts(texts, model, name, request)


def _with_values(made: Inputs, model: nn.Module, name: str, request: Request) -> Inputs:
    """Return inputs with those on the weights' device, and the values that were given beside."""
    weight = next(parameters_of(model), None)
    if weight is not None and not weight.is_meta:
        made = _made_inputs.on_device(made, weight.device)
    added = _inputs.make(_inputs.plain(request.input_values), model, {})
    if added.args:
        raise UsageError(f"{_inputs.PLAIN}: what a function makes is changed by names alone")
    strange = next((word for word in added.kwargs if not _takes_name(model, word)), None)
    if strange is not None:
        raise UsageError(f"{_inputs.PLAIN}: {name} has no input {strange!r}")
    return Inputs(args=made.args, kwargs={**made.kwargs, **added.kwargs})


def _takes_name(model: nn.Module, word: str) -> bool:
    parameters = arguments_of(model)
    open_end = parameters is None or any(p.kind == p.VAR_KEYWORD for p in parameters.values())
    return open_end or word in (parameters or {})


def _of_texts(texts: Sequence[str], model: nn.Module, name: str, request: Request) -> Inputs:
    parameters = arguments_of(model)
    given: list[Given | Plain] = [*map(_inputs.parse, texts)]
    given += _inputs.plain(request.input_values)
    if not given:
        if parameters is not None and not parameters:
            return Inputs()
        raise UsageError(_ask(model, name, parameters or {}, request))
    if parameters is not None:
        _check(name, given, parameters)
    return _inputs.make(given, model, dict(enumerate(parameters or ())))


Parameters = Mapping[str, inspect.Parameter]


def arguments_of(model: nn.Module) -> Parameters | None:
    """Return the arguments of a module's forward, None where Python cannot tell."""
    try:
        return inspect.signature(model.forward).parameters
    except (TypeError, ValueError):
        return None


def _check(name: str, given: Sequence[Given | Plain], parameters: Parameters) -> None:
    kinds = inspect.Parameter
    takes = [
        n for n, p in parameters.items() if p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)
    ]
    open_end = any(p.kind is kinds.VAR_POSITIONAL for p in parameters.values())
    open_names = any(p.kind is kinds.VAR_KEYWORD for p in parameters.values())
    places = [n for n in takes if parameters[n].kind is not kinds.KEYWORD_ONLY]
    named = {item.path[0] for item in given if item.path and not item.path[0].isdigit()}
    numbered = {item.path[0] for item in given if item.path and item.path[0].isdigit()}
    count = sum(not item.path for item in given) + len(numbered)
    listed = ", ".join(takes) or "nothing"
    for word in sorted(named - set(takes)):
        if not open_names:
            hint = did_you_mean(word, takes)
            if not hint and len(places) == 1:
                hint = f" For a dictionary write {places[0]}.{word}:..."
            raise UsageError(f"{OPTION}: {name} takes {listed}; it has no input {word!r}.{hint}")
    if count > len(places) and not open_end:
        if len(takes) > len(places):
            listed += f" (by name: {' '.join(f'{n}:SHAPE' for n in takes if n not in places)})"
        raise UsageError(f"{OPTION}: {name} takes {listed}; {count} came without a name")
    twice = named & set(places[:count])
    if twice:
        raise UsageError(f"{OPTION}: {', '.join(sorted(twice))} is given by place and by name")
    missing = [n for n in _required(parameters) if n not in named and n not in places[:count]]
    if missing:
        flags = " ".join(f"{OPTION} {n}:SHAPE" for n in missing)
        plain = f" (or {_inputs.PLAIN} {missing[0]}=VALUE, if it is not a tensor)"
        raise UsageError(f"{name} also takes {', '.join(missing)}; give {flags}{plain}")


def _required(parameters: Parameters) -> list[str]:
    kinds = inspect.Parameter
    return [
        name
        for name, parameter in parameters.items()
        if parameter.default is kinds.empty
        and parameter.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)
    ]


def _ask(model: nn.Module, name: str, parameters: Parameters, request: Request) -> str:
    wanted = _wanted(model, parameters)
    flags = " ".join(f"{OPTION} {text}" for text in example(model))
    takes = "an input" if _is_plain(wanted, parameters) else " and ".join(wanted)
    hint = "" if request.parameters_alone is None else " (or --no-flops)"
    held = (
        f"; in a dictionary or a list: {wanted[0]}.KEY:SHAPE" if _holds(parameters, wanted) else ""
    )
    return f"{name} takes {takes}; give {OPTION}, e.g. {flags}{held}{hint}"


def example(model: nn.Module) -> tuple[str, ...]:
    """Return inputs that fit the first layers, in the words of `--input-shape`."""
    parameters = arguments_of(model) or {}
    wanted = _wanted(model, parameters)
    is_plain = _is_plain(wanted, parameters)
    shapes = _shapes(model, wanted)
    return tuple(shape if is_plain else f"{word}:{shape}" for word, shape in shapes.items())


def _is_plain(wanted: Sequence[str], parameters: Parameters) -> bool:
    """Return whether what is asked for is one input that needs no name."""
    by_name = inspect.Parameter.KEYWORD_ONLY
    kinds = [parameters[word].kind for word in wanted if word in parameters]
    return len(wanted) == 1 and wanted[0] not in _KNOWN and by_name not in kinds


def _holds(parameters: Parameters, wanted: Sequence[str]) -> bool:
    """Return whether the one argument that is asked for may well be a dictionary or a list."""
    if len(wanted) != 1 or wanted[0] not in parameters:
        return False
    said = str(parameters[wanted[0]].annotation)
    return (
        wanted[0] in _HOLDERS
        or re.search(r"\b(dict|mapping|list|tuple|sequence)\b", said, re.I) is not None
    )


def _wanted(model: nn.Module, parameters: Parameters) -> list[str]:
    """Return the arguments to ask for: those that must be, else those that are known by name."""
    required = _required(parameters)
    if required:
        return required
    main = getattr(model, "main_input_name", None)
    known = [word for word in _KNOWN if word in parameters]
    first = main if isinstance(main, str) and main in parameters else next(iter(known), None)
    if first is None:
        return [next((n for n, p in parameters.items() if p.kind in (0, 1)), "x")]
    both = bool(getattr(getattr(model, "config", None), "is_encoder_decoder", False))
    second = "decoder_input_ids"
    if both and second in parameters and first != second:
        return [first, second]
    images = "pixel_values"  # CLIP does not do without, LLaVA does
    if images in parameters and first != images and not _runs(model, [first]):
        return [first, images]
    return [first]


def _runs(model: nn.Module, words: Sequence[str]) -> bool:
    """Return whether forward runs on examples of these arguments alone."""
    texts = (f"{word}:{shape}" for word, shape in _shapes(model, words).items())
    return runs_on_shapes(model, _inputs.make([_inputs.parse(text) for text in texts], model, {}))


def usual(model: nn.Module) -> Sequence[str]:
    """Return an example of inputs, in the words of `--input-shape`, as an error would name it."""
    wanted = _wanted(model, arguments_of(model) or {})
    return [f"{word}:{shape}" for word, shape in _shapes(model, wanted).items()]


def _shapes(model: nn.Module, wanted: Sequence[str]) -> dict[str, str]:
    """Return an input for each argument, as the first layers take it."""
    takes = list(_takes(model))
    return {word: _KNOWN.get(word) or _by_name(word, takes) for word in wanted}


def _by_name(word: str, takes: Sequence[str]) -> str:
    if re.search(r"(^|_)(ids?|tokens?|idx)$", word):
        return _TOKENS
    axes = {"pixel_values": 4, "input_features": 3}.get(word)
    fit = (shape for shape in takes if axes in (None, shape.count(",") + 1))
    shape = next(fit, takes[0] if takes else _PLAIN)
    # Whisper's half minute of sound, one column for each hundredth of a second.
    return shape.replace(_SIDES[1], "3000") if word == "input_features" else shape


def _takes(model: nn.Module) -> Iterator[str]:
    """Yield an input for each layer that says what it takes, in the order of the model."""
    from torch import nn

    config = getattr(model, "config", None)
    vision = getattr(config, "vision_config", None)
    size = getattr(config, "image_size", None) or getattr(vision, "image_size", None)
    for module in model.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            sides = _SIDES[len(module.kernel_size)]
            if isinstance(size, int) and len(module.kernel_size) == 2:
                sides = f"{size},{size}"
            yield f"1,{module.in_channels or _ANY_CHANNELS},{sides}"
        elif isinstance(module, nn.Embedding | nn.EmbeddingBag):
            yield _TOKENS
        elif isinstance(module, nn.RNNBase):
            length = ("1,128", "128,1")[not module.batch_first]
            yield f"{length},{module.input_size}"
        elif isinstance(module, nn.MultiheadAttention):
            yield f"1,128,{module.embed_dim}"
        elif isinstance(module, nn.Linear):
            yield f"1,{module.in_features}" if module.in_features else _PLAIN
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            yield f"1,{module.num_features or _ANY_CHANNELS},{_SIDES[_axes(module)]}"


def _axes(norm: Any) -> int:
    digit = re.search(r"([123])d", type(norm).__name__)
    return int(digit.group(1)) if digit else 2
