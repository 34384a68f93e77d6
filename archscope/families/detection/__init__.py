"""One-stage detectors of objects: RetinaNet and FCOS on a ResNet and its feature pyramid."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.detection.census import census
from archscope.families.detection.outline import outline
from archscope.families.detection.spec import DetectionSpec, blocks, describe

FAMILY = Family(
    name="detection",
    summary="object detectors up to their scores: RetinaNet or FCOS on a ResNet feature pyramid",
    spec=DetectionSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.detection.network:Detector",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.detection.saved_activations:saved_activations",
    enters="data",
)
