"""What a forward in symbols keeps, noted part by part, each memory once. No operators.

Blocks that are alike are run once and noted as often as they stand there; what runs again in the
backward keeps what it is given alone.
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
from archscope.theory.saved_activations import (
    Division,
    Holds,
    NumberType,
    SavedActivations,
    SavedPart,
    SavedTensor,
    Way,
)


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


@frozen
class _Run:
    """What came of a block, for others that are like it."""

    part: SavedPart
    kept: frozenset[int]
    """The places, among what it was given, of what is kept once it has run."""
    answers: tuple[Value, ...]
    kept_answers: tuple[bool, ...]
    """Which of its answers are kept then."""
    counted: int
    """How many blocks it holds that recomputation counts."""


class Notes:
    """Notes what a forward keeps, part by part."""

    def __init__(self, symbols: Symbols, way: Way) -> None:
        self.symbols = symbols
        self.way = way
        self._parts: list[SavedPart] = []
        self._tensors: list[SavedTensor] = []
        self._seen: set[int] = set()
        self._count = 0
        self._paths: list[str] = []
        self._blocks = 0
        self._silent = False
        self._asked = False
        self._unknown = ""
        self._alike: dict[Hashable, _Run] = {}

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
                SavedTensor(
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

    # Parts, and what runs again.

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
        *given: Value,
        again: bool | None = None,
    ) -> Value:
        """Run a block on what it is given; those of one kind are run once where they may.

        `again`: whether it runs again in the backward; None: each so many-th block of all does.
        """

        def several(*given: Value) -> tuple[Value, ...]:
            return (run(*given),)

        return self.block_of_several(path, kind, several, *given, again=again)[0]

    def block_of_several(
        self,
        path: str,
        kind: Hashable,
        run: Callable[..., tuple[Value, ...]],
        *given: Value,
        again: bool | None = None,
    ) -> tuple[Value, ...]:
        """Do the same for a block that answers with several values."""
        self._paths.append(path)
        # Of a block that is not counted itself, what it holds may be: which of it runs again is
        # told by how many came before.
        before = self._blocks % (self.way.every or 1) if again is False else 0
        again = self.again() if again is None else again
        key = (kind, again, before, self._silent, self._states(given))
        if key not in self._alike:
            return self._first(key, path, run, given, again=again)
        found = self._alike[key]
        self._blocks += found.counted
        self._parts.append(found.part)
        self._seen.update(value.memory for n, value in enumerate(given) if n in found.kept)
        return tuple(map(self._made_again, found.answers, found.kept_answers))

    def _first(
        self,
        key: Hashable,
        path: str,
        run: Callable[..., tuple[Value, ...]],
        given: tuple[Value, ...],
        *,
        again: bool,
    ) -> tuple[Value, ...]:
        before = self._blocks
        with self.running_again("", *given) if again else nullcontext():
            answers = run(*given)
        self._alike[key] = _Run(
            part=self._close(path, block=True),
            kept=frozenset(n for n, value in enumerate(given) if value.memory in self._seen),
            answers=answers,
            kept_answers=tuple(answer.memory in self._seen for answer in answers),
            counted=self._blocks - before,
        )
        return answers

    def _made_again(self, answer: Value, is_kept: bool) -> Value:
        made = replace(self.like(answer, answer.what), view=answer.view)
        self._seen.update([made.memory] if is_kept else [])
        return made

    def _states(self, given: Sequence[Value]) -> Hashable:
        """Return what of given values tells what a block keeps: which are one, too."""
        places = [value.memory for value in given]
        return tuple(
            (replace(value, memory=0, what=""), value.memory in self._seen, places.index(place))
            for value, place in zip(given, places, strict=True)
        )

    @contextmanager
    def counted(self, at: str, *given: Value, among: bool = True) -> Iterator[None]:
        """Within it runs what recomputation counts among the blocks, though in no list of theirs.

        `among`: whether it counts this one, e.g. since there are others of its class.
        """
        with self.running_again(at, *given) if among and self.again() else nullcontext():
            yield

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

    def _close(self, path: str, *, block: bool) -> SavedPart:
        made = SavedPart(
            path=path, tensors=tuple(self._tensors), block=block, unknown=self._unknown
        )
        self._tensors, self._unknown = [], ""
        self._parts.append(made)
        return made

    def saved(self, *, reruns: bool = True) -> SavedActivations:
        """Return what was kept of all parts; `reruns`: whether it is told which blocks run again.

        Where it is not, recomputation leaves what is kept unknown.
        """
        if self.way.every and not reruns:
            self.unknown("which blocks of this network run again is seen in a run alone")
            self._close("", block=False)
        told = (part for part in self._parts if part.block or part.tensors or part.unknown)
        return SavedActivations(parts=tuple(told), paths=tuple(self._paths))

    def saved_of_several(self) -> SavedActivations:
        """Return the same of a network whose blocks are counted where there is more than one."""
        return self.saved(reruns=self._blocks > 1)


def _used(form: str, symbols: Symbols) -> Symbols:
    return {name: symbols[name] for name in _names(form)}


@lru_cache(maxsize=1024)
def _names(form: str) -> Sequence[str]:
    return tuple(dict.fromkeys(re.findall(r"[A-Za-z_]\w*", form)))
