"""XLNet: encoders with relative attention."""

from __future__ import annotations

from dataclasses import replace

from archscope.blocks.examples import text, tokens
from archscope.families import Family, by_weights
from archscope.families.xlnet.outline import outline
from archscope.families.xlnet.spec import XlnetSpec, blocks, describe
from archscope.subject import Inputs


def inputs(spec: XlnetSpec) -> Inputs:
    """Return random tokens, and their segments where the spec has them."""
    found = text(spec)
    if not spec.segments:
        return found
    return replace(found, kwargs={"segment": tokens(spec.batch_size, spec.seq_len, words=2)})


FAMILY = Family(
    name="xlnet",
    summary="XLNet: encoders that score content and distance separately",
    spec=XlnetSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.xlnet.network:Xlnet",
    blocks=blocks,
    outline=outline,
    census=by_weights("archscope.families.xlnet.weights:weights"),
    saved_activations="archscope.families.xlnet.saved_activations:saved_activations",
    weights="archscope.families.xlnet.weights:weights",
)
