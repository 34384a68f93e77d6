"""Running a network proves what its graph says of it, or shows that it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from math import inf, prod
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.dependence.answer.fields import Field
from archscope.dependence.answer.receptive import receptive
from archscope.dependence.sets.lines import Line
from archscope.probing import claims
from archscope.probing.bisection import Mask, silent, smallest
from archscope.probing.evidence import Edges
from archscope.probing.proof import Proof
from archscope.probing.verify import verify
from archscope.subject import Inputs

pytestmark = pytest.mark.usefixtures("one_thread")


def proven(model: nn.Module, *args: Any, **settings: Any) -> Proof:
    inputs = Inputs(args=args)
    return verify(model, inputs, receptive(model, inputs, **settings))


def is_proven(edge: Edges) -> bool:
    """Return whether what is seen at least and at most are one, and what the graph says."""
    return edge.graph == edge.nan and edge.graph in (edge.changes, edge.gradients)


def line(size: int = 24, channels: int = 2) -> Tensor:
    return torch.zeros(1, channels, size)


def image(size: int = 9) -> Tensor:
    return torch.zeros(1, 3, size, size)


def causal(leak: int = 0) -> nn.Module:
    """Two convolutions of kernel 2 and 3, padded on the left alone but for a leak."""
    return nn.Sequential(
        nn.ConstantPad1d((3 - leak, leak), 0.0), nn.Conv1d(2, 2, 2), nn.ReLU(), nn.Conv1d(2, 2, 3)
    )


class Shift(nn.Module):
    """The first channel is taken from the next position, as in temporal shift modules."""

    def forward(self, x: Tensor) -> Tensor:
        out = x.clone()
        out[:, :1, :-1] = x[:, :1, 1:]
        return out


def shifted() -> nn.Module:
    return nn.Sequential(Shift(), nn.Conv1d(2, 2, 1))


class Squeeze(nn.Module):
    """Gates by an average; where that is taken is no module."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.conv(x))
        return x * torch.sigmoid(x.mean((2, 3), keepdim=True))


class Classifier(nn.Module):
    """The same, and a head behind, which reduces over all positions as well."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Squeeze()

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).mean((2, 3))


class Roll(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.roll(3, -1) + x


NETWORKS: dict[str, Callable[[Any], tuple[nn.Module, Tensor]]] = {
    "convolutions": lambda net: (nn.Sequential(nn.Conv2d(3, 2, 3), nn.Conv2d(2, 2, 2)), image()),
    "gridding": lambda net: (net.dilated(2, 2), image(11)),
    "branches": lambda net: (net.aspp(2, 5), image(13)),
    "a causal stack": lambda net: (causal(), line()),
    "roll": lambda net: (Roll(), line()),
    "a shift of channels": lambda net: (shifted(), line()),
    "U-Net": lambda net: (net.UNet(1), torch.zeros(1, 1, 20, 20)),
    "squeeze": lambda net: (Squeeze(), image(12)),
    "max pool": lambda net: (nn.MaxPool2d(3, 2), image(9)),
    "recurrent": lambda net: (nn.GRU(2, 2, batch_first=True), torch.zeros(1, 7, 2)),
    "attention to all": lambda net: (net.Language(1, causal=False), torch.zeros(1, 9).long()),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_a_network_sees_is_proven(networks: ModuleType, name: str) -> None:
    model, x = NETWORKS[name](networks)

    proof = proven(model, x)

    assert (proof.level, proof.reason) == ("verified", "")
    for shown in proof.shown:
        assert shown.seen == shown.claimed > 0
        assert shown.unseen == shown.outside == prod(shown.sizes) - shown.claimed
        assert all(is_proven(edge) and edge.nan == edge.changes for edge in shown.edges)


@pytest.mark.parametrize("kind", [Squeeze, Classifier])
def test_the_window_without_a_squeeze_is_proven_apart(kind: type[nn.Module]) -> None:
    proof = proven(kind(), image(12))

    *own, everything, local = proof.shown
    assert [(one.is_own, one.claimed) for one in own] == [(True, 144)] * (kind is Classifier)
    assert (everything.local, everything.claimed) == (False, 144)
    assert (local.local, local.claimed) == (True, 9)
    assert [edge.nan for edge in local.edges] == [(4, 6), (4, 6)]


class Masked(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        seen = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        return (x @ x.transpose(1, 2)).masked_fill(~seen, -torch.inf).softmax(-1) @ x


class Gated(nn.Module):
    """NaN is not larger than 0: `where` swallows it."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x.roll(1, -1) > 0, x, 2 * x)


