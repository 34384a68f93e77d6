"""segmentation-models-pytorch: decoders on encoders of elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import segmentation_models_pytorch as smp

from benchmarks.strangers.stranger import Stranger, noise, of


def networks() -> Iterator[Stranger]:
    for name, encoder in (
        ("Unet", "resnet18"),
        ("UnetPlusPlus", "resnet18"),
        ("MAnet", "resnet18"),
        ("Linknet", "timm-mobilenetv3_small_100"),
        ("FPN", "mobilenet_v2"),
        ("PSPNet", "vgg11"),
        ("DPT", "tu-vit_tiny_patch16_224"),
        ("DeepLabV3", "resnet18"),
        ("DeepLabV3Plus", "efficientnet-b0"),
        ("UPerNet", "resnet18"),
        ("Segformer", "mit_b0"),
    ):
        side = 224 if name == "DPT" else 64
        make = partial(getattr(smp, name), encoder, encoder_weights=None)
        yield of(name, make, noise(1, 3, side, side))
