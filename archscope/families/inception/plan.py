"""Networks of Inception modules as data, named as in torchvision. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, TypeAlias

from archscope.families.inception.spec import InceptionSpec
from archscope.records import frozen


@frozen
class Step:
    """A convolution with its norm and activation, or a pool."""

    name: str
    """Where it stands in the network or in its module, e.g. `branch7x7_2`."""
    kind: Literal["conv", "avg", "max"] = "conv"
    """What stands there."""
    channels: int = 0
    """Output channels of a convolution, before scaling; 0: a pool keeps them."""
    kernel: tuple[int, int] = (1, 1)
    """Taps along height and width."""
    stride: int = 1
    """Positions of the input from output to output."""
    padded: bool = True
    """Whether half a kernel is added on each side."""
    ceil_mode: bool = False
    """Whether a last, cut window counts as an output."""

    @property
    def padding(self) -> tuple[int, int]:
        """Positions added on both sides, along height and width."""
        return (self.kernel[0] // 2, self.kernel[1] // 2) if self.padded else (0, 0)


Fork: TypeAlias = tuple[Step, ...]
"""Steps that read the same map; their outputs stand side by side."""


@frozen
class Module:
    """Branches that read the same map; their outputs stand side by side."""

    name: str
    """Where it stands in the network, e.g. `Mixed_6b`."""
    branches: tuple[tuple[Fork, ...], ...]
    """The steps of each branch in order, forks of one but for those that end one of v3's."""


Part: TypeAlias = Step | Module
POOL = "pool"
MODULES_V1 = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip
"""Channels of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5 and pool proj (Szegedy et al. 2015, table
1)."""
AUXILIARY = {"v1": {"inception4a": "aux1", "inception4d": "aux2"}, "v3": {"Mixed_6e": "AuxLogits"}}
"""The modules whose outputs an auxiliary classifier reads, and its name."""

AUX_POOLED = {"v1": 4, "v3": 5}
"""Positions along each axis that an auxiliary classifier's first convolution reads, behind a pool:
v1's is adaptive, v3's leaves 5 of 17."""


def scaled(spec: InceptionSpec, channels: int) -> int:
    """Return the channels of a convolution after scaling."""
    return max(int(channels * spec.width_mult), 1)


def parts(spec: InceptionSpec) -> Iterator[Part]:
    """Yield all layers and modules before the mean over all positions, in order."""
    yield from _v1(spec.large_kernel) if spec.version == "v1" else _v3()


def _v1(large_kernel: int) -> Iterator[Part]:
    yield _conv("conv1", 64, 7, stride=2)
    yield _max("maxpool1", padded=False, ceil_mode=True)
    yield _conv("conv2", 64)
    yield _conv("conv3", 192, 3)
    yield _max("maxpool2", padded=False, ceil_mode=True)
    for name, channels in MODULES_V1.items():
        if name == "4a":
            yield _max("maxpool3", padded=False, ceil_mode=True)
        elif name == "5a":
            yield Step(
                name="maxpool4", kind="max", kernel=(2, 2), stride=2, padded=False, ceil_mode=True
            )
        one, before3, three, before5, five, after = channels
        yield _module(
            f"inception{name}",
            [_conv("branch1", one)],
            [_conv("branch2.0", before3), _conv("branch2.1", three, 3)],
            [_conv("branch3.0", before5), _conv("branch3.1", five, large_kernel)],
            [_max("branch4.0", stride=1, ceil_mode=True), _conv("branch4.1", after)],
        )


