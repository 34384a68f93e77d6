"""Rules of operators that run on other devices alone, against what they stand for, run here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from one_rule import lowered, said_of
from torch import Tensor, nn

from archscope.dependence import rules
from archscope.dependence.record.graph import READ, UNSEEN, Shape, Value
from archscope.dependence.rules import Lowered
from archscope.dependence.sets.steps import Edge, Take


def mask_of(function: Callable[[Tensor], Tensor], shape: Shape) -> NDArray[np.bool_]:
    x = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found: Any = torch.autograd.functional.jacobian(function, x)
    return np.asarray((found != 0).reshape(-1, x.numel()).numpy())


INPUTS, HIDDEN = 2, 3


def layers(kind: str, **options: Any) -> Any:
    torch.manual_seed(0)
    made: Any = getattr(nn, kind)(INPUTS, HIDDEN, dtype=torch.float64, **options)
    return made


def last_state(net: Any, *given: Any) -> Tensor:
    state = net(*given)[1]
    found: Tensor = state[0] if isinstance(net, nn.LSTM) else state
    return found


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(("count", "both"), [(1, False), (2, False), (1, True), (2, True)])
def test_recurrent_layers(kind: str, first: bool, count: int, both: bool) -> None:
    shape = (4, 3, INPUTS) if first else (3, 4, INPUTS)
    directions = 2 if both else 1
    source, width = Value(0, shape), directions * HIDDEN
    states = (count * directions, 4, HIDDEN)
    found = lowered(
        "_cudnn_rnn",
        source,
        [(*shape[:2], width), states],
        input=source,
        hx=torch.zeros(states),
        cx=None,
        num_layers=count,
        batch_first=first,
        bidirectional=both,
        batch_sizes=[],
    )
    net = layers(kind, num_layers=count, batch_first=first, bidirectional=both)

    assert found.flag == ""
    np.testing.assert_array_equal(said_of(found, source, 0), mask_of(lambda x: net(x)[0], shape))
    np.testing.assert_array_equal(
        said_of(found, source, 1), mask_of(lambda x: last_state(net, x), shape)
    )


@pytest.mark.parametrize(("count", "both"), [(1, False), (1, True), (2, True)])
@pytest.mark.parametrize("given", ["input", "hx"])
def test_packed_sequences(count: int, both: bool, given: str) -> None:
    # Two sequences of 4 and 1 steps, packed step after step: 2 + 1 + 1 + 1 rows.
    directions = 2 if both else 1
    shapes = {"input": (5, INPUTS), "hx": (count * directions, 2, HIDDEN)}
    constants = {name: torch.rand(shape, dtype=torch.float64) for name, shape in shapes.items()}
    source, sizes = Value(0, shapes[given]), [2, 1, 1, 1]
    found = lowered(
        "_cudnn_rnn",
        source,
        [(5, directions * HIDDEN), shapes["hx"]],
        **{**constants, given: source},
        cx=None,
        num_layers=count,
        batch_first=False,
        bidirectional=both,
        batch_sizes=sizes,
    )
    net = layers("GRU", num_layers=count, bidirectional=both)

    def packed(x: Tensor) -> tuple[Any, Any]:
        now = {**constants, given: x}
        return nn.utils.rnn.PackedSequence(now["input"], torch.tensor(sizes)), now["hx"]

    def all_of(x: Tensor) -> Tensor:
        made: Tensor = net(*packed(x))[0].data
        return made

    said = [said_of(found, source, output) for output in (0, 1)]
    masks = [mask_of(each, shapes[given]) for each in
             (all_of, lambda x: last_state(net, *packed(x)))]  # fmt: skip
    if given == "input" and count == 1:
        np.testing.assert_array_equal(said[0], masks[0])
    assert [(mask & ~told).any() for mask, told in zip(masks, said, strict=True)] == [False, False]


@pytest.mark.parametrize("first", [False, True])
def test_first_states(first: bool) -> None:
    """Two layers of two sequences: each step knows both states of its own."""
    source, shape = Value(0, (2, 2, HIDDEN)), (2, 3) if first else (3, 2)
    found = lowered(
        "_cudnn_rnn",
        source,
        [(*shape, HIDDEN)],
        input=torch.zeros(*shape, INPUTS),
        hx=source,
        cx=None,
        num_layers=2,
        batch_first=first,
        bidirectional=False,
        batch_sizes=[],
    )
    net = layers("GRU", num_layers=2, batch_first=first)
    x = torch.rand(*shape, INPUTS, dtype=torch.float64)

    np.testing.assert_array_equal(
        said_of(found, source, 0), mask_of(lambda h: net(x, h)[0], source.shape)
    )


def lstm_cell(gates: Tensor) -> Tensor:
    enter, forget, made, leave = gates.chunk(4, 1)
    state = forget.sigmoid() + enter.sigmoid() * made.tanh()
    return leave.sigmoid() * state.tanh()


def test_cells_go_unit_by_unit() -> None:
    source = Value(0, (2, 12))
    found = lowered(
        "_thnn_fused_lstm_cell",
        source,
        [(2, 3), (2, 3)],
        input_gates=source,
        hidden_gates=torch.zeros(2, 12),
        cx=torch.ones(2, 3),
        input_bias=None,
        hidden_bias=None,
    )

    np.testing.assert_array_equal(said_of(found, source, 0), mask_of(lstm_cell, (2, 12)))


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"window_size_left": 1}])
@pytest.mark.parametrize("name", ["query", "key", "value"])
def test_attention_by_rows(name: str, options: dict[str, Any]) -> None:
    shape = (1, 4, 2, 2)
    source = Value(0, shape)
    given = {one: torch.ones(shape) for one in ("query", "key", "value")}
    found = lowered(
        "_flash_attention_forward", source, [shape], **{**given, name: source}, **options
    )
    apart = torch.arange(4)[:, None] - torch.arange(4)
    seen = torch.ones(4, 4, dtype=torch.bool)
    if "is_causal" in options:
        seen = apart >= 0
    if "window_size_left" in options:
        seen = apart <= 1

    def attend(x: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(1)
        others = {
            one: torch.rand(shape, dtype=x.dtype, generator=generator).transpose(1, 2)
            for one in given
        }
        others[name] = x.transpose(1, 2)
        made = F.scaled_dot_product_attention(
            others["query"], others["key"], others["value"], attn_mask=seen
        )
        return made.transpose(1, 2)

    said, mask = said_of(found, source, 0), mask_of(attend, shape)
    if name != "value":  # a query that sees one key alone does not weigh it
        assert not (mask & ~said).any()
    else:
        np.testing.assert_array_equal(said_of_positions(said), said_of_positions(mask))


SEEN = torch.tensor([[True, False, True, False, False], [True] * 5, [False] * 5])
ATTENDED = {"query": (1, 2, 3, 4), "key": (1, 2, 5, 4), "value": (1, 2, 5, 7)}


@pytest.mark.parametrize("name", ATTENDED)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"is_causal": True},
        {"attn_mask": SEEN},
        {"attn_mask": torch.where(SEEN, 0.0, -float("inf")).double()},
        {"attn_mask": torch.where(SEEN, 0.0, -1e30).double()},
    ],
    ids=["all", "causal", "mask", "infinite", "large"],
)
def test_fused_attention_sees_what_attention_does(name: str, options: dict[str, Any]) -> None:
    """Of 3 queries to 5 keys of 4 features, values of 7: by a mask's row of nothing, of large
    numbers all keys are seen evenly, by one of infinite ones none."""
    given = {one: torch.rand(shape, dtype=torch.float64) for one, shape in ATTENDED.items()}
    source = Value(0, ATTENDED[name])
    found = lowered(
        "_scaled_dot_product_flash_attention_for_cpu",
        source,
        [(1, 2, 3, 7)],
        **{**given, name: source},
        **options,
    )

    def attend(x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(**{**given, name: x}, **options)

    assert found.flag == ""
    np.testing.assert_array_equal(said_of(found, source, 0), mask_of(attend, source.shape))


def test_fused_attention_of_one_tensor_mixes_its_features() -> None:
    source = Value(0, (1, 1, 3, 2))
    given = dict.fromkeys(("query", "key", "value"), source)
    found = lowered("_scaled_dot_product_flash_attention_for_cpu", source, [source.shape], **given)

    assert said_of(found, source, 0).all()


def said_of_positions(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which position sees which, of masks over (1, 4, 2 heads, 2)."""
    return np.asarray(mask.reshape(4, 4, 4, 4).any((1, 3)))


