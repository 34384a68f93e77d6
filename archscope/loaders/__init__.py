"""Ways to name a network: each file turns what a user types for MODEL into a `Network`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archscope import specs
from archscope.errors import UsageError, did_you_mean, same_word
from archscope.progress import doing
from archscope.records import frozen
from archscope.registry import Registry
from archscope.subject import Inputs, Network, Request

if TYPE_CHECKING:
    from torch import nn


@frozen
class Loader:
    """A way to name a network: what the user types for MODEL."""

    name: str
    """What the form is called, e.g. `preset`."""
    summary: str
    """One line for `archscope list`, with an example."""
    accepts: Callable[[str], bool]
    """Whether a text names a network in this form; imports and runs nothing of the user's."""
    load: Callable[[str, Request], Network]
    """The network that a text names; raises `UsageError`."""
    spec: Callable[[str], type | None] = lambda text: None
    """The spec whose fields may be set beside that name; None where there is none."""
    values: Callable[[str], Mapping[str, Any]] = lambda text: {}
    """The fields of that spec which the name itself sets."""
    reference: Callable[[], str] = lambda: ""
    """All that can be written in this form, for `archscope list` and its name; empty: nothing."""


GENERAL = ("transformer", "cnn")
"""The families that fields alone may describe; without fields the first."""
LOADERS = Registry("loader", "archscope.loaders", "LOADER", Loader)

_WEIGHTS = (".h5", ".keras", ".tflite", ".npz", ".msgpack", ".pkl", ".pickle", ".mlmodel")
"""How files end that hold networks in forms that no loader reads."""
WHERE_NAMES_ARE = "`archscope list` names the families, `archscope list presets` the presets"
"""What to type for the names that there are."""


def spelt(text: str) -> str:
    """Return a text with the name of a family or a preset as it is spelt, if it names one so.

    >>> spelt("ResNet-50:batch_size=2")
    'resnet50:batch_size=2'
    """
    if not isinstance(text, str):
        raise UsageError(
            f"a network must be given by its name here, not as a "
            f"{type(text).__name__}; give e.g. 'resnet50' or './net.py:Net'"
        )
    from archscope import presets
    from archscope.families import FAMILIES

    name, colon, rest = text.partition(":")
    if not name or (colon and "=" not in rest):  # a module may be called so
        return text
    known = same_word(name, [*FAMILIES.names(), *presets.names()])
    return text if known is None else known + colon + rest


def require_name(text: str) -> None:
    """Raise `UsageError` with the nearest name where `text` names no network; builds none."""
    if find(spelt(text)) is None:
        raise UsageError(_unknown(text))


def find(text: str) -> Loader | None:
    """Return the loader that knows what `text` names, or None."""
    return next((loader for loader in LOADERS.each() if loader.accepts(text)), None)


def is_sentence(text: str) -> bool:
    """Return whether a text says a stack of layers in words."""
    return LOADERS.get("sentence").accepts(text)


def described_by(fields: Collection[str], among: Sequence[str] = GENERAL) -> str:
    """Return the name of the first network that reads all of these fields, or most of them.

    >>> described_by(["depth"]), described_by(["dilations"]), described_by(["depth", "dilations"])
    ('transformer', 'cnn', 'cnn')
    """
    known: dict[str, int] = {}
    for name in among:
        loader = find(name)
        spec = loader.spec(name) if loader else None
        if spec is None:
            continue
        if specs.reads(spec, fields):
            return name
        flags = {flag.name for flag in specs.flags(spec)}
        known[name] = sum(field.replace("-", "_") in flags for field in fields)
    return max(known, key=known.__getitem__)


def load(text: str, request: Request) -> Network:
    """Return the network that `text` names, or fields alone describe where it is empty.

    Raises `UsageError` with the nearest name.
    """
    text = spelt(text) or described_by(request.fields)
    loader = find(text)
    if loader is None:
        raise UsageError(_unknown(text))
    refuse_what_is_not_for_it(text, loader, request)
    doing(f"making {text}")
    try:
        return loader.load(text, request)
    except OSError as error:  # a name too long for a file
        raise UsageError(f"{_short(text)} cannot be read: {error.strerror}") from None


def load_each(texts: Sequence[str], request: Request) -> tuple[Network, ...]:
    """Return networks that stand side by side: what is said of them goes to all that it is for.

    Fields are for those that have a spec, all else for those of the user's own. Raises `UsageError`
    as `load` does, and where something is said of none.
    """
    own = [not has_spec(text) for text in texts]
    if all(own) or not any(own):
        return tuple(load(text, request) for text in texts)
    alone = Request(fields=request.fields, parameters_alone=request.parameters_alone)
    rest = replace(request, fields={})
    return tuple(
        load(text, rest if is_own else alone) for text, is_own in zip(texts, own, strict=True)
    )


def has_spec(text: str) -> bool:
    """Return whether fields of a spec describe what is named so; not: it is the user's own."""
    found = find(spelt(text))
    return found is not None and found.spec(spelt(text)) is not None


