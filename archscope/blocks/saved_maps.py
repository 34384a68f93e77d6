"""What layers of maps keep for the backward, in symbols. No torch.

Symbols: b batch, c channels, z, y and x positions along the axes, of each map its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any, Protocol, TypeAlias

from archscope.blocks.map_counts import Maps, after_convolution
from archscope.blocks.map_counts import pooled as after_pool
from archscope.records import frozen
from archscope.theory.saved_activation_notes import Value
from archscope.theory.symbolic_forward import Tape


@frozen
class Held:
    """Maps, and the memory that they lie in."""

    maps: Maps
    value: Value


Kernel: TypeAlias = int | tuple[int, ...]
"""Taps along each axis."""
Norm: TypeAlias = Callable[[Tape, str, Held], Held]
"""Takes where it stands and maps, and returns them normalised."""


class OfImages(Protocol):
    """A spec of a network that takes images."""

    @property
    def batch_size(self) -> int: ...
    @property
    def in_channels(self) -> int: ...
    @property
    def input_size(self) -> int: ...


def images(tape: Tape, spec: OfImages) -> Held:
    """Return what the network is called with, which needs no gradient."""
    size = spec.input_size
    maps = Maps(batch=spec.batch_size, channels=spec.in_channels, sizes=(size, size))
    return made(tape, "images", maps, holds="input", needs=False)


def made(tape: Tape, what: str, maps: Maps, **kind: Any) -> Held:
    """Return maps in memory of their own."""
    axes = "zyx"[-len(maps.sizes) :]
    numbers = (("b", maps.batch), ("c", maps.channels), *zip(axes, maps.sizes, strict=True))
    form = "*".join(("b", "c", *axes))
    return Held(maps=maps, value=tape.value(what, form, numbers=numbers, **kind))


def like(tape: Tape, what: str, x: Held, maps: Maps) -> Held:
    """Return maps in memory of their own that need a gradient if x does."""
    return made(tape, what, maps, needs=x.value.needs)


def convolved(tape: Tape, at: str, x: Held, channels: int, kernel: Kernel, **placed: Any) -> Held:
    """Return what a convolution makes, which keeps x; `placed` as for `after_convolution`."""
    tape.keep(at, x.value)
    return made(tape, at, after_convolution(x.maps, channels, kernel, **placed))


def doubled(tape: Tape, at: str, x: Held, channels: int) -> Held:
    """Return what a transposed convolution of kernel and stride 2 makes, which keeps x."""
    tape.keep(at, x.value)
    sizes = tuple(2 * size for size in x.maps.sizes)
    return made(tape, at, replace(x.maps, channels=channels, sizes=sizes))


def normed(tape: Tape, at: str, x: Held) -> Held:
    """Return a batch norm of x."""
    value = tape.batch_norm(at, x.value, "c", numbers=(("c", x.maps.channels),))
    return Held(maps=x.maps, value=value)


def frozen_normed(tape: Tape, at: str, x: Held) -> Held:
    """Return a norm of fixed numbers, which keeps x and of them all but what it adds."""
    tape.keep(at, x.value)
    for what in ("factors", "means", "variances"):
        numbers = (("c", x.maps.channels),)
        tape.new(at, what, "c", holds="buffer", numbers=numbers, minor=True)
    return Held(maps=x.maps, value=tape.like(x.value, at))


def padded(
    tape: Tape, at: str, x: Held, sides: Sequence[tuple[int, int]], *, reads: bool = False
) -> Held:
    """Return a copy with so much around it, cut off where below 0; `reads`: it keeps x."""
    if reads and x.value.needs:
        tape.keep(at, x.value)
    sizes = (size + sum(both) for size, both in zip(x.maps.sizes, sides, strict=True))
    return like(tape, "padded", x, replace(x.maps, sizes=tuple(sizes)))


def group_normed(tape: Tape, at: str, x: Held, groups: int) -> Held:
    """Return a norm of groups of channels, which keeps x and the statistics of each group."""
    tape.needs_several(at, x.maps.positions * x.maps.channels // groups)
    tape.keep(at, x.value)
    numbers = (("b", x.maps.batch), ("g", groups))
    for what in ("means", "reciprocals of deviations"):
        tape.new(at, what, "b*g", numbers=numbers, minor=True)
    return made(tape, at, x.maps)


def instance_normed(tape: Tape, at: str, x: Held) -> Held:
    """Return a norm of each channel by itself without weights, which keeps x and statistics."""
    tape.needs_several(at, prod(x.maps.sizes))
    if x.value.needs:
        tape.keep(at, x.value)
        numbers = (("b", x.maps.batch), ("c", x.maps.channels))
        for what in ("means", "reciprocals of deviations"):
            tape.new(at, what, "b*c", numbers=numbers, minor=True)
    return like(tape, at, x, x.maps)


def layer_normed(tape: Tape, at: str, x: Held) -> Held:
    """Return a norm over the channels of x, which keeps it and the statistics of each position."""
    tape.keep(at, x.value)
    axes = [name for name, _ in x.value.numbers if name != "c"]
    numbers = tuple((name, size) for name, size in x.value.numbers if name != "c")
    for what in ("means", "reciprocals of deviations"):
        tape.new(at, what, "*".join(axes), numbers=numbers, minor=True)
    return made(tape, at, x.maps)


def activated(tape: Tape, at: str, kind: str, x: Held) -> Held:
    """Return an activation of x."""
    return replace(x, value=tape.activation(at, kind, x.value))


def sloped(tape: Tape, at: str, x: Held) -> Held:
    """Return an activation with slopes that are trained, whose gradient reads x."""
    tape.keep(at, x.value)
    return made(tape, at, x.maps)


def added(tape: Tape, x: Held, *others: Held) -> Held:
    """Return a sum, which keeps nothing."""
    return replace(x, value=tape.add(x.value, *(each.value for each in others)))


def joined(tape: Tape, what: str, parts: Sequence[Held]) -> Held:
    """Return maps side by side: a copy, which keeps nothing."""
    channels = sum(each.maps.channels for each in parts)
    return made(tape, what, replace(parts[0].maps, channels=channels))


def max_pooled(tape: Tape, at: str, x: Held, kernel: Kernel, **placed: Any) -> Held:
    """Return the largest of each window, which keeps x and where it stood."""
    return max_pooled_to(tape, at, x, after_pool(x.maps, kernel, **placed).sizes)


def max_pooled_to(tape: Tape, at: str, x: Held, sizes: tuple[int, ...]) -> Held:
    """Return the largest of so many windows along each axis."""
    after = like(tape, at, x, replace(x.maps, sizes=sizes))
    if not x.value.needs:
        return after
    tape.keep(at, x.value)
    tape.keep(at, replace(after.value, what="places", memory=-after.value.memory, type="int64"))
    return after


def mean_pooled(tape: Tape, at: str, x: Held, kernel: Kernel, **placed: Any) -> Held:
    """Return the mean of each window, which keeps x."""
    return mean_pooled_to(tape, at, x, after_pool(x.maps, kernel, **placed).sizes)


def mean_pooled_to(tape: Tape, at: str, x: Held, sizes: tuple[int, ...]) -> Held:
    """Return the mean of so many windows along each axis, which keeps x."""
    if x.value.needs:
        tape.keep(at, x.value)
    return like(tape, at, x, replace(x.maps, sizes=sizes))


def mean(tape: Tape, at: str, x: Held) -> Held:
    """Return the mean over all positions, which keeps nothing."""
    return made(tape, at, replace(x.maps, sizes=(1,) * len(x.maps.sizes)))


def pooled_to(tape: Tape, at: str, x: Held, size: int) -> Held:
    """Return means of as many windows along each axis, which keep x."""
    return mean_pooled_to(tape, at, x, (size,) * len(x.maps.sizes))


def linear(tape: Tape, at: str, x: Held, width: int) -> Held:
    """Return what a linear layer makes of all that x holds, which keeps it."""
    tape.keep(at, x.value)
    return made(tape, at, replace(x.maps, channels=width, sizes=(1,) * len(x.maps.sizes)))


def dropped(tape: Tape, at: str, x: Held) -> Held:
    """Return what a network's own dropout leaves of x."""
    return replace(x, value=tape.dropped(at, x.value))


