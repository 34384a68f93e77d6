"""ptflops' `get_model_complexity_info` as it ships, with its default backend."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from archscope.counting.others._tool import Figures, Tool, Unfit
from archscope.subject import Inputs


def count(model: nn.Module, inputs: Inputs) -> Figures:
    """Count by rules for kinds of modules, and by functions that it replaces meanwhile."""
    from ptflops import get_model_complexity_info

    named = _by_name(model, inputs)
    listening = _Listening(model)
    macs, params = get_model_complexity_info(
        model,
        (1,),
        input_constructor=lambda _: named,
        print_per_layer_stat=True,
        as_strings=False,
        ost=listening,
    )
    if macs is None or params is None:
        raise Unfit("ptflops gave up in its forward pass")
    return Figures(
        params=int(params),
        macs=int(macs),
        modules={path: {"": number} for path, number in listening.work.items() if number},
    )


def _by_name(model: nn.Module, inputs: Inputs) -> Any:
    """Return the inputs as ptflops takes them: one tensor, or a dictionary of arguments."""
    if len(inputs.args) == 1 and not inputs.kwargs and isinstance(inputs.args[0], torch.Tensor):
        return inputs.args[0]
    call = inspect.signature(model.forward).bind(*inputs.args, **inputs.kwargs)
    by_name = {**dict(zip(call.signature.parameters, call.args, strict=False)), **call.kwargs}
    return {name: by_name[name] for name in call.arguments if name in by_name}


class _Listening:
    """A stream for its report: when that is written, each module still holds its figure."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.work: dict[str, int] = {}

    def write(self, _: str) -> None:
        batch = getattr(self._model, "__batch_counter__", 1) or 1
        for path, module in self._model.named_modules():
            figure = getattr(module, "__flops__", None)
            if figure is not None:
                self.work[path] = int(figure) // int(batch)

    def flush(self) -> None:
        """A stream has this."""


TOOL = Tool(
    name="ptflops",
    package="ptflops",
    convention="MACs of one item, with biases and elementwise work",
    count=count,
    on_shapes=False,  # it would hear torch's own functions that work out shapes
)
