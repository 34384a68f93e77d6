"""What a budget is: a network, and limits on what is measured of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

from archscope.analyses import ANALYSES
from archscope.assertions import Dimension, Number, Quantity
from archscope.errors import UsageError, did_you_mean, same_word
from archscope.records import frozen
from archscope.studies.changes import Change
from archscope.studies.where import Condition

Rule = Literal["max", "min", "grow", "assert"]
"""The word under which a limit stands."""
OWN = ("inputs", "input_shape", "input", "model_arg", "method")
"""Keys that say what a network of the user's own is called with and made from."""


@frozen
class Limit:
    """One limit on one thing that is measured of a network, or on several at once."""

    text: str
    """What it says, e.g. `params <= 25M`, `causal`, `macs +1%`."""
    rule: Rule
    """Where it stands."""
    names: tuple[str, ...]
    """The measures that it reads."""
    line: int = 0
    """The line on which it stands; 0: on none."""
    quantity: Quantity | None = None
    """What it is about; None where it is a condition on several."""
    dimension: Dimension = "count"
    """What its number is of."""
    sign: str = ""
    """How the measured number must compare; empty for a yes or no."""
    wanted: Number | None = None
    """The number that is compared with, in the units of its dimension; None: not known yet."""
    change: Change | None = None
    """How much it may change from the number in the lock file."""
    condition: Condition | None = None
    """What must hold, where that is more than one comparison with one number."""


@frozen
class Budget:
    """A network, and the limits that hold for it."""

    name: str
    """What it is called, the model where it has no name of its own."""
    model: str
    """What is typed for MODEL; empty for a module in memory."""
    limits: tuple[Limit, ...] = ()
    """What must hold, in the order in which it is said."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Fields of MODEL."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """What is said of a network of the user's own, by the words of a `Request`."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of analyses, by their names."""
    sample_rate: str | int | float | None = None
    """Positions a second, e.g. `16kHz`."""
    number: int = 0
    """Its place in the file."""
    line: int = 0
    """The line on which it begins; 0: on none."""

    @property
    def names(self) -> tuple[str, ...]:
        """The measures that its limits read, each once."""
        return tuple(dict.fromkeys(name for limit in self.limits for name in limit.names))


def chosen(budgets: Sequence[Budget], names: Sequence[str]) -> tuple[Budget, ...]:
    """Return the budgets that are called so, all where nothing is named, in their order.

    Raises `UsageError` with the nearest name.
    """
    known = [budget.name for budget in budgets]
    wanted = set()
    for name in names:
        word = same_word(name, known)
        if word is None:
            near = did_you_mean(name, known)
            raise UsageError(f"no budget is called {name!r}; there are {', '.join(known)}.{near}")
        wanted.add(word)
    return tuple(budget for budget in budgets if not names or budget.name in wanted)


def is_measured(analysis: str) -> bool:
    """Return whether an analysis runs a network for real, so that no two answers are the same."""
    return ANALYSES.get(analysis).needs == "data"
