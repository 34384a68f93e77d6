"""DenseNet: every layer reads the outputs of all layers before it in its block."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.densenet.census import census
from archscope.families.densenet.outline import outline
from archscope.families.densenet.spec import DenseNetSpec, describe

FAMILY = Family(
    name="densenet",
    summary="DenseNet: every layer reads the outputs of all earlier layers of its block",
    spec=DenseNetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.densenet.network:DenseNet",
    outline=outline,
    census=census,
    saved_activations="archscope.families.densenet.saved_activations:saved_activations",
    enters="data",
)
