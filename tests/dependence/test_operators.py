"""Operators and idioms of users' own networks against float64 gradient masks, element by element;
and what a gradient cannot tell: masks, zeros that are learned, numbers that Python reads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.dependence.answer.backward import ways
from archscope.dependence.answer.examine import Examination, examine
from archscope.dependence.record import aliases
from archscope.dependence.record.functions import _sounds
from archscope.dependence.sets.products import over
from archscope.errors import ForwardError, UsageError
from archscope.subject import Inputs

Function = Callable[[Tensor], Tensor]
LINE, PLANE = (1, 6, 2), (1, 1, 6, 6)


class Run(nn.Module):
    """A function as a module, with what it needs."""

    def __init__(self, function: Callable[..., Any], **held: Any) -> None:
        super().__init__()
        self.function = function
        for name, value in held.items():
            setattr(self, name, value)

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def numbers(x: Tensor, *values: float) -> Tensor:
    return torch.tensor(values, dtype=x.dtype, device=x.device)


def places(x: Tensor, *values: int) -> Tensor:
    return torch.tensor(values, device=x.device)


def turned(x: Tensor) -> Tensor:
    return torch.eye(6, dtype=x.dtype).roll(1, 0)


def pairs(x: Tensor) -> Tensor:
    """Rotary positions by complex numbers, and a difference along the line."""
    z = torch.view_as_complex(x.reshape(1, 6, 1, 2)) * torch.polar(
        x.new_ones(6, 1), x.new_ones(6, 1)
    )
    return torch.view_as_real(z - z.roll(1, 1)).flatten(2)


def rotated(x: Tensor) -> Tensor:
    return torch.rot90(x, 1, (2, 3)) + torch.rot90(x, 3, (2, 3)) + torch.rot90(x, 2, (2, 3))


def strided(x: Tensor) -> Tensor:
    """Overlapping windows of a transposed tensor, by places in memory."""
    return torch.as_strided(x.transpose(1, 2), (1, 2, 2, 4), (12, 1, 4, 2)).sum(-1)


def masked_kernel(x: Tensor) -> Tensor:
    """A PixelCNN's: only pixels above, and to the left."""
    mask = x.new_ones(3, 3)
    mask[1, 1:], mask[2] = 0, 0
    return F.conv2d(
        x, (nn.Parameter(torch.ones(3, 3, dtype=x.dtype)) * mask)[None, None], padding=1
    )


def banded(x: Tensor) -> Tensor:
    """RetNet's decay: a constant that is zero ahead."""
    apart = torch.arange(6, device=x.device)[:, None] - torch.arange(6, device=x.device)
    decay = torch.where(apart >= 0, 0.5 ** apart.to(x.dtype), 0.0)
    return (x @ x.transpose(1, 2) * decay) @ x


def segments(x: Tensor) -> Tensor:
    """Mamba-2's: exponentials of sums, of -inf ahead."""
    sums = x[..., 0].cumsum(1)
    ahead = torch.ones(6, 6, dtype=torch.bool, device=x.device).triu(1)
    return (sums[:, :, None] - sums[:, None]).masked_fill(ahead, -torch.inf).exp() @ x


def triangles(x: Tensor) -> Tensor:
    """Linear attention's: scores that are zero ahead, and of those near the first alone."""
    scores = (x @ x.transpose(1, 2)).tril()
    return scores @ x + scores.triu(-1) @ x.roll(1, 1)


def chunked(x: Tensor) -> Tensor:
    """Longformer's: scores moved about before the softmax, weights moved about after it."""
    scores = F.pad(x @ x.transpose(1, 2), (1, 1), value=-torch.inf)
    band = torch.stack([scores[:, i, i : i + 3] for i in range(6)], 1).softmax(-1)
    wide = torch.stack([F.pad(band[:, i], (i, 5 - i)) for i in range(6)], 1)
    return wide[..., 1:-1] @ x


