"""Networks whose multiply-accumulates and parameters are known exactly.

Each is a case that some counter in use gets wrong; where it was reported stands in its comment.
The tests count them, and the scoreboard has other counters count them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Function(nn.Module):
    """A module around one function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


class ConvAndLinear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 10, 1)
        self.fc = nn.Linear(1000, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).flatten(1))


def shared_linear() -> nn.Module:
    linear = nn.Linear(10, 10)
    return nn.Sequential(nn.Sequential(linear), nn.Sequential(linear))


class CalledTwice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(1000, 1000)
        self.child = nn.Sequential(self.inner)

    def forward(self, x: Tensor) -> Tensor:
        return self.child(self.inner(x))


class RootParameter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(10, 9))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight)


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Linear(10, 10, bias=False)
        self.unused = nn.Linear(10, 20)
        self.used.bias = nn.Parameter(torch.zeros(10))

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x)


class TwoTied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 16, bias=False), nn.Linear(8, 16, bias=False)
        self.b.weight = self.a.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x) + self.b(x)


class TiedHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(100, 8)
        self.head = nn.Linear(8, 100, bias=False)
        self.head.weight = self.emb.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.emb(tokens))


def convs_of_one_weight() -> nn.Module:
    convs = [nn.Conv2d(3, 3, 3, padding=1, bias=False) for _ in range(4)]
    for conv in convs[1:]:
        conv.weight = convs[0].weight
    return nn.Sequential(*convs)


class Block(nn.Module):
    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.a, self.activation, self.b = nn.Linear(4, 4), activation, nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.activation(self.a(x)))


def blocks_with_one_relu() -> nn.Module:
    relu = nn.ReLU()
    return nn.Sequential(Block(relu), Block(relu), Block(relu))


def weight_normed() -> nn.Module:
    return nn.utils.parametrizations.weight_norm(nn.Linear(10, 10))


class FromDict(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(10, 10)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"out": self.fc(batch["x"])}


