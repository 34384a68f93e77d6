"""Parametrised networks: one folder each, with the constant `FAMILY`. No torch at import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from archscope.registry import Registry
from archscope.subject import Inputs, Subject
from archscope.theory.outline import Outline


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A parametrised network: a spec type, and how a spec becomes a network."""

    name: str
    """What the user types, e.g. `transformer`."""
    summary: str
    """One line for `archscope list`."""
    spec: type
    """A frozen dataclass whose fields come from `specs.option`."""
    describe: Callable[[Any], str]
    """A spec in one line, for the title of a table."""
    subject: Callable[[Any], Subject]
    """A spec as a `Subject` on the meta device, with repeated blocks built once."""
    network: Callable[[Any], Any]
    """A spec as the whole `nn.Module`, on torch's current default device."""
    inputs: Callable[[Any], Inputs]
    """What the network of a spec is called with: random, on torch's current default device."""
    outline: Callable[[Any], Outline] | None = None
    """A spec as what its network looks at, without torch; None where that cannot be told."""


FAMILIES = Registry("family", "archscope.families", "FAMILY", Family)
