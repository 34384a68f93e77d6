"""Weights in fewer bits are as many as a layer multiplies by, and take the memory that is held."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.counting.quantised import HALF_STORED, bytes_of, packed_by
from archscope.library import params


def dynamic() -> nn.Module:
    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao is deprecated
        return torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)


def test_packed_by_torch() -> None:
    totals = params(dynamic(), torch.rand(4, 64), strict=True).totals

    # 64*128 + 128*10 weights of a byte, 128 + 10 biases of four
    assert totals.frozen == 64 * 128 + 128 * 10 + 138
    assert totals.weight_bytes == 64 * 128 + 128 * 10 + 4 * 138
    assert totals.macs == 4 * (64 * 128 + 128 * 10)
    assert totals.buffers == 0


class FourBits(nn.Module):
    """A layer as GPTQ stores it: eight weights in a word of 32 bits."""

    def __init__(self, inputs: int, outputs: int, *, told: bool) -> None:
        super().__init__()
        if told:
            self.in_features, self.out_features = inputs, outputs
        else:
            self.bits = 4
        self.register_buffer("qweight", torch.zeros(inputs // 8, outputs, dtype=torch.int32))
        self.register_buffer("scales", torch.ones(1, outputs, dtype=torch.float16))

    def forward(self, x: Tensor) -> Tensor:
        shifts = torch.arange(0, 32, 4)
        words = self.qweight.unsqueeze(1).bitwise_right_shift(shifts[:, None])
        weight = (words & 15).flatten(0, 1).to(x.dtype) * self.scales.to(x.dtype)
        return x @ weight


def test_eight_in_a_word() -> None:
    for told in (True, False):
        totals = params(FourBits(64, 32, told=told), torch.rand(2, 64), strict=True).totals

        assert totals.frozen == 64 * 32
        # half a byte for each weight, two bytes for each of 32 scales
        assert totals.weight_bytes == 64 * 32 // 2 + 2 * 32
        assert totals.macs == 2 * 64 * 32


def test_as_many_in_a_word_as_it_has_bits() -> None:
    layer = FourBits(64, 32, told=False)
    layer.bits = 1

    assert params(layer).totals.frozen == 8 * 32 * 32  # of 8 x 32 words


def test_integers_without_scales_are_no_weights() -> None:
    class Indexed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weight", torch.zeros(8, dtype=torch.int64))

        def forward(self, x: Tensor) -> Tensor:
            return x[self.weight]

    totals = params(Indexed(), torch.rand(2, 4)).totals

    assert (totals.frozen, totals.buffers, totals.weight_bytes) == (0, 8, 0)


def test_what_is_held_comes_first_in_the_table() -> None:
    said = params(nn.Linear(8, 8).half(), torch.rand(1, 8).half()).to("table")

    # 72 numbers of two bytes, and of four
    assert "weights 144 B as held, fp32 288 B, bf16 144 B" in said


def test_a_complex_weight_is_two_numbers(tmp_path: Path) -> None:
    layer = nn.Linear(8, 4, bias=False, dtype=torch.complex64)
    torch.save(layer.state_dict(), tmp_path / "weights.pt")

    for report in (params(layer), params(str(tmp_path / "weights.pt"))):
        assert (report.totals.trainable + report.totals.frozen, report.totals.weight_bytes) == (
            32,
            256,
        )
        assert "weights fp32 256 B, bf16 128 B" in report.to("table")


def test_two_in_a_byte() -> None:
    class State:
        def __init__(self, shape: tuple[int, ...]) -> None:
            self.shape = shape
            self.absmax = torch.ones(16)

    model: Any = nn.Module()
    model.weight = nn.Parameter(torch.zeros(512, 1, dtype=torch.uint8), requires_grad=False)
    model.weight.quant_state = State((32, 32))

    totals = params(model).totals

    # 32*32 weights in 512 bytes, and 16 scales of four bytes
    assert (totals.frozen, totals.weight_bytes) == (1024, 512 + 64)


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_what_a_tensor_holds_beside_its_numbers() -> None:
    # 4 x 4 numbers of a byte; for each channel a scale and a zero point of eight
    scales, zeros = torch.ones(4, dtype=torch.double), torch.zeros(4, dtype=torch.long)
    packed = torch.quantize_per_channel(torch.ones(4, 4), scales, zeros, 0, torch.qint8)
    assert bytes_of(packed) == 16 + 4 * 8 + 4 * 8
    # three of 16 numbers: four bytes each, and a row and a column of eight
    stored = torch.eye(4)[:3].to_sparse()
    assert bytes_of(stored) == 3 * (4 + 8 + 8)
    # the same by rows: where each of three rows begins, and the last ends
    assert bytes_of(stored.to_sparse_csr()) == 3 * (4 + 8) + 4 * 8


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch is built without it")
def test_a_layout_of_kernels_own_holds_its_numbers() -> None:
    # 4 x 4 numbers of four bytes
    assert bytes_of(torch.ones(4, 4).to_mkldnn()) == 64


class Packed(nn.Module):
    """A product with an integer weight that lies as its kernel wants it: 64 to 48."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        codes = torch.zeros(48, 64, dtype=torch.int32)
        packed = torch._convert_weight_to_int4pack_for_cpu(codes, 1)
        self.register_buffer("weight", packed if kind == "int4" else codes.to(torch.int8))
        self.register_buffer("scale", torch.ones(48, dtype=torch.bfloat16))
        self.register_buffer("groups", torch.ones(2, 48, 2, dtype=torch.bfloat16))

    def forward(self, x: Tensor) -> Any:
        if self.kind == "int4":
            return torch._weight_int4pack_mm_for_cpu(x, self.weight, 32, self.groups)
        return torch._weight_int8pack_mm(x, self.weight, self.scale)


