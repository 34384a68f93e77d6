"""What a network looks at, without its weights: all that a receptive field depends on.

A family gives the outline of its spec without building the network, so that its receptive field is
known without torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from archscope.records import frozen
from archscope.theory.combs import jump
from archscope.theory.layers import Layer, Path, Stack, lost
from archscope.theory.window import window

Skips: TypeAlias = tuple[tuple[int, int], ...]
"""First and last layer of each block that has a path around it."""


@frozen
class Branch:
    """One of several parallel paths from the input to the output."""

    name: str
    """What the reader calls it, e.g. `branch2`."""
    stack: Stack
    """All its layers along the first axis."""
    others: tuple[Stack, ...] = ()
    """The same along each further axis; empty: as along the first."""


@frozen
class Attention:
    """A block in which a position attends to all positions, or to all before it and itself."""

    name: str
    """What the reader calls it, e.g. `blocks.0.attn`."""
    causal: bool
    """Whether it sees only the past."""


@frozen
class Source:
    """Another input, of which every output sees all, through attention to what is made of it."""

    outline: Outline
    """What looks at that input, e.g. an encoder; of one kind of positions with the output's."""
    readers: tuple[str, ...]
    """The modules by which outputs read all of what that makes, e.g. `decoder.0.cross`."""


@frozen
class Outline:
    """Layers, branches or attention: exactly one of the three, or nothing at all."""

    axes: int
    """Spatial dimensions; 1 for a sequence."""
    layers: Stack = ()
    """A single path, along the first axis."""
    others: tuple[Stack, ...] = ()
    """The same layers along each further axis; empty: as along the first."""
    branches: tuple[Branch, ...] = ()
    """Parallel paths, whose outputs are added or put side by side."""
    windowed: bool = False
    """Whether the layers are windows of attention, which see what such convolutions see."""
    attention: tuple[Attention, ...] = ()
    """Blocks of unlimited attention."""
    skips: Skips = ()
    """First and last layer of each block that has a path around it: the identity or, where the
    block strides, a kernel of 1 with its stride; of an input cut to what the block leaves."""
    input_size: int | None = None
    """Positions of the input along the first axis; None: as many as it takes."""
    other_sizes: tuple[int, ...] = ()
    """The same along each further axis; empty: as along the first."""
    noun: Literal["position", "token"] = "position"
    """What a position of the input is called."""
    flag: str = ""
    """The flag that sets every layer's dilation by itself, e.g. `--dilations`; empty: none does."""
    flagged: tuple[int, ...] = ()
    """Indices of the layers that the flag goes through; empty: all."""
    argument: str = ""
    """The input that all this is about, by its place among the network's arguments, e.g. `1`;
    empty: the one that is looked at where nobody chose."""
    input_name: str = ""
    """What that input is called where there are several, e.g. `target`."""
    source: Source | None = None
    """The other input of an encoder-decoder; None: there is none."""
    output: str = ""
    """The module whose output all this is about; empty: the network's own or, where that sees
    everything, the last map before."""
    reads_all: str = ""
    """The module behind the layers that makes an output depend on every position; empty: none."""
    partial: str = ""
    """Why the layers do not tell all that an output sees; empty: they do."""
    unordered: str = ""
    """Why the layers do not tell how far back and ahead an output sees, as where padding holds
    other positions of the input; empty: they do."""
    wraps: bool = False
    """Whether padding holds the other end of the input, so that outputs at the borders see both."""
    remarks: tuple[str, ...] = ()
    """What else must be known to read the answer rightly."""

    @property
    def path(self) -> Path:
        """The layers of a single path: a stack for each axis."""
        return _along(self.layers, self.others, self.axes)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every parallel path, or the single one."""
        branches = tuple(_along(one.stack, one.others, self.axes) for one in self.branches)
        return branches or (self.path,)

    @property
    def around(self) -> tuple[Path, ...]:
        """The path around every block that has one; none without such blocks."""
        if not self.skips:
            return ()
        return (tuple(_around(stack, self.skips) for stack in self.path),)

    @property
    def ways(self) -> tuple[tuple[Stack, ...], ...]:
        """For each axis the stacks that tell how far outputs look: of every path or, of a single
        one, also those around blocks by which outputs look further back or ahead."""
        along = zip(*self.paths, strict=True)
        return tuple((*stacks, *_further(stacks[0], self.skips)) for stacks in along)

    @property
    def tied(self) -> tuple[range, ...]:
        """Indices of the layers that share one item of the flag; empty: each has its own."""
        ends = (*self.flagged[1:], len(self.layers))
        return tuple(range(first, end) for first, end in zip(self.flagged, ends, strict=False))

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """Positions of the input along each axis; None: as many as it takes."""
        if self.input_size is None:
            return None
        return (self.input_size, *(self.other_sizes or (self.input_size,) * (self.axes - 1)))


def _along(first: Stack, others: tuple[Stack, ...], axes: int) -> Path:
    return (first, *(others or (first,) * (axes - 1)))


def _further(stack: Stack, skips: Skips) -> Iterator[Stack]:
    """Yield the stack around those blocks whose windows begin after what is around them, and around
    those whose windows end before it."""
    before, after = [], []
    for first, last in skips:
        block = stack[first : last + 1]
        seen, own = window(block), lost(block) // 2
        start = seen.start or 0
        before += [(first, last)] * (own < start)
        after += [(first, last)] * (own >= start + seen.size)
    yield from (_around(stack, tuple(chosen)) for chosen in (before, after) if chosen)


def _around(stack: Stack, skips: Skips) -> Stack:
    """Return one layer of kernel 1 in the place of every block, with its stride and its size."""
    ends = dict(skips)
    found: list[Layer] = []
    number = 0
    while number < len(stack):
        last = ends.get(number, number)
        block = stack[number : last + 1]
        cut = lost(block)
        around = Layer(stride=jump(block), padding=(-(cut // 2), cut // 2 - cut))
        found.append(around if number in ends else stack[number])
        number = last + 1
    return tuple(found)


def skips_a_hole(stack: Stack) -> bool:
    """Return whether an identity path around a layer sees a position that the layer does not.

    >>> from archscope.theory.layers import dilated
    >>> skips_a_hole(dilated((4,))), skips_a_hole(dilated((3,), kernels=(2,)))
    (False, True)
    """
    return any(
        layer.kernel > 1 and (layer.padding[0] % layer.dilation or layer.padding[0] > layer.span)
        for layer in stack
    )