class Filtered(nn.Module):
    """A causal filter of 3 taps by a transform of all: what is rounded is felt everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.taps = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        size = 2 * x.shape[-1]
        filtered = torch.fft.rfft(x, size) * torch.fft.rfft(self.taps, size)
        return torch.fft.irfft(filtered, size)[..., : x.shape[-1]]


class Insists(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        assert not x.isnan().any()
        return x + x.roll(1, -1)


class Untrue(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.roll(1, -1)


class Claims(nn.Module):
    """A backward pass that is not the forward's."""

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool1d(Untrue.apply(x), 3, 1)


class Counted(nn.Module):
    """Tokens that are not embedded."""

    def forward(self, ids: Tensor) -> Tensor:
        return F.pad(ids[:, None].double(), (1, 0)).unfold(-1, 2, 1).sum(-1)


@pytest.mark.parametrize(
    ("model", "x", "reason"),
    [
        (
            Masked(),
            torch.zeros(1, 9, 4),
            "masks multiply by zero, sums of transforms cancel, and NaN",
        ),
        (Filtered(), line(), "sums of transforms cancel"),
        (Gated(), line(), "swallows NaN"),
        (Insists(), line(), "swallows NaN"),
        (Claims(), line(), "there are gradients at 1 positions outside the set"),
        (Counted(), torch.zeros(1, 9).long(), "tokens cannot be NaN"),
    ],
)
def test_what_nan_cannot_show_is_bounded(model: nn.Module, x: Tensor, reason: str) -> None:
    proof = proven(model, x)

    (shown,) = proof.shown
    assert proof.level == "bounded"
    assert reason in proof.reason
    assert shown.seen == shown.claimed
    assert [edge.changes for edge in shown.edges] == [edge.graph for edge in shown.edges]


