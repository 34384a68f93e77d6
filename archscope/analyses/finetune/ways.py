"""The usual ways to train a network, as settings of a step, and what a step does in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from glob import escape
from typing import TYPE_CHECKING

from archscope.analyses.finetune.settings import Settings
from archscope.analyses.memory.run_step import recipe_of, whole_where_cheap
from archscope.analyses.memory.settings import Settings as StepSettings
from archscope.errors import ArchscopeError, UsageError
from archscope.records import frozen
from archscope.running.attributes import part_of
from archscope.subject import Subject
from archscope.training.step import Step
from archscope.training.unfolding import unfolded
from archscope.training.work import Work, count_step

if TYPE_CHECKING:
    from torch import nn


@frozen
class Way:
    """One way to train a network, and what a step does then."""

    name: str
    trains: str
    """What is trained, in words."""
    settings: StepSettings
    step: Step
    work: Work


def ways(subject: Subject, asked: Settings, failures: list[str]) -> Iterator[Way]:
    """Yield each way that this network has, full training first; add why it has not another.

    Raises `ArchscopeError` where it cannot be trained at all, `UsageError` for what was typed and
    is no way of this network.
    """
    typed = {"frozen"} if asked.freeze else set()
    typed |= {"LoRA"} if asked.lora != Settings().lora else set()
    every = StepSettings(dtype=asked.dtype, optimizer=asked.optimizer)
    full = Way(
        name="full",
        trains="all",
        settings=every,
        step=whole_where_cheap(subject, every),
        work=count_step(subject, recipe_of(every)),
    )
    yield full
    for name, (trains, settings) in _others(subject, asked, every).items():
        try:
            step = whole_where_cheap(subject, settings)
            work = count_step(subject, recipe_of(settings))
        except ArchscopeError as error:
            if isinstance(error, UsageError) and name in typed:
                raise
            failures.append(f"{name}: {_why(error)}")
        else:
            yield Way(name=name, trains=trains, settings=settings, step=step, work=work)


def _why(error: ArchscopeError) -> str:
    """Return what stands in the way, without the name of the setting that nobody typed."""
    setting, colon, why = str(error).partition(": ")
    return why if colon and setting in ("lora", "recompute") else str(error)


def _others(
    subject: Subject, asked: Settings, every: StepSettings
) -> dict[str, tuple[str, StepSettings]]:
    """Return what is trained in the ways that spare something, and the settings of a step."""
    model = unfolded(subject).model if subject.repeats else subject.model
    last = last_layer(model)
    found = {
        "frozen": (f"{last} alone", replace(every, freeze=all_but(model, last))),
        "LoRA": (f"adapters, {asked.lora}", replace(every, lora=asked.lora)),
        "recomputed": ("all, its blocks run again", replace(every, recompute="full")),
    }
    if asked.freeze:
        found["frozen"] = (f"all but {asked.freeze}", replace(every, freeze=asked.freeze))
    if asked.lora in ("", "none"):
        del found["LoRA"]
    return found


def last_layer(model: nn.Module) -> str:
    """Return the path of the last layer that holds a matrix or filters first; empty: none does."""
    matrices = [name for name, parameter in model.named_parameters() if parameter.ndim > 1]
    return matrices[-1].rpartition(".")[0] if matrices else ""


def all_but(model: nn.Module, path: str) -> str:
    """Return patterns that freeze all but one module; empty for the model itself."""
    found: list[str] = []
    around = ""
    for part in path.split(".") if path else ():
        holder = part_of(model, around)
        children = (name for name, child in holder.named_children() if any(_held(child)))
        own = (name for name, _ in holder.named_parameters(recurse=False))
        names = (name for name in (*children, *own) if name != part)
        found += (f"{around}.{name}" if around else name for name in names)
        around = f"{around}.{part}" if around else part
    return ",".join(map(escape, found))


def _held(module: nn.Module) -> Iterator[bool]:
    return (True for _ in module.parameters())
