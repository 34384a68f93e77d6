from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from archscope.dependence.record.aliases import bound, writes_of
from archscope.dependence.record.operands import tensors_among, with_tensors

_LEAVES = st.one_of(
    st.none(),
    st.integers(0, 3),
    st.just("constant"),
    st.just(torch.Size((2, 3))),
    st.builds(torch.zeros, st.integers(0, 2)),
)
_ARGUMENTS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(_ARGUMENTS)
def test_tensors_are_found_as_torch_finds_them(value: Any) -> None:
    torchs = [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]

    assert list(map(id, tensors_among(value))) == list(map(id, torchs))


@given(_ARGUMENTS)
def test_they_are_exchanged_as_torch_does_it(value: Any) -> None:
    def size(leaf: Any) -> Any:
        return leaf.numel() if isinstance(leaf, Tensor) else leaf

    assert with_tensors(value, size) == tree_map(size, value)


def test_arguments_left_out_are_bound_with_what_they_are_then() -> None:
    x, scale = torch.zeros(2), torch.ones(2)

    found = bound(torch.ops.aten.add.Tensor, (x, scale), {})

    assert list(found) == ["self", "other", "alpha"]
    assert found["self"] is x
    assert found["other"] is scale
    assert found["alpha"] == 1
    assert bound(torch.ops.aten.add.Tensor, (x, scale), {"alpha": 3})["alpha"] == 3


def test_what_is_written_to_is_told_with_the_result_that_it_is() -> None:
    x, out = torch.zeros(2), torch.zeros(2)

    assert writes_of(torch.ops.aten.add.Tensor, (x, x), {}) == []
    assert writes_of(torch.ops.aten.add_.Tensor, (x, out), {}) == [(x, 0)]
    assert writes_of(torch.ops.aten.add.out, (x, x), {"out": out}) == [(out, 0)]
    assert writes_of(torch.ops.aten._foreach_add_.Scalar, ([x, out], 1), {}) == [
        (x, None),
        (out, None),
    ]