def test_a_quantised_norm_looks_at_its_own_element_by_the_statistics_that_it_keeps() -> None:
    source, each = Value(0, (2, 3, 2)), torch.ones(3)
    given = {"qx": source, "weight": each, "bias": each, "mean": each, "var": each, "eps": 1e-5}
    found = lowered("quantized_batch_norm1d", source, [source.shape], **given)

    np.testing.assert_array_equal(said_of(found, source, 0), np.eye(12, dtype=bool))


def test_jagged_rows() -> None:
    source = Value(0, (5, 2))
    offsets = [torch.tensor([0, 2, 5])]
    found = lowered(
        "_jagged_to_padded_dense_forward",
        source,
        [(2, 4, 2)],
        values=source,
        offsets=offsets,
        max_lengths=[4],
    )

    def pad(x: Tensor) -> Tensor:
        return nn.utils.rnn.pad_sequence(
            [F.pad(x[:2], (0, 0, 0, 2)), F.pad(x[2:], (0, 0, 0, 1))], True
        )

    np.testing.assert_array_equal(said_of(found, source, 0), mask_of(pad, (5, 2)))
    padded = Value(0, (2, 4, 2))
    back = lowered(
        "_padded_dense_to_jagged_forward", padded, [(5, 2)], dense=padded, offsets=offsets
    )
    np.testing.assert_array_equal(
        said_of(back, padded, 0), mask_of(lambda x: torch.cat([x[0, :2], x[1, :3]]), (2, 4, 2))
    )


