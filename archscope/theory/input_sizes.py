"""Which sizes of an input run, and how many outputs they give: found by trying, one axis at a time.

What is tried is a function from a size to a number of outputs, None where it does not run: that of
a stack's layers, or a network on shapes alone. Between the smallest that runs and the largest that
was tried sizes are taken to go on alike.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from archscope.records import frozen

LARGEST_MULTIPLE = 64
"""Steps up to which every size in between is tried, where those of `SPOTS` are not told apart."""
TWICE = 16
"""How many times the given size larger ones are tried, each twice the one before, ..."""
LARGE = 4096
"""... and at least up to this size: tables of positions end there mostly."""
SMALL = (1, 3, 5)
"""How far on from the smallest size a formula of the outputs is tried too."""
SPOTS = (*range(1, 9), 11, 13, 16, 24, 32, 48)
"""How far on from the given size others are tried at first.

Networks that halve sizes mostly do not run where some half is odd: then a run of 2^k sizes in
2^(k+1) does not, and each such run has one of these in it."""


class TriedEnoughError(Exception):
    """A trial would go beyond the budget."""


@frozen
class InputSizes:
    """What is known of the sizes of an input along one axis."""

    smallest: int | None = None
    """The smallest that runs."""
    multiple: int | None = None
    """After how many positions the sizes that run come again; 0: the given one alone runs."""
    first: tuple[int, ...] = ()
    """The first sizes that come again so; the smallest may be none of them."""
    largest: int | None = None
    """The largest that runs, where a larger one does not."""
    tried: int | None = None
    """The largest that was tried, where it runs; None: larger ones are known to run too."""
    formula: str | None = None
    """Outputs of `n` positions, e.g. `floor((n - 1)/2) + 1`; None: not of that kind."""
    known: tuple[tuple[int, int], ...] = ()
    """Sizes that were tried and run, each with its outputs."""

    @property
    def allowed(self) -> str | None:
        """The sizes that run, in words.

        >>> InputSizes(smallest=1, multiple=2, first=(2,)).allowed
        '1, and multiples of 2 from 2'
        >>> InputSizes(smallest=7, multiple=4, first=(11, 12), largest=100).allowed
        '7, some in between, and 11, 12 and steps of 4 more to 100'
        """
        if self.smallest is None or self.multiple is None:
            return None
        least, step = f"{self.smallest:,}", self.multiple
        if step == 0:
            return f"{least} alone"
        end = "" if self.tried is None else f", tried to {self.tried:,}"
        end = end if self.largest is None else f" to {self.largest:,}"
        if step == 1:
            return f"{least}{end}" if self.largest else f"{least} or more{end}"
        begins = min(self.first, default=self.smallest)
        between = "" if begins - self.smallest < 2 else " some in between,"
        below = f"{least},{between} and " if self.smallest < begins else ""
        if len(self.first) < 2 and begins % step == 0:
            return f"{below}multiples of {step:,} from {begins:,}{end}"
        named = ", ".join(f"{size:,}" for size in self.first or (self.smallest,))
        return f"{below}{named} and steps of {step:,} more{end}"


def input_sizes(
    outputs: Callable[[int], int | None], given: int, step: int, *, ends: bool = False
) -> InputSizes:
    """Return which sizes run, given one that does and the stride period of the network.

    With `ends` larger ones may not run, as behind a table of positions, and are tried. `outputs`
    may raise `TriedEnoughError`; what was not found until then is None.
    """
    return _Search(outputs, given, step, ends=ends).run()


def fewest_trials(step: int) -> int:
    """Return how many sizes are tried at least before anything is known, by the stride period."""
    return len(_spots(step)) + 1


def _spots(step: int) -> list[int]:
    """Return how far on from the given size others are tried at first, the period the last."""
    parts = (part for part in range(1, step + 1) if step % part == 0)
    return sorted({*parts, step // 2, max(step - 1, 1), *(n for n in SPOTS if n < step)} - {0})


class _Search:
    """Tries sizes and remembers what they gave."""

    def __init__(
        self, outputs: Callable[[int], int | None], given: int, step: int, *, ends: bool
    ) -> None:
        self._outputs, self._given, self._step, self._ends = outputs, given, step, ends
        self._tried: dict[int, int | None] = {}

    def run(self) -> InputSizes:
        found: dict[str, Any] = {}
        try:
            if self._at(self._given) is None:
                return InputSizes()
            multiple, offsets = self._pattern()
            if multiple is None:
                return InputSizes(known=self._known())
            if not multiple:
                alone = not (self._ends and self._runs(2 * self._given))
                return InputSizes(smallest=self._given, multiple=0) if alone else InputSizes()
            first = tuple(sorted(self._smallest(self._given + at, multiple) for at in offsets))
            found = {"multiple": multiple, "first": first}
            found["smallest"] = self._least(min(first))
            formula = self._formula(multiple) if len(first) == 1 else None
            found["formula"] = None if formula is None else str(formula)
            found["largest"] = self._largest(multiple, offsets) if self._ends else None
            if formula is not None and not self._holds_of_small(formula, min(first), multiple):
                found["formula"] = None
        except TriedEnoughError:
            pass
        known = self._known()
        if self._ends and found.get("largest") is None:
            found["tried"] = known[-1][0] if known else None
        return InputSizes(**found, known=known)

    def _at(self, size: int) -> int | None:
        if size not in self._tried:
            self._tried[size] = self._outputs(size) if size > 0 else None
        return self._tried[size]

    def _runs(self, size: int) -> bool:
        return self._at(size) is not None

    def _known(self) -> tuple[tuple[int, int], ...]:
        tried = sorted(self._tried.items())
        return tuple((size, number) for size, number in tried if number is not None)

    def _pattern(self) -> tuple[int | None, tuple[int, ...]]:
        """Return after how many positions sizes that run come again, and which, from the given on.

        0: it alone runs; None: too many would have to be tried.
        """
        given, step, spots = self._given, self._step, _spots(self._step)
        ends_here = self._ends and step < given and not self._runs(given + step)
        up = 1 if not ends_here and any(self._runs(given + more) for more in spots) else -1
        runs = {more: self._runs(given + up * more) for more in spots}
        if not any(runs.values()):
            return 0, (0,)
        if not runs[step]:
            return None, ()
        apart = next(more for more in spots if step % more == 0 and runs[more])
        if all(so == (more % apart == 0) for more, so in runs.items()):
            return apart, (0,)
        ends = (part for part in spots if step % part == 0)
        period = next(part for part in ends if all(runs[m] for m in spots if m % part == 0))
        return self._each(up, period) if period <= LARGEST_MULTIPLE else (None, ())

    def _each(self, up: int, period: int) -> tuple[int | None, tuple[int, ...]]:
        """Return the same with every size of a period tried; it must hold of all that were."""
        runs = [self._runs(self._given + up * more) for more in range(period + 1)]
        for apart in (part for part in range(1, period + 1) if period % part == 0):
            if all(runs[more] == runs[more + apart] for more in range(period + 1 - apart)):
                first = tuple(up * more for more in range(apart) if runs[more])
                known = {up * (n - self._given): m is not None for n, m in self._tried.items()}
                alike = all(runs[n % apart] == so for n, so in known.items() if n > 0)
                return (apart, first) if alike else (None, ())
        raise AssertionError("sizes repeat after a period at the latest")

    def _smallest(self, size: int, apart: int) -> int:
        """Return the smallest size that runs of those so far apart, by bisection."""
        if not apart:
            return size
        low, high = -1, (size - 1) // apart  # the given size runs, less than 1 does not
        rest = (size - 1) % apart + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._runs(rest + middle * apart) else (middle, high)
        return rest + high * apart

    def _largest(self, apart: int, offsets: tuple[int, ...]) -> int | None:
        """Return the largest size that runs, by bisection; None where all that were tried do."""
        given, runs, fails = self._given, 0, 1  # how many times `apart` above the given size
        while self._runs(given + fails * apart):
            if given + fails * apart >= max(TWICE * given, LARGE):
                return None
            runs, fails = fails, max(2 * fails, given // apart)
        middle = runs + 1  # tables mostly end at a size that was tried
        while fails - runs > 1:
            if self._runs(given + middle * apart):
                runs = middle
            else:
                fails = middle
            middle = (runs + fails) // 2
        last = given + runs * apart
        return max(last + at % apart for at in offsets if self._runs(last + at % apart))

    def _least(self, regular: int) -> int:
        """Return the smallest size that runs at all, which may be below where sizes come again."""
        few = (1 << power for power in range(LARGEST_MULTIPLE.bit_length()))
        return next((size for size in few if size < regular and self._runs(size)), regular)

    def _formula(self, apart: int) -> Outputs | None:
        found = self._rounded() if apart == 1 else self._straight(apart)
        return found if found is not None and self._fits(found) else None

    def _fits(self, formula: Outputs) -> bool:
        return all(number == formula.outputs(size) for size, number in self._known())

    def _holds_of_small(self, formula: Outputs, smallest: int, apart: int) -> bool:
        """Return whether it fits small sizes too, where padding and cuts tell most."""
        sizes = (smallest + more * apart for more in SMALL)
        return all(
            self._at(size) in (None, formula.outputs(size)) for size in sizes if size < self._given
        )

    def _straight(self, apart: int) -> Outputs | None:
        other = self._given + apart
        other = other if self._runs(other) else self._given - apart
        here, there = self._at(self._given), self._at(other)
        if here is None or there is None:
            return None
        slope = Fraction(there - here, other - self._given)
        # Whole at every size that runs: no rounding is left to be told.
        return Outputs(
            times=slope.numerator,
            every=slope.denominator,
            shift=0,
            more=0,
            exact=here - slope * self._given,
        )

    def _rounded(self) -> Outputs | None:
        """Return times * floor((n + shift) / every) + more, found where outputs grow."""
        start = self._given
        if not self._runs(start + 2 * self._step):
            start = max(start - 3 * self._step, self._given - (self._given - 1))
        for every in (part for part in range(1, self._step + 1) if self._step % part == 0):
            first, last = self._at(start), self._at(start + every)
            if first is None or last is None or last <= first:
                continue
            low, high = start, start + every
            while high - low > 1:
                middle = (low + high) // 2
                here = self._at(middle)
                if here is None:
                    return None
                low, high = (middle, high) if here <= first else (low, middle)
            shift = -high % every
            more = last - (last - first) * ((high + shift) // every)
            found = Outputs(times=last - first, every=every, shift=shift, more=more)
            beyond = self._at(start + self._step + every)
            if beyond is None or beyond == found.outputs(start + self._step + every):
                return found
        return None


@frozen
class Outputs:
    """How many outputs n positions give: times * floor((n + shift) / every) + more."""

    times: int
    every: int
    shift: int
    more: int
    exact: Fraction | None = None
    """Of sizes that leave no rest: times * n / every + this."""

    def outputs(self, size: int) -> Fraction | int:
        """Return how many outputs so many positions give."""
        if self.exact is not None:
            return Fraction(self.times * size, self.every) + self.exact
        return self.times * ((size + self.shift) // self.every) + self.more

    def __str__(self) -> str:
        if self.exact is not None:
            return _straight(Fraction(self.times, self.every), self.exact)
        if self.every == 1:
            return _straight(Fraction(self.times), Fraction(self.times * self.shift + self.more))
        shift, more = self.shift, self.more
        if self.times == 1:  # whole steps go into the fraction
            shift, more = shift + self.every * more, 0
        if shift == 0:
            rounded = f"floor(n/{self.every})"
        elif shift == self.every - 1:
            rounded = f"ceil(n/{self.every})"
        elif shift < self.every and self.times == 1:
            rounded, more = f"floor((n {_signed(shift - self.every)})/{self.every})", more + 1
        else:
            rounded = f"floor((n {_signed(shift)})/{self.every})"
        head = rounded if self.times == 1 else f"{self.times} {rounded}"
        return head if not more else f"{head} {_signed(more)}"


def _straight(slope: Fraction, more: Fraction) -> str:
    if slope.denominator > 1:
        inner = _straight(Fraction(slope.numerator), more * slope.denominator)
        return f"({inner})/{slope.denominator}" if " " in inner else f"{inner}/{slope.denominator}"
    head = {0: "", 1: "n"}.get(slope.numerator, f"{slope.numerator}n")
    if not head:
        return str(more)
    return head if not more else f"{head} {_signed(more)}"


def _signed(number: int | Fraction) -> str:
    return f"{'-' if number < 0 else '+'} {abs(number)}"
