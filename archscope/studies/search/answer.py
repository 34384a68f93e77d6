"""Asks the question: the best variants, why they are no better, and the best of each choice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from math import prod
from typing import Any, Literal

from archscope.assertions import Quantity, read_amount
from archscope.errors import UsageError
from archscope.families import Family
from archscope.records import frozen
from archscope.studies.measures import measure, measures
from archscope.studies.search.bounds import Bounds, Box
from archscope.studies.search.known import COUNTED, KEPT, quantities
from archscope.studies.search.optimum import Distance, Goal, Problem, Term, Trail, ranked
from archscope.studies.search.reasons import (
    Conflict,
    Near,
    Price,
    Ranked,
    conflict,
    first,
    nearest,
    prices,
)
from archscope.studies.search.variants import Axis, Place, Variants
from archscope.studies.where import Condition, read_condition

Sense = Literal["minimise", "maximise"]
USUAL = "macs"
"""What is minimised where nobody says."""
USUAL_TOP = 10
"""How many are wanted where nobody says, and not all are alike in something."""
TIES = ("params", "macs")
"""What ranks variants that are equal in what was asked, where the family counts it."""
SERIES_LIMIT = 2_000
"""Variants of all other axes up to which an axis is solved for each."""
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


@frozen
class Best:
    """The best of one value of a field."""

    axis: Axis
    value: int
    """The number of the value on its axis."""
    found: Ranked | None
    proven: bool


@frozen
class Outcome:
    """The answer."""

    bounds: Bounds
    """What was worked out for it."""
    question: Question
    top: tuple[Ranked, ...]
    """The best variants, the best first."""
    trail: Trail
    prices: tuple[Price, ...] = ()
    """What each condition costs; empty where nothing meets them."""
    conflict: Conflict | None = None
    """What cannot be met together; None where something meets all."""
    near: Near | None = None
    """What misses the conditions by least, where nothing meets them."""
    choices: tuple[Best, ...] = ()
    """The best of each value of the fields whose values have no order."""

    @property
    def variants(self) -> Variants:
        return self.bounds.variants


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
            raise UsageError(f"{quantity.name} is so or not; put it into --where")
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
    from archscope.errors import same_word

    name = same_word(word, known)
    return known[name] if name is not None else measure(word).quantity


def require_known(family: Family, name: str) -> None:
    """Raise `UsageError` where a measure is not known of a variant before it is built."""
    found = measures().get(name)
    if found is None:
        return
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
    if found.analysis == "rf" and name not in UNKNOWABLE:
        if family.outline is None:
            raise UsageError(f"{name}: {family.name} does not tell what it looks at")
        return
    if found.analysis == "time":
        raise UsageError(
            f"{name} is measured, and a search goes by closed forms; minimise macs, and --measure "
            f"{name} times the best"
        )
    raise UsageError(f"{name} is not known in closed form; archscope sweep measures it of each")


def _alike(family: Family, text: str, known: dict[str, Quantity]) -> Distance:
    name, equals, amount = text.partition("=")
    if not equals:
        raise UsageError(f"--iso {text!r}: write a measure and a number, e.g. params=124M")
    quantity = _named(name.strip(), known)
    require_known(family, quantity.name)
    dimension, wanted = read_amount(amount, quantity)
    return Distance(name=quantity.name, dimension=dimension, wanted=wanted)


def solved(variants: Variants, question: Question) -> Outcome:
    """Return the answer to a question about variants."""
    bounds = Bounds(variants)
    if question.iso is not None:
        return _series(bounds, question)
    problem = problem_of(question, variants.family)
    trail = Trail()
    top = tuple(islice(_unlike(bounds, ranked(bounds, problem, trail)), question.top))
    if not top:
        return Outcome(
            bounds=bounds,
            question=question,
            top=(),
            trail=trail,
            conflict=conflict(bounds, problem.parts),
            near=nearest(bounds, problem),
        )
    return Outcome(
        bounds=bounds,
        question=question,
        top=top,
        trail=trail,
        prices=tuple(prices(bounds, problem, top[0])),
        choices=tuple(_choices(bounds, problem)),
    )


def problem_of(question: Question, family: Family) -> Problem:
    """Return a question as a problem, with what decides between equals."""
    parts = question.where.parts if question.where else ()
    terms: list[Term] = [question.goal] if question.goal else []
    if family.census is not None:
        terms += [Goal(name=name, dimension="count") for name in TIES]
    return Problem(parts=parts, terms=tuple(terms))


def _unlike(bounds: Bounds, found: Iterator[Ranked]) -> Iterator[Ranked]:
    """Yield variants but for those that are the network of one before, in other words."""
    seen: set[Any] = set()
    for at, rank in found:
        spec = bounds.variants.at(at).spec
        if spec not in seen:
            seen.add(spec)
            yield at, rank


def _choices(bounds: Bounds, problem: Problem) -> Iterator[Best]:
    for number, axis in enumerate(bounds.variants.axes):
        if axis.ordered or not 1 < len(axis.values) < len(bounds.variants):
            continue
        for value in range(len(axis.values)):
            box = _with(bounds.whole, number, value)
            found, trail = first(bounds, problem, box)
            yield Best(axis=axis, value=value, found=found, proven=trail.is_whole)


def _with(box: Box, axis: int, value: int) -> Box:
    return (*box[:axis], (value, value), *box[axis + 1 :])


def _series(bounds: Bounds, question: Question) -> Outcome:
    """Return, for every choice on the other axes, the value of one axis that comes nearest."""
    assert question.iso is not None
    variants = bounds.variants
    at = solved_axis(variants, question)
    problem = problem_of(question, variants.family)
    others = [range(last + 1) if n != at else (0,) for n, (_, last) in enumerate(bounds.whole)]
    if prod(map(len, others)) > SERIES_LIMIT:
        raise UsageError(
            f"{prod(map(len, others)):,} choices on the other axes are too many; up to "
            f"{SERIES_LIMIT:,} are solved one by one"
        )
    trail, found = Trail(), []
    for place in product(*others):
        start = tuple((n, n) for n in place)
        start = (*start[:at], bounds.whole[at], *start[at + 1 :])
        near = Problem(parts=(), terms=(question.iso,))
        nearest_one = next(ranked(bounds, near, trail, start), None)
        if nearest_one is not None:
            found.append(nearest_one[0])
    return Outcome(
        bounds=bounds,
        question=question,
        top=tuple(islice(_met(bounds, problem, question, found, trail), question.top)),
        trail=trail,
    )


def _met(
    bounds: Bounds, problem: Problem, question: Question, places: list[Place], trail: Trail
) -> Iterator[Ranked]:
    """Yield those of some variants that meet the conditions, the best first."""
    kept: list[Ranked] = []
    for place in places:
        box = tuple((n, n) for n in place)
        if problem.parts:
            verdicts = [bounds.verdict(box, part) for part in problem.parts]
            if False in verdicts:
                continue
            if None in verdicts:
                trail.unknown.append((place, "a condition is not known of it"))
                continue
        rank = (question.goal.least(bounds, box),) if question.goal else ()
        kept.append((place, rank))
    yield from sorted(kept, key=lambda each: each[1]) if question.goal else kept


def solved_axis(variants: Variants, question: Question) -> int:
    """Return the number of the axis that is chosen for every choice on the others."""
    ordered = [axis for axis in variants.axes if axis.ordered and len(axis.values) > 1]
    found = [number for number, axis in enumerate(variants.axes) if axis.name == question.solve]
    if not found or not variants.axes[found[0]].ordered:
        names = ", ".join(axis.name for axis in ordered)
        what = f"--solve {question.solve}" if question.solve else "--iso"
        raise UsageError(
            f"{what}: say by --solve which field of several numbers is chosen; there are {names}"
        )
    return found[0]
