"""Residual networks for images: ResNet, ResNeXt, Wide ResNet, and dilated to a smaller stride."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.resnet.census import census
from archscope.families.resnet.outline import outline
from archscope.families.resnet.spec import ResNetSpec, blocks, describe

FAMILY = Family(
    name="resnet",
    summary="residual networks for images: ResNet, ResNeXt, Wide ResNet, dilated to stride 8 or 16",
    spec=ResNetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.resnet.network:ResNet",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.resnet.saved_activations:saved_activations",
    enters="data",
)
