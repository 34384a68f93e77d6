"""What a family knows of a network for planning, without torch; for other networks, the counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from archscope.errors import ArchscopeError, SpecError
from archscope.families import FAMILIES
from archscope.records import frozen
from archscope.registry import resolve
from archscope.subject import Network, Subject
from archscope.theory.saved_activations import SavedActivations, SavedPart, Way
from archscope.theory.stages import Layer, Part, Stages


@frozen
class Told:
    """A network as far as a plan needs it."""

    network: Network
    family: str
    """Empty: none makes it."""
    spec: Any
    """None where no family makes it."""
    step: bool
    """Whether activations come from a step on shapes."""
    modules: bool
    """Whether its parts are its modules, which takes torch."""

    @property
    def samples(self) -> int:
        """Inputs of the network as it was named."""
        if self.spec is None:
            return self.stages().samples
        return int(getattr(self.spec, "batch_size", 1))

    def of_batch(self, samples: int) -> Told:
        """Return the same network on so many inputs; raises `SpecError` where that is not ours."""
        return self if samples == self.samples else self.changed("batch_size", samples)

    def changed(self, field: str, value: int) -> Told:
        """Return it with another value of a field; raises `SpecError`."""
        if self.spec is None:
            name = "micro_batch" if field == "batch_size" else field
            raise SpecError(name, value, "needs a network of a family; give another {input_shape}")
        return replace(self, spec=replace(self.spec, **{field: value}))

    def stages(self) -> Stages:
        """Return its weights in order."""
        if self.modules:
            return _counted(self._source())
        return _stages(self.family, self.spec)

    def saved_activations(self, way: Way, number_type: str) -> SavedActivations | str:
        """Return what a step keeps of it, or why that is not known."""
        if self.step:
            units = tuple(part.path for part in self.stages().parts) if self.modules else ()
            return _ran(self._source(), way, number_type, units)
        return _kept(self.family, self.spec, way)

    def _source(self) -> _Source:
        """Return what makes the module, built on shapes: what is found of it is found once."""
        return (self.network.subject, "", None) if self.spec is None else (
            None, self.family, self.spec
        )  # fmt: skip


def told(network: Network, saved: str, stages: int) -> Told:
    """Return what is described for a network; `saved` and `stages` as the settings say."""
    spec = network.spec
    if spec is None:
        return Told(network=network, family="", spec=None, step=saved != "formula", modules=True)
    family = FAMILIES.get(network.family)
    modules = not family.weights and (stages > 1 or family.census is None)
    return Told(
        network=network,
        family=network.family,
        spec=spec,
        step=saved == "step" or (saved == "auto" and modules),
        modules=modules or (saved == "step" and not family.weights),
    )


_Source = tuple[Callable[[], Subject] | None, str, Any]
"""What makes a module: a function, or a family and its spec."""
_FEW = 16
"""Variants of a network that are asked of again and again, as changes of a plan are tried."""


@lru_cache(maxsize=_FEW)
def _counted(source: _Source) -> Stages:
    from archscope.analyses.plan.modules import stages_of

    return stages_of(_subject(source))


@lru_cache(maxsize=_FEW)
def _ran(
    source: _Source, way: Way, number_type: str, units: tuple[str, ...]
) -> SavedActivations | str:
    from archscope.analyses.plan.modules import kept_of

    return kept_of(_subject(source), way, number_type, units)


def _subject(source: _Source) -> Subject:
    make, family, spec = source
    return _built(family, spec) if make is None else _own(make)


@lru_cache(maxsize=1)
def _own(make: Callable[[], Subject]) -> Subject:
    from archscope.running.process import process_as_found

    return process_as_found(make)  # it draws weights, and is the user's own code


@lru_cache(maxsize=1)
def _built(name: str, spec: Any) -> Subject:
    return FAMILIES.get(name).subject(spec)


@lru_cache(maxsize=64)
def _stages(name: str, spec: Any) -> Stages:
    family = FAMILIES.get(name)
    if family.weights:
        found: Stages = resolve(family.weights)(spec)
        return found
    assert family.census is not None
    counted = family.census(spec).layers
    first, enters = (
        next((n for n, each in enumerate(counted) if each.macs), -1),
        family.entering(spec),
    )
    layers = tuple(
        Layer(
            name=each.kind,
            counted=each,
            tensors=0,
            trained_input=n != first or enters != "data",
        )
        for n, each in enumerate(counted)
    )
    return Stages(
        parts=(Part(path="", layers=layers),),
        samples=getattr(spec, "batch_size", 1),
        undivided=f"family {name} does not tell how cards divide its layers",
        bounded="" if enters else f"family {name} does not tell which products need a gradient",
        unordered=f"family {name} tells its layers by what they are, not one after the other",
    )


@lru_cache(maxsize=64)
def _kept(name: str, spec: Any, way: Way) -> SavedActivations | str:
    family = FAMILIES.get(name)
    if not family.saved_activations:
        return (
            f"family {name} has no closed form of what it saves; --saved step runs a step on shapes"
        )
    try:
        found: SavedActivations = resolve(family.saved_activations)(spec, way)
    except ArchscopeError as error:
        return str(error)
    return found.unknown or found


def beside(stages: Stages, kept: SavedActivations) -> tuple[tuple[SavedPart, ...], ...] | str:
    """Return what is kept of each part of a network, or why they do not match.

    Blocks go by their order; what stands before, between and after them goes together.
    """
    blocks = kept.blocks
    if len(stages.parts) == 1:
        return (kept.parts,)
    if len(blocks) != len(stages.blocks):
        return f"what is kept is told of {len(blocks)} blocks, weights of {len(stages.blocks)}"
    gaps: list[list[SavedPart]] = [[]]
    for part in kept.parts:
        if part.block:
            gaps.append([])
        else:
            gaps[-1].append(part)
    found: list[tuple[SavedPart, ...]] = []
    seen, waiting = 0, gaps[0]
    for place in stages.parts:
        if place.block:
            found.append((*waiting, blocks[seen]))
            seen += 1
            waiting = gaps[seen]
        else:
            found.append(tuple(waiting))
            waiting = []
    if waiting and found:
        found[-1] = (*found[-1], *waiting)
    return tuple(found)
