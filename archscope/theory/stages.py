"""The weights of a network in order, part by part, and how several cards divide them.

A family tells its spec as `Stages`. Tensor parallelism divides matrices by columns, then by rows
(Shoeybi et al. 2019, Megatron-LM, arXiv 1909.08053, section 3), tables by words; expert parallelism
deals out whole experts (Lepikhin et al. 2020, GShard, arXiv 2006.16668, section 3); what neither
divides is on every card.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

from archscope.errors import SpecError
from archscope.records import frozen
from archscope.theory.census import Census, Counted, repeated
from archscope.theory.sharding import share

By = Literal["whole", "columns", "rows", "vocabulary", "experts", "channels"]
"""`columns`: outputs are dealt out; `rows`: inputs, so that what comes out is a sum; `channels`: no
one meets another; `vocabulary`: words, the last card's filled up; `experts`: whole experts, and the
matrices of each as columns and rows."""


@frozen
class Division:
    """How several cards divide the parameters of one layer."""

    by: By = "whole"
    units: int = 1
    """What tensor parallelism deals out whole: heads, hidden features, words."""
    repeats: bool = False
    """Whether several cards may hold one unit, as key heads that are fewer than the cards."""
    whole: int = 0
    """Parameters of the layer that each of these cards has, e.g. a bias behind rows."""
    experts: int = 0
    """Experts that expert parallelism deals out; 0: it is no layer of experts."""
    chosen: int = 0
    """How many of these a token meets."""
    reads: str = ""
    """What columns read, by a name within their part: its gradient is summed up once."""

    def held(self, params: int, *, tensor: int = 1, expert: int = 1) -> int:
        """Return the most parameters of so many that one card has.

        >>> Division(by="columns", units=12).held(12 * 64 * 768, tensor=4) == 3 * 64 * 768
        True
        """
        if self.by == "whole":
            return params
        units = share(self.units, tensor)
        mine = (params - self.whole) // self.units * units + self.whole
        return mine // self.experts * share(self.experts, expert) if self.experts else mine

    def check(self, name: str, *, tensor: int = 1, expert: int = 1) -> None:
        """Raise `SpecError` for `tp` or `ep` where this layer cannot be dealt out so."""
        if self.experts and self.experts % expert:
            problem = f"does not divide the {self.experts:,} experts of {name}"
            raise SpecError("ep", expert, problem + _nearest(self.experts, expert))
        fits = self.units % tensor == 0 or (self.repeats and tensor % self.units == 0)
        if self.by not in ("whole", "vocabulary") and not fits:
            problem = f"does not divide the {self.units:,} units of {name}"
            raise SpecError("tp", tensor, problem + _nearest(self.units, tensor))


def _nearest(number: int, near: int) -> str:
    """Return which divisors of a number are next below and above."""
    below = next((n for n in range(min(near - 1, number), 0, -1) if number % n == 0), 1)
    above = next((n for n in range(near + 1, number + 1) if number % n == 0), None)
    return f". Nearest: {below}" + (f", {above}" if above else "")


@frozen
class Layer:
    """One layer, with weights of its own or of another."""

    name: str
    """What it is, e.g. `query, key and value`."""
    counted: Counted
    """Its closed form, for one run."""
    division: Division = Division()
    weight: str = ""
    """Which weight this is, where several layers have one: it is there once on each card."""
    tensors: int = 1
    """Tensors that its parameters are in."""
    trained_input: bool = True
    """Whether what it multiplies is made by something that is trained, and so needs a gradient."""
    backward: int | None = None
    """Multiply-accumulates of the backward pass where they were counted; None: they follow."""

    @property
    def params(self) -> int:
        """Its parameters."""
        return self.counted.form.params_value * self.counted.copies

    @property
    def trains(self) -> bool:
        """Whether its parameters get gradients: they are not frozen, and some output needs them."""
        return not self.counted.frozen and self.counted.times > 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass."""
        return self.counted.macs

    @property
    def backward_macs(self) -> int:
        """Multiply-accumulates of the backward pass: as many for each operand with a gradient.

        Products of activations have two such operands, as a trained weight and what it meets.
        """
        if self.backward is not None:
            return self.backward
        return self.macs * (int(not self.counted.frozen) + self.trained_input)

    @property
    def is_summed(self) -> bool:
        """Whether what comes out on each card is a part of a sum."""
        looked_up = self.division.by == "vocabulary" and not self.division.reads
        return self.division.by in ("rows", "experts") or (looked_up and self.counted.outputs > 0)

    def held(self, *, tensor: int = 1, expert: int = 1) -> int:
        """Return the most of its parameters that one card has."""
        return self.division.held(self.params, tensor=tensor, expert=expert)


