"""wav2vec 2.0 and its relatives: convolutions over samples, then a Transformer over frames."""

from __future__ import annotations

from typing import Literal

from archscope.blocks.checks import check_divides
from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option


@frozen
class Wav2Vec2Spec:
    """The shape of a wav2vec 2.0 (Baevski et al. 2020); the default is wav2vec2-base."""

    depth: int = option(12, "number of blocks", low=1, high=10_000)
    d_model: int = option(768, "width of the model, in features", low=1, high=2**20)
    heads: int = option(12, "number of heads", low=1, high=2**16)
    d_ff: int = option(3072, "hidden width of a feed-forward layer", low=1, high=2**24)
    norm_place: Literal["post", "pre"] = option(
        "post", "post: norms after each sublayer; pre: before it (large networks)"
    )
    conv_channels: tuple[int, ...] = option(
        (512,), "channels of each convolution; a shorter list repeats", low=1, high=2**20
    )
    conv_kernels: tuple[int, ...] = option(
        (10, 3, 3, 3, 3, 2, 2), "kernel size of each convolution", low=1, high=2**16
    )
    conv_strides: tuple[int, ...] = option(
        (5, 2, 2, 2, 2, 2, 2), "strides of the convolutions; a shorter list repeats",
        low=1, high=2**16,
    )  # fmt: skip
    conv_norm: Literal["group", "layer"] = option(
        "group",
        "norm of each channel over all time after the first convolution, or of each frame "
        "after every convolution",
    )
    conv_bias: bool = option(False, "biases in the convolutions")
    position_kernel: int = option(
        128, "kernel size of the positional convolution, in frames", low=1, high=2**16
    )
    position_groups: int = option(16, "groups of the positional convolution", low=1, high=2**16)
    mask_embedding: bool = option(
        True, "a learned vector that replaces masked frames, used only in training"
    )
    classes: int = option(
        0, "characters that the CTC head scores for each frame; 0: no head", low=0, high=2**24
    )
    input_size: int = option(
        160_000, "length of the input, in samples; 16,000 are one second", low=1, high=2**24
    )
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_divides("heads", self.heads, "d_model", self.d_model)
        check_divides("position_groups", self.position_groups, "d_model", self.d_model)
        for field in ("conv_channels", "conv_strides"):
            _check_length(field, getattr(self, field), len(self.conv_kernels))
        if self.frames < 1:
            low = self.window
            raise SpecError(
                "input_size", self.input_size, f"is too short: a frame sees {low} samples"
            )
        two = self.conv_kernels[0] + self.conv_strides[0]  # samples of the first layer's two frames
        if self.conv_norm == "group" and self.batch_size == 1 and self.input_size < two:
            problem = f"is too short: a norm over time wants two frames, of {two} samples"
            raise SpecError("input_size", self.input_size, problem)

    @property
    def window(self) -> int:
        """Samples that a frame of the convolutions sees."""
        size = 1
        for layer in reversed(convolutions(self)):
            size = (size - 1) * layer.stride + layer.kernel_size
        return size

    @property
    def frames(self) -> int:
        """Positions that the convolutions leave; below 1 where there are too few samples."""
        size = self.input_size
        for layer in convolutions(self):
            size = (size - layer.kernel_size) // layer.stride + 1
        return size


@frozen
class Convolution:
    """One convolution over samples or over what others made of them."""

    path: str
    """Where it stands in the network."""
    in_channels: int
    """Channels of its input."""
    out_channels: int
    """Channels of its output."""
    kernel_size: int
    """Taps."""
    stride: int
    """Positions from output to output."""


def convolutions(spec: Wav2Vec2Spec) -> list[Convolution]:
    """Return the convolutions of the front end in order."""
    found: list[Convolution] = []
    channels = 1
    for number, kernel in enumerate(spec.conv_kernels):
        found.append(
            Convolution(
                path=f"feature_extractor.conv_layers.{number}",
                in_channels=channels,
                out_channels=_turn(spec.conv_channels, number),
                kernel_size=kernel,
                stride=_turn(spec.conv_strides, number),
            )
        )
        channels = found[-1].out_channels
    return found


def blocks(spec: Wav2Vec2Spec) -> list[Numbered]:
    """Return the blocks of the Transformer, which are all alike."""
    return numbered("encoder.layers", spec.depth)


def describe(spec: Wav2Vec2Spec) -> list[str]:
    """Return what tells it from others, in words."""
    kernels = ",".join(map(str, spec.conv_kernels))
    words = ["wav2vec 2.0", f"convolutions {kernels}", f"depth {spec.depth}"]
    words += [f"d_model {spec.d_model}", f"{spec.heads} heads", f"d_ff {spec.d_ff}"]
    words += [f"{spec.norm_place}-norm", f"{spec.conv_norm} norm in the convolutions"]
    if not spec.mask_embedding:
        words.append("no mask embedding")
    if spec.classes:
        words.append(f"{spec.classes} characters")
    return [*words, f"input {spec.input_size:,} samples", f"batch {spec.batch_size}"]


def _turn(items: tuple[int, ...], number: int) -> int:
    return items[number % len(items)]


def _check_length(field: str, items: tuple[int, ...], layers: int) -> None:
    if not items or len(items) > layers:
        give = f"1 to {layers}" if layers > 1 else "1"
        problem = f"has {len(items)} items for {layers} {{conv_kernels}}; give {give}"
        raise SpecError(field, items, problem)