def graph_sum(x: Tensor) -> Tensor:
    """Messages along the edges of a ring, added up at their ends."""
    ends = places(x, 1, 2, 3, 4, 5, 0)
    by_rows = torch.zeros_like(x).index_add(1, ends, x)
    return by_rows + torch.zeros_like(x).scatter_add(1, ends.view(1, 6, 1).expand(1, 6, 2), x * 2)


def packed(x: Tensor) -> Tensor:
    return nn.utils.rnn.pack_padded_sequence(x, torch.tensor([4]), batch_first=True).data.cumsum(0)


def unpooled(x: Tensor) -> Tensor:
    y, where = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(y.roll(1, 3) * 2, where, 2)


def activated(x: Tensor) -> Tensor:
    x = F.prelu(F.hardswish(x * 1, inplace=True).transpose(1, 2), x.new_ones(2)).transpose(1, 2)
    return F.mish(F.rrelu(x), inplace=True).abs_()


def overlapping(x: Tensor) -> Tensor:
    return F.fold(F.unfold(x, 4, stride=2).roll(1, 2), (6, 6), 4, stride=2)


def masked_pairs(x: Tensor) -> Tensor:
    """Weights that are zero ahead, multiplied and summed over features before they are used."""
    ahead = torch.ones(6, 6, dtype=torch.bool, device=x.device).triu(1)
    decay = x.sum(-1)[..., None].expand(1, 6, 6).masked_fill(ahead, -torch.inf).exp()
    weights = (decay[..., None] * x[:, :, None]).sum(-1)
    return (weights[..., None] * x[:, None]).sum(2)


def parted(x: Tensor) -> Tensor:
    """Real and imaginary parts through operators that keep them apart."""
    z = torch.complex(x.roll(2, 1), x)
    both = torch.stack([z.conj() * 2, z / 3], 1).sum(1)
    both[:, 2:] = z[:, :-2]
    return torch.cat([both - z, z[:, 3:]], 1).imag


def among_complex(x: Tensor) -> Tensor:
    """Imaginary parts of complex numbers among which real ones were put."""
    z, real = torch.complex(x, x.roll(1, 1)), x.roll(2, 1)
    made = torch.cat([z + real, torch.where(turned(x)[:, :1] > 0, z, real + 0j) * 2 - z], 1)
    made[:, :2] = real[:, :2]
    return made.imag


def turns(x: Tensor, *values: complex) -> Tensor:
    return torch.tensor(values, dtype=torch.complex128, device=x.device)[:, None]


def bounded(x: Tensor) -> Tensor:
    """Numbers that constants alone say at places 0 and 5, 2, 3, and 4."""
    far = numbers(x, 0, 0, -torch.inf, torch.inf, 0, 0)[:, None]
    x = torch.clamp(x.roll(1, 1), numbers(x, 3, 0, 0, 0, 0, 9)[:, None], x.new_full((2,), 3.0))
    x = torch.minimum(x, far.clamp(max=0) + 9).maximum(far.clamp(min=0))
    return x ** numbers(x, 1, 1, 1, 1, 0, 1)[:, None]


def mixed_heads(x: Tensor) -> Tensor:
    """Weights of two heads, zero ahead, made weights of two others (Shazeer et al. 2020)."""
    ahead = torch.ones(6, 6, dtype=torch.bool, device=x.device).triu(1)
    heads = torch.stack([x @ x.mT, x @ x.flip(2).mT], 1).masked_fill(ahead, -torch.inf).softmax(-1)
    turn = torch.ones(2, 2, dtype=x.dtype, device=x.device)
    return torch.einsum("bhqk,hg->bgqk", heads, turn) @ x[:, None]


def nearby(x: Tensor) -> Tensor:
    """Products with neighbours, of which there are none beyond the border."""
    around = F.unfold(x, 3, padding=1).view(1, 9, 6, 6)
    return (around * x.roll(1, 2))[:, ::2]


