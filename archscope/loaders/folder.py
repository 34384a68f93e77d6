"""Names a network by the folder that holds its configuration, its weights, or both: `./bert`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archscope import presets
from archscope.errors import UsageError
from archscope.families import FAMILIES
from archscope.files import at_home
from archscope.loaders import Loader, _code, _weights_file, checkpoint, gguf, hf, safetensors
from archscope.loaders._fields import names_one
from archscope.subject import Network, Request

if TYPE_CHECKING:
    from archscope.stored.shards import Together
    from archscope.stored.tensors import Entry, Stored

_Join = Callable[["Together"], "Stored"]
_ReadOne = Callable[[Path, str], "list[Entry]"]
NAME = "config.json"


def accepts(text: str) -> bool:
    """Return whether `text` is a folder with a configuration or weights, and no known name."""
    if not text or len(text) > 4096 or "\0" in text or names_one(text, FAMILIES.names()):
        return False
    try:
        path = _folder(text)
        if path is None or names_one(text, presets.names()):
            return False
        return (path / NAME).is_file() or _weights(path) is not None
    except OSError:
        return False


def load(text: str, request: Request) -> Network:
    """Return the network of its configuration, held against its weights where there are any."""
    path = _folder(text)
    assert path is not None
    found = _weights(path)
    if found is None or Path(text).name == NAME:
        return hf.load(f"hf:{path}", request)
    form, read = found
    return _weights_file.network(path, form, read, request)


def _folder(text: str) -> Path | None:
    path = at_home(text)
    if path.name == NAME and path.is_file():
        return path.parent
    return path if path.is_dir() else None


def _weights(folder: Path) -> tuple[str, _weights_file.Read] | None:
    """Return the form of a folder's weights and what reads them; None: there are none."""
    from archscope.stored import shards

    for ending in (safetensors.ENDING, *checkpoint.ENDINGS, gguf.ENDING):
        files = shards.in_folder(folder, ending)
        if files:
            return _reader(ending, files)
    return None


def _reader(ending: str, files: list[Path]) -> tuple[str, _weights_file.Read]:
    from archscope.stored import safetensors as headers

    if ending == gguf.ENDING:
        return gguf.FORM, partial(_one, files, gguf.read)
    if ending == safetensors.ENDING:
        join: _Join = safetensors.of_several
        return safetensors.FORM, partial(_several, files, safetensors.read, headers.read, join)
    join = checkpoint.of_several
    return checkpoint.FORM, partial(_several, files, checkpoint.read, _entries, join)


def _entries(path: Path, shown: str) -> list[Entry]:
    from archscope.stored import checkpoint as torch_files

    return torch_files.read(path, shown)[0]


def _one(files: list[Path], read: _weights_file.Read, folder: Path, shown: str) -> Stored:
    from archscope.stored import gguf as headers

    first = headers.read(files[0], _code.shown(files[0]))
    if len(files) > 1 and first.facts.get("split.count", 1) != len(files):
        raise UsageError(
            f"{shown} holds {len(files)} GGUF files; name the one that is meant, e.g. "
            f"{_code.shown(files[0])}"
        )
    return read(files[0], _code.shown(files[0]))


def _several(
    files: list[Path],
    read: _weights_file.Read,
    one: _ReadOne,
    join: _Join,
    folder: Path,
    shown: str,
) -> Stored:
    from archscope.stored import shards

    if len(files) == 1:
        return read(files[0], _code.shown(files[0]))
    found = join(shards.of_files(files, f"{shown}/", one))
    return replace(found, files=len(files))


LOADER = Loader(
    name="folder",
    summary="a folder with a config.json of transformers, with weights, or with both, e.g. ./bert",
    accepts=accepts,
    load=load,
)
"""The loader of folders."""
