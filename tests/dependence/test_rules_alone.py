"""Every form of an operator, by itself, against what changes when each of its numbers is altered.

All axes are of unlike sizes, and so are strides, paddings and dilations: which is which is told
apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from one_rule import lowered, said_of, told_and_seen
from torch import Tensor

from archscope.dependence.record.graph import Value
from archscope.dependence.rules import index, layouts, sorting, views, write

aten: Any = torch.ops.aten
Given = dict[str, Any]


def r(*shape: int, seed: int = 0) -> Tensor:
    """Return numbers between 0.5 and 1.5."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64) + 0.5


def i(*numbers: Any) -> Tensor:
    return torch.tensor(numbers)


COUNTS: list[tuple[Any, Given, str]] = [
    (aten.linspace.Tensor_Tensor, {"start": r(), "end": r() + 1, "steps": 4}, "start end"),
    (aten.linspace.Tensor_Tensor, {"start": r(), "end": r() + 1, "steps": 1}, "start end"),
    (aten.linspace.Tensor_Tensor, {"start": r(), "end": r() + 1, "steps": 2}, "start end"),
    (
        aten.masked_select.default,
        {"self": r(2, 1), "mask": i([True, False, True], [False, True, False])},
        "self",
    ),
    (aten.searchsorted.Tensor, {"sorted_sequence": r(2, 3).sort()[0], "self": r(2, 4)}, "self"),
    (aten.bucketize.Tensor, {"self": r(2, 3), "boundaries": r(4).sort()[0]}, "self"),
    (aten.isin.Tensor_Tensor, {"elements": r(2, 3), "test_elements": r(4)}, ""),
    *(
        (
            aten._embedding_bag.default,
            {
                "weight": r(3, 2),
                "indices": i(0, 1, 2, 0, 1),
                "offsets": offsets,
                "mode": 0,
                "per_sample_weights": r(5),
                "include_last_offset": last,
            },
            "per_sample_weights",
        )
        for offsets, last in ((i(0, 2, 2), False), (i(0, 3, 5), True))
    ),
    *(
        (
            aten.segment_reduce.default,
            {"data": r(6, 2), "reduce": "sum", "axis": 0, "unsafe": True, **parts},
            "data",
        )
        for parts in ({"lengths": i(1, 0, 3, 2)}, {"offsets": i(0, 1, 4, 6)})
    ),
    (aten.normal.Tensor_Tensor, {"mean": r(2, 1), "std": r(2, 3) + 4}, "mean std"),
    (aten.normal.Tensor_float, {"mean": r(2, 3), "std": 2.0}, "mean"),
    (aten.normal.float_Tensor, {"mean": 1.0, "std": r(3) + 4}, "std"),
    (aten.renorm.default, {"self": r(3, 2, 4), "p": 2, "dim": -2, "maxnorm": 0.1}, "self"),
    (aten._weight_norm_interface.default, {"v": r(3, 2, 4), "g": r(3, 1, 1)}, "v g"),
    (aten._weight_norm_interface.default, {"v": r(3, 2), "g": r(1, 2), "dim": 1}, "v g"),
    (
        aten.embedding_renorm.default,
        {"self": r(4, 3), "indices": i(2, 0), "max_norm": 0.1, "norm_type": 2.0},
        "self",
    ),
]
LOSSES: list[tuple[Any, Given, str]] = [
    *(
        (aten.mse_loss.default, {"self": r(2, 3), "target": r(2, 3) + 1, "reduction": how}, both)
        for how in (0, 1)
        for both in ("self target",)
    ),
    (aten.smooth_l1_loss.default, {"self": r(2, 3), "target": r(3) + 1, "reduction": 0}, "self"),
    (
        aten.binary_cross_entropy_with_logits.default,
        {
            "self": r(2, 3),
            "target": r(2, 3, seed=1),
            "weight": r(2, 1),
            "pos_weight": r(3),
            "reduction": 0,
        },
        "self target weight pos_weight",
    ),
    (
        aten.binary_cross_entropy.default,
        {"self": r(2, 3) / 2, "target": r(2, 3) / 2, "weight": r(3), "reduction": 2},
        "weight",
    ),
    (
        aten.multi_margin_loss.default,
        {"self": r(2, 3), "target": i(2, 0), "margin": 9, "weight": r(3), "reduction": 0},
        "self",
    ),
    (
        aten.multilabel_margin_loss_forward.default,
        {"self": r(2, 3), "target": i([2, -1, 0], [0, 1, -1]), "reduction": 0},
        "self",
    ),
    *(
        (
            aten.nll_loss_forward.default,
            {"self": scores, "target": labels, "weight": None, "reduction": how,
             "ignore_index": -100},
            "self",
        )
        for scores, labels, how in (
            (r(3, 4), i(1, 0, 2), 0),
            (r(3, 4), i(1, -100, 2), 0),
        )
    ),
    (
        aten.nll_loss2d_forward.default,
        {"self": r(2, 3, 1, 4), "target": i([[1, 0, 2, 2]], [[0, -100, 1, 2]]), "weight": None,
         "reduction": 0, "ignore_index": -100},
        "self",
    ),
]  # fmt: skip
SHAPES: list[tuple[Any, Given, str]] = [
    (aten.slice.Tensor, {"self": r(2, 7), "dim": -1, "start": 1, "end": -1, "step": 2}, "self"),
    (aten.slice.Tensor, {"self": r(2, 7), "dim": 1}, "self"),
    (aten.slice_copy.Tensor, {"self": r(5), "start": -3}, "self"),
    (aten.select.int, {"self": r(2, 3, 4), "dim": -2, "index": -1}, "self"),
    (aten.select_copy.int, {"self": r(2, 3), "dim": 0, "index": 1}, "self"),
    (aten.narrow_copy.default, {"self": r(2, 5), "dim": 1, "start": -4, "length": 2}, "self"),
    (aten.unbind.int, {"self": r(2, 3, 2), "dim": -2}, "self"),
    (aten.unbind_copy.int, {"self": r(2, 3)}, "self"),
    (aten.split.Tensor, {"self": r(2, 5), "split_size": 2, "dim": 1}, "self"),
    (aten.unsafe_split.Tensor, {"self": r(5, 2), "split_size": 3}, "self"),
    (aten.split_with_sizes.default, {"self": r(6), "split_sizes": [1, 3, 2]}, "self"),
    (
        aten.unsafe_split_with_sizes.default,
        {"self": r(2, 6), "split_sizes": [4, 2], "dim": -1},
        "self",
    ),
    (aten.unfold.default, {"self": r(1, 7, 2), "dimension": 1, "size": 3, "step": 2}, "self"),
    (aten.diagonal.default, {"self": r(2, 3, 4)}, "self"),
    (aten.diagonal_copy.default, {"self": r(3, 2, 4), "offset": -1, "dim1": 2, "dim2": 0}, "self"),
    (aten.as_strided.default, {"self": r(3, 4), "size": [2, 3], "stride": [5, 1]}, "self"),
    (
        aten.as_strided_copy.default,
        {"self": r(3, 4), "size": [2], "stride": [4], "storage_offset": 3},
        "self",
    ),
    (aten.diag_embed.default, {"self": r(2, 3)}, "self"),
    (aten.diag_embed.default, {"self": r(2, 3), "offset": -1, "dim1": 2, "dim2": 0}, "self"),
    (aten.permute.default, {"self": r(2, 3, 4), "dims": [-1, 0, 1]}, "self"),
    (aten.transpose.int, {"self": r(2, 3, 4), "dim0": -3, "dim1": 2}, "self"),
    (aten.t.default, {"self": r(2, 3)}, "self"),
    (aten.t.default, {"self": r(3)}, "self"),
    (aten.expand.default, {"self": r(2, 1, 3), "size": [4, 2, 2, 3]}, "self"),
    (aten.repeat.default, {"self": r(2, 3), "repeats": [2, 1, 2]}, "self"),
    (aten.roll.default, {"self": r(2, 5), "shifts": [2, 1], "dims": [1, -2]}, "self"),
    (aten.roll.default, {"self": r(2, 3), "shifts": [-2]}, "self"),
    (aten.flip.default, {"self": r(2, 3, 2), "dims": [-2, 0]}, "self"),
    *(
        (aten.rot90.default, {"self": r(2, 3, 4), "k": k, "dims": [2, -2]}, "self")
        for k in (-1, 0, 1, 2)
    ),
    (aten.cat.default, {"tensors": [r(2, 3), r(2, 1), r(2, 2)], "dim": -1}, "tensors.1 tensors.2"),
    (aten.stack.default, {"tensors": [r(2, 3), r(2, 3)], "dim": -2}, "tensors.0 tensors.1"),
    (aten.block_diag.default, {"tensors": [r(2, 3), r(2), r()]}, "tensors.0 tensors.1 tensors.2"),
    (aten.pixel_shuffle.default, {"self": r(1, 8, 1, 2), "upscale_factor": 2}, "self"),
    (aten.pixel_unshuffle.default, {"self": r(1, 4, 6), "downscale_factor": 2}, "self"),
    (aten.channel_shuffle.default, {"self": r(2, 6, 1, 2), "groups": 3}, "self"),
    (aten.native_channel_shuffle.default, {"self": r(1, 6, 2, 1), "groups": 2}, "self"),
    (aten.tril.default, {"self": r(2, 3, 4), "diagonal": 1}, "self"),
    (aten.triu.default, {"self": r(3, 4)}, "self"),
    (
        aten.where.self,
        {"condition": i([True, False, True]), "self": r(2, 3), "other": r(2, 1)},
        "self other",
    ),
    (
        aten.masked_fill.Tensor,
        {"self": r(2, 3), "mask": i([True, False, True]), "value": r()},
        "self",
    ),
    (
        aten.slice_scatter.default,
        {"self": r(2, 5), "src": r(2, 2), "dim": 1, "start": 1, "end": 4, "step": 2},
        "self src",
    ),
    (
        aten.select_scatter.default,
        {"self": r(2, 3), "src": r(2), "dim": -1, "index": 1},
        "self src",
    ),
    (aten.diagonal_scatter.default, {"self": r(2, 3), "src": r(2), "offset": 1}, "self src"),
    (
        aten.as_strided_scatter.default,
        {"self": r(2, 3), "src": r(2), "size": [2], "stride": [2], "storage_offset": 1},
        "self src",
    ),
    (
        aten.unfold_backward.default,
        {"grad_in": r(2, 3, 3), "input_sizes": [2, 7], "dim": 1, "size": 3, "step": 2},
        "grad_in",
    ),
    (aten.cumsum.default, {"self": r(2, 3), "dim": -2}, "self"),
    (aten.cumprod.default, {"self": r(2, 3), "dim": 1}, "self"),
    (aten.view_as_complex.default, {"self": r(3, 2)}, "self"),
    (aten.complex.default, {"real": r(2, 1), "imag": r(3)}, "real imag"),
]
NUMBERED: list[tuple[Any, Given, str]] = [
    (
        aten.scatter.src,  # whole along the first axis, not along the last
        {"self": r(2, 3, 4), "dim": 1, "index": i(*[[[0, 0], [2, 2]]] * 2), "src": r(2, 2, 2)},
        "self src",
    ),
    (
        aten.scatter.src,  # whole along its own axis, not along the first
        {"self": r(3, 4), "dim": 1, "index": i(*[[3, 0, 1, 2]] * 2), "src": r(2, 4)},
        "self src",
    ),
    (aten.index_select.default, {"self": r(2, 4), "dim": -1, "index": i(3, 0, 3)}, "self"),
    (aten.index.Tensor, {"self": r(2, 3, 4), "indices": [None, i(2, 0, 0)]}, "self"),
    (aten.index.Tensor, {"self": r(2, 3, 4), "indices": [i(1, 0), None, i(-1, 2)]}, "self"),
    (aten.index.Tensor, {"self": r(2, 3, 4), "indices": [None, i([0], [2]), i(1, 3)]}, "self"),
    (
        aten.index.Tensor,
        {"self": r(2, 3, 2), "indices": [i([True, False, True], [False, True, False])]},
        "self",
    ),
    (
        aten._unsafe_masked_index.default,
        {"self": r(3, 2), "mask": i([True, False, True], [False, True, True]).T,
         "indices": [i([2], [0], [1]), i([1, 0])], "fill": 7},
        "self",
    ),
    (
        aten._unsafe_masked_index_put_accumulate.default,
        {"self": r(4, 3), "mask": i(True, False, True), "indices": [i(2, 0, 2), i(1, 1, 1)],
         "values": r(3)},
        "self values",
    ),
    *(
        (
            aten.index_put.default,
            {"self": r(3, 2, 4), "indices": indices, "values": values, "accumulate": adds},
            "self values",
        )
        for adds in (False, True)
        for indices, values in (
            ([i(2, 0)], r(2, 2, 4)),
            ([None, i(1), i(3)], r(3, 1)),
            ([i(2, 0), None, i(1, 3)], r(2, 1)),
        )
    ),
    (aten.gather.default, {"self": r(3, 4), "dim": 0, "index": i([2, 0, 1], [0, 0, 2])}, "self"),
    (aten.gather.default, {"self": r(3, 4), "dim": -1, "index": i([3, 1], [3, 1])}, "self"),
    (aten.gather.default, {"self": r(2, 4), "dim": 1, "index": i([3, 3], [0, 0])}, "self"),
    (aten.take.default, {"self": r(2, 3), "index": i([5, -2])}, "self"),
    (aten.index_add.default, {"self": r(2, 4), "dim": -1, "index": i(3, 0, 3), "source": r(2, 3)},
     "self source"),
    (aten.index_copy.default, {"self": r(4, 2), "dim": 0, "index": i(3, 0), "source": r(2, 2)},
     "self source"),
    (aten.index_fill.int_Tensor, {"self": r(2, 3), "dim": 1, "index": i(2), "value": r()}, "self"),
    *(
        (
            aten.scatter.src,
            {"self": r(2, 4), "dim": -1, "index": index, "src": r(3, 5)},
            "self src",
        )
        for index in (i([3, 0], [3, 0]), i([3, 0], [1, 2]), i([3, 0]))
    ),
    (
        aten.scatter_add.default,  # each row to one place of its own
        {"self": r(2, 4), "dim": 1, "index": i([3, 3], [0, 0]), "src": r(2, 2)},
        "self src",
    ),
    (
        aten.scatter_add.default,
        {"self": r(3, 2), "dim": 0, "index": i([2, 0], [2, 0], [0, 0]), "src": r(3, 2)},
        "self src",
    ),
    *(
        (
            aten.scatter_reduce.two,
            {"self": r(3, 2), "dim": 0, "index": i([2, 2]), "src": r(1, 2), "reduce": "sum",
             "include_self": own},
            "self src",
        )
        for own in (False, True)
    ),
    (
        aten.masked_scatter.default,
        {"self": r(2, 3), "mask": i([True, False, True]), "source": r(7)},
        "self source",
    ),
    *(
        (
            aten.put.default,
            {"self": r(2, 3), "index": i(4, -6), "source": r(2), "accumulate": adds},
            "self source",
        )
        for adds in (False, True)
    ),
    (
        aten._pack_padded_sequence.default,
        {"input": r(3, 4, 2), "lengths": i(4, 2, 1), "batch_first": True},
        "input",
    ),
    (
        aten._pack_padded_sequence.default,
        {"input": r(4, 3, 2), "lengths": i(4, 2, 1), "batch_first": False},
        "input",
    ),
]  # fmt: skip
WINDOWS: list[tuple[Any, Given, str]] = [
    (aten.avg_pool2d.default, {"self": r(1, 2, 2, 3), "kernel_size": [2, 3]}, "self"),
    (
        aten.convolution.default,
        {"input": r(1, 4, 3, 5), "weight": r(6, 2, 2, 3), "bias": None, "stride": [2, 1],
         "padding": [1, 2], "dilation": [1, 2], "transposed": False, "output_padding": [0, 0],
         "groups": 2},
        "input",
    ),
    (
        aten.convolution.default,
        {"input": r(1, 2, 3, 2), "weight": r(2, 1, 2, 3), "bias": None, "stride": [2, 3],
         "padding": [1, 0], "dilation": [2, 1], "transposed": True, "output_padding": [1, 0],
         "groups": 2},
        "input",
    ),
    (
        aten.convolution.default,
        {"input": r(1, 1, 11), "weight": r(1, 1, 9), "bias": None, "stride": [2], "padding": [3],
         "dilation": [1], "transposed": False, "output_padding": [0], "groups": 1},
        "input",
    ),
    (aten.avg_pool2d.default, {"self": r(1, 1, 4, 5), "kernel_size": [2, 3], "stride": [2, 1],
     "padding": [1, 0]}, "self"),
    (aten.avg_pool2d.default, {"self": r(2, 4, 3), "kernel_size": [2, 1]}, "self"),
    (aten.max_pool2d_with_indices.default, {"self": r(1, 4, 6), "kernel_size": [2],
     "stride": [3, 1], "padding": [0], "dilation": [2, 3]}, "self"),
    (aten.avg_pool2d.default, {"self": r(1, 1, 3, 4), "kernel_size": [3, 2]}, "self"),
    (aten._adaptive_avg_pool2d.default, {"self": r(1, 5, 4), "output_size": [3, 1]}, "self"),
    (aten.adaptive_max_pool2d.default, {"self": r(1, 5, 4), "output_size": [2, 3]}, "self"),
    (aten.constant_pad_nd.default, {"self": r(2, 3, 4), "pad": [1, -2, 0, 0, -1, 2]}, "self"),
    (aten.reflection_pad2d.default, {"self": r(1, 3, 4), "padding": [3, 1, 0, 2]}, "self"),
    (aten.replication_pad1d.default, {"self": r(2, 3), "padding": [4, 1]}, "self"),
    *(
        (aten.im2col.default, {"self": r(*size, 4, 5), "kernel_size": [2, 3], "dilation": [2, 1],
                               "padding": [1, 0], "stride": [1, 2]}, "self")
        for size in ((1, 1), (2,))
    ),
    (
        aten.col2im.default,
        {"self": r(1, 6, 8), "output_size": [4, 5], "kernel_size": [2, 3], "dilation": [2, 1],
         "padding": [1, 0], "stride": [1, 2]},
        "self",
    ),
    (aten.conv_tbc.default, {"self": r(5, 2, 3), "weight": r(2, 3, 4), "bias": r(4), "pad": 1},
     "self"),
    *(
        (aten.upsample_linear1d.default,
         {"self": r(1, 1, 5), "output_size": [8], "align_corners": corners}, "self")
        for corners in (False, True)
    ),
    (aten.upsample_bilinear2d.default, {"self": r(1, 1, 3, 4), "output_size": [6, 2],
     "align_corners": False, "scales_h": 2.0, "scales_w": 0.5}, "self"),
    (aten.upsample_bilinear2d.default, {"self": r(1, 1, 3, 7), "output_size": [6, 3],
     "align_corners": False, "scales_h": None, "scales_w": 0.45}, "self"),
    (aten.upsample_trilinear3d.default, {"self": r(1, 1, 2, 3, 1), "output_size": [3, 2, 2],
     "align_corners": False}, "self"),
    (aten.upsample_bicubic2d.default, {"self": r(1, 1, 2, 6), "output_size": [2, 9],
     "align_corners": False}, "self"),
    (aten._upsample_bilinear2d_aa.default, {"self": r(1, 1, 2, 7), "output_size": [2, 3],
     "align_corners": False}, "self"),
]  # fmt: skip
PRODUCTS: list[tuple[Any, Given, str]] = [
    (aten.mm.default, {"self": r(2, 3), "mat2": r(3, 4)}, "self mat2"),
    (aten.bmm.default, {"self": r(2, 1, 3), "mat2": r(2, 3, 4)}, "self mat2"),
    (aten.addmm.default, {"self": r(4), "mat1": r(2, 3), "mat2": r(3, 4)}, "self mat1 mat2"),
    (
        aten.baddbmm.default,
        {"self": r(2, 1, 4), "batch1": r(2, 3, 1), "batch2": r(2, 1, 4)},
        "self batch1 batch2",
    ),
    (aten.addmv.default, {"self": r(2), "mat": r(2, 3), "vec": r(3)}, "self mat vec"),
    (aten.mv.default, {"self": r(2, 3), "vec": r(3)}, "self vec"),
    (aten.dot.default, {"self": r(3), "tensor": r(3)}, "self tensor"),
    (aten.addr.default, {"self": r(2, 1), "vec1": r(2), "vec2": r(3)}, "self vec1 vec2"),
    (
        aten._trilinear.default,
        {"i1": r(2, 3), "i2": r(5, 3, 4), "i3": r(2, 4), "expand1": [1, 3], "expand2": [0],
         "expand3": [1, 2], "sumdim": [2, 3]},
        "i1 i2 i3",
    ),
    (aten.linalg_cross.default, {"self": r(2, 3, 1), "other": r(1, 3, 4), "dim": 1}, "self other"),
    (aten._cdist_forward.default, {"x1": r(2, 3), "x2": r(4, 3), "p": 2.0, "compute_mode": None},
     "x1 x2"),
    (aten.affine_grid_generator.default, {"theta": r(2, 2, 3), "size": [2, 1, 2, 4],
     "align_corners": False}, "theta"),
    (aten.affine_grid_generator.default, {"theta": r(1, 3, 4), "size": [1, 1, 2, 4, 2],
     "align_corners": True}, "theta"),
    (aten._int_mm.default, {"self": torch.ones(17, 8, dtype=torch.int8),
     "mat2": torch.ones(8, 8, dtype=torch.int8)}, ""),
    (
        aten.grid_sampler_2d.default,
        {"input": r(2, 1, 3, 4), "grid": (r(1, 2, 5, 2) - 1).expand(2, 2, 5, 2).clone(),
         "interpolation_mode": 0, "padding_mode": 0, "align_corners": False},
        "input",
    ),
    (
        aten.grid_sampler_2d.default,
        {"input": r(2, 3, 3, 4), "grid": r(2, 2, 1, 2) - 1, "interpolation_mode": 0,
         "padding_mode": 1, "align_corners": False},
        "grid",
    ),
    (aten.trace.default, {"self": r(2, 3)}, ""),
    (aten.linalg_lstsq.default, {"self": r(4, 2), "b": r(4, 2), "driver": "gels"}, "b"),
    (aten.linalg_lstsq.default, {"self": r(2, 4, 2), "b": r(2, 4, 3), "driver": "gels"}, "b"),
    (aten._linalg_solve_ex.default, {"A": r(3, 3), "B": r(3, 2)}, "B"),
    (aten._linalg_solve_ex.default, {"A": r(2, 3, 3), "B": r(1, 3, 1)}, "B"),
]  # fmt: skip
MIXED: list[tuple[Any, Given, str]] = [
    (aten._softmax.default, {"self": r(2, 3), "dim": -2, "half_to_float": False}, "self"),
    (aten._log_softmax.default, {"self": r(2, 3), "dim": 1, "half_to_float": False}, "self"),
    (
        aten.native_layer_norm.default,
        {"input": r(2, 3, 4), "normalized_shape": [3, 4], "weight": r(3, 4), "bias": r(3, 4),
         "eps": 1e-5},
        "input",
    ),
    (
        aten.native_group_norm.default,
        {"input": r(2, 4, 3), "weight": None, "bias": None, "N": 2, "C": 4, "HxW": 3, "group": 2,
         "eps": 1e-5},
        "",
    ),
    (
        aten._native_batch_norm_legit_no_training.default,
        {"input": r(2, 3, 4), "weight": r(3), "bias": r(3), "running_mean": r(3),
         "running_var": r(3), "momentum": 0.1, "eps": 1e-5},
        "input",
    ),
    (
        aten.native_batch_norm.default,
        {"input": r(2, 1, 4), "weight": r(1), "bias": r(1), "running_mean": r(1),
         "running_var": r(1), "training": True, "momentum": 0.1, "eps": 1e-5},
        "input",
    ),
    *(
        (aten.sum.dim_IntList, {"self": r(2, 3, 4), "dim": axes, "keepdim": keep}, "self")
        for axes in ([1], [-1, 0], [])
        for keep in (False, True)
    ),
    (aten.mean.default, {"self": r(2, 3)}, "self"),
    (aten.var_mean.correction, {"self": r(2, 3), "dim": [1]}, "self"),
    (aten.any.dim, {"self": (r(2, 3) > 1).double(), "dim": 0}, ""),
    (aten.max.dim, {"self": r(2, 3), "dim": -1, "keepdim": True}, ""),
    (aten.amin.default, {"self": r(2, 3), "dim": [0]}, "self"),
    (aten.sort.default, {"self": r(2, 3), "dim": 0}, "self"),
    (aten.topk.default, {"self": r(2, 4), "k": 3, "dim": 1}, "self"),
    (aten.kthvalue.default, {"self": r(2, 3), "k": 2, "dim": -1, "keepdim": True}, "self"),
    (aten.glu.default, {"self": r(2, 4, 3), "dim": 1}, "self"),
    (aten.glu.default, {"self": r(3, 4)}, "self"),
    (aten.linalg_vector_norm.default, {"self": r(2, 3), "dim": [1]}, "self"),
    (aten.min.other, {"self": r(2, 3), "other": r(3, seed=1)}, "self other"),
    (aten._softmax_backward_data.default, {"grad_output": r(2, 3), "output": r(2, 3, seed=1),
     "dim": -1, "input_dtype": torch.float64}, "grad_output output"),
    (aten._log_softmax_backward_data.default, {"grad_output": r(2, 3), "output": r(2, 3, seed=1),
     "dim": 0, "input_dtype": torch.float64}, ""),
    (aten.elu_backward.default, {"grad_output": r(2, 3), "alpha": 1, "scale": 1, "input_scale": 1,
     "is_result": False, "self_or_result": -r(2, 3)}, "grad_output self_or_result"),
    (aten._foreach_add.List, {"self": [r(2, 3), r(4)], "other": [r(3), r(1)]},
     "self.0 self.1 other.0 other.1"),
    (aten._foreach_norm.Scalar, {"self": [r(2, 3), r(4)]}, "self.0 self.1"),
    (aten._fake_quantize_learnable_per_channel_affine.default,
     {"self": 9 * r(2, 3), "scale": torch.ones(3), "zero_point": torch.zeros(3),
      "axis": 1, "quant_min": -99, "quant_max": 99}, "self"),
]  # fmt: skip
TABLES = {
    "counts": COUNTS, "losses": LOSSES, "shapes": SHAPES, "numbers": NUMBERED,
    "windows": WINDOWS, "products": PRODUCTS, "mixed": MIXED,
}  # fmt: skip
CASES = [
    pytest.param(overload, given, name, id=f"{kind}, {overload}, {number}, {name}")
    for kind, table in TABLES.items()
    for number, (overload, given, names) in enumerate(table)
    for name in names.split()
]