def test_sums_that_cancel_are_bounded() -> None:
    class Cancels(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            around = F.avg_pool1d(x, 5, 1, padding=2)
            return (x + around) / 2 + (x - around) / 2

    proof = proven(Cancels(), line(9))

    (shown,) = proof.shown
    assert "what is read at 4 of its positions may cancel" in proof.reason
    assert (proof.level, shown.claimed, shown.seen) == ("bounded", 5, 1)


class Frames(nn.Module):
    """Rows of the batch are frames; two features of the next one are put in place of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(torch.cat([x[:, :1], x.roll(-1, 0)[:, 1:]], 1))


class Sums(nn.Module):
    """A layer on features, which come first, and running sums over time."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.transpose(1, 2)).cumsum(1)


class MeanOfRows(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0, keepdim=True)


BESIDE: dict[str, tuple[nn.Module, tuple[int, ...], tuple[int, ...], str, str]] = {
    # network, shape, axes that are taken for those of positions; level, and what is said
    "sequence first": (
        *(nn.TransformerEncoderLayer(4, 2), (6, 2, 4), (1,)),
        *("refused", "axis 0 of the 6×2×4 input, taken for the batch, is mixed"),
    ),
    "recurrent, sequence first": (
        *(nn.GRU(4, 3), (6, 2, 4), (1,), "refused", "with --axes 0 its places are counted"),
    ),
    "mono": (
        *(Sums(), (1, 1, 12), (1,)),
        *("refused", "axis 2 of the 1×1×12 input, taken for features, can be of any size"),
    ),
    "mean of rows": (MeanOfRows(), (3, 5, 2), (1,), "refused", "axis 0 of the 3×5×2 input"),
    "frames": (Frames(), (4, 3, 7, 7), (2, 3), "bounded", "with --axes 0,2,3 its places are"),
    "rows apart": (nn.Conv2d(3, 2, 3), (4, 3, 7, 7), (2, 3), "verified", ""),
    "tokens": (nn.Linear(4, 3), (3, 5, 4), (1,), "verified", ""),
    "one pixel": (nn.Conv2d(3, 2, 3, padding=1), (1, 3, 1, 1), (2, 3), "verified", ""),
    "one token": (nn.Linear(4, 4), (2, 1, 4), (1,), "verified", ""),
}


@pytest.mark.parametrize("name", BESIDE)
def test_axes_beside_those_of_positions_are_tried(name: str) -> None:
    model, shape, axes, level, said = BESIDE[name]

    proof = proven(model, torch.zeros(shape), axes=axes)

    assert proof.level == level
    assert said in proof.reason


def test_what_each_axis_shows_is_data() -> None:
    (shown,) = proven(Frames(), torch.zeros(4, 3, 7, 7), axes=(2, 3)).shown

    found = [(one.axis, one.size, one.taken_for, one.mixed) for one in shown.axes]
    assert found == [(0, 4, "the batch", True), (1, 3, "features", True)]
    assert shown.strays == (0,)
    # 5 x 5 outputs of 7 x 7, each with something to see; 4 positions alone in each of two draws.
    assert (shown.outputs, shown.blind, shown.silent, shown.watched) == (25, 0, 0, 8)


def test_axes_that_the_user_chose_are_not_held_against_others() -> None:
    inputs = Inputs(args=(torch.zeros(1, 3, 7, 7),))
    model = nn.Conv2d(3, 2, 3)

    proof = verify(model, inputs, receptive(model, inputs, axes=(3,)), axes_chosen=True)

    assert proof.level == "verified"  # columns alone, of which it sees 3
    assert proof.shown[0].claimed == 3


def test_outputs_that_see_nothing_answer_to_nothing() -> None:
    model = nn.ConvTranspose2d(3, 2, 3, stride=2, dilation=2)

    (shown,) = proven(model, image(6)).shown

    # 15 along an axis: 0 to 14, the even ones alone see something: 8 x 8 of 15 x 15.
    assert (shown.outputs, shown.blind, shown.silent) == (225, 161, 0)


def test_a_unit_that_nobody_chose_is_held_against_the_graph_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the outermost units are said to see is less than they do."""
    real = Field.row

    def short(self: Field, axis: int, unit: dict[int, int]) -> Any:
        return real(self, axis, {at: min(place, 4) for at, place in unit.items()})

    monkeypatch.setattr(Field, "row", short)

    assert proven(nn.Conv1d(2, 2, 3), line(12)).level == "refused"


@pytest.mark.parametrize(("more", "said"), [(1, "the answer counts 10 positions"), (0, "")])
def test_numbers_that_are_not_those_of_the_set_are_refused(more: int, said: str) -> None:
    inputs = Inputs(args=(image(),))
    model = nn.Conv2d(3, 2, 3)
    found = receptive(model, inputs)
    assert found.target.touched == 9
    found = replace(found, target=replace(found.target, touched=9 + more))

    proof = verify(model, inputs, found)

    assert proof.level == ("refused" if more else "verified")
    assert said in proof.reason


def test_a_unit_that_sees_nothing_is_not_tried() -> None:
    model = nn.ConvTranspose1d(2, 2, 2, stride=3)  # output 2 lies between the taps

    proof = proven(model, line(8), unit=(2,))

    assert (proof.level, proof.reason) == (
        *("not run", "the unit sees nothing, as the graph says, and nothing was tried"),
    )


def test_a_window_that_another_unit_outgrows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv1d(2, 2, 2))
    inputs = Inputs(args=(line(8),))
    # Outputs 1, 3, 5 ... see two positions, all others one.
    monkeypatch.setattr(Line, "hulls", property(lambda self: (1, 1)))
    monkeypatch.setattr(Line, "typical", property(lambda self: 4))

    proof = verify(model, inputs, receptive(model, inputs))

    assert proof.level == "bounded"
    assert "another unit sees 2 positions, of a window of 1" in proof.reason


class Several(nn.Module):
    """A constant of the output's shape comes first."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"ones": torch.ones_like(x), "moved": x.roll(1, -1)}


def test_an_output_is_found_by_its_name() -> None:
    (shown,) = proven(Several(), line()).shown
    assert (shown.level, shown.claimed) == ("verified", 1)


def claim(monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Mask], Mask]) -> None:
    """Let the graph claim other positions than it found."""
    real = claims._claimed

    def planted(*args: Any, **settings: Any) -> Mask | None:
        mask = real(*args, **settings)
        return None if mask is None else wrong(mask)

    monkeypatch.setattr(claims, "_claimed", planted)


