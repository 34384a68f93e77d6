"""Tries a forward on shapes alone, on a copy."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from archscope.running.attributes import parameters_of
from archscope.subject import Inputs

if TYPE_CHECKING:
    from torch import nn


def runs_on_shapes(model: nn.Module, inputs: Inputs) -> bool:
    """Return whether forward runs where weights and inputs have no data."""
    from archscope.running.process import process_as_found

    return process_as_found(lambda: _runs_on_shapes(model, inputs))


def _runs_on_shapes(model: nn.Module, inputs: Inputs) -> bool:
    import torch

    from archscope.counting.execution import KEPT, AddressesRefused, ShapesOnly
    from archscope.running.as_written import as_written
    from archscope.running.prints import prints_to_stderr
    from archscope.running.twin import Original, on_shapes

    if not any(parameter.is_meta for parameter in parameters_of(model)):
        return True  # it has its data; counting falls back to that by itself

    original = Original(model, inputs)
    for kept in KEPT:
        with torch.no_grad(), as_written(), prints_to_stderr(), redirect_stdout(io.StringIO()):
            try:
                twin = on_shapes(original, constants_too=kept == "none")
                with ShapesOnly(kept=kept, original=original), AddressesRefused():
                    twin.run()
            except Exception:
                continue
            return True
    return False