@pytest.mark.parametrize(("overload", "given", "name"), CASES)
@pytest.mark.filterwarnings("ignore:index_reduce", "ignore:Sparse")
def test_a_rule_says_what_changes_in_what_an_operator_makes(
    overload: Any, given: Given, name: str
) -> None:
    found, outputs = told_and_seen(overload, given, name)

    assert found.flag == ""
    for told, seen in outputs:
        np.testing.assert_array_equal(told, seen)


def each(*sizes: int) -> Any:
    """Return a relation that keeps apart what lies along the first axis of (count, made, read)."""
    count, made, read = sizes
    return np.kron(np.eye(count), np.ones((made, read))) > 0


ALL = np.ones(1, dtype=np.bool_)
V = Value
X = Value(0, ())
"""Stands for what is looked at."""
DATA, KNOWN = "depends on data", ""
BY_HAND: dict[str, tuple[str, tuple[int, ...], tuple[int, ...], Given, str, Any]] = {
    # operator, shape of what is looked at, of the result, arguments, flag, what is seen
    "rows that data names": (
        "embedding_renorm", (2, 3), (2, 3), {"self": X, "indices": V(9, (4,))}, DATA,
        each(2, 3, 3)),
    "numbers of rows": (
        "embedding_renorm", (4,), (2, 3), {"self": V(9, (2, 3)), "indices": X}, DATA, ALL),
    "a selection by data": (
        "masked_select", (2, 3), (4,), {"self": X, "mask": V(9, (2, 3))}, DATA, ALL),
    "a mask of data": (
        "masked_select", (2, 3), (4,), {"self": r(2, 3), "mask": X}, DATA, ALL),
    "numbers that are looked up": (
        "searchsorted", (2, 3), (2, 3), {"sorted_sequence": r(2, 4), "self": X}, KNOWN,
        each(6, 1, 1)),
    "a table of rows": (
        "searchsorted", (2, 4), (2, 3), {"sorted_sequence": X, "self": r(2, 3)}, KNOWN,
        each(2, 3, 4)),
    "one table": (
        "searchsorted", (4,), (2, 3), {"sorted_sequence": X, "self": r(2, 3)}, KNOWN, ALL),
    "one table for one row": (
        "searchsorted", (4,), (3,), {"sorted_sequence": X, "self": r(3)}, KNOWN, ALL),
    "elements of a set": (
        "isin", (2, 3), (2, 3), {"elements": X, "test_elements": r(4)}, KNOWN, each(6, 1, 1)),
    "a set": (
        "isin", (4,), (2, 3), {"elements": r(2, 3), "test_elements": X}, KNOWN, ALL),
    "a table that bags are of": (
        "_embedding_bag", (3, 2), (1, 2),
        {"weight": X, "indices": i(0, 1), "offsets": i(0), "include_last_offset": False},
        DATA, ALL),
    "numbers in bags": (
        "_embedding_bag", (5,), (2, 3),
        {"weight": r(4, 3), "indices": X, "offsets": i(0, 2), "include_last_offset": False},
        KNOWN, np.repeat([[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]], 3, axis=0) > 0),
    "segments of each row": (
        "segment_reduce", (2, 3), (2, 2),
        {"data": X, "reduce": "sum", "lengths": i([1, 2], [2, 1]), "offsets": None, "axis": 1},
        DATA, each(2, 2, 3)),
    "lengths of segments": (
        "segment_reduce", (2,), (2, 3),
        {"data": V(9, (5, 3)), "reduce": "sum", "lengths": X, "offsets": None, "axis": 0},
        DATA, ALL),
    "lengths of constant segments": (
        "segment_reduce", (2,), (2, 3),
        {"data": r(5, 3), "reduce": "sum", "lengths": X, "offsets": None, "axis": 0},
        DATA, ALL),
    "random numbers that add up to one": (
        "_sample_dirichlet", (2, 3), (2, 3), {"self": X}, KNOWN, each(2, 3, 3)),
    "how often each is repeated": (
        "repeat_interleave", (3,), (5,), {"repeats": X, "output_size": 5}, DATA, ALL),
    "labels of classes": (
        "nll_loss_forward", (3,), (3,),
        {"self": V(9, (3, 4)), "target": X, "weight": None}, DATA, each(3, 1, 1)),
    "scores whose labels are data": (
        "nll_loss_forward", (3, 4), (3,),
        {"self": X, "target": V(9, (3,)), "weight": None}, DATA, each(3, 1, 4)),
    "scores of one row": (
        "nll_loss_forward", (4,), (),
        {"self": X, "target": i(2)[0], "weight": None}, KNOWN, ALL),
    "a mean of losses": (
        "nll_loss_forward", (3, 4), (),
        {"self": X, "target": i(2, 0, 1), "weight": None}, KNOWN, ALL),
    "weights of classes": (
        "nll_loss_forward", (4,), (3,),
        {"self": r(3, 4), "target": i(2, 0, 1), "weight": X}, KNOWN, ALL),
    "labels of several classes": (
        "multilabel_margin_loss_forward", (2, 3), (2,), {"self": r(2, 3), "target": X}, KNOWN,
        each(2, 1, 3)),
    "masked scores": (
        "_masked_softmax", (2, 3), (2, 3),
        {"self": X, "mask": i([True, False, True]), "dim": None}, DATA, each(2, 3, 3)),
    "masked scores of columns": (
        "_masked_softmax", (1, 2, 3), (1, 2, 3),
        {"self": X, "mask": i([True, False, True]), "dim": -2}, DATA,
        np.kron(np.ones((2, 2)), np.eye(3)) > 0),
    "a mask of scores": (
        "_masked_softmax", (2, 3), (2, 3), {"self": r(2, 3), "mask": X, "dim": 1}, DATA, ALL),
    "a made weight": (
        "linear", (4, 3), (2, 4), {"input": r(2, 3), "weight": X, "bias": r(4)}, KNOWN, ALL),
    "a made bias": (
        "linear", (4,), (2, 4), {"input": r(2, 3), "weight": r(4, 3), "bias": X}, KNOWN, ALL),
    "features": (
        "linear", (2, 3), (2, 4), {"input": X, "weight": r(4, 3), "bias": r(4)}, KNOWN,
        each(2, 4, 3)),
    "a product of unlike ranks": (
        "matmul", (2, 3), (5, 2, 4), {"self": X, "other": r(5, 3, 4)}, KNOWN, ALL),
    "a sum of products": (
        "addbmm", (2, 1, 3), (1, 4),
        {"self": r(1, 4), "batch1": X, "batch2": r(2, 3, 4), "beta": 1, "alpha": 1},
        KNOWN, ALL),
    "one matrix of each group of columns": (
        "_grouped_mm", (2, 3, 4), (3, 5),
        {"self": X, "mat2": r(4, 5), "offs": i(2, 5)}, KNOWN, ALL),
    "columns in groups": (
        "_grouped_mm", (4, 5), (3, 5),
        {"self": r(2, 3, 4), "mat2": X, "offs": i(2, 5)}, KNOWN,
        np.kron(np.ones((3, 4)), np.eye(5)) > 0),
    "one matrix of each group of rows": (
        "_grouped_mm", (2, 3, 4), (5, 4), {"self": r(5, 3), "mat2": X, "offs": i(2, 5)},
        KNOWN, ALL),
    "groups that data ends": (
        "_grouped_mm", (5, 3), (5, 4),
        {"self": X, "mat2": r(2, 3, 4), "offs": V(9, (2,))}, DATA, each(5, 4, 3)),
    "ends of groups": (
        "_grouped_mm", (2,), (5, 4),
        {"self": r(5, 3), "mat2": r(2, 3, 4), "offs": X}, DATA, ALL),
    "inner groups that data ends": (
        "_grouped_mm", (2, 5), (3, 2, 4),
        {"self": X, "mat2": r(5, 4), "offs": V(9, (3,))}, DATA,
        np.tile(each(2, 4, 5), (3, 1))),
    "the other side of inner groups": (  # group 0 sums over rows 0 and 1, group 1 over the others
        "_grouped_mm", (5, 4), (2, 3, 4),
        {"self": r(3, 5), "mat2": X, "offs": i(2, 5)}, KNOWN,
        np.kron(np.repeat([[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]], 3, axis=0), np.eye(4)) > 0),
    "rows whose ends are data": (
        "_jagged_to_padded_dense_forward", (5, 2), (2, 3, 2),
        {"values": X, "offsets": [V(9, (3,))], "max_lengths": [3]}, DATA, ALL),
    "rows of rows": (
        "_jagged_to_padded_dense_forward", (5, 2), (1, 2, 3, 2),
        {"values": X, "offsets": [i(0, 2), i(0, 2, 5)], "max_lengths": [2, 3]}, DATA, ALL),
    "a sparse product that is added": (
        "sspaddmm", (3, 4), (3, 5), {"self": r(3, 5), "mat1": X, "mat2": r(4, 5)}, KNOWN,
        np.kron(np.eye(3), np.ones((5, 4))) > 0),
    "numbers of a constant table": (
        "gather", (2, 3), (2, 3), {"self": r(4, 3), "dim": 0, "index": X}, KNOWN,
        each(6, 1, 1)),
    "a table by numbers of data": (
        "gather", (2, 4), (2, 3), {"self": X, "dim": 1, "index": V(9, (2, 3))}, DATA,
        each(2, 3, 4)),
    "a table of another shape by numbers of data": (
        "gather", (3, 4), (2, 3), {"self": X, "dim": 1, "index": V(9, (2, 3))}, DATA, ALL),
    "a table of a longer row by numbers of data": (
        "gather", (3, 4, 2), (3, 5, 1), {"self": X, "dim": 1, "index": V(9, (3, 5, 1))}, DATA, ALL),
    "numbers of places of a table": (
        "index", (2, 1), (2, 3, 5),
        {"self": r(4, 6, 5), "indices": [X, i(0, 2, 1)]}, KNOWN,
        each(2, 15, 1)),
    "numbers of columns of a table": (
        "index", (2,), (4, 2), {"self": r(4, 6), "indices": [None, X]}, DATA, ALL),
    "a mask of places": (
        "index", (4, 6), (7,), {"self": r(4, 6), "indices": [X]}, DATA, ALL),
    "numbers of rows of a table": (
        "embedding", (2, 3), (2, 3, 4), {"weight": r(5, 4), "indices": X}, KNOWN,
        each(6, 4, 1)),
    "a table of rows by number": (
        "embedding", (5, 4), (2, 4), {"weight": X, "indices": i(3, 0)}, DATA, ALL),
    "places to write to": (
        "scatter", (2, 3), (2, 4),
        {"self": r(2, 4), "dim": -1, "index": X, "src": r(2, 3)}, DATA, each(2, 4, 3)),
    "what is written anywhere": (
        "scatter_add", (3, 2), (4, 2),
        {"self": r(4, 2), "dim": 0, "index": V(9, (3, 2)), "src": X}, DATA,
        np.kron(np.ones((4, 3)), np.eye(2)) > 0),
    "what is written over anywhere": (
        "scatter", (4, 2), (4, 2),
        {"self": X, "dim": 0, "index": V(9, (3, 2)), "src": r(3, 2)}, DATA, each(8, 1, 1)),
    "what slices are filled with": (
        "index_fill", (), (2, 3), {"self": r(2, 3), "dim": 1, "index": i(2), "value": X},
        KNOWN, ALL),
    "a grid over an image of data": (
        "grid_sampler_2d", (1, 2, 5, 2), (1, 3, 2, 5),
        {"input": V(9, (1, 3, 4, 4)), "grid": X}, DATA,
        np.tile(each(10, 1, 2), (3, 1))),
    "an image under a grid of data": (
        "grid_sampler_2d", (1, 3, 2, 4), (1, 3, 2, 5),
        {"input": X, "grid": V(9, (1, 2, 5, 2))}, DATA, each(3, 10, 8)),
    "pooled places that nobody knows": (
        "max_unpool2d", (1, 2, 2), (1, 4, 4),
        {"self": X, "indices": V(9, (1, 2, 2)), "output_size": [4, 4]}, DATA, ALL),
    "scores of no batch": (
        "_ctc_loss", (4, 3), (1,), {"log_probs": X}, "unknown operator", ALL),
    "stored numbers": (
        "_sparse_softmax", (2, 3), (2, 3), {"self": X, "dim": -1, "half_to_float": False},
        KNOWN, each(2, 3, 3)),
    "copies of what is stored": (
        "_sparse_broadcast_to", (1, 3), (2, 3), {"self": X, "size": [2, 3]}, KNOWN,
        np.tile(np.eye(3), (2, 1)) > 0),
    "a longer memory": (
        "resize", (2, 2), (3, 2), {"self": X, "size": [3, 2]}, KNOWN, np.eye(6, 4) > 0),
    "a shorter memory": (
        "resize", (2, 3), (4,), {"self": X, "size": [4]}, KNOWN, np.eye(4, 6) > 0),
    "as much memory": (
        "resize", (2, 3), (6,), {"self": X, "size": [6]}, KNOWN, np.eye(6) > 0),
    "a layout of its own": (
        "_mkldnn_reshape", (2, 3), (3, 2), {"self": X, "shape": [3, 2]}, KNOWN, np.eye(6) > 0),
    "values at places of data": (
        "_sparse_coo_tensor_with_dims_and_tensors", (3,), (2, 4),
        {"values": X, "indices": V(9, (2, 3)), "dense_dim": 0}, DATA, ALL),
    "rows at places": (
        "_sparse_coo_tensor_with_dims_and_tensors", (2, 3), (4, 3),
        {"values": X, "indices": i([2, 0]), "dense_dim": 1}, KNOWN,
        np.kron([[0, 1], [0, 0], [1, 0], [0, 0]], np.eye(3)) > 0),
    "a slope of each channel": (
        "quantized_prelu", (2, 3), (2, 3), {"qx": X, "weight": r(3)}, KNOWN, np.eye(6) > 0),
    "statistics of each channel": (
        "quantized_instance_norm", (2, 3, 4), (2, 3, 4), {"input": X}, KNOWN, each(6, 4, 4)),
    "statistics of a constant": (
        "quantized_instance_norm", (3,), (2, 3, 4), {"input": r(2, 3, 4), "weight": X}, KNOWN,
        np.zeros(1, dtype=np.bool_)),
    "halves that data splits": (
        "tensor_split", (4,), (2,), {"self": X, "dim": 0}, "unknown operator", ALL),
    "an operator that nobody knows": (
        "no_such_operator", (4,), (2, 3), {"self": X}, "unknown operator", ALL),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_a_rule_says_what_is_worked_out_by_hand(name: str) -> None:
    operator, shape, made, given, flag, seen = BY_HAND[name]
    source = Value(0, shape)

    def put(value: Any) -> Any:
        if isinstance(value, list):
            return [put(each) for each in value]
        return source if value is X else value

    found = lowered(operator, source, [made], **{key: put(value) for key, value in given.items()})

    assert found.flag == flag
    expected = np.broadcast_to(seen, (int(np.prod(made)), int(np.prod(shape))))
    np.testing.assert_array_equal(said_of(found, source, 0), expected)


def test_whether_a_matrix_has_a_root_is_read_off_one_triangle() -> None:
    source = Value(0, (2, 2))
    found = lowered("linalg_cholesky_ex", source, [(2, 2), ()], self=source, upper=False)

    assert said_of(found, source, 1).tolist() == [[True, False, True, True]]


LIMITS: list[tuple[Any, Any, Given, str, int]] = [
    # the file that asks, operator, arguments, what is looked at, elements that it takes
    (views, aten.diagonal.default, {"self": r(2, 3)}, "self", 6),
    (views, aten.as_strided.default, {"self": r(7), "size": [2], "stride": [3]}, "self", 7),
    (views, aten.as_strided.default, {"self": r(3), "size": [2, 4], "stride": [0, 0]}, "self", 8),
    (views, aten.diag_embed.default, {"self": r(3)}, "self", 9),
    (views, aten.take.default, {"self": r(2, 3), "index": i(5, 0)}, "self", 6),
    (index, aten.gather.default, {"self": r(3, 4), "dim": 0, "index": i([2, 0, 1, 1])}, "self", 12),
    (
        index,
        aten.gather.default,
        {"self": r(3), "dim": 0, "index": i(2, 0, 1, 1, 0)},
        "self",
        5,
    ),
    (
        sorting,
        aten.nll_loss_forward.default,
        {"self": r(3, 4), "target": i(1, 0, 2), "weight": None, "reduction": 0,
         "ignore_index": -100},
        "self",
        12,
    ),
    (write, aten.put.default, {"self": r(2, 3), "index": i(4), "source": r(1)}, "source", 6),
    (
        write,
        aten.put.default,
        {"self": r(2), "index": i(1, 0, 1), "source": r(3), "accumulate": True},
        "source",
        3,
    ),
    (layouts, aten.resize.default, {"self": r(3, 2), "size": [4]}, "self", 6),
]  # fmt: skip


@pytest.mark.parametrize(("file", "overload", "given", "name", "size"), LIMITS)
def test_what_is_larger_than_is_told_one_by_one_is_a_bound(
    file: Any, overload: Any, given: Given, name: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, flag in ((size, KNOWN), (size - 1, DATA)):
        monkeypatch.setattr(file, "LARGEST_FLAT", limit)
        found, outputs = told_and_seen(overload, given, name)

        assert found.flag == flag
        for told, seen in outputs[:1]:
            assert not (seen & ~told).any()
            assert (told == seen).all() == (flag == KNOWN)


@pytest.mark.parametrize(("size", "places"), [((3, 4), 5), ((2, 2), 7)])
def test_a_grid_over_more_than_is_tried_is_a_bound(
    size: tuple[int, int], places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"input": r(1, 1, *size), "grid": r(1, 1, places, 2) - 1, "interpolation_mode": 0,
             "padding_mode": 0, "align_corners": False}  # fmt: skip
    count = size[0] * size[1]
    for more, flag in ((0, KNOWN), (-1, DATA)):
        monkeypatch.setattr(index, "MOST_TRIED", count * max(count, places) + more)
        assert told_and_seen(aten.grid_sampler_2d.default, given, "input")[0].flag == flag


def test_images_that_are_read_at_places_of_their_own_are_bounds() -> None:
    grid = torch.stack([r(1, 5, 2)[0] - 1, -r(1, 5, 2)[0]])[:, None]
    given = {"input": r(2, 1, 3, 4), "grid": grid, "interpolation_mode": 0, "padding_mode": 0,
             "align_corners": False}  # fmt: skip

    assert told_and_seen(aten.grid_sampler_2d.default, given, "input")[0].flag == DATA


@pytest.mark.parametrize(("step", "known"), [(2, True), (1, False)])
def test_places_in_memory_where_a_tensor_has_nothing_are_not_known(step: int, known: bool) -> None:
    given = {"size": (2,), "stride": (step,), "storage_offset": 0, "memory": ((2,), 0)}
    found = lowered("as_strided", Value(0, (3,)), [(2,)], self=Value(0, (3,)), **given)

    assert bool(found.flag) != known
    assert not known or said_of(found, Value(0, (3,)), 0).tolist() == np.eye(2, 3).tolist()
