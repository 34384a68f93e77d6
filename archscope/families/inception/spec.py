"""Inception: modules of parallel convolutions of unlike size, GoogLeNet and Inception v3."""

from __future__ import annotations

from typing import Literal

from archscope.blocks.checks import check_odd
from archscope.blocks.examples import images_in_words
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option

SMALLEST = {("v1", False): 15, ("v1", True): 15, ("v3", False): 75, ("v3", True): 299}
"""The smallest input of each version, without and with its auxiliary classifier: this one's
convolution of 5x5 reads 17 positions through a pool of 5 and stride 3."""


@frozen
class InceptionSpec:
    """The shape of a network of Inception modules."""

    version: Literal["v1", "v3"] = option(
        "v3", "v1: GoogLeNet (Szegedy et al. 2015); v3: Inception v3 (Szegedy et al. 2016)"
    )
    width_mult: float = option(
        1.0, "factor that multiplies the channels of every convolution", low=0.01, high=100
    )
    large_kernel: int = option(
        3, "kernel size of v1's third branch: 5 as published, 3 in torchvision", low=1, high=31
    )
    auxiliary: bool = option(
        True, "auxiliary classifiers on earlier maps, which run only in training"
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(299, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_odd("large_kernel", self.large_kernel, ", so that the branches would differ in size")
        if self.version != "v1" and self.large_kernel != 3:
            raise SpecError("large_kernel", self.large_kernel, "needs {version} v1")
        smallest = SMALLEST[self.version, self.auxiliary]
        if self.input_size < smallest:
            why = "{auxiliary}" if self.auxiliary else "its convolutions without padding"
            why = "its pools" if self.version == "v1" else why
            problem = f"is too small for {why}; {smallest} or more"
            raise SpecError("input_size", self.input_size, problem)


def describe(spec: InceptionSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = ["googlenet" if spec.version == "v1" else "inception v3"]
    if spec.width_mult != 1:
        words.append(f"width {spec.width_mult:g}")
    if spec.version == "v1" and spec.large_kernel != 3:
        words.append(f"third branch {spec.large_kernel}×{spec.large_kernel}")
    if not spec.auxiliary:
        words.append(
            "no auxiliary classifiers" if spec.version == "v1" else "no auxiliary classifier"
        )
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
