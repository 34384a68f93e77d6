"""What is done with a receptive field, proven by doing it: tiles, chunks, sizes of inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import archscope
from archscope.analyses.rf.use.rows import AxisRow
from archscope.errors import ThresholdError, UsageError
from archscope.results import Report
from archscope.saved import read_text

laws = settings(max_examples=10, deadline=None, derandomize=True, database=None)
pytestmark = pytest.mark.usefixtures("one_thread")

Turn: TypeAlias = Callable[[Tensor], Tensor]
CHANNELS = 2


def conv(kernel: int, stride: int, dilation: int, padding: int) -> nn.Module:
    return nn.Conv1d(CHANNELS, CHANNELS, kernel, stride=stride, dilation=dilation, padding=padding)


blocks = (
    st.builds(conv, st.integers(1, 4), st.integers(1, 2), st.integers(1, 3), st.integers(0, 3))
    | st.builds(lambda k: nn.MaxPool1d(k), st.integers(2, 3))
    | st.builds(
        lambda s: nn.ConvTranspose1d(CHANNELS, CHANNELS, 2 * s, stride=s), st.integers(1, 3)
    )
    | st.builds(lambda s: nn.Upsample(scale_factor=s, mode="nearest"), st.integers(2, 2))
)


class Ladder(nn.Module):
    """A U-Net whose coarser path hides in the window of a wide layer beside it."""

    def __init__(self, levels: int, kernel: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(conv(3, 1, 1, 1) for _ in range(levels))
        self.up = nn.ModuleList(
            nn.ConvTranspose1d(CHANNELS, CHANNELS, 2, stride=2) for _ in range(levels)
        )
        self.beside = conv(kernel, 1, 1, kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        kept, wide = [], self.beside(x)
        for down in self.down:
            x = down(x)
            kept.append(x)
            x = F.max_pool1d(x, 2)
        for up, skip in zip(self.up, reversed(kept), strict=True):
            x = up(x) + skip
        return x + wide


def field(model: nn.Module, size: int) -> tuple[Report, AxisRow]:
    dtype = next((p.dtype for p in model.parameters()), torch.float32)
    report = archscope.receptive_field(model, torch.zeros(1, CHANNELS, size, dtype=dtype))
    (row,) = report.section("rf.axes").rows
    return report, row


def by_tiles(model: nn.Module, x: Tensor, row: AxisRow, tile: int) -> list[tuple[int, Tensor]]:
    """Return what is kept of each tile, and at which output it begins."""
    assert row.tile_step is not None
    assert row.tile_overlap is not None
    assert row.jump is not None
    kept, start, size = [], 0, x.shape[-1]
    while True:
        last = start + tile >= size
        out = model(x[..., start : size if last else start + tile])
        before = 0 if start == 0 else row.discard_before
        end = out.shape[-1] - (0 if last else row.discard_after or 0)
        at = round(start / row.jump)
        kept.append((at + (before or 0), out[..., before:end]))
        if last:
            return kept
        start += tile - row.tile_overlap


def check_tiles(model: nn.Module, row: AxisRow, given_size: int) -> None:
    """Assert that tiles give what the whole gives, without a gap."""
    assert row.tile_step is not None
    assert row.tile_overlap is not None
    step, rest = row.tile_step, row.tile_rest or 0
    # A tile moves by `step` at least, and three of them are the whole.
    tile = row.tile_overlap + step * (1 + given_size // (3 * step))
    assert (tile - rest) % step == 0
    whole = tile + 2 * (tile - row.tile_overlap)
    x = torch.randn(1, CHANNELS, whole, dtype=torch.float64)
    with torch.no_grad():
        expected = model(x)
        reached = 0
        for at, part in by_tiles(model, x, row, tile):
            assert at == reached, "no output is missing between two tiles, nor there twice"
            torch.testing.assert_close(part, expected[..., at : at + part.shape[-1]])
            reached = at + part.shape[-1]
        assert reached == expected.shape[-1]


@laws
@given(st.lists(blocks, min_size=1, max_size=4), st.integers(0, 10**6))
def test_tiles_of_a_random_stack_give_what_the_whole_gives(
    layers: Sequence[nn.Module], seed: int
) -> None:
    torch.manual_seed(seed)
    model = nn.Sequential(*layers).double().eval()

    _, row = field(model, 240)

    if row.tile_overlap is None:
        assert row.why
        return
    check_tiles(model, row, 240)


def cropped_up(kernel: int, stride: int, padding: int, more: int) -> nn.Module:
    """Return an up-sampling that cuts off positions made of the input's first and last."""
    return nn.ConvTranspose1d(
        *(CHANNELS, CHANNELS, kernel, stride), padding=padding, output_padding=more
    )


