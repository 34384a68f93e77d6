"""Networks on which receptive-field tools go wrong, each with what is true of it."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.dependence.answer.causality import causality
from archscope.dependence.answer.examine import examine
from archscope.dependence.answer.fields import Field
from archscope.dependence.answer.maps import maps_within
from archscope.dependence.answer.receptive import Receptive, receptive
from archscope.dependence.sets import lines
from archscope.errors import UsageError
from archscope.subject import Inputs


def see(model: nn.Module, *args: Any, **settings: Any) -> Receptive:
    return receptive(model, Inputs(args=args), **settings)


def image(size: int, channels: int = 3) -> Tensor:
    return torch.zeros(1, channels, size, size)


def hulls(found: Receptive) -> list[tuple[int, int]]:
    return [line.hulls for line in found.target.field.lines]


def is_global(field: Field) -> bool:
    """Return whether every unit sees the whole input from its first to its last position."""
    seen = zip(field.lines, field.sizes, strict=True)
    return all(bool((line.widths == size).all()) for line, size in seen)


@pytest.mark.parametrize(("valid", "size"), [(True, 572), (False, 512)])
def test_a_u_net_sees_188_to_204_positions(networks: ModuleType, valid: bool, size: int) -> None:
    found = see(networks.UNet(valid=valid), image(size, 1))

    assert hulls(found) == [(188, 204)] * 2
    assert found.target.touched == 204**2
    assert found.target.global_by is None


def test_squeeze_and_excitation_is_global_and_named(networks: ModuleType) -> None:
    model = networks.inverted(networks.EFFICIENTNET_B0, squeeze=True)

    found = see(model, image(224))

    assert hulls(found) == [(851, 851)] * 2
    assert is_global(found.target.total)
    assert found.target.global_by == "1.squeeze.avgpool"


def test_a_dilated_resnet_hides_its_gridding_from_the_image(networks: ModuleType) -> None:
    model = networks.ResNet((3, 4, 6, 3), strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))

    found = see(model, image(224))

    assert found.target.name == "layer4"
    assert found.target.touched == 427**2
    assert found.output_is_all == "avgpool"
    (within,) = [one for one in maps_within(found) if one.name == "layer3"]
    mask = within.mask > 0
    rows = mask.any(1)
    first, last = rows.argmax(), len(rows) - rows[::-1].argmax()
    # Rates 2, 4, 4: a hull of 1 + 2 (2 + 4 + 4) = 21, of which every second is seen: 11.
    assert (last - first, mask.sum()) == (21, 11**2)
    assert mask.sum() / 21**2 == pytest.approx(0.274, abs=5e-4)
    assert within.jump == (1, 1)
    seen = int("".join("1" if one else "0" for one in rows[::-1]), 2)
    assert lines.streams(seen, 1) == 2


def test_parallel_dilations_see_25_of_1369(networks: ModuleType) -> None:
    found = see(networks.aspp(6, 12, 18), image(65))

    assert hulls(found) == [(37, 37)] * 2
    assert found.target.touched == 25  # 3 x (3 x 3) less twice the centre that all share
    assert found.target.field.lines[0].streams == 6


def test_swin_widens_by_a_window_with_each_pair_of_blocks(networks: ModuleType) -> None:
    found = see(networks.Swin(), image(224))
    layers = {layer.name: layer for layer in found.layers}

    def widest(name: str) -> int:
        return layers[name].total.lines[0].hulls[1]

    assert widest("stages.0.blocks.0") == 28  # 7 tokens of 4 pixels
    assert widest("stages.0.blocks.1") == 56
    assert widest("stages.1.blocks.1") == 168
    assert widest("stages.2.blocks.5") == 224
    assert is_global(layers["stages.2.blocks.5"].total)
    assert layers["stages.0.blocks.0"].touched == 28**2


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_windows_of_attention_add_up(networks: ModuleType, depth: int, fused: bool) -> None:
    window = 8
    model = networks.Language(depth, window=window, fused=fused)

    found = see(model, torch.zeros(1, 64, dtype=torch.long))

    width = depth * (window - 1) + 1  # 8, 15, 22
    assert hulls(found) == [(width, width)]
    order = causality(found.given, found.target.value)
    assert order is not None
    assert order.reach.ahead == 0


def test_full_attention_names_its_block(networks: ModuleType) -> None:
    found = see(networks.Language(2, causal=False), torch.zeros(1, 32, dtype=torch.long))

    assert is_global(found.target.total)
    assert found.target.global_by == "blocks.0"


@pytest.mark.parametrize("fused", [False, True])
def test_causal_attention_sees_the_past(networks: ModuleType, fused: bool) -> None:
    found = see(networks.Language(2, fused=fused), torch.zeros(1, 12, dtype=torch.long))

    sets = found.target.total.lines[0].sets
    assert sets == tuple((1 << unit + 1) - 1 for unit in range(12))


def test_a_planted_leak_is_caught(networks: ModuleType) -> None:
    class Stack(nn.Module):
        def __init__(self, leak: int) -> None:
            super().__init__()
            self.one = networks.CausalConv(1)
            self.two = networks.CausalConv(2, leak=leak)
            self.three = networks.CausalConv(4)

        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.three(self.two(self.one(x)))
            return made

    sound, leaking = (see(Stack(leak), torch.zeros(1, 4, 64)) for leak in (0, 1))
    before = causality(sound.given, sound.target.value)
    after = causality(leaking.given, leaking.target.value)

    assert before is not None
    assert (before.reach.ahead, before.leaks) == (0, ())
    assert after is not None
    assert after.reach.ahead == 1
    assert [leak.path for leak in after.leaks] == ["two"]  # which pads for its convolution
    assert after.backward == ("one.conv", "three.conv")


class Write(nn.Module):
    """A shift by a write through a view, as in temporal shift modules."""

    def forward(self, x: Tensor) -> Tensor:
        out = torch.zeros_like(x)
        out[:, :, 2:] = x[:, :, :-2] * 2
        early = out[:, :, 4:]
        out.add_(x)
        return early.flip(2)


def test_a_write_through_a_view_is_seen() -> None:
    found = see(Write(), torch.zeros(1, 3, 10), axes=(2,))

    # Output 0 is out[9], which is x[7] and x[9].
    assert found.target.total.lines[0].sets[0] == 1 << 7 | 1 << 9


def test_pixel_shuffle_makes_positions_of_channels() -> None:
    model = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2), nn.Conv2d(3, 3, 3))

    found = see(model, image(16))

    # Three fine positions lie in two coarse ones, each of which saw three: 3 + 1 = 4.
    assert hulls(found) == [(4, 4)] * 2
    assert found.target.field.lines[0].jump == 0.5


class Strange(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.geqrf(self.conv(x))[0]


def test_an_unknown_operator_is_flagged_and_global() -> None:
    found = see(Strange(), image(8))

    flags = [(each.node.operator, each.flag) for each in found.given.lowered if each.flag]
    assert flags == [("geqrf", "unknown operator")]
    assert is_global(found.target.total)
    assert found.target.bounded_by == "geqrf"


def test_a_grid_from_data_is_a_bound() -> None:
    class Warp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.offset = nn.Conv2d(3, 2, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return F.grid_sample(x, self.offset(x).permute(0, 2, 3, 1), align_corners=False)

    found = see(Warp(), image(8))

    assert [each.flag for each in found.given.lowered if each.flag] == ["depends on data"]
    assert is_global(found.target.total)


@dataclass
class Answer:
    fine: Tensor
    coarse: Tensor


class Record(nn.Module):
    """A dictionary in, a dataclass out, control flow over data, a module called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, batch: dict[str, Tensor]) -> Answer:
        x = batch["pixels"]
        if x.sum() > 1:
            x = x + 1
        once = self.conv(x)
        return Answer(fine=once, coarse=self.conv(once))


