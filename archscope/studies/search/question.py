"""What is asked of the variants of a family, understood before any is looked at."""

from __future__ import annotations

from typing import Literal

from archscope.assertions import Quantity, read_amount
from archscope.errors import UsageError, same_word
from archscope.families import Family
from archscope.records import frozen
from archscope.studies.measures import measure, measures, require_none
from archscope.studies.search.closed_form import AT_LEAST, COUNTED, KEPT, TRAINED, quantities
from archscope.studies.search.optimum import Distance, Goal, Problem, Term
from archscope.studies.where import Condition, read_condition

Sense = Literal["minimise", "maximise"]
USUAL = "macs"
"""What is minimised where nobody says."""
USUAL_TOP = 10
"""How many are wanted where nobody says, and not all are alike in something."""
TIES = ("params", "macs")
"""What ranks variants that are equal in what was asked, where the family counts it."""
UNKNOWABLE = ("verified", "smallest_input", "overlap", "buffer")
"""Measures of a receptive field that no outline tells by itself."""


@frozen
class Question:
    """What is asked of the variants of a family."""

    where: Condition | None = None
    """What must hold."""
    goal: Goal | None = None
    """What is to be small or large; None: nothing, they stand in the order of the space."""
    iso: Distance | None = None
    """What all are to have alike, as nearly as the space lets them; None: nothing."""
    solve: str = ""
    """The axis that is chosen for it."""
    top: int | None = USUAL_TOP
    """How many are wanted; None: all."""


def question(
    family: Family,
    *,
    where: str | None = None,
    minimise: str | None = None,
    maximise: str | None = None,
    iso: str | None = None,
    solve: str | None = None,
    top: int | None = None,
) -> Question:
    """Return what is asked, understood; raises `UsageError` for what no closed form tells."""
    known = quantities(family)
    condition = read_condition(where, known) if where else None
    for name in condition.names if condition else ():
        require_known(family, name)
    if minimise and maximise:
        raise UsageError("give --minimise or --maximise, not both")
    word = minimise or maximise or (None if iso else USUAL)
    goal = None
    if word is not None:
        quantity = _named(word, known)
        require_known(family, quantity.name)
        if quantity.dimensions[0] == "switch":
            raise UsageError(f"{quantity.name} is true or false; put it into --where")
        sense: Sense = "maximise" if maximise else "minimise"
        goal = Goal(name=quantity.name, dimension=quantity.dimensions[0], sense=sense)
    if solve and not iso:
        raise UsageError("--solve says which field is chosen for --iso, e.g. --iso params=124M")
    alike = None if iso is None else _alike(family, iso, known)
    return Question(
        where=condition,
        goal=goal,
        iso=alike,
        solve=(solve or family.choices().width).replace("-", "_") if alike else "",
        top=top or (None if alike else USUAL_TOP),
    )


def _named(word: str, known: dict[str, Quantity]) -> Quantity:
    """Return the measure or the field that a word names."""
    name = same_word(word, known)
    return known[name] if name is not None else measure(word).quantity


def require_known(family: Family, name: str) -> None:
    """Raise `UsageError` where a measure is not known of a variant before it is built."""
    found = measures().get(name)
    if found is None:
        return
    if name in AT_LEAST:
        raise UsageError(
            f"{name}: what fvcore adds to the MACs for norms, pools and resampling has no closed "
            f"form; ask for macs, or let archscope sweep count the {name} of each"
        )
    if found.analysis == "params" and name in COUNTED:
        if family.census is None:
            raise UsageError(
                f"{name}: {family.name} has no census, so nothing is known of a variant before it "
                "is built; archscope sweep builds and counts each"
            )
        return
    if found.analysis == "kv" and name in KEPT:
        if not family.cache:
            raise UsageError(f"{name}: nothing of {family.name} decodes")
        return
    if found.analysis == "memory" and name in TRAINED:
        if not family.saved_activations:
            raise UsageError(
                f"{name}: {family.name} has no closed form for what a training step keeps; "
                "archscope sweep runs a step of each"
            )
        return
    if found.analysis == "rf" and name not in UNKNOWABLE:
        if family.outline is None:
            raise UsageError(f"{name}: {family.name} has no closed form for its receptive field")
        return
    if found.analysis == "time":
        raise UsageError(
            f"{name} is measured, but a search uses closed forms; minimise macs, and --measure "
            f"{name} times the best"
        )
    require_none(found, "a search")
    raise UsageError(f"{name} is not known in closed form; archscope sweep measures it of each")


def _alike(family: Family, text: str, known: dict[str, Quantity]) -> Distance:
    name, equals, amount = text.partition("=")
    if not equals:
        raise UsageError(f"--iso {text!r}: write a measure and a number, e.g. params=124M")
    quantity = _named(name.strip(), known)
    require_known(family, quantity.name)
    dimension, wanted = read_amount(amount, quantity)
    if wanted <= 0:  # it is told by what share of it a variant is off
        raise UsageError(f"--iso {quantity.name}: the target must be greater than 0")
    return Distance(name=quantity.name, dimension=dimension, wanted=wanted)


def problem_of(question: Question, family: Family) -> Problem:
    """Return a question as a problem, with what decides between equals."""
    parts = question.where.parts if question.where else ()
    terms: list[Term] = [question.goal] if question.goal else []
    if family.census is not None:
        terms += [Goal(name=name, dimension="count") for name in TIES]
    return Problem(parts=parts, terms=tuple(terms))