def test_groups_of_rows_whose_ends_are_known_stay_apart() -> None:
    source = Value(0, (5, 2))
    ends, matrices = torch.tensor([2, 5], dtype=torch.int32), torch.zeros(2, 2, 3)
    rows = lowered("_grouped_mm", source, [(5, 3)], self=source, mat2=matrices, offs=ends)

    assert rows.flag == ""
    np.testing.assert_array_equal(
        said_of(rows, source, 0), np.kron(np.eye(5), np.ones((3, 2))).astype(bool)
    )
    # (M, K) by (K, N) in groups of K: group 0 sums columns 0 and 1, group 1 columns 2 to 4.
    wide = Value(0, (1, 5))
    inner = lowered("_grouped_mm", wide, [(2, 1, 1)], self=wide, mat2=torch.ones(5, 1), offs=ends)
    np.testing.assert_array_equal(
        said_of(inner, wide, 0), np.array([[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]], dtype=bool)
    )


@pytest.mark.parametrize("name", ["self", "mat2"])
def test_products_of_whole_numbers_are_rows_by_columns(name: str) -> None:
    given = {"self": torch.ones(2, 4), "mat2": torch.ones(4, 3)}
    source = Value(0, tuple(given[name].shape))
    found = lowered("_int_mm", source, [(2, 3)], **{**given, name: source})

    def multiplied(x: Tensor) -> Tensor:
        now = {one: each.double() for one, each in given.items()} | {name: x}
        return now["self"] @ now["mat2"]

    np.testing.assert_array_equal(said_of(found, source, 0), mask_of(multiplied, source.shape))


def test_a_stack_of_products_is_one_for_each_group() -> None:
    source = Value(0, (2, 3, 4))
    found = lowered(
        "_grouped_mm", source, [(2, 3, 5)], self=source, mat2=torch.ones(2, 4, 5), offs=None
    )
    weights = torch.ones(2, 4, 5, dtype=torch.float64)

    assert found.flag == ""
    np.testing.assert_array_equal(
        said_of(found, source, 0), mask_of(lambda x: x @ weights, source.shape)
    )


