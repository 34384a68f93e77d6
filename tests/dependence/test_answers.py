"""What is said of an output: along which axes, how far back and ahead, of which input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope import receptive_field
from archscope.dependence.answer.causality import causality, seeing_own_place
from archscope.dependence.answer.examine import examine
from archscope.dependence.answer.receptive import Receptive, receptive
from archscope.errors import ThresholdError, UsageError
from archscope.subject import Inputs

pytestmark = pytest.mark.usefixtures("few_sizes")


class Run(nn.Module):
    """A forward and the modules that it uses."""

    def __init__(self, forward: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        self._run = forward
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, *inputs: Tensor) -> Any:
        return self._run(self, *inputs)


def see(model: nn.Module, *shape: int, **asked: Any) -> Receptive:
    return receptive(model, Inputs(args=(torch.zeros(shape),)), **asked)


ENCODER = nn.TransformerEncoderLayer(16, 2)


@pytest.mark.parametrize(
    "forward", [lambda it, x: it.conv(x) * 0, lambda it, x: it.conv(x).clamp(5, 5)]
)
def test_an_output_that_sees_nothing_is_told_as_such(forward: Callable[..., Any]) -> None:
    model = Run(forward, conv=nn.Conv1d(1, 1, 3))

    with pytest.raises(UsageError, match="no output depends on the input"):
        see(model, 1, 1, 12)
    with pytest.raises(UsageError, match="chosen output does not depend"):
        see(model, 1, 1, 12, output="0")
    assert see(model, 1, 1, 12, output="conv").target.field.lines[0].hulls == (3, 3)


def test_an_output_whose_input_is_shorter_than_its_reach_sees_more_of_a_longer_one() -> None:
    found = see(nn.Conv1d(1, 1, 2, dilation=10, padding=5), 1, 1, 4)

    assert found.target.field.lines[0].hulls == (11, 11)


def test_of_several_outputs_one_that_sees_anything_is_told() -> None:
    model = Run(lambda it, x: (x * 0, it.conv(x)), conv=nn.Conv1d(1, 1, 3))

    assert see(model, 1, 1, 12).target.field.lines[0].hulls == (3, 3)
    said = [note.text for note in receptive_field(model, torch.zeros(1, 1, 12)).notes]
    assert "output 0: sees no position of the input: what it holds does not depend on it" in said


def ring(m: Any, x: Tensor) -> Tensor:
    """Step after step, each with the one before it in a ring."""
    held, made = x.new_zeros(1, 4, 2), []
    for step in range(x.shape[2]):
        held = held.index_copy(2, torch.tensor([step % 2]), x[..., step : step + 1])
        made.append(m.f(held.flatten(1)))
    return torch.stack(made, 2)


@pytest.mark.parametrize(
    ("model", "shape", "positions", "features", "batch"),
    [
        (ENCODER, (10, 2, 16), (0,), 2, 1),  # time first, as torch's layers take it
        (nn.TransformerEncoderLayer(16, 2, batch_first=True), (2, 10, 16), (1,), 2, 0),
        (nn.GRU(16, 4), (10, 3, 16), (0,), 2, 1),
        (nn.GRU(16, 4, batch_first=True), (3, 10, 16), (1,), 2, 0),
        (nn.Sequential(nn.Conv1d(1, 4, 3), nn.GroupNorm(1, 4)), (1, 1, 64), (2,), 1, 0),
        (nn.Sequential(nn.AvgPool1d(4), nn.InstanceNorm1d(1)), (1, 1, 64), (2,), 1, 0),
        (nn.Conv2d(3, 4, 3), (3, 16, 16), (1, 2), 0, None),  # an image alone
        (Run(lambda m, x: m.c(x.transpose(1, 2)), c=nn.Conv1d(6, 4, 3)), (2, 20, 6), (1,), 2, 0),
        (Run(lambda m, x: m.c(x[:, None])[:, 0], c=nn.Conv1d(1, 1, 3)), (2, 20), (1,), None, 0),
        (nn.Upsample(scale_factor=1), (1, 2, 5), (2,), 1, 0),
        (nn.Linear(96, 96), (2, 7, 96), (1,), 2, 0),  # each place by itself
        (nn.Linear(96, 96), (2, 3, 5, 96), (1, 2), 3, 0),
        (nn.Linear(96, 96), (2, 1, 96), (2,), None, 0),  # nothing else is mixed
        (Run(lambda m, x: m.c(x.mT).mT, c=nn.Linear(96, 9)), (2, 96, 7), (1,), None, 0),  # of time
        # a mixer goes along positions first (Chen et al. 2023, TSMixer)
        (Run(lambda m, x: m.f(x + m.t(x.mT).mT), t=nn.Linear(7, 7), f=nn.Linear(4, 4)),
         (2, 7, 4), (1,), 2, 0),
        (Run(lambda m, x: m.c(m.f(x.mT).mT), f=nn.Linear(4, 4), c=nn.Conv1d(4, 4, 3)),
         (2, 4, 7), (2,), 1, 0),
        # attention behind (N, C, time), turned (Chen et al. 2020, DPTNet)
        (Run(lambda m, x: m.o((y := m.f(x.mT)) @ y.mT @ y).mT,
             f=nn.Linear(4, 4), o=nn.Linear(4, 4)), (2, 4, 7), (2,), 1, 0),
        (nn.Sequential(nn.Linear(8, 8), nn.ReLU()), (4, 8), (1,), None, 0),
        (Run(lambda m, x: m.f((x - x.mean(2, True)).mT).mT.cumsum(2), f=nn.Linear(4, 4)),
         (2, 4, 7), (2,), 1, 0),
        # the highest and the mean of all channels (Woo et al. 2018), and of some frames of a video
        (Run(lambda m, x: x * m.c(torch.cat([x.amax(1, True), x.mean(1, True)], 1)),
             c=nn.Conv2d(2, 1, 3, padding=1)), (2, 3, 8, 8), (2, 3), 1, 0),
        (Run(lambda m, x: m.c(x.flatten(0, 1)[:, None]).view(x.shape).cumsum(1),
             c=nn.Conv2d(1, 1, 3, padding=1)), (2, 3, 8, 8), (1, 2, 3), None, 0),
        # frame after frame, of one channel (Shi et al. 2015)
        (Run(lambda m, x: torch.stack([m.c(x[:, 0]), m.c(x[:, 0] + x[:, 1])], 1),
             c=nn.Conv2d(1, 2, 3)), (1, 2, 1, 5, 5), (1, 3, 4), 2, 0),
        # patches are made features beside the channels (Dosovitskiy et al. 2021), also of a map
        (Run(lambda m, x: m.f(x.unflatten(2, (4, 4)).transpose(1, 2).flatten(2)).cumsum(1),
             f=nn.Linear(12, 5)), (2, 3, 16), (2,), 1, 0),
        (Run(lambda m, x: m.f(x.unflatten(3, (4, 2)).permute(0, 1, 3, 4, 2).flatten(3)).cumsum(1),
             f=nn.Linear(6, 5)), (2, 7, 3, 8), (1, 3), 2, 0),
        (nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, 4, 1)), (1, 3, 8, 8), (2, 3), 1, 0),
        # frames that share samples, as a filter bank takes them
        (Run(lambda m, x: m.f(x.unfold(2, 6, 3)).flatten(2), f=nn.Linear(6, 4)),
         (1, 3, 24), (2,), None, 0),
        # also where the first of them begin in the padding, as causal ones do
        (Run(lambda m, x: m.f(F.pad(x, (5, 0)).unfold(2, 6, 1)).flatten(2), f=nn.Linear(6, 4)),
         (1, 3, 24), (2,), None, 0),
        # a loss beside the outputs is of all rows, and tells of none
        (Run(lambda m, x: (m.c(x), m.c(x).square().mean()), c=nn.Conv1d(4, 4, 3)),
         (2, 4, 20), (2,), 1, 0),
        # channels by themselves, each beside the batch
        (Run(lambda m, x: m.c(x.flatten(0, 1)[:, None]).unflatten(0, x.shape[:2]),
             c=nn.Conv1d(1, 1, 3)), (1, 2, 20), (2,), None, 0),
        (Run(ring, f=nn.Linear(8, 4)), (1, 4, 5), (2,), None, 0),
        # a gate (Hu et al. 2018) means over positions, as a norm does over features
        (Run(lambda m, x: x * m.c(x.mean(2, True)), c=nn.Conv1d(4, 4, 1)), (1, 4, 16), (2,), 1, 0),
    ],
)  # fmt: skip
def test_axes_are_what_operators_and_outputs_tell(
    model: nn.Module,
    shape: tuple[int, ...],
    positions: tuple[int, ...],
    features: int | None,
    batch: int | None,
) -> None:
    roles = see(model, *shape).given.roles

    assert (roles.positions, roles.features, roles.batch) == (positions, features, batch)
    assert not roles.batch_mixes


def test_time_is_an_axis_of_positions_beside_those_of_each_frame() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        frames, time = x.shape[:2]
        y = m.frame(x.flatten(0, 1)).view(frames, time, 4, 8, 8)
        return y.cumsum(1)

    roles = see(Run(forward, frame=nn.Conv2d(3, 4, 3, padding=1)), 2, 5, 3, 8, 8).given.roles

    assert (roles.positions, roles.features, roles.batch) == ((1, 3, 4), 2, 0)


def test_frequencies_that_become_features_are_no_positions() -> None:
    # (N, time, 40) as an image of one channel; the linear layer reads the whole column.
    def forward(m: Any, x: Tensor) -> Tensor:
        y = m.conv(x[:, None])
        return m.out(y.transpose(1, 2).flatten(2))

    model = Run(forward, conv=nn.Conv2d(1, 2, 3, padding=1), out=nn.Linear(80, 5))
    found = see(model, 1, 30, 40)

    assert (found.given.roles.positions, found.given.roles.read_whole) == ((1,), (2,))
    assert found.target.field.lines[0].hulls == (3, 3)


def test_rows_of_a_batch_that_mix_are_told() -> None:
    class Shift(nn.Module):
        """Lin et al. 2019: some channels of each frame are those of the frame before."""

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            before = torch.cat([torch.zeros_like(x[:1, :2]), x[:-1, :2]])
            found: Tensor = self.conv(torch.cat([before, x[:, 2:]], 1))
            return found

    mixed, apart = (
        receptive_field(Shift(), torch.zeros(8, 4, 8, 8)),
        receptive_field(nn.Conv2d(4, 4, 3), torch.zeros(8, 4, 8, 8)),
    )

    assert any("rows of the batch mix" in note.text for note in mixed.notes)
    assert not any("rows of the batch" in note.text for note in apart.notes)


def test_axes_can_be_chosen_and_are_told_in_title_and_totals() -> None:
    model = nn.Linear(96, 96)
    found = receptive_field(model, torch.zeros(2, 7, 96), axes=1)

    assert found.totals.receptive_field == (1,)
    assert (found.totals.position_axes, found.totals.batch_axis) == ((1,), 0)
    assert found.title.endswith("positions along axis 1, features 2, batch 0")
    assert receptive_field(model, torch.zeros(2, 7, 96), axes=[-1]).totals.position_axes == (2,)
    shift = Run(lambda m, x: m.c(x) + m.c(x.roll(1, 0)), c=nn.Conv1d(2, 2, 3))
    roles = see(shift, 5, 2, 9, axes=(0,)).given.roles  # places along the other axis are no rows
    assert (roles.positions, roles.batch, roles.batch_mixes) == ((0,), None, False)
    with pytest.raises(UsageError, match="axes 3: the 2×7×96 input has axes 0 to 2"):
        receptive_field(model, torch.zeros(2, 7, 96), axes=3)


def pads(left: int, right: int = 0) -> nn.Module:
    return nn.ConstantPad1d((left, right), 0.0)


CAUSAL = nn.Sequential(pads(2), nn.Conv1d(4, 4, 3), pads(4), nn.Conv1d(4, 4, 3, dilation=2))
STRIDED = nn.Sequential(pads(2), nn.Conv1d(4, 4, 3, stride=2), pads(2), nn.Conv1d(4, 4, 3))
SHIFTED = Run(lambda m, x: F.pad(x, (1, 0))[..., :-1])


def mean_before(model: Any, x: Tensor) -> Any:
    """The mean of four places, four places back, as sums so far make it, through a layer."""
    sums = x.cumsum(1)
    return model.layer((F.pad(sums, (0, 0, 4, -4)) - F.pad(sums, (0, 0, 8, -8))) / 4) + x


def test_a_border_cuts_short_what_sums_so_far_leave() -> None:
    model = Run(mean_before, layer=nn.Linear(4, 4))
    found = see(model, 1, 32, 4).target.field.lines[0]

    assert (found.hulls, found.cycle) == ((8, 8), (1, 1))
    assert found.seen(31) == 0b10001111 << 24
    assert found.clipped == (True,) * 7 + (False,) * 25


def test_rows_and_columns_that_were_one_axis_are_told_apart_again() -> None:
    """Attention of each place to those around it, over places in one row."""

    def attend(_: nn.Module, x: Tensor) -> Tensor:
        around = F.unfold(x, 3, padding=1).view(1, 2, 9, 80)
        scores = (x.view(1, 2, 1, 80) * around).sum(1).softmax(1)
        return (scores[:, None] * around).sum(2).view(x.shape)

    found = see(Run(attend), 1, 2, 8, 10)

    assert found.target.start == (-1, -1)
    assert [line.hulls for line in found.target.field.lines] == [(3, 3), (3, 3)]


def test_bins_beside_padded_ones_are_no_places_of_frames() -> None:
    """Frames and bins become one axis for a while, in which each bin lies beside its neighbours."""

    def beside(it: nn.Module, x: Tensor) -> Tensor:
        around = F.unfold(x, (1, 3), padding=(0, 1)).view(1, 6, *x.shape[2:])
        made: Tensor = it.conv(F.pad(around, (0, 0, 2, 0)))
        return made

    found = see(Run(beside, conv=nn.Conv2d(6, 2, (3, 1))), 1, 2, 12, 5, axes=(2,))

    order = causality(found.given, found.target.value)
    assert order is not None
    assert (order.reach.behind, order.reach.ahead) == (2, 0)


def test_windows_of_attention_that_are_padded_tell_no_features_apart() -> None:
    """Blocks of four, each with two more before and one after it, cut out of what is padded."""

    def attend(_: nn.Module, x: Tensor) -> Tensor:
        around = F.pad(x, (0, 0, 2, 1)).unfold(1, 7, 4).mT.flatten(0, 1)
        found = (around @ around.mT).softmax(-1) @ around
        return found[:, 2:6].reshape(x.shape)

    field = see(Run(attend), 1, 32, 3, axes=(1,)).target.field

    assert field.is_map
    assert (field.lines[0].hulls, field.lines[0].cycle) == ((7, 7), (4, 4))


@pytest.mark.parametrize(
    ("model", "behind", "ahead"),
    [
        (CAUSAL, 6, 0),
        (STRIDED, 6, 0),  # outputs 0, 2, 4 ...: (3 - 1) + 2 * (3 - 1) positions back
        (nn.Conv1d(4, 4, 3, padding=1), 1, 1),
        (nn.Conv1d(4, 4, 3, stride=2, padding=1), 1, 1),
        (nn.Upsample(scale_factor=2), 0, 0),  # output 2 i + 1 lies in position i
        (nn.Sequential(nn.Conv1d(4, 4, 4, 4), nn.ConvTranspose1d(4, 4, 4, 4)), 3, 3),
        (nn.Sequential(CAUSAL, nn.GroupNorm(1, 4)), 63, 63),
        (SHIFTED, 1, -1),  # output i is position i - 1
    ],
)
def test_how_far_back_and_ahead_an_output_looks(model: nn.Module, behind: int, ahead: int) -> None:
    found = see(model, 1, 4, 64, axes=(2,))
    order = causality(found.given, found.target.value)

    assert order is not None
    assert (order.reach.behind, order.reach.ahead) == (behind, ahead)
    assert order.reach.is_aligned


def test_the_first_module_that_looks_ahead_is_named() -> None:
    norms = nn.Sequential(CAUSAL, nn.InstanceNorm1d(4), CAUSAL, nn.InstanceNorm1d(4))
    own = Run(lambda m, x: m.conv(x) + x.flip(-1), conv=CAUSAL)
    orders = [causality(f.given, f.target.value) for f in (see(m, 1, 4, 32) for m in (norms, own))]

    assert [[leak.path for leak in order.leaks] for order in orders if order] == [["1"], [""]]
    assert orders[1] is not None
    assert orders[1].leaks[0].operator == "flip"


def test_an_operator_that_looks_ahead_before_all_modules_is_named() -> None:
    rolled = Run(lambda m, x: m.conv(F.pad(x.roll(1, -1), (2, 0))), conv=nn.Conv1d(4, 4, 3))
    padded = Run(lambda m, x: m.conv(F.pad(x, (1, 1))), conv=nn.Conv1d(4, 4, 3))
    orders = [
        causality(f.given, f.target.value) for f in (see(m, 1, 4, 9) for m in (rolled, padded))
    ]

    first = [(order.leaks[0].path, order.leaks[0].operator) for order in orders if order]
    assert first == [("", "roll"), ("conv", "")]


def test_time_of_a_video_is_causal_or_not_by_itself() -> None:
    past = Run(lambda m, x: m.c(F.pad(x, (1, 1, 1, 1, 2, 0))), c=nn.Conv3d(2, 2, 3))
    both = nn.Conv3d(2, 2, 3, padding=1)
    said = [
        [note.text for note in receptive_field(m, torch.zeros(1, 2, 6, 8, 8)).notes]
        for m in (past, both)
    ]

    assert "Causal along axis 2: no output sees a later position." in said[0]
    assert any(text.startswith("not causal along axis 2") for text in said[1])


@pytest.mark.parametrize(
    ("model", "shape", "blind", "outputs", "level"),
    [
        (nn.ConvTranspose2d(4, 8, 3, stride=2, dilation=2), (1, 4, 10, 10), 385, 529, "warning"),
        (nn.ConvTranspose1d(4, 8, 2, stride=3), (1, 4, 10), 9, 29, "warning"),
        (nn.ConvTranspose1d(4, 8, 3, stride=3), (1, 4, 10), 0, 30, ""),
        # Padding makes them, before and behind all that see: that is no fault.
        (nn.Conv1d(4, 4, 1, padding=2), (1, 4, 10), 4, 14, "info"),
        # Rows see something where the one or the other branch does: 2 x 8 and 4 x 10 of 10 x 10.
        (Run(lambda m, x: F.pad(x[:, :, :2, :8], (0, 2, 0, 8)) + F.pad(x[:, :, :4], (0, 0, 0, 6))),
         (1, 1, 10, 10), 60, 100, "warning"),
    ],
)  # fmt: skip
def test_outputs_that_see_nothing_are_counted(
    model: nn.Module, shape: tuple[int, ...], blind: int, outputs: int, level: str
) -> None:
    report = receptive_field(model, torch.zeros(shape))

    assert (report.totals.blind, report.totals.outputs) == (blind, outputs)
    said = [n.level for n in report.notes if "see no position of the input" in n.text]
    assert said == [level] * bool(level)
    assert not (level == "warning" and any(n.level == "ok" for n in report.notes))


class Same(nn.Module):
    """As TensorFlow pads: so that there are ceil(n / 2) outputs, the odd position at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv1d(1, 1, 3, 2), nn.Conv1d(1, 1, 5)

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[-1]
        p = max((-(-n // 2) - 1) * 2 + 3 - n, 0)
        found: Tensor = self.b(self.a(F.pad(x, (p // 2, p - p // 2))))
        return found


@pytest.mark.parametrize(("size", "start"), [(9, -1), (10, 0), (33, -1), (34, 0)])
def test_where_output_0_starts_is_of_the_given_input(size: int, start: int) -> None:
    report = receptive_field(Same(), torch.zeros(1, 1, size))

    assert report.totals.start == (start,)
    assert [row.start for row in report.section("layers").rows] == [(start,), (start,)]


def test_a_unit_that_is_chosen_leaves_the_headline_as_it_is() -> None:
    stack = nn.Sequential(*(nn.Conv1d(1, 1, 3, padding=1) for _ in range(10)))
    x = torch.zeros(1, 1, 16)
    alone, asked = receptive_field(stack, x), receptive_field(stack, x, unit=[0])

    assert alone.totals == asked.totals
    assert alone.totals.receptive_field == (21,)
    (row,) = asked.section("unit").rows
    assert (row.unit, row.input_size, row.first, row.last) == (0, 16, 0, 10)


def test_each_of_several_outputs_has_a_verdict() -> None:
    def forward(m: Any, x: Tensor) -> dict[str, Tensor]:
        fine = m.one(x)
        return {"fine": fine, "coarse": m.two(fine), "wide": m.three(fine)}

    model = Run(
        forward,
        one=nn.Conv2d(3, 4, 3, padding=1),
        two=nn.Conv2d(4, 4, 3, stride=2, padding=1),
        three=nn.Conv2d(4, 4, 3, padding=4, dilation=4),
    )
    notes = [note.text for note in receptive_field(model, torch.zeros(1, 3, 64, 64)).notes]

    assert "output coarse: 5×5 receptive field, jump 2, without holes" in notes
    # 3 + 3 + 3 of 11 positions along each axis
    assert "output wide: 11×11 receptive field, jump 1, of which 66.9% is seen" in notes


def test_a_unit_may_not_see_its_own_place() -> None:
    hole = torch.ones(1, 1, 3, 3)
    hole[..., 1, 1] = 0
    model = Run(lambda m, x: F.conv2d(x, m.conv.weight * hole, padding=1), conv=nn.Conv2d(1, 1, 3))
    blind, seeing = see(model, 1, 1, 16, 16), see(nn.Conv2d(1, 1, 3, padding=1), 1, 1, 16, 16)

    assert seeing_own_place(blind.target.field) == 0
    assert seeing_own_place(seeing.target.field) == 1
    assert any("Its own position is not seen." in note.details
               for note in receptive_field(model, torch.zeros(1, 1, 16, 16)).notes)  # fmt: skip


def test_a_stack_that_is_dense_from_the_input_on_is_healthy() -> None:
    # The maps within are seen with holes. In one stack the layers before fill them, also behind a
    # stride where it is dense from there on (1, 2); not so where all behind it are 2 apart.
    def stack(*rates: int, kernel: int = 3, stride: int = 1) -> nn.Module:
        first = nn.Conv1d(4, 4, kernel, stride=stride, padding=kernel // 2)
        return nn.Sequential(
            first, *(nn.Conv1d(4, 4, 3, padding=rate, dilation=rate) for rate in rates)
        )

    every = (stack(2, 4), stack(1, 2, stride=2), stack(2, 2, kernel=7, stride=2))
    levels = [
        {
            n.level
            for n in receptive_field(m, torch.zeros(1, 4, 256)).notes
            if "in the output of" in n.text
        }
        for m in every
    ]

    assert levels == [{"info"}, set(), {"warning"}]


def test_a_sink_and_a_window_are_told_as_such() -> None:
    at = torch.arange(64)
    seen = (at[:, None] - at < 7) & (at[:, None] >= at) | (at < 1) & (at[:, None] >= at)
    model = Run(lambda m, x: F.scaled_dot_product_attention(x, x, x, attn_mask=seen))
    notes = receptive_field(model, torch.zeros(1, 64, 8)).notes

    assert any("the first and the last 7 up to its own" in d for n in notes for d in n.details)


def test_a_tensor_that_is_given_several_times_is_one_input() -> None:
    model, x = nn.MultiheadAttention(8, 2, batch_first=True), torch.zeros(1, 6, 8)
    found = receptive(model, Inputs(args=(x, x, x)), studied="0")

    # Queries alone would see themselves; keys and values are the same tensor.
    assert found.target.total.lines[0].hulls == (6, 6)


def test_last_states_beside_a_sequence_make_no_map_within_of_it() -> None:
    report = receptive_field(nn.LSTM(4, 4), torch.zeros(20, 2, 4))

    assert report.totals.reads_all is None
    assert (report.totals.receptive_field, report.totals.ahead) == ((20,), 0)
    assert report.totals.complete


class Fixed(nn.Module):
    """A table of positions: it does not run on a longer input."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(16))
        self.conv = nn.Sequential(*(nn.Conv1d(1, 1, 3, padding=1) for _ in range(9)))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(x + self.table)
        return found


@pytest.mark.parametrize(
    ("model", "shape", "level", "said"),
    [
        (Fixed(), (1, 1, 16), "warning", "the model does not run on a larger one"),
        (
            Run(lambda m, x: m.conv(x).cumsum(-1), conv=nn.Conv1d(2, 2, 3, padding=1)),
            *((1, 2, 64), "info", "see as far as the input goes"),
        ),
    ],
)
def test_why_no_larger_input_was_looked_at(
    model: nn.Module, shape: tuple[int, ...], level: str, said: str
) -> None:
    notes = receptive_field(model, torch.zeros(shape)).notes

    assert [note.level for note in notes if said in note.text] == [level]


def test_tiles_of_parts_that_grow_with_the_input_are_not_promised() -> None:
    report = receptive_field(nn.AdaptiveAvgPool1d(4), torch.zeros(1, 2, 12))

    (row,) = report.section("axes").rows
    assert (row.tile_step, row.why) == (None, "_adaptive_avg_pool2d makes parts of any input")


def test_a_mixer_of_tokens_is_no_leak() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = x + m.tokens(m.norm(x).transpose(1, 2)).transpose(1, 2)
        found: Tensor = x + m.channels(m.norm(x))
        return found

    # Nothing in it looks back alone, and the layer over the 9 tokens is what looks 8 ahead.
    parts = {"tokens": nn.Linear(9, 9), "norm": nn.LayerNorm(6), "channels": nn.Linear(6, 6)}
    found = see(Run(forward, **parts), 1, 9, 6)
    order = causality(found.given, found.target.value)

    assert order is not None
    assert order.backward == ()
    assert [(leak.path, leak.operator, leak.ahead) for leak in order.leaks] == [("tokens", "", 8)]


def test_the_mean_is_the_leak_not_what_takes_it_away() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = m.conv(F.pad(x, (2, 0)))
        return x - x.mean(-1, keepdim=True)

    found = see(Run(forward, conv=nn.Conv1d(4, 4, 3)), 1, 4, 32)
    order = causality(found.given, found.target.value)

    assert order is not None
    assert order.backward == ("conv",)
    assert [(leak.path, leak.operator, leak.ahead) for leak in order.leaks] == [("", "mean", 31)]


def test_what_looks_ahead_among_samples_of_a_frame_does_not_look_back_alone() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        made: Tensor = m.conv(F.pad(m.up(m.first(x)), (1, 1)))
        return made

    modules = {"first": nn.Conv1d(4, 4, 3, padding=1), "conv": nn.Conv1d(4, 4, 3)}
    modules["up"] = nn.ConvTranspose1d(4, 4, 8, stride=4, padding=2)
    found = see(Run(forward, **modules), 1, 4, 16)
    order = causality(found.given, found.target.value)

    assert order is not None
    assert "conv" not in order.backward


def test_a_mean_over_what_is_padded_ahead_is_the_leak_not_the_cut_behind_it() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = F.pad(x, (2, 2))
        x = m.conv(x / x.mean(-1, keepdim=True))
        return x[..., 2:]

    found = see(Run(forward, conv=nn.Conv1d(4, 4, 3)), 1, 4, 31)
    order = causality(found.given, found.target.value)

    assert order is not None
    assert [leak.operator for leak in order.leaks] == ["mean"]


def test_windows_that_begin_at_the_border_are_not_cut_short_where_they_are_wider() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        chunks = x.unflatten(1, (4, 8))  # (1, 4, 8, 4)
        so_far = chunks.sum(2, keepdim=True).cumsum(1)
        before = torch.cat((torch.zeros_like(so_far[:, :1]), so_far[:, :-1]), 1)
        return m.out((chunks + before).flatten(1, 2))

    # Each sees itself and all chunks before its own: the first 8 themselves alone.
    line = see(Run(forward, out=nn.Linear(4, 4)), 1, 32, 4).target.field.lines[0]

    assert line.hulls == (1, 32)
    assert line.seen(31) == (1 << 24) - 1 | 1 << 31


def test_of_tokens_that_see_all_before_those_that_a_border_cuts_short_count_too() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        tokens = m.conv(x).flatten(2)
        scores = (tokens.mT @ tokens).masked_fill(torch.ones(16, 16).tril() == 0, -torch.inf)
        return (tokens @ scores.softmax(-1).mT).unflatten(2, (4, 4))

    found = see(Run(forward, conv=nn.Conv2d(2, 2, 3, padding=1)), 1, 2, 4, 4)

    assert [line.hulls[1] for line in found.target.field.lines] == [4, 4]
    assert found.target.touched == 15  # of the tenth, all but the last of the next row


def test_a_row_and_a_column_are_not_all_of_a_map() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:  # Huang et al. 2019
        y = m.conv(x)
        columns, rows = y.permute(0, 3, 1, 2).reshape(5, 2, 4), y.transpose(1, 2).reshape(4, 2, 5)
        apart = columns.mT @ columns - torch.diag(torch.full((4,), torch.inf))
        own = apart.view(1, 5, 4, 4).transpose(1, 2)
        shares = torch.cat([own, (rows.mT @ rows).view(1, 4, 5, 5)], 3).softmax(3)
        down = columns @ shares[..., :4].transpose(1, 2).reshape(5, 4, 4).mT
        across = rows @ shares[..., 4:].reshape(4, 5, 5).mT
        both = down.view(1, 5, 2, 4).permute(0, 2, 3, 1) + across.view(1, 4, 2, 5).transpose(1, 2)
        return both + x

    report = receptive_field(Run(forward, conv=nn.Conv2d(2, 2, 1)), torch.zeros(1, 2, 4, 5))
    said = [note.text for note in report.notes]

    assert (report.totals.reached, report.totals.global_by) == (5 + 4 - 1, None)
    assert (
        "outputs see from end to end of the 4×5 input: of a larger one they may see further" in said
    )


def test_windows_of_one_period_that_all_begin_at_one_place_are_looked_at_again() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        a = m.conv(x)
        b = m.conv(F.max_pool1d(a, 2))
        c = m.conv(F.max_pool1d(b, 2))
        for skip in (b, a):
            c = m.conv(F.interpolate(c, scale_factor=2.0, mode="linear") + skip)
        found: Tensor = c
        return found

    # 3, pooled 4; 3 more at jump 2: 8, pooled 10; 3 more at jump 4: 18. Two neighbours of jump 4
    # are read for one of jump 2: 22, and 3 of these: 26. An output reads 3 of jump 2
    # (two neighbours for each of u - 1 to u + 1): 26 + 2 x 2 = 30. On 32 positions 4 outputs are
    # away from the borders, all with one window: no jump can be told from these.
    conv = nn.Conv1d(2, 2, 3, padding=1)
    report = receptive_field(Run(forward, conv=conv), torch.zeros(1, 2, 32))

    assert report.totals.receptive_field == (30,)
    assert report.totals.jump == (1,)


def test_a_video_network_is_causal_in_time() -> None:
    # Time is padded by 2 before alone, rows and columns by 1 at both ends: 1 is seen ahead there.
    conv = nn.Conv3d(1, 2, 3)
    causal = Run(lambda m, x: m.conv(F.pad(x, (1, 1, 1, 1, 2, 0))), conv=conv)
    other = Run(lambda m, x: m.conv(F.pad(x, (1, 1, 1, 1, 1, 1))), conv=conv)
    reports = [receptive_field(model, torch.zeros(1, 1, 8, 8, 8)) for model in (causal, other)]

    assert reports[0].check("causal") is reports[0]
    with pytest.raises(ThresholdError, match="sees 1 position ahead"):
        reports[1].check("causal")


def test_what_the_one_output_sees_that_is_picked_is_told_beside_the_map_before_it() -> None:
    # Taps 0, 2 and 4 of 12 positions, of the last unit alone.
    def last(m: Any, x: Tensor) -> Tensor:
        made: Tensor = m.c(F.pad(x, (4, 0)))[..., -1]
        return made

    report = receptive_field(Run(last, c=nn.Conv1d(2, 2, 3, dilation=2)), torch.zeros(1, 2, 12))

    (note,) = [note.text for note in report.notes if "tells no positions apart" in note.text]
    assert note == (
        "the network's output depends on 5 positions of its 12-position input, and tells no "
        "positions apart; the verdict is of c, the last module's map before it that does"
    )
    asked = receptive_field(nn.Conv1d(2, 2, 3), torch.zeros(1, 2, 12))
    assert not any("apart" in note.text for note in asked.notes)


@pytest.mark.parametrize(
    "constant",
    [
        torch.eye(4, 8).to_sparse(),
        torch.ones(8).to(torch.float8_e4m3fn),  # which few operators know
        torch.ones(4, 8, dtype=torch.cfloat),
        torch.ones(8, dtype=torch.bool),
    ],
    ids=["sparse", "of 8 bits", "complex", "a mask"],
)
def test_what_is_scaled_by_a_constant_of_any_kind_sees_what_it_did(constant: Tensor) -> None:
    model = Run(lambda m, x: m.conv(x) * constant, conv=nn.Conv1d(4, 4, 3, padding=1))

    assert see(model, 1, 4, 8).target.field.lines[0].hulls == (3, 3)
    assert see(model, 1, 4, 8).target.bounded_by is None


@pytest.mark.parametrize(
    ("scale", "is_border"),
    [
        (nn.Parameter(torch.zeros(2, 1)), True),  # zeros may be learned away
        (torch.full((2, 1), 2), True),
        (torch.full((2, 1), 2.0, device="meta"), True),  # may be a mask: lets everything through
        (-0.5, True),
        ((torch.arange(16) > 7).float(), False),  # there is nothing beyond what a mask takes out
    ],
    ids=["learned", "whole", "not known", "a number", "a mask"],
)
def test_padding_that_is_scaled_stays_the_border(scale: Any, is_border: bool) -> None:
    model = Run(
        lambda m, x: m.conv((F.pad(x, (8, 0)) * m.scale).clone()),
        conv=nn.Conv1d(2, 2, 3, dilation=4),
    )
    model.scale = scale

    found = examine(model, Inputs(args=(torch.zeros(1, 2, 8),)), axes=(2,))
    field = found.total(found.graph.outputs["0"])

    # Each sees itself and 4 before; all that lies 8 before is padding.
    assert field is not None
    assert field.lines[0].sets == tuple(1 << at | 1 << at >> 4 for at in range(8))
    assert field.lines[0].clipped == (is_border,) * 8
