"""Whether a module is the same in two networks, and how it differs, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from typing import Any

from archscope.columns import columns
from archscope.folding import Node
from archscope.studies.compare.joint import Joint

_PLACE = ("path", "shared_with", "component", "params_form")
"""Fields of a module that hang on where it stands, or follow from others."""
_WORK = (
    *("calls", "output_shape", "own_macs", "own_effective_macs", "own_flops"),
    *("macs_form", "complete"),
)
"""Fields of a module that hang on what its forward was called with."""
_WORDS = {"type": "", "settings": "", "output_shape": "output "}
"""Fields whose change is said in words, and what stands before it."""


def change(joint: Joint, network: int, copies: tuple[int, ...], *, works: bool, own: bool) -> str:
    """Return in a word what a module is against the first network's; empty where neither has it.

    `own`: without its parts. `works`: their work can be compared.
    """
    here, there = joint.nodes[0], joint.nodes[network]
    if here is None or there is None:
        return "added" if there is not None else "removed" if here is not None else ""
    if joint.moved[network] and not own:
        return "moved"
    alike = is_same(joint, network, works=works, deep=not own)
    return "same" if alike and copies[0] == copies[network] else "changed"


def is_same(joint: Joint, network: int, *, works: bool, deep: bool = True) -> bool:
    """Return whether a module of a network is as the first one's, with all it holds if deep."""
    stack = [joint]
    while stack:
        each = stack.pop()
        here, there = each.nodes[0], each.nodes[network]
        told = works and _is_counted(here) == _is_counted(there)  # by one alone nothing is known
        if (here is None) != (there is None) or _read(here, told) != _read(there, told):
            return False
        stack += each.children if deep else ()
    return True


def differences(here: Any, there: Any, *, works: bool) -> Iterator[str]:
    """Yield what of two rows is different, apart from their numbers."""
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


def _is_counted(node: Node | None) -> bool:
    return node is not None and getattr(node.row, "own_flops", None) is not None


def _read(node: Node | None, works: bool) -> object:
    if node is None or node.row is None:
        return None
    row_type: type = type(node.row)
    return _reader(row_type, works)(node.row)