def test_norms_of_slices_come_beside_what_they_divide() -> None:
    v = Value(0, (3, 2, 4))
    given = {"v": v, "g": torch.ones(3, 1, 1), "dim": 0}
    found = lowered("_weight_norm_interface", v, [v.shape, (3, 1, 1)], **given)

    def norms(x: Tensor) -> Tensor:
        return x.norm(dim=(1, 2))

    np.testing.assert_array_equal(said_of(found, v, 1), mask_of(norms, v.shape))


@pytest.mark.parametrize(
    ("operator", "convolution", "shape", "groups", "options"),
    [
        ("_conv_depthwise2d", F.conv2d, (1, 2, 3, 1), 2, {"stride": [1, 2], "dilation": [2, 1]}),
        ("conv_depthwise3d", F.conv3d, (1, 2, 3, 1, 1), 2, {"stride": [2, 1, 1]}),
        ("miopen_depthwise_convolution", F.conv1d, (1, 2, 4), 2, {"groups": 2}),
        ("slow_conv_dilated2d", F.conv2d, (1, 2, 3, 1), 1, {"dilation": [2, 1]}),
        ("slow_conv_transpose2d", F.conv_transpose2d, (1, 4, 2, 2), 1, {"stride": [2, 1]}),
    ],
)
def test_convolutions_mix_channels_of_their_groups(
    operator: str, convolution: Any, shape: Shape, groups: int, options: dict[str, Any]
) -> None:
    """Only one of these operators is given how many groups there are."""
    axes, first = len(shape) - 2, 2 // groups
    source, weight = Value(0, shape), torch.rand(4, first, *[2] * axes, dtype=torch.float64)
    given = {"padding": [1] * axes, **options}

    def convolved(x: Tensor) -> Tensor:
        made: Tensor = convolution(x, weight, **{**given, "groups": groups})
        return made

    after = tuple(convolved(torch.zeros(shape, dtype=torch.float64)).shape)
    found = lowered(operator, source, [after], self=source, weight=weight, **given)

    np.testing.assert_array_equal(said_of(found, source, 0), mask_of(convolved, shape))


def test_taps_anywhere_are_a_bound() -> None:
    source, offsets = Value(0, (1, 2, 3, 3)), Value(9, (1, 2, 3, 3))
    found = lowered(
        "deform_conv2d",
        source,
        [(1, 2, 3, 3)],
        input=source,
        weight=torch.ones(2, 2, 1, 1),
        offset=offsets,
        mask=torch.ones(1, 1, 3, 3),
        bias=torch.ones(2),
        groups=1,
    )

    assert found.flag == "depends on data"
    assert said_of(found, source, 0).all()
    own = said_of(found, offsets, 0).reshape(2, 9, 2, 9)
    np.testing.assert_array_equal(
        own, np.broadcast_to(np.eye(9, dtype=bool)[None, :, None], own.shape)
    )


def test_a_form_that_a_rule_never_met_is_a_bound() -> None:
    source = Value(0, (2, 2))
    found = lowered("convolution", source, [(2, 2)], image=source)

    assert found.flag == "unknown operator"
    assert said_of(found, source, 0).all()


@pytest.mark.parametrize(("operator", "flag"), [(READ, rules.CHOSEN), (UNSEEN, rules.HIDDEN)])
def test_what_data_chose_or_nobody_saw_is_told_as_such(operator: str, flag: str) -> None:
    source = Value(0, (2, 2))
    found = lowered(operator, source, [(2, 2)], self=source, values=[source])

    assert found.flag == flag
    assert said_of(found, source, 0).all()