def brought_inputs(model: nn.Module, method: str | None) -> Inputs | None:
    """Return the inputs that a network, or the file that made it, brings along; None: none."""
    from archscope.loaders import _made_inputs

    return _made_inputs.beside(model, method=method)


def made_inputs(model: nn.Module, request: Request) -> Inputs | None:
    """Return what a request calls a module in memory with; see `_call.inputs`."""
    from archscope.loaders import _call

    return _call.inputs(model, type(model).__name__, request)


def takes(model: nn.Module, word: str) -> bool:
    """Return whether forward has an argument of this name."""
    from archscope.loaders import _call

    return word in (_call.arguments_of(model) or ())


def example_inputs(model: nn.Module) -> tuple[str, ...]:
    """Return inputs that fit the first layers, in the words of `--input-shape`."""
    from archscope.loaders import _call

    return _call.example(model)


def sized(model: nn.Module, inputs: Inputs | None, example: Callable[[], str]) -> nn.Module:
    """Return a module whose layers have sizes: itself, or a copy that has run where some had none.

    Raises `LoadError` where its forward raises, `UsageError` with an example where inputs lack.
    """
    from archscope.loaders._unfinished import is_unfinished, sized_copy

    if not is_unfinished(model):
        return model
    if inputs is None:
        raise UsageError(
            f"layers of {type(model).__name__} take their sizes from its input: give one, "
            f"e.g. {example()}"
        )
    return sized_copy(model, inputs)


def refuse_what_is_not_for_it(text: str, loader: Loader, request: Request) -> None:
    """Raise `UsageError` where flags are given that say nothing of this kind of network."""
    if loader.spec(text) is None:
        field = next(iter(request.fields), None)
        if field is not None:
            flag = specs.flag_of(field)
            raise UsageError(
                f"{flag} is a field of a family, and {text} is not one; pass an argument of its "
                f"own as --model-arg {field}=VALUE"
            )
        return
    given: Mapping[str, Any] = {
        "--input-shape": request.input_shapes,
        "--input": request.input_values,
        "--inputs": request.inputs_from,
        "--method": request.method,
        "--model-arg": request.arguments,
    }
    strange = next((flag for flag, value in given.items() if value), None)
    if strange is not None:
        name = text.partition(":")[0]
        listed = loader.name if loader.reference() else name
        raise UsageError(
            f"{strange} is for a network of your own; {name} is described by its fields"
            f"{_sized(loader.spec(text))}: archscope list {listed}"
        )


def _sized(spec: type | None) -> str:
    """Return the flag that says how large the input of a family is, for a message."""
    known = [field.name for field in specs.fields(spec)] if spec else []
    size = next((name for name in ("input_size", "seq_len") if name in known), None)
    return f", such as {specs.flag_of(size)}" if size else ""


def _unknown(text: str) -> str:
    from archscope import presets
    from archscope.families import FAMILIES
    from archscope.families.cnn.words import ACTIVATIONS, STEPS

    name = text.partition(":")[0]
    families = FAMILIES.names()
    if text == "-":
        return (
            "'-': stdin is not read; name a network, a sentence such as 'conv 64 k3; relu', or a "
            "file: ./net.py:Net, and for compare and report a saved result.json"
        )
    if len(name) > 255:  # longer than the name of any file
        return f"no family or preset is called {_short(name)}"
    if name.lower() in (*STEPS, *ACTIVATIONS):
        return f"{name!r} begins a sentence of layers; say more, e.g. 'conv 64 k3; relu'"
    if "://" in text:
        return f"{_short(text)} is an address, and nothing is fetched: name a folder or a file here"
    if Path(name).suffix in _WEIGHTS:
        return f"{name} is of a form that is not read; name the code, e.g. ./net.py:Net"
    if Path(name).suffix == ".json" and Path(name).is_file():
        return (
            f"{name} is a file of JSON; `archscope report {shlex.quote(name)}` reads a saved result"
        )
    if Path(name).suffix == ".distcp" or Path(name, ".metadata").is_file():
        return (
            f"{name!r} is a distributed checkpoint; a file is made of its folder by: python -m "
            "torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER net.pt"
        )
    if "/" in name or "\\" in name or (name and Path(name).is_dir()):
        what = "a folder, not" if Path(name).is_dir() else "not"
        return f"{name!r} is {what} a Python file; write e.g. ./net.py:Net, or hf:FOLDER"
    if Path(f"{name}.py").is_file():
        own = shlex.quote(f"./{name}.py")
        return f"no family or preset is called {name!r}; for your own file write {own}"
    module, _, part = name.rpartition(".")
    if part.isidentifier() and Path(f"{module.replace('.', '/')}.py").is_file():
        return f"no family or preset is called {name!r}; write {module}:{part}"
    near = did_you_mean(name, [*families, *presets.names()])
    return f"no family or preset is called {_short(name)}.{near} {WHERE_NAMES_ARE}"


def _short(name: str) -> str:
    return repr(name) if len(name) <= 60 else repr(f"{name[:59]}…")
