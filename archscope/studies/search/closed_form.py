"""What is known about a network from its spec alone, in closed form.

Windows and coverage of a single path are had in a fraction of a millisecond; the rest of a
receptive field takes the whole answer of the rf analysis. No torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.closed_form.answer import closed_form
from archscope.analyses.rf.closed_form.layer_rows import totals
from archscope.analyses.rf.numbers import plain, together
from archscope.analyses.rf.totals import Totals
from archscope.analyses.rf.use.answer import of_outline
from archscope.assertions import Dimension, Found, Quantity
from archscope.errors import UsageError
from archscope.families import Family
from archscope.records import frozen
from archscope.registry import resolve
from archscope.specs import fields, flags
from archscope.specs.space import is_number
from archscope.studies.measures import Measure, measures
from archscope.theory.census import Census
from archscope.theory.combs import combs
from archscope.theory.coupling import find_streams
from archscope.theory.coverage import is_full
from archscope.theory.gridding import name_of
from archscope.theory.layers import Path
from archscope.theory.meanings import meanings
from archscope.theory.outline import Outline
from archscope.theory.output_places import outlook
from archscope.theory.product import each
from archscope.theory.residual import sees_more
from archscope.theory.saved_activations import SavedActivations
from archscope.theory.support import find_support
from archscope.theory.window import window

COUNTED: Mapping[str, Callable[[Census], int | None]] = {
    "params": lambda census: census.params,
    "trainable": lambda census: census.trainable,
    "frozen": lambda census: census.frozen,
    "active": lambda census: meanings(census).active,
    "weights": lambda census: BYTES * census.params,
    "macs": lambda census: census.macs,
    "flops": lambda census: census.macs,
}
"""Counts that a census gives, None where it does not tell; one FLOP is a multiply-accumulate, as
in fvcore."""
AT_LEAST = ("flops",)
"""Counts of which a census gives only the largest part: fvcore estimates norms and pools beside."""
KEPT = {
    "kv_bytes": lambda cache: 2 * cache.batch * cache.elements(cache.context),
    "kv_per_token": lambda cache: 2 * cache.per_position,
}
"""What decoding keeps, in 16 bits as `kv` has it where nobody says otherwise."""
TRAINED = {"act": lambda kept: kept.bytes(activation=BYTES)}
"""What a training step keeps, as `memory` has it where nobody says otherwise."""
BYTES = 4
"""Bytes of a weight or an element of an activation: networks are made in float32."""
WINDOWED = ("rf", "smallest_rf", "local_rf", "ahead", "back", "jump", "causal")
"""What follows from where windows lie."""
ORDERED = ("ahead", "back", "causal")
"""What is known only where outputs lie in the order of what they see."""
HELD = ("coverage", "streams", "gap")
"""What follows from which positions they hold, which takes longer."""


def quantities(family: Family) -> dict[str, Quantity]:
    """Return what conditions on a family's networks may name: measures, and fields of its spec."""
    found = {name: each.quantity for name, each in measures().items()}
    for flag in flags(family.spec):
        if flag.kind in ("integer", "number", "list") and not flag.kinds:
            found.setdefault(flag.name, _field(flag.name, flag.help))
    return found


def _field(name: str, help: str) -> Quantity:
    def read(report: Any, dimension: Dimension) -> Found:
        raise UsageError(f"{name} is a field of a spec")

    return Quantity(name=name, dimensions=("count",), read=read, help=help)


@frozen
class Told:
    """The totals of a receptive field, where a quantity looks for them."""

    totals: Totals

    def totals_of(self, *addresses: str) -> Totals:
        """Return them, whatever they are called."""
        return self.totals


