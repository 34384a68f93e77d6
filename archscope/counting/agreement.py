"""Holds the two engines against each other, and names all that could not be counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archscope.counting.forward import ForwardCount
from archscope.counting.layouts import REAL_PER_COMPLEX
from archscope.counting.out_of_sight import FILLED
from archscope.counting.uninitialised import Unseen
from archscope.results import Note

_NAMED = 5
"""How many disagreements are named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What both engines together say."""

    macs: Counter[str]
    """Multiply-accumulates of each module's own work, by path; the dispatcher's."""
    agreed: frozenset[str]
    """The modules on all of whose work both engines agree that both can count, by path."""
    alone: bool
    """Whether some of the work is counted by the dispatcher alone."""
    flops: Counter[str] | None
    """The same plus fvcore's estimates; None where the forward failed."""
    complete: bool
    """False where something is unknown, disputed, or was not reached."""
    doubtful: frozenset[str]
    """The modules whose own work is not all known, or is disputed, by path."""
    notes: tuple[Note, ...]


def compare(count: ForwardCount) -> Agreement:
    """Return what both engines say of one forward pass, with a note on all that is in doubt."""
    macs = count.dispatcher.macs()
    uncounted = [*_unknown_operators(count), *_unseen(count), *_elsewhere(count)]
    lacking = {path for each in uncounted for path in each.paths}
    disputed = _disputed(count) - lacking
    unlike = {p: n for p, n in count.dispatcher.unlike.items() if p not in lacking | disputed}
    notes = [
        *(each.note for each in uncounted),
        *_disagreements(count, disputed),
        *_unlike(unlike),
        *_conventions(count),
    ]
    if count.fvcore is None and count.failure is None:
        text = (
            f"torch's tracer could not follow this forward: {count.fvcore_failure}. One engine "
            "counted, torch's dispatcher"
        )
        notes.append(Note(level="info", text=text))
    agreed = _agreed(count)
    comparable = count.dispatcher.macs(comparable=True)
    estimates = (count.fvcore or count.dispatcher).fvcore_estimates
    flops = None if count.failure is not None and count.fvcore is None else macs + estimates
    return Agreement(
        macs=macs,
        agreed=agreed,
        alone=macs.total() != sum(comparable[path] for path in agreed),
        flops=flops,
        complete=count.failure is None and not any(note.level == "warning" for note in notes),
        doubtful=frozenset(lacking | disputed | unlike.keys()),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Uncounted:
    """Work that is not counted."""

    paths: frozenset[str]
    """The modules that it ran in."""
    note: Note


def _unknown_operators(count: ForwardCount) -> Iterator[_Uncounted]:
    """Yield the operators that the dispatcher ran as one and that no table knows.

    What fvcore alone does not know is no gap: its parts were seen.
    """
    total = _elements(count)
    ran: dict[str, dict[str, Unseen]] = defaultdict(dict)
    for (path, operator), tally in count.dispatcher.work.items():
        if tally.kind == "unknown":
            ran[operator][path] = Unseen(calls=tally.calls, elements=tally.elements)
    for operator, places in ran.items():
        why = count.dispatcher.reasons.get(operator, "neither engine knows it")
        text = f"operator {operator} is not counted: {why}"
        yield _uncounted(operator, text, places, total)


def _unseen(count: ForwardCount) -> Iterator[_Uncounted]:
    """Yield results that nothing seen has written."""
    if count.dispatcher.unseen:
        yield _uncounted("memory", FILLED, count.dispatcher.unseen, _elements(count))


def _elsewhere(count: ForwardCount) -> Iterator[_Uncounted]:
    """Yield what ran in other threads: torch's dispatcher tells of its own thread alone."""
    paths = count.dispatcher.elsewhere
    if paths:
        text = (
            f"{_named(sorted(paths))} ran in threads that the forward began, where no operator is "
            "seen: that work is not counted; totals are a lower bound"
        )
        yield _Uncounted(paths=frozenset(paths), note=Note(level="warning", text=text))


def _conventions(count: ForwardCount) -> Iterator[Note]:
    """Say how work was counted that is not one multiply-accumulate of dense real numbers."""
    if count.dispatcher.sparse:
        text = (
            f"{count.dispatcher.sparse.total():,} multiply-accumulates have a sparse operand: "
            "the entries that it stores are counted, by torch's dispatcher alone, since fvcore's "
            "trace does not tell them"
        )
        yield Note(level="info", text=text)
    yield from _sources(count)
    yield from _strangers(count)
    yield from _transforms(count)
    estimated: Counter[str] = Counter()
    for (_, operator), tally in count.dispatcher.work.items():
        estimated[operator] += tally.estimated_flops
    if estimated.total():
        named = ", ".join(sorted(name.removeprefix("aten::") for name in +estimated))
        text = (
            f"about {estimated.total():,} FLOPs of {named} are estimated beside the totals, by "
            "textbook counts (5 n log2 n for a complex FFT), and are in none of them"
        )
        yield Note(level="info", text=text)
    of_complex = count.dispatcher.complex_macs.total()
    if of_complex:
        text = (
            f"{of_complex:,} multiply-accumulates are of complex numbers: "
            f"{REAL_PER_COMPLEX} real ones are counted for each product"
        )
        if count.dispatcher.convolved_complex:
            text += "; torch itself makes three of a complex convolution"
        yield Note(level="info", text=text)


def _sources(count: ForwardCount) -> Iterator[Note]:
    """Say which operators are counted by formulas that nothing could be held against."""
    work = count.dispatcher.work.items()
    counted = {name: tally.source for (_, name), tally in work if tally.source and tally.macs}
    for operator, source in sorted(counted.items()):
        text = f"operator {operator} is counted by {source}, which no second engine holds"
        yield Note(level="info", text=text)


def _strangers(count: ForwardCount) -> Iterator[Note]:
    """Say what fvcore does not know where the dispatcher counts more by its parts."""
    if count.fvcore is None:
        return
    ours, theirs = count.dispatcher.macs(comparable=True), count.fvcore.macs
    for kind, stranger in sorted(count.fvcore.unknown.items()):
        differ = sorted(path for path in stranger.paths if ours[path] != theirs[path])
        if differ:
            text = (
                f"fvcore does not know {kind}: in {_named(differ)} its parts are counted by "
                "torch's dispatcher alone"
            )
            yield Note(level="info", text=text)


def _transforms(count: ForwardCount) -> Iterator[Note]:
    """Say where a trace shows less, since it does not follow torch.func."""
    less = sorted(_traced_less(count))
    if less:
        text = (
            "torch's tracer does not show all of what torch.func, derivatives forwards and a "
            f"backward within run: in {_named(less)} the work is counted by torch's dispatcher "
            "alone"
        )
        yield Note(level="info", text=text)


def shown_less(count: ForwardCount) -> dict[str, tuple[int, str]]:
    """Return the modules of which a trace shows less: what fvcore counts there, and why."""
    if count.fvcore is None:
        return {}
    theirs, why = count.fvcore.macs, "torch's tracer does not show what torch.func runs"
    found = {path: (theirs[path], why) for path in _traced_less(count)}
    for kind, stranger in sorted(count.fvcore.unknown.items()):
        found |= {path: (theirs[path], f"it does not know {kind}") for path in stranger.paths}
    return found


def _traced_less(count: ForwardCount) -> set[str]:
    """Return the modules of which a trace shows less where parts were transformed."""
    if count.fvcore is None or not count.dispatcher.transformed:
        return set()
    ours, theirs = count.dispatcher.macs(comparable=True), count.fvcore.macs
    return {path for path in ours if theirs[path] < ours[path]}


def _uncounted(operator: str, text: str, places: Mapping[str, Unseen], total: int) -> _Uncounted:
    calls = sum(each.calls for each in places.values())
    share = sum(each.elements for each in places.values()) / total
    text += (
        f". It ran {calls} time{'s' * (calls != 1)} in {_named(sorted(places))} and wrote "
        f"{min(share, 1):.1%} of all elements; totals are a lower bound"
    )
    note = Note(level="warning", text=text, operator=operator, calls=calls)
    return _Uncounted(paths=frozenset(places), note=note)


def _elements(count: ForwardCount) -> int:
    return sum(tally.elements for tally in count.dispatcher.work.values()) or 1


def _named(paths: Sequence[str]) -> str:
    """Return where something ran, the first of several by name."""
    first = paths[0] or "the model itself"
    more = len(paths) - 1
    return f"{first} and {more} more module{'s' * (more != 1)}" if more else first


def _agreed(count: ForwardCount) -> frozenset[str]:
    if count.fvcore is None:
        return frozenset()
    ours, theirs = count.dispatcher.macs(comparable=True), count.fvcore.macs
    return frozenset(path for path in ours if ours[path] == theirs[path])


def _disputed(count: ForwardCount) -> set[str]:
    """Return the modules of whose work the engines say different things, though both see it."""
    if count.fvcore is None:
        return set()
    ours, theirs = count.dispatcher.macs(comparable=True), count.fvcore.macs
    strangers = count.fvcore.unknown.values()
    unseen = {path for each in strangers for path in each.paths | each.holders}
    unseen |= count.dispatcher.sparse.keys() | count.fvcore.untold
    unseen |= count.dispatcher.convolved_complex | _traced_less(count)
    return {path for path in ours.keys() | theirs.keys() if ours[path] != theirs[path]} - unseen


def _disagreements(count: ForwardCount, disputed: set[str]) -> Iterator[Note]:
    if count.fvcore is None:
        return
    ours, theirs = count.dispatcher.macs(comparable=True), count.fvcore.macs
    for path in sorted(disputed)[:_NAMED]:
        text = (
            f"the engines disagree in {path or 'the model itself'}: torch's dispatcher counts "
            f"{ours[path]:,} multiply-accumulates, fvcore {theirs[path]:,}; the former are shown"
        )
        yield Note(level="warning", text=text)
    if len(disputed) > _NAMED:
        text = f"the engines disagree in {len(disputed) - _NAMED} more modules"
        yield Note(level="warning", text=text)


def _unlike(layers: Mapping[str, tuple[int, int]]) -> Iterator[Note]:
    """Yield the layers whose own multiply-accumulates are not those of their closed form."""
    for path, (form, counted) in sorted(layers.items())[:_NAMED]:
        text = (
            f"{path or 'the model itself'} did {counted:,} multiply-accumulates of its own where "
            f"its closed form has {form:,}: it does not run as a layer of its type, or its row is "
            "wrong"
        )
        yield Note(level="warning", text=text)
    if len(layers) > _NAMED:
        text = f"{len(layers) - _NAMED} more layers differ from their closed form"
        yield Note(level="warning", text=text)
