"""What `rf` says of a network beside its numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope import receptive_field
from archscope.errors import ThresholdError, UsageError
from archscope.results import Report

pytestmark = pytest.mark.usefixtures("few_sizes")


class Run(nn.Module):
    """A forward, and the modules that it goes through first."""

    def __init__(self, after: Callable[[Tensor], Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*modules)
        self._after = after

    def forward(self, x: Tensor) -> Tensor:
        return self._after(self.body(x))


class Raster(nn.Conv2d):
    """van den Oord et al. 2016: pixels above, and to the left."""

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.ones(3, 3)
        mask[1, 1:] = mask[2] = 0
        return F.conv2d(x, self.weight * mask, padding=1)


def said(report: Report) -> str:
    return "\n".join(f"{note.level} {note.text}" for note in report.notes)


def test_the_axis_that_looks_ahead_is_named() -> None:
    report = receptive_field(Raster(1, 1, 3), torch.zeros(1, 1, 9, 9))

    with pytest.raises(ThresholdError, match="an output sees 1 position ahead along axis 3"):
        report.check("causal")
    with pytest.raises(ThresholdError, match="sees 1 position ahead along each axis"):
        receptive_field([1], spatial_dims=2, input_size=9).check("causal")


def test_an_output_that_sees_nothing_in_a_corner_is_no_fault() -> None:
    # The first pixel has none before it; all others of its row and column have.
    report = receptive_field(Raster(1, 1, 3), torch.zeros(1, 1, 9, 9))

    assert (report.totals.blind, report.totals.blind_inside) == (1, 0)
    assert "info 1 of 81 outputs at the borders (1.2%) sees no position" in said(report)


def test_an_axis_of_features_is_no_axis_of_positions() -> None:
    with pytest.raises(UsageError, match=r"axis 1 of the 1×4×9×9 input holds features.* axes 2,3"):
        receptive_field(nn.Conv2d(4, 4, 3), torch.zeros(1, 4, 9, 9), axes=[1])


def test_convolutions_whose_ends_are_cut_off_look_back() -> None:
    causal = [Run(lambda x: x[..., :-2], nn.Conv1d(4, 4, 3, padding=2)) for _ in range(3)]
    report = receptive_field(
        nn.Sequential(*causal, nn.Conv1d(4, 4, 3, padding=1)), torch.zeros(1, 4, 32)
    )

    assert "3 looks 1 position ahead, while 3 modules look back alone" in said(report)


def test_a_forward_that_ends_in_functions_has_a_row_of_its_own() -> None:
    ends = (lambda x: F.avg_pool1d(x, 4), F.relu)
    reports = [
        receptive_field(Run(end, nn.Conv1d(4, 4, 3, padding=1)), torch.zeros(1, 4, 32))
        for end in ends
    ]
    rows = [[(row.layer, row.receptive_field) for row in r.section("layers").rows] for r in reports]

    assert rows[0][-1] == ("(model)", (6,))  # 3 + (4 - 1)
    assert [name for name, _ in rows[1]] == ["body.0", "body"]


def loop(x: Tensor) -> Tensor:
    """A state that each step adds to, as an Elman network does."""
    state, found = x[:, 0], []
    for step in x.unbind(1):
        state = torch.tanh(state + step)
        found.append(state)
    return torch.stack(found, 1)


def long_filter(x: Tensor) -> Tensor:
    """A filter as long as the input, by transforms twice as long (Gu et al. 2022)."""
    size = x.shape[1]
    kernel = torch.fft.rfft(torch.rand(size, 4), n=2 * size, dim=0)
    return torch.fft.irfft(torch.fft.rfft(x, n=2 * size, dim=1) * kernel, n=2 * size, dim=1)[
        :, :size
    ]


PREFIXES = (nn.LSTM(4, 4, batch_first=True), *map(Run, (lambda x: x.cumsum(1), loop, long_filter)))


@pytest.mark.parametrize("model", PREFIXES)
def test_what_looks_back_to_the_first_position_grows_with_the_input(model: nn.Module) -> None:
    assert "as far as the input goes, by (model): of a longer input they see further" in said(
        receptive_field(model, torch.zeros(1, 30, 4))
    )


def test_outputs_that_see_the_same_have_no_step() -> None:
    layer = nn.TransformerEncoderLayer(16, 2, batch_first=True)
    rows = receptive_field(layer, torch.zeros(1, 9, 16)).section("layers").rows
    attention = next(row for row in rows if row.layer == "self_attn")

    assert (attention.receptive_field, attention.jump, attention.centre) == ((9,), None, None)


def test_what_fills_no_box_has_no_gaps_all_the_same() -> None:
    cross = Run(lambda x: x, Raster(1, 1, 3))
    holed = Run(lambda x: x, nn.Conv2d(1, 1, 3, dilation=2))
    reports = [receptive_field(model, torch.zeros(1, 1, 16, 16)) for model in (cross, holed)]

    # The row above and the pixel before, of a box of two rows; every second of five.
    assert [(r.totals.reached, r.totals.positions) for r in reports] == [(4, 6), (9, 25)]
    assert [r.totals.has_gaps for r in reports] == [False, True]
    assert "ok No gridding: what the output sees has no gaps, and fills no box" in said(reports[0])
    assert "warning Gridding" in said(reports[1])


def test_an_output_of_one_position_says_how_much_it_depends_on() -> None:
    # 24 - 2 = 22, pooled 11, - 2 = 9, pooled 4, - 2 = 2, pooled 1: of its window, 22 of 24.
    layers = [layer for _ in range(3) for layer in (nn.Conv2d(4, 4, 3), nn.MaxPool2d(2))]
    report = receptive_field(nn.Sequential(*layers), torch.zeros(1, 4, 24, 24))

    assert "the network's output depends on 22×22 of its 24×24 input" in " ".join(
        note.text for note in report.notes
    )


@pytest.mark.parametrize("dilation", [1, 2])
def test_what_comes_in_at_the_other_end_makes_no_field_as_wide_as_the_input(dilation: int) -> None:
    # Circular padding joins the ends: the first output sees the last position beside its own two.
    layer = nn.Conv1d(1, 1, 3, padding=dilation, dilation=dilation, padding_mode="circular")
    report = receptive_field(layer, torch.zeros(1, 1, 32))

    assert report.totals.receptive_field == (2 * dilation + 1,)
    assert (report.totals.reached, report.totals.jump) == (3, (1,))
    assert f"{2 * dilation} of 32 outputs along axis 2 see around its ends" in said(report)


def test_what_is_rolled_comes_in_at_the_other_end() -> None:
    def rolled(x: Tensor) -> Tensor:
        return torch.cat([part.roll(by, 2) for by, part in enumerate(x.chunk(3, 1), -1)], 1)

    def by_one(x: Tensor) -> Tensor:
        return x.roll(1, 2)

    ends = "along axis 2 {} around its ends"
    assert f"2 of 16 outputs {ends.format('see')}" in of_a_run(rolled)
    assert f"1 of 16 outputs {ends.format('sees')}" in of_a_run(by_one)


def of_a_run(function: Callable[[Tensor], Tensor]) -> str:
    return said(receptive_field(Run(function, nn.Conv1d(3, 3, 1)), torch.zeros(1, 3, 16)))


def test_outputs_that_see_another_position_than_their_own_by_turns_are_told_apart() -> None:
    def by_turns(x: Tensor) -> Tensor:
        return torch.where(torch.arange(16) % 2 == 0, x.roll(1, -1), x)

    assert "one position alone: 50.0% of outputs see their own, the others another" in of_a_run(
        by_turns
    )
    assert "one position alone: not its own" in of_a_run(lambda x: x.roll(1, -1))
    assert "one position alone: none looks at others" in of_a_run(lambda x: 2 * x)


def test_a_panorama_is_joined_along_one_axis() -> None:
    def seen(x: Tensor) -> Tensor:
        return F.pad(F.pad(x, (1, 1, 0, 0), mode="circular"), (0, 0, 1, 1))

    report = receptive_field(nn.Sequential(Run(seen), nn.Conv2d(1, 1, 3)), torch.zeros(1, 1, 8, 16))

    assert (report.totals.reached, report.totals.positions) == (9, 9)
    assert "2 of 16 outputs along axis 3 see around" in said(report)
    assert "axis 2 see around" not in said(report)


def test_a_mask_that_is_not_known_is_told_where_it_takes_positions() -> None:
    class Masked(nn.Conv1d):
        mask: Tensor

        def __init__(self, shape: tuple[int, ...]) -> None:
            super().__init__(2, 2, 3)
            self.register_buffer("mask", torch.ones(shape))

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x * self.mask)

    with torch.device("meta"):
        by_place, by_feature = (Masked(shape) for shape in ((9,), (2, 1)))
    x = torch.zeros(1, 2, 9)

    told = said(receptive_field(by_place, x))
    assert "A bound, no verdict: the output sees no more than a 3-position window" in told
    assert (
        "warning mul is under a mask whose values are not known: it is taken to let everything "
        "through (in (model))" in told
    )
    assert "bound" not in said(receptive_field(by_feature, x))


class Pyramid(nn.Module):
    """Two maps, the second of twice the stride, and one head for both."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv1d(1, 2, 3, 2, 1), nn.Conv1d(2, 2, 3, 2, 1)
        self.head = nn.Conv1d(2, 2, 3, padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        one = self.one(x)
        two = self.two(one)
        return [self.head(one + F.interpolate(two, scale_factor=2)), self.head(two)]


def test_each_of_several_outputs_is_told_away_from_borders() -> None:
    text = said(receptive_field(Pyramid(), torch.zeros(1, 1, 16)))

    assert "ok output 1: 15-position receptive field, jump 4, without holes" in text


class Decoder(nn.Module):
    """Queries that read what attention makes of a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.MultiheadAttention(2, 1, batch_first=True)
        self.cross = nn.MultiheadAttention(2, 1, batch_first=True)
        self.queries = nn.Parameter(torch.zeros(1, 3, 2))

    def forward(self, x: Tensor) -> Tensor:
        memory = self.encoder(x, x, x, need_weights=False)[0]
        made: Tensor = self.cross(self.queries, memory, memory, need_weights=False)[0]
        return made


def test_what_reads_all_comes_after_the_map_that_is_spoken_of() -> None:
    totals = receptive_field(Decoder(), torch.zeros(1, 8, 2)).totals

    assert totals.output == "encoder"
    assert (totals.global_by, totals.reads_all) == ("encoder", "cross")


def criss_cross(x: Tensor) -> tuple[Tensor, Tensor]:
    """Each position of its row and its column (Huang et al. 2019), alone and beside a crop."""
    both = x.sum(-1, keepdim=True) + x.sum(-2, keepdim=True)
    return x[..., 1:], both


def test_how_much_of_a_plane_an_output_depends_on_is_counted() -> None:
    alone = receptive_field(Run(lambda x: criss_cross(x)[1]), torch.zeros(1, 1, 6, 6))
    beside = receptive_field(Run(criss_cross), torch.zeros(1, 1, 6, 6))

    assert "every output depends on 11 of the 36 positions of the 6×6 input" in said(alone)
    assert (
        "output 1: 6×6 receptive field, of which 30.6% is seen, without gaps; (model) makes it "
        "depend on 11 of the 36 positions of the input"
    ) in said(beside)


def test_strips_of_a_plane_are_not_all_of_it() -> None:
    def strips(x: Tensor) -> Tensor:
        return x * (x.mean(-1, keepdim=True) + x.mean(-2, keepdim=True))

    report = receptive_field(Run(strips, nn.Conv2d(1, 1, 1)), torch.zeros(1, 1, 6, 6))

    assert report.totals.depends_on == 11
    assert "the output sees 11 of the 36 positions, from (model) on" in said(report)
    assert "sees all" not in said(report)


def test_registers_that_see_nothing_by_themselves_have_no_local_field() -> None:
    def registers(x: Tensor) -> Tensor:
        tokens = torch.cat([torch.ones(1, 2, 2), x], 1)
        return ((tokens @ tokens.mT).softmax(-1) @ tokens)[:, :2]

    totals = receptive_field(Run(registers), torch.zeros(1, 6, 2)).totals

    assert (totals.receptive_field, totals.local_field) == ((6,), None)


def test_one_position_that_is_not_its_own_is_told_as_such() -> None:
    report = receptive_field(Run(lambda x: F.pad(x, (2, -2))), torch.zeros(1, 2, 12))

    assert (report.totals.position_axes, report.totals.start) == ((2,), (-2,))
    assert "the output sees one position alone: not its own" in said(report)


def test_a_network_of_one_size_that_no_border_cuts_short_sees_no_more() -> None:
    model = nn.Linear(6, 6)
    masked = Run(lambda x: F.linear(x, model.weight * torch.ones(6, 6).tril(-1)))
    text = said(receptive_field(masked, torch.zeros(1, 6), axes=1))

    assert "may see more" not in text


def test_a_mask_is_the_last_input_to_be_looked_at() -> None:
    class Masked(nn.Module):
        def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
            return F.one_hot(ids, 3).to(mask.dtype) * mask[..., None]

    ids, mask = torch.zeros(1, 8, dtype=torch.long), torch.ones(1, 8)

    assert receptive_field(Masked(), ids=ids, mask=mask).totals.of_input == "ids"
    assert receptive_field(Masked(), ids, mask).totals.of_input == "0"


def test_of_maps_that_the_model_adds_before_it_reduces_them_the_widest_stands_for_all() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 5, padding=2)
            self.short, self.head = nn.Conv2d(2, 2, 1), nn.Linear(2, 3)

        def forward(self, x: Tensor) -> Tensor:
            y = self.first(x)
            found: Tensor = self.head((self.second(y) + self.short(y)).mean((2, 3)))
            return found

    text = said(receptive_field(Residual(), torch.zeros(1, 2, 16, 16)))

    assert "all 49 positions of the 7×7 receptive field reach second, the last map before" in text


def test_the_map_of_which_a_classifier_reads_the_first_token_is_before_nothing_within_it() -> None:
    layer = nn.TransformerEncoderLayer(4, 1, 8, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    report = receptive_field(Run(lambda y: y[:, 0], encoder), torch.zeros(1, 6, 4))
    by = "body.0.layers.0.self_attn"

    assert (report.totals.output, report.totals.global_by) == ("body", by)
    assert f"body sees all 6 positions, from {by} on" in said(report)
    assert "the verdict is of body, the last module's map before it that does" in said(report)
    assert "before body" not in said(report)


class Astray(nn.Module):
    """A map of every second position, added to the first half of one of each."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.down = nn.Conv1d(2, 2, 3, padding=1), nn.Conv1d(2, 2, 3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        down: Tensor = self.down(y)
        return down + y[..., : down.shape[-1]]


@pytest.mark.parametrize("size", [16, 48])
def test_windows_of_branches_whose_strides_differ_grow_with_the_input(size: int) -> None:
    report = receptive_field(Astray(), torch.zeros(1, 2, size))

    assert "warning windows are wider from output to output, from (model) on" in said(report)
    assert (report.totals.at_least, report.totals.complete) == (True, False)
    with pytest.raises(ThresholdError, match="rf <= 99: unknown, it is at least"):
        report.check("rf <= 99")


class Separator(nn.Module):
    """31 frames of 64 samples look ahead, as does what lies between them; `up` does not."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.between = nn.Conv1d(1, 2, 4, 2), nn.Conv1d(2, 2, 3, padding=1)
        self.up = nn.ConvTranspose1d(2, 1, 4, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.between(self.down(x))
        return torch.stack([self.up(y), self.up(y * y)], 1)


def test_what_looks_ahead_behind_maps_without_places_is_no_leak_of_the_one_that_shows_it() -> None:
    text = said(receptive_field(Separator(), torch.zeros(1, 1, 64)))

    assert "not causal: outputs look up to 5 positions ahead of their own" in text
    assert "Leak" not in text


class Normed(nn.Module):
    """33 frames of 64 samples, a norm over all of them, and samples again."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.norm = nn.Conv1d(1, 2, 4, 2, 2), nn.GroupNorm(1, 2)
        self.up = nn.ConvTranspose1d(2, 1, 4, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.up(self.norm(self.down(x)))
        return found


def test_what_joins_frames_that_see_all_is_not_what_looks_ahead() -> None:
    text = said(receptive_field(Normed(), torch.zeros(1, 1, 64)))

    assert "63 positions ahead of their own, from down on" in text


class Blocks(nn.Module):
    """Attention in blocks of 4 and those before, between convolutions that look back alone."""

    def __init__(self, before: int) -> None:
        super().__init__()
        self.attend, self.before = Attend(before), before
        self.convs = nn.ModuleList(nn.Conv1d(2, 2, 3) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.convs
        found: Tensor = second(F.pad(self.attend(first(F.pad(x, (2, 0)))), (2, 0)))
        return found


class Attend(nn.Module):
    def __init__(self, before: int) -> None:
        super().__init__()
        self.before = before

    def forward(self, x: Tensor) -> Tensor:
        block = torch.arange(x.shape[-1]) // 4
        apart = block[:, None] - block
        scores = (x.mT @ x).masked_fill((apart < 0) | (apart > self.before), -torch.inf)
        return (scores.softmax(-1) @ x.mT).mT


@pytest.mark.parametrize(("before", "back"), [(1, "11 positions"), (99, "to the first position")])
def test_blocks_of_attention_are_no_leak_and_have_a_lag(before: int, back: str) -> None:
    report = receptive_field(Blocks(before), torch.zeros(1, 2, 40))
    text = said(report)

    ahead = "outputs look up to 3 positions ahead of their own, in blocks of 4, from attend on"
    assert f"not causal: {ahead}" in text
    assert "Leak" not in text
    assert f"an output looks back {back} and ahead 3" in text
    report.check("ahead == 3")


def test_a_convolution_over_periods_that_are_folded_is_in_no_blocks() -> None:
    folds = nn.Sequential(
        nn.Unflatten(2, (8, 6)), nn.Conv2d(2, 2, 3, padding=1), nn.Flatten(2)
    )  # Wu et al. 2023
    text = said(receptive_field(folds, torch.zeros(1, 2, 48)))

    assert "outputs look up to 7 positions ahead of their own, from 2 on" in text


def test_blocks_of_attention_behind_a_stride_are_no_leak() -> None:
    down = nn.Sequential(nn.ConstantPad1d((2, 0), 0), nn.Conv1d(2, 2, 3, 2))
    text = said(receptive_field(nn.Sequential(down, Attend(1)), torch.zeros(1, 2, 40)))

    assert "outputs look up to 6 positions ahead of their own, in blocks of 8, from 1 on" in text
    assert "Leak" not in text


def test_a_jump_of_five_halves_makes_no_blocks() -> None:
    def down(x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=0.4)

    layers = [Run(down, nn.Conv1d(2, 2, 3, padding=1)), nn.Conv1d(2, 2, 3, padding=1)]
    text = said(receptive_field(nn.Sequential(*layers), torch.zeros(1, 2, 40)))

    assert "outputs look up to 4 positions ahead of their own, from 0.body.0 on" in text


def test_what_recurs_behind_a_stride_is_causal() -> None:
    class Steps(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.cumsum(-1)

    ahead = {}
    for before in (0, 2):
        down = nn.Sequential(nn.ConstantPad1d((before, 0), 0), nn.Conv1d(2, 2, 3, 2))
        report = receptive_field(nn.Sequential(down, Steps()), torch.zeros(1, 2, 40))
        ahead[before] = report.totals.look_ahead

    assert ahead == {0: (2,), 2: (0,)}


class Divided(nn.Module):
    """Attention to the frames before, then to all places of the frame (Bertasius et al. 2021)."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.transpose(1, 2)
        y = F.scaled_dot_product_attention(y, y, y, is_causal=True).transpose(1, 2)
        return F.scaled_dot_product_attention(y, y, y)


def test_what_reduces_along_one_axis_alone_does_not_depend_on_all_of_the_other() -> None:
    text = said(receptive_field(Divided(), torch.zeros(1, 8, 4, 6), axes=(1, 2)))

    assert "along axis 2: an output depends on up to all of the 8×4 input" in text
    assert "every output" not in text


class Sums(nn.Module):
    """What a convolution sees, and the mean of all frames up to the own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, (1, 3), padding=(0, 1))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(x)
        return made + x.mean(3, keepdim=True).cumsum(2)


def test_not_every_output_depends_on_what_lies_before_some() -> None:
    text = said(receptive_field(Sums(), torch.zeros(1, 2, 8, 6)))

    assert "so that an output depends on up to all of the 8×6 input" in text


class PadsItself(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(F.pad(x, (2, 0), mode="reflect"))
        return found


def test_what_a_module_pads_with_looks_ahead_not_what_it_pads_for() -> None:
    text = said(receptive_field(nn.Sequential(PadsItself()), torch.zeros(1, 2, 40)))

    assert "outputs look up to 2 positions ahead of their own, from 0 on" in text


class Shifts(nn.Module):
    """A layer that pads for itself, of what the model's own forward takes from ahead."""

    def __init__(self, ahead: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.second = Backward(), Backward()
        self._ahead = ahead

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.second(self._ahead(self.first(x)))
        return found


class Backward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(F.pad(x, (2, 0)))
        return found


@pytest.mark.parametrize(
    ("ahead", "operator"),
    [
        (lambda x: F.pad(x, (0, 2))[..., 2:], "slice"),
        (lambda x: F.avg_pool1d(x, 5, 1, 2), "avg_pool2d"),
    ],
)
def test_what_the_forward_takes_from_ahead_is_not_told_of_the_layer_that_reads_it(
    ahead: Callable[[Tensor], Tensor], operator: str
) -> None:
    text = said(receptive_field(Shifts(ahead), torch.zeros(1, 2, 32)))

    assert f"{operator} in the forward of the model looks 2 positions ahead" in text


def test_one_frame_and_several_of_four_are_causal_at_their_rate() -> None:
    def before() -> list[nn.Module]:
        return [nn.ReplicationPad1d((2, 0)), nn.Conv1d(2, 2, 3)]

    model = nn.Sequential(*before(), *before(), nn.ReplicationPad1d((2, 0)), nn.Conv1d(2, 2, 3, 2))

    assert "Causal: no output sees a later position." in said(
        receptive_field(model, torch.zeros(1, 2, 9))  # 5 outputs
    )


def test_frames_that_see_no_later_one_are_no_leak() -> None:
    def layer(before: int, kernel: int, stride: int) -> list[nn.Module]:
        return [nn.ConstantPad1d((before, 0), 0), nn.Conv1d(2, 2, kernel, stride)]

    model = nn.Sequential(*layer(4, 5, 1), *layer(2, 4, 2), *layer(2, 3, 1), *layer(4, 8, 4))
    framed = said(receptive_field(model, torch.zeros(1, 2, 64)))
    later = said(receptive_field(nn.Sequential(*model, nn.Conv1d(2, 2, 2)), torch.zeros(1, 2, 64)))

    # A frame of 2 sees 1 ahead of its place, one of 2 x 4 sees 1 + 3 x 2.
    within = "up to 7 positions ahead of their own, within their own frame of 8 positions, from 3"
    assert f"not causal: outputs look {within} on" in framed
    assert "Leak" not in framed
    assert "within" not in later


def test_what_looks_ahead_before_a_last_state_is_no_leak() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.rnn = nn.Conv1d(2, 4, 5, padding=2), nn.GRU(4, 4, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.rnn(self.conv(x).mT)[0][:, -1]
            return found

    text = said(receptive_field(Last(), torch.zeros(1, 2, 20)))

    assert "not causal: outputs look up to 2 positions ahead of their own, from conv on" in text


class Recurrent(nn.Module):
    """A recurrent layer that looks back, and what may look ahead behind it."""

    def __init__(
        self, then: nn.Module, *, tokens: int = 0, before: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(tokens, 2) if tokens else None
        self.before, self.rnn, self.then = before, nn.GRU(2, 2, batch_first=True), then

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.embed is None else self.embed(x).mT
        y = y if self.before is None else self.before(F.pad(y, (2, 0)))
        found: Tensor = self.then(self.rnn(y.mT)[0].mT)
        return found


class BothWays(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(2, 1, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.rnn(x.mT)[0].mT
        return found


@pytest.mark.parametrize(
    ("then", "tokens", "before", "leaks"),
    [
        (nn.Conv1d(2, 2, 3, padding=1), 0, None, False),
        (BothWays(), 0, None, False),
        (nn.GroupNorm(1, 2), 0, None, True),
        (nn.Conv1d(2, 2, 3, padding=1), 9, None, True),
        (nn.Conv1d(2, 2, 3, padding=1), 0, nn.Conv1d(2, 2, 3), True),
    ],
)
def test_a_few_steps_ahead_beside_a_recurrent_layer_alone_are_no_leak(
    then: nn.Module, tokens: int, before: nn.Module | None, leaks: bool
) -> None:
    x = torch.zeros(1, 20, dtype=torch.long) if tokens else torch.zeros(1, 2, 20)
    text = said(receptive_field(Recurrent(then, tokens=tokens, before=before), x))

    assert ("warning Leak: not causal" in text) == leaks
    assert ("info not causal: outputs look up to" in text) != leaks


class Codec(nn.Module):
    """Frames of 4 positions by convolutions that look back alone, and positions of them again."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(tokens, 2) if tokens else None
        down, up = nn.Conv1d(2, 2, 8, 4), nn.ConvTranspose1d(2, 2, 4, 4)
        self.body = nn.Sequential(backward(2), backward(4, down), backward(2), up)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.body(x if self.embed is None else self.embed(x).mT)
        return found


def backward(before: int, layer: nn.Module | None = None) -> nn.Module:
    return nn.Sequential(nn.ConstantPad1d((before, 0), 0), layer or nn.Conv1d(2, 2, before + 1))


def test_a_decoder_that_makes_positions_of_frames_is_no_leak_but_of_tokens() -> None:
    framed = said(receptive_field(Codec(0), torch.zeros(1, 2, 64)))
    tokens = said(receptive_field(Codec(9), torch.zeros(1, 64, dtype=torch.long)))
    ahead = nn.Sequential(Codec(0), nn.Conv1d(2, 2, 2))
    later = said(receptive_field(ahead, torch.zeros(1, 2, 64)))

    within = (
        "up to 3 positions ahead of their own, within their own frame of 4 positions, from body.1"
    )
    assert f"not causal: outputs look {within} on" in framed
    assert "Leak" not in framed
    assert "Leak: not causal, outputs look up to 3 positions ahead. body.1" in tokens
    assert "within" not in later


class Vocoder(nn.Module):
    """Samples by what looks back alone, under a condition that looks one frame ahead."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.conv = nn.ConvTranspose1d(3, 2, 8, 4, padding=2), nn.Conv1d(4, 2, 3)
        self.last = nn.Conv1d(2, 2, 2)

    def forward(self, wave: Tensor, mel: Tensor) -> Tensor:
        y = F.pad(torch.cat([wave, self.up(mel)], 1), (2, 0))
        found: Tensor = self.last(F.pad(self.conv(y), (1, 0)))
        return found


def test_a_coarser_condition_that_looks_ahead_is_no_leak() -> None:
    inputs = torch.zeros(1, 2, 32), torch.zeros(1, 3, 8)

    own = said(receptive_field(Vocoder(), *inputs))
    condition = said(receptive_field(Vocoder(), *inputs, wrt="mel"))

    assert "Causal: no output sees a later position." in own
    assert "not causal: outputs look up to 1 position ahead of their own, from up on" in condition
    assert "Leak" not in condition


class Translator(nn.Module):
    """A causal convolution of the target beside all of the source, as a decoder has it."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = nn.Conv1d(4, 4, 5, padding=2), nn.Conv1d(4, 4, 3)

    def forward(self, source: Tensor, target: Tensor, target_mask: Tensor) -> Tensor:
        context = self.encode(source).mean(-1, keepdim=True)
        found: Tensor = self.decode(F.pad(target * target_mask, (2, 0))) + context
        return found


@pytest.mark.parametrize("wrt", ["target", 1, "1"])
def test_another_input_can_be_traced_back_to(wrt: str | int) -> None:
    inputs = torch.zeros(1, 4, 12), torch.zeros(1, 4, 9), torch.ones(1, 1, 9)
    own = receptive_field(Translator(), *inputs)
    other = receptive_field(Translator(), *inputs, wrt=wrt)

    assert "traced back to the input source; for target use --wrt target" in said(own)
    assert own.totals.receptive_field == (5,)
    assert other.totals.receptive_field == (3,)
    assert "of input target" in other.title
    assert other.section("layers").headline[0].name == "Receptive field in target"
    assert "traced back" not in said(other)
    other.check("causal")


def test_an_input_that_is_not_there_is_answered_with_those_that_are() -> None:
    inputs = torch.zeros(1, 4, 12), torch.zeros(1, 4, 9), torch.ones(1, 1, 9)

    with pytest.raises(UsageError, match=r"'tagret'; there are source, target.*mean 'target'\?"):
        receptive_field(Translator(), *inputs, wrt="tagret")
