"""Larger inputs: until all phases of the strides are clear, others growing too, and why not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope import receptive_field
from archscope.dependence.answer import growth
from archscope.dependence.answer.examine import examine
from archscope.dependence.answer.receptive import Receptive, receptive
from archscope.subject import Inputs


class UNet(nn.Module):
    """Two levels of two convolutions of 3, pools of 2 between, and their way back."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(self._two(a, b) for a, b in ((1, 2), (2, 2), (2, 2)))
        self.up = nn.ModuleList(nn.ConvTranspose1d(2, 2, 2, 2) for _ in range(2))
        self.merge = nn.ModuleList(self._two(4, 2) for _ in range(2))

    @staticmethod
    def _two(inputs: int, width: int) -> nn.Module:
        return nn.Sequential(*(nn.Conv1d(c, width, 3, padding=1) for c in (inputs, width)))

    def forward(self, x: Tensor) -> Tensor:
        first = self.down[0](x)
        second = self.down[1](nn.functional.max_pool1d(first, 2))
        third = self.down[2](nn.functional.max_pool1d(second, 2))
        y = self.merge[0](torch.cat([second, self.up[0](third)], 1))
        found: Tensor = self.merge[1](torch.cat([first, self.up[1](y)], 1))
        return found


class Pair(nn.Module):
    """Two images, side by side as channels."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(*(nn.Conv2d(2, 2, 3, padding=1) for _ in range(10)))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        found: Tensor = self.body(torch.cat([a, b], 1))
        return found


class Table(nn.Module):
    """A table of positions of a fixed size, before a wide convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.rand(1, 1, 8))
        self.conv = nn.Conv1d(1, 1, 31, padding=15)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(x + self.table)
        return found


class Running(nn.Module):
    """A convolution along both axes, a running sum along the first."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(x).cumsum(2)
        return found


class Loop(nn.Module):
    """A loop over positions, each of which sees its neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        wide = nn.functional.pad(self.conv(x), (1, 1))
        return torch.stack([wide[..., n] + wide[..., n + 2] for n in range(x.shape[-1])], -1)


def found_of(model: nn.Module, *inputs: Tensor) -> Receptive:
    return receptive(model.eval(), Inputs(args=inputs))


@pytest.mark.parametrize("size", [16, 32, 40, 64])
def test_all_phases_are_clear_whatever_the_size(size: int) -> None:
    # The strides are 2 · 2, so outputs repeat after 4, 4 positions on. 256 positions hold many such
    # periods away from the borders; of 16 none was, and of 40 some phases alone were.
    line = found_of(UNet(), torch.rand(1, 1, size)).target.field.lines[0]
    large = found_of(UNet(), torch.rand(1, 1, 256)).target.field.lines[0]

    assert line.cycle == large.cycle == (4, 4)
    assert line.hulls == large.hulls
    assert line.jump == 1


def test_sizes_that_are_known_to_be_too_small_are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[tuple[int, ...]] = []
    on = growth.Rerun.on

    def noted(self: growth.Rerun, wanted: tuple[int, ...], *, together: bool) -> object:
        sizes.append(wanted)
        return on(self, wanted, together=together)

    monkeypatch.setattr(growth.Rerun, "on", noted)
    network = nn.Sequential(*(nn.Conv1d(1, 1, 9, padding=4) for _ in range(60)))

    report = receptive_field(network, torch.zeros(1, 1, 20))

    assert report.totals.receptive_field == (481,)
    assert sizes == [(40,), (640,)]


def test_two_images_grow_together() -> None:
    found = found_of(Pair(), torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16))

    assert found.growth.together
    assert found.growth.reason == growth.CLEAR
    assert [line.hulls for line in found.target.field.lines] == [(21, 21)] * 2  # 1 + 10 · 2


def test_what_the_model_says_of_a_larger_input_is_kept() -> None:
    found = found_of(Table(), torch.rand(1, 1, 8))

    assert found.growth.reason == growth.RAISED
    assert found.growth.sizes == (8,)
    assert "must match" in found.growth.detail or "shape" in found.growth.detail


def test_an_axis_whose_windows_grow_is_left_and_the_other_is_not() -> None:
    found = found_of(Running(), torch.rand(1, 1, 8, 8))

    assert found.growth.reason == growth.GROWING
    assert found.growth.sizes == (16, 16)
    assert found.target.field.lines[1].hulls[1] >= 8