def test_records_and_control_flow_over_data() -> None:
    batch = {"pixels": image(16)}

    fine, coarse = (see(Record(), batch, output=name) for name in ("fine", "coarse"))

    assert fine.given.input == "0.pixels"
    assert fine.given.graph.executed == "data"
    assert (hulls(fine)[0], hulls(coarse)[0]) == ((3, 3), (5, 5))
    assert [layer.name for layer in coarse.layers if layer.looks] == [
        "conv",
        "conv (call 2)",
        "(model)",  # which sums all pixels to decide
    ]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_recurrent_layers_see_the_past(kind: Any) -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = kind(4, 4, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.layer(x)[0]
            return made

    found = see(Recurrent(), torch.zeros(1, 6, 4))

    sets = found.target.total.lines[0].sets
    assert sets == tuple((1 << unit + 1) - 1 for unit in range(6))


def test_norms_over_positions_are_global_and_over_features_are_not() -> None:
    def total(norm: nn.Module) -> bool:
        return is_global(see(nn.Sequential(nn.Conv2d(3, 4, 3), norm), image(12)).target.total)

    assert total(nn.GroupNorm(2, 4))
    assert total(nn.InstanceNorm2d(4))
    assert not total(nn.BatchNorm2d(4))


def test_a_model_is_left_as_found() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout()).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()

    see(model, image(12))

    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_what_is_not_there_is_named() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3))

    with pytest.raises(UsageError, match="Did you mean"):
        see(model, image(8), output="00")
    with pytest.raises(UsageError, match="6×6 units"):
        see(model, image(8), unit=(6, 0))
    with pytest.raises(UsageError, match="no input is called 'x'"):
        see(model, image(8), studied="x")


def test_inputs_that_are_given_by_names_are_counted_too() -> None:
    class Sum(nn.Module):
        def forward(self, near: Tensor, far: Tensor) -> Tensor:
            return near + far

    inputs = Inputs(kwargs={"near": torch.zeros(1, 1, 8), "far": torch.zeros(1, 1, 8)})

    assert receptive(Sum(), inputs, studied="1").given.input == "far"


