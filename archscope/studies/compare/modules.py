"""Modules side by side: a row for each that is alike in every network, and for what it holds.

As in the table of parameters, a container that does nothing itself and groups nothing that repeats
is no row: it lives on in the names of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, reduce
from operator import attrgetter
from typing import Any

from archscope.columns import columns
from archscope.folding import Node, label_of, number, tree
from archscope.records import frozen
from archscope.results import Section
from archscope.studies.compare.joint import Bundle, Joint, bundles, joined
from archscope.studies.compare.match import match
from archscope.studies.compare.numbers import side_by_side
from archscope.studies.compare.rows import ModuleRow

OWN = "(own)"
"""End of the name of what a container does outside its submodules, as in the table of `params`."""
_PLACE = ("path", "shared_with", "component", "params_form")
"""Fields of a module that hang on where it stands, or follow from others."""
_WORK = (
    *("calls", "output_shape", "own_macs", "own_effective_macs", "own_flops"),
    *("macs_form", "complete"),
)
"""Fields of a module that hang on what its forward was called with."""
_WORDS = {"type": "", "settings": "", "output_shape": "output "}
"""Fields whose change is said in words, and what stands before it."""


@frozen
class _Sums:
    """What a module holds and does in one network, with its parts."""

    params: int = 0
    macs: int | None = 0
    flops: int | None = 0

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(
            params=self.params + other.params,
            macs=_add(self.macs, other.macs),
            flops=_add(self.flops, other.flops),
        )

    def __mul__(self, times: int) -> _Sums:
        macs, flops = (None if n is None else n * times for n in (self.macs, self.flops))
        return _Sums(params=self.params * times, macs=macs, flops=flops)


def _add(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


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
        if not below or _does_something(root):
            name = f"(model).{OWN}" if below else ""
            yield self._row(Bundle(members=(root,), period=1), name, once, own=bool(below))
        for each in below:
            yield from self._rows(each, "", once, top=len(below) > 1)

    def _rows(self, bundle: Bundle, above: str, count: _Count, *, top: bool) -> Iterator[ModuleRow]:
        """Yield the row of a bundle with those of its parts behind it, or these alone."""
        name, several = above + bundle.label, len(bundle.members) > 1
        count = count.of(bundle)
        below = list(bundles(bundle.typical))
        while len(below) == 1 and _only_holds(bundle.typical):
            bundle = below[0]
            name, count = f"{name}.{bundle.label}", count.of(bundle)
            several = several or len(bundle.members) > 1
            below = list(bundles(bundle.typical))
        if not below:
            yield self._row(bundle, name, count, own=False)
            return
        is_list_item = number(bundle.typical.name) is not None
        if several or top or is_list_item or not _only_holds(bundle.typical):
            yield self._row(bundle, name, count, own=False)
        if _does_something(bundle.typical):
            yield self._row(bundle, f"{name}.{OWN}", count, own=True)
        for part in below:
            yield from self._rows(part, f"{name}.", count, top=False)

    def _row(self, bundle: Bundle, name: str, count: _Count, *, own: bool) -> ModuleRow:
        joint, copies = bundle.typical, count.copies
        read = _own_sums if own else _sums
        sums = [read(joint, k) * n for k, n in enumerate(copies)]
        params, params_ratios = side_by_side([each.params for each in sums], _all(self.fair))
        flops, flops_ratios = side_by_side([each.flops for each in sums], self.fair)
        change = tuple(self._change(joint, k, copies, own=own) for k in range(1, len(copies)))
        return ModuleRow(
            path=name,
            type=_types(joint),
            change=change,
            repeats=_repeats(copies),
            copies=copies,
            paths=tuple(_where(bundle, k) for k in range(len(copies))),
            is_part=own or not joint.children,
            differs=any(each != "same" for each in change if each),
            what="" if own else "; ".join(self._what(bundle)),
            params=tuple(each.params for each in sums),
            params_difference=params,
            params_ratio=params_ratios,
            macs=tuple(each.macs for each in sums),
            flops=tuple(each.flops for each in sums),
            flops_difference=flops,
            flops_ratio=flops_ratios,
        )

    def _change(self, joint: Joint, k: int, copies: tuple[int, ...], *, own: bool) -> str:
        here, there = joint.nodes[0], joint.nodes[k]
        if here is None or there is None:
            return "added" if there is not None else "removed" if here is not None else ""
        if joint.moved[k] and not own:
            return "moved"
        same = copies[0] == copies[k] and self._is_same(joint, k, deep=not own)
        return "same" if same else "changed"

    def _is_same(self, joint: Joint, k: int, *, deep: bool) -> bool:
        """Return whether a module of a network is as the first one's, with all it holds if deep."""
        works = self.works[k - 1]
        stack = [joint]
        while stack:
            each = stack.pop()
            if (each.nodes[0] is None) != (each.nodes[k] is None):
                return False
            if _read(each.nodes[0], works) != _read(each.nodes[k], works):
                return False
            stack += each.children if deep else ()
        return True

    def _what(self, bundle: Bundle) -> Iterator[str]:
        """Yield what is different of a bundle in each other network, in words."""
        joint = bundle.typical
        here, *others = joint.rows
        for k, there in enumerate(others, start=1):
            if here is None or there is None:
                continue
            said = [f"moved to {_where(bundle, k)}"] if joint.moved[k] else []
            said += _differences(here, there, works=self.works[k - 1])
            more = len(bundle.members_of(k)) - len(bundle.members_of(0))
            if more and self._is_same(joint, k, deep=True):
                said.append(f"{abs(more)} {'more' if more > 0 else 'fewer'} of the same")
            if said:
                yield (f"{self.names[k]}: " if len(others) > 1 else "") + ", ".join(said)


