"""A network of the user's own, made by the user's code: on shapes alone where that can be."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from archscope.errors import LoadError
from archscope.loaders import _call
from archscope.loaders._inputs import OPTION
from archscope.loaders._trial_forward import runs_on_shapes
from archscope.loaders._unfinished import size_lazy_layers, with_data
from archscope.records import frozen
from archscope.results import plain
from archscope.running.attributes import buffers_of, parameters_of
from archscope.subject import Inputs, Network, Request, Subject

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")
Make = Callable[[], "nn.Module"]
"""Makes the network by running the user's code; raises `LoadError` or `UsageError`."""
Prepare = Callable[[], Make]
"""Imports the user's code, which is to run as it stands, and returns what makes the network."""
_OF_CODE = ("file", "module")
"""Origins whose code may load weights; other names stand for an architecture alone."""
_LARGEST = 8 * 2**30
"""Bytes of weights up to which a network is made for real where shapes alone do not do."""
_LITTLE = 2**28
"""Bytes of weights up to which it is made for real where only then its buffers have values."""


def network(
    *,
    title: str,
    origin: str,
    prepare: Prepare,
    request: Request,
    config: Mapping[str, Any],
    usual_input: _call.Usual = lambda model: (),
    guessed: bool = False,
) -> Network:
    """Return the network that the user's code makes.

    `usual_input` tells what it is called with where the request does not say, in the words of
    `--input-shape`; where that is `guessed`, the title says so.
    """
    code = _Code(
        title=title,
        origin=origin,
        prepare=prepare,
        request=request,
        config=config,
        usual_input=usual_input,
        guessed=guessed,
    )
    return Network(
        name=title,
        origin=origin,
        subject=code.subject,
        whole=code.whole,
        own=code.own if origin.partition(":")[0] in _OF_CODE else None,
    )


@frozen
class _Code:
    """The user's code, and what is said of the network that it makes."""

    title: str
    origin: str
    prepare: Prepare
    request: Request
    config: Mapping[str, Any]
    usual_input: _call.Usual
    guessed: bool

    def subject(self) -> Subject:
        """Return the network on shapes alone, where it can be made and runs so."""
        make = self._maker()
        model = _on_shapes(make)
        if model is None:
            return self._described(_on_cpu(make))
        found = self._described(model)
        inputs = found.inputs
        if inputs is not None and _weighs(model) <= _LARGEST and not runs_on_shapes(model, inputs):
            return self._described(_on_cpu(make))
        return replace(found, whole=lambda: self.whole().model)

    def whole(self) -> Subject:
        """Return the network with data on torch's current device."""
        from archscope.running.device import default_device

        device = default_device()
        if device.type == "meta":
            return self.subject()
        return self._described(with_data(self._maker()(), device))

    def own(self) -> Subject:
        """Return the network with the weights that the code gives it."""
        return self._described(_on_cpu(self._maker()))

    def _maker(self) -> Make:
        """Import the code, and return what makes the network and leaves nothing of it open."""
        make = _on_cpu(self.prepare)

        def finished() -> nn.Module:
            from archscope.running.method import calling
            from archscope.running.nesting import require_walkable

            model = make()
            require_walkable(model)
            model = calling(model, self.request.method)
            size_lazy_layers(model, lambda: self._inputs(model)[0])
            return model

        return finished

    def _inputs(self, model: nn.Module) -> tuple[Inputs | None, Sequence[str]]:
        """Return what a network is called with, and the words for it where nobody said any."""
        chosen: list[str] = []

        def usual(model: nn.Module) -> Sequence[str]:
            chosen[:] = self.usual_input(model)
            return chosen

        return _call.inputs(model, type(model).__name__, self.request, usual), chosen

    def _described(self, model: nn.Module) -> Subject:
        inputs, chosen = self._inputs(model)
        given = ", ".join("×".join(map(str, x.shape)) for x in inputs.shapes()) if inputs else ""
        flags = " ".join(f"{OPTION} {text}" for text in chosen) if self.guessed else ""
        parts = (
            self.title,
            f" · {self.request.method}()" if self.request.method else "",
            f" · input {given}" if given else "",
            f" by default ({flags})" if flags else "",
        )
        return Subject(
            name="".join(parts),
            model=model,
            inputs=inputs,
            origin=self.origin,
            config=plain(self.config),
        )


def _on_cpu(step: Callable[[], T]) -> T:
    """Return what a step returns: the user's code computes with data, whatever is around."""
    import torch

    with torch.device("cpu"):
        return step()


def _on_shapes(make: Make) -> nn.Module | None:
    """Return the network without memory for its weights; None where it cannot be made so.

    Nor is it where masks or indices are made of weights, and making them for real takes little.
    """
    from archscope.blocks.constants import weights_without_values

    said = io.StringIO()
    try:
        with weights_without_values() as finished, redirect_stderr(said):
            model = finished(make())
    except LoadError:
        return None  # made for real it may not raise; if it does, that is the error to show
    if any(b.is_meta for b in buffers_of(model)) and _weighs(model) <= _LITTLE:
        return None
    sys.stderr.write(said.getvalue())
    return model


def _weighs(model: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in parameters_of(model))
