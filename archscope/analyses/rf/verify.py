"""Proof: the same layers are built with positive weights and run, and see what theory says.

Two ways, neither of which knows the theory: gradients of single outputs (which positions of the
input are not zero), and inputs that are zero but for one position (which outputs are not zero).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product
from math import log10
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf.numbers import counted
from archscope.errors import ArchscopeError
from archscope.results import Note
from archscope.theory.branches import union
from archscope.theory.combs import combs, jump, reach
from archscope.theory.gridding import gridding
from archscope.theory.layers import Stack, sizes
from archscope.theory.outline import Outline
from archscope.theory.units import seen_by
from archscope.theory.window import window

if TYPE_CHECKING:
    from torch import Tensor

    from archscope.blocks.layers import Network

POSITIONS_LIMIT = 1 << 16
"""Positions of the input that is built."""
WORK_LIMIT = 1 << 22
"""Positions of all perturbed inputs together."""
TAPS_LIMIT = 1 << 24
"""Positions times taps that one forward pass may hold at once, of attention in all its layers."""
PERTURBED_LIMIT = 1 << 11
"""Inputs that are perturbed."""
SEQUENCE = 256
"""Tokens of the sequence on which attention without a window is tried."""
LARGEST_POWER = 280
"""Power of ten up to which a gradient may shrink: float64 ends at 308."""
SEED = 0

Unit = tuple[int, ...]


def verify(outline: Outline) -> tuple[Note, ...]:
    """Return a note on what was verified; raises `ArchscopeError` where theory is contradicted."""
    stacks = [branch.stack for branch in outline.branches] or [outline.layers]
    axes, size = _scale(outline, stacks)
    if size is None:
        text = (
            "not verified: these layers are too large to build and run here "
            f"(up to {POSITIONS_LIMIT:,} positions)"
        )
        return (Note(level="warning", text=text),)
    return (_verified(outline, stacks, axes, size),)


def _scale(outline: Outline, stacks: Sequence[Stack]) -> tuple[int, int | None]:
    """Return on how many axes, and on an input of which size; None where it would be too large."""
    if outline.attention:
        size = min(outline.input_size or SEQUENCE, SEQUENCE)
        fades = len(outline.attention) * log10(size) > LARGEST_POWER
        return 1, None if fades or _held(outline, stacks, 1, size) > TAPS_LIMIT else size
    # A single path sees the product of what it sees on each axis: one axis can stand for all.
    for axes in (outline.axes, 1) if len(stacks) == 1 else (outline.axes,):
        size = _size(outline, stacks)
        held = _held(outline, stacks, axes, size)
        # The rarest path's weight: each layer divides it by its taps, and by 2 at random.
        shrunk = max(sum(log10(2 * layer.kernel**axes) for layer in stack) for stack in stacks)
        if size**axes <= POSITIONS_LIMIT and held <= TAPS_LIMIT and shrunk <= LARGEST_POWER:
            return axes, size
    return outline.axes, None


def _held(outline: Outline, stacks: Sequence[Stack], axes: int, size: int) -> int:
    """Return how many positions times taps one forward pass holds at once."""
    kernels = [layer.kernel for stack in stacks for layer in stack]
    if outline.attention:
        return size * size * len(outline.attention)
    if outline.windowed:
        return size * sum(kernels)  # each layer keeps its windows for the gradient
    return int((size * max(kernels, default=1)) ** axes)


def _size(outline: Outline, stacks: Sequence[Stack]) -> int:
    """Return a size on which one window fits with some outputs beside it, or the input's own."""
    if any(layer.upsamples for stack in stacks for layer in stack):
        wanted = max(window(stack).size for stack in stacks) + 8
    else:
        hulls = [reach(combs(stack)) for stack in stacks]
        apart = max(abs(window(stack).start or 0) for stack in stacks)
        wanted = max(hulls) + 4 * max(jump(stack) for stack in stacks) + apart % 2 + 1
    return wanted if outline.input_size is None else min(wanted, outline.input_size)