class KeywordOnly(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(10, 5)

    def forward(self, *, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.fc(x)


class OddArguments(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(10, 5)

    def forward(self, x: Tensor, nothing: None, scale: int) -> tuple[Tensor, None, str]:
        return self.fc(x) * scale, None, "aux"


class Unreturned(nn.Module):
    """Work that no output depends on is work."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.pooler = nn.Linear(10, 10), nn.Linear(10, 7)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        self.pooler(hidden)
        torch.mm(x, x.t())
        return hidden


def encoder(**options: Any) -> nn.Module:
    layer = nn.TransformerEncoderLayer(512, 4, 512, batch_first=True, **options)
    return nn.TransformerEncoder(layer, 1)


def frozen(model: nn.Module) -> nn.Module:
    return model.requires_grad_(False)


def attention(width: int, heads: int) -> nn.Module:
    return nn.MultiheadAttention(width, heads, batch_first=True)


def variety(a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor, f: Tensor) -> Tensor:
    torch.mm(a, b)
    torch.addmm(torch.zeros(4, 6), a, b)
    torch.matmul(c, d)
    return torch.einsum("ab,bc->ac", e, f)


def filled(*shape: int) -> Tensor:
    return torch.randn(*shape)


@dataclass(frozen=True)
class Case:
    model: Callable[[], nn.Module]
    inputs: tuple[Any, ...]
    macs: int
    parameters: int = 0
    named: dict[str, Any] = field(default_factory=dict)


def of(function: Callable[..., Any]) -> Callable[[], nn.Module]:
    return lambda: Function(function)


CASES = {
    # conv 10*10*10*3 = 3,000; linear 1000*10 = 10,000 (fvcore's own docstring)
    "conv and linear": Case(ConvAndLinear, (filled(1, 3, 10, 10),), 13_000, 10_050),
    # 30*30*12*3*5*5 = 810,000
    "conv without bias": Case(
        lambda: nn.Conv2d(3, 12, 5, padding=1, bias=False), (filled(1, 3, 32, 32),), 810_000, 900
    ),
    "linear as the root": Case(lambda: nn.Linear(10, 11), (filled(1, 10),), 110, 121),  # thop#217
    "shared linear": Case(shared_linear, (filled(1, 10),), 200, 110),  # thop#98
    # 2 calls * 20 rows * 1000*1000 (ptflops#106)
    "called directly and by a child": Case(
        CalledTwice, (filled(1, 20, 1000),), 40_000_000, 1_001_000
    ),
    "linear over a sequence": Case(lambda: nn.Linear(3, 8), (filled(5, 10, 3),), 1_200, 32),
    # 7*26*26*32*(16/4)*3*3 = 5,451,264 (torchinfo groups.out)
    "grouped conv": Case(
        lambda: nn.Conv2d(16, 32, 3, groups=4), (filled(7, 16, 28, 28),), 5_451_264, 1_184
    ),
    # 4*1000*100*100 + 2*1000*1000*100 (thop#197)
    "attention": Case(lambda: attention(100, 1), (filled(1, 1000, 100),) * 3, 240_000_000, 40_400),
    # 4*300*448*448 + 2*300*300*448, whatever the heads (fvcore#153)
    "attention, 4 heads": Case(
        lambda: attention(448, 4), (filled(1, 300, 448),) * 3, 321_484_800, 804_608
    ),
    "attention, 8 heads": Case(
        lambda: attention(448, 8), (filled(1, 300, 448),) * 3, 321_484_800, 804_608
    ),
    "attention without weights": Case(
        lambda: attention(448, 8),
        (filled(1, 300, 448),) * 3,
        321_484_800,
        804_608,
        {"need_weights": False},
    ),
    # 64*(4*512*512 + 2*512*512) + 2*64*64*512 (ptflops#101: frozen counted as nothing)
    "frozen encoder layer": Case(
        lambda: frozen(encoder()), (filled(1, 64, 512),), 104_857_600, 1_577_984
    ),
    # 12*64*64*(64 + 64) = 6,291,456: half of 12,582,912 FLOPs (pytorch#195460)
    "fused attention": Case(
        of(F.scaled_dot_product_attention), (filled(1, 12, 64, 64),) * 3, 6_291_456
    ),
    # 4*8*128*256*(64 + 64) = 134,217,728: half of 268,435,456 FLOPs (pytorch's own test)
    "fused cross-attention": Case(
        of(F.scaled_dot_product_attention),
        (filled(4, 8, 128, 64), filled(4, 8, 256, 64), filled(4, 8, 256, 64)),
        134_217_728,
    ),
    # 4*5*6 + 4*5*6 + 5*6*7 + 6*7*8 = 120 + 120 + 210 + 336; with the linear of 720 it is 3,012/2
    "variety": Case(
        of(variety),
        (filled(4, 5), filled(5, 6), filled(5, 6), filled(6, 7), filled(6, 7), filled(7, 8)),
        786,
    ),
    "baddbmm": Case(  # 3*4*5*6
        of(torch.baddbmm), (filled(3, 4, 6), filled(3, 4, 5), filled(3, 5, 6)), 360
    ),
    "addbmm": Case(of(torch.addbmm), (filled(4, 6), filled(3, 4, 5), filled(3, 5, 6)), 360),
    "broadcast on the left": Case(of(torch.matmul), (filled(4, 5), filled(10, 5, 6)), 1_200),
    "broadcast on the right": Case(of(torch.matmul), (filled(10, 4, 5), filled(5, 6)), 1_200),
    "matrix times vector": Case(of(torch.matmul), (filled(4, 5), filled(5)), 20),
    "vector times matrix": Case(of(torch.matmul), (filled(4), filled(4, 5)), 20),
    "mv": Case(of(torch.mv), (filled(4, 5), filled(5)), 20),
    "dot": Case(of(torch.dot), (filled(5), filled(5)), 5),
    "mv and dot": Case(
        of(lambda m, v: torch.dot(v, v) + torch.mv(m, v).sum()), (filled(4, 5), filled(5)), 25
    ),
    "addmv": Case(of(torch.addmv), (filled(4), filled(4, 5), filled(5)), 20),
    "inner": Case(of(torch.inner), (filled(3, 5), filled(2, 5)), 30),
    "tensordot": Case(  # out (3, 6) over 4*5
        of(lambda a, b: torch.tensordot(a, b, dims=([1, 2], [0, 1]))),
        (filled(3, 4, 5), filled(4, 5, 6)),
        360,
    ),
    "multi_dot": Case(  # cheapest: a (b c): 10*20*3... = 20*30*4 + 10*20*4
        of(lambda a, b, c: torch.linalg.multi_dot([a, b, c])),
        (filled(10, 20), filled(20, 30), filled(30, 4)),
        3_200,
    ),
    "einsum of attention": Case(  # 2*4*16*16*8; numpy's path prints 4 digits only
        of(lambda q, k: torch.einsum("bhqd,bhkd->bhqk", q, k)), (filled(2, 4, 16, 8),) * 2, 16_384
    ),
    "einsum with an ellipsis": Case(
        of(lambda a, b: torch.einsum("...ij,...jk->...ik", a, b)),
        (filled(2, 3, 4, 5), filled(2, 3, 5, 6)),
        720,
    ),
    "einsum of three": Case(  # (ij,jk) 4*5*6, then (ik,kl) 4*6*7
        of(lambda a, b, c: torch.einsum("ij,jk,kl->il", a, b, c)),
        (filled(4, 5), filled(5, 6), filled(6, 7)),
        288,
    ),
    "einsum without a result": Case(
        of(lambda a, b: torch.einsum("ij,jk", a, b)), (filled(4, 5), filled(5, 6)), 120
    ),
    "bilinear": Case(  # 7 rows * 3 outputs * 4 * (5 + 1)
        lambda: nn.Bilinear(4, 5, 3), (filled(7, 4), filled(7, 5)), 504, 63
    ),
    "parameter at the root": Case(RootParameter, (filled(8, 9),), 720, 90),
    # 2*5*5*6*3*4*4 = 14,400: half of 28,800 FLOPs (pytorch's own test)
    "functional conv": Case(
        of(lambda x, w: F.conv2d(x, w, padding=1)), (filled(2, 3, 6, 6), filled(6, 3, 4, 4)), 14_400
    ),
    # 8*8*8*3*3*3 = 13,824: fvcore alone says 0
    "padding by word": Case(
        lambda: nn.Conv2d(3, 8, 3, padding="same", dilation=2, bias=False),
        (filled(1, 3, 8, 8),),
        13_824,
        216,
    ),
    "valid padding by word": Case(
        lambda: nn.Conv1d(3, 8, 3, padding="valid"), (filled(1, 3, 8),), 432, 80
    ),
    "conv 1-D, causal": Case(lambda: nn.Conv1d(4, 6, 2), (filled(2, 4, 9),), 768, 54),
    "conv 3-D": Case(lambda: nn.Conv3d(2, 3, 3), (filled(1, 2, 5, 5, 5),), 4_374, 165),
    # input positions times weights: 224*224*3*2*3*3 (ptflops test_conv_t)
    "transposed conv": Case(
        lambda: nn.ConvTranspose2d(3, 2, 3, stride=2, bias=False),
        (filled(1, 3, 224, 224),),
        2_709_504,
        54,
    ),
    "transposed conv 1-D": Case(
        lambda: nn.ConvTranspose1d(4, 6, 4, 2), (filled(1, 4, 9),), 864, 102
    ),
    "unbatched conv": Case(lambda: nn.Conv2d(3, 2, 3), (filled(3, 8, 8),), 1_944, 56),
    # 5*3*4*20*(10 + 20)
    "lstm": Case(lambda: nn.LSTM(10, 20), (filled(5, 3, 10),), 36_000, 2_560),
    # 15 * 2 * 4*20*((10 + 20) + (40 + 20))
    "lstm, two layers, both ways": Case(
        lambda: nn.LSTM(10, 20, 2, bidirectional=True), (filled(5, 3, 10),), 216_000, 15_040
    ),
    "gru": Case(lambda: nn.GRU(10, 20), (filled(5, 3, 10),), 27_000, 1_920),
    "rnn": Case(lambda: nn.RNN(10, 20), (filled(5, 3, 10),), 9_000, 640),
    "lstm cell": Case(lambda: nn.LSTMCell(10, 20), (filled(3, 10),), 7_200, 2_560),
    "gru cell": Case(lambda: nn.GRUCell(10, 20), (filled(3, 10),), 5_400, 1_920),
    "rnn cell": Case(lambda: nn.RNNCell(10, 20), (filled(3, 10),), 1_800, 640),
    "embedding": Case(lambda: nn.Embedding(100, 8), (torch.zeros(2, 4, dtype=torch.long),), 0, 800),
    "unused layer": Case(Unused, (filled(1, 10),), 100, 330),
    "tied linears": Case(TwoTied, (filled(4, 8),), 1_024, 128),
    "tied head": Case(TiedHead, (torch.zeros(1, 4, dtype=torch.long),), 3_200, 800),
    # 4 * 10*10*3*3*3*3 = 32,400
    "convs of one weight": Case(convs_of_one_weight, (filled(1, 3, 10, 10),), 32_400, 81),
    "one relu in three blocks": Case(blocks_with_one_relu, (filled(1, 4),), 96, 120),
    "weight norm": Case(weight_normed, (filled(2, 10),), 200, 120),
    "dictionary": Case(FromDict, ({"x": filled(1, 10)},), 100, 110),
    "keywords only": Case(KeywordOnly, (), 50, 55, {"x": filled(1, 10)}),
    "none, an integer, a word": Case(OddArguments, (filled(1, 10), None, 2), 50, 55),
    # 2*10*10 + 2*10*7 + 2*10*2: the tracer drops what is not returned
    "work that is not returned": Case(Unreturned, (filled(2, 10),), 380, 187),
    "grouped product": Case(
        of(lambda a, b: torch._grouped_mm(a, b, torch.tensor([4, 6], dtype=torch.int32))),
        (filled(6, 16).bfloat16(), filled(2, 16, 8).bfloat16()),
        768,
    ),
    # columns of one and rows of the other in two groups: each group is a product of its own
    "grouped product, of columns": Case(
        of(lambda a, b: torch._grouped_mm(a, b, torch.tensor([8, 16], dtype=torch.int32))),
        (filled(8, 16).bfloat16(), filled(16, 24).bfloat16()),
        8 * 16 * 24,
    ),
}
