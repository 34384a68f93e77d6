"""Stacks of convolutions in one to three dimensions, layer by layer or all alike."""

from archscope.families import Family
from archscope.families.cnn.spec import CnnSpec, describe, inputs, network, outline, subject

FAMILY = Family(
    name="cnn",
    summary="stacks of convolutions in 1 to 3 dimensions: dilated, strided, separable, causal",
    spec=CnnSpec,
    describe=describe,
    subject=subject,
    network=network,
    inputs=inputs,
    outline=outline,
)
