"""Rules of linear algebra: factors, inverses and solutions of the matrices in the last two axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from archscope.dependence.record.graph import Node, Shape, Value
from archscope.dependence.record.matrix_series import SERIES, led_to
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    edges,
    from_all,
    shape_of,
    sources,
    targets,
)
from archscope.dependence.sets.links import Links, from_matrix, gather, ranges, so_far
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Permute,
    Reduce,
    Reshape,
    Spread,
    Step,
    Take,
    across,
    broadcast,
    everything,
    reduce_to,
)

RULES = RuleSet()

Steps = tuple[Step, ...]


def of_matrix(before: Shape, after: Shape) -> Steps:
    """Return the steps by which all that is made of a matrix depends on all of it."""
    batch = len(before) - 2
    if batch < 0 or before[:batch] != after[:batch]:
        return everything(before, after)
    rows = (batch, batch + 1)
    made = after[batch:]
    places = tuple(range(batch, len(after)))
    return (
        Reduce(rows, before[batch:]),
        Reshape((*before[:batch], 1, 1), (*before[:batch], *(1 for _ in made))),
        *((Spread(places, made),) if made else ()),
    )


@RULES.of(
    *("trace", "linalg_det", "_linalg_det", "_linalg_slogdet", "linalg_pinv", "_linalg_svd"),
    *("linalg_eig", "_linalg_eigvals", "linalg_eigvals"),
)
def whole_matrix(node: Node, zeros: Zeros) -> list[Edge]:
    """Every number that is made of a matrix from all of it."""
    source = node.arguments.get("self", node.arguments.get("A"))
    found = []
    for target in targets(node):
        found += edges(source, of_matrix(shape_of(source), target.shape), target)
    others = [value for value in sources(node) if value is not source]
    return found + [edge for value in others for edge in from_all(value, *targets(node))]


@RULES.of(*sorted(SERIES))
def series(node: Node, zeros: Zeros) -> list[Edge]:
    """Sums of powers: [i, j] from each [k, l] where powers lead from i to k and from l to j.

    Of a triangular matrix that is the triangle between both: causal attention stays causal.
    """
    source = node.arguments.get("self", node.arguments.get("A"))
    target, *rest = targets(node)
    found = [e for one in rest for e in edges(source, of_matrix(shape_of(source), one.shape), one)]
    zero = zeros.zero.get(source) if isinstance(source, Value) else None
    leads = None if zero is None else led_to(zero, shape_of(source)[-1])
    if zero is None or leads is None:
        return found + edges(source, of_matrix(shape_of(source), target.shape), target)
    first, last = len(target.shape) - 2, len(target.shape) - 1
    rows, columns = Take(first, from_matrix(leads)), Take(last, from_matrix(leads.T))
    return found + edges(source, (Keep(~zero), rows, columns), target)


@RULES.of("linalg_lu", "linalg_lu_factor_ex", "linalg_ldl_factor_ex", "linalg_ldl_factor")
def pivoted(node: Node, zeros: Zeros) -> list[Edge]:
    """Factors whose rows data put in order: which of a matrix's numbers reach one is not known."""
    raise DataDependentError(whole_matrix(node, zeros))


@RULES.of("_linalg_eigh")
def symmetric(node: Node, zeros: Zeros) -> list[Edge]:
    """One triangle is read, the other taken for the same."""
    source = node.arguments["A"]
    kept = _triangle(shape_of(source), upper=node.arguments["UPLO"] == "U")
    return [
        edge
        for target in targets(node)
        for edge in edges(source, (kept, *of_matrix(shape_of(source), target.shape)), target)
    ]


def _triangle(shape: Shape, *, upper: bool, offset: int = 0) -> Keep:
    cut = np.triu if upper else np.tril
    ones = np.ones((*(1 for _ in shape[:-2]), *shape[-2:]), dtype=np.bool_)
    return Keep(cut(ones, offset))


