"""Every formula by itself, on operands whose sizes are all unlike: which axis counts is told apart.

Most of these operators run on other devices alone; what they multiply is worked out by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from archscope.counting.custom import custom
from archscope.counting.estimates import ESTIMATES
from archscope.counting.formulas import FORMULAS
from archscope.counting.fused import FusedAttention
from archscope.counting.fvcore_estimates import ESTIMATES as OF_FVCORE
from archscope.counting.layouts import why_unknown
from archscope.running.module_stack import ModuleStack


def t(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return a tensor of a shape, without data."""
    return torch.empty(shape, dtype=dtype, device="meta")


# 5 steps of 2 sequences of 3 features; 4 gates of 4 numbers: 16 x 3 and 16 x 4, and their biases
ROWS, WEIGHTS = t(5, 2, 3), [t(16, 3), t(16, 4), t(16), t(16)]
STEPS = 10 * (16 * 3 + 16 * 4)
# 2 sequences, 3 heads, 5 queries and 7 keys of 4 features, values of 6
Q, K, V = t(2, 3, 5, 4), t(2, 3, 7, 4), t(2, 3, 7, 6)
PAIRS = 2 * 3 * 5 * 7
ROWS_OF_HEADS = [x.transpose(1, 2) for x in (Q, K, V)]
STARTS = torch.tensor([0, 2, 5])
ENDS = (STARTS, torch.tensor([0, 4, 7]))
# 2 samples, 4 channels to 6 in 2 groups, 3 taps, 7 positions to 5
X, WEIGHT, MADE = t(2, 4, 7), t(6, 2, 3), t(2, 6, 5)
CONVOLUTION = 2 * 6 * 5 * 2 * 3
SETTINGS: tuple[Any, ...] = ([6], [1], [0], [1], False, [0], 2)
# the same turned: 4 channels to 2 x 3, each of the 7 positions meets 2 taps
TURNED = t(4, 3, 2)
TRANSPOSED = 2 * 4 * 7 * 3 * 2
OF_TURNED: tuple[Any, ...] = ([6], [1], [0], [1], True, [0], 2)

