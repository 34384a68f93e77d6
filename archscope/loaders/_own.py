"""A network of the user's own, made by the user's code: on shapes alone where that can be."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

from archscope.errors import LoadError
from archscope.loaders import _call
from archscope.results import plain
from archscope.subject import Inputs, Network, Request, Subject

if TYPE_CHECKING:
    from torch import nn

Make = Callable[[], "nn.Module"]
"""Makes the network by running the user's code; raises `LoadError` or `UsageError`."""
Prepare = Callable[[], Make]
"""Imports the user's code, which is to run as it stands, and returns what makes the network."""
_LARGEST = 8 * 2**30
"""Bytes of weights up to which a network is made for real where shapes alone do not do."""


def network(
    *,
    title: str,
    origin: str,
    prepare: Prepare,
    request: Request,
    config: Mapping[str, Any],
    usual_input: Callable[[nn.Module], Sequence[str]] = lambda model: (),
) -> Network:
    """Return the network that the user's code makes.

    `usual_input` tells what it is called with where the request does not say, in the words of
    `--input-shape`.
    """

    def with_inputs(model: nn.Module) -> Inputs | None:
        shapes = request.input_shapes or tuple(usual_input(model))
        wanted = Request(input_shapes=shapes, parameters_alone=request.parameters_alone)
        return _call.inputs(model, type(model).__name__, wanted)

    def described(model: nn.Module, inputs: Inputs | None) -> Subject:
        given = ", ".join("×".join(map(str, x.shape)) for x in inputs.shapes()) if inputs else ""
        return Subject(
            name=title + (f" · input {given}" if given else ""),
            model=model,
            inputs=inputs,
            origin=origin,
            config=plain(config),
        )

    def prepared() -> Make:
        import torch

        with torch.device("cpu"):  # what an import computes is not to be on shapes alone
            return prepare()

    def subject() -> Subject:
        make = prepared()
        model = _on_shapes(make)
        if model is None:
            model = make()
            return described(model, with_inputs(model))
        inputs = with_inputs(model)
        if inputs is not None and _weighs(model) <= _LARGEST and not _runs_on_shapes(model, inputs):
            model = make()
            inputs = with_inputs(model)
        return described(model, inputs)

    def whole() -> Subject:
        import torch

        device = torch.get_default_device()
        if device.type == "meta":
            return subject()
        model = prepared()().to(device)
        return described(model, with_inputs(model))

    return Network(name=title, origin=origin, subject=subject, whole=whole)


def _on_shapes(make: Make) -> nn.Module | None:
    """Return the network without memory for its weights; None where it cannot be made so."""
    from archscope.networks.shapes import shapes_only

    said = io.StringIO()
    try:
        with shapes_only(), redirect_stderr(said):
            model = make()
    except LoadError:
        return None  # made for real it may not raise; if it does, that is the error to show
    sys.stderr.write(said.getvalue())
    return model


def _weighs(model: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in model.parameters())


def _runs_on_shapes(model: nn.Module, inputs: Inputs) -> bool:
    """Return whether forward runs where weights and inputs have no data."""
    import torch
    from torch.utils._pytree import tree_map

    from archscope.counting.execution import ShapesOnly
    from archscope.running.as_found import left_as_found, meta_twin, move_to_meta

    if not any(parameter.is_meta for parameter in model.parameters()):
        return True  # it has its data; counting falls back to that by itself

    def bodiless(leaf: Any) -> Any:
        if isinstance(leaf, torch.Tensor):
            return meta_twin(leaf) if leaf.is_floating_point() else leaf.clone()
        return leaf

    for constants_too in (False, True):
        with left_as_found(model), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                move_to_meta(model)
                for module in model.modules():
                    module.training = False
                args, kwargs = tree_map(bodiless, (inputs.args, dict(inputs.kwargs)))
                silent = redirect_stdout(io.StringIO())
                with silent, ShapesOnly(constants_too=constants_too):
                    model(*args, **kwargs)
            except Exception:
                continue
            return True
    return False