def without(mask: Mask, axis: int, end: int) -> Mask:
    """Return the mask less its first (0) or last (-1) positions along an axis."""
    kept = mask.copy()
    at = np.unique(np.argwhere(mask)[:, axis])[end]
    kept[tuple(at if own == axis else slice(None) for own in range(mask.ndim))] = False
    return kept


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("end", [0, -1])
def test_a_window_that_is_claimed_too_small_is_refused(
    monkeypatch: pytest.MonkeyPatch, axis: int, end: int
) -> None:
    claim(monkeypatch, lambda mask: without(mask, axis, end))

    proof = proven(nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3)), image())

    assert proof.level == "refused"
    assert "outside the set changes the output" in proof.reason


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("step", [1, -1])
def test_a_window_that_is_claimed_too_large_is_bounded(
    monkeypatch: pytest.MonkeyPatch, axis: int, step: int
) -> None:
    claim(monkeypatch, lambda mask: mask | np.roll(mask, step, axis))

    proof = proven(nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3)), image())

    # A 5 x 5 window with 5 positions more on one side.
    assert proof.level == "bounded"
    assert "set is too large: no change and no NaN at 5 of its positions" in proof.reason
    assert [is_proven(edge) for edge in proof.shown[0].edges] == [axis == 1, axis == 0]


def test_a_hole_that_the_graph_misses_is_found(
    monkeypatch: pytest.MonkeyPatch, networks: ModuleType
) -> None:
    def filled(mask: Mask) -> Mask:
        rows, columns = mask.any(1).nonzero()[0], mask.any(0).nonzero()[0]
        mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
        return mask

    claim(monkeypatch, filled)

    proof = proven(networks.dilated(2, 2), image(11))

    # Two layers of rate 2 see every second position of 9 x 9: 25 of 81.
    assert "set is too large: no change and no NaN at 56 of its positions" in proof.reason
    assert proof.level == "bounded"
    assert all(is_proven(edge) for edge in proof.shown[0].edges)


@pytest.mark.parametrize(
    "model", [shifted(), causal(leak=1)], ids=["a shift of channels", "a leak"]
)
def test_a_later_position_that_the_graph_misses_is_refused(
    monkeypatch: pytest.MonkeyPatch, model: nn.Module
) -> None:
    claim(monkeypatch, lambda mask: without(mask, 0, -1))

    assert proven(model, line()).level == "refused"


