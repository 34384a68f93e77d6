"""Names a network by weights that torch saved: `./model.pt`; the pickle in it is never run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archscope.loaders import Loader, _weights_file
from archscope.subject import Network, Request

if TYPE_CHECKING:
    from archscope.stored.shards import Together
    from archscope.stored.tensors import Entry, Stored

FORM = "checkpoint"
ENDINGS = (".pt", ".pth", ".bin", ".ckpt")


def accepts(text: str) -> bool:
    """Return whether `text` ends as files of `torch.save` do, or as the index of several."""
    return text.lower().endswith((*ENDINGS, f".bin{_weights_file.INDEX}"))


def load(text: str, request: Request) -> Network:
    """Return the network that the weights are of."""
    return _weights_file.network(_weights_file.existing(text, ENDINGS), FORM, read, request)


def read(path: Path, shown: str) -> Stored:
    """Return what a file, or the files of an index, hold; raises `UsageError`."""
    from archscope.stored import checkpoint, roles, shards
    from archscope.stored.tensors import Stored

    if path.name.endswith(_weights_file.INDEX):
        return of_several(shards.of_index(path, shown, _entries))
    entries, notes = checkpoint.read(path, shown)
    held = roles.held_of(entries)
    return Stored(form=FORM, held=held, notes=(*notes, *roles.notes_of(held)))


def of_several(found: Together) -> Stored:
    """Return what several files hold together."""
    from archscope.stored import roles
    from archscope.stored.tensors import Stored

    held = roles.held_of(found.entries)
    return Stored(
        form=FORM, held=held, files=found.files, notes=(*found.notes, *roles.notes_of(held))
    )


def _entries(path: Path, shown: str) -> list[Entry]:
    from archscope.stored import checkpoint

    return checkpoint.read(path, shown)[0]


LOADER = Loader(
    name="checkpoint",
    summary="weights saved by torch, e.g. ./model.pt; the pickle is parsed, never run",
    accepts=accepts,
    load=load,
)
"""The loader of such files."""