def test_a_constant_condition_takes_each_element_from_one_side() -> None:
    class Choose(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.where(torch.arange(8, device=x.device) > 3, x, x.roll(1, -1))

    found = see(Choose(), image(8))

    assert [s.bit_length() - 1 for s in found.target.total.lines[1].sets] == [
        7,
        0,
        1,
        2,
        4,
        5,
        6,
        7,
    ]
    assert hulls(found) == [(1, 1)] * 2


def test_an_average_that_makes_weights_is_global() -> None:
    class Dynamic(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.make = nn.Linear(3, 9)

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.make(x.mean((2, 3))).view(3, 3, 1, 1))

    found = see(Dynamic(), image(8))

    assert found.given.axes == (2, 3)
    assert is_global(found.target.total)
    assert hulls(found) == [(1, 1)] * 2


def test_a_transform_sees_every_position() -> None:
    class Spectrum(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.fft.fft2(x).abs()

    assert is_global(see(Spectrum(), image(8)).target.total)


def test_an_empty_slice_leads_nowhere() -> None:
    class Rotary(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x[..., :2], x[..., 2:] * 2, x[..., 4:]], -1)

    found = see(Rotary(), torch.zeros(1, 6, 4))

    assert found.target.total.lines[0].sets == tuple(1 << n for n in range(6))
    assert (next(maps_within(found)).mask > 0).sum() == 1


def test_a_scale_taken_from_some_positions_is_seen_by_all() -> None:
    class Scaled(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :3] * x[:, 4:].sum()

    found = see(Scaled(), torch.zeros(1, 6, 4))

    assert found.target.total.lines[0].sets == tuple(1 << n | 1 << 4 | 1 << 5 for n in range(3))


def test_a_loop_over_cells_is_causal_whatever_the_length() -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.GRUCell(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            state, states = torch.zeros(len(x), 4), []
            for step in range(x.shape[1]):
                state = self.cell(x[:, step], state)
                states.append(state)
            return torch.stack(states, 1)

    found = see(Loop(), torch.zeros(1, 6, 4))
    seen = causality(found.given, found.target.value)

    assert hulls(found) == [(1, 6)], "of the given six, not of a longer input"
    assert seen is not None
    assert seen.reach.ahead == 0


def test_a_border_along_one_axis_is_none_along_the_other() -> None:
    found = see(nn.Conv2d(2, 2, 4, padding="same"), image(8, 2))

    assert hulls(found) == [(4, 4)] * 2
    assert found.is_whole


def test_a_long_signal_costs_no_more_than_its_length(networks: ModuleType) -> None:
    rates = [2**n for n in range(10)]
    layers = [nn.Conv1d(2, 2, 2, dilation=rate) for rate in rates * 2]

    found = see(nn.Sequential(*layers).to("meta"), torch.empty(1, 2, 100_000, device="meta"))

    assert hulls(found) == [(2047, 2047)]
    line = found.target.field.lines[0]
    assert len(set(line.kinds.tolist())) == 1, "all windows are copies, and one is kept"


class OfOneNumber(nn.Module):
    """What torch takes along an axis of one number too, that has none."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        t, zero, first = x[0, 1], torch.tensor(0), torch.tensor([0])
        return (
            *(t.sum(0), t.mean(-1), t.prod(0), t.amax(), t.logsumexp(0), t.norm(dim=0)),
            *(t.max(0)[0], t.median(0)[0], t.mode(0)[0], t.topk(1, 0)[0], t.kthvalue(1, 0)[0]),
            *(t.cumsum(0), t.cumprod(-1), t.cummax(0)[0], t.cummin(0)[0], t.logcumsumexp(0)),
            *(t.sort(0)[0], torch.msort(t), t.flip(0), t.flip([]), t.roll(1), t.unfold(0, 1, 1)),
            *(t.index_select(0, first), t.gather(0, zero), t.take(first), t.permute(())),
            *(torch.zeros(()).scatter(0, zero, t), F.normalize(t, dim=0) + t, t.softmax(0) + t),
            t.gather(0, (t > 0).long()),
            *(t.softmax(0), t.log_softmax(-1), x[:, :, None].softmax(2)),
        )


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_what_is_taken_along_an_axis_of_one_number_is_of_that(device: str) -> None:
    found = examine(OfOneNumber(), Inputs(args=(torch.ones(1, 3, device=device),)), axes=(1,))

    assert [each.node.operator for each in found.lowered if each.flag] == ["gather"]
    *some, one, two, three = found.graph.outputs.values()
    assert len(some) == 30
    for value in some:
        field = found.total(value)
        assert field is not None
        assert set(field.lines[0].sets) == {0b010}
    assert [found.total(value) for value in (one, two, three)] == [None] * 3  # one, or nothing
