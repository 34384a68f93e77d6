"""What transforms, distances and factorisations take, in FLOPs: estimates, beside the MACs.

They are no multiply-accumulates of a product, and how many operations they take is a matter of the
algorithm. So they stand beside the totals and never in them. A complex matrix takes four times what
a real one does.

Sources: FFTs take 5 n log2 n of complex and half of that of real numbers, the convention of FFTW's
benchmarks (Frigo and Johnson 2005) after Cooley and Tukey 1965. Factorisations are those of Golub
and Van Loan, Matrix Computations, 4th edition 2013, sections 3.2, 4.2, 5.2, 7.5, 8.3 and 8.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log2, prod
from typing import Any

from torch import Tensor

Estimate = Callable[..., float]


def fft(x: Tensor, axes: Sequence[int], *_: Any, result: Tensor) -> float:
    """5 n log2 n for each transform of n complex numbers."""
    return 5 * x.numel() * _log2(x, axes)


def real_fft(x: Tensor, axes: Sequence[int], *_: Any, result: Tensor) -> float:
    """Half of that where either side is real: the one with more numbers."""
    real = result if x.is_complex() else x
    return 2.5 * real.numel() * _log2(real, axes)


def _log2(x: Tensor, axes: Sequence[int]) -> float:
    return log2(max(prod(x.shape[axis] for axis in axes), 1))


def distances(a: Tensor, b: Tensor, *_: Any, result: Tensor) -> float:
    """Every pair of rows: a difference, its power and a sum for each of k numbers."""
    return 3 * result.numel() * a.shape[-1]


def pair_distances(a: Tensor, *_: Any, result: Tensor) -> float:
    """As `distances`, each pair of rows of one matrix once."""
    return 3 * result.numel() * a.shape[-1]


def lu(a: Tensor, *_: Any, result: Any) -> float:
    """2 n^3 / 3, of m x n: m n^2 - n^3 / 3 with n the shorter side."""
    long, short = _sides(a)
    return _times(a) * (long * short**2 - short**3 / 3)


def solve(a: Tensor, b: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """The factors, then 2 n^2 for each right-hand side."""
    return lu(a, result=result) + 2 * _times(a) * _order(a) * _right_sides(a, b)


def factors_solve(a: Tensor, pivots: Tensor, b: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """2 n^2 for each right-hand side, with factors at hand."""
    return 2 * _times(a) * _order(a) * _right_sides(a, b)


def cholesky(a: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """n^3 / 3."""
    return _times(a) * _order(a) ** 3 / 3


def cholesky_solve(b: Tensor, a: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """2 n^2 for each right-hand side."""
    return 2 * _times(a) * _order(a) * _right_sides(a, b)


def triangular_solve(a: Tensor, b: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """n^2 for each right-hand side."""
    return _times(a) * _order(a) * _right_sides(a, b)


def qr(a: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """Householder's R, 2 n^2 (m - n / 3), and as much for the columns of Q."""
    long, short = _sides(a)
    return _times(a) * 4 * short**2 * (long - short / 3)


def least_squares(a: Tensor, b: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """Householder's R, 2 n^2 (m - n / 3)."""
    return qr(a, result=result) / 2


def svd(a: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """Singular values and both sides' vectors: 14 m n^2 + 8 n^3."""
    long, short = _sides(a)
    return _times(a) * (14 * long * short**2 + 8 * short**3)


def pseudo_inverse(a: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """The singular value decomposition, and V S^-1 U' of its parts: 2 m n^2."""
    long, short = _sides(a)
    return svd(a, result=result) + _times(a) * 2 * long * short**2


def reflectors(a: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """The first n columns of Q from n reflectors: 2 n^2 (m - n / 3)."""
    return qr(a, result=result) / 2


def inverse(a: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """2 n^3."""
    return _times(a) * 2 * _order(a) ** 3


def symmetric_eigen(a: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """Eigenvalues and eigenvectors of a symmetric matrix: 9 n^3."""
    return _times(a) * 9 * _order(a) ** 3


def eigen(a: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """Eigenvalues and eigenvectors by the QR algorithm: 25 n^3."""
    return _times(a) * 25 * _order(a) ** 3


def exponential(a: Tensor, *_: Any, result: Any, **__: Any) -> float:
    """Taylor's polynomial of degree 18, by five products (Bader, Blanes and Casas 2019).

    One of large norm takes a product more for each time that it is halved before, one of small
    norm fewer: which, its values decide, and no shape tells.
    """
    return _times(a) * 5 * 2 * _order(a) ** 3


def _times(a: Tensor) -> int:
    """Return how many real matrices of its size a batch costs as much as."""
    return prod(a.shape[:-2]) * (4 if a.is_complex() else 1)


def _order(a: Tensor) -> int:
    """Return n of square matrices (*, n, n)."""
    return a.shape[-1]


def _sides(a: Tensor) -> tuple[int, int]:
    rows, columns = a.shape[-2:]
    return max(rows, columns), min(rows, columns)


def _right_sides(a: Tensor, b: Tensor) -> int:
    """Return how many numbers of right-hand sides there are for one matrix of the batch."""
    return b.numel() // max(prod(a.shape[:-2]), 1)


ESTIMATES: dict[str, Estimate] = {
    f"aten::{name}": estimate
    for estimate, names in (
        (fft, "_fft_c2c"),
        (real_fft, "_fft_r2c _fft_c2r"),
        (distances, "_cdist_forward _euclidean_dist"),
        (pair_distances, "_pdist_forward"),
        (lu, "linalg_lu linalg_lu_factor_ex _linalg_det _linalg_slogdet"),
        (solve, "_linalg_solve_ex linalg_solve_ex"),
        (factors_solve, "linalg_lu_solve linalg_ldl_solve"),
        (cholesky, "linalg_cholesky_ex cholesky linalg_ldl_factor_ex"),
        (cholesky_solve, "cholesky_solve"),
        (triangular_solve, "linalg_solve_triangular"),
        (qr, "linalg_qr"),
        (pseudo_inverse, "linalg_pinv"),
        (reflectors, "linalg_householder_product"),
        (least_squares, "linalg_lstsq"),
        (svd, "_linalg_svd"),
        (inverse, "linalg_inv_ex cholesky_inverse"),
        (symmetric_eigen, "_linalg_eigh"),
        (exponential, "linalg_matrix_exp"),
        (eigen, "linalg_eig _linalg_eigvals"),
    )
    for name in names.split()
}
"""Operator name with namespace to its estimate, called as a formula is."""
