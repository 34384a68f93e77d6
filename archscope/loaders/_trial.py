"""Tries a forward on shapes alone, with the model left as found."""

from __future__ import annotations

import io
import warnings
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from archscope.subject import Inputs

if TYPE_CHECKING:
    from torch import nn


def runs_on_shapes(model: nn.Module, inputs: Inputs) -> bool:
    """Return whether forward runs where weights and inputs have no data."""
    import torch

    from archscope.counting.execution import ShapesOnly
    from archscope.running.as_found import bodiless, left_as_found, move_to_meta

    if not any(parameter.is_meta for parameter in model.parameters()):
        return True  # it has its data; counting falls back to that by itself

    for constants_too in (False, True):
        with left_as_found(model), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                move_to_meta(model)
                for module in model.modules():
                    module.training = False
                args, kwargs = bodiless((inputs.args, dict(inputs.kwargs)))
                silent = redirect_stdout(io.StringIO())
                with silent, ShapesOnly(constants_too=constants_too):
                    model(*args, **kwargs)
            except Exception:
                continue
            return True
    return False
