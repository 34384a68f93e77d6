"""Operators that the counting engines know and that have no rule here, with the reason for each.

Where one runs all the same, each of its outputs is said to depend on all of its inputs, and the
answer is a bound with the operator's name.
"""

from __future__ import annotations

from collections.abc import Mapping

_REASONS = {
    "it takes no tensor, so that nothing that it makes depends on the input": (
        "arange bartlett_window blackman_window empty_permuted empty_strided eye fft_fftfreq "
        "fft_rfftfreq full hamming_window hann_window kaiser_window ones rand randint "
        "randperm range scalar_tensor tril_indices triu_indices zeros _efficientzerotensor "
        "_sparse_coo_tensor_with_dims"
    ),
    "data says which elements a sparse tensor stores, and in which order": (
        "_indices _values ccol_indices col_indices crow_indices indices row_indices values "
        "sparse_compressed_tensor sparse_coo_tensor _convert_indices_from_coo_to_csr "
        "_convert_indices_from_csr_to_coo sparse_resize"
    ),
    "a nested tensor has no one shape: a forward that makes one is not followed": (
        "_nested_from_padded _nested_from_padded_and_nested_example _nested_tensor_from_mask "
        "_nested_tensor_from_tensor_list _nested_view_from_buffer _nested_view_from_buffer_copy "
        "_nested_view_from_jagged _nested_view_from_jagged_copy _nested_get_values to_padded_tensor"
    ),
    "it gives a tensor the memory of another": "set",
    "it is a part of a derivative, which a forward seldom takes": (
        "_make_dual slice_inverse convolution_backward embedding_dense_backward "
        "_cudnn_rnn_backward miopen_rnn_backward mkldnn_rnn_layer_backward lstm_mps_backward "
        "_efficient_attention_backward _flash_attention_backward "
        "_scaled_dot_product_cudnn_attention_backward "
        "_scaled_dot_product_efficient_attention_backward "
        "_scaled_dot_product_flash_attention_backward "
        "_scaled_dot_product_flash_attention_for_cpu_backward _adaptive_avg_pool2d_backward "
        "_adaptive_avg_pool3d_backward _ctc_loss_backward _embedding_bag_backward "
        "_fused_rms_norm_backward _fake_quantize_learnable_per_channel_affine_backward "
        "_fake_quantize_learnable_per_tensor_affine_backward _masked_softmax_backward "
        "_sparse_log_softmax_backward_data "
        "_sparse_softmax_backward_data _sparse_sum_backward _thnn_fused_gru_cell_backward "
        "_thnn_fused_lstm_cell_backward_impl _upsample_bicubic2d_aa_backward "
        "_upsample_bilinear2d_aa_backward _upsample_nearest_exact1d_backward "
        "_upsample_nearest_exact2d_backward _upsample_nearest_exact3d_backward "
        "_weight_norm_interface_backward adaptive_avg_pool3d_backward "
        "adaptive_max_pool2d_backward adaptive_max_pool3d_backward avg_pool2d_backward "
        "avg_pool3d_backward batch_norm_backward batch_norm_backward_elemt "
        "batch_norm_backward_reduce cudnn_batch_norm_backward diagonal_backward "
        "fractional_max_pool2d_backward fractional_max_pool3d_backward glu_backward "
        "glu_backward_jvp grid_sampler_2d_backward grid_sampler_3d_backward "
        "masked_scatter_backward max_pool2d_backward max_pool2d_with_indices_backward "
        "max_pool3d_with_indices_backward miopen_batch_norm_backward multi_margin_loss_backward "
        "multilabel_margin_loss_backward native_batch_norm_backward native_group_norm_backward "
        "native_layer_norm_backward nll_loss2d_backward nll_loss_backward "
        "reflection_pad1d_backward reflection_pad2d_backward reflection_pad3d_backward "
        "replication_pad1d_backward replication_pad2d_backward replication_pad3d_backward "
        "select_backward slice_backward upsample_bicubic2d_backward "
        "upsample_bilinear2d_backward upsample_linear1d_backward upsample_nearest1d_backward "
        "upsample_nearest2d_backward upsample_nearest3d_backward upsample_trilinear3d_backward"
    ),
    "torch takes it apart: it resizes by an index": (
        "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d "
        "_upsample_nearest_exact2d _upsample_nearest_exact3d"
    ),
    "a Mac's own kernel: a network is followed on shapes or a CPU, where others run": "_lstm_mps",
    "weights of which two of four are stored are multiplied by on cards alone": (
        "_cslt_compress _cslt_sparse_mm _sparse_semi_structured_addmm "
        "_sparse_semi_structured_apply _sparse_semi_structured_apply_dense "
        "_sparse_semi_structured_linear _sparse_semi_structured_mm _sparse_semi_structured_tile "
        "_to_sparse_semi_structured"
    ),
    "what it rounds by is observed while it runs": (
        "_fused_moving_avg_obs_fq_helper _fused_moving_avg_obs_fq_helper_functional"
    ),
    "what its packed weights look like is not told": (
        "quantized_embedding_bag_2bit quantized_embedding_bag_2bit_rowwise_offsets "
        "quantized_embedding_bag_4bit quantized_embedding_bag_4bit_rowwise_offsets "
        "quantized_embedding_bag_byte quantized_embedding_bag_byte_rowwise_offsets "
        "quantized_quantized_gru_cell_dynamic quantized_quantized_lstm_cell_dynamic "
        "quantized_quantized_rnn_relu_cell_dynamic quantized_quantized_rnn_tanh_cell_dynamic"
    ),
    "it is torch's own test": "_test_autograd_multiple_dispatch_view",
}

WITHOUT_RULE: Mapping[str, str] = {
    name: reason for reason, names in _REASONS.items() for name in names.split()
}
"""Operator, without namespace and trailing underscore, to the reason."""
