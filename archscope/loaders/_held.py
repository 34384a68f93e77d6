"""A network that a file holds: its tensors alone, or held against a network that needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archscope.errors import ArchscopeError, UsageError, did_you_mean
from archscope.loaders import _code, hf
from archscope.study import made
from archscope.subject import Holding, Network, Request, Subject

if TYPE_CHECKING:
    from archscope.stored.configuration import Configuration
    from archscope.stored.tensors import Stored

INDEX = ".index.json"
"""How the list of several files that hold one network ends."""
Read = Callable[[Path, str], "Stored"]
"""Reads what a file holds; gets it, and how it is called; raises `UsageError`."""


def network(
    path: Path, form: str, read: Read, request: Request, *, has_inputs: bool = False
) -> Network:
    """Return the network that a file holds; it is read when it is first asked for.

    Where a `config.json` beside it describes the network, that is made, and the file held against
    it; where it cannot be made, a note says why, and the file alone is counted. `has_inputs` says
    whether the file holds a graph that is called with inputs.
    """
    from archscope.stored.configuration import beside, with_ties
    from archscope.stored.tensors import require_names

    shown = _code.shown(path).removesuffix("/.")
    config = (
        None if has_inputs else beside(path, _code.shown(path if path.is_dir() else path.parent))
    )
    title = f"{path.name or shown} · {form}"
    origin = f"{form}:{shown.removeprefix('./')}"
    described = _described(config, path, request) if config else None
    if described is None:
        _refuse_flags(request, shown, has_inputs=has_inputs)

    @cache
    def stored() -> Stored:
        found = read(path, shown)
        require_names(found, shown)
        return with_ties(found, config) if config else found

    def holding(*notes: str) -> Holding:
        found = stored()
        found = replace(found, notes=(*notes, *found.notes))
        return Holding(name=title, stored=found, origin=origin, config=dict(found.facts))

    @cache
    def subject() -> Subject:
        if described is not None:
            made = described.subject()
            return replace(made, origin=origin, name=f"{made.name} · weights of {path.name}")
        found = stored()
        if found.graph is not None and not request.parameters_alone:
            return _of_graph(found, title, origin)
        why = found.no_graph
        raise UsageError(
            f"{shown} is a graph that is not run: {why}" if why else f"{shown} {_NO_GRAPH}"
        )

    def own() -> Subject:
        from archscope.running.skeleton import skeleton

        found = stored()
        model = skeleton(found.held)
        return Subject(name=title, model=model, inputs=None, origin=origin)

    def counted() -> Subject | Holding:
        found = stored()
        if found.graph and found.steps is None and not request.parameters_alone:
            return made(subject)
        if config is None:
            return holding()
        if described is None:
            return holding(
                f"{config.shown} describes the network, which takes the package "
                "transformers: pip install archscope[hf]"
            )
        try:
            return made(subject)
        except ArchscopeError as error:
            said = str(error).partition("\n")[0]
            return holding(f"{config.shown} describes a network that cannot be made: {said}")

    def whole() -> Subject:
        from archscope.running.device import default_device

        if described is not None:
            return described.whole()
        device = default_device()
        if stored().graph is None or device.type == "meta":
            return subject()
        return _of_graph(stored(), title, origin, str(device))

    return Network(
        name=title,
        origin=origin,
        subject=subject,
        whole=whole,
        own=own,
        counted=counted,
        holding=holding,
        described=described is not None,
    )


_NO_GRAPH = (
    "holds weights and no graph, so what it does is unknown; put its config.json beside it, or "
    "name the code that makes the network, e.g. ./net.py:Net"
)


def _of_graph(stored: Stored, title: str, origin: str, device: str = "meta") -> Subject:
    assert stored.graph is not None
    model, inputs = stored.graph(device)
    given = ", ".join("×".join(map(str, tensor.shape)) for tensor in inputs.shapes())
    return Subject(
        name=f"{title} · input {given}",
        model=model,
        inputs=inputs,
        origin=origin,
        config=dict(stored.facts),
    )


def _described(config: Configuration, path: Path, request: Request) -> Network | None:
    """Return the network that a configuration describes; None: the package for it is missing."""
    from importlib.util import find_spec

    if not config.is_of_transformers or find_spec("transformers") is None:
        return None
    return hf.load(f"hf:{config.folder}", request)


def _refuse_flags(request: Request, shown: str, *, has_inputs: bool) -> None:
    """Raise `UsageError` where something is said of code that there is none of."""
    given: dict[str, Any] = {
        "--input-shape": () if has_inputs else request.input_shapes,
        "--input": request.input_values,
        "--inputs": request.inputs_from,
        "--method": request.method,
        "--model-arg": request.arguments,
    }
    strange = next((flag for flag, value in given.items() if value), None)
    if strange is not None:
        raise UsageError(f"{strange} is for code that makes a network; {shown} holds weights")


def existing(text: str, endings: tuple[str, ...]) -> Path:
    """Return the file that a text names; raises `UsageError` with the nearest name."""
    path = Path(text).expanduser()
    if path.exists() or path.is_symlink():
        return path
    if not path.parent.is_dir():
        raise UsageError(f"{text} does not exist: there is no folder {path.parent}")
    near = did_you_mean(
        path.name, sorted(each.name for each in path.parent.iterdir() if each.suffix in endings)
    )
    raise UsageError(f"{text} does not exist.{near}")
