"""What a step saves by its closed form, compared with the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from archscope.analyses.memory.rows import ClosedRow
from archscope.analyses.memory.settings import Settings
from archscope.results import Note
from archscope.subject import Subject
from archscope.theory.saved_activations import SavedActivations, SavedPart, Way
from archscope.training.folding import names, times_saved
from archscope.training.recipe import read_recompute
from archscope.training.step import Forward, Step

_BYTES = {"as-is": 4, "fp32": 4, "fp16": 2, "bf16": 2}
"""Bytes of an activation; a family makes its weights in fp32."""


def closed_form(subject: Subject, settings: Settings) -> SavedActivations | str:
    """Return what a step keeps in closed form, or why there is none."""
    if subject.saved_activations is None:
        return "its family has none" if subject.config else "it belongs to no family"
    if settings.freeze or settings.lora:
        return "it assumes that all weights are trained"
    if settings.autocast != "off":
        return "it does not cover autocast"
    if settings.dropout != "card":
        return "it is known for a GPU's kernels only"
    found = subject.saved_activations(_way(settings))
    return found.unknown or found


def refusal(subject: Subject, why: str) -> str:
    """Return why nothing is explained, and of which networks something is."""
    said = f"explain: what {subject.name} keeps has no closed form: {why}"
    return (
        said
        if subject.saved_activations is not None
        else f"{said}; `archscope list` shows the families"
    )


def _way(settings: Settings) -> Way:
    recompute = read_recompute(settings.recompute)
    return Way(
        attention=settings.attention_kernel,
        selective=recompute is not None and recompute.core,
        every=0 if recompute is None else recompute.every,
    )


def closed_rows(found: SavedActivations | str, settings: Settings) -> Iterator[ClosedRow]:
    """Yield each tensor of each part with its formula, parts that are alike once."""
    if isinstance(found, str):
        return
    size = _BYTES[settings.dtype]
    for part, times in found.alike():
        for tensor in part.tensors:
            each = tensor.bytes(activation=size)
            yield ClosedRow(
                path=_module(part, tensor.by),
                what=tensor.what,
                formula=tensor.formula(size),
                numbers=tensor.numbers(size),
                bytes=each,
                times=times,
                together=times * each,
            )


def agreement(found: SavedActivations | str, step: Forward | Step, settings: Settings) -> Note:
    """Return whether the closed form and the run keep the same in every module, to the byte."""
    if isinstance(found, str):
        return Note(
            level="info", text=f"what is saved comes from the run; there is no closed form: {found}"
        )
    few = unlike(found, step, size=_BYTES[settings.dtype])
    if not few:
        text = "closed form and run agree to the byte on what every module saves"
        return Note(level="info", text=text)
    said = ", ".join(path or "the model itself" for path in few[:3])
    more = f" and {len(few) - 3} more" if len(few) > 3 else ""
    return Note(level="warning", text=f"closed form and run disagree on what {said}{more} save")


def unlike(found: SavedActivations, step: Forward | Step, *, size: int) -> list[str]:
    """Return the modules in which a closed form and a run keep not the same number of bytes.

    `size`: bytes of an activation. Of blocks that are alike the first stands for all.
    """
    told = Counter[str]()
    for part, times in found.alike():
        for tensor in part.tensors:
            told[_module(part, tensor.by)] += times * tensor.bytes(activation=size)
    kept = _kept_by_run(found, step)
    return [path for path in dict.fromkeys([*kept, *told]) if told[path] != kept[path]]


def _kept_by_run(found: SavedActivations, step: Forward | Step) -> Counter[str]:
    """Return what the run keeps, by module; of blocks that are alike at the first of them."""
    first = _firsts(found)
    kept = Counter[str]()
    for saved in step.saved:
        copies = list(names(saved.path, step.repeats))[: times_saved(saved, step.repeats)]
        for name in copies:
            kept[_at_first(name, first)] += saved.bytes
    return kept


def _firsts(found: SavedActivations) -> dict[str, str]:
    """Return for each block the path of the first one that is like it."""
    return dict(zip(found.paths, (part.path for part in found.blocks), strict=True))


def _at_first(name: str, first: dict[str, str]) -> str:
    pieces = name.split(".")
    for end in range(1, len(pieces) + 1):
        block = ".".join(pieces[:end])
        if block in first:
            return ".".join([first[block], *pieces[end:]])
    return name


def _module(part: SavedPart, by: str) -> str:
    if not part.block:
        return by
    return f"{part.path}.{by}" if by else part.path
