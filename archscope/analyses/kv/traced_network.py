"""The cache of a network outside the families, from what one forward pass shows."""

from __future__ import annotations

from archscope.analyses.kv.sections import sections
from archscope.analyses.kv.settings import Settings
from archscope.decoding.other_layers import stranger_cache
from archscope.errors import UsageError
from archscope.results import Section
from archscope.running.attributes import parameters_of
from archscope.running.process import process_as_found
from archscope.subject import Network


def looked_at(network: Network, settings: Settings) -> tuple[Section, ...]:
    """Return what a network of one's own keeps, as far as its forward shows it.

    Raises `ForwardError` where it does not run, `UsageError` where it does not decode.
    """
    if settings.verify:
        raise UsageError("verify holds a closed form against built layers; this network has none")
    subject = process_as_found(network.subject)  # it draws weights, and is the user's own code
    cache = process_as_found(lambda: stranger_cache(subject))
    weights = sum(parameter.numel() for parameter in parameters_of(subject.model))
    return sections(network, cache, settings, parameters=weights)