def _swap(rank: int) -> Permute:
    return Permute((*range(rank - 2), rank - 1, rank - 2))


def _begun(reads: int, size: int) -> Links:
    """Return the relation in which output i reads 0 ... i, of fewer outputs than positions."""
    own = np.arange(size)
    return ranges(reads, np.zeros_like(own), np.minimum(own + 1, reads))


@RULES.of("linalg_cholesky_ex", "cholesky")
def cholesky(node: Node, zeros: Zeros) -> list[Edge]:
    """L[i, j] from the triangle up to row j, and from row i up to column j (j <= i)."""
    source, target = node.arguments["self"], targets(node)[0]
    shape = shape_of(source)
    rank, upper = len(shape), bool(node.arguments.get("upper"))
    first, last, size = rank - 2, rank - 1, shape[-1]
    turn: Steps = (_swap(rank),) if upper else ()
    low = _triangle(shape, upper=False)
    corner = (
        low,
        Reduce((last,), (size,)),
        Take(first, so_far(size)),
        _swap(rank),
        Spread((first,), (size,)),
        low,
    )
    row = (low, Take(last, so_far(size)), low)
    found = []
    for steps in (corner, row):
        found += edges(source, (*turn, *steps, *turn), target)
    for target in targets(node)[1:]:
        found += edges(source, (*turn, low, *of_matrix(shape, target.shape)), target)
    return found


@RULES.of("linalg_qr")
def qr(node: Node, zeros: Zeros) -> list[Edge]:
    """Column j of Q from the columns up to it; R[i, j] from those up to i, and from column j."""
    source, (q, r) = node.arguments["A"], targets(node)
    shape = shape_of(source)
    rank = len(shape)
    first, last, columns = rank - 2, rank - 1, shape[-1]
    together = Reduce((first,), (shape[-2],))
    found = []
    if len(q.shape) == rank:
        steps = (
            together,
            Take(last, _begun(columns, q.shape[-1])),
            Spread((first,), q.shape[-2:-1]),
        )
        found += edges(source, steps, q)
    high = _triangle(r.shape, upper=True)
    rows = r.shape[-2:-1]
    up_to = (
        together,
        Take(last, _begun(columns, rows[0])),
        _swap(rank),
        Spread((last,), (columns,)),
        high,
    )
    return [
        *found,
        *edges(source, up_to, r),
        *edges(source, (together, Spread((first,), rows), high), r),
    ]


@RULES.of("linalg_householder_product", "orgqr")
def reflectors(node: Node, zeros: Zeros) -> list[Edge]:
    """Column j from the reflectors up to it, which lie below the diagonal: no less is known."""
    given, (target,) = node.arguments, targets(node)
    source, scales = given.get("input", given.get("self")), given.get("tau", given.get("input2"))
    shape = shape_of(source)
    rank, count = len(shape), shape_of(scales)[-1]
    first, last = rank - 2, rank - 1
    wide = (Take(last, _begun(shape[-1], target.shape[-1])), Spread((first,), target.shape[-2:-1]))
    below = _triangle(shape, upper=False, offset=-1)
    found = edges(source, (below, Reduce((first,), shape[-2:-1]), *wide), target)
    row = (*shape_of(scales)[:-1], 1, count)
    up_to = (Take(last, _begun(count, target.shape[-1])), wide[1])
    found += edges(scales, (Reshape(shape_of(scales), row), *up_to), target)
    raise DataDependentError(found)


