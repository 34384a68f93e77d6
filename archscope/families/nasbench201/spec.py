"""NAS-Bench-201: one of 15,625 cells, repeated in three stages."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.examples import images_in_words
from archscope.blocks.plan import Step
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option

OPERATORS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""What an edge of a cell may be, in the authors' order (Dong & Yang 2020, section 2.1)."""
EDGES = ((0,), (0, 1), (0, 1, 2))
"""Of each node behind the input, the nodes that it reads."""
STAGES = 3


@frozen
class NasBench201Spec:
    """The cell and the size of a network of NAS-Bench-201 (Dong & Yang 2020, figure 1)."""

    cell: str = option(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|"
        "nor_conv_3x3~2|",
        "operation of each edge, in the authors' notation, or as six digits in the same "
        "order, e.g. 333133: 0 none, 1 skip_connect, 2 nor_conv_1x1, 3 nor_conv_3x3, 4 "
        "avg_pool_3x3",
    )
    channels: int = option(
        16, "channels of the first stage; each stage doubles them", low=1, high=2**16
    )
    cells: int = option(5, "number of cells of each stage", low=1, high=1000)
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(10, "number of classes", low=1, high=2**24)
    input_size: int = option(32, "height and width of the input, in pixels", low=4, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        nodes(self.cell)
        if self.input_size % 4:
            below = self.input_size // 4 * 4
            problem = f"cannot be halved twice without a rest. Nearest: {below}, {below + 4}"
            raise SpecError("input_size", self.input_size, problem)


def nodes(cell: str) -> tuple[tuple[str, ...], ...]:
    """Return of each node behind the input what its edges do, from the first node on.

    >>> nodes("|none~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|")
    (('none',), ('skip_connect', 'none'), ('none', 'none', 'nor_conv_1x1'))
    >>> nodes("010002") == nodes("|none~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|")
    True
    """
    found = _of_digits(cell) if cell.isdecimal() else tuple(map(_of_node, cell.split("+")))
    if tuple(tuple(source for _, source in node) for node in found) != EDGES:
        problem = "has not the edges 0, 0 1 and 0 1 2 of three nodes; write six digits, e.g. 333133"
        raise SpecError("cell", cell, f"{problem}, or |none~0|+|none~0|none~1|+|...")
    for name in (name for node in found for name, _ in node):
        if name not in OPERATORS:
            raise SpecError(
                "cell", cell, f"has {name!r}, which is not one of {', '.join(OPERATORS)}"
            )
    return tuple(tuple(name for name, _ in node) for node in found)


Edges = tuple[tuple[str, int | None], ...]
"""What the edges to a node do, and from which nodes they come."""


def _of_digits(digits: str) -> tuple[Edges, ...]:
    if len(digits) != sum(map(len, EDGES)):
        raise SpecError("cell", digits, f"has {len(digits)} digits; a cell has six edges")
    left = iter(digits)
    named = ((source, int(next(left))) for node in EDGES for source in node)
    flat = [(OPERATORS[n] if n < len(OPERATORS) else str(n), source) for source, n in named]
    ends = [(0, 1), (1, 3), (3, 6)]
    return tuple(tuple(flat[start:end]) for start, end in ends)


def _of_node(text: str) -> Edges:
    parts = text.strip().strip("|").split("|")
    pairs = (part.partition("~") for part in parts)
    return tuple((name, int(place) if place.isdecimal() else None) for name, _, place in pairs)


def written(cell: str) -> str:
    """Return a cell as the authors write it."""
    edges = (
        "".join(f"|{name}~{source}" for source, name in enumerate(node)) for node in nodes(cell)
    )
    return "+".join(f"{each}|" for each in edges)


def blocks(spec: NasBench201Spec) -> Iterator[Step]:
    """Yield the cells of all stages, and the residual block before each stage but the first."""
    number, channels = 0, spec.channels
    for stage in range(STAGES):
        if stage:
            yield Step(
                path=f"cells.{number}", kind="reduction", in_channels=channels,
                out_channels=2 * channels, stride=2,
            )  # fmt: skip
            number, channels = number + 1, 2 * channels
        for _ in range(spec.cells):
            path = f"cells.{number}"
            yield Step(path=path, kind="cell", in_channels=channels, out_channels=channels)
            number += 1


def describe(spec: NasBench201Spec) -> list[str]:
    """Return what tells it from others, in words."""
    words = ["nasbench201", written(spec.cell), f"{spec.cells} cells of {spec.channels} channels"]
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
