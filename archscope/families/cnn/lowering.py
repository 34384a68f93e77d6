"""Writes a sentence out as the steps of a plan: repetitions, lists, and what is left unsaid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archscope.blocks.per_layer import item
from archscope.families.cnn.plan import DEPTHWISE, MisfitError, Step
from archscope.families.cnn.sentence import Clause, Word
from archscope.families.cnn.words import MODES, PADDINGS

KERNEL = "3"
"""Taps of a convolution that says none, as of the fields."""


def lowered(clauses: tuple[Clause, ...], axes: int, usual: Step) -> tuple[Step, ...]:
    """Return the steps of a sentence in so many dimensions.

    `usual` is a convolution whose padding, norm, activation and biases hold where a step says none.
    Raises `MisfitError` where a step has numbers for other dimensions.
    """
    return tuple(_Lowering(axes, usual).steps(clauses, 0))


class _Lowering:
    """Knows what every step needs, beside itself."""

    def __init__(self, axes: int, usual: Step) -> None:
        self.axes = axes
        self.usual = usual

    def steps(self, clauses: tuple[Clause, ...], number: int) -> Iterator[Step]:
        """Yield the steps of one turn of a repetition."""
        for clause in clauses:
            if clause.word == "x":
                for turn in range(clause.times):
                    yield from self.steps(clause.within, turn)
            elif clause.word == "res":
                yield self.residual(clause, number)
            elif clause.word not in ("in", "head"):
                yield self.step(clause, number)

    def residual(self, clause: Clause, number: int) -> Step:
        inner = tuple(self.steps(clause.within, number))
        last = inner[-1]
        after = last.activation if last.convolves else "none"  # it comes behind the sum
        if last.convolves:
            inner = (*inner[:-1], replace(last, activation="none"))
        return Step(
            kind="residual",
            inner=inner,
            activation=after,
            bias=self.usual.bias,
            label="'res( )'",
            at=clause.at,
        )

    def step(self, clause: Clause, number: int) -> Step:
        label = repr(str(clause))
        plain = Step(kind="norm", label=label, at=clause.at)
        if clause.axes not in (0, self.axes):
            problem = f"names {clause.axes} axes, and the stack has {self.axes}"
            raise MisfitError("layers", str(clause), problem, plain)
        match clause.word:
            case "conv" | "tconv":
                return self.convolution(clause, number, label)
            case "pool":
                return self.pool(clause, number, plain)
            case "up":
                kind: Any = "linear" if clause.get("linear") else "nearest"
                return replace(plain, kind=kind, stride=self.numbers(clause, "", number))
            case "norm":
                return replace(plain, **self.norm(clause, plain))
        return replace(plain, kind="activation", activation=_only(clause, "act", "none"))

    def convolution(self, clause: Clause, number: int, label: str) -> Step:
        word = clause.get("")
        groups = clause.get("g")
        step = replace(
            self.usual,
            kind="transposed" if clause.word == "tconv" else "conv",
            channels=int(item(word.items, number)) if word else None,
            kernel=self.numbers(clause, "k", number, KERNEL),
            stride=self.numbers(clause, "s", number),
            dilation=self.numbers(clause, "d", number),
            padding=self.padding(clause, number, label),
            output_padding=self.numbers(clause, "op", number, "0"),
            mode=next((mode for mode in MODES if clause.get(mode)), self.usual.mode),
            groups=DEPTHWISE
            if clause.get("dw")
            else int(item(groups.items, number))
            if groups
            else 1,
            separable=clause.get("sep") is not None,
            bias=self.usual.bias if clause.get("bias off") is None else False,
            activation=_only(clause, "act", self.usual.activation),
            residual=clause.get("res") is not None,
            label=label,
            at=clause.at,
        )
        step = replace(step, bias=True) if clause.get("bias on") else step
        return replace(step, **self.norm(clause, self.usual))

    def pool(self, clause: Clause, number: int, plain: Step) -> Step:
        size = "k" if clause.get("k") else ""
        kernel = self.numbers(clause, size, number)
        padding = clause.get("p")
        return replace(
            plain,
            kind="avg-pool" if clause.get("avg") else "max-pool",
            kernel=kernel,
            stride=self.numbers(clause, "s", number) if clause.get("s") else kernel,
            dilation=self.numbers(clause, "d", number),
            padding=self.sides(padding, number, plain.label) if padding else (0,) * self.axes,
            ceil=clause.get("ceil") is not None,
        )

    def norm(self, clause: Clause, usual: Step) -> dict[str, Any]:
        word = clause.get("norm")
        if word is None:
            return {"norm": usual.norm, "norm_groups": usual.norm_groups}
        norm, *groups = word.items
        return {"norm": norm, "norm_groups": int(groups[0]) if groups else self.usual.norm_groups}

    def padding(self, clause: Clause, number: int, label: str) -> tuple[Any, ...]:
        said = next((word for word in PADDINGS if clause.get(word)), None)
        sides = clause.get("p")
        if sides is not None:
            return self.sides(sides, number, label)
        return self.usual.padding if said is None else (said,) * self.axes

    def numbers(self, clause: Clause, name: str, number: int, usual: str = "1") -> tuple[int, ...]:
        word = clause.get(name)
        text = usual if word is None else item(word.items, number)
        at = clause.at if word is None else word.at
        return tuple(map(int, self.each(text.split("x"), str(clause), at)))

    def sides(self, word: Word, number: int, label: str) -> tuple[Any, ...]:
        parts = re.split("[x:]", item(word.items, number))
        plain = [int(part) if part.isdecimal() else part for part in parts]
        return tuple(self.each(plain, label, word.at))

    def each(self, parts: list[Any], label: str, at: int) -> list[Any]:
        if len(parts) not in (1, self.axes):
            step = Step(kind="norm", label=label, at=at)
            problem = f"is for {len(parts)} axes, and the stack has {self.axes}"
            raise MisfitError("layers", "x".join(map(str, parts)), problem, step)
        return parts * self.axes if len(parts) == 1 else parts


def _only(clause: Clause, name: str, usual: str) -> str:
    word = clause.get(name)
    return usual if word is None else word.items[0]


def flat(clauses: tuple[Clause, ...]) -> Iterator[Clause]:
    """Yield the steps of a sentence, each once."""
    for clause in clauses:
        yield from flat(clause.within) if clause.within else (clause,)


def axes_said(clauses: tuple[Clause, ...]) -> int:
    """Return for how many axes a sentence has numbers or names; 0 where it does not tell."""
    found = 0
    for clause in flat(clauses):
        named = len(clause.words[0].items[0].split("x")) - 1 if clause.word == "in" else 0
        items = (
            len(re.split("[x:]", text))
            for word in clause.words
            if word.name not in ("norm", "act") and clause.word != "in"
            for text in word.items
        )
        found = max(found, clause.axes, named, *(count for count in items if count > 1), 0)
    return found


def input_said(clauses: tuple[Clause, ...]) -> tuple[int | None, tuple[int, ...]]:
    """Return the channels and the sizes that a sentence begins with, if any."""
    first = clauses[0]
    if first.word != "in":
        return None, ()
    channels, *sizes = map(int, first.words[0].items[0].split("x"))
    return channels, tuple(sizes)


def classes_said(clauses: tuple[Clause, ...]) -> int | None:
    """Return the outputs of the classifier that a sentence ends with, if any."""
    return int(clauses[-1].words[0].items[0]) if clauses[-1].word == "head" else None
