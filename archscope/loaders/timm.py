"""Names a network of the timm package, without its weights: `timm:resnet50`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archscope.errors import UsageError, did_you_mean
from archscope.loaders import Loader, _code, _target, _users_network
from archscope.subject import Network, Request

if TYPE_CHECKING:
    from torch import nn

_PREFIX = "timm:"


def accepts(text: str) -> bool:
    """Return whether `text` begins with `timm:`."""
    return text.startswith(_PREFIX)


def load(text: str, request: Request) -> Network:
    """Return the network; its input, unless one is given, is the one that timm states."""
    name, target = _read(text.removeprefix(_PREFIX))
    arguments = {**target.kwargs, **request.arguments}

    def prepare() -> Callable[[], nn.Module]:
        timm = _code.imported("timm", "timm")
        if name.partition(".")[0] not in timm.list_models():
            near = did_you_mean(name, timm.list_models())
            raise UsageError(f"timm has no model {name!r}.{near}")

        def make() -> nn.Module:
            made: nn.Module = _code.run(
                lambda: timm.create_model(name, pretrained=False, **arguments),
                text,
                folder=Path.cwd(),
            )
            return made

        return make

    return _users_network.network(
        title=f"{text.removeprefix(_PREFIX)} · timm",
        origin=f"timm:{name}",
        prepare=prepare,
        request=request,
        config=arguments,
        usual_input=_usual_input,
    )


def _read(text: str) -> tuple[str, _target.Target]:
    """Return the model's name and its arguments; names may hold what Python's may not."""
    found = re.fullmatch(r"([\w.-]+)(\(.*\))?", text, re.DOTALL)
    if found is None:
        raise UsageError(f"'{_PREFIX}{text}' names no model; write e.g. timm:resnet50")
    target = _target.parse(f"model{found[2] or ''}")
    if target.args:
        raise UsageError(f"timm takes arguments by name: {_PREFIX}{found[1]}(num_classes=10)")
    return found[1], target


def _usual_input(model: nn.Module) -> Sequence[str]:
    """Return the input that timm states for a model, as `--input-shape` would give it."""
    stated = getattr(model, "default_cfg", None) or {}
    size = stated.get("input_size")
    return [",".join(map(str, (1, *size)))] if size else []


LOADER = Loader(
    name="timm",
    summary="a model of the timm package, e.g. timm:resnet50; downloads nothing",
    accepts=accepts,
    load=load,
)