@RULES.of("linalg_solve_triangular")
def triangular(node: Node, zeros: Zeros) -> list[Edge]:
    """Row i of X from the rows up to it, of the triangle and of B; from below where it is upper."""
    given, (target,) = node.arguments, targets(node)
    matrix, right = given["self"], given["B"]
    size, left = shape_of(matrix)[-1], bool(given["left"])
    backward = bool(given["upper"]) == left  # X A = B is A' X' = B'
    kept = _triangle(shape_of(matrix), upper=bool(given["upper"]), offset=0)
    if given["unitriangular"]:
        kept = _triangle(
            shape_of(matrix), upper=bool(given["upper"]), offset=1 if given["upper"] else -1
        )
    others = target.shape[-1] if left else target.shape[-2]
    links = so_far(size, backward=backward)

    def rows(shape: Shape, *, whole: bool) -> Steps:
        first, last = len(shape) - 2, len(shape) - 1
        turn: Steps = () if left else (_swap(len(shape)),)
        so: Steps = (Take(first, links),)
        if whole:
            so = (Reduce((last,), (size,)), *so, Spread((last,), (others,)))
        return (*turn, *so, *turn)

    made = (*shape_of(matrix)[:-2], *((size, others) if left else (others, size)))
    of_matrix_ = (kept, *rows(shape_of(matrix), whole=True), *broadcast(made, target.shape))
    wide = broadcast(shape_of(right), target.shape)
    of_right = (*rows(shape_of(right), whole=False), *wide)
    return edges(matrix, of_matrix_, target) + edges(right, of_right, target)


@RULES.of("_linalg_solve_ex", "linalg_lu_solve", "linalg_ldl_solve", "cholesky_solve")
@RULES.of("linalg_lstsq", "lu_solve")
def solution(node: Node, zeros: Zeros) -> list[Edge]:
    """Each column of the solution from its right-hand side, and from all of the matrix."""
    given = node.arguments
    right = next(given[name] for name in ("B", "b", "self") if name in given)
    found = []
    for number, target in enumerate(targets(node)):
        for source in sources(node):
            if source is right and number == 0:
                found += _columns(source, target, left=given.get("left", True))
            elif source is right:
                found += _of_columns(node, source, number, target)
            else:
                found += edges(source, of_matrix(source.shape, target.shape), target)
    return found


def _of_columns(node: Node, right: Value, number: int, target: Value) -> list[Edge]:
    """Return edges to what comes beside a solution: of least squares what is left of each column.

    Ranks and singular values are those of the matrix alone.
    """
    if node.operator != "linalg_lstsq" or number != 1:
        return []
    first = len(right.shape) - 2
    alone = (*right.shape[:first], *right.shape[first + 1 :])
    if first < 0 or alone != target.shape:
        return from_all(right, target)
    return edges(right, reduce_to(right.shape, (first,), keep=False), target)


def _columns(right: Any, target: Value, *, left: bool) -> list[Edge]:
    """Return edges along each column, or each row, of right-hand sides."""
    if not isinstance(right, Value):
        return []
    rank = len(target.shape)
    if len(right.shape) != rank or right.shape[:-2] != target.shape[:-2]:
        return from_all(right, target)
    axis = rank - (2 if left and rank > 1 else 1)
    return edges(right, across(right.shape, target.shape, (axis,)), target)


@RULES.of("cholesky_inverse")
def inverse_of_factor(node: Node, zeros: Zeros) -> list[Edge]:
    """(L L')^-1 [i, j] from the rows of L from the later of both on: no less is told here."""
    source, (target,) = node.arguments["self"], targets(node)
    kept = _triangle(shape_of(source), upper=bool(node.arguments["upper"]))
    raise DataDependentError(
        edges(source, (kept, *of_matrix(shape_of(source), target.shape)), target)
    )


@RULES.of("_pdist_forward")
def pairs(node: Node, zeros: Zeros) -> list[Edge]:
    """The rows of a matrix against each other, each pair once."""
    source, (target,) = node.arguments["self"], targets(node)
    rows, width = shape_of(source)
    alone = (Reduce((1,), (width,)), Reshape((rows, 1), (rows,)))
    return [
        edge
        for numbers in np.triu_indices(rows, 1)
        for edge in edges(source, (*alone, Take(0, gather(rows, numbers))), target)
    ]