CASES: list[tuple[str, tuple[Any, ...], Tensor | None, int]] = [
    ("mv", (t(3, 5), t(5)), t(3), 3 * 5),
    ("addmv", (t(3), t(3, 5), t(5)), t(3), 3 * 5),
    ("addmv_", (t(3), t(3, 5), t(5)), t(3), 3 * 5),
    ("addbmm", (t(3, 4), t(2, 3, 5), t(2, 5, 4)), t(3, 4), 2 * 3 * 5 * 4),
    ("_int_mm", (t(3, 5), t(5, 4)), t(3, 4), 3 * 5 * 4),
    ("linear", (t(2, 3, 5), t(4, 5)), t(2, 3, 4), 2 * 3 * 5 * 4),
    ("matmul", (t(2, 1, 3, 5), t(7, 5, 4)), t(2, 7, 3, 4), 2 * 7 * 3 * 4 * 5),
    # rows of one matrix in groups; a matrix of each group; columns and rows in groups
    ("_grouped_mm", (t(6, 5), t(2, 5, 4)), t(6, 4), 6 * 5 * 4),
    ("_grouped_mm", (t(2, 3, 5), t(2, 5, 4)), t(2, 3, 4), 2 * 3 * 5 * 4),
    ("_grouped_mm", (t(2, 3, 5), t(5, 8)), t(3, 8), 3 * 8 * 5),
    ("_grouped_mm", (t(3, 8), t(8, 5)), t(2, 3, 5), 3 * 8 * 5),
    # y_o = sum of x_i W_oij y_j in 7 rows, 5 o, 3 i, 4 j
    (
        "_trilinear",
        (t(7, 3), t(5, 3, 4), t(7, 4), [1, 3], [0], [1, 2], [2, 3]),
        t(7, 5),
        7 * 5 * 3 * 4 + 7 * 5 * 3,
    ),
    ("_scaled_dot_product_fused_attention_overrideable", (Q, K, V), None, PAIRS * (4 + 6)),
    (
        "_scaled_dot_product_flash_attention_for_cpu_backward",
        (t(2, 3, 5, 6), Q, K, V),
        None,
        # scores anew, and the gradients of the scores, of v, of q and of k
        PAIRS * (4 + 6 + 6 + 4 + 4),
    ),
    (
        "_scaled_dot_product_flash_attention_for_cpu_backward",
        (V[0], Q[0], K[0], V[0]),  # without batches
        None,
        3 * 5 * 7 * (3 * 4 + 2 * 6),
    ),
    ("_scaled_dot_product_flash_attention", (Q[0], K[0], V[0]), None, 3 * 5 * 7 * (4 + 6)),
    *(
        (name, (*before, *ROWS_OF_HEADS, *between, None, None, 5, 7), None, macs)
        for name, before, between, macs in (
            ("_flash_attention_forward", (), (), PAIRS * (4 + 6)),
            ("_efficient_attention_forward", (), (None,), PAIRS * (4 + 6)),
            ("_flash_attention_backward", (t(9),), (t(9), t(9)), PAIRS * (3 * 4 + 2 * 6)),
            ("_efficient_attention_backward", (t(9),), (None, t(9)), PAIRS * (3 * 4 + 2 * 6)),
        )
    ),
    *(  # 2 queries meet 4 keys, 3 meet 3
        (
            name,
            (*before, t(5, 3, 4), t(7, 3, 4), t(7, 3, 6), *between, *ENDS, 3, 4),
            None,
            (2 * 4 + 3 * 3) * 3 * products,
        )
        for name, before, between, products in (
            ("_flash_attention_forward", (), (), 4 + 6),
            ("_efficient_attention_forward", (), (None,), 4 + 6),
            ("_flash_attention_backward", (t(9),), (t(9), t(9)), 3 * 4 + 2 * 6),
            ("_efficient_attention_backward", (t(9),), (None, t(9)), 3 * 4 + 2 * 6),
        )
    ),
    ("_scaled_mm", (t(3, 5), t(5, 4), t(1), t(1)), t(3, 4), 3 * 5 * 4),
    ("mkldnn_rnn_layer", (ROWS, *WEIGHTS, t(2, 4), t(2, 4), False), None, STEPS),
    ("_cudnn_rnn", (ROWS, WEIGHTS, 4, None, t(1, 2, 4)), None, STEPS),
    ("_lstm_mps", (ROWS, [t(1, 2, 4)] * 2, WEIGHTS, True), None, STEPS),
    ("lstm_mps_backward", (*[None] * 5, ROWS, None, None, WEIGHTS), None, 2 * STEPS),
    ("mkldnn_rnn_layer_backward", (ROWS, *WEIGHTS, t(1, 2, 4)), None, 2 * STEPS),
    ("_cudnn_rnn_backward", (ROWS, WEIGHTS, 4, [True, True, True, False]), None, STEPS),
    ("_cudnn_rnn_backward", (ROWS, WEIGHTS, 4, [True, True, True, True]), None, 2 * STEPS),
    ("conv_tbc", (t(7, 2, 3), t(4, 3, 5), t(5), 0), t(6, 2, 5), 6 * 2 * 5 * 4 * 3),
    ("miopen_convolution", (X, WEIGHT, None), MADE, CONVOLUTION),
    ("slow_conv_transpose2d", (X, TURNED, None), MADE, TRANSPOSED),
    ("_sparse_semi_structured_linear", (t(2, 3, 8), t(5, 4), t(5, 1)), None, 2 * 3 * 5 * 4),
    ("_sparse_semi_structured_mm", (t(5, 4), t(5, 1), t(8, 3)), t(5, 3), 5 * 4 * 3),
    ("_sparse_semi_structured_addmm", (t(5), t(5, 4), t(5, 1), t(8, 3)), t(5, 3), 5 * 4 * 3),
    ("_cslt_sparse_mm", (t(99), t(8, 3)), t(5, 3), 5 * 4 * 3),
    ("_weight_int8pack_mm", (t(2, 3, 8), t(5, 8), t(5)), t(2, 3, 5), 2 * 3 * 8 * 5),
    *(
        ("convolution_backward", (MADE, X, WEIGHT, *SETTINGS, [*mask, True]), None, macs)
        for *mask, macs in (
            (True, True, 2 * CONVOLUTION),
            (True, False, CONVOLUTION),
            (False, True, CONVOLUTION),
            (False, False, 0),
        )
    ),
    (
        "convolution_backward",
        (t(2, 6, 8), X, TURNED, *OF_TURNED, [True, False, False]),
        None,
        TRANSPOSED,
    ),
]


