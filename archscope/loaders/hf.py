"""Names a network of the transformers package by a folder with its config.json: `hf:FOLDER`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError, did_you_mean
from archscope.files import at_home
from archscope.loaders import Loader, _call, _code, _users_network
from archscope.subject import Network, Request

if TYPE_CHECKING:
    from torch import nn

_PREFIX = "hf:"
_FORM = re.compile(r"hf:(?P<folder>.+?)(?::(?P<cls>[A-Za-z_]\w*))?")
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_GENERAL = "AutoModel"


def accepts(text: str) -> bool:
    """Return whether `text` begins with `hf:`."""
    return text.startswith(_PREFIX)


def load(text: str, request: Request) -> Network:
    """Return the network that a configuration describes; no weights are read, nothing fetched."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} names no folder; write e.g. hf:./bert or hf:./bert:AutoModel")
    folder = _existing(found["folder"])
    words = _config_words(folder)
    wanted = found["cls"] or _class_of(words)

    def prepare() -> Callable[[], nn.Module]:
        with _offline():
            transformers = _code.imported("transformers", "hf")
            config, strange = _code.run(
                lambda: transformers.AutoConfig.from_pretrained(
                    str(folder),
                    local_files_only=True,
                    return_unused_kwargs=True,
                    **request.arguments,
                ),
                f"reading {_code.shown(folder / 'config.json')}",
                folder=Path.cwd(),
            )
            for field in strange:
                near = did_you_mean(field, list(config.to_dict()))
                raise UsageError(f"{type(config).__name__} has no field {field!r}.{near}")
            cls = _class(transformers, wanted, explicit=found["cls"] is not None)

        def make() -> nn.Module:
            build = getattr(cls, "from_config", None) or getattr(cls, "_from_config", cls)
            with _offline():
                made: nn.Module = _code.run(
                    lambda: build(config), f"making {cls.__name__}", folder=Path.cwd()
                )
            return made

        return make

    return _users_network.network(
        title=f"{wanted} · {_code.shown(folder)}",
        origin=f"hf:{_code.shown(folder).removeprefix('./')}",
        prepare=prepare,
        request=request,
        config={**words, **request.arguments},
        usual_input=_call.usual,
        guessed=True,
    )


def _existing(text: str) -> Path:
    path = at_home(text)
    folder = path.parent if path.name == "config.json" and path.is_file() else path
    if not folder.is_dir():
        raise UsageError(
            f"hf:{text}: no such folder; archscope reads a local config.json and downloads nothing"
        )
    if not (folder / "config.json").is_file():
        raise UsageError(f"hf:{text}: the folder holds no config.json")
    return folder.resolve()


def _config_words(folder: Path) -> dict[str, Any]:
    """Return what a configuration says, as JSON; raises `UsageError`."""
    from archscope.stored.reading import read_json

    path = _code.shown(folder / "config.json")
    words = read_json(folder / "config.json", path)
    if "model_type" not in words:
        raise UsageError(f"{path} names no model_type; it is not a configuration of transformers")
    if "auto_map" in words:
        raise UsageError(
            f"{path} needs code of its own (auto_map), which is not run; "
            "name its class by ./file.py:Class"
        )
    return words


def _class_of(words: dict[str, Any]) -> str:
    """Return the class that a configuration was saved with, else the general one."""
    saved = words.get("architectures")
    return str(saved[0]) if isinstance(saved, list) and saved else _GENERAL


def _class(transformers: Any, name: str, *, explicit: bool) -> Any:
    found = getattr(transformers, name, None)
    if isinstance(found, type) and (
        hasattr(found, "from_config") or hasattr(found, "_from_config")
    ):
        return found
    if not explicit:  # a class that this version of transformers does not have
        return transformers.AutoModel
    names = [word for word in dir(transformers) if "Model" in word or "For" in word]
    raise UsageError(f"transformers has no model class {name!r}.{did_you_mean(name, names)}")


@contextmanager
def _offline() -> Iterator[None]:
    """Keep transformers off the network; it reads these when it is imported."""
    before = {name: os.environ.get(name) for name in _OFFLINE}
    os.environ.update(dict.fromkeys(_OFFLINE, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


LOADER = Loader(
    name="hf",
    summary="a model of the transformers package, e.g. hf:FOLDER with a config.json; no weights",
    accepts=accepts,
    load=load,
)
