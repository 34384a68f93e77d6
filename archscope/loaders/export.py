"""Names a network by a program that `torch.export.save` wrote: `./model.pt2`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archscope.loaders import Loader, _weights_file
from archscope.subject import Network, Request

if TYPE_CHECKING:
    from archscope.stored.tensors import Stored

FORM = "export"
ENDING = ".pt2"


def accepts(text: str) -> bool:
    """Return whether `text` ends as an exported program."""
    return text.lower().endswith(ENDING)


def load(text: str, request: Request) -> Network:
    """Return the network of a graph, which runs on shapes; nothing is unpickled."""
    return _weights_file.network(_weights_file.existing(text, (ENDING,)), FORM, read, request)


def read(path: Path, shown: str) -> Stored:
    """Return what an archive holds; raises `UsageError`."""
    from archscope.stored import export, roles
    from archscope.stored.tensors import Stored

    program = export.read(path, shown)
    held = roles.held_of(program.entries)

    def graph(device: str) -> object:
        from archscope.running.stored_graph import graph

        return graph(program, held, device)

    return Stored(
        form=FORM,
        held=held,
        notes=(program.why_not,) if program.why_not else (),
        no_graph=program.why_not,
        inputs=program.inputs,
        graph=None if program.why_not else graph,
    )


LOADER = Loader(
    name="export",
    summary="a program saved by torch.export, e.g. ./model.pt2; its graph runs on shapes alone",
    accepts=accepts,
    load=load,
)
"""The loader of such files."""
