"""The cell of NAS-Bench-101: a graph as a matrix, and what each of its vertices reads. No torch.

Vertex 0 is the input of a cell, the last its output; what stands on no path from the one to the
other is left out, as the authors do (Ying et al. 2019, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence

from archscope.errors import SpecError
from archscope.records import frozen

OPERATORS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
"""What a vertex may do (Ying et al. 2019, section 2.1)."""
MOST_VERTICES, MOST_EDGES = 7, 9
Matrix = tuple[tuple[bool, ...], ...]
"""Whether an edge leads from the vertex of a row to that of a column."""


@frozen
class Vertex:
    """What stands between the input and the output of a cell."""

    number: int
    """Its place among the vertices that are left, from 1."""
    operator: str
    """What it does."""
    channels: int
    """Channels that it takes and returns."""
    sources: tuple[int, ...]
    """Vertices that it adds up, each cut to its channels."""
    reads_input: bool
    """Whether it adds the cell's input too, projected."""
    goes_out: bool
    """Whether it is part of the cell's output."""

    @property
    def kernel(self) -> int:
        """Taps of its convolution along each axis; 0: it pools."""
        return int(self.operator[4]) if self.operator.startswith("conv") else 0


@frozen
class Cell:
    """The vertices between input and output, and whether the input is added to the output."""

    vertices: tuple[Vertex, ...]
    """In order."""
    passes_input: bool
    """Whether the cell's input, projected, is added to its output, or is all of it."""


def matrix_of(text: str) -> Matrix:
    """Read a matrix as rows of digits; raises `SpecError` where it is no graph of the benchmark.

    >>> matrix_of("011/001/000")
    ((False, True, True), (False, False, True), (False, False, False))
    """
    rows = text.split("/")
    size = len(rows)
    if not 2 <= size <= MOST_VERTICES or any(len(row) != size or {*row} - {*"01"} for row in rows):
        problem = f"is not a matrix of 2 to {MOST_VERTICES} rows of 0 and 1, e.g. 011/001/000"
        raise SpecError("matrix", text, problem)
    found = tuple(tuple(digit == "1" for digit in row) for row in rows)
    if any(found[row][column] for row in range(size) for column in range(row + 1)):
        raise SpecError("matrix", text, "has an edge that does not lead to a later vertex")
    edges = sum(map(sum, found))
    if edges > MOST_EDGES:
        raise SpecError("matrix", text, f"has {edges} edges, more than {MOST_EDGES}")
    if len(kept(found)) < 2:
        raise SpecError("matrix", text, "has no path from the first vertex to the last")
    return found


def kept(matrix: Matrix) -> list[int]:
    """Return the vertices on some path from the first to the last; none where there is none."""
    size = len(matrix)
    ahead, back = {0}, {size - 1}
    for place in range(1, size):
        if any(matrix[before][place] for before in ahead):
            ahead.add(place)
    for place in reversed(range(size - 1)):
        if any(matrix[place][behind] for behind in back):
            back.add(place)
    both = ahead & back
    return sorted(both) if {0, size - 1} <= both else []


def cell_of(matrix: Matrix, operators: Sequence[str], channels: int) -> Cell:
    """Return the cell that makes so many channels.

    Those of the output are shared among the vertices that lead to it, the first take what is left
    over; another vertex has as many as the widest that it leads to (Ying et al. 2019, section 2.2).
    """
    left = kept(matrix)
    edges = [[matrix[row][column] for column in left] for row in left]
    last = len(left) - 1
    widths = _widths(edges, channels)
    vertices = (
        Vertex(
            number=number,
            operator=operators[left[number] - 1],
            channels=widths[number],
            sources=tuple(before for before in range(1, number) if edges[before][number]),
            reads_input=edges[0][number],
            goes_out=edges[number][last],
        )
        for number in range(1, last)
    )
    return Cell(vertices=tuple(vertices), passes_input=edges[0][last])


def _widths(edges: Sequence[Sequence[bool]], channels: int) -> dict[int, int]:
    """Return the channels of each vertex between input and output, by its number."""
    last = len(edges) - 1
    inner = range(1, last)
    out = [number for number in inner if edges[number][last]]
    each, over = divmod(channels, len(out)) if out else (0, 0)
    found = {number: each + (place < over) for place, number in enumerate(out)}
    for number in reversed(inner):
        if number not in found:
            found[number] = max(found[later] for later in inner if edges[number][later])
    return found


def narrowest(cell: Cell) -> int:
    """Return the fewest channels of a vertex; 1 where there is none."""
    return min((vertex.channels for vertex in cell.vertices), default=1)
