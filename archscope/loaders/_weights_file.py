"""A network that a file holds: its tensors alone, or held against a network that needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archscope.errors import ArchscopeError, UsageError, did_you_mean
from archscope.files import at_home
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
    from archscope.stored.configuration import beside

    shown = _code.shown(path).removesuffix("/.")
    config = (
        None if has_inputs else beside(path, _code.shown(path if path.is_dir() else path.parent))
    )
    described = _described(config, path, request) if config else None
    if described is None:
        _refuse_flags(request, shown, has_inputs=has_inputs)
    file = _File(
        path=path,
        shown=shown,
        title=f"{path.name or shown} · {form}",
        origin=f"{form}:{shown.removeprefix('./')}",
        read=read,
        config=config,
        described=described,
        parameters_alone=bool(request.parameters_alone),
    )
    return Network(
        name=file.title,
        origin=file.origin,
        subject=file.subject,
        whole=file.whole,
        own=file.own,
        counted=file.counted,
        holding=file.holding,
        described=described is not None,
    )


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file that holds a network; what is read of it, and made of it, is kept."""

    path: Path
    shown: str
    """The path as it is shown."""
    title: str
    origin: str
    read: Read
    config: Configuration | None
    """The configuration beside it."""
    described: Network | None
    """The network that this describes, where it can be made."""
    parameters_alone: bool

    @cached_property
    def stored(self) -> Stored:
        """What it holds."""
        from archscope.stored.configuration import with_ties
        from archscope.stored.tensors import require_names

        found = self.read(self.path, self.shown)
        require_names(found, self.shown)
        return with_ties(found, self.config) if self.config else found

    @cached_property
    def _on_shapes(self) -> Subject:
        if self.described is not None:
            made = self.described.subject()
            name = f"{made.name} · weights of {self.path.name}"
            return replace(made, origin=self.origin, name=name)
        found = self.stored
        if found.graph is not None and not self.parameters_alone:
            return self._of_graph("meta")
        why = found.no_graph
        raise UsageError(
            f"{self.shown} is a graph that is not run: {why}"
            if why
            else f"{self.shown} {_NO_GRAPH}"
        )

    def subject(self) -> Subject:
        """Return its network on shapes alone; raises `UsageError` where it holds weights alone."""
        return self._on_shapes

    def whole(self) -> Subject:
        """Return its network with data on torch's current device."""
        from archscope.running.device import default_device

        if self.described is not None:
            return self.described.whole()
        device = default_device()
        if self.stored.graph is None or device.type == "meta":
            return self.subject()
        return self._of_graph(str(device))

    def own(self) -> Subject:
        """Return modules of the names and shapes of its tensors."""
        from archscope.running.skeleton import skeleton

        model = skeleton(self.stored.held)
        return Subject(name=self.title, model=model, inputs=None, origin=self.origin)

    def counted(self) -> Subject | Holding:
        """Return its network where it can be made, else its list of tensors."""
        found = self.stored
        if found.graph and found.steps is None and not self.parameters_alone:
            return made(self.subject)
        if self.config is None:
            return self.holding()
        if self.described is None:
            return self.holding(
                f"{self.config.shown} describes the network, which takes the package "
                "transformers: pip install archscope[hf]"
            )
        try:
            return made(self.subject)
        except ArchscopeError as error:
            said = str(error).partition("\n")[0]
            return self.holding(
                f"{self.config.shown} describes a network that cannot be made: {said}"
            )

    def holding(self, *notes: str) -> Holding:
        """Return its list of tensors, with notes of why that is all."""
        found = replace(self.stored, notes=(*notes, *self.stored.notes))
        return Holding(name=self.title, stored=found, origin=self.origin, config=dict(found.facts))

    def _of_graph(self, device: str) -> Subject:
        assert self.stored.graph is not None
        model, inputs = self.stored.graph(device)
        given = ", ".join("×".join(map(str, tensor.shape)) for tensor in inputs.shapes())
        return Subject(
            name=f"{self.title} · input {given}",
            model=model,
            inputs=inputs,
            origin=self.origin,
            config=dict(self.stored.facts),
        )


_NO_GRAPH = (
    "holds weights and no graph, so what it does is unknown; put its config.json beside it, or "
    "name the code that makes the network, e.g. ./net.py:Net"
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
    path = at_home(text)
    if path.exists() or path.is_symlink():
        return path
    if not path.parent.is_dir():
        raise UsageError(f"{text} does not exist: there is no folder {path.parent}")
    near = did_you_mean(
        path.name, sorted(each.name for each in path.parent.iterdir() if each.suffix in endings)
    )
    raise UsageError(f"{text} does not exist.{near}")
