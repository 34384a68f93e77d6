"""Transformers: encoders, decoders and both together, dense or with a mixture of experts."""

from archscope.families import Family
from archscope.families.transformer.spec import (
    TransformerSpec,
    describe,
    inputs,
    network,
    outline,
    subject,
)

FAMILY = Family(
    name="transformer",
    summary="encoders, decoders and both together: attention or dilated convolution, experts",
    spec=TransformerSpec,
    describe=describe,
    subject=subject,
    network=network,
    inputs=inputs,
    outline=outline,
)
