"""Puts together a family from its spec, a function that builds its network, and its outline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import TYPE_CHECKING, Any, TypeVar

from archscope.families import Family
from archscope.specs import values
from archscope.subject import Inputs, Repeat, Subject

if TYPE_CHECKING:
    from torch import nn

    from archscope.theory.outline import Outline

B = TypeVar("B")


def assemble(
    *,
    name: str,
    summary: str,
    spec: type,
    describe: Callable[[Any], str],
    build: Callable[[Any, Set[str]], nn.Module],
    inputs: Callable[[Any], Inputs],
    outline: Callable[[Any], Outline] | None = None,
    repeats: Callable[[Any], tuple[Repeat, ...]] | None = None,
) -> Family:
    """Return the family whose `build` makes the network of a spec.

    `build` is told the paths of the blocks to leave out: those for which another stands, as
    `repeats` says. Without an outline what a network looks at is left to its operators.
    """

    def network(spec: Any) -> nn.Module:
        from archscope.blocks.shapes import filled_where_real

        with filled_where_real():
            return build(spec, frozenset())

    def subject(spec: Any) -> Subject:
        from archscope.blocks.shapes import shapes_only

        found = repeats(spec) if repeats else ()
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
                whole=lambda: network(spec),
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


def kept(blocks: Iterable[B], without: Set[str]) -> tuple[B, ...]:
    """Return the blocks whose `path` is not among those to leave out."""
    return tuple(block for block in blocks if block.path not in without)  # type: ignore[attr-defined]


def images(spec: Any) -> Inputs:
    """Return a batch of random images of the spec's channels and size."""
    from archscope.blocks.examples import features

    size = spec.input_size
    return Inputs(args=(features(spec.batch_size, spec.in_channels, size, size),))


def images_in_words(spec: Any) -> str:
    """Return the size of such a batch, e.g. `input 3×224×224 · batch 1`."""
    size = spec.input_size
    return f"input {spec.in_channels}×{size}×{size} · batch {spec.batch_size}"
