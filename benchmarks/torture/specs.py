"""Random specs of every family by three roads: closed forms, two counting engines, operators.

Closed forms of layers are held to both engines, in all and of each type of layer; parameters to
those of the module as it is built whole; what a family tells of its field to what its operators
say; and a forward of it for real gives numbers.
"""

from __future__ import annotations

import random
from typing import Any

from found import Tally
from siblings import census, fields

from archscope.families import FAMILIES

ROADS = ("layers", "networks")


def tried(count: int, seed: int, families: tuple[str, ...] = ()) -> Tally:
    """Try so many specs of each family by each road; what is refused is drawn anew."""
    tally = Tally("specs")
    for name in families or FAMILIES.names():
        family = FAMILIES.get(name)
        chance = random.Random(f"specs/{seed}/{name}")
        held = refused = 0
        while held < count and refused < count * 50 + 50:
            given = census.drawn(family, chance)
            kind, said = _outcome(family, given)
            if kind == "refused":
                refused += 1
                tally.ends[kind] += 1
                continue
            held += 1
            tally.add(f"{name} {given}", [said] if kind != "held" else [], kind)
    return tally


def _outcome(family: Any, given: dict[str, Any]) -> tuple[str, str]:
    kind, said = fields.outcome(family, given)
    if kind == "refused":
        return "refused", ""
    if kind != "built":
        return kind, f"{kind}: {said}"
    if family.census is None:
        return "held", ""
    kind, said = census.outcome(family, given)
    return ("held", "") if kind == "held" else (kind, f"{kind}: {said}")
