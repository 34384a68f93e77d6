"""Records a forward pass as a graph: on shapes alone where it can, otherwise on data.

The pass runs eagerly under torch's dispatcher, so that whatever Python does (dictionaries,
dataclasses, loops, control flow over masks) is simply run. Inputs have no data; what does not
depend on them keeps its data, because masks and indices decide who sees whom. The writes that eager
code makes are turned into new values by `aliases`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import nn

from archscope.dependence.record.graph import Graph
from archscope.dependence.record.recorder import Recorder
from archscope.dependence.record.shape_recorder import ShapeRecorder
from archscope.running.as_found import in_place
from archscope.running.as_written import as_written
from archscope.running.process import random_as_found
from archscope.running.twin import (
    Original,
    ReachedOriginalError,
    Twin,
    copied,
    evaluate,
    own,
    with_data,
)
from archscope.subject import Inputs


def capture(
    model: nn.Module,
    inputs: Inputs,
    studied: tuple[str, ...],
    *,
    data: bool = False,
    constants: bool = True,
    altered: Mapping[int, int] | None = None,
    other: bool = False,
) -> Graph:
    """Run a copy of the model in evaluation mode and return what ran.

    `studied` names the inputs (see `input_tensors`) that values depend on; the others count as
    constants. With `data` all runs for real, which control flow over values needs. Without
    `constants` what the forward makes for itself has no data either, for operators that insist on
    one device for all. `altered` says of reads, by number, how much is added to what Python gets
    (see `reads`), and with `other` it runs on other numbers than those given (see `hidden`). What
    the forward raises is the graph's `failure`, beside what was recorded until then.
    """
    made = partial(Recorder, data=data, constants=constants, altered=altered, other=other)
    return _recorded(model, inputs, studied, made)


def capture_shapes(
    model: nn.Module, inputs: Inputs, studied: tuple[str, ...], *, within: str = ""
) -> Graph:
    """Run it on shapes for its outputs alone, and the calls of the module `within`: a path; no node
    is kept, and no more is asked of the way than that it runs.
    """
    return _recorded(model, inputs, studied, partial(ShapeRecorder, within=within), shares=True)


def _recorded(
    model: nn.Module,
    inputs: Inputs,
    studied: tuple[str, ...],
    made: Callable[[nn.Module, Original | None], Recorder],
    *,
    shares: bool = False,
) -> Graph:
    """Return what a recorder sees of a copy; with `shares` that reads weights where they lie, if it
    only reads them.
    """
    original = Original(model, inputs)

    def record(twin: Twin, memory: Original | None) -> Graph:
        return made(twin.model, memory).run(twin.inputs, studied)

    chance_as_found = random_as_found()
    with as_written():
        try:
            with original.out_of_reach(writes=False):
                return record(with_data(original, shares=shares), original)
        except ReachedOriginalError:
            if shares:  # a forward that writes to its weights runs with weights of its own
                return _recorded(model, inputs, studied, made)
            with in_place(model, inputs):
                evaluate(model)
                return record(Twin(model=model, inputs=copied(inputs, own)), None)
        finally:
            chance_as_found()