@pytest.mark.parametrize(
    ("up", "words"),
    [((2, 2, 1, 0), "tconv k2 s2 p1"), ((4, 4, 2, 0), "tconv k4 s4 p2"), ((2, 2, 0, 1), "")],
)
def test_tiles_lose_what_is_padded_in_place_of_positions_that_were_cut_off(
    up: tuple[int, int, int, int], words: str
) -> None:
    model = nn.Sequential(cropped_up(*up), conv(5, 1, 2, 4)).double().eval()

    _, row = field(model, 60)

    check_tiles(model, row, 60)
    if words:
        told = archscope.rf(f"{words}; conv k5 d2", spatial_dims=1).find("rf.axes").rows[0]
        for name in ("tile_step", "discard_before", "discard_after", "tile_overlap"):
            assert getattr(told, name) == getattr(row, name), name


@pytest.mark.parametrize(("levels", "kernel"), [(1, 3), (2, 3), (2, 31), (3, 3)])
def test_tiles_of_a_ladder_start_at_multiples_of_all_its_strides(levels: int, kernel: int) -> None:
    model = Ladder(levels, kernel).double().eval()

    _, row = field(model, 256)

    assert row.tile_step == 2**levels
    assert row.allowed_sizes == f"multiples of {2**levels} from {2**levels}, tried to 4,352"
    assert row.outputs == "n"
    check_tiles(model, row, 256)