def _differences(here: Any, there: Any, *, works: bool) -> Iterator[str]:
    for field, before in _WORDS.items():
        one, two = getattr(here, field), getattr(there, field)
        if one != two and (works or field not in _WORK):
            yield f"{before}{_said(one)} → {_said(two)}"
    if here.own_frozen != there.own_frozen:
        yield f"frozen {here.own_frozen:,} → {there.own_frozen:,}"


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return "×".join(map(str, value)) or "scalar"
    return str(value) if value else "none"


@cache
def _reader(row_type: type, works: bool) -> Callable[[Any], object]:
    """Return what reads all that makes a module what it is, by itself."""
    names = {column.name for column in columns(row_type)}
    whole = {name for name in names if f"own_{name}" in names}
    left_out = {*_PLACE, *whole, *(() if works else _WORK)}
    return attrgetter(*sorted(names - left_out))


def _read(node: Node | None, works: bool) -> object:
    if node is None or node.row is None:
        return None
    row_type: type = type(node.row)
    return _reader(row_type, works)(node.row)


def _own_sums(joint: Joint, network: int) -> _Sums:
    row = joint.rows[network]
    if row is None:
        return _Sums()
    params = row.own_trainable + row.own_frozen
    if row.own_macs is None and row.shared_with is not None:
        return _Sums(params=params)  # a second name of a module, which does nothing again
    return _Sums(params=params, macs=row.own_macs, flops=row.own_flops)


def _sums(joint: Joint, network: int) -> _Sums:
    """Return what a module holds and does in one network with its parts, those moved here too."""
    own = _own_sums(joint, network)
    return reduce(_Sums.__add__, (_sums(child, network) for child in joint.children), own)


def _does_something(joint: Joint) -> bool:
    """Return whether a container has weights or work outside its submodules in any network."""
    if not joint.children:
        return False
    rows = [row for row in joint.rows if row is not None]
    return any(r.own_trainable or r.own_frozen or r.own_macs or r.own_flops for r in rows)


def _only_holds(joint: Joint) -> bool:
    """Return whether nothing is to be said of a container but what it holds, in each network."""
    nodes = [node for node in joint.nodes if node is not None]
    is_told = any(joint.moved) or not all(node.children for node in nodes)
    return not is_told and not _does_something(joint)


def _all(fair: Sequence[bool]) -> tuple[bool, ...]:
    return (True,) * len(fair)


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
    above = nodes[0].path.rpartition(".")[0]
    names = [node.name for node in nodes]
    here = label_of(names, bundle.period) if _are_beside(nodes) else ", ".join(names)
    return f"{above}.{here}" if above else here


def _are_beside(nodes: Sequence[Node]) -> bool:
    return len({node.path.rpartition(".")[0] for node in nodes}) == 1
