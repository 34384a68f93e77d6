"""Names a network in a file of the user's own: `./net.py:UNet`, `net.py:make(depth=12)`."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError, did_you_mean
from archscope.files import at_home
from archscope.loaders import Loader, _code, _target, _users_network
from archscope.subject import Network, Request

if TYPE_CHECKING:
    from torch import nn

_FORM = re.compile(r"(?!(?:hf|timm):)(?P<path>.*?\.(?:py|ipynb))(?::(?P<target>.*))?", re.DOTALL)


def accepts(text: str) -> bool:
    """Return whether `text` is a Python file, with a name in it or without."""
    return _FORM.fullmatch(text) is not None


def load(text: str, request: Request) -> Network:
    """Return the network; its file is run when the network is first asked for."""
    found = _FORM.fullmatch(text)
    assert found is not None
    path = _existing(found["path"])
    target = None if not found["target"] else _target.parse(found["target"])
    file = _code.shown(path)

    def prepare() -> Callable[[], nn.Module]:
        module = _code.import_file(path)
        aim = target or _target.Target(name=_only(module, file))
        where = f"{file}:{aim.name}"
        held = _target.find(module, aim, file)
        make = _target.maker(held, aim, request.arguments, where)

        def made() -> nn.Module:
            result = _code.run(make, where, folder=path.parent, program=str(path))
            return _target.network_of(result, where, held, aim.part)

        return made

    arguments = {**(target.kwargs if target else {}), **request.arguments}
    return _users_network.network(
        title=f"{found['target'] or path.stem} · {file}",
        origin=f"file:{file.removeprefix('./')}",
        prepare=prepare,
        request=request,
        config=arguments,
    )


def _existing(text: str) -> Path:
    path = at_home(text)
    if path.suffix == ".ipynb":
        raise UsageError(
            f"{text} is a notebook; call archscope.params(model, inputs) in it, or put the network "
            "into a Python file"
        )
    if path.is_file():
        return path.resolve()
    if path.is_dir():
        raise UsageError(f"{text} is a folder, not a Python file")
    folder = path.parent
    if not folder.is_dir():
        raise UsageError(f"{text} does not exist: there is no folder {folder}")
    near = did_you_mean(
        path.name, sorted(file.name for file in folder.glob("*.py") if file.is_file())
    )
    raise UsageError(f"{text} does not exist.{near}")


def _only(module: ModuleType, file: str) -> str:
    """Return the name of the one network that a file defines; raises `UsageError`."""
    names = _networks(module)
    if len(names) == 1:
        return names[0]
    if not names:
        raise UsageError(f"{file} defines no torch.nn.Module; name what makes one: {file}:NAME")
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    raise UsageError(f"{file} defines {listed}; say which: {file}:{names[0]}")


def _networks(module: ModuleType) -> list[str]:
    """Return the public names of a file's own networks, the last defined first.

    What is defined last is made of what stands before it, so it is the likeliest to be meant.
    Classes and functions that say that they return a network; where there are none, functions that
    can be called without arguments; at last, networks that are made already.
    """
    from torch import nn

    public = {name: v for name, v in vars(module).items() if not name.startswith("_")}
    own = {n: v for n, v in public.items() if getattr(v, "__module__", "") == module.__name__}
    classes = [n for n, v in own.items() if isinstance(v, type) and issubclass(v, nn.Module)]
    functions = {n: v for n, v in own.items() if inspect.isfunction(v)}
    makers = [name for name, function in functions.items() if _returns_network(function)]
    free = [name for name, function in functions.items() if _needs_nothing(function)]
    made = [name for name, value in public.items() if isinstance(value, nn.Module)]
    found = classes + makers or free or made
    order = list(public)
    return sorted(found, key=order.index, reverse=True)


def _returns_network(function: Any) -> bool:
    from torch import nn

    try:
        hint = typing.get_type_hints(function).get("return")
    except Exception:  # an annotation may name what is not there
        return False
    return isinstance(hint, type) and issubclass(hint, nn.Module)


def _needs_nothing(function: Any) -> bool:
    return all(
        parameter.default is not parameter.empty or parameter.kind in (2, 4)
        for parameter in inspect.signature(function).parameters.values()
    )


LOADER = Loader(
    name="file",
    summary="a class or function in your own file, e.g. ./net.py:UNet; runs the file",
    accepts=accepts,
    load=load,
)
