"""Compares the weights in a file with what the network of its configuration needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from archscope.analyses.params.stored.rows import NEEDED, NeededRow
from archscope.analyses.params.stored.sections import in_file, of_tensors
from archscope.results import Note, Report
from archscope.stored.tensors import Held

if TYPE_CHECKING:
    from archscope.subject import Holding

_FEW = 3


def with_file(report: Report, model: Any, holding: Holding) -> Report:
    """Return the count of a network with the tensors of the file that names it.

    `model` is the network that a configuration describes, which the file is held against; None: the
    file's own graph was counted.
    """
    tensors = of_tensors(holding.stored)
    notes = tuple(Note(level="info", text=text) for text in holding.stored.notes)
    if model is not None:
        rows, notes = _compared(model, holding)
        tensors = (*tensors, NEEDED.filled(rows))
    first = report.sections[0]
    said = (*first.summary, in_file(holding.stored))
    first = replace(first, notes=(*first.notes, *notes), summary=said)
    return replace(report, sections=(first, *report.sections[1:], *tensors))


def _compared(model: Any, holding: Holding) -> tuple[tuple[NeededRow, ...], tuple[Note, ...]]:
    """Return in what a file differs from what a network needs, and what is said of it."""
    needed, same = _needed(model)
    held = {h.stands_for or h.entry.name: h for h in holding.stored.held if h.role != "scale"}
    prefix = str(getattr(model, "base_model_prefix", "") or "")
    rows = tuple(_rows(needed, same, _renamed(held, needed, prefix)))
    return rows, tuple(_notes(rows, needed, holding))


Shapes = Mapping[str, tuple[int, ...]]


def _needed(model: Any) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """Return the shapes of a network's state by name, and of ties the first name by the other."""
    shapes: dict[str, tuple[int, ...]] = {}
    first: dict[int, str] = {}
    same: dict[str, str] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        shapes[name] = tuple(tensor.shape)
        one = first.setdefault(id(tensor), name)
        if one != name:
            same[name] = one
    return shapes, same


def _renamed(held: Mapping[str, Held], needed: Shapes, prefix: str) -> dict[str, Held]:
    """Return tensors by the network's names: a file may have its body's prefix more, or less."""
    ways: list[dict[str, Held]] = [dict(held)]
    if prefix:
        cut = f"{prefix}."
        ways.append({name.removeprefix(cut): each for name, each in held.items()})
        ways.append({n if n in needed else cut + n: each for n, each in held.items()})
    return max(ways, key=lambda way: len(way.keys() & needed.keys()))


def _rows(
    needed: Shapes, same: Mapping[str, str], found: Mapping[str, Held]
) -> Iterator[NeededRow]:
    ties: dict[str, set[str]] = {}
    for name, one in same.items():
        ties.setdefault(one, {one}).add(name)
    for name, shape in needed.items():
        held = found.get(name)
        if held is None:
            others = ties.get(same.get(name, name), set())
            state = "tied" if others & found.keys() else "missing"
            yield NeededRow(path=name, state=state, needed=shape, numbers=prod(shape))
        elif not _fits(held, shape):
            there = held.shape or held.entry.shape
            yield NeededRow(
                path=name, state="other shape", needed=shape, found=there, numbers=prod(shape)
            )
    for name, held in found.items():
        if name not in needed:
            there = held.shape or held.entry.shape
            yield NeededRow(path=name, state="not needed", found=there, numbers=prod(there))


def _fits(held: Held, shape: tuple[int, ...]) -> bool:
    """Return whether a tensor has a shape, or stands for as many numbers where it is packed."""
    there = held.shape or held.entry.shape
    return there == shape or (held.role == "packed" and held.numbers == prod(shape))


def _same_numbers(by_state: Mapping[str, list[NeededRow]]) -> bool:
    """Return whether what is missing of each block has as many numbers as what is not needed."""
    sums: dict[str, int] = {}
    for state, sign in (("missing", 1), ("not needed", -1)):
        for row in by_state.get(state, ()):
            block = _block(row.path)
            sums[block] = sums.get(block, 0) + sign * row.numbers
    return bool(by_state.get("missing")) and not any(sums.values())


def _block(path: str) -> str:
    """Return the first numbered module that a tensor is part of: `model.layers.3`."""
    found = re.match(r"(.*?\.\d+)\.", f"{path}.")
    return found[1] if found else ""


def _notes(rows: tuple[NeededRow, ...], needed: Shapes, holding: Holding) -> Iterator[Note]:
    by_state: dict[str, list[NeededRow]] = {}
    for row in rows:
        by_state.setdefault(row.state, []).append(row)
    bad = [state for state in by_state if state != "tied"]
    if not bad:
        tied = len(by_state.get("tied", ()))
        also = f", {tied} by being tied to another" if tied else ""
        text = f"{holding.name}: holds all {len(needed):,} tensors that the network needs{also}"
        yield Note(level="ok", text=text)
    if _same_numbers(by_state):
        there, here = len(by_state["not needed"]), len(by_state["missing"])
        yield Note(
            level="ok",
            text=f"{holding.name}: {there:,} of its tensors have other names than {here:,} of the "
            "network's, or are other pieces of them: block by block they hold as many numbers; "
            "--by needed lists both",
        )
        bad = [state for state in bad if state == "other shape"]
    for state in bad:
        every = by_state[state]
        names = ", ".join(row.path for row in every[:_FEW])
        more = f" and {len(every) - _FEW:,} more" if len(every) > _FEW else ""
        yield Note(
            level="warning",
            text=f"{holding.name}: {len(every):,} tensors {state} ({names}{more}); --by needed "
            "lists them",
        )
    yield from (Note(level="info", text=text) for text in holding.stored.notes)