def _verified(outline: Outline, stacks: Sequence[Stack], axes: int, size: int) -> Note:
    import torch

    from archscope.blocks.layers import build

    generator = torch.Generator().manual_seed(SEED)
    network = build(outline, axes=axes, generator=generator)
    lengths = [sizes(stack, size)[-1] for stack in stacks]
    units = _units(min(lengths) if lengths else size, axes)
    expected = [_expected(outline, stacks, unit, axes, size) for unit in units]
    found = _gradients(network, units, axes, size)
    wrong = sum(int((a != b).sum()) for a, b in zip(expected, found, strict=True))
    most = max(TAPS_LIMIT // _held(outline, stacks, axes, size), 1)
    perturbed = _spread(size**axes, 4 * most, generator)
    changed = _perturbed(network, units, perturbed, most, axes, size)
    said = torch.stack([mask.flatten()[perturbed] for mask in expected], dim=1)
    wrong_too = int((said != changed).sum())
    tried = len(units) * size**axes
    if wrong or wrong_too or not _interior_agrees(outline, stacks, units, found, axes, size):
        raise ArchscopeError(
            f"--verify: {max(wrong, wrong_too):,} of {tried:,} positions differ from what the "
            "layers see when they are run. No verdict; please report this"
        )
    along = f" along one of {outline.axes} axes" if axes < outline.axes else ""
    return Note(
        level="ok",
        text=f"verified: {tried:,} of {tried:,} positions{along}. The layers were built with "
        f"positive weights in float64; gradients of {counted(len(units), 'output')}, borders among "
        f"them, and {counted(len(perturbed), 'perturbed input')} find the same positions.",
    )


def _units(length: int, axes: int) -> list[Unit]:
    """Return outputs at the borders, next to them and in the middle, in every combination."""
    line = sorted({0, min(1, length - 1), length // 2, length - 1})
    if axes == 1:
        return [(at,) for at in line]
    corners = set(product((0, length // 2, length - 1), repeat=axes))
    return sorted(corners | {(at,) * axes for at in line})


def _expected(
    outline: Outline, stacks: Sequence[Stack], unit: Unit, axes: int, size: int
) -> Tensor:
    """Return what theory says `unit` sees, as a mask over the input."""
    import torch

    mask = torch.zeros((size,) * axes, dtype=torch.bool)
    if outline.attention:
        causal = any(block.causal for block in outline.attention)
        mask[: unit[0] + 1 if causal else size] = True
        return mask
    for stack in stacks:
        lines = []
        for at in unit:
            line = torch.zeros(size, dtype=torch.bool)
            line[list(seen_by(stack, at, input_size=size))] = True
            lines.append(line)
        shaped = [
            line.view((1,) * axis + (-1,) + (1,) * (axes - axis - 1))
            for axis, line in enumerate(lines)
        ]
        mask |= reduce(torch.logical_and, shaped)
    return mask


def _gradients(network: Network, units: Sequence[Unit], axes: int, size: int) -> list[Tensor]:
    import torch

    from archscope.blocks.layers import CHANNELS

    with torch.enable_grad():
        x = torch.zeros(
            (1, CHANNELS, *(size,) * axes), dtype=torch.float64, device="cpu", requires_grad=True
        )
        y = network(x)
        found = []
        for unit in units:
            at: tuple[Any, ...] = (0, slice(None), *unit)
            one = y[at].sum()
            (gradient,) = torch.autograd.grad(one, x, retain_graph=True, materialize_grads=True)
            found.append((gradient[0] != 0).any(0))
    return found


def _spread(positions: int, most: int, generator: object) -> list[int]:
    """Return positions to perturb: all where they are few, else a random choice."""
    import torch

    most = max(min(PERTURBED_LIMIT, WORK_LIMIT // positions, most), 1)
    if positions <= most:
        return list(range(positions))
    assert isinstance(generator, torch.Generator)
    chosen: list[int] = torch.randperm(positions, generator=generator)[:most].tolist()
    return sorted(chosen)


def _perturbed(
    network: Network,
    units: Sequence[Unit],
    positions: Sequence[int],
    most: int,
    axes: int,
    size: int,
) -> Tensor:
    """Return which of `units` change with which of `positions`, at most so many at a time."""
    import torch

    from archscope.blocks.layers import CHANNELS

    batch = max(min((1 << 20) // size**axes, most), 1)
    found = []
    with torch.no_grad():
        for start in range(0, len(positions), batch):
            chosen = positions[start : start + batch]
            x = torch.zeros((len(chosen), CHANNELS, size**axes), dtype=torch.float64, device="cpu")
            x[range(len(chosen)), :, list(chosen)] = 1.0
            y = network(x.view(len(chosen), CHANNELS, *(size,) * axes))
            found.append(torch.stack([_responds(y, unit) for unit in units], dim=1))  # (P, U)
    return torch.cat(found)


def _responds(y: Tensor, unit: Unit) -> Tensor:
    at: tuple[Any, ...] = (..., *unit)
    return (y[at] != 0).any(1)


def _interior_agrees(
    outline: Outline,
    stacks: Sequence[Stack],
    units: Sequence[Unit],
    found: Sequence[Tensor],
    axes: int,
    size: int,
) -> bool:
    """Return whether an output whose whole window is inside sees as many positions as reported."""
    if outline.attention or any(layer.upsamples for stack in stacks for layer in stack):
        return True
    if len(stacks) > 1:
        whole = union([(stack,) * axes for stack in stacks])
        start, hull, step, reached = (
            whole.axes[0].start,
            whole.axes[0].hull,
            whole.axes[0].jump,
            whole.touched,
        )
    else:
        row = gridding(stacks[0])
        start, hull, step = window(stacks[0]).start or 0, row.hull, jump(stacks[0])
        if row.touched is None:
            return True
        reached = row.touched**axes
    return all(
        int(mask.sum()) == reached
        for unit, mask in zip(units, found, strict=True)
        if all(start + step * at >= 0 and start + step * at + hull <= size for at in unit)
    )