@pytest.mark.parametrize(
    ("shape", "columns"),
    [((4, 1), False), ((1, 5), True), ((5,), True), ((), None), ((2, 3), None), ((2, 5), None)],
    ids=["rows", "columns", "a row of columns", "one", "blocks", "blocks of rows"],
)
def test_scales_of_a_product_of_small_numbers(shape: Shape, columns: bool | None) -> None:
    """Each row or column has its own; of blocks it is not told which one has which."""
    scale = Value(0, shape)
    given = {"self": torch.ones(4, 3), "mat2": torch.ones(3, 5), "scale_a": scale}
    said = said_of(lowered("_scaled_mm", scale, [(4, 5)], **given), scale, 0)

    def scaled(x: Tensor) -> Tensor:
        return (torch.ones(4, 5, dtype=x.dtype) * x).reshape(-1)

    if columns is None:
        assert said.all()
    else:
        np.testing.assert_array_equal(said, mask_of(scaled, shape))


def test_what_reads_past_its_arguments_cancels() -> None:
    own, other, target = Value(0, (2,)), Value(9, (2,)), Value(1, (2,))
    node = lowered("relu", own, [(2,)], self=own).node
    both = (Edge(own, target, ()), Edge(other, target, ()))

    assert Lowered(node=node, edges=both, flag="").cancels
    assert not Lowered(node=node, edges=both[:1], flag="").cancels
    assert not Lowered(node=node, edges=both, flag=rules.DATA).cancels
    transform = replace(node, operator="_fft_c2r")
    for made, edges in ((node, both), (transform, both), (transform, both[:1])):
        tried = Lowered(node=made, edges=edges, flag="").is_tried
        assert tried == (made is transform and edges is both)


@pytest.mark.parametrize("name", ["query", "key", "value"])
@pytest.mark.parametrize("causal", [False, True])
def test_grouped_queries_share_their_heads(name: str, causal: bool) -> None:
    """4 heads of 3 queries, each two of which share keys and values; as many rows as heads."""
    shapes = {"query": (4, 4, 3, 2), "key": (4, 2, 3, 2), "value": (4, 2, 3, 2)}
    given = {one: torch.rand(shape, dtype=torch.float64) for one, shape in shapes.items()}
    source, operator = Value(0, shapes[name]), "_scaled_dot_product_flash_attention"
    found = lowered(
        operator, source, [(4, 4, 3, 2), (4, 4, 3)], **{**given, name: source}, is_causal=causal
    )

    def attend(x: Tensor) -> Tensor:
        now = {**given, name: x}
        return F.scaled_dot_product_attention(**now, is_causal=causal, enable_gqa=True)

    assert found.flag == ""
    np.testing.assert_array_equal(said_of(found, source, 0), mask_of(attend, source.shape))
    # Of the logarithms of the sums, which are no one's business, no less than all is told.
    assert said_of(found, source, 1).all() == (name != "value")


def test_a_made_mask_of_attention_reaches_its_own_query() -> None:
    given = {one: torch.rand(shape, dtype=torch.float64) for one, shape in ATTENDED.items()}
    source = Value(0, (2, 1, 5))
    found = lowered(
        "scaled_dot_product_attention", source, [(1, 2, 3, 7)], **given, attn_mask=source
    )

    def attend(x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(**given, attn_mask=x)

    np.testing.assert_array_equal(said_of(found, source, 0), mask_of(attend, source.shape))


def test_a_mask_that_is_not_known_lets_everything_through() -> None:
    given = {one: torch.rand(shape) for one, shape in ATTENDED.items()}
    source, mask = Value(0, ATTENDED["value"]), torch.zeros(3, 5, device="meta")
    found = lowered(
        "scaled_dot_product_attention",
        source,
        [(1, 2, 3, 7)],
        **{**given, "value": source},
        attn_mask=mask,
    )

    assert said_of(found, source, 0).reshape(2, 3, 7, 2, 5, 7)[0, :, 0, 0, :, 0].all()


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({"window_size_right": 0}, lambda apart: apart >= 0),
        (
            {"window_size_left": 0, "window_size_right": 2},
            lambda apart: (apart <= 0) & (apart > -3),
        ),
        ({"custom_mask_type": 1}, lambda apart: apart >= 0),
        ({"window_size_left": -1, "window_size_right": -1}, lambda apart: apart < 9),
    ],
)
def test_attention_by_rows_of_grouped_queries(options: dict[str, Any], seen: Any) -> None:
    """3 queries of 4 heads, 5 keys and values of 2 heads."""
    source, shape = Value(0, (1, 5, 2, 3)), (1, 3, 4, 3)
    found = lowered(
        "_efficient_attention_forward",
        source,
        [shape, (1, 4, 3)],
        query=torch.ones(shape),
        key=torch.ones(source.shape),
        value=source,
        **options,
    )
    apart = np.arange(3)[:, None] - np.arange(5)
    heads = np.arange(4)[:, None] // 2 == np.arange(2)

    assert found.flag == ""
    np.testing.assert_array_equal(
        said_of(found, source, 0), np.kron(seen(apart), np.kron(heads, np.ones((3, 3)))) > 0
    )


