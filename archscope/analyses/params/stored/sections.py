"""Puts together the sections of what a file holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from archscope.analyses.params.headline import headline
from archscope.analyses.params.rows import MODULES, ModuleRow, Totals
from archscope.analyses.params.stored.rows import (
    NUMBER_TYPES,
    TENSORS,
    NumberTypeRow,
    TensorRow,
)
from archscope.analyses.params.stored.tree import in_order, parents
from archscope.analyses.params.summary import summary
from archscope.errors import UsageError
from archscope.results import Amount, Note, Section, Words
from archscope.stored.tensors import Held, Stored
from archscope.theory.patterns import matches

_NO_GRAPH = "a file of weights holds no graph: multiply-accumulates are unknown"
_NO_VALUES = "how many weights are not zero is unknown: a file's list of tensors is read, not they"


def sections(
    stored: Stored,
    *,
    flops_per_mac: int = 1,
    nonzero: bool = False,
    freeze: tuple[str, ...] = (),
    totals_alone: bool = False,
) -> tuple[Section, ...]:
    """Count what a file holds; see `archscope.analyses.params.analysis.run`."""
    held = in_order(stored.held)
    frozen = _frozen(held, freeze)
    sums = _sums(held, frozen, stored)
    totals = _totals(sums[""], stored, flops_per_mac)
    notes = tuple(_notes(stored, nonzero=nonzero))
    if totals_alone:
        return (MODULES.filled((), totals=totals, notes=notes),)
    said = (*summary(totals, (), sums[""].fp32_bytes), in_file(stored))
    return (
        MODULES.filled(
            (_row(path, each, flops_per_mac) for path, each in sums.items() if path or each.own),
            totals=totals,
            notes=notes,
            headline=tuple(headline(totals, (), sums[""].fp32_bytes, flops_per_mac)),
            summary=said,
            about=f"frozen {', '.join(freeze)}" if freeze else "",
        ),
        *of_tensors(stored, summary=said),
    )


def of_tensors(stored: Stored, **answer: Any) -> tuple[Section, ...]:
    """Return the sections that list a file's number types and tensors."""
    held = in_order(stored.held)
    return (
        NUMBER_TYPES.filled(_number_types(held), **answer),
        TENSORS.filled(map(_tensor, held), **answer),
    )


