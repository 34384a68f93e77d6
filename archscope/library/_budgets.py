"""The networks of budgets: named, with errors that say where, and what is known of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from archscope import loaders, specs
from archscope.errors import ArchscopeError, SpecError, UsageError, did_you_mean
from archscope.library._measure import Answers, check_settings
from archscope.library._named import tuple_of
from archscope.studies.check import lock
from archscope.studies.check.budgets import OWN, Budget
from archscope.studies.check.reading import KEYS
from archscope.studies.check.source import Source
from archscope.subject import Network, Request


def named(budget: Budget, source: Source) -> Network | ArchscopeError:
    """Return the network of a budget, or why the user's code makes none.

    Raises `UsageError` with the line where there is no such network, field or setting.
    """
    try:
        loaders.require_name(budget.model)
    except UsageError as error:
        raise source.error(str(error), budget.number, "model") from None
    _check_words(budget, source)
    try:
        return _load(budget)
    except ArchscopeError as error:
        if _is_own(budget):
            return error
        raise source.error(str(error), budget.number, _place(budget, error)) from None


def answers_of(budget: Budget, network: Network, names: tuple[str, ...]) -> Answers:
    """Return what answers for the network of a budget; `names` are all that will be asked."""
    own = _is_own(budget) and not {"input_shapes", "input_values", "inputs_from"} & {*budget.inputs}
    return Answers(
        network,
        names=names,
        settings=budget.settings,
        sample_rate=budget.sample_rate,
        without_inputs=(lambda: _load(budget, parameters_alone=True)) if own else None,
    )


def entry_of(answers: Answers, names: Iterable[str]) -> lock.Entry:
    """Return the numbers of a network, what it was called with, and what its FLOPs are."""
    numbers = {name: lock.locked(answers.known(name)) for name in names}
    reports = answers.reports()
    return lock.Entry(
        numbers=numbers,
        inputs=next((i for each in reports if (i := lock.inputs_of(each.inputs))), ()),
        convention=next((each.convention.name for each in reports if each.convention), ""),
    )


def _is_own(budget: Budget) -> bool:
    """Return whether a budget is of a network that is made by the user's code."""
    name = loaders.spelt(budget.model)
    loader = loaders.find(name)
    return loader is not None and loader.spec(name) is None


def _check_words(budget: Budget, source: Source) -> None:
    """Raise `UsageError` with the nearest for a key of no budget, field of no network."""
    name = loaders.spelt(budget.model)
    loader = loaders.find(name)
    spec = loader.spec(name) if loader else None
    known = [flag.name for flag in specs.flags(spec)] if spec else []
    for key in budget.fields:
        if key.replace("-", "_") not in known:
            near = did_you_mean(key, [*known, *KEYS])
            what = f"a budget has no key {key!r}, nor has {budget.model} a field called so"
            own = "" if spec else f"; an argument of its own is model_arg.{key}"
            raise source.error(f"{what}{own}.{near}", budget.number, key)
    for analysis, settings in budget.settings.items():
        try:
            check_settings(analysis, settings)
        except UsageError as error:
            raise source.error(str(error), budget.number, analysis, *settings) from None


def _place(budget: Budget, error: ArchscopeError) -> str:
    """Return the key that an error is about."""
    if isinstance(error, SpecError) and error.field in budget.fields:
        return error.field
    flags = re.findall(r"--[\w-]+", str(error))
    return next((key for key in OWN if specs.flag_of(key) in flags), "model")


def _load(budget: Budget, **more: Any) -> Network:
    fields = {name: tuple_of(value) for name, value in budget.fields.items()}
    return loaders.load(budget.model, Request(fields=fields, **budget.inputs, **more))