EXACT: dict[str, tuple[tuple[int, ...], Function]] = {
    "complex pairs": (LINE, pairs),
    "triangles": (LINE, triangles),
    "complex parts": (LINE, lambda x: torch.complex(x, x.roll(1, 1)).abs()),
    "a real part": (LINE, lambda x: torch.complex(x, x.roll(1, 1)).real),
    "a part of pairs": (LINE, lambda x: torch.view_as_complex(torch.stack([x, x * 0], -1)).imag),
    "parts kept apart": (LINE, parted),
    "real numbers among complex ones": (LINE, among_complex),
    "a quarter turn": (LINE, lambda x: (x.roll(1, 1) + 2 * x * 1j + 1j).real),
    "turns by constants": (
        LINE, lambda x: (torch.complex(x, x.roll(1, 1)) / turns(x, 1, 1j, -1, 1 + 1j, 2j, 1)).imag),
    "no imaginary part": (LINE, lambda x: x.to(torch.complex128).imag + x.roll(1, 1)),
    "a part that is left": (LINE, lambda x: torch.complex(x, x.roll(1, 1)).type(x.dtype)),
    "complex numbers by real ones": (
        LINE, lambda x: (torch.complex(x, x.roll(1, 1)) / (1 + x.roll(3, 1))).imag),
    "bounds": (LINE, bounded),
    "masked scores": (LINE, lambda x: (x @ x.mT).masked_fill(turned(x) > 0, -torch.inf)),
    "chosen scores": (LINE, lambda x: torch.where(turned(x) > 0, -torch.inf, x @ x.mT)),
    "sums of one number": (LINE, lambda x: (s := x.sum(-1, True).cumsum(1)) - s.mT),
    "mixed heads": (LINE, mixed_heads),
    "neighbours": (PLANE, nearby),
    "sums before": (LINE, lambda x: (x * x.flip(2)).cumsum(1) - x * x.flip(2)),
    "distances": (LINE, lambda x: torch.cdist(x.roll(1, 1), x.roll(1, 1)).square()),
    "quarter turns": (PLANE, rotated),
    "places in memory": (LINE, strided),
    "a masked kernel": (PLANE, masked_kernel),
    "a fixed kernel": (PLANE, lambda x: F.conv2d(x, numbers(x, 1, 0, 2)[None, None, None])),
    "decay": (LINE, banded),
    "segment sums": (LINE, segments),
    "sums of zeros": (LINE, masked_pairs),
    "chunks": (LINE, chunked),
    "a ring": (LINE, graph_sum),
    "a neighbourhood": (LINE, lambda x: torch.diag(x.new_ones(5), 1) @ x),
    "a sparse matrix": (LINE, lambda x: torch.sparse.mm(turned(x).to_sparse(), x[0])),
    "a list as index": (LINE, lambda x: x[:, [5, 0, 3]]),
    "a list written to": (LINE, lambda x: x.index_put((places(x, 0), places(x, 2)), x[0, 4])),
    "slices by number": (LINE, lambda x: x.index_copy(1, places(x, 0, 2), x[:, 4:] * 2)),
    "slices forgotten": (LINE, lambda x: x.index_fill(1, places(x, 0, 2), 0.0).cumsum(1)),
    "elements by number": (LINE, lambda x: x.scatter(1, places(x, 3, 1).view(1, 1, 2), x[:, 5:])),
    "elements in order": (LINE, lambda x: x.masked_scatter(turned(x)[:, :2] > 0, x[:, 3:])),
    "elements taken": (LINE, lambda x: x.take(places(x, 11, 0, 6)).cumsum(0)),
    "a packed sequence": (LINE, packed),
    "three factors": (LINE, lambda x: F.bilinear(x, x.roll(1, 1), x.new_ones(3, 2, 2))),
    "products with a zero": (
        LINE, lambda x: (x * numbers(x, 1, 0, 1, 1, 1, 0)[:, None]).view(1, 3, 2, 2).prod(2)),
    "a masked matrix times a vector": (LINE, lambda x: (x[0] @ x[0].T).tril() @ x[0, :, 0]),
    "a vector under a mask": (
        LINE, lambda x: torch.addmv(x[0, :, 1], x.new_ones(6, 6).triu(3), x[0, :, 0])),
    "a vector": (LINE, lambda x: torch.mv(x[0], x.new_ones(2)).cumsum(0)),
    "windows added": (PLANE, overlapping),
    "activations": (LINE, lambda x: activated(x).roll(1, 1) + x),
    "written over": (LINE, lambda x: x.clone().zero_() + x.flip(1)),
    "a diagonal": (LINE, lambda x: torch.diag_embed(x[..., 0], 1).cumsum(1)),
    "vectors": ((1, 3, 6), lambda x: torch.linalg.cross(x, x.roll(1, 1), dim=1)),
    "a sum elsewhere": (LINE, lambda x: x[:, :3] * x[:, 4:].sum()),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Casting complex")
@pytest.mark.parametrize("name", EXACT)
def test_an_operator_sees_what_its_gradient_sees(name: str) -> None:
    shape, function = EXACT[name]
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(shape, generator=generator, dtype=torch.float64) + 0.1
    found = look_at(function, x)
    assert not [each.node.operator for each in found.lowered if each.flag]
    target = found.graph.outputs["0"]
    gradients: Any = torch.autograd.functional.jacobian(function, x)
    axes = (1,) if len(shape) == 3 else (2, 3)
    others = tuple(axis for axis in range(len(shape)) if axis not in axes)
    for unit in np.ndindex(*target.shape):
        mask = (gradients[unit] != 0).numpy().any(others)
        back = ways(found.lowered, target, dict(enumerate(unit)), [found.seed])
        seen = over(back[found.seed], axes) > 0 if found.seed in back else np.zeros_like(mask)
        assert np.array_equal(seen, mask), unit


def test_an_unpooled_value_lies_somewhere_in_its_window() -> None:
    x = torch.zeros(PLANE)

    found = look_at(unpooled, x)

    # Column 2 lies in the pooled window 1 (columns 2, 3); what stands there is that of window 0.
    assert sets(found, axis=1)[2] == 0b1111
    assert not [each for each in found.lowered if each.flag]


@pytest.mark.parametrize(
    ("moved", "known"),
    [
        (lambda places: places.unsqueeze(0).squeeze(0), True),
        (lambda places: places.clone().detach(), True),
        (lambda places: places.flip(3), False),
        (lambda places: places + 0, False),
    ],
)
def test_places_that_stay_where_they_were_are_known(
    moved: Callable[[Tensor], Tensor], known: bool
) -> None:
    def put_back(x: Tensor) -> Tensor:
        y, where = F.max_pool2d(x, 2, return_indices=True)
        return F.max_unpool2d(y, moved(where), 2)

    found = look_at(put_back, torch.zeros(PLANE))

    assert any(each.flag for each in found.lowered) != known
    assert not known or sets(found)[2:4] == (0b1100, 0b1100)


def look_at(function: Callable[..., Any], x: Tensor, **held: Any) -> Examination:
    return examine(Run(function, **held), Inputs(args=(x,)))


def sets(found: Examination, axis: int = 0) -> tuple[int, ...]:
    field = found.total(found.graph.outputs["0"])
    assert field is not None
    return tuple(field.lines[axis].sets)


PREFIX = tuple((1 << unit + 1) - 1 for unit in range(6))
ALL = (63,) * 6


def causal_beside_padding(ids: Tensor) -> Tensor:
    ahead = torch.ones(6, 6, dtype=torch.bool, device=ids.device).tril()
    seen = (ids != 0)[:, None] & ahead
    x = ids[..., None] * torch.ones(2, device=ids.device)
    return (x @ x.transpose(1, 2)).masked_fill(~seen, -torch.inf).softmax(-1) @ x


def test_a_causal_mask_is_seen_beside_one_against_padding() -> None:
    found = look_at(causal_beside_padding, torch.zeros(1, 6, dtype=torch.long))

    assert sets(found) == PREFIX
    assert found.graph.padding == 0


def test_numbers_that_are_taken_for_those_of_another_type_lie_where_they_did() -> None:
    parts = look_at(
        lambda x: torch.complex(x, x.roll(1, 1)).view(torch.float)[..., 1::2], torch.zeros(LINE)
    )
    pairs = look_at(lambda x: x.cumsum(1).view(torch.cfloat).abs(), torch.zeros(LINE))
    second = look_at(
        lambda x: torch.cat([x, x.roll(1, 1)], 2)[..., ::2].contiguous().view(torch.cfloat).imag,
        torch.zeros(LINE),
    )

    assert sets(parts) == tuple(1 << (unit - 1) % 6 for unit in range(6))
    assert sets(pairs) == PREFIX
    assert sets(second) == sets(parts)


@pytest.mark.parametrize("cell", [nn.GRUCell(2, 3), nn.LSTMCell(2, 3)])
def test_a_cell_sees_all_steps_up_to_its_own(cell: nn.Module) -> None:
    """A GRU cell writes into parts of what its state makes, which at first is a constant."""

    def run(x: Tensor) -> Tensor:
        states, state = [], None
        for step in x.unbind(1):
            state = cell(step, state)
            states.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(states, 1)

    found = look_at(run, torch.zeros(LINE), cell=cell)

    assert sets(found) == PREFIX
    assert not [each for each in found.lowered if each.flag]


@pytest.mark.parametrize(("most", "writes"), [(2, []), (1, ["write"])])
def test_a_part_stays_what_it_was_where_another_is_written_to(
    most: int, writes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliases, "MOST_PARTS", most)

    def run(x: Tensor) -> Tensor:
        one, two = x.clone().split(3, 1)
        return one.mul_(two) + two

    found = look_at(run, torch.zeros(LINE))

    alive = [each.node.operator for each in found.lowered if each.edges]
    assert [operator for operator in alive if operator == "write"] == writes
    assert sets(found) == tuple(0b1001 << unit for unit in range(3))


@pytest.mark.parametrize("weights", [True, False])
def test_torch_attention_under_a_band_sees_a_band(weights: bool) -> None:
    class Band(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attend = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            at = torch.arange(6, device=x.device)
            mask = (at[:, None] - at).abs() > 1
            made: Tensor = self.attend(x, x, x, attn_mask=mask, need_weights=weights)[0]
            return made

    found = examine(Band(), Inputs(args=(torch.zeros(1, 6, 4),)))

    assert sets(found) == (3, 7, 14, 28, 56, 48)


@pytest.mark.parametrize("gate", [torch.zeros(2), torch.tensor([0.0, 1.0])])
def test_a_zero_that_is_learned_lets_everything_through(gate: Tensor) -> None:
    gate = nn.Parameter(gate)

    found = look_at(lambda x: x + gate.tanh() * x.cumsum(1), torch.zeros(LINE), gate=gate)

    assert sets(found) == PREFIX


def altered(x: Tensor) -> Tensor:
    return x[:, 3:] * x[:, 0].sum().item()


def chosen(x: Tensor) -> Tensor:
    return x * 2 if x[:, 0].sum() > 0 else x.roll(1, 1)


def turned_to_python(x: Tensor) -> Tensor:
    return x * torch.tensor(x[0, 0].tolist())


def checked(x: Tensor) -> Tensor:
    if x.isnan().any():
        raise ValueError("not a number")
    print(end=f"{x.mean().item():.0f}"[:0])
    return x.cumsum(1)


@pytest.mark.parametrize(
    ("function", "seen", "flags"),
    [
        (altered, (0b1001, 0b10001, 0b100001), ["read"]),
        (chosen, ALL, ["read"]),
        (turned_to_python, ALL, ["read"]),
        (checked, PREFIX, []),
    ],
)
def test_numbers_that_python_reads_count_where_they_matter(
    function: Function, seen: tuple[int, ...], flags: list[str]
) -> None:
    found = look_at(function, torch.zeros(LINE))

    assert sets(found) == seen
    assert [each.node.operator for each in found.lowered if each.flag] == flags


@pytest.mark.parametrize(
    ("model", "shape", "axes"),
    [
        (nn.TransformerEncoderLayer(4, 2, 8), (6, 1, 4), (0,)),
        (nn.GRU(4, 4), (6, 1, 4), (0,)),
        (nn.Conv2d(3, 3, 3), (3, 8, 8), (1, 2)),
        (nn.Sequential(nn.MaxPool1d(2), nn.Conv1d(1, 1, 3)), (1, 1, 16), (2,)),
        (Run(lambda x: F.avg_pool2d(x.permute(0, 3, 1, 2), 3)), (1, 8, 8, 1), (1, 2)),
        (nn.Sequential(nn.Linear(4, 4), nn.Tanh()), (1, 6, 4), (1,)),  # features are last
    ],
)  # fmt: skip
def test_the_axes_of_positions_are_found(
    model: nn.Module, shape: tuple[int, ...], axes: tuple[int, ...]
) -> None:
    assert examine(model, Inputs(args=(torch.zeros(shape),))).axes == axes


def test_what_a_forward_writes_into_its_weights_is_undone() -> None:
    class Masked(nn.Conv1d):
        def __init__(self) -> None:
            super().__init__(1, 1, 3, padding=1, bias=False)
            self.register_buffer("mask", torch.tensor([1.0, 1.0, 0.0]))
            self.register_buffer("last", torch.ones(1, 1, 8))

        def forward(self, x: Tensor) -> Tensor:
            self.weight.data *= self.mask
            self.last.copy_(x)
            return super().forward(self.last)

    model = Masked()
    before = {name: value.clone() for name, value in model.state_dict().items()}

    found = examine(model, Inputs(args=(torch.zeros(1, 1, 8),)))

    assert sets(found)[2:5] == (0b110, 0b1100, 0b11000)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_what_cannot_be_looked_at_is_said_in_a_line() -> None:
    with pytest.raises(UsageError, match="input '0' is empty: its shape is 0×3×8×8"):
        examine(nn.Conv2d(3, 3, 3), Inputs(args=(torch.zeros(0, 3, 8, 8),)))
    with pytest.raises(UsageError, match=r"0\.weight has no shape yet"):
        examine(nn.Sequential(nn.LazyConv2d(3, 3)), Inputs(args=(torch.zeros(1, 3, 8, 8),)))
    with pytest.raises(ForwardError, match=r"it calls sys\.exit\(3\)"):
        look_at(lambda x: sys.exit(3), torch.zeros(LINE))
    with pytest.raises(ForwardError, match="it raises GeneratorExit"):
        look_at(_ends_a_generator, torch.zeros(LINE))


def _ends_a_generator(x: Tensor) -> Tensor:
    raise GeneratorExit


@pytest.mark.parametrize("corners", [False, True])
def test_outputs_of_a_cubic_size_know_where_the_border_is(corners: bool) -> None:
    """From 6 to 11 positions: taps lie less than 2 away from where an output stands."""

    class Larger(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.interpolate(x, size=(11, 11), mode="bicubic", align_corners=corners)

    found = examine(Larger(), Inputs(args=(torch.zeros(1, 1, 6, 6),)), axes=(2, 3))
    field = found.total(found.graph.outputs["0"])
    assert field is not None
    places = [at * 0.5 if corners else (at + 0.5) * 6 / 11 - 0.5 for at in range(11)]
    beyond = [p for p in range(-3, 10) if not 0 <= p < 6]

    assert [line.clipped for line in field.lines] == [
        tuple(any(abs(p - at) < 2 for p in beyond) for at in places)
    ] * 2


@pytest.mark.parametrize(
    "settings",
    [{}, {"center": False}, {"hop_length": 3}, {"onesided": False}, {"win_length": 6}],
)
def test_frames_of_a_window_with_values_are_of_torchs_shape(settings: dict[str, Any]) -> None:
    def spectra(x: Tensor) -> Tensor:
        window = torch.ones(settings.get("win_length", 8), device=x.device)
        return torch.stft(x, 8, window=window, return_complex=True, **settings)

    x = torch.zeros(1, 32)
    found = look_at(spectra, x)

    assert found.graph.executed == "shapes"
    assert found.graph.outputs["0"].shape == spectra(x).shape
    assert not [each for each in found.lowered if each.flag]


class Sounds(nn.Module):
    """The way back from a spectrum, by a window on meta."""

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self.given = given
        self.window = torch.empty(8, device="meta")

    def forward(self, x: Tensor) -> Tensor:
        return torch.istft(torch.complex(x, x), window=self.window, **self.given)


@pytest.mark.parametrize(
    "settings", [{}, {"length": 30}, {"length": 32, "normalized": True}, {"onesided": False}]
)
def test_frames_become_sounds_on_shapes_as_torch_makes_them(settings: dict[str, Any]) -> None:
    given: dict[str, Any] = {"n_fft": 8, "hop_length": 2, **settings}
    window = torch.hann_window(8, dtype=torch.double)
    generator = torch.Generator().manual_seed(0)
    shape = (2, 8 if "onesided" in settings else 5, 17)
    frames = torch.randn(shape, dtype=torch.cdouble, generator=generator)

    found = examine(Sounds(**given), Inputs(args=(torch.empty(shape, device="meta"),)))
    expected = torch.istft(frames, window=window, **given)

    assert found.graph.outputs["0"].shape == tuple(expected.shape)
    assert torch.allclose(_sounds(frames, window=window, **given), expected)


def test_what_nothing_is_made_of_is_no_bound() -> None:
    def run(x: Tensor) -> Tensor:
        x.gather(1, x.argsort(1))
        return torch.complex(x, x.roll(1, 1)).real

    found = look_at(run, torch.zeros(LINE))

    assert not [each for each in found.lowered if each.flag]
    assert sets(found) == tuple(1 << unit for unit in range(6))


def test_what_picks_by_a_mask_without_values_says_so() -> None:
    mask = torch.empty(6, dtype=torch.bool, device="meta")

    with pytest.raises(ForwardError, match="index makes is told by numbers that are not there"):
        look_at(lambda x: x[:, mask], torch.zeros(LINE), mask=mask)


def test_what_torch_runs_on_data_alone_says_so() -> None:
    x = torch.empty(4, 3, device="meta")

    with pytest.raises(ForwardError, match="runs aten::linalg_lstsq on data alone: give weights"):
        look_at(lambda x: torch.linalg.lstsq(x, x).solution, x)


class Adjacent(nn.Module):
    """Sums over neighbours, of whom nothing is known on meta."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = torch.zeros(2, 4, dtype=torch.long, device="meta")
        self.ones = torch.ones(4, device="meta")

    def forward(self, x: Tensor) -> Tensor:
        edges = torch.sparse_coo_tensor(self.numbers, self.ones, (6, 6))
        return torch.sparse.mm(edges, x[0]) + torch.sparse.mm(x[0].to_sparse(), x[0, :2])


def test_sparse_matrices_on_meta_are_multiplied_by() -> None:
    found = examine(Adjacent(), Inputs(args=(torch.empty(LINE, device="meta"),)), axes=(1,))

    assert sets(found) == ALL
    flags = [each.node.operator for each in found.lowered if each.flag]
    assert flags == ["_sparse_addmm"]  # any of them may be there
