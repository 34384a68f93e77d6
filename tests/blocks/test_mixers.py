"""What mixes positions beside softmax attention: linear attention, state spaces, convolutions."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import archscope
from archscope.blocks.attention import Attention, ScaledDotProduct
from archscope.blocks.block import DilatedMixer
from archscope.blocks.delta_rule import GatedDeltaNet, GatedDeltaRule
from archscope.blocks.lightning_attention import FadingProduct, LightningAttention
from archscope.blocks.linear_attention import LinearDotProduct
from archscope.blocks.state_space import SelectiveScan, StateSpaceMixer
from archscope.blocks.state_space_dual import DualScan, DualStateSpaceMixer

pytestmark = pytest.mark.usefixtures("few_sizes")


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("length", [2, 9, 12])  # less than a chunk of 3, three of them, four
def test_linear_attention_is_what_its_scores_say(causal: bool, length: int) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, heads, length, 3).double() for heads in (4, 2, 2))

    found = LinearDotProduct(causal=causal)(q, k, v)

    wide, values = (x.repeat_interleave(2, 1) for x in (k, v))
    scores = (F.elu(q) + 1) @ (F.elu(wide) + 1).transpose(-1, -2)
    scores = scores.tril() if causal else scores
    expected = scores @ values / (scores.sum(-1, keepdim=True) + 1e-6)
    torch.testing.assert_close(found, expected)


def test_linear_attention_reads_as_many_keys_as_another_sequence_has() -> None:
    q, k = torch.randn(1, 1, 5, 3), torch.randn(1, 1, 9, 3)
    assert LinearDotProduct(causal=False)(q, k, k).shape == (1, 1, 5, 3)


def test_features_that_are_all_zero_make_no_nan() -> None:
    far = torch.full((1, 1, 7, 3), -200.0)  # elu(-200) + 1 is 0
    for causal in (True, False):
        assert LinearDotProduct(causal=causal)(far, far, far).isfinite().all()


@pytest.mark.parametrize("length", [1, 2, 7, 12])
def test_a_scan_is_the_recurrence(length: int) -> None:
    torch.manual_seed(0)
    layer = SelectiveScan(4, 3).double()
    x, write, read = (torch.randn(2, length, size).double() for size in (4, 3, 3))
    step = torch.rand(2, length, 4).double()

    found = layer(x, step, write, read)

    state = torch.zeros(2, 4, 3).double()
    decay = torch.arange(1, 4).double()  # as the authors begin: A = -1, -2, ..., D = 1
    for t in range(length):
        state = torch.exp(-step[:, t, :, None] * decay) * state
        state = state + (step[:, t] * x[:, t])[..., None] * write[:, t, None]
        expected = (state * read[:, t, None]).sum(-1) + x[:, t]
        torch.testing.assert_close(found[:, t], expected)


# less than a chunk of 4, two of them, nearly three
@pytest.mark.parametrize(("length", "groups"), [(3, 1), (8, 2), (11, 1), (11, 2)])
def test_a_scan_in_chunks_is_the_recurrence(length: int, groups: int) -> None:
    torch.manual_seed(0)
    layer = DualScan(2, 4).double()
    x, step = torch.randn(2, length, 2, 3).double(), torch.randn(2, length, 2).double()
    write, read = torch.randn(2, 2, length, groups, 5).double()

    found = layer(x, step, write, read)

    step = F.softplus(step + layer.dt_bias)
    kept = torch.exp(-step * layer.A_log.exp())
    state = torch.zeros(2, 2, 5, 3).double()  # of 2 heads, 5 numbers for each of 3 features
    for t in range(length):
        taken = (step[:, t, :, None] * x[:, t])[:, :, None]
        state = kept[:, t, :, None, None] * state + write[:, t, :, :, None] * taken
        expected = (read[:, t, :, :, None] * state).sum(2) + x[:, t]
        torch.testing.assert_close(found[:, t], expected)


# one position, a chunk of 8 of which 7 are there, three of 64, the last of which is short
@pytest.mark.parametrize("length", [1, 7, 150])
def test_the_gated_delta_rule_is_the_recurrence(length: int) -> None:
    torch.manual_seed(0)
    layer = GatedDeltaRule(4).double()
    q, k = torch.randn(2, 2, 2, length, 5).double()
    k = k / k.norm(dim=-1, keepdim=True)
    v, strength = torch.randn(2, 4, length, 3).double(), torch.randn(2, 4, length).double()
    fading = torch.randn(2, 4, length).double()

    found = layer(q, k, v, strength, fading)

    q, k = (x.repeat_interleave(2, 1) for x in (q, k))  # each key head serves two in a row
    kept = (-layer.A_log.exp()[:, None] * F.softplus(fading + layer.dt_bias[:, None])).exp()
    state = torch.zeros(2, 4, 5, 3).double()
    for t in range(length):
        state = kept[:, :, t, None, None] * state
        held = (k[:, :, t, :, None] * state).sum(2)
        new = strength[:, :, t, None].sigmoid() * (v[:, :, t] - held)
        state = state + k[:, :, t, :, None] * new[:, :, None]
        expected = (q[:, :, t, :, None] * state).sum(2) / 5**0.5
        torch.testing.assert_close(found[:, :, t], expected)


@pytest.mark.parametrize("length", [3, 300])  # less than a chunk of 256, and two of them
def test_lightning_attention_is_the_recurrence(length: int) -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 4, length, 3).double()

    found = FadingProduct()(q, k, v)

    kept = (-(2.0 ** -torch.tensor([2.0, 4.0, 6.0, 8.0]).double())).exp()[:, None, None]
    state = torch.zeros(2, 4, 3, 3).double()
    for t in range(length):
        state = kept * state + k[:, :, t, :, None] * v[:, :, t, None]
        torch.testing.assert_close(found[:, :, t], (q[:, :, t, :, None] * state).sum(2))


def test_a_gate_that_is_shut_lets_nothing_of_attention_out() -> None:
    layer = Attention(4, 2, ScaledDotProduct(causal=True), output_gate=True)
    x = torch.randn(1, 3, 4)
    assert layer.gate is not None
    with torch.no_grad():
        layer.gate.weight.zero_()
        layer.gate.bias.copy_(torch.tensor([-1e4, -1e4, 0, 0]))  # of two heads the first
        shut, layer.gate = layer(x), None
        layer.proj.weight[:, :2] = 0
        layer.proj.weight[:, 2:] /= 2  # half open is a half
    torch.testing.assert_close(shut, layer(x))


def test_a_scan_of_long_steps_neither_overflows_nor_divides_by_zero() -> None:
    x = torch.ones(1, 64, 2)
    found = SelectiveScan(2, 16)(x, 100 * x, torch.ones(1, 64, 16), torch.ones(1, 64, 16))
    # Nothing is kept: exp(-100) is 0 beside the 100 that each of 16 numbers takes in, and D x is 1.
    torch.testing.assert_close(found, torch.full((1, 64, 2), 1601.0))


@pytest.mark.parametrize("causal", [True, False])
def test_a_state_space_sees_all_before_it_or_everything(causal: bool) -> None:
    torch.manual_seed(0)
    layer = StateSpaceMixer(8, state=2, causal=causal).double()
    x = torch.randn(1, 9, 8).double()
    before = layer(x)
    for place in range(9):
        changed = x.clone()
        changed[:, place] += 1
        seen = (layer(changed) != before).any(-1)[0]
        assert seen.tolist() == [not causal or at >= place for at in range(9)]


MIXERS = {
    "linear attention to the past": (Attention(4, 2, LinearDotProduct(causal=True)), 0, 1),
    "linear attention": (Attention(4, 2, LinearDotProduct(causal=False)), 10, 11),
    "a state space": (StateSpaceMixer(4, state=2), 0, 1),
    "a state space in chunks": (DualStateSpaceMixer(4, state=2, head_dim=4, chunk=4), 0, 1),
    "a gated delta net": (
        GatedDeltaNet(4, heads=2, key_heads=1, key_dim=2, value_dim=3),
        0,
        1,
    ),
    "lightning attention": (LightningAttention(4, 2, 2), 0, 1),
    "a state space both ways": (StateSpaceMixer(4, state=2, causal=False), 10, 11),
}


@pytest.mark.parametrize("name", MIXERS)
def test_the_operators_of_a_mixer_say_what_it_sees(name: str) -> None:
    mixer, ahead, least = MIXERS[name]

    report = archscope.receptive_field(mixer, torch.randn(1, 11, 4))

    totals = report.totals
    assert totals.ahead == ahead
    assert not any(note.text.startswith("Leak") for note in report.notes)  # both ways is no mistake
    assert totals.receptive_field == (11,)
    assert totals.smallest_field == (least,)
    assert totals.coverage == 1
    assert totals.bounded_by is None


def test_steps_begin_where_the_authors_draw_them() -> None:
    bias = StateSpaceMixer(8).ssm.dt_proj.bias
    steps = F.softplus(bias)
    assert steps.min() > 0.00099
    assert steps.max() < 0.101


def test_a_depthwise_mixer_leaves_features_apart() -> None:
    mixer = DilatedMixer(4, 3, dilation=2, causal=True, bias=False, depthwise=True)
    x = torch.zeros(1, 6, 4)
    x[0, 0, 1] = 1
    out = mixer(x)
    assert out.shape == x.shape
    assert out.nonzero()[:, 1:].tolist() == [[0, 1], [2, 1], [4, 1]]
    assert mixer.conv.weight.numel() == 4 * 3
