"""On which input a window was found, and what stopped the search for a larger one, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from archscope.analyses.rf.numbers import extent
from archscope.analyses.rf.operators.order import MODEL
from archscope.results import Note

if TYPE_CHECKING:
    from archscope.dependence.answer.growth import Growth
    from archscope.dependence.answer.layers import Layer
    from archscope.dependence.answer.receptive import Receptive


def grows_with_input(found: Receptive) -> bool:
    """Return whether outputs see as far as the input goes: of any input, as much as is said."""
    from archscope.dependence.answer.growth import GROWING

    if found.growth.reason != GROWING:
        return False
    return not found.is_whole or bool(_from_an_end(found))


def is_told(found: Receptive) -> bool:
    """Return whether what is said of the receptive field is so of any input, not of one alone."""
    return (found.is_whole or grows_with_input(found)) and not spread_by(found)


def to_ends_by(found: Receptive) -> str | None:
    """Return the module by which outputs see as far as the input goes, and may further.

    Empty where it is not known which; None: they do not, or a module reduces over all.
    """
    if grows_with_input(found):
        return found.growth.detail or _from_an_end(found)
    if found.target.global_by is not None or found.target.bounded_by is not None:
        return None
    by = found.target.name if _sees_end_to_end(found) else None
    return _from_an_end(found) or spread_by(found) or by


def spread_by(found: Receptive) -> str:
    """Return the first module whose windows are wider from output to output, and of a larger input
    wider yet; empty: there is none."""
    for axis, line in enumerate(found.target.field.lines):
        if line.spreads:
            return next((one.name for one in found.layers if one.field.lines[axis].spreads), MODEL)
    return ""


def is_partly_clear(found: Receptive) -> bool:
    """Return whether some outputs were away from borders, and others of other phases never."""
    from archscope.dependence.answer.growth import ALIKE, CLEAR, NOTHING, RAISED

    cut_short = any(any(line.clipped) for line in found.target.field.lines)
    if found.growth.reason == RAISED and not cut_short:
        return False  # there is no input of which they see more
    if found.growth.reason in (ALIKE, CLEAR, NOTHING) or grows_with_input(found):
        return False
    is_global = found.target.global_by is not None  # every output sees everything in any case
    return found.is_whole and not is_global


def size_notes(found: Receptive) -> Iterator[Note]:
    """Yield on which input the window was found, or why it may be larger."""
    given, growth = extent(found.given.sizes), found.growth
    best = f"an input of {'×'.join(f'{size:,}' for size in found.best.sizes)} positions"
    together = ", with all inputs of its size made larger" if growth.together else ""
    if found.is_whole and found.best is not found.given and not spread_by(found):
        near = found.given.local(found.target.value) or found.target.total
        said = (
            f"of the given {given} input there is one output alone along an axis; how outputs lie "
            f"beside each other was found on {best}"
            if near.is_whole and any(len(line.entries) == 1 for line in near.lines)
            else f"at the given {given} input outputs reach the border; the receptive field was "
            f"found on {best}"
        )
        yield Note(level="info", text=said + together)
    if is_partly_clear(found):
        yield Note(
            level="warning",
            text="some outputs, by their place, may see more than is said: not all were away "
            f"from the border, and {_why(growth)}",
        )
    elif grows_with_input(found):
        yield _growing(growth.detail or _from_an_end(found))
    elif found.target.global_by is not None:
        return
    elif found.target.bounded_by is None and _from_an_end(found):
        yield _growing(_from_an_end(found))
    elif not found.is_whole:
        yield Note(
            level="warning",
            text=f"outputs reach the border of the {extent(growth.sizes)} input, and "
            f"{_why(growth)}: the receptive field may be larger",
        )
    elif spreading := spread_by(found):
        yield Note(
            level="warning",
            text=f"windows are wider from output to output, from {spreading} on, as where branches "
            "whose strides differ are joined: of a larger input the receptive field is larger",
        )
    elif _sees_end_to_end(found):
        yield Note(
            level="info",
            text=f"outputs see from end to end of the {extent(found.best.sizes)} input: of a "
            "larger one they may see further",
        )


def _sees_end_to_end(found: Receptive) -> bool:
    """Return whether some output sees all along an axis, others beside it, and nothing tells more.

    So of parts of any input, as pools to a size make, and of rows and columns.
    """
    if found.target.global_by is not None or found.target.bounded_by is not None:
        return False
    from archscope.dependence.answer.growth import CLEAR, NOTHING

    if found.growth.reason not in (CLEAR, NOTHING):
        return False
    field = found.target.field
    return field.outputs > 1 and any(line.hulls[1] == line.size > 1 for line in field.lines)


def _growing(module: str) -> Note:
    return Note(
        level="info",
        text=f"outputs see as far as the input goes, by {module or 'the model'}: of a longer input "
        "they see further",
    )


def _from_an_end(found: Receptive) -> str:
    """Return the first module whose outputs see all up to one end of the input; empty: none."""
    for axis, line in enumerate(found.target.field.lines):  # of the largest input that was tried
        if line.goes_to_an_end:
            named = (one.name for one in found.layers if _begins(found, one, axis))
            return next(named, MODEL)
    return ""


def _begins(found: Receptive, layer: Layer, axis: int) -> bool:
    """Return whether a module's output sees all up to an end, and none of its inputs does."""
    before = (found.given.total(value) for value in layer.call.inputs)
    return layer.total.lines[axis].goes_to_an_end and not any(
        field is not None and field.lines[axis].goes_to_an_end for field in before
    )


def _why(growth: Growth) -> str:
    """Return why nothing larger was looked at."""
    from archscope.dependence.answer import growth as ends

    said = {
        ends.TOO_LARGE: f"a larger one, {growth.detail}, is over the budget",
        ends.RAISED: f"the model does not run on a larger one ({growth.detail})",
        ends.OTHERWISE: "the model runs other operators on a larger one",
        ends.FIXED: "this map is of one size whatever the input's",
        ends.GROWING: f"the windows of {growth.detail or 'a module'} grow with the input",
        ends.MASK: "the mask of a larger one is too large to be read",
    }
    return said.get(growth.reason, "no larger one was tried")