class Cropped(nn.Module):
    """A path through a coarser map, cut out of the middle of the one beside it as in a U-Net
    without padding: where the middle is depends on the size."""

    def __init__(self) -> None:
        super().__init__()
        self.beside, self.inner = conv(3, 1, 1, 0), conv(3, 1, 1, 0)
        self.up = nn.ConvTranspose1d(CHANNELS, CHANNELS, 4, stride=4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.up(self.inner(F.max_pool1d(x, 4)))
        beside = self.beside(x)
        start = (beside.shape[-1] - y.shape[-1]) // 2
        return y + beside[..., start : start + y.shape[-1]]


@pytest.mark.parametrize("size", [120, 121, 122, 123])
def test_tiles_leave_as_much_of_a_stride_as_the_whole(size: int) -> None:
    model = Cropped().double().eval()

    _, row = field(model, size)

    assert (row.tile_step, row.tile_rest) == (4, size % 4)
    check_tiles(model, row, size)


class AtPlaces(nn.Module):
    """A convolution of the input beside what a function makes of it and of a table."""

    def __init__(self, beside: Any, table: Tensor | None = None) -> None:
        super().__init__()
        self.conv, self.beside = conv(3, 1, 1, 1), beside
        self.table = nn.Parameter(torch.randn(CHANNELS, 64) if table is None else table)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return self.beside(y, self.table[..., : y.shape[-1]])


def angles(x: Tensor) -> Tensor:
    return torch.arange(x.shape[-1], dtype=torch.float32, device=x.device).sin()


def windows(x: Tensor) -> Tensor:
    """What windows that overlap by half sum up to: less at the ends."""
    ends = torch.tensor([0.5, 0.75])
    return torch.cat([ends, torch.tensor([1.0, 0.9]).repeat(x.shape[-1] // 2 - 2), ends.flip(0)])


def band(x: Tensor) -> Tensor:
    """The matrix of a convolution of 3 that averages, at the ends what is there."""
    at = torch.arange(x.shape[-1])
    near = ((at[:, None] - at).abs() < 2).float()
    return near / near.sum(0)


def near(x: Tensor, scores: Tensor) -> Tensor:
    """Attention to the nearest three."""
    return x @ scores.masked_fill(band(x) == 0, -torch.inf).softmax(-1).mT


def attended(x: Tensor, bias: Tensor) -> Tensor:
    """The same by one call, of the nearest three before and the own place."""
    mask = torch.ones_like(bias).tril().triu(-3) == 0
    q = x.mT[:, None]
    return F.scaled_dot_product_attention(q, q, q, bias.masked_fill(mask, -torch.inf))[:, 0].mT


def apart(x: Tensor) -> Tensor:
    at = torch.arange(x.shape[-1]) / 2
    return (at[:, None] - at).abs()


def steps(x: Tensor) -> Tensor:
    """How far apart places are, in whole steps of at most 8 either way, from 0 on."""
    at = torch.arange(x.shape[-1])
    return (at[:, None] - at).clamp(-8, 8) + 8


def by_distance(scores: Tensor) -> Tensor:
    """Scores of distances, from those of places by a shift of each row, as in Transformer-XL."""
    return F.pad(scores, (1, 0)).reshape(1, -1)[:, scores.shape[-1] :].reshape(scores.shape)


@pytest.mark.parametrize(
    ("beside", "goes_by_places"),
    [
        (lambda x, table: near(x, x.mT @ x), False),
        (lambda x, table: near(x, x.mT @ x - apart(x)), False),  # ALiBi
        (lambda x, table: near(x, x.mT @ x - apart(x) * angles(x)), True),
        (lambda x, table: near(x, x.mT @ x + table[0][steps(x)]), False),  # T5
        (lambda x, table: near(x, x.mT @ x + table[0][steps(x).cumsum(0) % 17]), True),
        (lambda x, table: attended(x, F.embedding(steps(x), table.mT)[..., 0]), False),
        (lambda x, table: near(x, x.mT @ x + x.mT @ table), True),
        (lambda x, table: near(x, x.mT @ x + by_distance(x.mT @ table)), False),
        (lambda x, table: x + table, True),
        (lambda x, table: x * angles(x), True),
        (lambda x, table: torch.cat([x, angles(x).expand_as(x)], 1), True),
        (lambda x, table: torch.maximum(x, table), True),
        (lambda x, table: torch.einsum("bct,ct->bct", x, table), True),
        (lambda x, table: x @ (band(x) * angles(x)), True),
        (lambda x, table: x @ (band(x) * table[0]), True),
        (lambda x, table: x @ band(x), False),
        (lambda x, table: (band(x).T @ x.mT).mT, False),
        (lambda x, table: x + table[:, :1], False),
        (lambda x, table: x + torch.ones(x.shape[-1]) / 3, False),
        (lambda x, table: x / windows(x), False),
        (lambda x, table: x.unfold(-1, 4, 4) * torch.tensor([0.1, 0.2, 0.3, 0.4]), False),
    ],
)
def test_parts_that_go_by_places_must_be_told_where_they_begin(
    beside: Any, *, goes_by_places: bool
) -> None:
    report, row = field(AtPlaces(beside), 24)

    assert row.table == ("(model)" if goes_by_places else "")
    said = [note.text for note in report.notes if "output of the whole input" in note.text]
    assert [text.endswith("offset of each: (model) depends on positions") for text in said] == (
        [goes_by_places] * len(said)
    )


def test_tiles_begin_where_constants_begin_again() -> None:
    def by_turns(x: Tensor, table: Tensor) -> Tensor:
        return x * torch.tensor([1.0, 0.9, 0.8], dtype=x.dtype).repeat(x.shape[-1] // 3)

    model = AtPlaces(by_turns).double().eval()

    _, row = field(model, 24)

    assert (row.tile_step, row.table) == (3, "")
    check_tiles(model, row, 24)


@pytest.mark.parametrize(
    ("beside", "step"),
    [
        # rows of a matrix by turns, and what is looked up by turns in a table that is learned
        (lambda x, table: x @ (band(x) * (1 + torch.arange(x.shape[-1]) % 2)), 2),
        (lambda x, table: x + table[:, torch.arange(x.shape[-1]) % 3], 3),
    ],
)
def test_tiles_begin_where_rows_and_what_is_looked_up_begin_again(beside: Any, step: int) -> None:
    _, row = field(AtPlaces(beside, torch.randn(CHANNELS, 3)), 24)

    assert (row.tile_step, row.table) == (step, "")


def test_tiles_begin_where_constants_behind_a_stride_begin_again() -> None:
    def by_turns(x: Tensor, table: Tensor) -> Tensor:
        return x * (1 + torch.arange(x.shape[-1]) % 3)

    _, row = field(nn.Sequential(nn.AvgPool1d(3, padding=1), AtPlaces(by_turns)), 47)

    assert (row.tile_step, row.tile_rest, row.table) == (9, 2, "")  # 3 outputs, 3 apart


def test_parts_of_an_input_smaller_than_the_windows_must_be_told_where_they_begin_too() -> None:
    model = nn.Sequential(conv(15, 1, 1, 7), AtPlaces(lambda x, table: x + table))

    _, row = field(model, 12)

    assert row.table == "1"


def test_tiles_by_an_input_smaller_than_the_windows_lose_what_reads_padding_within() -> None:
    """What is cut off at the end stands in a longer input in place of that padding."""
    cut = AtPlaces(lambda x, table: x[..., :-2])
    model = nn.Sequential(cut, conv(9, 1, 1, 4)).double().eval()

    _, row = field(model, 9)

    assert (row.discard_before, row.discard_after) == (5, 4)
    check_tiles(model, row, 9)


class Series(nn.Module):
    """A convolution over time, a norm over all series, and another convolution over time."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(CHANNELS, CHANNELS, (1, 5), padding=(0, 2))
        self.second = nn.Conv2d(CHANNELS, CHANNELS, (1, 3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        y = y / y.std((1, 2), keepdim=True)
        found: Tensor = self.second(F.pad(y, (2, 0)))
        return found


@pytest.mark.parametrize("series", [4, 24])
def test_what_mixes_series_leaves_the_windows_of_time(series: int) -> None:
    model = Series().double().eval()
    x = torch.randn(1, CHANNELS, series, 24, dtype=torch.float64)

    over, along = archscope.rf(model, x).section("rf.axes").rows
    apart = model(x)[..., 4:14], model(x[..., :16])[..., 4:14]

    assert (over.look_back, over.why) == (None, "(model) reduces over all positions")
    assert (along.look_back, along.look_ahead, along.tile_overlap) == (4, 2, 6)
    assert (along.discard_before, along.discard_after, along.why) == (4, 2, "")
    torch.testing.assert_close(*apart)


def test_axes_of_a_square_that_differ_at_its_borders_are_cut_each_by_its_own() -> None:
    model = nn.Sequential(nn.ZeroPad2d((-1, 1, -1, 0)), nn.AvgPool2d(1))

    report = archscope.rf(model, torch.zeros(1, CHANNELS, 24, 24))

    rows = report.section("rf.axes").rows
    assert [(row.discard_before, row.discard_after, row.outputs) for row in rows] == [
        (0, 0, "n - 1"),
        (0, 1, "n"),
    ]


@pytest.mark.parametrize(
    "by_number",
    [
        lambda x, at: x[..., at],
        lambda x, at: x.index_add(-1, at, torch.ones(*x.shape[:-1], len(at))),
        lambda x, at: x.gather(-1, at.expand(*x.shape[:-1], -1)),
    ],
)
def test_numbers_of_elements_beyond_a_smaller_input_are_no_part_of_it(by_number: Any) -> None:
    at = torch.arange(24)

    _, row = field(AtPlaces(lambda x, _: x + by_number(x, at)[..., : x.shape[-1]]), 24)

    assert row.smallest_input == 24
    assert row.tile_overlap is None


def test_what_is_resized_to_a_size_of_its_own_is_not_cut() -> None:
    report, row = field(AtPlaces(lambda x, _: F.interpolate(x, size=36)), 24)

    assert row.tile_overlap is None
    assert not any("what the whole gives" in note.text for note in report.notes)


@pytest.mark.parametrize("size", [24, 80])
def test_outputs_cut_to_a_number_of_their_own_are_not_those_of_tiles(size: int) -> None:
    _, row = field(AtPlaces(lambda x, _: x[..., :64], torch.zeros(CHANNELS, 80)), size)

    assert (row.tile_step, row.tile_overlap, row.discard_before) == (None, None, None)
    assert row.why == "a larger input does not give outputs in step with its size"


class Cut(nn.Module):
    """What is cut out of a convolution that looks back alone."""

    def __init__(self, cut: Turn, stride: int = 1) -> None:
        super().__init__()
        self.conv, self.cut = conv(3, stride, 1, 0), cut

    def forward(self, x: Tensor) -> Tensor:
        return self.cut(self.conv(F.pad(x, (2, 0))))


@pytest.mark.parametrize(
    ("model", "back", "ahead", "late"),
    [
        (Cut(lambda y: y[..., -5:]), 2, 0, 35),
        (Cut(lambda y: y[..., -(y.shape[-1] // 2) :]), 2, 0, 20),
        (Cut(lambda y: y[..., y.shape[-1] // 3 :]), 2, 0, 13),
        (Cut(lambda y: y[..., -4:], stride=2), 2, 0, 32),  # 20 outputs, the last at 38
        (Cut(lambda y: y[..., :5]), 2, 0, 0),
        (Cut(lambda y: y[..., (y.shape[-1] - 7) // 2 :][..., :7]), 0, 16, 0),
        (Cut(lambda y: y[..., 2:]), 0, 2, 0),  # as of a convolution without padding
    ],
)
def test_outputs_of_the_last_positions_belong_to_those_that_they_continue(
    model: nn.Module, back: int, ahead: int, late: int
) -> None:
    report, row = field(model, 40)

    assert (row.look_back, row.look_ahead, row.late) == (back, ahead, late)
    assert any("the last positions" in note.text for note in report.notes) == (late > 0)


class Latents(nn.Module):
    """The last 8 positions ask all up to each (Hawthorne et al. 2022, Perceiver AR)."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.mT
        mask = torch.ones(y.shape[1], y.shape[1], dtype=torch.bool).tril()[-8:]
        return F.scaled_dot_product_attention(y[:, -8:], y, y, attn_mask=mask)


def test_the_last_positions_that_ask_all_before_see_none_that_is_later() -> None:
    report, row = field(Latents(), 24)

    assert (row.sees_first, row.look_ahead, row.late) == (True, 0, 16)
    report.check("causal")


def test_what_needs_numbers_to_run_says_why_no_tiles_were_tried() -> None:
    class Complex(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(CHANNELS, CHANNELS, 3, dtype=torch.cfloat)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.conv(x.to(torch.cfloat))
            return found.abs()

    _, row = field(Complex(), 24)

    assert row.why == "it needs numbers to run, so that no tiles were tried"


def test_outputs_three_to_a_position_are_in_step_with_the_input() -> None:
    _, row = field(nn.ConvTranspose1d(2, 2, 3, stride=3), 24)

    assert (row.tile_overlap, row.why) == (0, "")


def test_what_is_resized_from_corner_to_corner_is_not_cut() -> None:
    def up(x: Tensor) -> Tensor:
        return F.interpolate(x[..., ::2], scale_factor=2, mode="linear", align_corners=True)

    _, row = field(AtPlaces(lambda x, _: up(x) + x), 24)

    assert (row.tile_overlap, row.look_back is None) == (None, False)
    assert row.why == "upsample_linear1d with align_corners goes by the size of its input"


@pytest.mark.parametrize(("size", "mode"), [(24, "linear"), (25, "linear"), (25, "nearest")])
def test_what_is_interpolated_to_no_multiple_of_its_size_is_not_cut(size: int, mode: str) -> None:
    """As a decoder makes its map as large as that beside it: a half of 25 is 13, and the share of
    each tap differs from that of a tile. The nearest of twice 13 is the same."""

    def up(x: Tensor, table: Tensor) -> Tensor:
        half = F.max_pool1d(x, 2, ceil_mode=True)
        return F.avg_pool1d(x, 15, 1, 7) + F.interpolate(half, size=x.shape[-1], mode=mode)

    model = AtPlaces(up).double().eval()

    _, row = field(model, size)

    if size % 2 and mode == "linear":
        why = "upsample_linear1d to a size goes by the size of its input"
        assert (row.tile_overlap, row.why) == (None, why)
    else:
        check_tiles(model, row, size)


@pytest.mark.parametrize("factor", [1.25, 1.3])
def test_the_nearest_by_a_factor_of_its_own_is_cut_where_it_comes_again(factor: float) -> None:
    """As many outputs to a size are the same of the given input, and others of a larger one."""

    def by_factor(x: Tensor, table: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=factor)

    def to_size(x: Tensor, table: Tensor) -> Tensor:
        return F.interpolate(x, size=x.shape[-1] + int(40 * (factor - 1)))

    model = AtPlaces(by_factor).double().eval()

    _, row = field(model, 40)
    _, sized = field(AtPlaces(to_size), 40)

    assert row.tile_step == {1.25: 4, 1.3: 10}[factor]
    check_tiles(model, row, 40)
    assert sized.why == "interpolation to a size goes by the size of its input"


@pytest.mark.parametrize(
    ("factor", "size"), [(0.5, 24), (1 / 3, 24), (2, 25), (0.5, 25), (0.4, 25)]
)
def test_means_of_areas_by_a_whole_factor_are_those_of_a_plain_pool(
    factor: float, size: int
) -> None:
    """Where it does not divide the size, what each area holds depends on the whole."""

    def by_factor(x: Tensor, table: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=factor, mode="area")

    model = AtPlaces(by_factor).double().eval()
    _, row = field(model, size)

    if size % 2 and factor < 1:
        assert row.tile_overlap is None
        assert row.why == "_adaptive_avg_pool2d makes parts of any input"
    else:
        check_tiles(model, row, size)


def test_what_drifts_within_a_wider_window_is_not_cut() -> None:
    def drift(x: Tensor, table: Tensor) -> Tensor:
        return F.avg_pool1d(x, 15, 1, 5) + F.interpolate(x, size=x.shape[-1] - 4)

    _, row = field(AtPlaces(drift), 50)

    assert (row.tile_overlap, row.why) == (
        None,
        "interpolation to a size goes by the size of its input",
    )


def test_a_convolution_of_no_positions_does_not_run_whatever_its_padding() -> None:
    model = nn.Sequential(nn.ConstantPad1d((-2, 0), 0.0), conv(1, 1, 1, 1))

    _, row = field(model, 24)

    assert (row.smallest_input, row.outputs) == (3, "n")
    with pytest.raises(RuntimeError):
        model(torch.zeros(1, CHANNELS, 2))


def test_a_shift_before_a_single_tap_is_no_buffer_of_it() -> None:
    shifted = AtPlaces(lambda x, _: F.pad(x, (1, -1)), None)
    shifted.conv = nn.Conv1d(CHANNELS, CHANNELS, 1)
    after = nn.Sequential(shifted, nn.Conv1d(CHANNELS, CHANNELS, 1))
    report, row = field(after, 24)

    assert report.totals.look_back == (1,)
    assert report.totals.buffer_positions is None
    assert row.unbuffered == "constant_pad_nd in 0 shifts positions by itself"


class Rows(nn.Module):
    """A causal convolution of what is made rows, and is joined again."""

    def __init__(self, channels: int, apart: Turn, join: Turn) -> None:
        super().__init__()
        self.apart, self.join = apart, join
        self.conv = nn.Conv1d(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self.conv(F.pad(self.apart(x), (2, 0))))


def test_buffers_are_those_of_all_rows_of_a_sequence() -> None:
    bands = Rows(1, lambda x: x.reshape(-1, 1, 32), lambda x: x.reshape(-1, 6, 32))
    totals = archscope.rf(bands, torch.zeros(2, 6, 32)).totals

    # Of one sequence 6 bands keep 2 numbers of 4 bytes each.
    assert (totals.buffer_positions, totals.buffer_bytes) == (2, 2 * 6 * 4)


@pytest.mark.parametrize(
    ("apart", "join"),
    [
        (lambda x: x.unflatten(2, (4, 8)).transpose(1, 2)[0],  # windows of 8
         lambda x: x[None].transpose(1, 2).flatten(2)),
        (lambda x: x.unflatten(2, (16, 2)).movedim(3, 1)[0],  # every other position
         lambda x: x[None].movedim(1, 3).flatten(2)),
    ],
)  # fmt: skip
def test_parts_of_a_sequence_as_rows_keep_what_is_not_known(apart: Turn, join: Turn) -> None:
    report, row = field(Rows(CHANNELS, apart, join), 32)

    assert report.totals.buffer_positions is None
    assert row.unbuffered == "convolution in conv has parts of the sequence as rows"


def test_one_more_position_of_margin_is_needed() -> None:
    """The numbers are no larger than they must be: outputs next to those kept differ."""
    model = nn.Sequential(conv(3, 1, 1, 1), conv(3, 1, 4, 4)).double().eval()
    _, row = field(model, 100)
    x = torch.randn(1, CHANNELS, 100, dtype=torch.float64)

    whole, tile = model(x), model(x[..., 40:80])

    assert (row.discard_before, row.discard_after) == (5, 5)
    assert torch.allclose(tile[..., 5:35], whole[..., 45:75])
    assert not torch.allclose(tile[..., 4], whole[..., 44])
    assert not torch.allclose(tile[..., 35], whole[..., 75])


@laws
@given(st.lists(blocks, min_size=1, max_size=4))
def test_the_smallest_input_runs_and_no_smaller_one(layers: Sequence[nn.Module]) -> None:
    model = nn.Sequential(*layers).eval()

    _, row = field(model, 120)

    assert row.smallest_input is not None
    assert runs(model, row.smallest_input)
    assert not runs(model, row.smallest_input - 1)


def test_the_sizes_of_a_network_that_is_built() -> None:
    report = archscope.receptive_field("vgg11", input_size=64, graph=True)

    for row in report.section("rf.axes").rows:
        # Five pools halve what is there.
        found = (row.smallest_input, row.allowed_sizes, row.outputs)
        assert found == (32, "32 or more, tried to 4,160", "floor(n/32)")


class Numbered(nn.Module):
    """Adds a table of positions, as GPT does."""

    def __init__(self, *, length: int) -> None:
        super().__init__()
        self.table = nn.Embedding(length, 2)
        self.conv = nn.Conv1d(2, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        places = torch.arange(x.shape[-1])
        found: Tensor = self.conv(x + self.table(places).T)
        return found


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(("size", "length"), [(20, 100), (90, 100), (100, 100), (48, 48)])
def test_a_table_of_positions_ends_the_sizes_that_run(size: int, length: int, device: str) -> None:
    """Whatever part of it the given input takes, and where the table has no data too."""
    model = Numbered(length=length).to(device)

    report = archscope.receptive_field(model, torch.zeros(1, 2, size, device=device))

    (row,) = report.section("rf.axes").rows
    assert (row.smallest_input, row.allowed_sizes, row.outputs) == (1, f"1 to {length}", "n")


class BlocksInABuffer(nn.Module):
    """Each place sees its own block of 8 and the one before, by a mask as long as the input."""

    def __init__(self, length: int) -> None:
        super().__init__()
        apart = torch.arange(length)[:, None] // 8 - torch.arange(length) // 8
        self.register_buffer("mask", (apart >= 0) & (apart < 2))

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[-1]
        scores = (x.mT @ x).masked_fill(~self.mask[:size, :size], -torch.inf)
        return x @ scores.softmax(-1).mT


def test_tiles_are_no_larger_than_a_mask() -> None:
    model = BlocksInABuffer(64).double()

    _, row = field(model, 48)

    assert (row.tile_step, row.tile_overlap, row.allowed_sizes) == (8, 8, "1 to 64")
    check_tiles(model, row, 24)


def runs(model: nn.Module, size: int) -> bool:
    if size < 1:
        return False
    try:
        return bool(model(torch.zeros(1, CHANNELS, size)).numel())
    except RuntimeError:
        return False


class Causal(nn.Module):
    """Dilated convolutions, each behind a pad or with a cut at its end, some with strides."""

    def __init__(self, layers: Sequence[tuple[int, int, int, bool]]) -> None:
        super().__init__()
        self.cuts = [cut and stride == 1 for _, stride, _, cut in layers]
        self.convs = nn.ModuleList(
            conv(k, s, d, (k - 1) * d if cut and s == 1 else 0) for k, s, d, cut in layers
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer, cut in zip(self.convs, self.cuts, strict=True):
            before = (layer.kernel_size[0] - 1) * layer.dilation[0]
            x = layer(x if cut else F.pad(x, (before, 0)))
            x = torch.relu(x[..., : x.shape[-1] - before] if cut else x)
        return x


causal_layers = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(1, 3), st.booleans()),
    min_size=1,
    max_size=4,
)


@laws
@given(causal_layers, st.integers(1, 4))
def test_a_causal_stack_runs_in_chunks_with_its_buffers(
    layers: list[tuple[int, int, int, bool]], chunks: int
) -> None:
    model = Causal(layers).double().eval()
    report, row = field(model, 128)
    section = report.find("rf.buffers")
    kept = {each.layer: each for each in section.rows} if section else {}

    assert row.look_ahead == 0
    # Weights are float64: 8 bytes.
    assert all(each.bytes == each.positions * CHANNELS * 8 for each in kept.values())
    size = (row.tile_step or 1) * chunks
    x = torch.randn(1, CHANNELS, 8 * size, dtype=torch.float64)
    with torch.no_grad():
        expected = model(x)
        buffers = {
            number: torch.zeros(
                1,
                CHANNELS,
                kept[f"convs.{number}"].positions if f"convs.{number}" in kept else 0,
                dtype=torch.float64,
            )
            for number in range(len(layers))
        }
        parts = [
            stream(model, x[..., at : at + size], buffers) for at in range(0, x.shape[-1], size)
        ]
    torch.testing.assert_close(torch.cat(parts, -1), expected)


def stream(model: Causal, x: Tensor, buffers: dict[int, Tensor]) -> Tensor:
    """Run one chunk with no more of the past than the buffers hold."""
    for number, layer in enumerate(model.convs):
        assert isinstance(layer, nn.Conv1d)
        seen = torch.cat([buffers[number], x], -1)
        size = buffers[number].shape[-1]
        x = torch.relu(F.conv1d(seen, layer.weight, layer.bias, layer.stride, 0, layer.dilation))
        buffers[number] = seen[..., seen.shape[-1] - size :]
    return x


class Norm(nn.Module):
    """A causal convolution, and a norm over all positions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = conv(3, 1, 1, 0), nn.GroupNorm(1, CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(F.pad(x, (2, 0))))


def test_what_is_global_is_unknown_with_its_reason() -> None:
    report, row = field(Norm(), 64)

    assert (row.look_back, row.look_ahead, row.tile_overlap) == (None, None, None)
    assert row.why == "norm reduces over all positions"
    assert report.find("rf.buffers") is None
    with pytest.raises(ThresholdError) as raised:
        report.check("causal", "ahead <= 40", "rf >= 64", "rf <= 64")
    assert str(raised.value).splitlines() == [
        "causal: it is not, because norm reduces over all positions",
        "ahead <= 40: unknown, because norm reduces over all positions",
        "rf <= 64: unknown, it is at least 64 positions, because norm sees all of the input, which "
        "may be larger",
    ]


def test_wrapped_borders_and_padding_by_the_size_are_no_tiles() -> None:
    around = nn.Conv1d(CHANNELS, CHANNELS, 5, padding=2, padding_mode="circular")

    _, row = field(around, 40)

    assert (row.look_ahead, row.tile_overlap) == (None, None)
    assert row.why == "outputs near the borders see other positions than inside"


def test_how_far_outputs_of_the_given_input_look_ahead_decides_where_it_is_too_far() -> None:
    pad = nn.ReflectionPad1d((2, 0))
    report, _ = field(nn.Sequential(pad, nn.Conv1d(CHANNELS, CHANNELS, 3)), 40)

    with pytest.raises(ThresholdError, match=r"ahead <= 1: .*at least 2 positions"):
        report.check("ahead <= 1")


class TwoRates(nn.Module):
    """Each position, and the frame of four before its own, as samples and frames of SampleRNN."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = nn.Conv1d(CHANNELS, CHANNELS, 4, stride=4)
        self.fast = nn.Conv1d(CHANNELS, CHANNELS, 3)

    def forward(self, x: Tensor) -> Tensor:
        frames = F.pad(self.slow(x), (1, 0))[..., :-1]
        return self.fast(F.pad(x, (2, 0))) + frames.repeat_interleave(4, -1)


def test_a_frame_of_padding_that_is_repeated_is_the_border() -> None:
    """The last of a frame sees the frame before from 7 before its own on."""
    report, row = field(TwoRates(), 32)

    assert (row.look_back, row.look_ahead, row.tile_step) == (7, 0, 4)
    assert report.section("layers").rows[-1].smallest_field == (5,)


def test_a_recurrent_network_looks_back_to_the_first_position() -> None:
    report = archscope.receptive_field(nn.LSTM(4, 4, batch_first=True), torch.zeros(1, 30, 4))
    (row,) = report.section("rf.axes").rows

    assert (row.look_back, row.look_ahead, row.sees_first) == (None, 0, True)
    assert report.check("causal", "ahead == 0") is report
    with pytest.raises(ThresholdError, match="back <= 100: unknown"):
        report.check("back <= 100")


class Bands(nn.Module):
    """A convolution over frequencies, then a recurrent layer over the steps of each."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, (3, 1), padding=(1, 0))
        self.rnn = nn.GRU(2, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)  # (B, C, F, T)
        steps = self.rnn(y.permute(0, 2, 3, 1).flatten(0, 1))[0]
        return steps.unflatten(0, (-1, y.shape[2])).permute(0, 3, 1, 2)


def test_the_one_axis_of_several_that_a_recurrent_layer_goes_along_is_named() -> None:
    report = archscope.receptive_field(Bands(), torch.zeros(1, 1, 5, 8))
    said = [note.text for note in report.notes]

    assert "along axis 3 an output looks back to the first position and ahead 0" in said
    assert report.section("rf.axes").rows[1].why.startswith("outputs look back to the first")
    with pytest.raises(ThresholdError, match="unknown, because by rnn outputs see as far as"):
        report.check("back <= 5")


def test_delays_are_told_in_milliseconds() -> None:
    report = archscope.receptive_field(
        [1, 2, 4, 8], kernel_size=(2,), causal=True, sample_rate="16kHz"
    )

    # 16 positions of 1/16 ms each, the newest of them its own.
    assert report.totals.receptive_field_ms == (1.0,)
    assert (report.totals.look_back_ms, report.totals.look_ahead_ms) == ((15 / 16,), (0.0,))
    assert report.totals.jump_ms == (1 / 16,)
    assert report.check("causal", "rf >= 1ms", "ahead <= 0ms", "coverage == 100%") is report
    with pytest.raises(ThresholdError, match=r"^rf >= 1s: it is 1 ms$"):
        report.check("rf >= 1s")


def test_time_needs_a_sample_rate() -> None:
    report = archscope.receptive_field([1, 2, 4])

    with pytest.raises(UsageError, match="say how many positions a second has"):
        report.check("ahead <= 40ms")


def test_a_saved_report_can_be_checked() -> None:
    report = archscope.receptive_field([2, 2, 2])
    saved = read_text(report.to("json"))

    assert saved.check("rf == 13", "streams == 2", "jump == 1", "coverage < 30%") is saved
    # 49 of 169 positions are 28.99%.
    with pytest.raises(ThresholdError, match=r"coverage == 100%: it is 28\.99%"):
        saved.check("coverage == 100%")


def test_nothing_can_be_claimed_of_a_report_whose_analysis_declares_nothing() -> None:
    report: Any = archscope.audit(nn.Linear(2, 2), torch.zeros(1, 2))

    with pytest.raises(UsageError, match=r"an? audit report has nothing that can be asserted"):
        report.check("params <= 25M")


class TwoOutputs(nn.Module):
    """Two outputs, the second behind a stride more."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = conv(2, 1, 1, 0), conv(4, 4, 1, 0)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.fine(F.pad(x, (1, 0)))
        return y, self.coarse(F.pad(y, (3, 0)))


def test_of_one_output_its_own_strides_and_buffers_count_and_it_is_named() -> None:
    x = torch.zeros(1, CHANNELS, 32)

    first, second = (archscope.rf(TwoOutputs(), x, of=of) for of in ("0", "1"))

    assert (first.totals.tile_step, second.totals.tile_step) == ((1,), (4,))
    assert (first.totals.buffer_positions, second.totals.buffer_positions) == (1, 4)
    texts = [note.text for note in first.notes]
    assert "output 0 looks back 1 position and ahead 0" in texts
    assert any(text.startswith("streaming output 0 in chunks takes 1 pos") for text in texts)
    assert (first.totals.output, archscope.rf(TwoOutputs(), x).totals.output) == ("output 0",) * 2


class Beside(nn.Module):
    """A causal output, and one beside it that looks ahead and misses positions."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = conv(3, 1, 1, 0), conv(3, 1, 2, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        first = self.one(F.pad(x, (2, 0)))
        return first, self.other(x), first[..., -1:]


def test_what_is_asked_of_no_output_in_particular_is_asked_of_all() -> None:
    model, x = Beside(), torch.zeros(1, CHANNELS, 32)
    report, first = archscope.rf(model, x), archscope.rf(model, x, of="0")

    assert (report.totals.others_ahead, report.totals.others_coverage) == (2, 3 / 5)
    said = "output 0 sees no later position, but output 1 looks up to 2 positions ahead"
    assert said in [note.text for note in report.notes]
    for claim in ("causal", "ahead <= 1", "coverage == 100%"):
        with pytest.raises(ThresholdError):
            report.check(claim)
        first.check(claim)
    with pytest.raises(UsageError, match=r"'9'. The outputs are 0, 1, 2\.$"):
        archscope.rf(model, x, of="9")
    assert "Causal: output 0 sees no later position." in [note.text for note in first.notes]
    with pytest.raises(ThresholdError, match=r"another output reaches 60\.0% of its receptive"):
        archscope.rf(model, x, strict=True)
