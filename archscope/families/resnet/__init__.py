"""Residual networks for images: ResNet, ResNeXt, Wide ResNet, and dilated to a smaller stride."""

from archscope.families._assembly import assemble, images
from archscope.families.resnet.spec import ResNetSpec, build, describe, outline, repeats

FAMILY = assemble(
    name="resnet",
    summary="residual networks for images: ResNet, ResNeXt, Wide ResNet, dilated to stride 8 or 16",
    spec=ResNetSpec,
    describe=describe,
    build=build,
    inputs=images,
    outline=outline,
    repeats=repeats,
)
