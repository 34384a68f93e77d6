"""MobileBERT: BERT's encoder, narrow within each block and wide between them."""

from __future__ import annotations

from dataclasses import replace

from archscope.blocks.examples import text, tokens
from archscope.families import Family
from archscope.families.mobilebert.census import census
from archscope.families.mobilebert.outline import outline
from archscope.families.mobilebert.spec import MobileBertSpec, blocks, describe
from archscope.subject import Inputs


def inputs(spec: MobileBertSpec) -> Inputs:
    """Return random tokens, and their types."""
    types = tokens(spec.batch_size, spec.seq_len, words=spec.token_types)
    return replace(text(spec), kwargs={"token_types": types})


FAMILY = Family(
    name="mobilebert",
    summary="MobileBERT: encoders with a bottleneck around each block",
    spec=MobileBertSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.mobilebert.network:MobileBert",
    blocks=blocks,
    outline=outline,
    census=census,
    enters="table",
    saved_activations="archscope.families.mobilebert.saved_activations:saved_activations",
)
