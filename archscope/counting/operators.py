"""Which operators carry multiply-accumulates, which work element by element, which are free.

Every operator that a forward pass runs belongs to one of four classes, or is unknown. Nothing is
silently zero: an operator that is in no class is named to the user.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import torch

from archscope.counting.custom import custom, no_products
from archscope.counting.quantised import ELEMENTWISE as PACKED_ELEMENTWISE
from archscope.counting.quantised import FORMULAS as PACKED

OperatorClass = Literal[
    "multiply-accumulate", "estimated", "elementwise or reduction", "free", "unknown"
]

MULTIPLY_ACCUMULATE = frozenset(
    # products of matrices
    "mm addmm bmm baddbmm addbmm mv addmv dot vdot matmul linear bilinear einsum inner tensordot "
    "_trilinear chain_matmul linalg_multi_dot linalg_vecdot _grouped_mm _int_mm _addmm_activation "
    "_scaled_mm _scaled_mm_v2 _scaled_grouped_mm _scaled_grouped_mm_v2 _foreach_mm linalg_matmul "
    # products of sparse matrices
    "hspmm sspaddmm _sparse_mm _sparse_addmm _sparse_sparse_matmul _sparse_mm_reduce_impl "
    "sparse_sampled_addmm "
    # convolutions
    "convolution _convolution _convolution_mode conv1d conv2d conv3d conv_transpose1d "
    "conv_transpose2d conv_transpose3d conv_tbc _slow_conv2d_forward cudnn_convolution "
    "miopen_convolution mkldnn_convolution convolution_overrideable mkldnn_linear "
    "miopen_depthwise_convolution _conv_depthwise2d conv_depthwise3d slow_conv3d "
    "slow_conv3d_forward slow_conv_dilated2d slow_conv_dilated3d slow_conv_transpose2d "
    "slow_conv_transpose3d thnn_conv2d cudnn_convolution_transpose cudnn_convolution_relu "
    "cudnn_convolution_add_relu miopen_convolution_transpose miopen_convolution_relu "
    "miopen_convolution_add_relu "
    # attention
    "scaled_dot_product_attention _scaled_dot_product_flash_attention "
    "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention "
    "_scaled_dot_product_cudnn_attention _scaled_dot_product_fused_attention_overrideable "
    "_native_multi_head_attention _transformer_encoder_layer_fwd "
    "_scaled_dot_product_flash_attention_for_cpu_backward "
    # gradients of these within a forward
    "convolution_backward _scaled_dot_product_flash_attention_backward "
    "_scaled_dot_product_efficient_attention_backward _scaled_dot_product_cudnn_attention_backward "
    # recurrence
    "lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell mkldnn_rnn_layer "
    "_cudnn_rnn miopen_rnn _lstm_mps _cudnn_rnn_backward miopen_rnn_backward "
    "mkldnn_rnn_layer_backward lstm_mps_backward".split()
)
"""Operators with a formula in at least one engine."""

_ESTIMATED = frozenset(
    # transforms
    "_fft_c2c _fft_r2c _fft_c2r fft_fft fft_ifft fft_rfft fft_irfft fft_hfft fft_ihfft fft_fft2 "
    "fft_ifft2 fft_rfft2 fft_irfft2 fft_hfft2 fft_ihfft2 fft_fftn fft_ifftn fft_rfftn fft_irfftn "
    "fft_hfftn fft_ihfftn stft istft "
    # distances
    "cdist _cdist_forward _euclidean_dist pdist _pdist_forward "
    # factorisations
    "linalg_lu linalg_lu_factor linalg_lu_factor_ex linalg_det _linalg_det linalg_slogdet slogdet "
    "_linalg_slogdet det logdet linalg_solve _linalg_solve_ex linalg_solve_ex linalg_lu_solve "
    "linalg_ldl_solve linalg_ldl_factor linalg_ldl_factor_ex linalg_cholesky linalg_cholesky_ex "
    "cholesky cholesky_solve cholesky_inverse linalg_solve_triangular linalg_qr qr linalg_lstsq "
    "linalg_pinv linalg_householder_product linalg_matrix_exp matrix_exp "
    "linalg_svd linalg_svdvals _linalg_svd svd linalg_inv linalg_inv_ex inverse linalg_eigh "
    "linalg_eigvalsh _linalg_eigh linalg_eig linalg_eigvals _linalg_eigvals".split()
)
"""Operators whose work is estimated beside the multiply-accumulates; see `estimates`."""

NONLINEAR = frozenset(
    "relu relu_ gelu gelu_ silu silu_ sigmoid sigmoid_ tanh tanh_ elu elu_ celu celu_ selu selu_ "
    "leaky_relu leaky_relu_ hardswish hardswish_ hardsigmoid hardsigmoid_ hardtanh hardtanh_ mish "
    "mish_ softplus _prelu_kernel prelu log_sigmoid_forward threshold threshold_ rrelu_with_noise "
    "rrelu_with_noise_ relu6 relu6_ glu _softmax _log_softmax _safe_softmax "
    "_scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_for_cpu "
    "_scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention "
    "_scaled_dot_product_fused_attention_overrideable".split()
)
"""Activation functions and softmaxes, for the depth in nonlinear transformations."""

_ELEMENTWISE = frozenset(
    # normalisation
    "native_layer_norm native_group_norm native_batch_norm cudnn_batch_norm miopen_batch_norm "
    "_native_batch_norm_legit _native_batch_norm_legit_functional "
    "_native_batch_norm_legit_no_training _batch_norm_no_update _batch_norm_with_update "
    "_batch_norm_with_update_functional _fused_rms_norm rms_norm layer_norm group_norm batch_norm "
    "instance_norm _weight_norm _weight_norm_interface renorm "
    # softmax and losses
    "softmax log_softmax _softmax _log_softmax _safe_softmax glu prelu _prelu_kernel "
    "log_sigmoid_forward mse_loss nll_loss nll_loss_forward nll_loss2d nll_loss2d_forward "
    "smooth_l1_loss huber_loss binary_cross_entropy cross_entropy_loss "
    "binary_cross_entropy_with_logits "
    # pooling and resampling
    "avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d max_pool2d_with_indices "
    "max_pool3d_with_indices max_pool1d_with_indices adaptive_avg_pool1d adaptive_avg_pool2d "
    "adaptive_avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool1d "
    "adaptive_max_pool2d adaptive_max_pool3d fractional_max_pool2d fractional_max_pool3d "
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d "
    "_upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d "
    "upsample_trilinear3d upsample_bicubic2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa "
    "grid_sampler grid_sampler_2d grid_sampler_3d affine_grid_generator "
    # scans, sorts, histograms
    "cumsum cumprod logcumsumexp cummax cummin sort topk kthvalue median nanmedian mode histc "
    "bincount searchsorted bucketize unique_consecutive _unique2 unique_dim trace diff "
    "multinomial "
    # reductions and products without a sum
    "mean sum prod amax amin aminmax max min argmax argmin norm linalg_vector_norm std var "
    "std_mean var_mean logsumexp any all nansum count_nonzero dist cosine_similarity "
    "pairwise_distance outer ger addr kron cross linalg_cross segment_reduce _embedding_bag "
    "_embedding_bag_forward_only embedding_bag scatter_add scatter_reduce index_add index_reduce "
    "_thnn_fused_lstm_cell _thnn_fused_gru_cell "
    # other names of pointwise operators, which torch does not mark as such
    "floor_divide divide multiply subtract true_divide negative absolute fix greater "
    "greater_equal less less_equal not_equal arccos arccosh arcsin arcsinh arctan arctan2 arctanh "
    "hardswish "
    # random numbers
    "bernoulli native_dropout dropout feature_dropout alpha_dropout uniform normal rand randn "
    "randint rand_like randn_like randint_like randperm exponential log_normal cauchy_ geometric_ "
    "embedding_dense_backward __iand__ __ior__ __ixor__ __ilshift__ __irshift__ "
    "rrelu_with_noise isin polar complex relu6 cauchy geometric random binomial poisson "
    "_standard_gamma _sample_dirichlet normal_functional rrelu_with_noise_functional "
    "feature_alpha_dropout _fused_dropout "
    # windows, gradients of a signal, statistics and losses
    "hann_window hamming_window bartlett_window blackman_window kaiser_window gradient trapezoid "
    "cumulative_trapezoid trapz _aminmax native_norm norm_except_dim nanmean quantile nanquantile "
    "isclose isreal chalf kl_div l1_loss soft_margin_loss multi_margin_loss "
    "multilabel_margin_loss multilabel_margin_loss_forward poisson_nll_loss hinge_embedding_loss "
    "margin_ranking_loss triplet_margin_loss cosine_embedding_loss nll_loss_nd ctc_loss _ctc_loss "
    "_pdist_forward pdist _masked_softmax _masked_scale embedding_renorm histogram msort argsort "
    "_unique unique_dim_consecutive log_sigmoid sum_to_size fake_quantize_per_tensor_affine "
    "fake_quantize_per_channel_affine fake_quantize_per_tensor_affine_cachemask "
    "fake_quantize_per_channel_affine_cachemask quantize_per_tensor quantize_per_channel "
    "quantize_per_tensor_dynamic dequantize fused_moving_avg_obs_fake_quant "
    "_fused_moving_avg_obs_fq_helper _fused_moving_avg_obs_fq_helper_functional "
    "_fake_quantize_learnable_per_tensor_affine _fake_quantize_learnable_per_channel_affine "
    "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams "
    "_sparse_semi_structured_apply _sparse_semi_structured_apply_dense "
    "_sparse_semi_structured_tile _to_sparse_semi_structured _cslt_compress "
    "_choose_qparams_per_tensor choose_qparams_optimized q_scale q_zero_point int_repr "
    # sparse tensors
    "_sparse_softmax _sparse_log_softmax _sparse_sum".split()
)

_FREE = frozenset(
    # making and copying
    "empty empty_like empty_strided empty_permuted new_empty new_empty_strided new_full new_ones "
    "new_zeros full full_like ones ones_like zeros zeros_like scalar_tensor arange linspace "
    "logspace eye tril_indices triu_indices zero fill clone copy _to_copy _reshape_copy "
    "contiguous to lift lift_fresh lift_fresh_copy detach _unsafe_view _conj resolve_conj "
    "resolve_neg _efficientzerotensor _pin_memory set_ resize_ resize_as_ type_as one_hot "
    # moving
    "cat concat stack hstack vstack block_diag constant_pad_nd pad reflection_pad1d "
    "reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d "
    "_pad_circular roll flip rot90 repeat repeat_interleave tile gather take take_along_dim index "
    "index_select index_put _unsafe_index _unsafe_index_put _index_put_impl_ scatter "
    "masked_scatter masked_select masked_fill nonzero nonzero_static argwhere embedding im2col "
    "col2im unfold pixel_shuffle pixel_unshuffle channel_shuffle slice_scatter select_scatter "
    "diagonal_scatter as_strided_scatter diag diag_embed tril triu unsafe_split unsafe_chunk "
    "unsafe_split_with_sizes max_unpool2d max_unpool3d split_with_sizes_copy meshgrid "
    "combinations index_copy index_fill view_copy permute_copy expand_copy t_copy transpose_copy "
    "unbind_copy squeeze_copy unsqueeze_copy unfold_copy as_strided_copy alias_copy "
    "broadcast_tensors expand_as reshape reshape_as flatten unflatten pad_sequence nonzero_numpy "
    "column_stack row_stack dstack concatenate flipud fliplr diagflat fill_diagonal_ put "
    "native_channel_shuffle _unsafe_masked_index _unsafe_masked_index_put_accumulate _stack "
    "_index_put_impl _lazy_clone _foreach_clone _foreach_copy _foreach_zero detach_copy "
    "diagonal_copy narrow_copy select_copy slice_copy split_copy view_as_complex_copy "
    "view_as_real_copy _conj_copy _neg_view_copy _reshape_alias_copy resize resize_as set range "
    "_mkldnn_reshape _mkldnn_transpose to_mkldnn _resize_output _shape_as_tensor vander "
    "linalg_vander "
    "_pack_padded_sequence _pad_packed_sequence atleast_1d atleast_2d atleast_3d cartesian_prod "
    # asking
    "size stride numel dim sym_size sym_stride sym_numel storage_offset sym_storage_offset "
    "is_pinned is_same_size is_contiguous _local_scalar_dense item _assert_async _assert_scalar "
    "_functional_assert_async _assert_tensor_metadata sym_constrain_range _fused_sdp_choice "
    "_is_all_true _is_any_true _linalg_check_errors is_nonzero equal allclose is_set_to "
    "is_coalesced _functional_assert_scalar _functional_sym_constrain_range "
    "_functional_sym_constrain_range_for_size _make_dep_token _print get_device result_type "
    "promote_types can_cast is_complex is_signed is_inference is_leaf is_conj is_neg "
    "_is_zerotensor _debug_has_internal_overlap _has_same_storage_numel _version requires_grad_ "
    "retain_grad sym_is_contiguous _nnz dense_dim sparse_dim "
    "sym_constrain_range_for_size _has_compatible_shallow_copy_type device is_floating_point Int "
    "Float Bool FloatImplicit IntImplicit ScalarImplicit __getitem__ len append __and__ __or__ "
    "__not__ __is__ __isnot__ __contains__ warn format "
    # changing the layout
    "_to_dense to_dense _to_sparse _to_sparse_csr _to_sparse_csc _to_sparse_bsr _to_sparse_bsc "
    "to_sparse to_sparse_csr to_sparse_csc to_sparse_bsr to_sparse_bsc sparse_coo_tensor "
    "_sparse_coo_tensor_with_dims _sparse_coo_tensor_with_dims_and_tensors "
    "_sparse_coo_tensor_unsafe sparse_compressed_tensor _sparse_compressed_tensor_unsafe "
    "sparse_csr_tensor sparse_csc_tensor sparse_bsr_tensor sparse_bsc_tensor "
    "_sparse_compressed_tensor_with_dims _sparse_csr_tensor_unsafe "
    "_validate_sparse_coo_tensor_args "
    "_validate_sparse_compressed_tensor_args coalesce _coalesce _coalesced is_coalesced "
    "_nested_tensor_from_tensor_list _nested_tensor_from_mask nested_to_padded_tensor "
    "to_padded_tensor _nested_from_padded _nested_from_padded_and_nested_example "
    "_nested_view_from_buffer _nested_view_from_buffer_copy _nested_view_from_jagged "
    "_nested_view_from_jagged_copy _jagged_to_padded_dense_forward _padded_dense_to_jagged_forward "
    "sparse_mask _linalg_check_errors fft_fftshift fft_ifftshift fft_fftfreq fft_rfftfreq "
    "unfold_backward equal _sparse_mask_projection indices _indices values _values crow_indices "
    "col_indices "
    "ccol_indices row_indices _nnz sparse_dim dense_dim sparse_resize_ "
    "_convert_indices_from_coo_to_csr _convert_indices_from_csr_to_coo".split()
)

_FREE_PRIMITIVES = frozenset(
    "as_strided as_strided_scatter broadcast_in_dim cat clone collapse collapse_view "
    "convert_element_type copy_strided copy_to device_put empty_permuted empty_strided fill full "
    "full_like imag inductor_lookup_seed iota item maximum_value minimum_value real reshape resize "
    "rev scalar_tensor slice_in_dim split_dim squeeze transpose view_of view_of_dtype "
    "_make_token _sink_tokens".split()
)

UNINITIALISED = frozenset(
    f"aten::{name}"
    for name in "empty empty_like empty_strided empty_permuted new_empty new_empty_strided".split()
)
"""Operators that make memory without values."""
FACTORIES = UNINITIALISED | frozenset(
    f"aten::{name}"
    for name in (
        "full_like ones_like zeros_like rand_like randn_like randint_like new_full new_ones "
        "new_zeros _shape_as_tensor is_same_size".split()
    )
)
"""Operators that may take a tensor for its shape alone."""


def classify(name: str) -> OperatorClass:
    """Return the class of an operator by its name with namespace, e.g. `aten::addmm`.

    What is unknown otherwise is of the class that a formula of somebody gives it.
    """
    kind = classify_torch(name)
    found = custom(name) if kind == "unknown" else None
    if found is None:
        return kind
    return "elementwise or reduction" if found.macs is no_products else "multiply-accumulate"


@cache
def classify_torch(name: str) -> OperatorClass:
    """Return the class of an operator of torch; unknown for those of others.

    Names in the tables above come first; for the rest torch's own tags decide (`pointwise`,
    `reduction`, views).
    """
    namespace, _, operator = name.partition("::")
    if namespace == "profiler":  # marks in a profile that torch itself puts there
        return "free"
    if namespace == "prim":
        return "unknown" if operator.startswith(("PythonOp", "CallFunction")) else "free"
    if name in PACKED:
        return "multiply-accumulate"
    if name in PACKED_ELEMENTWISE:
        return "elementwise or reduction"
    if namespace == "prims":
        return _classify_primitive(operator)
    if namespace != "aten":
        return "unknown"
    if operator in MULTIPLY_ACCUMULATE:
        return "multiply-accumulate"
    if operator in _ESTIMATED:
        return "estimated"
    if operator in _ELEMENTWISE or operator in NONLINEAR:  # torch 2.6 marks few activations
        return "elementwise or reduction"
    if operator in _FREE:
        return "free"
    return _classify_by_tags(operator)


def _classify_primitive(operator: str) -> OperatorClass:
    """Those that torch's derivatives are written in where a kernel has none: all element by element
    or reductions, but what only moves numbers, and what has another name in `aten`."""
    packet = getattr(torch.ops.prims, operator, None)
    if packet is None or operator in ("svd", "fft_c2c", "fft_c2r", "fft_r2c"):
        return "unknown"
    return "free" if operator in _FREE_PRIMITIVES else "elementwise or reduction"


def _classify_by_tags(operator: str) -> OperatorClass:
    packet = getattr(torch.ops.aten, operator, None)
    if packet is None:
        return "unknown"
    overloads = [getattr(packet, overload) for overload in packet.overloads()]
    tags = {tag for overload in overloads for tag in overload.tags}
    if operator.startswith("_foreach_"):  # one pointwise operator on each tensor of a list
        return classify_torch(f"aten::{operator.removeprefix('_foreach_').removesuffix('_')}")
    reduction = getattr(torch.Tag, "reduction", None)
    if torch.Tag.pointwise in tags or reduction in tags:
        return "elementwise or reduction"
    if any(overload.is_view for overload in overloads):
        return "free"
    forward, backward, _ = operator.partition("_backward")
    if backward and classify_torch(f"aten::{forward}") in ("free", "elementwise or reduction"):
        return "elementwise or reduction"
    if operator.endswith("_") and not operator.endswith("__"):
        return classify_torch(f"aten::{operator[:-1]}")
    return "unknown"


def name_of(func: Any) -> str:
    """Return the name of a dispatcher overload without it, e.g. `aten::addmm`."""
    return str(func._schema.name) if hasattr(func, "_schema") else f"higher_order::{func}"
