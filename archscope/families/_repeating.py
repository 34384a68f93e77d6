"""Puts together a family of networks whose blocks repeat, whether or not it knows its outline."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import TYPE_CHECKING, Any

from archscope.registry import Family
from archscope.specs import values
from archscope.subject import Inputs, Repeat, Subject

if TYPE_CHECKING:
    from torch import nn

    from archscope.theory.outline import Outline


def repeating(
    *,
    name: str,
    summary: str,
    spec: type,
    describe: Callable[[Any], str],
    build: Callable[[Any, Set[str]], nn.Module],
    repeats: Callable[[Any], tuple[Repeat, ...]],
    inputs: Callable[[Any], Inputs],
    outline: Callable[[Any], Outline] | None = None,
) -> Family:
    """Return the family whose `build` makes the network of a spec.

    `build` is told the paths of the blocks to leave out: those for which another stands, as
    `repeats` says. Without an outline what a network looks at is left to its operators.
    """

    def network(spec: Any) -> nn.Module:
        from archscope.networks.shapes import filled_where_real

        with filled_where_real():
            return build(spec, frozenset())

    def subject(spec: Any) -> Subject:
        from archscope.networks.shapes import shapes_only

        found = repeats(spec)
        left_out = {path for repeat in found for path in repeat.copies[1:]}
        with shapes_only():
            return Subject(
                name=describe(spec),
                model=build(spec, left_out),
                inputs=inputs(spec),
                origin=f"family:{name}",
                config=values(spec),
                repeats=found,
                outline=outline(spec) if outline else None,
            )

    return Family(
        name=name,
        summary=summary,
        spec=spec,
        describe=describe,
        subject=subject,
        network=network,
        inputs=inputs,
        outline=outline,
    )
