"""What a step of an LSTM keeps for the next: an output and a cell of each unit. No torch."""

from __future__ import annotations

from dataclasses import replace

from archscope.families.lstm.census import census
from archscope.families.lstm.spec import LstmSpec
from archscope.theory.cache import Cache, LayerCache


def cache(spec: LstmSpec) -> Cache:
    """Return the states of all layers, which torch holds in one module."""
    return Cache(
        layers=(
            LayerCache(
                path="lstm",
                kind="recurrent",
                state="2*l*u",
                symbols={"l": spec.depth, "u": spec.hidden_size},
                reference="Zaremba et al. 2014, section 3.1",
            ),
        ),
        context=spec.seq_len,
        batch=spec.batch_size,
        step=lambda batch: census(replace(spec, seq_len=1, batch_size=batch)).layers,
        of_length=lambda length: replace(spec, seq_len=length),
        unit="words",
    )