@frozen
class Part:
    """What is never cut: a block, or what stands before, between and after the blocks."""

    path: str
    """Where it stands, e.g. `blocks.0`; of several that are alike the first."""
    layers: tuple[Layer, ...]
    """In the order in which they run."""
    block: bool = False
    """Whether it is one of the blocks that stand in lists: a pipeline is cut before blocks."""
    out: int | None = 0
    """Elements that the part behind it needs, of one micro-batch; None: that is not told."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass."""
        return sum(layer.macs for layer in self.layers)

    @property
    def summed_forward(self) -> int:
        """Elements that tensor parallelism sums up in one forward pass."""
        return sum(
            layer.counted.outputs * layer.counted.times for layer in self.layers if layer.is_summed
        )

    @property
    def summed_backward(self) -> int:
        """Elements that it sums up in one backward pass: the gradient of each thing read."""
        found: dict[str, int] = {}
        for layer in self.layers:
            if layer.division.reads:
                found.setdefault(layer.division.reads, _read(layer))
        return sum(found.values())

    @property
    def routed(self) -> int:
        """Elements that go to experts in one forward pass."""
        return sum(
            layer.counted.form.symbols["n"] * layer.counted.form.symbols["d"]
            for layer in self.layers
            if layer.division.by == "experts"
        )


def _read(layer: Layer) -> int:
    symbols = layer.counted.form.symbols
    return symbols["n"] * (symbols["i"] if "i" in symbols else symbols["d"])


@frozen
class Stages:
    """The weights of a network in order."""

    parts: tuple[Part, ...]
    """In the order in which they run; blocks that are alike are one object, as often as it runs."""
    samples: int
    """Inputs of one micro-batch."""
    tokens: int = 0
    """Tokens of one micro-batch, of a source and a target both; 0: it is not of tokens."""
    undivided: str = ""
    """Why tensor parallelism is not told; empty: it is."""
    bounded: str = ""
    """Why its backward is told as a bound alone, twice the forward; empty: it is told."""
    unordered: str = ""
    """Why neither the order of its layers is told nor their tensors; empty: both are."""
    idle: int | None = 0
    """Parameters that one token does not meet, beside those that its layers tell of; None where
    that is unknown."""

    @property
    def layers(self) -> Iterator[Layer]:
        """Every layer, in order."""
        return (layer for part in self.parts for layer in part.layers)

    @property
    def params(self) -> int:
        """All parameters, shared ones once."""
        return params(self.parts)

    @property
    def active(self) -> int | None:
        """Parameters that one token meets: of experts those that it is sent to."""
        if self.idle is None:
            return None
        met = sum(
            times * layer.params // max(1, layer.division.experts) * (layer.division.chosen or 1)
            for layer, times in tally(self.parts)
        )
        return met - self.idle

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass."""
        return sum(times * part.macs for part, times in alike(self.parts))

    @property
    def census(self) -> Census:
        """Its layers alone, each as often as it runs; a shared weight is where it is first."""
        return Census(layers=tuple(_counted(self.parts)))

    @property
    def blocks(self) -> tuple[Part, ...]:
        """The blocks, in order."""
        return tuple(part for part in self.parts if part.block)

    def check(self, *, tensor: int, expert: int) -> None:
        """Raise `SpecError` where cards cannot divide it so."""
        if tensor > 1 and self.undivided:
            raise SpecError("tp", tensor, f"is not possible: {self.undivided}")
        for part, _ in alike(self.parts):
            for layer in part.layers:
                layer.division.check(layer.name, tensor=tensor, expert=expert)
        if expert > 1 and not any(layer.division.experts for layer in self.layers):
            raise SpecError("ep", expert, "needs experts, and this network has none")


def tally(parts: Iterable[Part]) -> tuple[tuple[Layer, int], ...]:
    """Return the layers of parts and how many of each there are; a shared weight is there once."""
    found: list[tuple[Layer, int]] = []
    seen: set[str] = set()
    for part, times in alike(parts):
        for layer in part.layers:
            if layer.weight not in seen:
                found.append((layer, 1 if layer.weight else times))
            if layer.weight:
                seen.add(layer.weight)
    return tuple(found)


def _counted(parts: Iterable[Part]) -> Iterator[Counted]:
    seen: set[str] = set()
    for part, times in alike(parts):
        for layer in part.layers:
            copies = 0 if layer.weight in seen else 1 if layer.weight else times
            yield from repeated((layer.counted,), times=times, copies=copies)
            if layer.weight:
                seen.add(layer.weight)


def params(parts: Iterable[Part]) -> int:
    """Return the parameters of parts, shared ones once."""
    return sum(times * layer.params for layer, times in tally(parts))


def alike(parts: Iterable[Part]) -> list[tuple[Part, int]]:
    """Return each part once, and how often it stands there."""
    parts = tuple(parts)
    times = Counter(map(id, parts))
    return [(part, times[id(part)]) for part in {id(part): part for part in parts}.values()]