@pytest.mark.parametrize(("name", "given", "made", "macs"), CASES)
def test_a_formula_is_what_its_operator_multiplies(
    name: str, given: tuple[Any, ...], made: Tensor | None, macs: int
) -> None:
    assert FORMULAS[f"aten::{name}"](*given, result=made) == macs


def test_pairs_of_sequences_are_not_known_without_data() -> None:
    starts, rows = t(3, dtype=torch.int32), (t(5, 3, 4), t(7, 3, 4), t(7, 3, 6))

    for ends in ((starts, starts), (starts, STARTS), (STARTS, starts)):
        given = (*rows, *ends, 3, 4)
        assert FORMULAS["aten::_flash_attention_forward"](*given, result=None) is None
    assert "where its sequences begin" in why_unknown([*rows, starts])
    assert "entries its sparse operand" in why_unknown([t(3), torch.eye(2).to_sparse()])


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_one_nested_operand_is_enough() -> None:
    nested = torch.nested.nested_tensor([torch.zeros(2, 4), torch.zeros(3, 4)])
    made = torch.nested.nested_tensor([torch.zeros(2, 5), torch.zeros(3, 5)])

    assert FORMULAS["aten::linear"](nested, t(5, 4), result=made) == 5 * 4 * 5
    assert "nested" in why_unknown([t(3), nested])


def test_a_batch_of_sparse_matrices_counts_what_it_stores() -> None:
    stored = torch.eye(4, 3).expand(2, 4, 3).to_sparse()  # 2 x 3 entries, each times 5 columns

    assert FORMULAS["aten::bmm"](stored, torch.zeros(2, 3, 5), result=None) == 2 * 3 * 5


def test_sparse_products_of_unlike_sizes() -> None:
    one, two = torch.zeros(3, 4), torch.zeros(4, 5)
    for row, column in ((0, 0), (0, 3), (2, 0)):
        one[row, column] = 1
    for row, column in ((0, 1), (0, 4), (1, 0), (2, 2)):
        two[row, column] = 1

    # column 0 of one stores 2 numbers, column 3 one; row 0 of two stores 2, row 3 none
    assert FORMULAS["aten::mm"](one.to_sparse(), two.to_sparse(), result=None) == 2 * 2
    # of 3 stored numbers of 3 x 4 each sums over two
    given = one.to_sparse(), torch.zeros(3, 2), torch.zeros(2, 4)
    assert FORMULAS["aten::sparse_sampled_addmm"](*given, result=None) == 3 * 2


def test_which_gradients_are_asked_for_may_be_named() -> None:
    backward = FORMULAS["aten::convolution_backward"]
    one, both = [True, False, True], [True, True, False]

    assert backward(MADE, X, WEIGHT, *SETTINGS, output_mask=one, result=None) == CONVOLUTION
    assert backward(MADE, X, WEIGHT, *SETTINGS, output_mask=both, result=None) == 2 * CONVOLUTION
    rows = FORMULAS["aten::miopen_rnn_backward"]
    assert rows(ROWS, WEIGHTS, 4, output_mask=[*one, True], result=None) == 2 * STEPS
    assert rows(ROWS, WEIGHTS, 4, output_mask=[*one, False], result=None) == STEPS


