"""Outputs that see nothing of the input, in words: beside others, a fault of the network."""

from __future__ import annotations

from archscope.analyses.rf.numbers import counted, share
from archscope.analyses.rf.totals import Totals
from archscope.results import Note


def spoils(totals: Totals) -> bool:
    """Return whether outputs that see nothing are a fault: amid others that see, or most of all.

    At the borders padding makes them, as the first output of a model that sees the past alone.
    """
    blind, outputs = totals.blind or 0, totals.outputs or 0
    return bool(blind) and (totals.blind_inside != 0 or 2 * blind > outputs)


def beside(totals: Totals, verdict: tuple[Note, ...]) -> tuple[Note, ...]:
    """Return a verdict with what is said of outputs that see nothing: first, where a fault."""
    if not totals.blind or totals.outputs is None:
        return verdict
    is_fault = spoils(totals)
    where = "" if is_fault else " at the borders"
    see, hold = ("sees", "it holds") if totals.blind == 1 else ("see", "they hold")
    text = (
        f"{totals.blind:,} of {counted(totals.outputs, 'output')}{where} "
        f"({share(totals.blind, totals.outputs)}) {see} no position of the input: what {hold} "
        "does not depend on it"
    )
    note = Note(level="warning" if is_fault else "info", text=text)
    return (note, *verdict) if is_fault else (*verdict, note)


def good(totals: Totals, said: str) -> Note:
    """Return that all is seen; where others see nothing, of the outputs alone that see anything."""
    if spoils(totals):
        return Note(level="info", text=f"of the outputs that see anything: {said}")
    return Note(level="ok", text=f"No gridding: {said}")