def _v3() -> Iterator[Part]:
    yield _conv("Conv2d_1a_3x3", 32, 3, stride=2, padded=False)
    yield _conv("Conv2d_2a_3x3", 32, 3, padded=False)
    yield _conv("Conv2d_2b_3x3", 64, 3)
    yield _max("maxpool1", padded=False)
    yield _conv("Conv2d_3b_1x1", 80)
    yield _conv("Conv2d_4a_3x3", 192, 3, padded=False)
    yield _max("maxpool2", padded=False)
    for name, pooled in (("5b", 32), ("5c", 64), ("5d", 64)):
        yield _small(f"Mixed_{name}", pooled)
    yield _module(
        "Mixed_6a",
        [_conv("branch3x3", 384, 3, stride=2, padded=False)],
        [*_double(64, 96), _conv("branch3x3dbl_3", 96, 3, stride=2, padded=False)],
        [_max(POOL, padded=False)],
    )
    for name, within in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        yield _factorised(f"Mixed_{name}", within)
    yield _module(
        "Mixed_7a",
        [_conv("branch3x3_1", 192), _conv("branch3x3_2", 320, 3, stride=2, padded=False)],
        [
            *_sevens("branch7x7x3", (192, 192, 192), "wh"),
            _conv("branch7x7x3_4", 192, 3, stride=2, padded=False),
        ],
        [_max(POOL, padded=False)],
    )
    for name in ("7b", "7c"):
        yield _expanded(f"Mixed_{name}")


def _small(name: str, pooled: int) -> Module:
    """Return a module of 5x5 and two of 3x3 (Szegedy et al. 2016, figure 5)."""
    return _module(
        name,
        [_conv("branch1x1", 64)],
        [_conv("branch5x5_1", 48), _conv("branch5x5_2", 64, 5)],
        [*_double(64, 96), _conv("branch3x3dbl_3", 96, 3)],
        _pooled(pooled),
    )


def _factorised(name: str, within: int) -> Module:
    """Return a module of 1x7 and 7x1 in turns (figure 6)."""
    return _module(
        name,
        [_conv("branch1x1", 192)],
        _sevens("branch7x7", (within, within, 192), "wh"),
        _sevens("branch7x7dbl", (within, within, within, within, 192), "hwhw"),
        _pooled(192),
    )


def _expanded(name: str) -> Module:
    """Return a module whose branches end in 1x3 beside 3x1 (figure 7)."""
    found = _module(
        name,
        [_conv("branch1x1", 320)],
        [_conv("branch3x3_1", 384)],
        _double(448, 384),
        _pooled(192),
    )
    one, three, double, pooled = found.branches
    three, double = (*three, _forked("branch3x3_2")), (*double, _forked("branch3x3dbl_3"))
    return replace(found, branches=(one, three, double, pooled))


def _forked(name: str) -> Fork:
    wide = Step(name=f"{name}a", channels=384, kernel=(1, 3))
    tall = Step(name=f"{name}b", channels=384, kernel=(3, 1))
    return wide, tall


def _double(first: int, second: int) -> list[Step]:
    return [_conv("branch3x3dbl_1", first), _conv("branch3x3dbl_2", second, 3)]


def _sevens(name: str, channels: tuple[int, ...], axes: str) -> list[Step]:
    """Return a pointwise convolution, then one of 1x7 for each `w` and of 7x1 for each `h`."""
    kernels = ((1, 1), *({"w": (1, 7), "h": (7, 1)}[axis] for axis in axes))
    return [
        Step(name=f"{name}_{number}", channels=out, kernel=kernel)
        for number, (out, kernel) in enumerate(zip(channels, kernels, strict=True), start=1)
    ]


def _pooled(channels: int) -> list[Step]:
    mean = Step(name=POOL, kind="avg", kernel=(3, 3))
    return [mean, _conv("branch_pool", channels)]


def _module(name: str, *branches: list[Step]) -> Module:
    return Module(name=name, branches=tuple(tuple((step,) for step in one) for one in branches))


def _conv(
    name: str, channels: int, kernel: int = 1, *, stride: int = 1, padded: bool = True
) -> Step:
    square = (kernel, kernel)
    return Step(name=name, channels=channels, kernel=square, stride=stride, padded=padded)


def _max(name: str, *, stride: int = 2, padded: bool = True, ceil_mode: bool = False) -> Step:
    return Step(
        name=name, kind="max", kernel=(3, 3), stride=stride, padded=padded, ceil_mode=ceil_mode
    )
