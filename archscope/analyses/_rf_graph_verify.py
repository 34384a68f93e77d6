"""Says in words what running a network proves of its receptive field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archscope.errors import ArchscopeError
from archscope.results import Note

if TYPE_CHECKING:
    from torch import nn

    from archscope.dependence.receptive import Receptive
    from archscope.subject import Inputs


def proof_of(
    model: nn.Module, inputs: Inputs, found: Receptive
) -> tuple[str | None, tuple[Note, ...]]:
    """Return `verified` or `bounded`, and why; raises `ArchscopeError` where refused."""
    from archscope.dependence.verify import verify

    field = found.given.total(found.target.value)
    unit = found.unit if found.best is found.given else (field.typical if field else {})
    proof = verify(model, inputs, found.given, found.target.value, unit)
    if proof.level == "refused":
        raise ArchscopeError(
            f"--verify: {proof.reason}, when {found.target.name} is run with random weights. "
            "No verdict; please report this"
        )
    if proof.level == "not run":
        return None, (Note(level="warning", text=f"not verified: {proof.reason}"),)
    said = (
        f"{proof.answered} of {proof.probes} changes within the set, its edges among them, changed "
        f"a unit of {found.target.name}; all changes outside left it as it was ({proof.runs:,} "
        "runs with random weights in float64)"
    )
    if proof.level == "verified":
        return proof.level, (
            Note(level="ok", text=f"verified on the given input: {said}, and so did NaN."),
        )
    return proof.level, (Note(level="info", text=f"bounded: {said}; {proof.reason}"),)