OTHERS: list[tuple[str, tuple[Any, ...], int]] = [
    # without starts sequences lie in an axis of their own
    (
        "xformers_flash::flash_fwd",
        (t(2, 5, 3, 4), t(2, 7, 3, 4), t(2, 7, 3, 6), None, None),
        PAIRS * (4 + 6),
    ),
    # 2 queries meet 4 keys, 3 meet 3
    (
        "xformers_flash::flash_fwd",
        (t(5, 3, 4), t(7, 3, 4), t(7, 3, 6), STARTS, torch.tensor([0, 4, 7])),
        (2 * 4 + 3 * 3) * 3 * (4 + 6),
    ),
    ("bitsandbytes::int8_mixed_scaled_mm", (t(2, 3, 8), None, t(5, 8), None), 6 * 5 * 8),
    (
        "bitsandbytes::int8_mixed_scaled_mm",
        (t(2, 3, 8), None, t(5, 8), None, None, t(2)),
        6 * 5 * (8 + 2),
    ),
    ("bitsandbytes::gemv_4bit", (t(1, 3, 8), t(20, 1), [5, 8]), 3 * 8 * 5),
    # 4 entries times each of 2 x 6 columns
    (
        "torch_sparse::spmm_sum",
        (None, t(4), t(4), t(4), None, None, t(2, 3, 6)),
        4 * 2 * 6,
    ),
    ("pyg::grouped_matmul", ([t(3, 8), t(4, 7)], [t(8, 5), t(7, 6)]), 3 * 8 * 5 + 4 * 7 * 6),
]


@pytest.mark.parametrize(("name", "given", "macs"), OTHERS)
def test_a_formula_of_a_library_is_what_its_operator_multiplies(
    name: str, given: tuple[Any, ...], macs: int
) -> None:
    found = custom(name)

    assert found is not None
    assert found.macs(*given, result=None) == macs


TALL, WIDE, SQUARE = t(3, 6, 4), t(3, 4, 6), t(3, 4, 4)  # three of each
LU_TALL = 6 * 16 - 64 / 3
QR_TALL = 4 * 16 * (6 - 4 / 3)
SVD_TALL = 14 * 6 * 16 + 8 * 64
FLOPS: list[tuple[str, tuple[Any, ...], Tensor | None, float]] = [
    *(
        (name, (a,), None, 3 * flops)
        for a in (TALL, WIDE)
        for name, flops in (
            ("linalg_lu", LU_TALL),
            ("linalg_qr", QR_TALL),
            ("linalg_householder_product", QR_TALL / 2),
            ("_linalg_svd", SVD_TALL),
            ("linalg_pinv", SVD_TALL + 2 * 6 * 16),
        )
    ),
    ("linalg_lstsq", (TALL, t(3, 6, 2)), None, 3 * QR_TALL / 2),
    ("_linalg_solve_ex", (SQUARE, t(3, 4, 2)), None, 3 * (2 * 64 / 3 + 2 * 16 * 2)),
    ("linalg_lu_solve", (SQUARE, t(3, 4), t(3, 4, 2)), None, 3 * 2 * 16 * 2),
    ("cholesky_solve", (t(3, 4, 2), SQUARE), None, 3 * 2 * 16 * 2),
    ("linalg_solve_triangular", (SQUARE, t(3, 4, 2)), None, 3 * 16 * 2),
    ("linalg_cholesky_ex", (SQUARE,), None, 3 * 64 / 3),
    ("linalg_cholesky_ex", (t(3, 2, 4, 4),), None, 6 * 64 / 3),
    ("linalg_inv_ex", (SQUARE,), None, 3 * 2 * 64),
    ("_linalg_eigh", (SQUARE,), None, 3 * 9 * 64),
    ("linalg_eig", (SQUARE,), None, 3 * 25 * 64),
    ("linalg_matrix_exp", (SQUARE,), None, 3 * 5 * 2 * 64),
    # 5 n log2 n of all numbers that one transform takes together
    ("_fft_c2c", (t(3, 4, 8), [1, 2]), None, 5 * 3 * 32 * 5),
    ("_fft_c2c", (t(3, 4, 0), [2]), None, 0),
    ("_fft_c2c", (t(3, 4, 1), [2]), None, 0),
    ("_fft_r2c", (t(3, 4, 8), [2]), t(3, 4, 5, dtype=torch.cfloat), 2.5 * 12 * 8 * 3),
    ("_fft_c2r", (t(3, 4, 5, dtype=torch.cfloat), [1]), t(3, 4, 8), 2.5 * 12 * 8 * 2),
    ("_cdist_forward", (t(2, 3, 5), t(2, 4, 5)), t(2, 3, 4), 3 * 2 * 3 * 4 * 5),
    ("_pdist_forward", (t(4, 5),), t(6), 3 * 6 * 5),
]