class Known:
    """One spec, and all that is known of it without building its network."""

    def __init__(self, family: Family, spec: Any, rate: Fraction | None = None) -> None:
        self._family = family
        self.spec = spec
        self._rate = rate
        self._census: Any = None
        self._outline: Outline | None = None
        self._briefs: dict[bool, Totals] = {}
        self._whole: Totals | None = None

    @property
    def census(self) -> Any:
        """Its layers in closed form; None where its family has no census."""
        if self._census is None and self._family.census is not None:
            self._census = self._family.census(self.spec)
        return self._census

    @property
    def outline(self) -> Outline:
        """What its layers see, in closed form."""
        if self._outline is None:
            assert self._family.outline is not None
            self._outline = self._family.outline(self.spec)
        return self._outline

    def measured(self, measure: Measure, dimension: Dimension) -> Found:
        """Return what is known of a measure, e.g. `rf` in seconds."""
        if measure.analysis == "params":
            return self._counted(measure.name)
        if measure.analysis == "kv":
            return self._cached(measure.name)
        if measure.analysis == "memory":
            return kept_in_training(self._family, self.spec, measure.name)
        if measure.name in ORDERED and self.outline.unordered and not self.outline.attention:
            return Found(why=self.outline.unordered)
        return measure.of(Told(totals=self._totals(measure.name)), dimension)

    def field(self, name: str) -> Found:
        """Return the numbers of a field of the spec; of a list one for each item."""
        value = self._value(name)
        follows = self._family.choices().follows.get(name)
        if value is None and follows is not None:
            value = follows(self.spec)
        items = value if isinstance(value, tuple) else (value,)
        if not items or not all(map(is_number, items)):
            return Found(why=f"{name} is not a number there")
        return Found(values=tuple(dict.fromkeys(items)))

    def _value(self, name: str) -> Any:
        """Return a field, or the number of a kind that a field is."""
        if hasattr(self.spec, name):
            return getattr(self.spec, name)
        kinds = (getattr(self.spec, field.name) for field in fields(type(self.spec)))
        return next((getattr(kind, name) for kind in kinds if hasattr(kind, name)), None)

    def _counted(self, name: str) -> Found:
        if self.census is None:
            return Found(why=f"{self._family.name} has no census")
        return counted(self.census, name)

    def _cached(self, name: str) -> Found:
        try:
            cache = resolve(self._family.cache)(self.spec)
        except UsageError as error:
            return Found(why=str(error))
        return Found(values=(KEPT[name](cache),))

    def _totals(self, name: str) -> Totals:
        if name in (*WINDOWED, *HELD) and self._whole is None:
            found = self._briefs.get(name in HELD)
            found = found or brief(self.outline, self._rate, holds=name in HELD)
            if found is not None:
                self._briefs[name in HELD] = found
                return found
        if self._whole is None:
            answer: Answer = of_outline(closed_form(self.outline), self.outline, self._rate)
            self._whole = answer.totals
        return self._whole


def counted(census: Census, name: str) -> Found:
    """Return a count that a census gives, or what it is at least.

    Active parameters are unknown where routing is.
    """
    value = COUNTED[name](census)
    if value is None:
        return Found(why="how many experts a token meets is not stated")
    if name in AT_LEAST:
        why = "norms, pools and resampling are not in it"
        return Found(values=(value,), bound="at least", why=why)
    return Found(values=(value,))


def kept_in_training(family: Family, spec: Any, name: str) -> Found:
    """Return a measure of what a training step keeps, by the closed form of a family that has it.

    It is unknown where some part of the network has none.
    """
    kept: SavedActivations = resolve(family.saved_activations)(spec)
    return Found(why=kept.unknown) if kept.unknown else Found(values=(TRAINED[name](kept),))


def brief(outline: Outline, rate: Fraction | None, *, holds: bool) -> Totals | None:
    """Return the totals of a single path as far as its windows tell; None for any other outline.

    They are those of the whole answer as far as `WINDOWED` reads them and, where windows are looked
    at for what they hold, `HELD`.
    """
    path = outline.path
    unlike = (outline.attention, outline.branches, outline.source, outline.partial)
    if any(unlike) or any(one.upsamples for stack in path for one in stack):
        return None
    if outline.skips and sees_more(path, outline.skips):
        return None
    seen, looks = each(window, path), each(outlook, path)
    found = totals(
        replace(outline, input_size=None),  # outputs at borders are none of these
        name_of(outline.layers, len(outline.layers) - 1),
        seen,
        **(_held(path) if holds else {"is_full": False, "complete": False}),
    )
    if outline.unordered:
        return replace(found, sample_rate=None if rate is None else plain(rate))
    return replace(
        found,
        look_back=tuple(look.behind for look in looks),
        look_ahead=tuple(look.ahead for look in looks),
        sample_rate=None if rate is None else plain(rate),
    )


def _held(path: Path) -> dict[str, Any]:
    """Return which positions of a window are seen, over all axes and along each."""
    supports = each(lambda stack: find_support(combs(stack)), path)
    touched = together(one and one.touched for one in supports)
    return {
        "touched": touched,
        "reached": None if touched is None else prod(touched),
        "max_gap": together(one and one.max_gap for one in supports),
        "streams": together(each(find_streams, path)),
        "is_full": all(is_full(combs(stack)) for stack in path),
        "complete": touched is not None,
    }
