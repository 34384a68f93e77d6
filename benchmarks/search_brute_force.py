"""Holds `search` against brute force: the best, what binds, what giving way buys, what is open.

    python benchmarks/search_brute_force.py                 the spaces of the tests
    python benchmarks/search_brute_force.py --random 200    and so many drawn at random

Every variant of a space is answered whole, without bounds and without what its family says of its
measures. What is known of a variant as no more than a bound may meet a condition or not: then the
search must say that its answer is open, and may call nothing proven that such a variant could undo.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import product
from math import inf
from typing import Any

from search_spaces import CASES, Case, drawn

from archscope.analyses.rf.closed_form.answer import closed_form
from archscope.analyses.rf.use.answer import of_outline
from archscope.assertions import Dimension, Found
from archscope.errors import ArchscopeError, SpecError, UsageError
from archscope.families import FAMILIES
from archscope.studies.measures import measures
from archscope.studies.search.answer import Outcome, solved
from archscope.studies.search.closed_form import Told, quantities
from archscope.studies.search.optimum import Goal
from archscope.studies.search.question import question
from archscope.studies.search.variants import Place, Variants
from archscope.studies.where import Condition, Limit
from archscope.theory.meanings import meanings

TOP = 3
"""Variants that are asked for."""
KINDS = ("held", "refused", "differs")
"""What can come of a space."""
Rank = tuple[Any, ...]


class Everything:
    """All variants of a space, each by its whole answer."""

    def __init__(self, variants: Variants, goal: str, sense: str) -> None:
        self.variants, self.goal, self.sign = variants, goal, 1 if sense == "minimise" else -1
        self.places = list(self._possible())

    def _possible(self) -> Iterator[Place]:
        for place in product(*(range(len(axis.values)) for axis in self.variants.axes)):
            try:
                self.variants.at(place)
            except SpecError:
                continue
            yield place

    @cache  # noqa: B019
    def look(self, place: Place, name: str, dimension: Dimension) -> Found:
        """Return what is known of a measure, or a field, of one variant."""
        known, measure = self.variants.at(place), measures().get(name)
        if measure is None:
            return known.field(name)
        if measure.analysis == "params":
            counts = meanings(known.census) if name == "active" else known.census
            return Found(values=(getattr(counts, name),))
        outline = self.variants.family.outline(known.spec)
        totals = of_outline(closed_form(outline), outline, None).totals
        return measure.of(Told(totals=totals), dimension)

    @cache  # noqa: B019
    def rank(self, place: Place) -> Rank:
        """Return what a variant ranks by, or the least that this can be."""
        found, worst = self._goal(place), -inf
        if found.values and found.bound in ("", "at least" if self.sign > 0 else "at most"):
            worst = max(found.values) if self.sign > 0 else -min(found.values)
        counts = (self.look(place, name, "count").values[0] for name in ("params", "macs"))
        return (worst, *counts, place)

    def is_ranked(self, place: Place) -> bool:
        """Return whether it is known what a variant ranks by."""
        found = self._goal(place)
        return bool(found.values) and not found.bound

    def _goal(self, place: Place) -> Found:
        known = quantities(self.variants.family)
        return self.look(place, self.goal, known[self.goal].dimensions[0])

    @cache  # noqa: B019
    def holds(self, place: Place, part: Condition) -> bool | None:
        """Return whether a condition holds of a variant; None: that is not known."""
        return part.of(lambda name, dimension: self.look(place, name, dimension)).holds

    def met(self, parts: Sequence[Condition]) -> list[Place]:
        """Return the variants of which all conditions hold for certain."""
        return [at for at in self.places if all(self.holds(at, part) for part in parts)]

    def meet(self, parts: Sequence[Condition]) -> list[Place]:
        """Return those that are ranked, the best first."""
        return sorted(filter(self.is_ranked, self.met(parts)), key=self.rank)

    def undecided(self, parts: Sequence[Condition]) -> list[Place]:
        """Return the variants of which no condition is broken, and not all are known to hold."""
        each = ((at, [self.holds(at, part) for part in parts]) for at in self.places)
        return [at for at, holds in each if False not in holds and None in holds]

    def open(self, parts: Sequence[Condition]) -> list[Place]:
        """Return those, and those of which it is not known what they rank by."""
        unranked = (at for at in self.met(parts) if not self.is_ranked(at))
        return [*self.undecided(parts), *unranked]

    def missed(self, place: Place, limit: Limit) -> tuple[Fraction, bool]:
        """Return by what share of itself a limit is missed at least, and whether that is exact."""
        found = self.look(place, limit.name, limit.dimension)
        amount, over, under = Fraction(limit.amount), Fraction(0), Fraction(0)
        each = [Fraction(value) for value in found.values]
        if limit.sign in ("<", "<=", "==") and each and found.bound != "at most":
            over = max(max(each) - amount, Fraction(0))
        if limit.sign in (">", ">=", "==") and each and found.bound != "at least":
            under = max(amount - min(each), Fraction(0))
        return max(over, under) / (abs(amount) or 1), bool(each) and not found.bound


def differences(case: Case, *, top: int = TOP) -> Iterator[str]:
    """Yield what a search says of a space otherwise than brute force does."""
    variants = Variants(FAMILIES.get(case.family), case.fixed, case.axes)
    wanted: Any = {case.sense: case.goal}
    asked = question(variants.family, where=case.where, top=top, **wanted)
    found = solved(variants, asked)
    every = Everything(variants, case.goal, case.sense)
    assert asked.where is not None
    parts = asked.where.parts
    yield from _of_best(found, every, parts, top)
    if found.top:
        yield from _of_prices(found, every)
        yield from _of_choices(found, every, parts)
    else:
        yield from _of_conflict(found, every, parts)
        yield from _of_nearest(found, every, parts)
    for number, axis in enumerate(variants.axes):
        if axis.ordered and len(axis.values) > 1:
            yield from _of_series(every, number)


def _unlike(said: str, found: Any, own: Any) -> Iterator[str]:
    if found != own:
        yield f"{said}: {found}, by brute force {own}"


def _of_best(
    found: Outcome, every: Everything, parts: Sequence[Condition], top: int
) -> Iterator[str]:
    meet = every.meet(parts)
    unlike = {every.variants.at(at).spec: at for at in reversed(meet)}
    best = sorted(unlike.values(), key=every.rank)[:top]
    yield from _unlike("the best are", [at for at, _ in found.top], best)
    last = best[-1] if len(best) == top else None
    is_proven = _none_before(every, parts, last)
    yield from _unlike("the best are proven", found.trail.is_whole, is_proven)


def _none_before(every: Everything, parts: Sequence[Condition], place: Place | None) -> bool:
    """Return whether no variant that is not decided may come before one; None: before the end."""
    undecided = every.open(parts)
    return not any(place is None or every.rank(at) < every.rank(place) for at in undecided)


def _without(parts: Sequence[Condition], part: Condition) -> list[Condition]:
    return [other for other in parts if other is not part]


def _of_prices(found: Outcome, every: Everything) -> Iterator[str]:
    parts = [price.part for price in found.prices]
    best = every.rank(found.top[0][0])[0]

    def better(place: Place) -> bool:
        return bool(every.rank(place)[0] < best)

    for price in found.prices:
        said, others = price.part.text, _without(parts, price.part)
        certain = list(filter(better, every.meet(others)))
        undecided = list(filter(better, every.open(others)))
        binds = True if certain else None if undecided else False
        yield from _unlike(f"{said} binds", price.binds, binds)
        without = price.without and price.without[0]
        yield from _unlike(f"without {said}", without, certain[0] if certain else None)
        if certain and price.part.limit is not None:
            yield from _of_relaxed(price, every, certain, undecided, price.part.limit)


def _of_relaxed(
    price: Any, every: Everything, certain: list[Place], undecided: list[Place], limit: Limit
) -> Iterator[str]:
    """Yield what is otherwise of the variant that misses a limit by least, of those better."""

    def key(place: Place) -> Any:
        return every.missed(place, limit)[0], every.rank(place)

    exact = [at for at in certain if every.missed(at, limit)[1]]
    nearest = min(exact, key=key, default=None)
    yield from _unlike(f"relaxed {price.part.text}", price.relaxed and price.relaxed[0], nearest)
    loose = [at for at in certain if at not in exact] + undecided
    nearer = [at for at in loose if nearest is None or key(at) < key(nearest)]
    before = [at for at in undecided if every.rank(at) < every.rank(certain[0])]
    yield from _unlike(f"{price.part.text} is proven", price.is_proven, not (nearer or before))


def _of_choices(found: Outcome, every: Everything, parts: Sequence[Condition]) -> Iterator[str]:
    for choice in found.choices:
        axis = found.variants.axes.index(choice.axis)
        those = [at for at in every.meet(parts) if at[axis] == choice.value]
        said = f"of {choice.axis.name} {choice.axis.values[choice.value]}"
        yield from _unlike(f"the best {said}", choice.found and choice.found[0],
                           those[0] if those else None)  # fmt: skip
        undecided = [at for at in every.open(parts) if at[axis] == choice.value]
        before = [at for at in undecided if not those or every.rank(at) < every.rank(those[0])]
        yield from _unlike(f"the best {said} is proven", choice.proven, not before)


def _of_conflict(found: Outcome, every: Everything, parts: Sequence[Condition]) -> Iterator[str]:
    assert found.conflict is not None
    core = found.conflict.parts
    text = " and ".join(part.text for part in core)
    nothing = not every.met(core) and not every.undecided(core)
    yield from _unlike(f"{text} is proven to be met by none", found.conflict.is_proven, nothing)
    if found.conflict.is_proven:
        for part in core:
            fewer = _without(core, part)
            if not every.met(fewer) and not every.undecided(fewer):
                yield f"{text}: none meets it without {part.text} either"
    for part, (at, _), goal in found.conflict.extremes:
        if part.limit is None or part.limit.sign == "==":
            continue
        yield from _of_extreme(every, _without(core, part), at, goal)


def _of_extreme(
    every: Everything, others: Sequence[Condition], at: Place, goal: Goal
) -> Iterator[str]:
    """Yield what is otherwise of the variant that has the least, or most, under some conditions."""
    small = goal.sense == "minimise"
    exact, loose = {}, dict.fromkeys(every.undecided(others), -inf)
    for one in (*every.met(others), *loose):
        told = every.look(one, goal.name, goal.dimension)
        worst = (max(told.values) if small else -min(told.values)) if told.values else -inf
        if one not in loose and told.values and not told.bound:
            exact[one] = worst
        else:
            loose[one] = worst if told.bound in ("", "at least" if small else "at most") else -inf
    yield from _unlike(f"the extreme {goal.name}", exact.get(at), min(exact.values(), default=None))
    if any(worst < exact[at] for worst in loose.values()):
        yield f"the extreme {goal.name} is not known"


def _of_nearest(found: Outcome, every: Everything, parts: Sequence[Condition]) -> Iterator[str]:
    limits = [part.limit for part in parts if part.limit is not None]
    hard = [part for part in parts if part.limit is None]
    if not limits:
        yield from _unlike("the nearest", found.near, None)
        return

    def miss(place: Place) -> Fraction:
        return sum((every.missed(place, limit)[0] for limit in limits), Fraction(0))

    def is_exact(place: Place) -> bool:
        return all(every.missed(place, limit)[1] for limit in limits)

    certain = list(filter(is_exact, every.meet(hard)))
    least = min(map(miss, certain), default=None)
    yield from _unlike("the nearest misses", found.near and miss(found.near.place), least)
    if found.near is None or least is None:
        return
    loose = [*(at for at in every.meet(hard) if not is_exact(at)), *every.open(hard)]
    if found.near.is_proven and any(miss(at) < least for at in loose):
        yield "the nearest is called proven, and is not"


def _of_series(every: Everything, number: int) -> Iterator[str]:
    """Yield what is otherwise of variants that are made alike in parameters by one axis."""
    variants = every.variants
    params = {at: every.look(at, "params", "count").values[0] for at in every.places}
    wanted = sum(params.values()) // max(len(params), 1)
    if not wanted:
        return
    lines: dict[Place, list[Place]] = {}
    for at in every.places:
        lines.setdefault((*at[:number], *at[number + 1 :]), []).append(at)
    own = [min(line, key=lambda at: (abs(params[at] - wanted), at)) for line in lines.values()]
    name = variants.axes[number].name
    found = solved(variants, question(variants.family, iso=f"params={wanted}", solve=name))
    off, right = (
        {(*at[:number], *at[number + 1 :]): abs(params[at] - wanted) for at in each}
        for each in ([at for at, _ in found.top], own)
    )
    yield from _unlike(f"params {wanted} by {name} are missed by", off, right)


def outcome(case: Case) -> tuple[str, str]:
    """Return what comes of a space, one of `KINDS`, and what is said."""
    try:
        found = "; ".join(differences(case))
    except UsageError as refused:
        return "refused", str(refused)
    except ArchscopeError as error:  # what a family says of its measures is not so
        return "differs", str(error)
    return ("differs", found) if found else ("held", "")


def _tally(name: str, cases: Iterator[Case], most: int | None) -> Counter[str]:
    found: Counter[str] = Counter()
    began = time.process_time()
    for case in cases:
        if most is not None and found["held"] + found["differs"] >= most:
            break
        kind, said = outcome(case)
        found[kind] += 1
        if kind == "differs":
            print(f"{case}\n    {said}", flush=True)
    took = time.process_time() - began
    counts = "".join(f"{found[kind]:>8,} {kind}" for kind in KINDS)
    print(f"{name:<16}{counts}   {took:.1f} s", flush=True)
    return found


def main() -> None:
    """Print each difference as it comes, then what came of all spaces."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--random", type=int, default=0, metavar="N", help="so many at random too")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = _tally("of the tests", iter(CASES), None)
    if options.random:
        found += _tally("at random", drawn(options.seed), options.random)
    raise SystemExit(3 if found["differs"] else 0)


if __name__ == "__main__":
    main()