@pytest.mark.parametrize("kind", ["int4", "int8"])
def test_products_with_packed_integers(kind: str) -> None:
    report = params(Packed(kind), torch.zeros(32, 64, dtype=torch.bfloat16))

    assert (report.totals.macs, report.totals.complete) == (32 * 64 * 48, True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("layer", "x", "macs"),
    [
        # 5 steps of 2 rows, 4 gates of 8 units, each of 16 inputs and 8 states
        (nn.LSTM(16, 8), (5, 2, 16), 5 * 2 * 4 * 8 * (16 + 8)),
        (nn.LSTM(16, 8, bidirectional=True), (5, 2, 16), 2 * 5 * 2 * 4 * 8 * (16 + 8)),
        (nn.GRU(16, 8), (5, 2, 16), 5 * 2 * 3 * 8 * (16 + 8)),
        (nn.LSTMCell(16, 8), (2, 16), 2 * 4 * 8 * (16 + 8)),
        (nn.GRUCell(16, 8), (2, 16), 2 * 3 * 8 * (16 + 8)),
        (nn.RNNCell(16, 8), (2, 16), 2 * 8 * (16 + 8)),
    ],
)
def test_recurrent_layers_with_packed_weights(
    layer: nn.Module, x: tuple[int, ...], macs: int
) -> None:
    model = torch.ao.quantization.quantize_dynamic(nn.Sequential(layer), {type(layer)})
    report = params(model, torch.zeros(x))

    assert (report.totals.macs, report.totals.complete) == (macs, True)
    assert report.totals.frozen == sum(each.numel() for each in layer.parameters())


@pytest.mark.filterwarnings("ignore")
def test_layers_quantised_as_a_whole_and_those_that_learn_it() -> None:
    quantisation = torch.ao.quantization
    model = nn.Sequential(quantisation.QuantStub(), nn.Conv2d(3, 8, 3), quantisation.DeQuantStub())
    model.eval().qconfig = quantisation.get_default_qconfig("x86")
    quantisation.prepare(model, inplace=True)(torch.zeros(1, 3, 8, 8))
    quantisation.convert(model, inplace=True)
    learning = nn.Sequential(nn.Linear(16, 8)).train()
    learning.qconfig = quantisation.get_default_qat_qconfig("x86")
    quantisation.prepare_qat(learning, inplace=True)

    whole = params(model, torch.zeros(1, 3, 8, 8)).totals
    learnt = params(learning, torch.zeros(4, 16)).totals
    assert (whole.macs, whole.complete) == (8 * 6 * 6 * 3 * 9, True)
    assert (learnt.macs, learnt.complete) == (4 * 16 * 8, True)


@pytest.mark.filterwarnings("ignore")
def test_packed_transposed_convolution() -> None:
    quantised = torch.ao.nn.quantized
    layer = quantised.ConvTranspose2d(4, 6, 3, stride=2, groups=2)
    model = nn.Sequential(quantised.Quantize(1.0, 0, torch.quint8), layer, quantised.DeQuantize())
    totals = params(model, torch.zeros(2, 4, 5, 7)).totals

    # 2 x 4 x 5 x 7 inputs, each to 6 / 2 channels by a window of 9
    assert (totals.macs, totals.complete) == (2 * 4 * 5 * 7 * 3 * 9, True)


def test_of_a_weight_that_stores_two_of_four_these_are_counted() -> None:
    # No CPU has the kernels: the formulas, on their operators' shapes. 64 to 48, 32 rows.
    stored, x = torch.empty(48, 32, device="meta"), torch.empty(64, 32, device="meta")
    result = torch.empty(48, 32, device="meta")
    for name, given in (
        ("_cslt_sparse_mm", (stored, x)),
        ("_sparse_semi_structured_mm", (stored, stored, x)),
        ("_sparse_semi_structured_addmm", (result, stored, stored, x)),
        ("_sparse_semi_structured_linear", (x.t(), stored, stored)),
    ):
        assert HALF_STORED[f"aten::{name}"](*given, result=result) == 32 * 64 * 48 // 2, name


class Stored(nn.Module):
    """A weight of 24 numbers beside a scale, and what else is said of it."""

    def __init__(self, kind: torch.dtype, **said: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(6, 4, dtype=kind))
        self.register_buffer("scale", torch.ones(6))
        for name, value in said.items():
            setattr(self, name, value)


@pytest.mark.parametrize(
    ("module", "numbers"),
    [
        (Stored(torch.int8), 24),
        (Stored(torch.int32), None),  # who knows how many are in a word
        (Stored(torch.int32, bits=4), 24 * 8),
        (Stored(torch.int32, bits=4, in_features=5), 24 * 8),
        (Stored(torch.int32, in_features=5, out_features=7), 35),
        (Stored(torch.float32), None),
        (Stored(torch.complex64), None),
        (Stored(torch.float32, in_features=5, out_features=7), None),
    ],
)
def test_integers_beside_a_scale_are_weights(module: nn.Module, numbers: int | None) -> None:
    held, names = packed_by(module)

    assert (None if held is None else held.numbers) == numbers
    assert names == (frozenset() if numbers is None else {"weight"})
    # the scale is counted where the weights are
    assert held is None or held.bytes == 24 * module.weight.element_size() + 6 * 4
