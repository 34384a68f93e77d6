"""The cache of decoding, layer by layer, in closed form. No torch.

A family tells its spec as a `Cache`; what a runtime reserves for it stands in `serving`, what one
step does with it in `decoding`. Elements are those of one sequence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Literal

from archscope.records import frozen
from archscope.theory.census import ATTENTION, STATE_SPACE, Counted
from archscope.theory.counts import evaluate, substitute

Kind = Literal[
    "full attention",
    "window",
    "dilated window",
    "chunk",
    "chunk and the one before",
    "hashed attention",
    "latent",
    "cross attention",
    "segment memory",
    "linear attention",
    "state space",
    "convolution",
    "recurrent",
]
"""What a layer keeps: keys and values of all positions, of the last ones, of those within reach of
keys some apart, of the newest one's chunk, also with the one before, of all that a hash may ask
for; vectors that keys and values are made of; those of a source; what a block read; or a state that
does not grow."""


@frozen
class LayerCache:
    """What one layer keeps of one sequence. Formulas are over `symbols`; empty ones are nothing."""

    path: str
    """The module that keeps it, e.g. `blocks.3.attn`."""
    kind: Kind
    """What it keeps."""
    symbols: Mapping[str, int] = field(default_factory=dict)
    """Value of each symbol of its formulas."""
    position: str = ""
    """Formula of the elements of one position, e.g. `2*k*d`."""
    state: str = ""
    """Formula of the elements of a state, which the context does not change."""
    columns: str = ""
    """Formula of the elements of a convolution's earlier inputs, e.g. `(t - 1)*c`."""
    expanded: str = ""
    """Formula of the elements of one position where keys and values are kept themselves, in place
    of the vectors that they are made of."""
    heads: int | None = None
    """Heads of its keys and values, or of its state; None where it has none."""
    vectors: int = 0
    """Vectors of a position that a number type may give a scale of their own."""
    last: int | None = None
    """How many of the last positions are kept at most; None: all."""
    chunk: int | None = None
    """Positions of a chunk, where only the current one is kept; None: no chunks."""
    before: int = 0
    """Chunks before the current one that are kept too."""
    source: int | None = None
    """Positions of the source, where that is what it keeps; None: it is the context."""
    macs: str = ""
    """Formula of the multiply-accumulates of a step with each position that is kept."""
    state_macs: str = ""
    """Formula of those of a step with the state."""
    reference: str = ""
    """Where it is said that this is enough."""

    def positions(self, context: int) -> int:
        """Return how many of a sequence's positions it keeps."""
        if self.source is not None:
            return self.source
        if self.chunk is not None:  # from the start of a chunk on, up to the newest position
            return context - max(0, (context - 1) // self.chunk - self.before) * self.chunk
        return context if self.last is None else min(context, self.last)

    @property
    def limit(self) -> int | None:
        """Positions of the context that it keeps at most; None: all."""
        return self.last if self.chunk is None else (1 + self.before) * self.chunk

    @property
    def per_position(self) -> int:
        """Elements of one position."""
        return self._value(self.position)

    @property
    def fixed(self) -> int:
        """Elements that the context does not change: of states, and of a source's positions."""
        source = self.per_position * self.source if self.source is not None else 0
        return self.state_elements + self.column_elements + source

    @property
    def state_elements(self) -> int:
        """Elements of a state."""
        return self._value(self.state)

    @property
    def column_elements(self) -> int:
        """Elements of a convolution's earlier inputs."""
        return self._value(self.columns)

    @property
    def expanded_elements(self) -> int:
        """Elements of one position where keys and values are kept themselves."""
        return self._value(self.expanded or self.position)

    def elements(self, context: int) -> int:
        """Return the elements that it keeps for a sequence of so many positions."""
        grown = self.per_position * self.positions(context)
        return grown + self.state_elements + self.column_elements

    def step_macs(self, context: int) -> int:
        """Return the multiply-accumulates of one step with the cache, for one sequence."""
        met = self._value(self.macs) * self.positions(context)
        return met + self._value(self.state_macs)

    def numbers(self, context: int) -> str:
        """Return the formula of all elements with its numbers filled in, e.g. `4096 * 2*8*128`."""
        grown = f"{self.positions(context)} × ({self._numbers(self.position)})"
        parts = (grown if self.position else "", self._numbers(self.state))
        return " + ".join(filter(None, (*parts, self._numbers(self.columns))))

    @property
    def formula(self) -> str:
        """The formula of all elements; S are the positions of the context."""
        count = "S" if self.last is None else f"min(S, {self.last})"
        if self.source is not None:
            count = "source"
        elif self.chunk is not None:
            count = f"(S - max(0, (S - 1)//{self.chunk} - {self.before})*{self.chunk})"
        grown = f"{count} × ({self.position})" if self.position else ""
        return " + ".join(filter(None, (grown, self.state, self.columns)))

    def _value(self, formula: str) -> int:
        return evaluate(formula, self.symbols) if formula else 0

    def _numbers(self, formula: str) -> str:
        return substitute(formula, self.symbols) if formula else ""


@frozen
class Unseen:
    """A layer whose cache is unknown."""

    path: str
    """The module."""
    why: str
    """What stands in the way."""


Step = Callable[[int], tuple[Counted, ...]]
"""The layers that run in one step of so many sequences, but for products with what is kept."""


@frozen
class Cache:
    """The decoding cache of a network.

    >>> from archscope.families import FAMILIES
    >>> from archscope.registry import resolve
    >>> family = FAMILIES.get("transformer")
    >>> cache = resolve(family.cache)(family.spec(depth=2, seq_len=8))
    >>> [layer.elements(8) for layer in cache.layers]  # 8 positions of 2 x 12 x 64
    [12288, 12288]
    """

    layers: tuple[LayerCache, ...]
    """Those that keep anything, in the order in which they run."""
    context: int
    """Positions of a sequence where nobody says how many."""
    batch: int
    """Sequences where nobody says how many."""
    unseen: tuple[Unseen, ...] = ()
    """Those that may keep something, and nobody knows how much: sums are lower bounds then."""
    step: Step | None = None
    """What runs in a step; None: it is not told."""
    of_length: Callable[[int], Any] | None = None
    """The spec whose network reads sequences of so many positions, to be built and looked at."""
    most: int | None = None
    """Positions beyond which the network has no place for another; None: no such end."""
    unit: str = "tokens"
    """What positions are called."""

    def elements(self, context: int) -> int:
        """Return the cached elements of one sequence of so many positions."""
        return sum(layer.elements(context) for layer in self.layers)

    @property
    def per_position(self) -> int:
        """Elements that a position adds as long as no window is full."""
        return sum(layer.per_position for layer in self.layers if layer.source is None)


def keys_and_values(
    path: str,
    *,
    heads: int,
    asking: int,
    key: int,
    value: int | None = None,
    kind: Kind = "full attention",
    last: int | None = None,
    source: int | None = None,
    reference: str = "Shazeer 2019, section 2.4",
) -> LayerCache:
    """Return what attention keeps: a key and a value of each of its `heads` for each position.

    `asking` are the query heads, each of which meets every key and value that is kept.
    """
    same = value is None or value == key
    symbols = {"k": heads, "d": key, "h": asking} | ({} if same else {"v": value or 0})
    return LayerCache(
        path=path,
        kind=kind,
        position="2*k*d" if same else "k*(d + v)",
        symbols=symbols,
        heads=heads,
        vectors=2 * heads,
        last=last,
        source=source,
        macs="2*h*d" if same else "h*(d + v)",
        reference=reference,
    )


def convolved(path: str, *, channels: int, taps: int, dilation: int = 1) -> LayerCache:
    """Return the cache of a causal convolution: the inputs that its earlier taps read."""
    symbols = {"t": taps, "c": channels} | ({"g": dilation} if dilation > 1 else {})
    return LayerCache(
        path=path,
        kind="convolution",
        columns="(t - 1)*g*c" if dilation > 1 else "(t - 1)*c",
        symbols=symbols,
        reference="Paine et al. 2016, section 2",
    )


def without_products(layers: Iterable[Counted]) -> Iterator[Counted]:
    """Yield the layers that run, without products with what is kept: those stand beside it.

    A projection of no positions, as of a source that was read before, does not run.
    """
    for layer in layers:
        if layer.kind == STATE_SPACE:
            yield replace(layer, form=replace(layer.form, macs="0"))
        elif layer.kind != ATTENTION and layer.form.symbols.get("n", 1):
            yield layer


def in_turn(runs: Sequence[LayerCache]) -> tuple[LayerCache, ...]:
    """Return what is kept of each run, those of a block that runs again told apart by a number."""
    often, seen = Counter(run.path for run in runs), Counter[str]()
    found = []
    for run in runs:
        seen[run.path] += 1
        again = f" run {seen[run.path]}" if often[run.path] > 1 else ""
        found.append(replace(run, path=run.path + again))
    return tuple(found)
