"""Work goes to the module that runs, in both engines, and to a holder elsewhere only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from archscope.library import params


class Net(nn.Module):
    """Holds some modules and weights, and runs a function on them."""

    def __init__(self, forward: Callable[..., Any], **held: Any) -> None:
        super().__init__()
        for name, value in held.items():
            setattr(self, name, value)
        self._run = forward

    def forward(self, *inputs: Any) -> Any:
        return self._run(self, *inputs)


def linear(inputs: int = 8, outputs: int = 8, **given: Any) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False, **given)


def weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.rand(shape))


def hooked() -> nn.Linear:
    """A layer that a hook gives half of its features."""
    layer = linear(4, 8)
    layer.register_forward_pre_hook(lambda module, args: (args[0][:, :4],))
    return layer


def replaced() -> nn.Linear:
    layer = linear()
    layer.register_forward_hook(lambda module, args, output: output[:, :2])
    return layer


def tied(one: nn.Linear, other: nn.Embedding) -> nn.Linear:
    one.weight = other.weight
    return one


class Functional(nn.Module):
    """Holds its projection in a child that it never calls."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = linear(8, 24)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.qkv.weight)


class Product(nn.Module):
    """A product without weights of its own."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a @ b


X = torch.zeros(3, 8)
EMBEDDING = nn.Embedding(10, 8)
CASES: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...], dict[str, int]]] = {
    # 3 * 10 rows, each 8 * 8
    "expanded query": (
        lambda: Net(
            lambda m, x: m.proj(m.query.expand(3, -1, -1)), query=weight(1, 10, 8), proj=linear()
        ),
        (X,),
        {"proj": 30 * 64, "": 0},
    ),
    # 5 rows of 8 * 8, whatever was done to the query on its way
    "moved and cast query": (
        lambda: Net(
            lambda m, x: m.proj(m.query.t().contiguous().double().float().clone()),
            query=weight(8, 5),
            proj=linear(),
        ),
        (X,),
        {"proj": 5 * 64, "": 0},
    ),
    # the positions, 6 rows of 8 * 8, cut out of a buffer of 10
    "positions in a buffer": (
        lambda: Net(lambda m, x: m.proj(m.norm.running_mean.repeat(6, 1)), norm=nn.BatchNorm1d(8),
                    proj=linear()),
        (X,),
        {"proj": 6 * 64, "norm": 0},
    ),
    # the table of 10 words times 8 * 4
    "a table as an input": (
        lambda: Net(lambda m, x: m.proj(m.emb.weight), emb=nn.Embedding(10, 8), proj=linear(8, 4)),
        (X,),
        {"proj": 10 * 32, "emb": 0},
    ),
    # 3 rows, once with the head's own name: 3 * 8 * 10
    "a tied head that runs": (
        lambda: Net(
            lambda m, x: m.head(x), emb=EMBEDDING, head=tied(linear(8, 10), EMBEDDING)
        ),
        (X,),
        {"head": 240, "emb": 0},
    ),
    # no head runs: the table's holder has the work
    "a tied head that is a function": (
        lambda: Net(lambda m, x: F.linear(x, m.emb.weight), emb=nn.Embedding(10, 8)),
        (X,),
        {"emb": 240, "": 0},
    ),
    # a query of the parent's meets a projection that its child runs, and another child holds:
    # 4 * 8 * 24
    "a query into a function within": (
        lambda: Net(lambda m, x: m.attn(m.query), query=weight(4, 8), attn=Functional()),
        (X,),
        {"attn.qkv": 4 * 8 * 24, "attn": 0, "": 0},
    ),
    # 3 * 8 * 5 by a child without weights; the parent holds the matrix
    "a product without weights": (
        lambda: Net(lambda m, x: m.mm(x, m.w), w=weight(8, 5), mm=Product()),
        (X,),
        {"": 120, "mm": 0},
    ),
    # the same, but the matrix is a sister's
    "a product with a sister's weight": (
        lambda: Net(lambda m, x: m.mm(x, m.fc.weight), fc=linear(), mm=Product()),
        (X,),
        {"fc": 3 * 64, "mm": 0, "": 0},
    ),
    # 2 batches of 3 x 4 x 5, both operands held by the one that runs
    "two parameters": (
        lambda: Net(lambda m, x: torch.bmm(m.a, m.b), a=weight(2, 3, 4), b=weight(2, 4, 5)),
        (X,),
        {"": 120},
    ),
    # a vector that the running module holds, times a sister's matrix: 8 * 8
    "a vector": (
        lambda: Net(lambda m, x: m.fc.weight @ m.v, v=weight(8), fc=linear()),
        (X,),
        {"": 64, "fc": 0},
    ),
    # only its bias is its own: the product is of x and the sister's weight
    "a bias alone": (
        lambda: Net(lambda m, x: F.linear(x, m.fc.weight, m.b), b=weight(8), fc=linear()),
        (X,),
        {"fc": 3 * 64, "": 0},
    ),
    # 4 filters of 3 taps over 2 channels at 6 of 8 places
    "a convolution of a parameter": (
        lambda: Net(lambda m, x: m.conv(m.seed), seed=weight(1, 2, 8),
                    conv=nn.Conv1d(2, 4, 3, bias=False)),
        (X,),
        {"conv": 6 * 4 * 2 * 3, "": 0},
    ),
    # B A is 8 * 2 * 8, the merged weight 3 * 8 * 8
    "a merged weight": (
        lambda: Net(
            lambda m, x: F.linear(x, m.w + m.b @ m.a),
            w=weight(8, 8),
            a=weight(2, 8),
            b=weight(8, 2),
        ),
        (X,),
        {"": 128 + 192},
    ),
    # the maker 1 row of 4 * 64; the weight that it makes is nobody's: 3 * 8 * 8 where it runs
    "a weight that a network makes": (
        lambda: Net(
            lambda m, x: F.linear(x, m.maker(m.code).view(8, 8)),
            maker=linear(4, 64),
            code=weight(1, 4),
        ),
        (X,),
        {"maker": 256, "": 192},
    ),
    "weight norm": (
        lambda: Net(lambda m, x: m.fc(x), fc=parametrizations.weight_norm(linear())),
        (X,),
        {"fc": 3 * 64},
    ),
    # W v is 8 * 8 and u . W v is 8: what the hook multiplies is the layer's too
    "old spectral norm": (
        lambda: Net(lambda m, x: m.fc(x), fc=nn.utils.spectral_norm(linear())),
        (X,),
        {"fc": 3 * 64 + 64 + 8},
    ),
    "a pruned layer": (
        lambda: Net(lambda m, x: m.fc(x), fc=prune.l1_unstructured(linear(), "weight", 0.5)),
        (X,),
        {"fc": 3 * 64},
    ),
    # the hook leaves 4 features: 3 * 4 * 8
    "a hook before": (lambda: Net(lambda m, x: m.fc(x), fc=hooked()), (X,), {"fc": 96}),
    # the hook cuts the result, not the work; 3 * 8 * 8, then 3 * 2 * 5
    "a hook after": (
        lambda: Net(lambda m, x: m.end(m.fc(x)), fc=replaced(), end=linear(2, 5)),
        (X,),
        {"fc": 192, "end": 30},
    ),
    # 3 rows, then 1, then none
    "other shapes at each call": (
        lambda: Net(lambda m, x: (m.fc(x), m.fc(x[:1]), m.fc(x[:0])), fc=linear()),
        (X,),
        {"fc": 4 * 64},
    ),
    # its own call is 192; the function borrows its weight for 1 row more
    "called and borrowed": (
        lambda: Net(lambda m, x: (m.fc(x), F.linear(x[:1], m.fc.weight)), fc=linear()),
        (X,),
        {"fc": 4 * 64},
    ),
    # the module that makes filters convolves a learned input: 2 * 2 * 3 * 3 at 4 places
    "a constant by made filters": (
        lambda: Net(
            lambda m, x: m.layer(m.start()),
            start=Net(lambda m: m.w.repeat(1, 1, 1, 1), w=weight(1, 2, 4, 4)),
            layer=Net(lambda m, x: F.conv2d(x, m.w * 2), w=weight(2, 2, 3, 3)),
        ),
        (X,),
        {"layer": 36 * 4, "start": 0},
    ),
    "low precision": (
        lambda: Net(lambda m, x: m.fc(x.bfloat16()), fc=linear(dtype=torch.bfloat16)),
        (X,),
        {"fc": 192},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_work_goes_to_whom_it_belongs(name: str) -> None:
    make, inputs, expected = CASES[name]
    report = params(make(), *inputs, strict=True)
    rows = {row.path: row.own_macs for row in report.section("modules").rows}

    assert {path: rows[path] for path in expected} == expected
    assert report.totals.macs == sum(expected.values())


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kdim": 8, "vdim": 8},
        {"add_bias_kv": True},
        {"add_zero_attn": True},
        {"batch_first": True},
        {"bias": False},
    ],
)
@pytest.mark.parametrize("need_weights", [False, True])
def test_no_variant_of_attention_is_disputed(given: dict[str, Any], need_weights: bool) -> None:
    x = torch.zeros(5, 2, 8)
    model = Net(
        lambda m, x: m.attn(x, x, x, need_weights=need_weights),
        attn=nn.MultiheadAttention(8, 2, **given),
    )
    report = params(model, x, strict=True)

    # q, k, v and the output, 10 rows of 8 * 8 each, and scores and values of 2 batches or 5;
    # one key more of each kind that is added
    batch, length = (5, 2) if given.get("batch_first") else (2, 5)
    keys = length + bool(given.get("add_bias_kv")) + bool(given.get("add_zero_attn"))
    assert report.totals.macs == 4 * 10 * 64 + 2 * batch * length * keys * 8


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_no_packed_sequence_is_disputed(kind: Any) -> None:
    def run(model: Net, x: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, [3, 1], batch_first=True)
        return model.rnn(packed)[0].data

    report = params(Net(run, rnn=kind(4, 6)), torch.rand(2, 3, 4), strict=True)

    # 3 + 1 steps, each gates * 6 * (4 + 6)
    gates = {nn.LSTM: 4, nn.GRU: 3, nn.RNN: 1}[kind]
    assert report.totals.macs == 4 * gates * 6 * 10


def test_a_layer_that_is_mapped_over_is_no_other_than_its_closed_form() -> None:
    model = Net(lambda m, x: torch.vmap(m.fc)(x), fc=linear())
    model(X)  # an older torch imports its compiler here, which multiplies

    report = params(model, X)

    assert report.totals.macs == 192
    assert not any("closed form" in note.text for note in report.notes)


def test_a_layer_that_does_not_run_as_its_type_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        nn.Linear, "forward", lambda self, x: F.linear(x[..., :4], self.weight[:, :4])
    )
    report = params(Net(lambda m, x: m.end(m.fc(x)), fc=linear(), end=nn.Conv1d(3, 3, 1)), X)

    # 3 * 4 * 8 where its type does 3 * 8 * 8; the convolution 8 places of 3 * 3
    rows = {row.path: row for row in report.section("modules").rows}
    assert rows["fc"].own_macs == 96
    assert any("fc did 96" in note.text and "192" in note.text for note in report.notes)
    assert not report.totals.complete
    assert [rows[path].complete for path in ("", "fc", "end")] == [False, False, True]
    assert "≥" in report.to("table")


class Retrying(nn.Module):
    """Catches the error of a layer that its input does not fit, and takes another."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow, self.wide = linear(4, 5), linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        try:
            return self.narrow(x)
        except RuntimeError:
            return self.wide(x)


