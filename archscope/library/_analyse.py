"""Runs any analysis by its name, built-in or from a plug-in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from archscope import specs, study
from archscope.analyses import ANALYSES
from archscope.errors import UsageError, did_you_mean
from archscope.library._named import OWN, network_of, subject_of
from archscope.results import Report
from archscope.subject import Network

if TYPE_CHECKING:
    from torch import nn


def analyse(
    analysis: str,
    model: nn.Module | str = "",
    *args: Any,
    settings: Mapping[str, Any] | None = None,
    method: str | None = None,
    **kwargs: Any,
) -> Report:
    """Run one analysis of a network and return its report.

    >>> analyse("params", "transformer", depth=24).totals.trainable
    209494272

    `model`, `args`, `method` and `kwargs` are as for `params`; `settings` are those of the
    analysis, as values or as texts. Raises `UsageError` for an unknown analysis or setting.
    """
    if isinstance(model, str):
        kwargs, settings = _named_apart(analysis, model, kwargs, settings or {})
        _refuse_misspelt(analysis, kwargs, {*_fields_of(model), *OWN})
        network = network_of(model, kwargs, args=args, method=method)
        return analyse_network(analysis, network, settings)
    _refuse_misspelt(analysis, kwargs, _arguments_of(model, kwargs))
    chosen = read_settings(analysis, settings or {})
    return study.analyse(analysis, subject_of(model, args, kwargs, method=method), **chosen)


def analyse_network(analysis: str, network: Network, settings: Mapping[str, Any]) -> Report:
    """Run one analysis of a `Network`; see `analyse`."""
    return study.ask(analysis, network, **read_settings(analysis, settings))


def _named_apart(
    analysis: str, model: str, fields: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return fields of a network, and settings: those too that go by another name of theirs.

    `memory` is a field of Transformer-XL, and of any other network the memory of a card.
    """
    apart, chosen = dict(fields), dict(settings)
    declared = ANALYSES.get(analysis).settings
    other = {field.also: field.name for field in specs.fields(declared)} if declared else {}
    for name in other.keys() & apart.keys() - _fields_of(model):
        chosen[other[name]] = apart.pop(name)
    return apart, chosen


def _refuse_misspelt(analysis: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise `UsageError` for a keyword that is neither a field nor an argument, but near a setting.

    The network's own message would name what it knows alone.
    """
    declared = ANALYSES.get(analysis).settings
    settings = [field.name for field in specs.fields(declared)] if declared else []
    for name in given:
        if name not in known:
            near = did_you_mean(name, [*known, *settings])
            if any(repr(setting) in near for setting in settings):
                raise UsageError(f"{analysis} has no setting {name!r}.{near}")


def _arguments_of(model: Any, given: Iterable[str]) -> set[str]:
    """Return the names that a module's forward takes; all that are given where it takes any."""
    try:
        taken = signature(model.forward).parameters.values()
    except (AttributeError, TypeError, ValueError):
        return set(given)
    takes_any = any(each.kind is Parameter.VAR_KEYWORD for each in taken)
    return set(given) if takes_any else {each.name for each in taken}


def _fields_of(model: str) -> set[str]:
    from archscope import loaders

    name = loaders.spelt(model) or loaders.GENERAL[0]
    loader = loaders.find(name)
    spec = loader.spec(name) if loader else None
    return {flag.name for flag in specs.flags(spec)} if spec else set()


def read_settings(analysis: str, texts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of an analysis, checked by the type that it declares for them."""
    declared = ANALYSES.get(analysis).settings
    if declared is None:
        name = next(iter(texts), None)
        if name is not None:
            raise UsageError(f"{analysis} has no settings, and {name!r} was given")
        return {}
    made: Any = specs.made(declared, texts)
    return {field.name: getattr(made, field.name) for field in specs.fields(declared)}


def as_text(amount: str | float | None) -> str | None:
    """Return an amount as it would be typed, which the analysis reads."""
    return amount if amount is None or isinstance(amount, str) else f"{amount:.17g}"
