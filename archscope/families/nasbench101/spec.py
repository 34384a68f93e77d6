"""NAS-Bench-101: one of 423,624 cells, repeated in three stacks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from archscope.blocks.examples import images_in_words
from archscope.blocks.plan import Step
from archscope.errors import SpecError
from archscope.families.nasbench101.cell import OPERATORS, Cell, cell_of, matrix_of, narrowest
from archscope.records import frozen
from archscope.specs import check, listed, option


@frozen
class NasBench101Spec:
    """The cell and the size of a network of NAS-Bench-101 (Ying et al. 2019, figure 1)."""

    matrix: str = option(
        "0111010/0000001/0000001/0000100/0000001/0000001/0000000",
        "adjacency matrix of a cell: one row per vertex, the input first, the output last",
    )
    operators: tuple[Any, ...] = option(
        (OPERATORS[1], OPERATORS[0], OPERATORS[0], OPERATORS[0], OPERATORS[2]),
        "operation of each vertex between input and output",
        words=OPERATORS,
    )
    channels: int = option(
        128, "channels of the first stack; each stack doubles them", low=1, high=2**16
    )
    stacks: int = option(
        3, "number of stacks of cells, with a 2x2 pool between two stacks", low=1, high=8
    )
    cells: int = option(3, "number of cells of each stack", low=1, high=1000)
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(10, "number of classes", low=1, high=2**24)
    input_size: int = option(32, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        wanted = len(matrix_of(self.matrix)) - 2
        if len(self.operators) != wanted:
            given, rows = len(self.operators), wanted + 2
            problem = f"has {given} operators for {wanted} vertices between the first and the last"
            raise SpecError("operators", listed(self.operators), f"{problem} of {rows}")
        for item in self.operators:
            if item not in OPERATORS:
                raise SpecError("operators", item, f"is not one of {', '.join(OPERATORS)}")
        if not narrowest(cell(self.matrix, self.operators, self.channels)):
            problem = "leaves a vertex no channels: those of the output are shared among them"
            raise SpecError("channels", self.channels, problem)


@lru_cache(maxsize=64)
def cell(matrix: str, operators: tuple[str, ...], channels: int) -> Cell:
    """Return the cell of a stack that has so many channels."""
    return cell_of(matrix_of(matrix), operators, channels)


def blocks(spec: NasBench101Spec) -> Iterator[Step]:
    """Yield the cells of all stacks; a pool stands before the first of each stack but the first."""
    before = spec.channels
    for number in range(spec.stacks):
        channels = spec.channels * 2**number
        for place in range(spec.cells):
            yield Step(
                path=f"stack{number}.{place}",
                kind="cell",
                in_channels=before,
                out_channels=channels,
                stride=2 if number and not place else 1,
            )
            before = channels


def describe(spec: NasBench101Spec) -> list[str]:
    """Return what tells it from others, in words."""
    found = cell(spec.matrix, spec.operators, spec.channels)
    kinds = [vertex.operator.partition("-")[0] for vertex in found.vertices]
    return [
        "nasbench101",
        f"matrix {spec.matrix}",
        f"vertices {listed(kinds) if kinds else 'none'}",
        f"{spec.stacks} stacks of {spec.cells} cells from {spec.channels} channels",
        f"{spec.classes} classes",
        images_in_words(spec),
    ]
