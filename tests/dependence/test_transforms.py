"""Transforms and their inverses: what is seen through both, against altered numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.fft import fft, fft2, fftshift, ifft, ifft2, irfft, irfft2, rfft, rfft2

from archscope.dependence.answer.examine import Examination, examine
from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.spectra import Spectra
from archscope.dependence.rules import transforms
from archscope.dependence.sets.algebra import NUMBERS
from archscope.subject import Inputs

SIZE = 12


class Run(nn.Module):
    """A function of the input and of what is held."""

    def __init__(self, function: Callable[..., Tensor], *held: Tensor) -> None:
        super().__init__()
        self.function = function
        self.held = [nn.Parameter(one) for one in held]
        for number, one in enumerate(self.held):
            self.register_parameter(f"held{number}", one)

    def forward(self, x: Tensor) -> Tensor:
        held = (getattr(self, f"held{number}") for number in range(len(self.held)))
        return self.function(x, *held)


def look_at(
    function: Callable[..., Tensor], *held: Tensor, shape: tuple[int, ...] = (1, 2, SIZE)
) -> Examination:
    x = torch.zeros(shape, dtype=torch.float64)
    axes = tuple(range(2, len(shape)))
    return examine(Run(function, *held), Inputs(args=(x,)), axes=axes)


def flags(found: Examination) -> list[str]:
    return [each.node.operator for each in found.lowered if each.flag]


def sets(found: Examination, axis: int = 0) -> tuple[int, ...]:
    field = found.total(found.graph.outputs["0"])
    assert field is not None
    return tuple(field.lines[axis].sets)


def window(*taps: int, size: int = SIZE) -> tuple[int, ...]:
    """Return what a convolution with taps at some distances back sees, without a border."""
    return tuple(sum(1 << at - tap for tap in taps if 0 <= at - tap < size) for at in range(size))


def long_convolution(x: Tensor, kernel: Tensor) -> Tensor:
    n = x.shape[-1]
    return irfft(rfft(x, 2 * n) * rfft(kernel, 2 * n), 2 * n)[..., :n]


def ahead(x: Tensor, kernel: Tensor) -> Tensor:
    """The same without a cut that keeps it causal: centred."""
    n = x.shape[-1]
    return irfft(rfft(x, 2 * n) * rfft(kernel, 2 * n), 2 * n)[..., 1 : n + 1]


def decaying(x: Tensor, kernel: Tensor) -> Tensor:
    """A kernel as long as the sequence, whose last taps are smaller than rounding."""
    return long_convolution(x, kernel * torch.exp(-8.0 * torch.arange(kernel.shape[-1])))


def masked(x: Tensor, kernel: Tensor) -> Tensor:
    return long_convolution(x, kernel * torch.tensor([1.0, 0.0, 1.0], dtype=kernel.dtype))


def by_spectrum(of: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """A long convolution, of which something is made of the spectrum of the kernel first."""

    def function(x: Tensor, kernel: Tensor) -> Tensor:
        n = x.shape[-1]
        return irfft(rfft(x, 2 * n) * of(rfft(kernel, 2 * n)), 2 * n)[..., :n]

    return function


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize(
    ("function", "taps", "expected"),
    [
        (long_convolution, 3, window(0, 1, 2)),
        (by_spectrum(lambda modes: modes / 7), 3, window(0, 1, 2)),  # as Hyena does
        (by_spectrum(lambda modes: modes + 0.1), 3, window(0, 1, 2)),
        (by_spectrum(lambda modes: modes.mul_(0.5)), 3, window(0, 1, 2)),
        (by_spectrum(lambda modes: modes * modes.conj()), 3, window(-2, -1, 0, 1, 2)),
        (by_spectrum(lambda modes: torch.polar(modes.abs(), modes.angle())), 3, window(0, 1, 2)),
        (ahead, 3, window(-1, 0, 1)),
        (decaying, SIZE, window(*range(SIZE))),
        (masked, 3, window(0, 2)),
    ],
)
def test_a_convolution_by_transforms_sees_its_kernel(
    function: Callable[..., Tensor], taps: int, expected: tuple[int, ...], value: float
) -> None:
    # Whatever the kernel holds as it begins: zeros may be learned away.
    found = look_at(function, torch.full((2, taps), value, dtype=torch.float64))

    assert flags(found) == []
    assert sets(found) == expected


def without_the_mean(modes: Tensor) -> Tensor:
    modes[..., 0] = 0
    return modes


def test_a_spectrum_that_a_part_was_written_to_is_not_what_it_was() -> None:
    kernel = torch.ones(2, 3, dtype=torch.float64)

    found = look_at(by_spectrum(without_the_mean), kernel)

    assert flags(found) == ["_fft_c2r"]
    assert set(sets(found)) == {(1 << SIZE) - 1}


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_a_kernel_that_is_not_learned_has_the_taps_that_it_has(scale: float) -> None:
    def scaled(x: Tensor) -> Tensor:
        return long_convolution(x, torch.tensor([scale, 0.0, scale / 2], dtype=x.dtype))

    assert sets(look_at(scaled)) == window(0, 2)


def test_a_kernel_that_comes_round_reads_the_other_end() -> None:
    found = look_at(lambda x, k: irfft(rfft(x) * rfft(k, SIZE), SIZE), torch.zeros(2, 3))

    round_ = tuple(sum(1 << (at - tap) % SIZE for tap in range(3)) for at in range(SIZE))
    assert sets(found) == round_


def own(x: Tensor) -> Tensor:
    return long_convolution(x, x[..., :3])


def test_a_kernel_that_the_input_makes_is_a_window_and_a_part_of_the_input() -> None:
    # y_i = sum over t < 3 of x_t x_(i - t): the window of three, and the first three.
    expected = tuple(seen | (1 << min(3, at + 1)) - 1 for at, seen in enumerate(window(0, 1, 2)))
    assert sets(look_at(own)) == expected


def by_modes(x: Tensor, weight: Tensor) -> Tensor:
    """A layer of a Fourier neural operator: three modes, and zeros beyond."""
    modes = rfft(x)
    out = torch.zeros(1, 2, modes.shape[-1], dtype=modes.dtype, device=x.device)
    out[..., :3] = torch.einsum("bix,iox->box", modes[..., :3], weight)
    return irfft(out, x.shape[-1])


def squared(x: Tensor) -> Tensor:
    spectrum = rfft(x)
    return irfft(spectrum * spectrum.conj(), SIZE)


def shrunk(x: Tensor) -> Tensor:
    spectrum = rfft(x)
    return irfft(torch.complex(spectrum.real.relu(), spectrum.imag.relu()), SIZE)


def gated(x: Tensor) -> Tensor:
    return irfft(rfft(x) * x.mean(-1, keepdim=True), SIZE)


@pytest.mark.parametrize(
    ("function", "held"),
    [
        (by_modes, (torch.zeros(2, 2, 3, dtype=torch.complex128),)),
        (squared, ()),
        (shrunk, ()),
        (gated, ()),
        (lambda x: fft(x).real, ()),
        (lambda x: ifft(ifft(fft(x))).real, ()),
        (lambda x: irfft(rfft(x) * (torch.arange(7, device=x.device) < 3), SIZE), ()),
    ],
)
def test_what_mixes_modes_or_leaves_some_out_sees_all(
    function: Callable[..., Tensor], held: tuple[Tensor, ...]
) -> None:
    found = look_at(function, *held)

    assert flags(found) == []
    assert set(sets(found)) == {(1 << SIZE) - 1}


def test_modes_that_are_cut_off_leave_the_zeros_of_their_sum() -> None:
    found = look_at(lambda x: irfft(rfft(x) * (torch.arange(7, device=x.device) < 2), SIZE))

    # 1 + 2 cos(2 pi t / 12) is zero where t is 4 or 8.
    others = [tap for tap in range(SIZE) if tap not in (4, 8)]
    round_ = tuple(sum(1 << (at - tap) % SIZE for tap in others) for at in range(SIZE))
    assert sets(found) == round_


def turned(x: Tensor, scale: float) -> Tensor:
    """Mode k is that of -1 - k: x_(-n) times exp(-2 pi i n / 12), whose parts never cancel."""
    spectrum = ifft(scale * fft(x).flip(-1))
    return spectrum.real + spectrum.imag


def folded(x: Tensor, scale: float) -> Tensor:
    """Every second mode alone: halves lie over each other."""
    return ifft(scale * fft(x)[..., ::2]).real


@pytest.mark.parametrize(
    ("function", "reads"),
    [(turned, lambda at: [-at % SIZE]), (folded, lambda at: [at, at + 6])],
)
@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_modes_that_change_places_or_go_are_tried_place_by_place(
    function: Callable[..., Tensor], reads: Callable[[int], list[int]], scale: float
) -> None:
    found = look_at(lambda x: function(x, scale))

    assert flags(found) == []
    told = sets(found)
    assert told == tuple(sum(1 << one for one in reads(at)) for at in range(len(told)))


def analytic(x: Tensor) -> Tensor:
    """The signal, with its Hilbert transform as imaginary part (Gabor 1946)."""
    positive = torch.tensor([1.0, *[2] * 5, 1, *[0] * 5], device=x.device)
    return ifft(fft(x) * positive)


def test_the_parts_of_what_comes_back_are_told_apart() -> None:
    real = look_at(lambda x: analytic(x).real)
    imaginary = look_at(lambda x: analytic(x).imag)
    nothing = look_at(lambda x: ifft(fft(x)).imag + x.roll(1, -1))

    assert [flags(found) for found in (real, imaginary, nothing)] == [[], [], []]
    assert sets(real) == window(0)
    assert sets(imaginary) == (0b101010101010, 0b010101010101) * 6  # all at an odd distance
    assert sets(nothing) == tuple(1 << (at - 1) % SIZE for at in range(SIZE))


def test_a_shift_of_all_axes_mixes_no_more_than_it_moves() -> None:
    def shifted(x: Tensor) -> Tensor:
        return ifft(fftshift(fft(x))).real

    found = examine(Run(shifted), Inputs(args=(torch.zeros(1, 2, SIZE),)), axes=(1, 2))

    assert flags(found) == []
    assert sets(found) == (0b10, 0b01)
    assert sets(found, 1) == window(0)


def by_four(x: Tensor, *factors: Tensor) -> Tensor:
    """Both parts of a spectrum, each by two factors."""
    spectrum, (one, two, three, four) = fft(x), factors
    a, b = spectrum.real, spectrum.imag
    return ifft(torch.complex(one * a - two * b, three * b + four * a)).real


def test_what_is_learned_is_the_same_wherever_it_is_used() -> None:
    factors = torch.ones(2, 1), torch.ones(2, 1)
    # A complex factor by two real ones, and what is none: it turns the signal round, too.
    alone = look_at(lambda x, v, w: by_four(x, v, w, v, w), *factors)
    apart = look_at(lambda x, v, w: by_four(x, v, w, v, w) + by_four(x, v, w, w, v), *factors)

    assert flags(alone) == flags(apart) == []
    assert sets(alone) == window(0)
    assert sets(apart) == tuple(1 << at | 1 << -at % SIZE for at in range(SIZE))


def phases(x: Tensor) -> Tensor:
    spectrum = rfft(x)
    return irfft(torch.polar(spectrum.abs(), spectrum.angle()), SIZE)


def there_and_back(x: Tensor) -> Tensor:
    """By way of the last axis first; and once more, by a transform of something else before."""
    return ifft(fft(x.cumsum(-1))).real


def by_windows(x: Tensor) -> Tensor:
    window = torch.hann_window(4, dtype=x.dtype, device=x.device)
    frames = torch.stft(x[0], 4, 2, window=window, return_complex=True)
    return torch.istft(frames, 4, 2, window=window)[None]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (phases, window(0)),
        (there_and_back, window(*range(SIZE))),
        (by_windows, window(0)),
        (lambda x: irfft(rfft(fft(x).real.cumsum(-1)), SIZE)[..., :1], ((1 << SIZE) - 1,)),
    ],
)
def test_a_transform_that_is_undone_leaves_what_was_before_it(
    function: Callable[..., Tensor], expected: tuple[int, ...]
) -> None:
    found = look_at(function)

    assert flags(found) == []
    assert sets(found) == expected


def test_planes() -> None:
    shape = (1, 2, 6, 4)

    undone = look_at(lambda x: irfft2(rfft2(x)), shape=shape)
    learned = look_at(
        lambda x, w: irfft2(rfft2(x) * torch.view_as_complex(w)),
        torch.zeros(2, 6, 3, 2),
        shape=shape,
    )
    mixed = look_at(lambda x: fft2(x).real, shape=shape)

    assert sets(undone) == window(0, size=6)
    assert sets(undone, 1) == window(0, size=4)
    for found in (learned, mixed):
        assert set(sets(found)) == {0b111111}
        assert set(sets(found, 1)) == {0b1111}
        assert flags(found) == []


def test_a_kernel_of_a_plane_is_a_window_along_each_axis() -> None:
    def round_(x: Tensor, kernel: Tensor) -> Tensor:
        return irfft2(rfft2(x) * rfft2(kernel, x.shape[-2:]), x.shape[-2:])

    def crossed(x: Tensor, kernel: Tensor) -> Tensor:
        return round_(x, kernel * torch.tensor([[0, 1, 0], [1, 1, 1]], device=x.device))

    found = look_at(round_, torch.zeros(2, 2, 3), shape=(1, 2, 6, 7))
    rough = look_at(crossed, torch.zeros(2, 2, 3), shape=(1, 2, 6, 7))

    assert flags(found) == []
    for axis, (taps, size) in enumerate(((2, 6), (3, 7))):
        assert sets(found, axis) == tuple(
            sum(1 << (at - tap) % size for tap in range(taps)) for at in range(size)
        )
    assert flags(rough) == ["_fft_c2r"]  # taps that are no window: no more than all is told


def test_of_two_spectra_the_one_of_more_axes_is_undone() -> None:
    def with_the_corner(x: Tensor) -> Tensor:
        return fft2(ifft2(x) + fft(x[..., :1, :1].expand(x.shape))).real

    found = look_at(with_the_corner, shape=(1, 2, 6, 4))

    assert sets(found) == tuple(1 << at | 1 for at in range(6))


def test_channels_and_images_stay_apart() -> None:
    x = torch.zeros(2, 3, SIZE, dtype=torch.float64)
    model = Run(long_convolution, torch.zeros(3, 4, dtype=torch.float64))
    of_images = examine(model, Inputs(args=(x,)), axes=(0, 1))

    assert sets(of_images) == (1, 2)
    assert sets(of_images, 1) == (1, 2, 4)


@pytest.mark.parametrize("rows", [4, 5])
@pytest.mark.parametrize("ends", [True, False])
def test_rows_change_places_between_transforms_along_columns(rows: int, *, ends: bool) -> None:
    """The one in the middle may stay where it was."""
    order = [rows - 1, *range(1, rows - 1), 0] if ends else list(range(rows))[::-1]

    found = look_at(lambda x: ifft(fft(x)[:, :, order]).real, shape=(1, 1, rows, 6))

    assert flags(found) == []
    assert sets(found) == tuple(1 << row for row in order)
    assert sets(found, 1) == tuple(1 << column for column in range(6))


def test_rows_see_those_before_them_where_a_triangle_mixes_them_between_transforms() -> None:
    before = torch.ones(4, 4, dtype=torch.complex128).tril()

    found = look_at(lambda x: ifft(before @ fft(x)).real, shape=(1, 1, 4, 6))

    assert flags(found) == []
    assert sets(found) == (0b1, 0b11, 0b111, 0b1111)


def test_rows_that_are_zero_between_transforms_see_nothing() -> None:
    found = look_at(
        lambda x: ifft(fft(x) * torch.tensor([1.0, 0.0, 1e-9])[:, None]).real, shape=(1, 1, 3, 6)
    )
    field = found.total(found.graph.outputs["0"])

    assert flags(found) == []
    assert field is not None
    assert [field.count({2: row, 3: 2}) for row in range(3)] == [1, 0, 1]


def unclear(x: Tensor) -> Tensor:
    """A shift by phases in single precision: whether a tap is zero or rounding is not known."""
    turns = torch.exp(-2j * torch.pi * torch.arange(7, device=x.device) * 0.25)
    return irfft(rfft(x) * turns, SIZE)


def partly(x: Tensor) -> Tensor:
    return ifft(fft2(x), dim=-1).real


def turned_along_one(x: Tensor) -> Tensor:
    """A convolution along the first axis of an image alone: modes of the other change places."""
    return ifft2(fft2(x).flip(-1)).real


@pytest.mark.parametrize(
    ("function", "shape"),
    [(unclear, (1, 2, SIZE)), (partly, (1, 2, 6, 4)), (turned_along_one, (1, 2, 6, 4))],
)
def test_what_is_not_clear_is_a_bound(
    function: Callable[..., Tensor], shape: tuple[int, ...]
) -> None:
    found = look_at(function, shape=shape)
    seen = found.seen(found.graph.outputs["0"])

    assert seen is not None
    assert seen.bounded_by is not None
    assert found.graph.nodes[seen.bounded_by].operator in ("_fft_c2r", "_fft_c2c")
    for axis, size in enumerate(shape[2:]):
        assert set(sets(found, axis)) == {(1 << size) - 1}


def gradients(function: Callable[..., Tensor], x: Tensor) -> NDArray[np.bool_]:
    found: Any = torch.autograd.functional.jacobian(function, x)
    return np.asarray((found.abs() > 1e-9).numpy().any((0, 1, 3, 4)))


@pytest.mark.parametrize("taps", [1, 2, 9, SIZE])
def test_the_sets_are_those_of_gradients(taps: int) -> None:
    kernel = torch.rand(2, taps, dtype=torch.float64) + 0.1
    x = torch.rand(1, 2, SIZE, dtype=torch.float64)
    mask = gradients(lambda x: long_convolution(x, kernel), x)

    seen = sets(look_at(long_convolution, kernel))

    assert seen == tuple(sum(1 << at for at in np.flatnonzero(row)) for row in mask)


def by_runs(x: Tensor, kernel: Tensor) -> Tensor:
    """Ten taps, no two of them neighbours."""
    apart = (torch.arange(20, device=x.device) % 2).to(kernel.dtype)
    return irfft(rfft(x) * rfft(kernel * apart, 24), 24)


def halved(x: Tensor) -> Tensor:
    """Half as many numbers, by the low half of the spectrum: odd places alter all of them."""
    return irfft(rfft(x)[..., : SIZE // 4 + 1], SIZE // 2)


KERNEL = torch.zeros(2, 3, dtype=torch.float64)
LIMITED: list[tuple[str, int, Callable[..., Tensor], tuple[Tensor, ...], int, bool]] = [
    # a limit, the number that is enough, what runs on what weights and size; if less is a bound
    ("MOST_NODES", 3, long_convolution, (KERNEL,), SIZE, True),
    ("MOST_NUMBERS", 2 * SIZE * 2, ahead, (KERNEL,), SIZE, True),
    ("MOST_LEARNED", 2 * (SIZE + 1), long_convolution, (KERNEL,), SIZE, True),
    ("MOST_WORK", SIZE * 2 * SIZE, squared, (), SIZE, False),  # some that see all are enough
    ("MOST_WORK", SIZE * 2 * SIZE, halved, (), SIZE, True),
    ("MOST_RUNS", 10, by_runs, (torch.zeros(2, 20, dtype=torch.float64),), 24, True),
]


@pytest.mark.parametrize(("limit", "enough", "function", "held", "size", "is_bound"), LIMITED)
def test_what_costs_more_than_a_limit_is_a_bound(
    limit: str,
    enough: int,
    function: Callable[..., Tensor],
    held: tuple[Tensor, ...],
    size: int,
    is_bound: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shape = (1, 2, size)
    exact = look_at(function, *held, shape=shape)
    monkeypatch.setattr(transforms, limit, enough)
    same = look_at(function, *held, shape=shape)
    monkeypatch.setattr(transforms, limit, enough - 1)
    less = look_at(function, *held, shape=shape)

    assert flags(exact) == flags(same) == []
    assert sets(exact) == sets(same)
    assert flags(less) == ["_fft_c2r"] * is_bound
    assert set(sets(less)) == ({(1 << size) - 1} if is_bound else set(sets(exact)))


@pytest.mark.parametrize(
    ("taps", "beyond"),
    [
        ([0], []),
        ([0, 2], [0, 1]),
        ([6], [0, 1, 2, 3, 4, 5]),  # the middle counts as behind
        ([7], [7, 8, 9, 10, 11]),  # beyond it taps are ahead
        ([1, 11], [0, 11]),
        (list(range(9)), [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]),
        ([0, 1, 2, 3, 4, 8, 9, 10, 11], [0, 1, 2, 3, 8, 9, 10, 11]),
    ],
)
def test_what_comes_round_counts_as_beyond_the_border(taps: list[int], beyond: list[int]) -> None:
    found = transforms.circular(np.isin(np.arange(SIZE), taps))

    assert found is not None
    assert ([] if found.clipped is None else np.flatnonzero(found.clipped).tolist()) == beyond
    reads = found.gathered(2.0 ** np.arange(SIZE), NUMBERS)
    assert reads.tolist() == [sum(2.0 ** ((at - tap) % SIZE) for tap in taps) for at in range(SIZE)]


def test_what_an_inverse_takes_back_is_open_no_more() -> None:
    given, modes, again = (Value(number, (4, 6)) for number in range(3))
    spectra = Spectra()
    for forward, source, output in ((True, given, modes), (False, modes, again)):
        arguments = {"self": source, "dim": [0, 1], "forward": forward}
        spectra.learn(
            Node(operator="_fft_c2c", arguments=arguments, outputs=(output,), picked=None,
                 module="", pointwise=False)
        )  # fmt: skip

    assert spectra.open == {modes: (True, True)}
