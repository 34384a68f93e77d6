"""A forward pass in symbols: each operator keeps what its derivative reads, memory once.

The closed form's own road to what autograd keeps. A family writes its forward once more on
`Value`s, formulas in the place of sizes; `Tape` notes what each step keeps. The rules stand by
themselves: a product keeps each operand that the other one's gradient reads; a norm its input and
its statistics; an activation its input, or its answer where the derivative is told by that; sums
and views nothing. All weights are taken to be trained.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import lru_cache
from typing import Any

from archscope.records import frozen
from archscope.theory.counts import Symbols, evaluate
from archscope.theory.kept import Division, Holds, Kept, KeptPart, KeptTensor, NumberType, Way


@frozen
class Value:
    """What an operator returns: a view, or memory of its own."""

    what: str
    """Whose answer it is, e.g. `qkv`."""
    form: str
    """Formula of the elements of its memory, of which it may be a view."""
    memory: int
    """Which memory it is."""
    type: NumberType = "activation"
    division: Division = "whole"
    axis: str = ""
    holds: Holds = "activation"
    needs: bool = True
    """Whether it needs a gradient."""
    view: bool = False
    """Whether it is strided, so that a product of batches has to copy it."""
    numbers: tuple[tuple[str, int], ...] = ()
    """The symbols of its form and their values."""


class Tape:
    """Notes what a forward keeps, part by part."""

    def __init__(self, symbols: Symbols, way: Way) -> None:
        self.symbols = symbols
        self.way = way
        self._parts: list[KeptPart] = []
        self._tensors: list[KeptTensor] = []
        self._seen: set[int] = set()
        self._count = 0
        self._paths: list[str] = []
        self._blocks = 0
        self._silent = False
        self._asked = False
        self._unknown = ""
        self._alike: dict[Hashable, tuple[KeptPart, Value, frozenset[int], bool]] = {}

    # What is made, and what is kept.

    def value(
        self,
        what: str,
        form: str,
        *,
        type: NumberType = "activation",
        division: Division = "whole",
        axis: str = "",
        holds: Holds = "activation",
        needs: bool = True,
        numbers: tuple[tuple[str, int], ...] = (),
    ) -> Value:
        """Return memory of its own with so many elements; `numbers`: its own symbols, if any."""
        self._count += 1
        return Value(
            what=what,
            form=form,
            memory=self._count,
            type=type,
            division=division,
            axis=axis,
            holds=holds,
            needs=needs,
            numbers=numbers or tuple(_used(form, self.symbols).items()),
        )

    def like(self, x: Value, what: str, *, needs: bool | None = None) -> Value:
        """Return memory of its own for the answer of an elementwise operator."""
        self._count += 1
        needs = x.needs if needs is None else needs
        return replace(x, what=what, memory=self._count, holds="activation", needs=needs)

    def keep(self, by: str, *values: Value, minor: bool = False) -> None:
        """Let the module `by` keep values, each memory once."""
        self._asked = True
        for value in values:
            if value.memory in self._seen or self._silent:
                continue
            self._seen.add(value.memory)
            self._tensors.append(
                KeptTensor(
                    what=value.what,
                    by=by,
                    form=value.form,
                    symbols=dict(value.numbers),
                    type=value.type,
                    division=value.division,
                    axis=value.axis,
                    holds=value.holds,
                    minor=minor,
                )
            )

    def new(self, by: str, what: str, form: str, *, minor: bool = False, **kind: Any) -> Value:
        """Make what one module alone keeps."""
        made = self.value(what, form, **kind)
        self.keep(by, made, minor=minor)
        return made

    def again(self) -> bool:
        """Return whether the next of the blocks that recomputation counts is to run again."""
        self._blocks += 1
        return bool(self.way.every) and self._blocks % self.way.every == 0

    def size(self, form: str) -> int:
        """Return what a formula comes to."""
        return evaluate(form, self.symbols)

    def unknown(self, why: str) -> None:
        """Say that what this part keeps has no closed form."""
        self._unknown = self._unknown or why

    def needs_several(self, at: str, values: int) -> None:
        """Say that there is no step where statistics would be those of a single value."""
        if values == 1:
            self.unknown(f"{at} has a single value to normalise, which torch does not train on")

    # Operators.

    def linear(
        self,
        at: str,
        x: Value,
        form: str,
        *,
        division: Division = "sequence",
        axis: str = "",
    ) -> Value:
        """x W' + b keeps x, from which the weight's gradient is made."""
        self.keep(at, x)
        return self.value(at, form, division=division, axis=axis)

    def multiply(self, at: str, a: Value, b: Value, *, of: Value | None = None) -> Value:
        """Return a b, which keeps each of which the other needs a gradient; sized as `of`, or a."""
        if b.needs:
            self.keep(at, a)
        if a.needs:
            self.keep(at, b)
        return self.like(of or a, f"product in {at}", needs=a.needs or b.needs)

    def add(self, a: Value, *others: Value) -> Value:
        """Return a sum as large as a, which keeps nothing."""
        needs = a.needs or any(each.needs for each in others)
        return replace(self.like(a, "residual sum", needs=needs), view=False)

    def activation(self, at: str, kind: str, x: Value) -> Value:
        """Return an activation, which keeps its argument, or its answer where that tells all."""
        if kind == "relu2":  # a square keeps what relu has answered, which relu keeps too
            return self.like(self.activation(at, "relu", x), f"square in {at}")
        made = self.like(x, f"{kind} in {at}")
        if kind in _BY_ANSWER:
            if x.needs:
                self.keep(at, made)
            return made
        if kind == "quick-gelu":
            return self.multiply(at, x, self.activation(at, "sigmoid", x))
        if x.needs:
            self.keep(at, x)
        return made

    def norm(self, at: str, kind: str, x: Value, rows: str, *, axis: str = "") -> Value:
        """Return a norm, which keeps its argument and the statistics of each of so many rows."""
        self.keep(at, x)
        place = {"division": x.division, "axis": axis}
        if kind == "rmsnorm":
            self.new(at, "reciprocals of roots", rows, type="fp32", minor=True, **place)
        else:
            self.new(at, "means", rows, minor=True, **place)
            self.new(at, "reciprocals of deviations", rows, minor=True, **place)
        return replace(self.like(x, at, needs=True), view=False)

    def batch_norm(self, at: str, x: Value, channels: str, **own: Any) -> Value:
        """Return a batch norm, which keeps x, its averages and the statistics of the batch.

        `own`: the numbers of the symbols of its channels, where it has its own.
        """
        width = evaluate(channels, dict(own.get("numbers", ())) or self.symbols)
        self.needs_several(at, evaluate(x.form, dict(x.numbers)) // width)
        self.keep(at, x)
        for what in ("running means", "running variances"):
            self.new(at, what, channels, holds="buffer", minor=True, **own)
        for what in ("means", "reciprocals of deviations"):
            self.new(at, what, channels, minor=True, **own)
        return self.like(x, at, needs=True)

    def dropped(self, at: str, x: Value) -> Value:
        """Return what a network's own dropout leaves of x, which keeps a byte for each element."""
        mask = self.like(x, "mask of dropout", needs=False)
        self.keep(at, replace(mask, type="byte"))
        return self.like(x, at)

    def dropout(self, at: str, x: Value) -> Value:
        """Return what is left of x where the way has dropout, which keeps a byte for each."""
        if not self.way.dropout:
            return x
        mask = self.like(x, f"mask of dropout in {at}")
        self.keep(at, replace(mask, type="byte"))
        return self.like(x, f"dropout in {at}")

    # Parts.

    @contextmanager
    def part(self, path: str) -> Iterator[None]:
        """Within it, what is kept belongs to what stands at a path outside of all blocks."""
        yield
        self._close(path, block=False)

    def block(
        self,
        path: str,
        kind: Hashable,
        run: Callable[..., Value],
        x: Value,
        *beside: Value,
        again: bool | None = None,
    ) -> Value:
        """Run a block on x and what stands beside; those of one kind are run once where they may.

        `again`: whether it runs again in the backward; None: each so many-th block of all does.
        """
        self._paths.append(path)
        again = self.again() if again is None else again
        given = (x, *beside)
        key = (kind, again, self._silent, tuple(map(self._state, given)))
        if key in self._alike:
            part, answer, kept, is_kept = self._alike[key]
            self._parts.append(part)
            self._seen.update(value.memory for n, value in enumerate(given) if n in kept)
            made = replace(self.like(answer, answer.what), view=answer.view)
            self._seen.update([made.memory] if is_kept else [])
            return made
        with self.running_again("", *given) if again else nullcontext():
            answer = run(*given)
        kept = frozenset(n for n, value in enumerate(given) if value.memory in self._seen)
        is_kept = answer.memory in self._seen
        self._alike[key] = self._close(path, block=True), answer, kept, is_kept
        return answer

    @contextmanager
    def running_again(self, at: str, *given: Value) -> Iterator[None]:
        """Within it runs what runs again in the backward: it keeps what it is given alone.

        Where nothing within keeps anything, nothing runs again, and nothing is kept for it.
        """
        before, self._asked = self._asked, False
        with self.leading_nowhere():
            yield
        if self._asked:
            self.keep(at, *given)
        self._asked = self._asked or before

    @contextmanager
    def leading_nowhere(self) -> Iterator[None]:
        """Within it nothing is kept: what is made there is given up before the backward."""
        before, self._silent = self._silent, True
        yield
        self._silent = before

    def _state(self, value: Value) -> Hashable:
        return replace(value, memory=0, what=""), value.memory in self._seen

    def _close(self, path: str, *, block: bool) -> KeptPart:
        made = KeptPart(path=path, tensors=tuple(self._tensors), block=block, unknown=self._unknown)
        self._tensors, self._unknown = [], ""
        self._parts.append(made)
        return made

    def kept(self, *, reruns: bool = True) -> Kept:
        """Return what was kept of all parts; `reruns`: whether it is told which blocks run again.

        Where it is not, recomputation leaves what is kept unknown.
        """
        if self.way.every and not reruns:
            self.unknown("which blocks of this network run again is seen in a run alone")
            self._close("", block=False)
        told = (part for part in self._parts if part.block or part.tensors or part.unknown)
        return Kept(parts=tuple(told), paths=tuple(self._paths))

    def kept_of_several(self) -> Kept:
        """Return the same of a network whose blocks are counted where there is more than one."""
        return self.kept(reruns=self._blocks > 1)


_BY_ANSWER = ("relu", "tanh", "sigmoid")
"""Activations whose derivative is told by their answer."""


def _used(form: str, symbols: Symbols) -> Symbols:
    return {name: symbols[name] for name in _names(form)}


@lru_cache(maxsize=1024)
def _names(form: str) -> Sequence[str]:
    return tuple(dict.fromkeys(re.findall(r"[A-Za-z_]\w*", form)))
