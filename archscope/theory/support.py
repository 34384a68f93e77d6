"""The exact set of input positions that one output sees, without listing them.

Sums of combs are symmetric, and once the combs overlap enough only the edges are irregular; so a
block stores one edge as bits and takes the middle as solid. Groups of combs that never overlap
(`combs.groups`) make one block each.
"""

from collections import defaultdict
from collections.abc import Iterable
from math import prod

from archscope.records import frozen
from archscope.theory.bits import longest_run, mirror, ones, positions, spread
from archscope.theory.combs import Comb, common_rate, groups, reach

WORK_LIMIT = 1 << 28
"""Bits that may be handled for one set (about 0.1 s); beyond it the set is unknown."""


@frozen
class Block:
    """A symmetric set of cells 0 to length - 1; both ends belong to it."""

    scale: int
    """Input positions between neighbouring cells."""
    length: int
    """Cells from the first to the last, both included."""
    edge: int
    """The set's first `edge_length` cells as bits; the last ones mirror them."""
    edge_length: int
    """Cells before the solid core; the last of them is a hole, or there are none."""

    @property
    def core(self) -> int:
        """Cells of the solid middle; 0 or less where the centre is a hole."""
        return self.length - 2 * self.edge_length

    @property
    def touched(self) -> int:
        """How many cells belong to the set."""
        return 2 * self.edge.bit_count() + max(self.core, 0)

    @property
    def first_run(self) -> int:
        """Cells in the run that starts at the first cell."""
        if not self.edge_length:
            return self.length
        return (~self.edge & self.edge + 1).bit_length() - 1

    @property
    def central_run(self) -> int:
        """Cells in the run through the centre or, where that is a hole, in the nearest run."""
        if self.core > 0:
            return self.core
        last = self.edge.bit_length()
        return last - (self.edge ^ ones(last)).bit_length()

    def mask(self) -> int:
        """Return the whole set as bits."""
        far_edge = mirror(self.edge, self.edge_length) << self.length - self.edge_length
        return self.edge | ones(max(self.core, 0)) << self.edge_length | far_edge

    def contains(self, cell: int) -> bool:
        """Return whether `cell` belongs to the set."""
        near = min(cell, self.length - 1 - cell)
        return near >= self.edge_length or (near >= 0 and bool(self.edge >> near & 1))

    @property
    def max_gap(self) -> int:
        """Cells of the longest run of holes."""
        if self.core > 0:
            return longest_run(self.edge ^ ones(self.edge_length))
        return longest_run(self.mask() ^ ones(self.length))

    def overlap(self, shift: int) -> int:
        """Return how many cells the set shares with itself shifted by `shift` >= 0 cells."""
        if shift >= self.length:
            return 0
        if shift > self.core:
            mask = self.mask()
            return (mask & mask >> shift).bit_count()
        # Up to the core's length a hole near one end never meets a hole near the other.
        holes = self.edge ^ ones(self.edge_length)
        blocked = holes.bit_count() + (holes >> shift).bit_count()
        return self.length - shift - 2 * blocked + 2 * (holes & holes >> shift).bit_count()