def test_a_hole_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def holed(mask: Mask) -> Mask:
        places = np.argwhere(mask)
        mask[tuple(places[len(places) // 2])] = False
        return mask

    claim(monkeypatch, holed)

    assert proven(nn.Conv2d(3, 2, 3), image()).level == "refused"


class TwoSequences(nn.Module):
    """Each position sees all of both, which are of one length."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        both = x + y
        return both + both.mean(2, keepdim=True)


def test_a_slow_network_is_tried_on_strips_or_on_less(networks: ModuleType) -> None:
    model, inputs = networks.dilated(1, 2, 4, 8), Inputs(args=(image(128),))
    found = receptive(model, inputs)

    def tried(most: float) -> list[Any]:
        made = claims.claims(model, inputs, found, lambda positions: positions <= most)
        return [one if isinstance(one, str) else one.sizes for one in made]

    assert tried(128 * 128) == [(128, 128)]
    assert tried(128 * 128 - 1) == [(64, 64)]  # a window of 31 is whole there
    assert tried(32 * 32 - 1) == [(128, 1), (1, 128)]
    assert tried(63) == [(128, 128)]  # as far as the time goes

    model = Squeeze()
    found = receptive(model, inputs)
    assert tried(128 * 128 - 1) == [(64, 64), (64, 64)], "all of a smaller one, and its own window"


def test_a_window_that_is_found_on_a_larger_input_is_tried_on_the_smallest_that_has_one(
    networks: ModuleType,
) -> None:
    """The search doubles: 22, 44; a window of 35 is whole on 36."""
    model, inputs = networks.dilated(1, 2, 4, 10), Inputs(args=(image(22),))
    found = receptive(model, inputs)
    assert found.best.sizes == (44, 44)

    def sizes() -> list[Any]:
        made = claims.claims(model, inputs, found, lambda positions: True)
        return [one if isinstance(one, str) else one.sizes for one in made]

    assert sizes() == [(44, 44)], "remainders of strides are those of the input"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "STRIDE", 8)
        assert sizes() == [(36, 36)]
        assert verify(model, inputs, found).level == "verified"
        touched = (found.target.touched or 0) + 1
        found = replace(found, target=replace(found.target, touched=touched))
        assert sizes() == [(44, 44)], "other numbers than the answer's are no proof of it"


def test_an_input_that_takes_too_long_has_a_smaller_one_in_its_place() -> None:
    """What is shown of less is a bound, however much less it is."""
    model, inputs = TwoSequences(), Inputs(args=(line(512), line(512)))
    found = receptive(model, inputs, axes=(2,))

    def tried(most: float) -> list[Any]:
        made = claims.claims(model, inputs, found, lambda positions: positions <= most)
        return [one if isinstance(one, str) else (one.sizes, one.instead_of) for one in made]

    assert tried(2 * 100)[0] == ((64,), (512,))
    assert tried(2 * 20)[0] == ((16,), (512,))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archscope.probing.verify.PASSES", 1e9)
        patch.setattr("archscope.probing.verify.SLOWER", inf)  # than this made-up pace
        patch.setattr("archscope.probing.verify._seconds_per_position", lambda *_: 1e-9)
        proof = verify(model, inputs, found, seconds=64 * 2)

    assert proof.level == "bounded"
    assert "an input of 512 takes too long to run, and one of 64 was tried" in proof.reason


def test_a_pass_that_is_slower_than_was_thought_leaves_time_for_strips() -> None:
    """As on DenseNet, where a pass over 36 times the input took 150 times as long."""
    model = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) for _ in range(8)))
    inputs = Inputs(args=(torch.zeros(1, 1, 16, 16),))
    found = receptive(model, inputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archscope.probing.verify._seconds_per_position", lambda *_: 1e-9)
        whole = verify(model, inputs, found, seconds=60)
        patch.setattr(
            "archscope.probing.verify._pass_seconds",
            lambda trial: 10.0 if trial._x.numel() > 500 else 0.03,
        )
        strips = verify(model, inputs, found, seconds=60)

    assert whole.level == strips.level == "verified"
    (square,) = (one.sizes for one in whole.shown)
    assert prod(square) > 500
    assert [prod(one.sizes) < 500 for one in strips.shown] == [True, True]


def test_what_takes_too_long_is_said() -> None:
    inputs = Inputs(args=(image(),))
    model = nn.Conv2d(3, 2, 3)

    proof = verify(model, inputs, receptive(model, inputs), seconds=0)

    assert proof.level == "not run"
    assert proof.reason


def test_copies_that_mix_are_tried_one_by_one() -> None:
    class Mixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.avg_pool1d(x, 3, 1) + x.sum(0)[:, 2:]  # a sum over what may be copies

    (shown,) = proven(Mixed(), line()).shown
    assert (shown.level, shown.claimed, shown.answered) == ("verified", 3, 3)


def test_a_network_that_does_not_repeat_itself_gets_no_verdict() -> None:
    numbers = count()

    class Random(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.avg_pool1d(x, 3, 1) + next(numbers)

    proof = proven(Random(), line())

    assert proof.level == "not run"
    assert "another output when it is run again" in proof.reason


@pytest.mark.parametrize("fails", [False, True])
def test_a_model_is_left_as_found(fails: bool) -> None:
    class Picky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv1d(2, 2, 3), nn.BatchNorm1d(2), nn.Dropout())
            self.calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            if fails and x.dtype == torch.float64:
                raise ValueError("no doubles")
            return self.body(x)

    model = Picky().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()

    proof = proven(model, line())

    assert proof.level == ("not run" if fails else "verified")
    assert "no doubles" in proof.reason or not fails
    assert model.calls == 0
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(value.grad is None for value in model.parameters())


def test_searches_find_edges_and_silent_blocks() -> None:
    for edge in (0, 1, 36, 99):
        for guess in (0, 36, 50, 99):
            assert smallest(lambda at, edge=edge: at >= edge, 0, 99, guess=guess) == edge  # type: ignore[misc]
    seen = np.zeros((16, 16), dtype=np.bool_)
    seen[3, 5] = seen[12, 12] = True

    found = silent(lambda mask: bool((mask & seen).any()), np.ones_like(seen), questions=64)

    assert np.array_equal(found, ~seen)


class OfItsOwn(nn.Module):
    """Writes into what it makes anew, and multiplies by what it keeps beside its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = torch.eye(2)

    def forward(self, x: Tensor) -> Tensor:
        shifted = torch.zeros(x.shape).index_add_(-1, torch.arange(1, x.shape[-1]), x[..., :-1])
        before = torch.ones(3, 1).float() @ self.matrix.half().float()[:1]
        return (before @ x)[:, :2] + shifted


def test_what_a_forward_makes_in_fewer_bits_is_float64() -> None:
    (shown,) = proven(OfItsOwn(), line(8)).shown

    assert shown.level == "verified", shown.reason
    assert shown.seen == shown.claimed == 2


class InPlainContainers(nn.Module):
    """Reads a weight from a dictionary beside its own, and one that is nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.weights = {"scale": self.scale, "shift": nn.Parameter(torch.ones(1))}

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool1d(x * self.weights["scale"] + self.weights["shift"], 3, 1) * self.scale


class TwoTables(nn.Module):
    """Two embeddings of the same tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Embedding(9, 2), nn.Embedding(9, 2)

    def forward(self, ids: Tensor) -> Tensor:
        x = torch.cat([self.one(ids), self.two(ids)], -1)
        return F.avg_pool1d(F.relu(x).transpose(1, 2), 3, 1)


class Shared(nn.Module):
    """One embedding for two sequences of unlike length; the second is not what is studied."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 4)

    def forward(self, ids: Tensor, others: Tensor) -> Tensor:
        x = self.table(ids) + self.table(others).mean(1, keepdim=True)
        return F.avg_pool1d(x.transpose(1, 2), 2, 1)


class Memory(nn.Module):
    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        return F.avg_pool1d(torch.cat([memory, x], -1), 3, 1)


@pytest.mark.parametrize(
    ("model", "args", "claimed"),
    [
        (InPlainContainers(), (line(),), 3),
        (TwoTables(), (torch.zeros(1, 9).long(),), 3),
        (Shared(), (torch.zeros(1, 9).long(), torch.zeros(1, 4).long()), 2),
        (Memory(), (line(), torch.zeros(1, 2, 5, device="meta")), 3),
    ],
)
def test_inputs_and_weights_of_other_kinds_are_run(
    model: nn.Module, args: tuple[Tensor, ...], claimed: int
) -> None:
    inputs = Inputs(args=args)
    (shown,) = verify(model, inputs, receptive(model, inputs, studied="0")).shown

    assert shown.level in ("verified", "bounded"), shown.reason
    assert shown.seen == shown.claimed == claimed