@pytest.mark.parametrize(("name", "given", "made", "flops"), FLOPS)
def test_an_estimate_is_of_every_matrix_and_of_its_longer_side(
    name: str, given: tuple[Any, ...], made: Tensor | None, flops: float
) -> None:
    estimate = ESTIMATES[f"aten::{name}"]

    assert estimate(*given, result=made) == pytest.approx(flops)
    if not name.endswith(("2c", "2r", "forward")):  # a complex matrix takes four real ones
        twins = [each.to(torch.cfloat) for each in given]
        assert estimate(*twins, result=None) == pytest.approx(4 * flops)


ONES = t(3)
ESTIMATED: list[tuple[str, tuple[Any, ...], dict[str, Any], int]] = [
    # 2 x 3 x 5 numbers: 5 FLOPs each with a weight, 4 without
    ("native_layer_norm", (t(2, 3, 5), [5], t(5), t(5), 1e-5), {}, 5 * 30),
    ("native_layer_norm", (t(2, 3, 5), [5], None, t(5), 1e-5), {}, 4 * 30),
    ("_fused_rms_norm", (t(2, 3, 5), [5]), {"weight": t(5)}, 5 * 30),
    ("_fused_rms_norm", (t(2, 3, 5), [5], t(5)), {}, 5 * 30),
    ("_fused_rms_norm", (t(2, 3, 5), [5]), {}, 4 * 30),
    ("native_group_norm", (t(2, 3, 5), ONES, None, 2, 3, 5, 1, 1e-5), {}, 5 * 30),
    ("native_group_norm", (t(2, 3, 5), None, ONES, 2, 3, 5, 1, 1e-5), {}, 4 * 30),
    # in training as other norms, else a multiplication and a sum
    ("native_batch_norm", (t(2, 3, 5), ONES, None, None, None, True, 0.1, 1e-5), {}, 5 * 30),
    ("native_batch_norm", (t(2, 3, 5), None, ONES, None, None, True, 0.1, 1e-5), {}, 4 * 30),
    ("native_batch_norm", (t(2, 3, 5), ONES, None, None, None, False, 0.1, 1e-5), {}, 2 * 30),
    ("native_batch_norm", (t(2, 3, 5), None, ONES, None, None, False, 0.1, 1e-5), {}, 30),
    ("_batch_norm_no_update", (t(2, 3, 5), ONES, ONES, ONES, ONES, 0.1, 1e-5), {}, 2 * 30),
    ("_adaptive_avg_pool2d", (t(2, 3, 4, 5), [1, 2]), {}, 120),
    ("upsample_nearest2d", (t(2, 3, 4, 5),), {}, 42),
    ("upsample_bilinear2d", (t(2, 3, 4, 5),), {}, 4 * 42),
    ("grid_sampler_2d", (t(2, 3, 4, 5), t(2, 7, 1, 2)), {}, 4 * 42),
]


@pytest.mark.parametrize(("name", "given", "named", "flops"), ESTIMATED)
def test_fvcores_estimates_are_by_element(
    name: str, given: tuple[Any, ...], named: dict[str, Any], flops: int
) -> None:
    assert OF_FVCORE[f"aten::{name}"](*given, result=t(2, 3, 7), **named) == flops


class Attention(torch.nn.Module):
    """Calls fused attention with unlike sizes, by position and by name."""

    def __init__(self, call: Callable[[], Tensor]) -> None:
        super().__init__()
        self.call = call

    def forward(self, x: Tensor) -> Tensor:
        return x + self.call().sum()


def test_fused_attention_is_noted_where_it_ran() -> None:
    attention = torch.nn.functional.scaled_dot_product_attention
    model = torch.nn.Sequential(
        Attention(lambda: attention(Q, K, V)),
        Attention(lambda: torch.nn.functional.scaled_dot_product_attention(Q, value=V, key=K)),
    )
    fused = FusedAttention()
    with ModuleStack(model) as stack, fused.following(stack):
        model(t(1))

    assert fused.macs == {"0": PAIRS * (4 + 6), "1": PAIRS * (4 + 6)}
    assert torch.nn.functional.scaled_dot_product_attention is attention
