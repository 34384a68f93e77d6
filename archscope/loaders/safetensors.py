"""Names a network by the safetensors files that hold its weights: `./model.safetensors`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archscope.loaders import Loader, _weights_file
from archscope.subject import Network, Request

if TYPE_CHECKING:
    from archscope.stored.roles import Value
    from archscope.stored.shards import Together
    from archscope.stored.tensors import Entry, Stored

FORM = "safetensors"
ENDING = ".safetensors"


def accepts(text: str) -> bool:
    """Return whether `text` ends as such a file, or as the index of several."""
    return text.lower().endswith((ENDING, ENDING + _weights_file.INDEX))


def load(text: str, request: Request) -> Network:
    """Return the network; of the file its header is read, and nothing more."""
    return _weights_file.network(_weights_file.existing(text, (ENDING,)), FORM, read, request)


def read(path: Path, shown: str) -> Stored:
    """Return what a file, or the files of an index, hold; raises `UsageError`."""
    from archscope.stored import safetensors, shards

    if path.name.endswith(_weights_file.INDEX):
        return of_several(shards.of_index(path, shown, safetensors.read))

    def value(entry: Entry) -> bytes | None:
        return safetensors.value(path, shown, entry)

    return stored(safetensors.read(path, shown), value)


def of_several(found: Together) -> Stored:
    """Return what several files hold together."""
    from archscope.stored import safetensors

    def value(entry: Entry) -> bytes | None:
        return safetensors.value(found.where(entry.file), entry.file, entry)

    return stored(found.entries, value, found.files, found.notes)


def stored(
    entries: Sequence[Entry],
    value: Value,
    files: int = 1,
    notes: tuple[str, ...] = (),
) -> Stored:
    """Return tensors with what each is for."""
    from archscope.stored import roles
    from archscope.stored.tensors import Stored

    held = roles.held_of(entries, value)
    return Stored(form=FORM, held=held, files=files, notes=(*notes, *roles.notes_of(held)))


LOADER = Loader(
    name="safetensors",
    summary="weights, e.g. ./model.safetensors; with a config.json beside it, the whole network",
    accepts=accepts,
    load=load,
)
"""The loader of such files."""