def test_a_layer_that_failed_is_held_to_no_closed_form() -> None:
    report = params(Retrying(), X, strict=True)

    assert report.totals.macs == 3 * 8 * 5
    assert not any("closed form" in note.text for note in report.notes)


def test_a_layer_that_is_given_one_of_many_is_held_to_no_closed_form() -> None:
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    model = Net(
        lambda m, x: torch.vmap(lambda k: m.attention(x, k, k, need_weights=False)[0])(
            x.expand(2, 3, 8)
        ),
        attention=attention,
    )
    report = params(model, X)

    assert not any("closed form" in note.text for note in report.notes)


class Fused(nn.Module):
    """Two filters that are made one at each call (Ding et al. 2021), as the weight of a third."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 8, 1, bias=False), nn.Conv2d(8, 4, 3, bias=False)
        self.fused = nn.Conv2d(4, 4, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        first, second = (each.weight.detach().clone() for each in (self.first, self.second))
        both = F.conv2d(first.transpose(0, 1), second.flip(2, 3), padding=2)
        self.fused.weight.data = both.flip(2, 3).transpose(0, 1).contiguous()
        found: Tensor = self.fused(x)
        return found


def test_memory_of_a_weight_that_is_replaced_is_not_mistaken_for_the_weight() -> None:
    report = params(nn.Sequential(Fused(), Fused()), torch.zeros(1, 4, 8, 8))

    rows = {row.path: row.own_macs for row in report.section("modules").rows}
    assert [note for note in report.notes if note.level == "warning"] == []
    assert rows["0.second"] == rows["1.second"] == 8 * 4 * 9 * 4 * 9
    assert rows["0.fused"] == rows["1.fused"] == 8 * 8 * 4 * 4 * 9
