"""Conditions on variants: which fields they may name, and which variants need not be run at all.

A family's census and its outline tell parameters, multiply-accumulates and windows in a fraction of
a millisecond (`theory/census.py`): where a condition is false of these, no engine need count more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from archscope import specs
from archscope.families import FAMILIES
from archscope.studies.measures import Measure
from archscope.studies.search.closed_form import COUNTED, TRAINED, counted, kept_in_training
from archscope.studies.sweep.choosing import holds, read_where
from archscope.studies.sweep.outcomes import CENSUS, CLOSED_FORM, Answer, Outcome
from archscope.studies.where import Condition
from archscope.subject import Network
from archscope.sweeping.axes import Axis
from archscope.sweeping.question import numbers_of


def fields_of(spec: type | None, axes: Sequence[Axis] = ()) -> Mapping[str, bool]:
    """Return the fields that a condition may name, and whether each is a switch."""
    if spec is None:
        return {a.name: all(isinstance(v, bool) for v in a.values) for a in axes}
    kinds = ("integer", "number", "switch", "list")
    return {
        f.name: f.kind == "switch" for f in specs.flags(spec) if f.kind in kinds and not f.kinds
    }


def condition_of(text: str, fields: Mapping[str, bool]) -> Condition:
    """Return a condition over measures and these fields, of which some are switches."""
    switches = [name for name, is_switch in fields.items() if is_switch]
    return read_where(text, tuple(fields), switches)


@cache
def _of_spec(text: str, spec: Any) -> Condition:
    return condition_of(text, fields_of(spec))


def is_false(text: str, spec: Any, answers: tuple[Answer, ...]) -> bool:
    """Return whether a condition is false of a spec, by what is known of it so far."""
    outcome = Outcome(place=0, name="", values={}, fields=numbers_of(spec), answers=answers)
    kind: Any = type(spec)
    return holds(_of_spec(text, kind), outcome).holds is False


def by_closed_form(network: Network, wanted: tuple[Measure, ...]) -> Answer | None:
    """Return what a training step keeps by the closed form of a network's family.

    None where it has none of this network, or where more is asked of a step than what it keeps.
    """
    family = FAMILIES.get(network.family) if network.family else None
    if (
        family is None
        or not family.saved_activations
        or any(each.name not in TRAINED for each in wanted)
    ):
        return None
    found = {each.name: kept_in_training(family, network.spec, each.name) for each in wanted}
    if any(one.why for one in found.values()):
        return None
    told = {each.name: {each.dimension: found[each.name]} for each in wanted}
    return Answer(analysis="memory", found=told, road=CLOSED_FORM)


def by_census(network: Network, wanted: tuple[Measure, ...]) -> Answer | None:
    """Return what the census of a network's family tells of these measures; None: it has none."""
    family = FAMILIES.get(network.family) if network.family else None
    if family is None or family.census is None:
        return None
    census = family.census(network.spec)
    found = {
        each.name: {each.dimension: counted(census, each.name)}
        for each in wanted
        if each.name in COUNTED
    }
    return Answer(analysis="params", found=found, road=CENSUS)
