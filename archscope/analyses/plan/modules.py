"""A network without the closed forms of a family: its modules as they were built.

What they multiply and keep comes from steps on shapes, which take torch. Modules go together up to
the first number in their names, as `layer1.0` or `blocks.3`: a pipeline is cut there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from archscope.analyses.memory.notes import recurrent_in
from archscope.blocks.saved_activations import RECURRENT
from archscope.errors import ArchscopeError, first_line
from archscope.running.process import process_as_found
from archscope.subject import Subject
from archscope.theory.census import Counted
from archscope.theory.counts import ClosedForm
from archscope.theory.saved_activations import SavedActivations, SavedPart, SavedTensor, Way
from archscope.theory.stages import Layer, Part, Stages
from archscope.training.folding import block_of, names, times_saved
from archscope.training.number_types import NUMBER_TYPES
from archscope.training.recipe import Recipe, Recompute
from archscope.training.step import Forward, run_forward
from archscope.training.work import Work, count_step

if TYPE_CHECKING:
    from torch import nn

_UNIT = re.compile(r"((?:[^.\d][^.]*\.)*\d+)(?:\.|$)")


def stages_of(subject: Subject) -> Stages:
    """Return modules that go together as parts, in the order of their names in the network.

    Raises `ForwardError` where it cannot be run, `ArchscopeError` where nothing can be trained.
    """
    return process_as_found(lambda: _stages_of(subject))


def _stages_of(subject: Subject) -> Stages:
    work, held = count_step(subject, Recipe()), _Held(subject.model)
    layers: dict[str, list[Layer]] = {}
    for name, path in _every(work.types, work):
        layers.setdefault(_unit(name), []).extend(_layers(name, path, work, held))
    shapes = subject.inputs.shapes() if subject.inputs else ()
    return Stages(
        parts=tuple(
            Part(path=unit, layers=tuple(found), block=_is_block(unit), out=None)
            for unit, found in layers.items()
            if found
        ),
        samples=shapes[0].shape[0] if shapes and shapes[0].shape else 1,
        undivided="it is not known how GPUs divide these modules",
        idle=_idle(subject),
    )


def _idle(subject: Subject) -> int | None:
    """Return the parameters of experts that one token does not meet; None: that is unknown."""
    from archscope.analyses.params.analysis import run  # a forward shows what no layer states

    totals = next(each.totals for each in run(subject) if each.name == "modules")
    return None if totals.active is None else totals.trainable + totals.frozen - totals.active


def kept_of(
    subject: Subject, way: Way, number_type: str, units: Sequence[str] = ()
) -> SavedActivations | str:
    """Return what a step keeps of modules that go together, or why that is not known.

    `units`: those that there are parts of; what others keep is told of the one before. Empty: all.
    """
    if way.selective:
        return "a step on shapes runs whole blocks again, or none"
    recipe = Recipe(
        attention=way.attention, recompute=Recompute(every=way.every) if way.every else None
    )
    dtype = NUMBER_TYPES[number_type]
    try:
        step = process_as_found(lambda: run_forward(subject, recipe, dtype=dtype))
    except ArchscopeError as error:
        return first_line(error).partition(": ")[2]
    if recurrent_in(step.saved):
        return RECURRENT
    return SavedActivations(parts=tuple(_kept_parts(step, units)))


def _kept_parts(step: Forward, units: Sequence[str]) -> Iterator[SavedPart]:
    homes: dict[str, str] = {}
    home = units[0] if units else ""
    for unit in dict.fromkeys(_unit(name) for name, _ in _every(step.types, step)):
        home = unit if not units or unit in units else home
        homes[unit] = home
    sizes = dict.fromkeys(homes.values(), 0)
    for saved in step.saved:
        copies = list(names(saved.path, step.repeats))
        for name in copies[: times_saved(saved, step.repeats)]:
            sizes[homes[_unit(name)]] += saved.bytes
    for unit, size in sizes.items():
        tensor = SavedTensor(what="saved by autograd", form="n", symbols={"n": size}, type="byte")
        yield SavedPart(path=unit, tensors=(tensor,), block=_is_block(unit))


def _every(types: Iterable[str], ran: Work | Forward) -> Iterator[tuple[str, str]]:
    """Yield each module's name, and the path of the one that ran in its place."""
    for path in types:
        block = block_of(path, ran.repeats)
        if block is None:
            yield path, path
        elif path == block.path:  # all of a block, then all of the next
            inside = [each for each in types if each == path or each.startswith(f"{path}.")]
            for copy in dict.fromkeys(block.copies):
                yield from ((copy + each[len(path) :], each) for each in inside)


def _layers(name: str, path: str, work: Work, held: _Held) -> Iterator[Layer]:
    """Yield what a module holds and multiplies by itself: what is trained, then what is not."""
    block = block_of(path, work.repeats)
    runs = len(block.copies) if block is not None and block.shared else 1
    macs, backward = work.forward[path], work.by_weight[path] + work.by_input[path]
    for frozen, all_ in ((False, work.trains.get(path, 0)), (True, work.frozen.get(path, 0))):
        params = all_ - held.first_of_shared[path, frozen]
        if params or (macs and not frozen):
            form = ClosedForm(
                params="p", macs="0" if frozen else "m", symbols={"p": params, "m": macs}
            )
            counted = Counted(
                kind=work.types[path], form=form, outputs=0, times=runs, frozen=frozen
            )
            yield Layer(
                name=name,
                counted=counted,
                tensors=held.tensors[path, frozen],
                backward=0 if frozen else runs * backward,
            )
    for key, size, frozen in held.shared.get(path, ()):
        form = ClosedForm(params="p", macs="0", symbols={"p": size})
        counted = Counted(kind=work.types[path], form=form, outputs=0, frozen=frozen)
        copy = name.removesuffix(path[len(block.path) :]) if block is not None else ""
        yield Layer(name=name, counted=counted, weight=f"{key} {copy}", backward=0)


class _Held:
    """Which parameters each module holds: by itself, and together with others."""

    def __init__(self, model: nn.Module) -> None:
        holders: dict[int, list[str]] = {}
        every: dict[int, nn.Parameter] = {}
        for path, module in model.named_modules():
            for parameter in module._parameters.values():
                if parameter is not None:
                    every[id(parameter)] = parameter
                    holders.setdefault(id(parameter), []).append(path)
        self.tensors: Counter[tuple[str, bool]] = Counter()
        """Of each module, those that are frozen apart."""
        self.first_of_shared: Counter[tuple[str, bool]] = Counter()
        """Elements that a module holds first, and others too."""
        self.shared: dict[str, list[tuple[int, int, bool]]] = {}
        """Of each module what others hold too: what tells it, elements, whether it is frozen."""
        for key, paths in holders.items():
            size, frozen = every[key].numel(), not every[key].requires_grad
            if len(paths) == 1:
                self.tensors[paths[0], frozen] += 1
                continue
            self.first_of_shared[paths[0], frozen] += size
            for path in dict.fromkeys(paths):
                self.shared.setdefault(path, []).append((key, size, frozen))


def _unit(name: str) -> str:
    found = _UNIT.match(name)
    return found[1] if found else name.partition(".")[0]


def _is_block(unit: str) -> bool:
    return unit.rpartition(".")[2].isdigit()
