"""HRNet: branches of several resolutions side by side, which exchange their maps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.blocks.plan import stage
from archscope.blocks.residual_plan import EXPANSION, Block
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option

STEM = 64
"""Channels of both convolutions of the stem."""
STEM_STRIDE = 4
"""Input positions from output to output of the finest branch."""

MOST_STAGES = 6
"""Stages, beyond which no input that is used has positions left."""
HEAD = 32
"""Width of the bottleneck on the finest branch of the classifier; each coarser has twice as many
(Wang et al. 2020, appendix; in the authors' code)."""
LAST = 2048
"""Channels that the classifier reads."""


@frozen
class HrnetSpec:
    """The shape of an HRNet (Wang et al. 2020, sections 3.1 and 3.3); the default is W18."""

    head: Literal["classification", "segmentation"] = option(
        "classification",
        "classification: branches added from fine to coarse; segmentation: all branches "
        "concatenated",
    )
    channels: int = option(
        18, "channels of the finest branch; each coarser branch doubles them", low=1, high=2**16
    )
    stem_blocks: int = option(4, "bottlenecks before the branches", low=1, high=1000)
    stem_width: int = option(64, "channels within each of them", low=1, high=2**16)
    modules: tuple[int, ...] = option(
        (1, 4, 3), "modules of each stage; the first stage has two branches, each later one more",
        low=1, high=1000,
    )  # fmt: skip
    branch_blocks: int = option(
        4, "basic blocks of each branch in a module, before the exchange", low=1, high=1000
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if not 1 <= len(self.modules) <= MOST_STAGES:
            problem = f"is not a list of one to {MOST_STAGES} stages, e.g. 1,4,3"
            raise SpecError("modules", listed(self.modules), problem)
        if self.input_size % self.coarsest:
            near = max(round(self.input_size / self.coarsest), 1) * self.coarsest
            problem = (
                f"is not a multiple of {self.coarsest}, without which the maps of the branches "
                f"do not fit each other. Nearest: {near}"
            )
            raise SpecError("input_size", self.input_size, problem)

    @property
    def coarsest(self) -> int:
        """Input positions from output to output of the coarsest branch."""
        return int(STEM_STRIDE * 2 ** len(self.modules))

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of all branches."""
        return tuple(self.channels * 2**number for number in range(len(self.modules) + 1))


def blocks(spec: HrnetSpec) -> Iterator[Block]:
    """Yield the bottlenecks of the stem, and the basic blocks of all branches."""
    yield from stem(spec)
    for number, count in enumerate(spec.modules, start=2):
        for module in range(count):
            for branch in range(number):
                yield from basics(spec, f"stage{number}.{module}.branches.{branch}", branch)


def basics(spec: HrnetSpec, path: str, branch: int) -> Iterator[Block]:
    """Yield the blocks of a branch of one module, which stand at `path`."""
    channels = spec.widths[branch]
    first = Block(
        path=f"{path}.0",
        kind="basic",
        in_channels=channels,
        width=channels,
        out_channels=channels,
    )
    yield from stage(first, spec.branch_blocks)


def stem(spec: HrnetSpec) -> Iterator[Block]:
    """Yield the bottlenecks before the branches."""
    yield from stage(bottleneck("layer1.0", STEM, spec.stem_width), spec.stem_blocks)


def bottleneck(path: str, channels: int, width: int) -> Block:
    """Return a bottleneck that keeps the size."""
    return Block(
        path=path,
        kind="bottleneck",
        in_channels=channels,
        width=width,
        out_channels=width * EXPANSION["bottleneck"],
    )


def describe(spec: HrnetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    return [
        f"hrnet v2 for {spec.head}",
        f"branches of {listed(spec.widths)} channels",
        f"modules {listed(spec.modules)} of {spec.branch_blocks} blocks",
        f"stem of {spec.stem_blocks} bottlenecks of {spec.stem_width}",
        f"{spec.classes} classes",
        images_in_words(spec),
    ]
