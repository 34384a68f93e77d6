"""monai: medical pictures and volumes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from monai.networks import nets

from benchmarks.strangers.stranger import Stranger, noise, of


def networks() -> Iterator[Stranger]:
    flat: dict[str, Any] = {"spatial_dims": 2, "in_channels": 1, "out_channels": 2}
    three: dict[str, Any] = {"channels": (8, 16, 32), "strides": (2, 2)}
    picture, volume = noise(1, 1, 64, 64), noise(1, 1, 32, 32, 32)
    yield of(
        "UNet",
        lambda: nets.UNet(spatial_dims=3, in_channels=1, out_channels=2, num_res_units=2, **three),
        volume,
    )
    yield of("BasicUNet", lambda: nets.BasicUNet(features=(8, 8, 16, 16, 32, 8), **flat), picture)
    yield of(
        "BasicUNetPlusPlus",
        lambda: nets.BasicUNetPlusPlus(features=(8, 8, 16, 16, 32, 8), **flat),
        picture,
    )
    yield of(
        "DynUNet",
        lambda: nets.DynUNet(
            kernel_size=[3, 3, 3],
            strides=[1, 2, 2],
            upsample_kernel_size=[2, 2],
            **flat,
        ),
        picture,
    )
    yield of("SegResNet", lambda: nets.SegResNet(spatial_dims=3), volume)
    yield of("SegResNetDS", lambda: nets.SegResNetDS(spatial_dims=2, init_filters=8), picture)
    yield of(
        "UNETR",
        lambda: nets.UNETR(
            1, 2, img_size=32, hidden_size=48, mlp_dim=64, num_heads=4, feature_size=8
        ),
        volume,
    )
    yield of("SwinUNETR", lambda: nets.SwinUNETR(1, 2, feature_size=12), noise(1, 1, 64, 64, 64))
    yield of("VNet", nets.VNet, volume)
    yield of("AttentionUnet", lambda: nets.AttentionUnet(**flat, **three), picture)
    yield of("HighResNet", nets.HighResNet, noise(1, 1, 16, 16, 16))
    yield of("DenseNet121", lambda: nets.DenseNet121(**flat), picture)
    yield of("SEResNet50", lambda: nets.SEResNet50(spatial_dims=2, in_channels=1), picture)
    yield of(
        "EfficientNetBN",
        lambda: nets.EfficientNetBN("efficientnet-b0", pretrained=False),
        noise(1, 3, 64, 64),
    )
    yield of(
        "ViT",
        lambda: nets.ViT(
            1,
            32,
            8,
            hidden_size=48,
            mlp_dim=64,
            num_layers=2,
            num_heads=4,
            spatial_dims=2,
        ),
        noise(1, 1, 32, 32),
    )
    yield of(
        "ViTAutoEnc",
        lambda: nets.ViTAutoEnc(
            1,
            32,
            4,
            hidden_size=48,
            mlp_dim=64,
            num_layers=2,
            num_heads=4,
            spatial_dims=2,
        ),
        noise(1, 1, 32, 32),
    )
    yield of(
        "AutoEncoder", lambda: nets.AutoEncoder(channels=(8, 16), strides=(2, 2), **flat), picture
    )
    yield of(
        "VarAutoEncoder",
        lambda: nets.VarAutoEncoder(
            2, (1, 32, 32), 1, latent_size=2, channels=(4, 8), strides=(2, 2)
        ),
        noise(1, 1, 32, 32),
    )
    yield of("Regressor", lambda: nets.Regressor((1, 32, 32), (1,), **three), noise(1, 1, 32, 32))
    yield of("Generator", lambda: nets.Generator((4,), (8, 4, 4), **three), noise(1, 4))
    yield of("MedNeXtS", lambda: nets.MedNeXtS(**flat), picture)
    yield of("FullyConnectedNet", lambda: nets.FullyConnectedNet(8, 2, (16, 16)), noise(4, 8))
    yield of(
        "FlexibleUNet",
        lambda: nets.FlexibleUNet(3, 2, backbone="efficientnet-b0"),
        noise(1, 3, 64, 64),
    )
