"""Times one step of decoding: one next position of each sequence, those before it kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError
from archscope.library._timed import with_machine
from archscope.results import Report
from archscope.specs import flags
from archscope.subject import Network, Subject
from archscope.theory import stored
from archscope.theory.cache import Cache
from archscope.theory.decoding import step_cost
from archscope.theory.serving.demand import Asked

if TYPE_CHECKING:
    import torch

    from archscope.hardware import Precision

_KEPT = ("full attention", "window")
"""What a layer may keep for its step to be run."""


def time_decoding(
    network: Network, device: torch.device, precision: Precision, settings: Mapping[str, Any]
) -> Report:
    """Build a named network for its sequence length and time a step of it; see `time`.

    Its multiply-accumulates are those that `kv` tells. Raises `UsageError` where it keeps something
    else than keys and values of attention.
    """
    from archscope.analyses.time.analysis import CONVENTION, title
    from archscope.analyses.time.fit import built
    from archscope.analyses.time.settings import Settings
    from archscope.analyses.time.work import Counts
    from archscope.study import analyse
    from archscope.timing.precision import DTYPES, named

    cache = _step_cache(network)
    context: int = settings.get("context") or cache.context
    asked = Settings(**{**settings, "context": context})
    whole = built(network, device, DTYPES[precision])
    macs = None if cache.step is None else step_macs(cache, context)
    kind = named(asked.autocast) if asked.autocast else precision
    report = analyse(
        "time",
        replace(whole, name=title(whole, asked)),
        convention=CONVENTION,
        counts=Counts(own={}, total=macs, complete=macs is not None),
        step_bytes=step_bytes(cache, context, kind),
        copy=False,
        **{**settings, "context": context},
    )
    return with_machine(report)


def with_context(
    models: Sequence[str] | None, fields: Mapping[str, Any], context: int | None
) -> dict[str, Any]:
    """Return fields of networks that are as long as the context of a step, where none is said."""
    if context is None or models is None or "seq_len" in fields:
        return dict(fields)
    from archscope import loaders

    name = loaders.spelt(models[0] if models else "") or loaders.GENERAL[0]
    loader = loaders.find(name)
    spec = loader.spec(name) if loader else None
    has_length = spec is not None and any(field.name == "seq_len" for field in flags(spec))
    return {**fields, "seq_len": context} if has_length else dict(fields)


def step_macs(cache: Cache, context: int) -> int:
    """Return the multiply-accumulates of one token of each sequence, at so many positions."""
    assert cache.step is not None
    of_layers = sum(layer.macs for layer in cache.step(cache.batch))
    return of_layers + cache.batch * sum(each.step_macs(context) for each in cache.layers)


def step_bytes(cache: Cache, context: int, precision: Precision) -> int | None:
    """Return the bytes that such a step reads at least: weights once, each sequence's cache once.

    None where the network does not tell what runs in a step.
    """
    kept = stored.named("fp32" if precision == "tf32" else precision, stored.WEIGHT_TYPES)
    asked = Asked(context=context, batch=cache.batch, stored=kept)
    cost = step_cost(cache, asked, kept)
    return None if cost is None else cost.least_weights + cost.cache


def decode_macs(network: Network | Subject, context: int) -> int | None:
    """Return the multiply-accumulates of one step of a network's batch; None where it tells none.

    Raises `UsageError` where its steps cannot be timed.
    """
    cache = _step_cache(network)
    return None if cache.step is None else step_macs(cache, context)


def _step_cache(network: Network | Subject) -> Cache:
    from archscope.analyses.kv.analysis import cache_of

    if isinstance(network, Subject) or network.spec is None:
        raise UsageError(
            f"{network.name}: steps of decoding are timed of archscope's own families, whose "
            "attention can be given a cache; this is a network of your own. archscope kv tells "
            "what it keeps; without --pass decode its forward is timed."
        )
    cache = cache_of(network)
    other = next((each for each in cache.layers if each.kind not in _KEPT), None)
    if other is not None:
        raise UsageError(
            f"--pass decode: {other.path} keeps {other.kind}; steps are run of full attention and "
            "of windows alone. archscope kv tells what others keep, and a bound with --gpu."
        )
    return cache