@pytest.mark.parametrize(
    "options", [{"cum_seq_q": torch.tensor([0, 3])}, {"window_size": 3}, {"bias": Value(9, (3, 3))}]
)
def test_attention_by_rows_that_is_not_told_is_a_bound(options: dict[str, Any]) -> None:
    shape = (1, 3, 1, 2)
    source = Value(0, shape)
    given = dict.fromkeys(("query", "key", "value"), source)
    found = lowered("_flash_attention_forward", source, [shape, (1, 1, 3)], **given, **options)

    assert found.flag == "depends on data"
    assert said_of(found, source, 0).all()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["input", "hx_", "cx_"])
@pytest.mark.parametrize("flat", [False, True])
def test_a_recurrent_layer_of_a_cpu(name: str, reverse: bool, flat: bool) -> None:
    """3 steps of 2 sequences, 4 features to 5."""
    state = (2, 5) if flat else (1, 2, 5)
    shapes = {"input": (3, 2, 4), "hx_": state, "cx_": state}
    given = {one: torch.rand(shape, dtype=torch.float64) for one, shape in shapes.items()}
    source = Value(0, shapes[name])
    found = lowered(
        "mkldnn_rnn_layer",
        source,
        [(3, 2, 5), state, state, (7,)],
        **{**given, name: source},
        reverse=reverse,
    )
    torch.manual_seed(0)
    net = nn.LSTM(4, 5, dtype=torch.float64)

    def run(x: Tensor) -> tuple[Tensor, ...]:
        now = {**given, name: x}
        hidden, cell = (now[one].reshape(1, 2, 5) for one in ("hx_", "cx_"))
        made, states = net(now["input"].flip(0) if reverse else now["input"], (hidden, cell))
        return made.flip(0) if reverse else made, *states

    for number in range(3):
        seen = mask_of(lambda x, at=number: run(x)[at], source.shape)  # type: ignore[misc]
        if name != "input":  # a cell is its own alone, but each number of a state meets all
            seen = seen | (np.kron(np.ones((seen.shape[0] // 10, 1)), each_sequence()) > 0)
        np.testing.assert_array_equal(said_of(found, source, number), seen)


def each_sequence() -> NDArray[np.float64]:
    return np.kron(np.eye(2), np.ones((5, 5)))


def test_sums_of_a_connectionist_loss_come_beside_it() -> None:
    """5 steps of 2 sequences of 3 classes; labels of 2, so 2 x 2 + 1 places between blanks."""
    source = Value(0, (5, 2, 3))
    given = {"targets": torch.tensor([[1, 2], [2, 1]]), "input_lengths": [5, 5]}
    found = lowered(
        "_ctc_loss", source, [(2,), (2, 5, 5)], log_probs=source, target_lengths=[2, 2], **given
    )
    own = np.eye(2, dtype=bool)  # a sequence sees itself, at a step all steps so far
    steps = np.tri(5, dtype=bool)

    assert said_of(found, source, 0).reshape(2, 5, 2, 3).all((1, 3)).tolist() == own.tolist()
    expected = own[:, None, None, None, :, None] & steps[None, :, None, :, None, None]
    np.testing.assert_array_equal(
        said_of(found, source, 1).reshape(2, 5, 5, 5, 2, 3),
        np.broadcast_to(expected, (2, 5, 5, 5, 2, 3)),
    )
    lengths = Value(9, (2,))
    made = lowered(
        "_ctc_loss", lengths, [(2,), (7,)], log_probs=source, target_lengths=lengths, **given
    )
    assert said_of(made, lengths, 0).all()
    assert said_of(made, lengths, 1).all()
    assert said_of(replace_source(made, source), source, 1).all()  # of sums laid out otherwise


def replace_source(found: Lowered, source: Value) -> Lowered:
    return replace(found, edges=tuple(e for e in found.edges if e.source == source))


@pytest.mark.parametrize(
    ("operator", "reads", "size", "corners", "cut"),
    [
        # at -1/4 and 4 1/4 of 0 ... 4: one position beyond is read at either end
        ("upsample_linear1d", 5, 10, False, [0, 9]),
        ("upsample_linear1d", 5, 10, True, []),
        ("upsample_linear1d", 6, 3, False, []),
        # two to either side of -1/4, 1/4, 3/4 and of what mirrors these
        ("upsample_bicubic2d", 5, 10, False, [0, 1, 2, 7, 8, 9]),
        # 7/3 to either side of 2/3, 3, 5 1/3
        ("_upsample_bilinear2d_aa", 7, 3, False, [0, 2]),
        ("_upsample_bilinear2d_aa", 5, 10, False, [0, 9]),
    ],
)
def test_what_is_resized_reads_beyond_its_ends(
    operator: str, reads: int, size: int, corners: bool, cut: list[int]
) -> None:
    flat = operator == "upsample_linear1d"
    source = Value(0, (1, 1, reads) if flat else (1, 1, 1, reads))
    after = (1, 1, size) if flat else (1, 1, 1, size)
    found = lowered(operator, source, [after], self=source, align_corners=corners)
    step = found.edges[0].steps[-1]

    assert isinstance(step, Take)
    clipped = step.links.clipped
    assert ([] if clipped is None else np.flatnonzero(clipped).tolist()) == cut


def test_attention_by_rows_mixes_each_query_and_meets_keys_of_its_heads() -> None:
    """3 queries of 4 heads, 5 keys of 2 heads, 3 features and values of 2."""
    shapes = {"query": (1, 3, 4, 3), "key": (1, 5, 2, 3), "value": (1, 5, 2, 2)}
    expected = {
        "query": np.kron(np.eye(12), np.ones((2, 3))),
        "key": np.kron(np.ones((3, 5)), np.kron([[1, 0], [1, 0], [0, 1], [0, 1]], np.ones((2, 3)))),
    }
    for name, seen in expected.items():
        source = Value(0, shapes[name])
        given = {one: torch.ones(shape) for one, shape in shapes.items()} | {name: source}
        found = lowered("_flash_attention_forward", source, [(1, 3, 4, 2), (1, 4, 3)], **given)

        np.testing.assert_array_equal(said_of(found, source, 0), seen > 0)
        assert said_of(found, source, 1).all()


def test_what_is_said_of_bags_is_made_of_their_numbers() -> None:
    source = Value(0, (4,))
    found = lowered(
        "_embedding_bag", source, [(2, 3), (4,), (2,), (2,)], weight=torch.ones(5, 3),
        indices=source, offsets=torch.tensor([0, 3]), include_last_offset=False,
        per_sample_weights=None,
    )  # fmt: skip

    bags = np.array([[1, 1, 1, 0], [0, 0, 0, 1]]) > 0
    np.testing.assert_array_equal(said_of(found, source, 0), np.repeat(bags, 3, axis=0))
    for beside in (1, 2, 3):
        assert said_of(found, source, beside).all()


def test_jagged_rows_that_data_ends_are_a_bound() -> None:
    source, ends = Value(0, (5, 2)), Value(9, (3,))
    given = {"values": source, "offsets": [ends], "max_lengths": [4]}
    found = lowered("_jagged_to_padded_dense_forward", source, [(2, 4, 2)], **given)

    assert found.flag == rules.DATA
    assert said_of(found, source, 0).all()
    assert said_of(found, ends, 0).all()