@dataclass(slots=True)
class Sum:
    """What a module holds with its submodules; sizes in elements."""

    trainable: int = 0
    frozen: int = 0
    buffers: int = 0
    weight_bytes: int = 0
    fp32_bytes: int = 0
    macs: int = 0
    unknown: int = 0
    """Operators whose work is not known."""
    calls: int = 0
    active: int = 0
    """Parameters that one token uses."""
    own: Sum | None = None
    """What it holds itself; None: nothing."""
    types: dict[str, None] = field(default_factory=dict)
    """Number types, or operators, of its own."""
    shapes: list[str] = field(default_factory=list)
    shared_with: str | None = None
    output_shape: tuple[int, ...] | None = None

    def add(self, other: Sum) -> None:
        """Add the numbers of a submodule, or of a tensor."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_NUMBERS = (
    *("trainable", "frozen", "buffers", "weight_bytes", "fp32_bytes"),
    *("macs", "unknown", "calls", "active"),
)
assert {*_NUMBERS} < {each.name for each in fields(Sum)}


def _sums(held: Iterable[Held], frozen: set[str], stored: Stored) -> dict[str, Sum]:
    """Return what each module holds, by its path, parents before their children."""
    found: dict[str, Sum] = {"": Sum()}
    for each in held:
        path, _, name = each.entry.name.rpartition(".")
        here = _own(path, found)
        here.types[each.entry.dtype] = None
        here.shapes.append(f"{name} {'×'.join(map(str, each.entry.shape)) or 'one number'}")
        if each.same_as:
            here.shared_with = here.shared_with or each.same_as.rpartition(".")[0]
        here.add(_of_tensor(each, frozen))
    for step in stored.steps or ():
        here = _own(step.path, found)
        here.calls += 1
        here.macs += step.macs or 0
        here.unknown += step.macs is None
        here.output_shape = here.output_shape or step.output_shape
    for path in reversed(found):
        whole = found[path]
        if whole.own is not None:
            whole.add(whole.own)
        if path:
            found[path.rpartition(".")[0]].add(whole)
    return found


def _own(path: str, found: dict[str, Sum]) -> Sum:
    """Return what a module holds itself, to be added to; makes it, and all above it."""
    for above in parents(path):
        found.setdefault(above, Sum())
    whole = found.setdefault(path, Sum())
    if whole.own is None:
        whole.own = Sum()
    return whole.own


def _of_tensor(held: Held, frozen: set[str]) -> Sum:
    if held.role == "buffer":
        return Sum(buffers=held.numbers)
    trains = held.role == "parameter" and held.entry.trains and held.entry.name not in frozen
    amount = held.numbers
    return Sum(
        trainable=amount if trains else 0,
        frozen=0 if trains else amount,
        weight_bytes=held.bytes,
        fp32_bytes=4 * amount * (2 if held.entry.dtype.startswith("complex") else 1),
        active=amount if held.active is None else held.active,
    )


def _frozen(held: Iterable[Held], patterns: tuple[str, ...]) -> set[str]:
    """Return the names of the tensors that patterns freeze; raises `UsageError` for an idle one."""
    names = [each.entry.name for each in held if each.role != "buffer"]
    found: set[str] = set()
    for pattern in patterns:
        here = {name for name in names if matches(name, pattern)}
        if not here:
            raise UsageError(
                f"freeze: {pattern!r} names no parameter, and no module with any. Tensors are "
                f"{', '.join(names[:3])} ..."
            )
        found |= here
    return found


def _totals(whole: Sum, stored: Stored, flops_per_mac: int) -> Totals:
    ran = stored.steps is not None
    return Totals(
        trainable=whole.trainable,
        frozen=whole.frozen,
        active=whole.active,
        buffers=whole.buffers,
        weight_bytes=whole.weight_bytes,
        macs=whole.macs if ran else None,
        flops=flops_per_mac * whole.macs if ran else None,
        complete=not whole.unknown,
    )


def _row(path: str, whole: Sum, flops_per_mac: int) -> ModuleRow:
    own = whole.own or Sum()
    work = whole.macs if whole.calls and not whole.unknown else None
    own_work = own.macs if own.calls and not own.unknown else None
    return ModuleRow(
        path=path,
        type=", ".join(own.types),
        settings=", ".join(own.shapes[:4]) + ("" if len(own.shapes) < 5 else ", …"),
        component="other",
        calls=own.calls,
        output_shape=own.output_shape,
        trainable=whole.trainable,
        frozen=whole.frozen,
        buffers=whole.buffers,
        macs=work,
        flops=None if work is None else flops_per_mac * work,
        complete=not whole.unknown,
        own_trainable=own.trainable,
        own_frozen=own.frozen,
        own_buffers=own.buffers,
        own_macs=own_work,
        own_flops=None if own_work is None else flops_per_mac * own_work,
        shared_with=own.shared_with,
        params_form=None,
        macs_form=None,
    )


def _number_types(held: Iterable[Held]) -> Iterator[NumberTypeRow]:
    by_type: dict[str, list[Held]] = {}
    for each in held:
        by_type.setdefault(each.entry.dtype, []).append(each)
    for dtype, every in sorted(by_type.items(), key=lambda item: -sum(h.bytes for h in item[1])):
        parameters = sum(each.numbers for each in every if each.role != "buffer")
        buffers = sum(each.numbers for each in every if each.role == "buffer")
        size = sum(each.bytes for each in every)
        numbers = parameters + buffers
        yield NumberTypeRow(
            dtype=dtype,
            tensors=len(every),
            parameters=parameters,
            buffers=buffers,
            bytes=size,
            bits=8 * size / numbers if numbers else None,
        )


def _tensor(held: Held) -> TensorRow:
    is_buffer = held.role == "buffer"
    parameters, buffers = (0, held.numbers) if is_buffer else (held.numbers, 0)
    shape = "×".join(map(str, held.shape)) if held.shape else ""
    return TensorRow(
        path=held.entry.name,
        shape=held.entry.shape,
        dtype=held.entry.dtype,
        role=held.role,
        parameters=parameters,
        buffers=buffers,
        bytes=held.bytes,
        own_parameters=parameters,
        own_buffers=buffers,
        own_bytes=held.bytes,
        stands_for=f"{held.stands_for} {shape}".strip(),
        same_as=held.same_as or None,
        why=held.why,
        file=held.entry.file,
    )


def in_file(stored: Stored) -> Words:
    """Return what a file holds of each number type, and its buffers, in a line."""
    sizes: dict[str, int] = {}
    for each in stored.held:
        sizes[each.entry.dtype] = sizes.get(each.entry.dtype, 0) + each.bytes
    words: list[str | Amount] = ["In the file: "]
    for dtype, size in sorted(sizes.items(), key=lambda item: -item[1]):
        words += [f"{dtype} ", Amount(value=size, kind="bytes"), " · "]
    buffers = sum(each.numbers for each in stored.held if each.role == "buffer")
    whole = Amount(value=sum(sizes.values()), kind="bytes")
    return (*words, "all ", whole, " · buffers ", Amount(value=buffers, kind="count"))


def _notes(stored: Stored, *, nonzero: bool) -> Iterator[Note]:
    if stored.steps is None:
        yield Note(level="warning", text=_NO_GRAPH)
    else:
        yield from _unknown_work(stored)
    if nonzero:
        yield Note(level="warning", text=_NO_VALUES)
    ties = [each for each in stored.held if each.same_as]
    if ties:
        said = f"{ties[0].entry.name} is {ties[0].same_as}"
        more = f", and {len(ties) - 1:,} more" if len(ties) > 1 else ""
        yield Note(level="info", text=f"counted once although it has two names: {said}{more}")
    yield from (Note(level="info", text=text) for text in stored.notes)


def _unknown_work(stored: Stored) -> Iterator[Note]:
    counts: dict[tuple[str, str], int] = {}
    for step in stored.steps or ():
        if step.macs is None:
            key = step.operator, step.why
            counts[key] = counts.get(key, 0) + 1
    for (operator, reason), times in counts.items():
        yield Note(
            level="warning",
            text=f"{operator} ×{times:,}: multiply-accumulates unknown, because {reason}; the "
            "totals are a lower bound",
            operator=operator,
            calls=times,
        )
