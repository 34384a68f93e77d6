"""Semantic segmentation: DeepLabv3, FCN or LR-ASPP on a ResNet or MobileNetV3."""

from archscope.families._assembly import assemble, images
from archscope.families.segmentation.spec import SegmentationSpec, build, describe, outline, repeats

FAMILY = assemble(
    name="segmentation",
    summary="DeepLabv3, FCN or LR-ASPP on a dilated ResNet or MobileNetV3",
    spec=SegmentationSpec,
    describe=describe,
    build=build,
    inputs=images,
    outline=outline,
    repeats=repeats,
)