def classified(tape: Tape, at: str, x: Held) -> None:
    """Let a linear layer on the mean over all positions keep it."""
    tape.keep(at, mean(tape, "mean", x).value)


def normed_convolution(
    tape: Tape, conv: str, norm: str, x: Held, channels: int, kernel: Kernel, **placed: Any
) -> Held:
    """Return the batch norm of what a convolution makes."""
    return normed(tape, norm, convolved(tape, conv, x, channels, kernel, **placed))


def block(
    tape: Tape,
    plan: Any,
    run: Callable[..., Held],
    x: Held,
    *beside: Held,
    again: bool | None = None,
    inside: frozenset[str] = frozenset(),
) -> Held:
    """Run a block of a plan on x and what stands beside; those that are alike are run once.

    `again` is as of `Tape.block`; `inside`: what of the block runs again where it does not itself.
    """
    given, after = (x, *beside), list[Maps]()
    kind = (replace(plan, path=""), tuple(each.maps for each in given), inside)

    def ran(*values: Value) -> Value:
        pairs = zip(given, values, strict=True)
        found = run(tape, *(replace(each, value=value) for each, value in pairs))
        after.append(found.maps)
        return found.value

    value = tape.block(plan.path, kind, ran, *(each.value for each in given), again=again)
    return Held(maps=after[0] if after else _again(value), value=value)


def counted(
    tape: Tape, at: str, run: Callable[..., Held], *given: Held, several: bool = True
) -> Held:
    """Run what recomputation counts among the blocks though it stands in no list of them.

    `several`: whether there are others of its class, without which it counts none.
    """
    with tape.counted(at, *(each.value for each in given), among=several):
        return run(tape, *given)


def run_again(tape: Tape, at: str, run: Callable[..., Held], *given: Held) -> Held:
    """Return what runs again in the backward, which keeps what it is given alone."""
    with tape.running_again(at, *(each.value for each in given)):
        return run(tape, *given)


def _again(value: Value) -> Maps:
    """Return the maps that lie in memory which a block like one before has made."""
    numbers = dict(value.numbers)
    sizes = tuple(numbers[axis] for axis in "zyx" if axis in numbers)
    return Maps(batch=numbers["b"], channels=numbers["c"], sizes=sizes)
