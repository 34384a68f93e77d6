"""Modules side by side: a row for each that is alike in every network, and for what it holds.

As in the table of parameters, a container that does nothing itself and groups nothing that repeats
is no row: it lives on in the names of its parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.folding import label_of, number, tree
from archscope.records import frozen
from archscope.results import Section
from archscope.studies.compare.changes import change, differences, is_same
from archscope.studies.compare.joint import Bundle, Joint, bundles, joined
from archscope.studies.compare.match import match
from archscope.studies.compare.numbers import side_by_side
from archscope.studies.compare.rows import ModuleRow
from archscope.studies.compare.sums import does_something, only_holds, own_sums, sums

OWN = "(own)"
"""End of the name of what a container does outside its submodules, as in the table of `params`."""


def module_rows(
    sections: Sequence[Section], works: Sequence[bool], fair: Sequence[bool], names: Sequence[str]
) -> tuple[ModuleRow, ...]:
    """Return the rows of all networks' modules, in the order of the first.

    `works` says of each other network whether its work can be compared with the first one's, `fair`
    whether its FLOPs can; `names` is what the networks are called.
    """
    first, *others = [tree(each.rows, each.row_type) for each in sections]
    root = joined(first, [match(first, other) for other in others], others)
    walk = _Walk(works=tuple(works), fair=tuple(fair), names=tuple(names))
    return tuple(walk.top(root))


@frozen
class _Count:
    """How often something stands there."""

    copies: tuple[int, ...]
    """In each network."""
    places: int = 1
    """In the tree of all of them."""

    def of(self, bundle: Bundle) -> _Count:
        """Return how often what a bundle is stands there, in a module that does so often."""
        each = ((n, len(bundle.members_of(k))) for k, n in enumerate(self.copies))
        # What has moved is in a network that lacks what holds it here.
        copies = tuple((n or self.places) * members for n, members in each)
        return _Count(copies=copies, places=self.places * len(bundle.members))


@frozen
class _Walk:
    """Goes down the tree and decides which modules are rows."""

    works: tuple[bool, ...]
    fair: tuple[bool, ...]
    names: tuple[str, ...]

    def top(self, root: Joint) -> Iterator[ModuleRow]:
        """Yield the rows of a whole tree."""
        below = list(bundles(root))
        once = _Count(copies=(1,) * len(root.nodes))
        if not below or does_something(root):
            name = f"(model).{OWN}" if below else ""
            yield self._row(Bundle(members=(root,), period=1), name, once, own=bool(below))
        for each in below:
            yield from self._rows(each, "", once, top=len(below) > 1)

    def _rows(self, bundle: Bundle, above: str, count: _Count, *, top: bool) -> Iterator[ModuleRow]:
        """Yield the row of a bundle with those of its parts behind it, or these alone."""
        name, several = above + bundle.label, len(bundle.members) > 1
        count = count.of(bundle)
        below = list(bundles(bundle.typical))
        while len(below) == 1 and only_holds(bundle.typical):
            bundle = below[0]
            name, count = f"{name}.{bundle.label}", count.of(bundle)
            several = several or len(bundle.members) > 1
            below = list(bundles(bundle.typical))
        if not below:
            yield self._row(bundle, name, count, own=False)
            return
        is_list_item = number(bundle.typical.name) is not None
        if several or top or is_list_item or not only_holds(bundle.typical):
            yield self._row(bundle, name, count, own=False)
        if does_something(bundle.typical):
            yield self._row(bundle, f"{name}.{OWN}", count, own=True)
        for part in below:
            yield from self._rows(part, f"{name}.", count, top=False)

    def _row(self, bundle: Bundle, name: str, count: _Count, *, own: bool) -> ModuleRow:
        joint, copies = bundle.typical, count.copies
        read = own_sums if own else sums
        every = [read(joint, k) * n for k, n in enumerate(copies)]
        whole = [each.complete for each in every]
        fair = [f and whole[0] and w for f, w in zip(self.fair, whole[1:], strict=True)]
        params, params_ratios = side_by_side([each.params for each in every], [True] * len(fair))
        flops, flops_ratios = side_by_side([each.flops for each in every], fair)
        changes = tuple(
            change(joint, k, copies, works=works, own=own)
            for k, works in enumerate(self.works, start=1)
        )
        return ModuleRow(
            path=name,
            type=_types(joint),
            change=changes,
            repeats=_repeats(copies),
            copies=copies,
            paths=tuple(_where(bundle, k) for k in range(len(copies))),
            is_part=own or not joint.children,
            differs=any(each != "same" for each in changes if each),
            what="" if own else "; ".join(self._what(bundle)),
            params=tuple(each.params for each in every),
            params_difference=params,
            params_ratio=params_ratios,
            macs=tuple(each.macs for each in every),
            flops=tuple(each.flops for each in every),
            complete=tuple(whole),
            flops_difference=flops,
            flops_ratio=flops_ratios,
        )

    def _what(self, bundle: Bundle) -> Iterator[str]:
        """Yield what is different of a bundle in each other network, in words."""
        joint = bundle.typical
        here, *others = joint.rows
        for k, there in enumerate(others, start=1):
            if here is None or there is None:
                continue
            said = [f"moved to {_where(bundle, k)}"] if joint.moved[k] else []
            said += differences(here, there, works=self.works[k - 1])
            more = len(bundle.members_of(k)) - len(bundle.members_of(0))
            if more and is_same(joint, k, works=self.works[k - 1]):
                said.append(f"{abs(more)} {'more' if more > 0 else 'fewer'} of the same")
            if said:
                yield (f"{self.names[k]}: " if len(others) > 1 else "") + ", ".join(said)


def _types(joint: Joint) -> str:
    each = dict.fromkeys(row.type for row in joint.rows if row is not None)
    return " → ".join(each)


def _repeats(copies: tuple[int, ...]) -> str:
    """Return how often modules stand there in each network: nothing where once, or not at all."""
    if max(copies) == 1:
        return ""
    every = copies if len(set(copies)) > 1 else copies[:1]
    return " → ".join(f"×{each}" for each in every)


def _where(bundle: Bundle, network: int) -> str | None:
    """Return where the modules of a bundle stand in a network."""
    nodes = bundle.members_of(network)
    if not nodes:
        return None
    above = {node.path.rpartition(".")[0] for node in nodes}
    if len(above) > 1:
        return ", ".join(node.path for node in nodes)
    (holder,) = above
    here = label_of([node.name for node in nodes], bundle.period)
    return f"{holder}.{here}" if holder else here
