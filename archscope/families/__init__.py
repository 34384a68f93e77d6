"""Parametrised networks: one folder each, with the constant `FAMILY`. No torch at import."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from archscope.blocks.plan import Block, first_of_each, repeats, shortened
from archscope.records import frozen
from archscope.registry import Registry, resolve
from archscope.specs import values
from archscope.specs.space import Space
from archscope.subject import Inputs, Subject
from archscope.theory.census import Census
from archscope.theory.outline import Outline

if TYPE_CHECKING:
    from torch import nn

Entering = Literal["", "data", "table"]
"""What a network's first product takes; see `Family.enters`."""


def by_weights(address: str) -> Callable[[Any], Census]:
    """Return what tells a census by a family's weights, which are at an address."""

    def census(spec: Any) -> Census:
        found: Census = resolve(address)(spec).census
        return found

    return census


@frozen
class Family:
    """A parametrised network: a spec type, and how a spec becomes a network."""

    name: str
    """What the user types, e.g. `transformer`."""
    summary: str
    """One line for `archscope list`."""
    spec: type
    """A frozen dataclass whose fields come from `specs.option`."""
    describe: Callable[[Any], Iterable[str]]
    """What tells a spec from others, a few words each, for the title of a table."""
    inputs: Callable[[Any], Inputs]
    """What the network of a spec is called with: random, on torch's current default device."""
    module: str
    """Address of what makes the `nn.Module`, imported only then, e.g. `package.network:Net`.

    It takes a spec, and of a family with `blocks` those of them that are to be built.
    """
    blocks: Callable[[Any], Iterable[Block]] | None = None
    """A spec as its plan: the blocks that stand in lists, in order; None where none are alike."""
    outline: Callable[[Any], Outline] | None = None
    """A spec as what its network looks at, without torch; None where that cannot be told."""
    census: Callable[[Any], Census] | None = None
    """A spec as its layers in closed form, without torch; None where the engines alone count."""
    enters: Entering | Callable[[Any], Entering] = ""
    """What the first product of its census takes, of all specs or by the spec: `data` as they
    come, which need no gradient, or vectors of a `table` that is trained; of every other product of
    a training step both operands need one, and nothing runs in training alone. Empty: that is not
    so, or not told."""
    weights: str = ""
    """Address of what tells a spec as `theory.stages.Stages`: its weights in order, part by part,
    and how several cards divide them. Empty: it is not told."""
    saved_activations: str = ""
    """Address of what tells a spec as `theory.saved_activations.SavedActivations`: what a training
    step keeps of each block, in closed form. Empty: a step on shapes alone has to tell."""
    cache: str = ""
    """Address of what tells a spec as `theory.cache.Cache`: what decoding keeps of the tokens
    before, layer by layer. Empty: it does not decode, or it is not told."""
    space: str = ""
    """Address of the `specs.space.Space` that it offers, e.g. `package.space:SPACE`; empty: what is
    chosen has to be said."""

    def entering(self, spec: Any) -> Entering:
        """Return what the first product of a spec's census takes, as `enters` has it."""
        return self.enters(spec) if callable(self.enters) else self.enters

    def choices(self) -> Space:
        """Return what there is to choose of it."""
        found: Space = resolve(self.space) if self.space else Space(axes=lambda given: {})
        return found

    def title(self, spec: Any) -> str:
        """Return a spec in one line."""
        return " · ".join(self.describe(spec))

    def network(self, spec: Any) -> nn.Module:
        """Return the whole network, on torch's current default device."""
        from archscope.blocks.shapes import filled_where_real

        with filled_where_real():
            return self._built(spec, self._plan(spec))

    def subject(self, spec: Any) -> Subject:
        """Return the network on the meta device, blocks that are alike built once."""
        from archscope.blocks.shapes import shapes_only

        plan = self._plan(spec)
        with shapes_only():
            return Subject(
                name=self.title(spec),
                model=self._built(spec, first_of_each(plan)),
                inputs=self.inputs(spec),
                origin=f"family:{self.name}",
                config=values(spec),
                repeats=repeats(plan),
                outline=self.outline(spec) if self.outline else None,
                whole=partial(self.network, spec),
                shorter=partial(self._shorter, spec) if plan else None,
                at_batch=partial(self._at_batch, spec) if hasattr(spec, "batch_size") else None,
                saved_activations=partial(resolve(self.saved_activations), spec)
                if self.saved_activations
                else None,
            )

    def _at_batch(self, spec: Any, size: int) -> Subject:
        return self.subject(replace(spec, batch_size=size))

    def _shorter(self, spec: Any, multiple: int) -> Subject | None:
        """Return the network of which periods of alike blocks are left out, if any can be."""
        from archscope.blocks.shapes import shapes_only

        few = shortened(self._plan(spec), multiple)
        if few is None:
            return None
        with shapes_only():
            return Subject(
                name=self.title(spec),
                model=self._built(spec, few.blocks),
                inputs=self.inputs(spec),
                origin=f"family:{self.name}",
                config=values(spec),
                repeats=few.repeats,
                stretches=few.stretches,
                whole=partial(self.network, spec),
            )

    def _plan(self, spec: Any) -> tuple[Block, ...]:
        return tuple(self.blocks(spec)) if self.blocks else ()

    def _built(self, spec: Any, blocks: tuple[Block, ...]) -> nn.Module:
        made: nn.Module = resolve(self.module)(spec, *([blocks] if self.blocks else []))
        return made


FAMILIES = Registry("family", "archscope.families", "FAMILY", Family)
