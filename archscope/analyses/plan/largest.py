"""The largest value of a field at which a network fits, proven by its neighbours.

Memory grows with each of these fields, so lines through what was evaluated, and halving, find the
border; what is returned was evaluated exactly, and so was the next value that the field can have.
"""

from __future__ import annotations

from dataclasses import replace

from archscope import specs
from archscope.analyses.plan.evaluate import Evaluated, evaluate
from archscope.analyses.plan.layout import Layout
from archscope.analyses.plan.network import Told
from archscope.analyses.plan.rows import LargestRow
from archscope.errors import SpecError, UsageError, did_you_mean
from archscope.records import frozen

_WORDS = {"batch": "batch_size", "width": "d_model", "micro_batch": "batch_size"}
"""Other words for fields."""
_GROWING = (
    "batch_size",
    "seq_len",
    "target_len",
    "depth",
    "decoder_depth",
    "d_model",
    "d_ff",
    "expert_ff",
    "experts",
    "vocab_size",
    "input_size",
    "classes",
)
"""Fields with which memory grows and nothing else changes."""
_MOST = 2**40


@frozen
class Largest:
    """The border between what fits and what does not."""

    rows: tuple[LargestRow, ...]
    """The largest value that fits, where there is one, and the next, where there is one."""
    value: int | None
    """The largest that fits; None where none does."""
    why: str
    """Why there is no next value, or none that fits; empty: both are there."""


def largest(told: Told, layout: Layout, field: str, limit: int) -> Largest:
    """Return the largest value of a field that fits `limit` bytes; raises `UsageError`."""
    name = _field(told, field)
    search = _Search(told, layout, name, limit)
    return search.answer()


def _field(told: Told, word: str) -> str:
    if told.spec is None:
        raise UsageError("max needs a network of a family; this one's sizes are in its code")
    plain = word.replace("-", "_").lower()
    name = _WORDS.get(plain, plain)
    names = [each.name for each in specs.fields(type(told.spec)) if each.name in _GROWING]
    if name not in names or not isinstance(getattr(told.spec, name), int):
        near = did_you_mean(word, [*_WORDS, *names])
        problem = f"is not a field of {told.family} that memory grows with; there are "
        raise SpecError("max", word, problem + ", ".join(names) + f".{near}")
    return name


class _Search:
    """Evaluates values of one field, each once."""

    def __init__(self, told: Told, layout: Layout, field: str, limit: int) -> None:
        self._told = told
        self._layout = layout
        self._field = field
        self._limit = limit
        self._start = layout.micro_batch if field == "batch_size" else getattr(told.spec, field)
        self._seen: dict[int, LargestRow | None] = {}
        self.why = ""

    def row(self, value: int) -> LargestRow | None:
        """Return what is described for a value; None where no network has it."""
        if value not in self._seen:
            self._seen[value] = self._row(value)
        return self._seen[value]

    def _row(self, value: int) -> LargestRow | None:
        try:
            if self._field == "batch_size":
                found = evaluate(self._told, replace(self._layout, micro_batch=value))
            else:
                found = evaluate(self._told.changed(self._field, value), self._layout)
        except UsageError as error:
            self.why = str(error)
            return None
        fits = found.fits(self._limit)
        if fits is None:
            raise UsageError(f"what fits is not known: {_unknown(found)}")
        return LargestRow(
            field=self._field,
            value=value,
            fits="yes" if fits else "no",
            bytes=found.memory if fits else found.fullest.known,
            card=self._limit,
        )

    def fits(self, value: int) -> bool:
        row = self.row(value)
        return row is not None and row.fits == "yes"

    def answer(self) -> Largest:
        step = self._step()
        low = self._start
        if not self.fits(low):
            low = self._start % step or step
            if not self.fits(low):
                return self._none(low)
        return self._found(*self._border(low, step))

    def _border(self, low: int, step: int) -> tuple[int, int | None]:
        """Return the largest value that fits and the next one; None where every one fits.

        Memory grows with most fields along a line nearly, which says about where the border is.
        """
        before, reach = low, step
        while low + reach < _MOST:
            guess = max(self._on_line(low, before, step) or 0, low + reach)
            guess = low + reach if guess >= _MOST else guess
            reach = 2 * reach if guess == low + reach else step
            if not self.fits(guess):
                return self._between(low, guess, step)
            before, low = low, guess
        return low, None

    def _between(self, low: int, high: int, step: int) -> tuple[int, int]:
        """Return the same of a value that fits and one that does not; the border lies between."""
        halve = False
        while high - low > step:
            width = high - low
            middle = low + width // (2 * step) * step
            guess = middle if halve else self._on_line(low, high, step) or middle
            guess = min(guess, high - step)
            if self.fits(guess):
                low = guess
            else:
                high = guess
            halve = 2 * (high - low) > width
        return low, high

    def _on_line(self, low: int, other: int, step: int) -> int | None:
        """Return about where a line through two values meets the limit, above the lower one."""
        rows = self.row(low), self.row(other)
        here, there = (None if row is None else row.bytes for row in rows)
        if here is None or there is None or here == there:
            return None
        more = (self._limit - here) * (other - low) // (there - here)
        return low + max(more // step, 1) * step

    def _step(self) -> int:
        """Return the smallest step from value to value that gives a network."""
        for step in range(1, 4097):
            if self.row_exists(self._start + step):
                return step
        return 1

    def row_exists(self, value: int) -> bool:
        """Return whether some network has a value."""
        try:
            self._told.changed(self._field, value)
            return self.row(value) is not None
        except UsageError:
            return False

    def _found(self, low: int, high: int | None) -> Largest:
        rows = [self.row(low)]
        why = ""
        if high is not None:
            following = self.row(high)
            if following is None:
                why = f"no network has {self._field} {high}: {self.why}"
            else:
                rows.append(following)
        return Largest(rows=tuple(row for row in rows if row is not None), value=low, why=why)

    def _none(self, least: int) -> Largest:
        row = self.row(least)
        return Largest(
            rows=() if row is None else (row,),
            value=None,
            why=f"not even {self._field} {least} fits",
        )


def _unknown(found: Evaluated) -> str:
    lines = (line for each in found.filled for line in each.lines)
    return next(f"{line.what}: {line.source}" for line in lines if line.bytes is None)
