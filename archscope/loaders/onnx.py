"""Names a network by an ONNX file: `./model.onnx`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archscope.errors import UsageError
from archscope.loaders import Loader, _inputs, _weights_file
from archscope.subject import Network, Request

if TYPE_CHECKING:
    from archscope.stored.onnx_graph import Given
    from archscope.stored.tensors import Stored

FORM = "onnx"
ENDING = ".onnx"


def accepts(text: str) -> bool:
    """Return whether `text` ends as an ONNX file."""
    return text.lower().endswith(ENDING)


def load(text: str, request: Request) -> Network:
    """Return the network; weights that stand in other files are not looked at."""
    given = dict(_shapes(request))
    path = _weights_file.existing(text, (ENDING,))
    return _weights_file.network(path, FORM, partial(read, given=given), request, has_inputs=True)


def _shapes(request: Request) -> dict[str, tuple[int, ...]]:
    """Return what the request says of inputs, by name or place; raises `UsageError`."""
    found = {}
    for place, each in enumerate(map(_inputs.parse, request.input_shapes)):
        name = ".".join(each.path) if each.path else str(place)
        if not all(type(size) is int and size > 0 for size in each.shape):
            raise UsageError(f"--input-shape: {name} needs sizes of at least 1")
        found[name] = tuple(each.shape)
    return found


def read(path: Path, shown: str, given: Given) -> Stored:
    """Return what a file holds; raises `UsageError`."""
    from archscope.stored import onnx_graph
    from archscope.stored.tensors import Stored

    found = onnx_graph.read(path, shown, given)
    program = found.program

    def graph(device: str) -> object:
        from archscope.running.stored_graph import graph

        return graph(program, found.held, device)

    return Stored(
        form=FORM,
        held=found.held,
        facts=found.facts,
        notes=found.notes,
        steps=found.steps,
        inputs=found.inputs,
        graph=None if program.why_not else graph,
        no_graph=program.why_not,
    )


LOADER = Loader(
    name="onnx",
    summary="an ONNX graph with weights, e.g. ./model.onnx; MACs follow from its shapes",
    accepts=accepts,
    load=load,
)
"""The loader of such files."""
