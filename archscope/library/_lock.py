"""Writes down the numbers of all networks that have a budget."""

from __future__ import annotations

from collections.abc import Sequence

from archscope.errors import ArchscopeError
from archscope.library._budgets import answers_of, entry_of, named
from archscope.studies.check import lock
from archscope.studies.check.budgets import Budget, is_measured
from archscope.studies.check.source import Source
from archscope.studies.measures import measure

BASE = ("params", "trainable", "weights", "macs", "flops")
"""What a lock file holds of every network, beside all that its budget limits."""


def lock_budgets(budgets: Sequence[Budget], source: Source) -> lock.Lock:
    """Return the numbers of all networks that have a budget.

    Raises `ArchscopeError` for the first that fails: half a lock file would be a wrong one.
    """
    networks = {budget.name: named(budget, source) for budget in budgets}
    found: dict[str, lock.Entry] = {}
    for budget in budgets:
        network = networks[budget.name]
        names = tuple(dict.fromkeys((*BASE, *filter(_is_lasting, budget.names))))
        try:
            if isinstance(network, ArchscopeError):
                raise network
            found[budget.name] = entry_of(answers_of(budget, network, names), names)
        except ArchscopeError as error:
            raise ArchscopeError(f"{budget.name}: {' '.join(str(error).split())}") from error
    return found


def _is_lasting(name: str) -> bool:
    return not is_measured(measure(name).analysis)
