"""What modules of several networks hold and do, with their parts, as values that add up."""

from __future__ import annotations

from functools import reduce

from archscope.records import frozen
from archscope.studies.compare.joint import Joint


@frozen
class Sums:
    """What a module holds and does in one network."""

    params: int = 0
    """Parameters, trained or not."""
    macs: int | None = 0
    """Multiply-accumulates; None where some are unknown."""
    flops: int | None = 0
    """The same in the report's convention."""
    complete: bool = True
    """Whether the work is all counted, and undisputed."""

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            params=self.params + other.params,
            macs=_add(self.macs, other.macs),
            flops=_add(self.flops, other.flops),
            complete=self.complete and other.complete,
        )

    def __mul__(self, times: int) -> Sums:
        macs, flops = (None if n is None else n * times for n in (self.macs, self.flops))
        params = self.params * times
        return Sums(params=params, macs=macs, flops=flops, complete=self.complete)


def _add(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def own_sums(joint: Joint, network: int) -> Sums:
    """Return what a module holds and does in one network without its parts."""
    row = joint.rows[network]
    if row is None:
        return Sums()
    params = row.own_trainable + row.own_frozen
    if row.own_macs is None and row.shared_with is not None:
        return Sums(params=params)  # a second name of a module, which does nothing again
    return Sums(params=params, macs=row.own_macs, flops=row.own_flops, complete=row.complete)


def sums(joint: Joint, network: int) -> Sums:
    """Return the same with its parts, those that have moved here too."""
    own = own_sums(joint, network)
    return reduce(Sums.__add__, (sums(child, network) for child in joint.children), own)


def does_something(joint: Joint) -> bool:
    """Return whether a container has weights or work outside its submodules in any network."""
    if not joint.children:
        return False
    rows = [row for row in joint.rows if row is not None]
    return any(r.own_trainable or r.own_frozen or r.own_macs or r.own_flops for r in rows)


def only_holds(joint: Joint) -> bool:
    """Return whether nothing is to be said of a container but what it holds, in each network."""
    nodes = [node for node in joint.nodes if node is not None]
    is_told = any(joint.moved) or not all(node.children for node in nodes)
    return not is_told and not does_something(joint)
