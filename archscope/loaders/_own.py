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
from archscope.loaders._trial import runs_on_shapes
from archscope.loaders._unfinished import size_lazy_layers, with_data
from archscope.results import plain
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
    method = request.method
    chosen: list[str] = []

    def usual(model: nn.Module) -> Sequence[str]:
        chosen[:] = usual_input(model)
        return chosen

    def with_inputs(model: nn.Module) -> Inputs | None:
        return _call.inputs(model, type(model).__name__, request, usual)

    def by_default() -> str:
        flags = " ".join(f"{OPTION} {text}" for text in chosen) if guessed else ""
        return f" by default ({flags})" if flags else ""

    def described(model: nn.Module, inputs: Inputs | None) -> Subject:
        given = ", ".join("×".join(map(str, x.shape)) for x in inputs.shapes()) if inputs else ""
        called = f" · {method}()" if method else ""
        return Subject(
            name=title + called + (f" · input {given}" if given else "") + by_default(),
            model=model,
            inputs=inputs,
            origin=origin,
            config=plain(config),
        )

    def on_cpu(step: Callable[[], T]) -> T:
        import torch

        with torch.device("cpu"):  # what the user's code computes is not to be on shapes alone
            return step()

    def prepared() -> Make:
        make = on_cpu(prepare)

        def finished() -> nn.Module:
            from archscope.running.method import calling
            from archscope.running.nesting import require_walkable

            model = make()
            require_walkable(model)
            model = calling(model, method)
            size_lazy_layers(model, lambda: with_inputs(model))
            return model

        return finished

    def subject() -> Subject:
        make = prepared()
        model = _on_shapes(make)
        if model is None:
            model = on_cpu(make)
            return described(model, with_inputs(model))
        inputs = with_inputs(model)
        if inputs is not None and _weighs(model) <= _LARGEST and not runs_on_shapes(model, inputs):
            model = on_cpu(make)
            return described(model, with_inputs(model))
        return replace(described(model, inputs), whole=lambda: whole().model)

    def whole() -> Subject:
        from archscope.running.device import default_device

        device = default_device()
        if device.type == "meta":
            return subject()
        model = with_data(prepared()(), device)
        return described(model, with_inputs(model))

    def own() -> Subject:
        model = on_cpu(prepared())
        return described(model, with_inputs(model))

    return Network(
        name=title,
        origin=origin,
        subject=subject,
        whole=whole,
        own=own if origin.partition(":")[0] in _OF_CODE else None,
    )


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
    if any(b.is_meta for b in model.buffers()) and _weighs(model) <= _LITTLE:
        return None
    sys.stderr.write(said.getvalue())
    return model


def _weighs(model: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in model.parameters())
