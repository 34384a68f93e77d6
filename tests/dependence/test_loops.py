"""Loops of Python over windows, chunks and prefixes: each result sees its own part, not all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from archscope import receptive_field
from archscope.analyses.rf.operators.growth import size_notes
from archscope.dependence.answer import growth
from archscope.dependence.answer.receptive import Receptive, receptive
from archscope.subject import Inputs

LAYER = nn.Linear(6, 4)
CELL = nn.GRUCell(2, 3)


def means(x: Tensor) -> Tensor:
    return torch.stack([x[..., t : t + 3].mean(-1) for t in range(x.shape[-1] - 2)], -1)


def side_by_side(x: Tensor) -> Tensor:
    size = x.shape[-1] - 2
    return torch.cat([x[..., t : t + 3].sum(-1, keepdim=True) for t in range(size)], -1)


def layers(x: Tensor) -> Tensor:
    size = x.shape[-1] - 2
    return torch.stack([LAYER(x[..., t : t + 3].flatten(1)) for t in range(size)], -1)


def written(x: Tensor) -> Tensor:
    out = torch.zeros(*x.shape[:-1], x.shape[-1] - 2)
    for t in range(out.shape[-1]):
        out[..., t] = x[..., t : t + 3].amax(-1)
    return out


def chunks(x: Tensor) -> Tensor:
    return torch.stack([chunk.mean(-1) for chunk in x.chunk(3, -1)], -1)


def centred(x: Tensor) -> Tensor:
    return torch.cat([chunk - chunk.mean(-1, keepdim=True) for chunk in x.chunk(3, -1)], -1)


def prefixes(x: Tensor) -> Tensor:
    return torch.stack([x[..., : t + 1].mean(-1) for t in range(x.shape[-1])], -1)


def beside_all(x: Tensor) -> Tensor:
    """A mean of all, before what each sees of itself."""
    return torch.cat([x.mean(-1, keepdim=True), x], -1)


def states(x: Tensor) -> Tensor:
    """States of a cell, written into a tensor of zeros one by one."""
    state, out = x.new_zeros(1, 3), x.new_zeros(1, 3, x.shape[-1])
    for t in range(x.shape[-1]):
        state = CELL(x[..., t], state)
        out[..., t] = state
    return out


def buffered(x: Tensor) -> Tensor:
    """The sum of the last three, which are written over one another."""
    buffer, out = torch.zeros(3, 2), torch.zeros_like(x)
    for t in range(x.shape[-1]):
        buffer[t % 3] = x[0, :, t]
        out[0, :, t] = buffer.sum(0)
    return out


class Run(nn.Module):
    def __init__(self, run: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.run = run

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x)


def found_of(run: Callable[[Tensor], Tensor]) -> Receptive:
    return receptive(Run(run), Inputs(args=(torch.zeros(1, 2, 9),)), axes=(2,))


@pytest.mark.parametrize(
    ("run", "widths"),
    [
        *((run, [3] * 7) for run in (means, side_by_side, layers, written)),
        *((run, list(range(1, 10))) for run in (prefixes, states)),
        (buffered, [1, 2, *[3] * 7]),
        *((chunks, [3] * 3), (centred, [3] * 9), (beside_all, [9] + [1] * 9)),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_each_result_sees_its_own_part(run: Callable[[Tensor], Tensor], widths: list[int]) -> None:
    target = found_of(run).target

    assert target.global_by is None
    assert target.total.lines[0].widths.tolist() == widths
    assert target.field.lines[0].widths.tolist() == widths


def test_what_is_made_of_a_part_is_not_said_to_read_all() -> None:
    report = receptive_field(Run(means), torch.zeros(1, 2, 9))
    (row,) = report.section("rf.axes").rows

    assert (row.look_ahead, row.look_back) == (2, 0)
    assert not any("reduces over all positions" in note.text for note in report.notes)


def test_an_axis_of_one_place_is_none_of_positions_where_nothing_tells() -> None:
    found = receptive(
        Run(lambda x: x * torch.hann_window(15)), Inputs(args=(torch.zeros(1, 1, 15),))
    )

    assert found.given.roles.positions == (2,)


def test_a_mean_of_a_crop_leaves_what_is_seen_without_it() -> None:
    def gated(x: Tensor) -> Tensor:
        y = nn.functional.avg_pool1d(x[..., :-1], 3, 1)
        return y * y.mean(-1, keepdim=True)

    report = receptive_field(Run(gated), torch.zeros(1, 2, 9), axes=(2,))

    assert found_of(gated).target.field.lines[0].hulls == (3, 3)
    assert "every output depends on 8 positions of the 9-position input" in str(report.notes)


def test_a_crop_is_told_apart_along_rows_and_columns() -> None:
    def crops(x: Tensor) -> Tensor:
        places = [(row, column) for row in (0, 2) for column in (0, 3)]
        return torch.stack([x[..., r : r + 4, c : c + 3].mean((2, 3)) for r, c in places], 1)

    found = receptive(Run(crops), Inputs(args=(torch.zeros(1, 1, 6, 6),)), axes=(2, 3))

    field = found.target.total
    assert [pattern.units for pattern in field.patterns] == [(1,), (1,)]
    rows, columns = ([field.row(axis, {1: at}).sets[0] for at in range(4)] for axis in range(2))
    assert rows == [0b001111, 0b001111, 0b111100, 0b111100]
    assert columns == [0b000111, 0b111000, 0b000111, 0b111000]


def test_a_value_that_a_longer_loop_writes_on_to_is_not_the_output_there() -> None:
    """Up to the ninth position both write alike, and the longer one is not at its end."""
    assert found_of(states).growth.reason == growth.GROWING
    assert found_of(lambda x: torch.stack(x.unbind(-1)[:3], -1)).growth.reason != growth.GROWING


class Windows(nn.Module):
    """A padded layer and a pool over each window, or a head over all of it."""

    def __init__(self, *, pooled: bool) -> None:
        super().__init__()
        self.layer = nn.Conv1d(2, 2, 3, padding=1) if pooled else nn.Flatten()
        self.head = nn.AdaptiveAvgPool1d(1) if pooled else nn.Linear(10, 4)

    def forward(self, x: Tensor) -> Tensor:
        each = [self.head(self.layer(x[..., t : t + 5])) for t in range(x.shape[-1] - 4)]
        return torch.cat(each, -1) if each[0].dim() == 3 else torch.stack(each, -1)


@pytest.mark.parametrize("pooled", [True, False])
def test_a_module_that_a_loop_calls_on_parts_makes_nothing_global(pooled: bool) -> None:
    found = receptive(Windows(pooled=pooled), Inputs(args=(torch.zeros(1, 2, 12),)), axes=(2,))

    assert {layer.global_by for layer in found.layers} == {None}
    assert [one.field.lines[0].hulls for one in found.layers if one.call.path == "head"] == [
        (5, 5)
    ] * 8
    assert found.is_whole


def test_a_module_that_is_called_again_on_all_makes_all_global() -> None:
    pool = nn.Sequential(nn.Conv1d(2, 2, 3, padding=1), nn.AdaptiveAvgPool1d(1))
    both = receptive(Run(lambda x: pool(x) * pool(x * x)), Inputs(args=(torch.zeros(1, 2, 9),)))

    assert both.target.global_by is not None


class Skips(nn.Module):
    """States of a cell, each of some steps back, or none after so many steps."""

    def __init__(self, *back: int, forgets: int = 99) -> None:
        super().__init__()
        self.cell, self.back, self.forgets = nn.GRUCell(2, 3), back, forgets

    def forward(self, x: Tensor) -> Tensor:
        none = [x.new_zeros(1, 3)] * max(self.back)
        states = none
        for t in range(x.shape[-1]):
            states = none if t % self.forgets == 0 else states
            before = sum(states[-back] for back in self.back)
            states = [*states, self.cell(x[..., t], before)]
            self.outputs = [*(self.outputs if t else []), states[-1]]
        return torch.stack(self.outputs, -1)


@pytest.mark.parametrize(("back", "size"), [((2,), 8), ((2, 3), 12)])
def test_a_loop_that_takes_earlier_states_sees_as_far_as_the_input_goes(
    back: tuple[int, ...], size: int
) -> None:
    found = receptive(Skips(*back), Inputs(args=(torch.zeros(1, 2, size),)))
    said = [note.text for note in size_notes(found)]

    assert said == [
        "outputs see as far as the input goes, by (model): of a longer input they see further"
    ]


def test_a_loop_that_forgets_sees_no_more_of_a_longer_input() -> None:
    found = receptive(Skips(1, forgets=8), Inputs(args=(torch.zeros(1, 2, 12),)))

    assert found.target.field.lines[0].hulls == (1, 8)
    assert found.is_whole
    assert list(size_notes(found)) == []


def test_a_loop_over_the_first_chunks_sees_no_more_of_a_longer_input() -> None:
    def written(x: Tensor) -> Tensor:
        return torch.stack([x[..., t : t + 3].mean(-1) for t in (0, 3, 4)], -1)

    found = receptive(Run(written), Inputs(args=(torch.zeros(1, 2, 12),)), axes=(2,))

    assert found.growth.reason == growth.ALIKE
    assert list(size_notes(found)) == []
