"""Names a network in a module that Python can import: `package.module:make(depth=12)`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from archscope.errors import LoadError, UsageError, did_you_mean
from archscope.families import FAMILIES
from archscope.loaders import LOADERS, Loader, _code, _target, _users_network
from archscope.subject import Network, Request

if TYPE_CHECKING:
    from torch import nn

_FORM = re.compile(
    r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<target>[^\W\d][\w.]*(\(.*\)[\w.]*)?)", re.DOTALL
)


def accepts(text: str) -> bool:
    """Return whether `text` is a module and a name in it, and no other form."""
    if _FORM.fullmatch(text) is None:
        return False
    others = (LOADERS.get(name) for name in LOADERS.names() if name != LOADER.name)
    return not any(other.accepts(text) for other in others)


def load(text: str, request: Request) -> Network:
    """Return the network; its module is imported when the network is first asked for."""
    found = _FORM.fullmatch(text)
    assert found is not None
    name, target = found["module"], _target.parse(found["target"])

    def prepare() -> Callable[[], nn.Module]:
        module = _imported(name)
        held = _target.find(module, target, _where(name, module))
        make = _target.maker(held, target, request.arguments, text)

        def made() -> nn.Module:
            result = _code.run(make, f"{name}:{target.name}", folder=Path.cwd())
            return _target.network_of(result, f"{name}:{target.name}", held, target.part)

        return made

    return _users_network.network(
        title=f"{found['target']} · {name}",
        origin=f"module:{name}",
        prepare=prepare,
        request=request,
        config={**target.kwargs, **request.arguments},
    )


def _imported(name: str) -> ModuleType:
    """Import a module, with the working folder among those that are searched."""
    if name in sys.modules:
        return sys.modules[name]
    try:
        return _code.run(
            lambda: import_module(name), f"{_code.IMPORTING} {name}", folder=Path.cwd()
        )
    except LoadError as error:
        missing = error.__cause__
        if isinstance(missing, ModuleNotFoundError) and _begins(name, str(missing.name)):
            raise UsageError(_not_found(name, str(missing.name))) from None
        raise


def _begins(name: str, missing: str) -> bool:
    return name == missing or name.startswith(f"{missing}.")


def _not_found(name: str, missing: str) -> str:
    here = sorted({path.stem for path in Path().glob("*.py")})
    folders = sorted(path.parent.name for path in Path().glob("*/__init__.py"))
    near = did_you_mean(missing, [*here, *folders, *FAMILIES.names()])
    return (
        f"no module {missing!r} is in the working folder or installed"
        + (f" (for {name})" if name != missing else "")
        + f".{near}"
    )


def _where(name: str, module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    return f"module {name!r}" + (f" ({_code.shown(Path(file))})" if file else "")


LOADER = Loader(
    name="module",
    summary="a class or function of a Python module, e.g. package.nets:build; imports the module",
    accepts=accepts,
    load=load,
)
