"""Every operator of torch is in a class, or here with the reason why it is in none."""

from __future__ import annotations

import re

import pytest
import torch

from archscope.counting.operators import classify

UNKNOWN = {
    "its cost is an estimate or a matter of its algorithm, not a count of products": (
        r"_?linalg_.*|_?fft_.*|cholesky.*|geqrf|orgqr|ormqr|lu_solve|lu_unpack|triangular_solve|"
        r"qr|svd|slogdet|logdet|det|inverse|pinverse|_compute_linear_combination|matrix_exp|"
        r"_?cdist(_forward)?|_euclidean_dist|_cholesky_solve_helper|_lu_with_info|nuclear_norm|"
        r"frobenius_norm|_spsolve|stft|istft|_sobol.*"
    ),
    "its operands are sparse, nested or packed: their layout decides": (
        r".*sparse.*|_?nested.*|.*nested.*|.*jagged.*|.*padded.*|_cslt.*|s?smm|sspaddmm|hspmm|"
        r"_?spdiags|.*coo.*|_?coalesced?_?|.*indices_copy|_?values_copy|_.*compressed.*|"
        r".*copy_sparse.*|to_dense|_to_dense|_transform_bias_rescale_qkv"
    ),
    "its operands are quantised: they say themselves how": (
        r".*quant.*|q_.*|qscheme|int_repr|_weight_int.*|_dyn_.*|.*int4pack.*|fbgemm.*|"
        r"_mixed_dtypes_linear|_choose_qparams.*|choose_qparams.*|.*fake_quant.*|_saturate.*|"
        r"_wrapped.*|fused_moving_avg.*|_fused_moving_avg.*|_rowwise_prune"
    ),
    "it trains, or is a part of a derivative": (
        r".*backward.*|.*_grad|.*gradients.*|_amp_.*|_fused_ada.*|_fused_sgd_?|glu_jvp|"
        r"_?batch_norm_(elemt|gather|stats|update|impl).*|retains_grad|output_nr|"
        r".*_jvp|set_data|data|.*dual.*|_fw_primal_copy|_foreach_powsum"
    ),
    "it is of one vendor, or of one kind of device, and no network calls it by name": (
        r"_?cudnn.*|_?miopen.*|_?mkldnn.*|_?mps.*|.*_mps|_?nnpack.*|_cufft.*|.*vulkan.*|.*xla.*|"
        r"_triton.*|_use_.*|_efficient_attention.*|_flash_attention.*|_fill_mem_eff.*|_philox.*|"
        r"record_stream|_.*upsample_lanczos.*|_convert_weight.*|to_mkldnn|_lstm_mps|_copy_from.*"
    ),
    "it is torch's own test, debug or bookkeeping": (
        r"_test_.*|_foobar|.*batch_dim|_debug.*|_pad_enum|_dim_arange|_dim[IV]|_cast_.*|"
        r"__i(and|or|shift|xor|lshift|rshift)__|_scaled_dot_product_attention_math.*|"
        r"hash_tensor|_reshape_from_tensor|_histogramdd.*|histogramdd|_cumm(ax|in)_helper|"
        r"_efficientzerotensor|.*flatten_dense_tensors|_.*chunk_cat|_add_relu_?|_to_cpu|"
        r"_unique|from_file|_new_zeros.*|_.*fallback|_logcumsumexp|is_distributed|"
        r"matrix_power|special_.*|corrcoef|cov|batch_norm_.*|_print|_.*_with_.*"
    ),
}
"""Reason to the names that it is the reason of."""


def operators() -> list[str]:
    """Return the names of all operators of torch that have a kernel."""
    names = {schema.name for schema in torch._C._jit_get_all_schemas()}
    found = []
    for name in sorted(name.removeprefix("aten::") for name in names if name.startswith("aten::")):
        packet = getattr(torch.ops.aten, name, None)
        overloads = packet.overloads() if packet is not None else []
        kernels = (f"aten::{name}" + f".{o}".removesuffix(".default") for o in overloads)
        if any(torch._C._dispatch_has_kernel(kernel) for kernel in kernels):
            found.append(name)
    return found


@pytest.mark.skipif(torch.__version__ < "2.13", reason="an older torch tells fewer tags")
def test_every_operator_is_in_a_class_or_has_a_reason() -> None:
    found = operators()
    assert len(found) > 1000
    unknown = [name for name in found if classify(f"aten::{name}") == "unknown"]
    reasons = [re.compile(names) for names in UNKNOWN.values()]

    assert [n for n in unknown if not any(reason.fullmatch(n) for reason in reasons)] == []


def test_every_product_in_place_or_to_a_given_result_has_its_formula() -> None:
    from archscope.counting.formulas import FORMULAS

    names = set(operators())
    for name in ("addmm", "addmv", "addbmm", "baddbmm"):
        assert f"{name}_" in names
        assert FORMULAS[f"aten::{name}_"] is FORMULAS[f"aten::{name}"]


def test_what_derivatives_are_written_in_is_in_a_class() -> None:
    names = ("add", "sum", "transpose", "svd", "fft_c2c", "no_such_operator")
    found = {name: classify(f"prims::{name}") for name in names}

    assert found == {
        "add": "elementwise or reduction",
        "sum": "elementwise or reduction",
        "transpose": "free",
        **dict.fromkeys(("svd", "fft_c2c", "no_such_operator"), "unknown"),
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("profiler::_record_function_enter_new", "free"),
        ("prim::PythonOp.Filled", "unknown"),
        ("prim::CallFunction", "unknown"),
        ("prim::ListConstruct", "free"),
        ("quantized::linear", "multiply-accumulate"),
        ("quantized::add", "elementwise or reduction"),
        ("prims::convert_element_type", "free"),
        ("prims::add", "elementwise or reduction"),
        ("prims::fft_c2c", "unknown"),
        ("prims::no_such", "unknown"),
        ("no_such_library::add", "unknown"),
        ("aten::no_such", "unknown"),
        ("aten::no_such_", "unknown"),
        ("aten::mm", "multiply-accumulate"),
        ("aten::linalg_inv_ex", "estimated"),
        ("aten::native_layer_norm", "elementwise or reduction"),
        ("aten::gelu", "elementwise or reduction"),
        ("aten::add_", "elementwise or reduction"),  # as torch's tags say
        ("aten::_foreach_add_", "elementwise or reduction"),
        ("aten::_foreach_mm", "multiply-accumulate"),
        ("aten::view", "free"),
        ("aten::cat", "free"),
        ("aten::index_put_", "free"),
        ("aten::gelu_backward", "elementwise or reduction"),
        ("aten::select_backward", "elementwise or reduction"),
        ("aten::_cudnn_attention_forward", "unknown"),
        ("aten::linear_backward", "unknown"),  # products that no formula tells
    ],
)
def test_what_class_an_operator_is_of(name: str, kind: str) -> None:
    assert classify(name) == kind