def test_windows_that_grow_are_known_of_half_the_input() -> None:
    class Sums(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.pad(x, (3, 0)).unfold(-1, 4, 1).sum(-1).cumsum(-1)

    found = found_of(Sums(), torch.rand(1, 1, 16))

    assert (found.growth.reason, found.growth.detail) == (growth.GROWING, "(model)")
    assert found.growth.sizes == (16,)  # none larger was looked at


def test_a_window_that_is_wider_than_the_input_does_not_grow_for_ever() -> None:
    class Windowed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 1, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            y, places = self.conv(x)[0].T, torch.arange(x.shape[-1])
            apart = places[:, None] - places
            scores = (y @ y.T).masked_fill((apart < 0) | (apart >= 20), -torch.inf)
            return scores.softmax(-1) @ y

    found = found_of(Windowed(), torch.rand(1, 1, 16))

    assert found.growth.reason == growth.CLEAR
    assert found.target.field.lines[0].hulls[1] == 20 + 2


def test_one_softmax_over_a_row_and_a_column_grows_along_both() -> None:
    class CrissCross(nn.Module):
        """Huang et al. 2019: a pixel's own place counts once, in its row."""

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            rows = self.conv(x).permute(0, 2, 3, 1)
            columns, height = rows.transpose(1, 2), x.shape[2]
            apart = columns @ columns.mT + torch.diag(torch.full((height,), -torch.inf))
            scores = torch.cat([apart.transpose(1, 2), rows @ rows.mT], 3)
            shares = scores.softmax(3)
            own = shares[..., :height].transpose(1, 2) @ columns
            return own.transpose(1, 2) + shares[..., height:] @ rows

    found = found_of(CrissCross(), torch.rand(1, 1, 9, 3))

    assert found.growth.reason == growth.GROWING
    assert found.growth.sizes == (18, 6)  # along neither axis is a larger one looked at


def test_a_map_of_a_fixed_size_ends_the_search() -> None:
    pool = nn.Sequential(nn.Conv1d(1, 1, 9, padding=4), nn.AdaptiveAvgPool1d(4))

    assert found_of(pool, torch.rand(1, 1, 8)).growth.reason == growth.FIXED

    class Mirrored(nn.Module):
        """Samples at the places of a buffer, which are others of a larger image."""

        def __init__(self) -> None:
            super().__init__()
            rows, columns = torch.meshgrid(2 * [torch.linspace(-1, 1, 6)], indexing="ij")
            self.register_buffer("grid", torch.stack([-columns, rows], -1)[None])

        def forward(self, x: Tensor) -> Tensor:
            return F.grid_sample(x, self.grid, align_corners=True)

    found = found_of(Mirrored(), torch.rand(1, 1, 6, 6))

    assert (found.growth.reason, found.best.sizes) == (growth.FIXED, (6, 6))


def test_nodes_that_no_edge_reaches_end_the_search() -> None:
    class Graph(nn.Module):
        def forward(self, x: Tensor, edges: Tensor) -> Tensor:
            return torch.zeros_like(x).index_add(0, edges[1], x[edges[0]])

    edges = torch.tensor([[0, 2, 1, 4, 3, 0], [1, 0, 3, 2, 3, 4]])
    found = found_of(Graph(), torch.rand(5, 2), edges)

    assert (found.growth.reason, found.best.sizes) == (growth.ALIKE, (5,))


def test_a_loop_over_positions_ends_the_search() -> None:
    assert found_of(Loop(), torch.rand(1, 1, 3)).growth.reason == growth.OTHERWISE


def test_a_budget_in_elements_ends_the_search() -> None:
    wide = nn.Sequential(*(nn.Conv3d(1, 1, 3, padding=64, dilation=64) for _ in range(20)))
    found = found_of(wide, torch.empty(1, 1, 8, 8, 8, device="meta"))

    # 20 dilated convolutions see 1 + 20 · 128 = 2,561 positions along each axis; 2,048^3 = 2^33
    # elements are within the budget of 2^34, and 4,096^3 are not.
    assert found.growth == growth.Growth(
        sizes=(2048,) * 3, reason=growth.TOO_LARGE, detail="4096×4096×4096"
    )
    assert not found.is_whole


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_are_one_operator_however_long(kind: type[nn.Module]) -> None:
    layer = kind(4, 4, batch_first=True)
    found = found_of(layer, torch.empty(1, 3000, 4, device="meta"))

    assert len(found.given.graph.nodes) < 10
    line = found.target.total.lines[0]
    assert line.widths.tolist() == list(range(1, 3001))  # step n sees all up to its own


@pytest.mark.parametrize(
    ("model", "size", "window", "jump", "start"),
    [
        (nn.Conv2d(1, 1, 8), 8, 8, 1, 0),  # a classifier of patches
        (nn.Sequential(nn.Conv2d(1, 1, 2, 2), nn.Conv2d(1, 1, 2, 2)), 4, 4, 4, 0),
        (nn.Conv2d(1, 1, 3, padding=1), 1, 3, 1, -1),
    ],
)
def test_how_outputs_lie_is_known_where_the_given_input_has_one(
    model: nn.Module, size: int, window: int, jump: int, start: int
) -> None:
    totals = receptive_field(model, torch.zeros(1, 1, size, size)).totals

    assert (totals.receptive_field, totals.jump) == ((window,) * 2, (jump,) * 2)
    assert (totals.start, totals.complete) == ((start,) * 2, True)
    assert totals.tile_overlap == (window - jump,) * 2


def test_what_a_generator_makes_of_one_position_is_of_all_that_may_lie_beside_it() -> None:
    # Of 4 taps up to 4 positions meet at an output, and 2 by 2 of a stride of 2 at the next.
    model = nn.Sequential(nn.ConvTranspose2d(1, 1, 4), nn.ConvTranspose2d(1, 1, 4, 2, 1))
    totals = receptive_field(model, torch.zeros(1, 1, 1, 1)).totals

    assert (totals.receptive_field, totals.jump) == ((5, 5), (0.5, 0.5))


def test_an_output_that_stays_alone_on_a_larger_input_is_left_as_it_is() -> None:
    totals = receptive_field(nn.Conv1d(1, 1, 4, stride=1000), torch.zeros(1, 1, 16)).totals

    assert (totals.receptive_field, totals.jump, totals.complete) == ((4,), None, True)


class Patches(nn.Module):
    """A convolution within patches of four, as a window of attention has it, then one across."""

    def __init__(self) -> None:
        super().__init__()
        self.within = nn.Conv1d(4, 4, 3, padding=1)
        self.across = nn.Conv1d(4, 4, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        patches = x.unflatten(2, (-1, 4)).transpose(1, 2).flatten(0, 1)
        whole = self.within(patches).unflatten(0, (len(x), -1)).transpose(1, 2).flatten(2)
        found: Tensor = self.across(whole)
        return found


def test_borders_of_patches_are_none_of_the_input() -> None:
    found = receptive(Patches(), Inputs(args=(torch.zeros(1, 4, 16),)))
    line = found.target.field.lines[0]

    assert found.growth.reason == growth.CLEAR
    assert (line.hulls, line.cycle) == ((6, 7), (4, 4))


def test_rows_and_columns_of_windows_stay_apart_where_their_tokens_lay_in_one_row() -> None:
    layer, convolution = nn.Linear(4, 4), nn.Conv2d(4, 4, 3, padding=1)

    class Windows(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = convolution(x).unflatten(2, (-1, 4)).unflatten(4, (-1, 4))
            windows = y.permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, 4, 4)
            tokens = layer(windows.reshape(-1, 4)).reshape(-1, 16, 4)
            whole = tokens.reshape(1, 3, 3, 4, 4, 4).permute(0, 5, 1, 3, 2, 4).reshape(x.shape)
            found: Tensor = convolution(whole)
            return found

    field = receptive(Windows(), Inputs(args=(torch.zeros(1, 4, 12, 12),))).target.field

    assert field.is_map
    assert [line.hulls for line in field.lines] == [(5, 5), (5, 5)]


def test_a_map_whose_stride_is_longer_than_the_input_is_of_no_fixed_size() -> None:
    model = nn.Conv1d(1, 1, 1, stride=5, padding=2)

    # Of 2 positions output 0 reads -2 and output 1 reads 3, of 4 positions there are no more.
    found = receptive(model, Inputs(args=(torch.zeros(1, 1, 2),)))
    assert found.growth.reason == growth.CLEAR
    assert found.target.field.lines[0].hulls == (1, 1)


class Rows(nn.Module):
    """Attention along each row of an image by itself."""

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = (x.mT @ x).softmax(-1) @ x.mT
        return found.mT


@pytest.mark.parametrize(("model", "is_over"), [(Rows(), True), (nn.Identity(), False)])
def test_rows_that_are_compared_with_themselves_are_not_made_too_long(
    model: nn.Module, *, is_over: bool
) -> None:
    given = examine(model, Inputs(args=(torch.zeros(1, 1, 2, 1536),)), axes=(2, 3))

    assert growth.is_too_large(given, (2, 3072)) == is_over


class Flattened(nn.Module):
    """All pixels along one axis for a while, as where a matrix mixes channels."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(2) * 2).unflatten(2, x.shape[2:])


@pytest.mark.parametrize(("side", "is_over"), [(512, False), (520, True)])
def test_an_axis_of_all_pixels_is_work(side: int, is_over: bool) -> None:
    x = torch.empty(1, 1, side, side, device="meta")
    given = examine(Flattened(), Inputs(args=(x,)), axes=(2, 3))

    assert growth.is_too_large(given, (2 * side, 2 * side)) == is_over