@frozen
class Support:
    """The set of all sums of one cell from each block; each sum has only one such reading."""

    blocks: tuple[Block, ...]
    """The finest first; each one's scale exceeds the reach of all finer ones."""

    @property
    def hull(self) -> int:
        """Positions from the first to the last, both included."""
        return 1 + sum((block.length - 1) * block.scale for block in self.blocks)

    @property
    def touched(self) -> int:
        """How many positions belong to the set."""
        return prod(block.touched for block in self.blocks)

    @property
    def solid_core(self) -> int:
        """Positions in the run through the centre or, where that is a hole, in the nearest run."""
        if not self.blocks or self.blocks[0].scale > 1:
            return 1
        finest, *coarser = self.blocks
        is_centred = all(block.length % 2 and block.core > 0 for block in coarser)
        return finest.central_run if is_centred else finest.first_run

    @property
    def hole_period(self) -> int | None:
        """Positions after which the holes repeat; None where there are none, or no rhythm."""
        if not self.blocks or self.blocks[-1].edge_length or self.blocks[-1].scale == 1:
            return None
        return self.blocks[-1].scale

    @property
    def max_gap(self) -> int:
        """Positions of the longest gap; 0 where there is none."""
        longest, reached = 0, 1
        for block in self.blocks:
            longest = max(longest, (block.max_gap + 1) * block.scale - reached)
            reached += (block.length - 1) * block.scale
        return longest

    def contains(self, position: int) -> bool:
        """Return whether `position`, counted from the first one seen, belongs to the set."""
        for block in reversed(self.blocks):
            cell, position = divmod(position, block.scale)
            if not 0 <= cell < block.length or not block.contains(cell):
                return False
        return position == 0

    def overlap(self, shift: int) -> int:
        """Return how many positions the set shares with itself shifted by `shift` positions."""
        return _overlap(self.blocks, abs(shift))

    def mask(self) -> int:
        """Return the set as bits; as many bits as the hull is wide."""
        mask = 1
        for block in self.blocks:
            copies = 0
            for cell in positions(block.mask()):
                copies |= mask << cell * block.scale
            mask = copies
        return mask


def find_support(teeth: Iterable[Comb], limit: int = WORK_LIMIT) -> Support | None:
    """Return the sums of the combs, or None where more than `limit` bits would be handled."""
    blocks = []
    for group in groups(teeth):
        block = _find_block(group, limit)
        if block is None:
            return None
        blocks.append(block)
    return Support(blocks=tuple(blocks))


def _find_block(teeth: list[Comb], limit: int) -> Block | None:
    scale = common_rate(teeth)
    block = Block(scale=scale, length=1, edge=0, edge_length=0)
    for comb in teeth:
        rate = comb.rate // scale
        is_absorbed = rate <= block.core
        limit -= block.edge_length if is_absorbed else block.length + comb.taps * rate
        if limit < 0:
            return None
        block = (_widen if is_absorbed else _rebuild)(block, comb.taps, rate)
    assert (block.length - 1) * scale + 1 == reach(teeth)
    return block


def _widen(block: Block, taps: int, rate: int) -> Block:
    # Copies of the solid core touch, so that only finer steps within the edge can fill its holes.
    scale, length, size = block.scale, block.length + (taps - 1) * rate, block.edge_length
    if rate >= size:
        return Block(scale=scale, length=length, edge=block.edge, edge_length=size)
    return _trimmed(scale, length, spread(block.edge, taps, rate) & ones(size), size)


def _rebuild(block: Block, taps: int, rate: int) -> Block:
    length = block.length + (taps - 1) * rate
    half = (length + 1) // 2
    edge = spread(block.mask(), taps, rate) & ones(half)
    return _trimmed(block.scale, length, edge, half)


def _trimmed(scale: int, length: int, edge: int, edge_length: int) -> Block:
    shorter = (edge ^ ones(edge_length)).bit_length()
    return Block(scale=scale, length=length, edge=edge & ones(shorter), edge_length=shorter)


def _overlap(blocks: tuple[Block, ...], shift: int) -> int:
    """Return how many sums of cells lie `shift` positions from another one.

    Block by block, the coarsest first, by what is left of the distance: it is the same for many
    pairs of cells.
    """
    pairs = {shift: 1}
    for block in reversed(blocks):
        finer: dict[int, int] = defaultdict(int)
        for left, times in pairs.items():
            cells, rest = divmod(left, block.scale)
            finer[rest] += times * block.overlap(cells)
            if rest:  # the same distance, reached from the next cell backwards
                finer[block.scale - rest] += times * block.overlap(cells + 1)
        pairs = {left: times for left, times in finer.items() if times}
    return pairs.get(0, 0)
