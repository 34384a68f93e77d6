"""Every shortcut for output shapes gives what torch's own kernels give."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._pytree import tree_leaves

from archscope.running.layer_shapes import convolution, max_pool2d
from archscope.running.shapes import RULES

aten = torch.ops.aten


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def described(outputs: Any) -> list[tuple[Any, ...]]:
    tensors = [leaf for leaf in tree_leaves(outputs) if isinstance(leaf, Tensor)]
    return [
        (tuple(t.shape), t.dtype, t.stride() if t.numel() else None, t.device.type) for t in tensors
    ]


x = meta(2, 3, 8, 8)
sliced = meta(2, 3, 8, 24)[..., 8:16]
turned = meta(2, 8, 3, 5).transpose(1, 2)
heads = meta(2, 7, 3 * 12).split(12, dim=-1)[1].view(2, 7, 3, 4).transpose(1, 2)
mask = meta(8, 8, dtype=torch.bool)
half = meta(2, 3, 8, 8, dtype=torch.bfloat16)
ids = meta(2, 5, dtype=torch.long)
layouts = (x, sliced, turned, heads, half, meta(), meta(0, 3), meta(1, 1, 1))


def gates(rows: int, inputs: int) -> list[Tensor]:
    """Return the weights of one way through a recurrent layer with a state of 4."""
    return [meta(rows, inputs), meta(rows, 4), meta(rows), meta(rows)]


ARGUMENTS: dict[str, list[tuple[Any, ...]]] = {
    "mm.default": [(meta(2, 3), meta(3, 4)), (meta(3, 2).t(), meta(4, 3).t())],
    "addmm.default": [
        (meta(4), meta(2, 3), meta(3, 4)),
        (meta(2, 4), meta(2, 3), meta(3, 4)),
        (meta(1), meta(2, 3), meta(3, 4)),
    ],
    "bmm.default": [(meta(2, 3, 4), meta(2, 4, 5)), (meta(2, 4, 3).mT, meta(2, 5, 4).mT)],
    "baddbmm.default": [(meta(2, 3, 5), meta(2, 3, 4), meta(2, 4, 5))],
    "_grouped_mm.default": [
        (
            meta(6, 16, dtype=torch.bfloat16),
            meta(2, 16, 8, dtype=torch.bfloat16),
            meta(2, dtype=torch.int32),
        )
    ],
    "convolution.default": [
        (meta(2, 4, 9), meta(6, 4, 3), None, [1], [1], [2], False, [0], 1),
        (meta(2, 4, 9, 9), meta(8, 2, 3, 2), meta(8), [2, 1], [1, 0], [1, 3], False, [0, 0], 2),
        (meta(2, 4, 9, 9), meta(4, 3, 3, 3), None, [2, 2], [1, 1], [1, 1], True, [1, 1], 2),
        (meta(1, 2, 5, 5, 5), meta(3, 2, 3, 3, 3), None, [1], [0], [1], False, [0], 1),
    ],
    "lstm.input": [
        (meta(5, 2, 3), [meta(1, 2, 4)] * 2, gates(16, 3), True, 1, 0.0, False, False, False),
        (meta(2, 5, 3), [meta(2, 2, 4)] * 2, gates(16, 3) * 2, True, 1, 0.0, False, True, True),
        (meta(5, 1, 4), [meta(2, 1, 4)] * 2, gates(16, 4) * 2, True, 2, 0.0, False, False, False),
    ],
    **{
        f"{name}.input": [
            (meta(5, 2, 3), meta(1, 2, 4), gates(rows, 3), True, 1, 0.0, False, False, False),
            (meta(2, 5, 3), meta(2, 2, 4), gates(rows, 3) * 2, True, 1, 0.0, False, True, True),
        ]
        for name, rows in (("gru", 12), ("rnn_tanh", 4), ("rnn_relu", 4))
    },
    "_native_batch_norm_legit_no_training.default": [
        (x, meta(3), meta(3), meta(3), meta(3), 0.1, 1e-5),
        (meta(4, 3), meta(3), meta(3), meta(3), meta(3), 0.1, 1e-5),
    ],
    "native_batch_norm.default": [
        (x, meta(3), meta(3), meta(3), meta(3), False, 0.1, 1e-5),
        (x, None, None, meta(3), meta(3), False, 0.1, 1e-5),
        (x, meta(3), meta(3), None, None, True, 0.1, 1e-5),
    ],
    "_native_batch_norm_legit.no_stats": [
        (x, None, None, True, 0.1, 1e-5),
        (meta(1, 4, 3, 3, 3), meta(4), meta(4), True, 0.1, 1e-5),
    ],
    "native_group_norm.default": [
        (meta(2, 6, 4, 5), meta(6), meta(6), 2, 6, 20, 3, 1e-5),
        (meta(2, 6), None, None, 2, 6, 1, 1, 1e-5),
    ],
    "_weight_norm_interface.default": [(meta(6, 4, 3), meta(6, 1, 1)), (meta(6, 4), meta(1, 4), 1)],
    "_is_all_true.default": [(mask,), (meta(1, dtype=torch.bool),)],
    "native_layer_norm.default": [
        (meta(2, 5, 8), [8], meta(8), meta(8), 1e-5),
        (meta(2, 5, 8), [5, 8], None, None, 1e-5),
        (meta(5, 2, 8).transpose(0, 1), [8], None, None, 1e-5),
    ],
    "embedding.default": [(meta(9, 4), ids), (meta(9, 4), meta(3, dtype=torch.int32))],
    "mean.dim": [(x, [2, 3]), (x, [-1], True), (sliced, [1]), (x, [0, 1, 2, 3])],
    "sum.dim_IntList": [(x, [2, 3]), (x, [-1], True), (sliced, [1])],
    "amax.default": [(x, [2, 3]), (x, [-1], True), (sliced, [1])],
    "logsumexp.default": [(x, [2, 3]), (x, [-1], True), (sliced, [1])],
    "max_pool2d_with_indices.default": [(x, [2, 2]), (x, [3, 3], [2, 2], [1, 1])],
    "_adaptive_avg_pool2d.default": [(x, [1, 1]), (x, [3, 5])],
    "upsample_bilinear2d.default": [(x, [16, 16], False), (x, [5, 3], False)],
    "upsample_nearest2d.default": [(x, [16, 16]), (x, [5, 3])],
    "upsample_trilinear3d.default": [(meta(1, 2, 3, 4, 5), [6, 8, 9], False)],
    "upsample_bicubic2d.default": [(x, [16, 16], False), (x, [5, 3], True)],
    "grid_sampler_2d.default": [(x, meta(2, 5, 3, 2), 0, 0, False)],
    "_prelu_kernel.default": [(x, meta(1, 3, 1, 1)), (sliced, meta(1, 1, 1, 1))],
    "clamp.default": [(layout, -1, 2.0) for layout in layouts],
    "cumsum.default": [(x, 2), (sliced, -1), (turned, -4), (heads, 0), (half, 1), (meta(0, 3), 1)],
    "cumprod.default": [(x, 0), (turned, -1), (ids, 1)],
    "clamp_min.default": [(layout, 0) for layout in layouts],
    "cat.default": [([x, x], 1), ([x, meta(2, 1, 8, 8)], -3), ([meta(3), meta(4)],)],
    "stack.default": [([x, x], 1), ([sliced, x], -1), ([meta(3), meta(3)],)],
    "masked_fill.Scalar": [(x, mask, 0.0), (sliced, mask, 1.0)],
    "topk.default": [(meta(4, 9), 2), (meta(4, 9), 3, 0)],
    "where.self": [(mask, x, meta()), (mask, meta(8, 8), meta(8, 8))],
    "pow.Tensor_Scalar": [(layout, 2) for layout in layouts],
    "_softmax.default": [(layout, -1, False) for layout in (x, sliced, heads, half)],
    "_log_softmax.default": [(layout, 1, False) for layout in (x, sliced, heads, half)],
    "_safe_softmax.default": [(layout, -1) for layout in (x, sliced, heads)],
    "tril.default": [(mask,), (x,)],
    "triu.default": [(mask, 1), (x,)],
}


def arguments(operator: Any) -> list[tuple[Any, ...]]:
    name = str(operator).removeprefix("aten.")
    if name in ARGUMENTS:
        return ARGUMENTS[name]
    kind = operator._overloadname
    if kind == "Scalar":
        return [(layout, 2.0) for layout in layouts]
    if kind == "Tensor":
        pairs = [(layout, layout) for layout in layouts]
        pairs += [(x, meta(8)), (meta(8), x), (x, meta()), (sliced, meta(8))]
        pairs += [(meta(3, 1), meta(1, 4)), (x, sliced), (sliced, x), (heads, meta(2, 3, 7, 4))]
        return pairs
    return [(layout,) for layout in layouts]


@pytest.mark.parametrize("operator", RULES, ids=str)
def test_a_rule_says_what_torch_says(operator: Any) -> None:
    applied = 0
    for args in arguments(operator):
        ours = RULES[operator](*args)
        if ours is not None:
            applied += 1
            assert described(ours) == described(operator(*args)), args

    assert applied, "the rule never applied"


@given(
    size=st.integers(1, 12),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
    transposed=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_convolutions(
    size: int, kernel: int, stride: int, padding: int, dilation: int, transposed: bool
) -> None:
    args = (
        meta(2, 4, size), meta(4, 4, kernel), None, [stride], [padding], [dilation], transposed,
        [0], 1,
    )  # fmt: skip
    try:
        ours = convolution(*args)  # type: ignore[arg-type]
    except RuntimeError:
        # Older torch makes an empty tensor of it without data; its kernels refuse too.
        real = [torch.zeros(arg.shape) if isinstance(arg, Tensor) else arg for arg in args]
        with pytest.raises(RuntimeError, match="can't be greater"):
            aten.convolution.default(*real)
        return
    try:
        theirs = aten.convolution.default(*args)
    except RuntimeError:
        assert ours is None
    else:
        assert theirs.numel() == 0 if ours is None else described(ours) == described(theirs)


@given(
    size=st.integers(1, 12),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
)
@settings(max_examples=50, deadline=None)
def test_max_pooling(size: int, kernel: int, stride: int, padding: int) -> None:
    args = (meta(1, 2, size, size), [kernel], [stride], [padding])
    ours = max_pool2d(*args)

    try:
        theirs = aten.max_pool2d_with_indices.default(*args)
    except RuntimeError:
        return
    assert ours is None or described(ours) == described(theirs)


def test_shapes_that_do_not_fit_are_left_to_torch() -> None:
    assert RULES[aten.mm.default](meta(2, 3), meta(4, 5)) is None
    assert RULES[aten.bmm.default](meta(2, 3, 4), meta(2, 5, 5)) is None
    assert RULES[aten.topk.default](meta(4, 9), 5, 0) is None
    assert RULES[aten.convolution.default](
        meta(1, 3, 8), meta(4, 4, 3), None, [1], [0], [1], False, [0], 1
    ) is None  # fmt: skip
