"""calflops' `calculate_flops` as it ships."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Any

from torch import nn

from archscope.counting.others._tool import Figures, Tool
from archscope.subject import Inputs


def count(model: nn.Module, inputs: Inputs) -> Figures:
    """Count by functions that it replaces meanwhile."""
    from calflops import calculate_flops

    listening = _Listening(model)
    with redirect_stdout(listening):
        _, macs, params = calculate_flops(
            model,
            args=list(inputs.args),
            kwargs=dict(inputs.kwargs),
            print_results=True,
            print_detailed=False,
            output_as_string=False,
        )
    return Figures(
        params=int(params),
        macs=int(macs),
        modules={path: {"": number} for path, number in listening.work.items() if number},
    )


class _Listening:
    """Takes its report: when that is printed, each module still holds its figure."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.work: dict[str, int] = {}

    def write(self, text: str) -> Any:
        for path, module in self._model.named_modules():
            figure = getattr(module, "__macs__", None)
            if figure is not None:
                self.work[path] = int(figure)
        return sys.stderr.write(text)

    def flush(self) -> None:
        """A stream has this."""


TOOL = Tool(
    name="calflops",
    package="calflops",
    convention="MACs; parameters that are trained",
    count=count,
)
