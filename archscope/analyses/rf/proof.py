"""Says in words what running a network proves about its receptive field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archscope.analyses.rf.numbers import counted
from archscope.errors import ArchscopeError
from archscope.results import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import nn

    from archscope.dependence.answer.receptive import Receptive
    from archscope.probing.evidence import Edges
    from archscope.probing.proof import Proof, Shown
    from archscope.subject import Inputs


def proof_of(
    model: nn.Module,
    inputs: Inputs,
    found: Receptive,
    rebuilt: Callable[[], nn.Module] | None = None,
    *,
    axes_chosen: bool = False,
) -> tuple[str | None, tuple[Note, ...]]:
    """Return `verified` or `bounded`, and why; raises `ArchscopeError` where refused.

    `rebuilt` makes the same model with data, for one whose buffers have none.
    """
    from archscope.probing.runs import lacks_data
    from archscope.probing.verify import hindrance, verify

    if rebuilt is not None and lacks_data(model) and not hindrance(model):
        model = rebuilt()
    proof = verify(model, inputs, found, axes_chosen=axes_chosen)
    name = found.target.name
    if proof.level == "refused":
        raise ArchscopeError(_refusal(proof, name))
    details = (*(line for one in proof.shown for line in _lines(one)), *map(_sentence, proof.gaps))
    if proof.level == "not run":
        text = f"not verified: {proof.reason or proof.gaps[0]}"
        return None, (Note(level="warning", text=text, details=details),)
    how = f"with random weights in float64, for {proof.limit:g} s at most"
    if proof.level == "verified":
        text = f"verified: run {how}, {_what(proof, name)} what is said, no more and no less."
        return proof.level, (Note(level="ok", text=text, details=details),)
    text = f"bounded: run {how}, it shows less than is said: {proof.reason}"
    return proof.level, (Note(level="info", text=text, details=details),)


def _refusal(proof: Proof, name: str) -> str:
    """Return what contradicts the answer; another choice of axes is the user's to make."""
    end = "" if any(one.strays for one in proof.shown) else "; please report this"
    return f"--verify: {proof.reason}, when {name} is run with random weights. No verdict{end}"


def _what(proof: Proof, name: str) -> str:
    """Return what was tried: the output that was asked for, and a map before it where there is."""
    own = [one for one in proof.shown if one.is_own]
    if own:
        every = counted(own[0].claimed, "position")
        return f"the network's own output sees all {every}, and a unit of {name}, before that,"
    if all(one.local for one in proof.shown):
        return f"without reductions over all positions, a unit of {name} sees"
    return "a unit sees"


def _beside(one: Shown) -> str:
    """Return what was shown along the axes that are none of positions."""
    parts = []
    for axis in one.axes:
        if axis.size == 1 or axis.mixed is None:
            continue
        mixed = "mixed" if axis.mixed else "not mixed"
        role = f"{axis.taken_for}, " if axis.mixed or axis.taken_for == "the batch" else ""
        parts.append(f"axis {axis.axis} ({role}{axis.size:,}) is {mixed}")
    return ", ".join(parts)


def _lines(one: Shown) -> Iterator[str]:
    """Yield a sentence on each axis, then on all positions, all units and the axes beside."""
    where = "×".join(f"{size:,}" for size in one.sizes)
    unit = f"unit {','.join(map(str, one.unit))}" if one.unit else "the output"
    unit = "the network's own output" if one.is_own else unit
    held = ", without reductions over all positions" if one.local else ""
    if one.level == "not run":
        yield _sentence(f"on {where}{held}: {one.reason}")
        return
    for edge in one.edges:
        yield f"On {where}{held}, {unit} sees along axis {edge.axis} {_edges(edge)}."
    if one.seen == one.claimed:
        seen = f"All {one.claimed:,} positions of the set are seen"
    else:
        seen = f"Of {one.claimed:,} positions of the set {one.seen:,} are known to be seen"
    yield (
        f"{seen}: {one.graded:,} by gradients, {one.answered:,} of {one.tried:,} that were changed "
        f"alone{_outside(one)} ({counted(one.draws, 'draw')} of weights and inputs)."
    )
    if one.outputs and one.watched:
        yield _outputs(one)
    beside = _beside(one)
    if beside:
        yield _sentence(beside)


def _outputs(one: Shown) -> str:
    """Return what all units answered to: a change of all, and one of single positions."""
    assert one.outputs is not None
    seeing = one.outputs - one.blind
    answered = f"{seeing - one.silent:,} of {seeing:,}" if one.silent else f"all {seeing:,}"
    blind = f" and none of {one.blind:,} that see nothing" if one.blind else ""
    places = counted(one.watched, "position")
    return (
        f"Of {counted(one.outputs, 'output')} {answered} that see something answer to a change of "
        f"all{blind}; {places} changed alone changed no output that does not see them."
    )


def _edges(edge: Edges) -> str:
    roads = {
        "the graph": edge.graph,
        "changes": edge.changes,
        "gradients": edge.gradients,
        "NaN": edge.nan,
    }
    if len(set(roads.values())) == 1:
        return f"{_pair(edge.graph)}, by the graph, changes, gradients and NaN alike"
    return ", ".join(f"{_pair(pair)} by {road}" for road, pair in roads.items())


def _outside(one: Shown) -> str:
    if not one.outside:
        return "; there are no others"
    if one.unseen is None:
        return f"; no change of the other {one.outside:,} is felt"
    if one.unseen == one.outside:
        return f"; of the other {one.outside:,} neither a change nor NaN is felt"
    nan = f"nor is NaN at {one.unseen:,} of them" if one.unseen else "but NaN is"
    return f"; no change of the other {one.outside:,} is felt, {nan}"


def _pair(pair: tuple[int, int] | None) -> str:
    return "unknown" if pair is None else f"{pair[0]:,} to {pair[1]:,}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
