"""Semantic segmentation: DeepLabv3 and v3+, FCN or LR-ASPP on a ResNet, MobileNet or Xception."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.segmentation.census import census
from archscope.families.segmentation.outline import outline
from archscope.families.segmentation.spec import SegmentationSpec, blocks, describe

FAMILY = Family(
    name="segmentation",
    summary="DeepLabv3 and v3+, FCN or LR-ASPP on a dilated ResNet, MobileNet or Xception",
    spec=SegmentationSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.segmentation.network:Segmentation",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.segmentation.saved_activations:saved_activations",
)
