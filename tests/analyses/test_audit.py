"""Other counters on small networks: their figures, and the arithmetic of every difference."""

from __future__ import annotations

import copy
import importlib.util
import io
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from archscope.analyses.audit.analysis import run
from archscope.analyses.audit.rows import UNEXPLAINED, DifferenceRow, ToolRow
from archscope.counting import isolated_run
from archscope.counting.others import (
    Figures,
    Tool,
    Unfit,
    _ptflops_rules,
    calflops,
    own,
    positional,
    thop,
    torchinfo,
)
from archscope.counting.others import (
    tools as other_tools,
)
from archscope.errors import ForwardError, UsageError
from archscope.results import Section
from archscope.subject import Inputs, Repeat, Subject

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def needs(package: str) -> Any:
    return pytest.mark.skipif(
        importlib.util.find_spec(package) is None,
        reason=f"{package} is not installed: pip install {package}",
    )


def audited(model: nn.Module, *args: Any, **kwargs: Any) -> tuple[Section, Section]:
    inputs = Inputs(args=args, kwargs=kwargs)
    tools, differences = run(Subject(name="m", model=model, inputs=inputs, origin="memory"))
    return tools, differences


def row(tools: Section, name: str) -> ToolRow:
    return next(each for each in tools.rows if each.tool == name)


def reasons(differences: Section, tool: str, quantity: str = "macs") -> dict[str, int]:
    rows: tuple[DifferenceRow, ...] = differences.rows
    return {r.reason: r.amount for r in rows if (r.tool, r.quantity) == (tool, quantity)}


class Attention(nn.Module):
    """B items, S positions, width D, one head: fused attention between two layers."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.table = nn.Embedding(10, width)
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.head = nn.Linear(width, 10, bias=False)
        self.head.weight = self.table.weight

    def forward(self, ids: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(self.table(ids))).chunk(3, -1)
        return self.head(functional.scaled_dot_product_attention(q, k, v))


B, S, D = 2, 6, 4
IDS = torch.zeros(B, S, dtype=torch.int64)
FUSED = B * 2 * S * S * D
LINEAR = B * S * (3 * D * D + 10 * D)
TABLE, REST = 10 * D, 2 * D + 3 * D * D + 3 * D


def test_our_row_comes_first_and_is_exact() -> None:
    tools, _ = audited(Attention(), IDS)

    ours = tools.rows[0]
    assert ours.tool == "archscope"
    assert ours.params == tools.totals.our_params == TABLE + REST
    assert ours.macs == tools.totals.our_macs == LINEAR + FUSED
    assert ours.macs_ratio == 1.0
    assert [r.tool for r in tools.rows[1:]] == [tool.name for tool in other_tools()]


def test_fvcore_misses_fused_attention_and_adds_norms() -> None:
    tools, differences = audited(Attention(), IDS)

    assert row(tools, "fvcore").macs == LINEAR + 5 * B * S * D  # five for each element of a norm
    assert reasons(differences, "fvcore") == {
        "fused attention is not counted (aten::scaled_dot_product_attention)": -FUSED,
        "layer_norm is added as work": 5 * B * S * D,
    }
    assert reasons(differences, "fvcore", "params") == {}


class Hidden(nn.Module):
    """Runs its layer in a way that a trace shows none or a part of."""

    def __init__(self, function: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self._function = nn.Linear(8, 8, bias=False), function

    def forward(self, x: Tensor) -> Tensor:
        return self._function(self.layer, x)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (
            lambda layer, x: torch.jit.wait(torch.jit.fork(layer, x)),
            "it has a rule for aten::mm, and did not see it run",
        ),
        (
            lambda layer, x: torch.func.jvp(layer, (x,), (x,))[1],
            "torch's tracer does not show what torch.func runs",
        ),
        (
            lambda layer, x: x @ layer.weight.expand(5, 8, 8),
            "of a batch of matrices that one other is multiplied by, one is counted",
        ),
    ],
    ids=["fork", "a derivative forwards", "batches"],
)
def test_fvcore_counts_what_a_trace_shows(
    function: Callable[[nn.Module, Tensor], Tensor], reason: str
) -> None:
    tools, differences = audited(Hidden(function), torch.zeros(2, 8))

    lacking = row(tools, "fvcore").macs - tools.totals.our_macs
    assert reasons(differences, "fvcore") == {reason: lacking}
    assert lacking < 0
    assert tools.totals.unexplained == 0


def test_fvcore_drops_a_layer_whose_result_is_not_returned() -> None:
    class Unread(nn.Sequential):
        def forward(self, x: Tensor) -> Any:
            return self[0](x), [self[1](x)][1:]

    _, differences = audited(Unread(nn.Linear(8, 8), nn.Linear(8, 3)), torch.zeros(2, 8))

    assert reasons(differences, "fvcore") == {
        "it has a rule for aten::addmm, and did not see it run": -2 * 8 * 3
    }


def test_fvcore_adds_work_of_an_einsum_that_sums_over_nothing() -> None:
    class Outer(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return torch.einsum("bi,bj->bij", x, super().forward(x))

    tools, differences = audited(Outer(4, 6, bias=False), torch.zeros(3, 4))

    assert row(tools, "fvcore").macs == 3 * 4 * 6 + 3 * 4 * 6 // 2  # half an operation a product
    reason = "einsum over nothing, element by element, is added as work"
    assert reasons(differences, "fvcore") == {reason: 3 * 4 * 6 // 2}


@pytest.mark.parametrize("name", ["fvcore", "FlopCounterMode"])
def test_counters_take_a_complex_product_for_a_real_one(name: str) -> None:
    class Spectral(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return torch.einsum("bix,io->box", torch.fft.rfft(x), self.weight + 0j).real

    _, differences = audited(Spectral(4, 4, bias=False), torch.zeros(3, 4, 8))

    reason = "a product of complex numbers is counted as one of real ones, not as four"
    assert reasons(differences, name) == {reason: -3 * 3 * 4 * 4 * 5}  # 8 samples: 5 frequencies


def test_torchs_counter_is_halved_and_lacks_what_it_has_no_formula_for() -> None:
    model = nn.Sequential(nn.LSTM(3, 5))

    tools, differences = audited(model, torch.zeros(7, 2, 3))

    theirs = row(tools, "FlopCounterMode")
    assert theirs.params is None
    lstm = 7 * 2 * 4 * 5 * (3 + 5)  # four gates, input and state, for each of 14 rows
    assert row(tools, "archscope").macs == lstm
    assert theirs.macs == 0
    (reason,) = reasons(differences, "FlopCounterMode")
    assert "rnn" in reason or "lstm" in reason
    assert reasons(differences, "fvcore") == {"it does not know aten::lstm": -lstm}


@needs("torchinfo")
def test_torchinfo_ignores_the_sequence_and_counts_tied_weights_twice() -> None:
    tools, differences = audited(Attention(), IDS)

    assert row(tools, "torchinfo").params == 2 * TABLE + REST
    assert reasons(differences, "torchinfo", "params") == {
        "tied weights are counted once for each holder": TABLE
    }
    found = reasons(differences, "torchinfo")
    sequence = next(n for reason, n in found.items() if "sequence length is ignored" in reason)
    assert sequence == (B - B * S) * (3 * D * D + 10 * D)  # B rows, not B * S
    assert found["biases are added"] == B * 3 * D
    assert found["Embedding: the lookup is counted as a product"] == B * TABLE
    assert found["LayerNorm is added as work"] == B * 2 * D
    assert found["fused attention is not counted (scaled_dot_product_attention)"] == -FUSED


@needs("thop")
def test_thop_has_no_rule_for_tables() -> None:
    tools, differences = audited(Attention(), IDS)

    assert row(tools, "thop").params == TABLE + REST  # without the table, with the tied head
    assert reasons(differences, "thop", "params") == {}
    assert reasons(differences, "thop")["LayerNorm is added as work"] == 4 * B * S * D


@needs("ptflops")
def test_ptflops_counts_one_item_and_frozen_weights_as_zero() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.MaxPool2d(2))
    model[0].requires_grad_(False)

    tools, differences = audited(model, torch.zeros(4, 3, 6, 6))

    assert row(tools, "ptflops").params == 0
    assert reasons(differences, "ptflops", "params") == {
        "frozen parameters are counted as zero": -8
    }
    found = reasons(differences, "ptflops")
    relu, pool = 4 * 2 * 36, 4 * 2 * 36  # what one writes, what the other reads
    convolution = 4 * 36 * (6 + 2)
    assert found == {
        "biases are added": 4 * 36 * 2,
        "ReLU is added as work": relu,
        "MaxPool2d is added as work": pool,
        "one item of the batch is counted, not all: its sum over modules is divided by 4, the "
        "first size of the input": -(convolution + relu + pool) * 3 // 4,
        "relu in ReLU, a second time, is added as work": relu,
        "max_pool2d in MaxPool2d, a second time, is added as work": pool,
    }


@needs("calflops")
def test_calflops_counts_frozen_weights_as_zero() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)

    _, differences = audited(model, torch.zeros(4, 3))

    assert reasons(differences, "calflops", "params") == {
        "frozen parameters are counted as zero": -8
    }
    assert reasons(differences, "calflops") == {}


class Looks(nn.Module):
    """nn.MultiheadAttention of 3 items, 6 queries, 6 keys and 2 more, width 8, 2 heads."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.MultiheadAttention(8, 2, batch_first=True, add_bias_kv=True, add_zero_attn=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x, x, x, need_weights=False)[0]


# What the tools' own formulas add up for one call, read in their sources; an empty reason is the
# products themselves.
FORMULAS = {
    # 14 rows; gates of 5 units: weights 4*5*(3+5), biases 2*4*5, 10 more for each unit
    "ptflops LSTM": (
        nn.LSTM(3, 5, batch_first=True),
        (2, 7, 3),
        {"": 14 * 160, "biases are added": 14 * 40, "elementwise work in LSTM is added": 14 * 50},
    ),
    # 4 for the gates, 4 for the state
    "thop LSTM": (
        nn.LSTM(3, 5),
        (7, 2, 3),
        {"": 14 * 160, "biases are added": 14 * 40, "elementwise work in LSTM is added": 14 * 40},
    ),
    # both directions of two layers: 3*5*(3+5) and 3*5*(10+5) weights, 3*2*5 biases, 3+4 more
    "thop GRU": (
        nn.GRU(3, 5, 2, bidirectional=True),
        (7, 2, 3),
        {
            "": 14 * 2 * (120 + 225),
            "biases are added": 14 * 4 * 30,
            "elementwise work in GRU is added": 14 * 4 * 35,
        },
    ),
    "ptflops RNNCell": (
        nn.RNNCell(3, 5),
        (2, 3),
        {"": 2 * 40, "biases are added": 2 * 10, "elementwise work in RNNCell is added": 2 * 5},
    ),
    # 4 items of 5 places in, 11 out; 3 filters of 3 for each of 2 channels
    "ptflops ConvTranspose1d": (
        nn.ConvTranspose1d(2, 3, 3, stride=2),
        (4, 2, 5),
        {"": 4 * 5 * 18, "biases are added": 4 * 11 * 3},
    ),
    "calflops ConvTranspose1d": (
        nn.ConvTranspose1d(4, 8, 3, groups=2),
        (1, 4, 5),
        {
            "": 5 * 4 * 3 * 4,
            "ConvTranspose1d: the channels of its output are divided by the groups twice": -120,
        },
    ),
    "torchinfo Bilinear": (
        nn.Bilinear(4, 5, 6),
        (3, 4),
        {
            "": 3 * (6 * 5 * 4 + 6 * 4),
            "Bilinear: its second product is not counted": -3 * 6 * 4,
            "biases are added": 3 * 6,
        },
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_formulas_of_other_counters_term_by_term(name: str) -> None:
    tool, _, kind = name.partition(" ")
    rules = {
        "ptflops": _ptflops_rules.RULES,
        "thop": thop.RULES,
        "calflops": calflops.RULES,
        "torchinfo": torchinfo.RULES,
    }[tool]
    module, shape, expected = FORMULAS[name]
    x, second = torch.zeros(shape), [torch.zeros(3, 5)] if kind == "Bilinear" else []

    output = module(x, *second)

    assert dict(rules[kind](module, (x, *second), output)) == expected


def test_ptflops_formula_of_attention() -> None:
    model, x = Looks(), torch.zeros(3, 6, 8)

    terms = _ptflops_rules.RULES["MultiheadAttention"](model.a, (x, x, x), None)

    # 4 projections of 8*8; scores and values of 6 queries and 8 keys, of which it sees 6
    assert terms[""] == 3 * (6 * 4 * 64 + 2 * 6 * 8 * 8)
    assert terms["added keys and values (add_bias_kv, add_zero_attn) are not counted"] == -3 * 192
    assert terms["keys and values are taken to be as wide as their inputs"] == 0
    assert terms["biases are added"] == 3 * 4 * 6 * 8
    assert terms["the scaling of queries is added"] == 3 * 6 * 8
    assert terms["softmax of attention is added as work"] == 3 * 2 * 6 * 6


MODELS: dict[str, tuple[nn.Module, tuple[Any, ...]]] = {
    "attention": (Attention(), (IDS,)),
    "fused encoder": (
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).requires_grad_(False).eval(),
        (torch.zeros(2, 5, 8),),
    ),
    "convolutions": (
        nn.Sequential(
            nn.Conv2d(2, 4, 3, padding="same"), nn.BatchNorm2d(4), nn.GELU(), nn.Flatten()
        ),
        (torch.zeros(2, 2, 6, 6),),
    ),
    "transposed": (nn.ConvTranspose1d(2, 3, 3, stride=2), (torch.zeros(2, 2, 5),)),
    "attention of modules": (Looks(), (torch.zeros(3, 6, 8),)),
    "two by two": (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), (torch.zeros(3, 4, 5, 5),)),
    "cells": (nn.Sequential(nn.GRUCell(3, 4)), (torch.zeros(5, 3),)),
    "recurrent": (nn.Sequential(nn.GRU(3, 4, 2, bidirectional=True)), (torch.zeros(5, 2, 3),)),
    "no weights": (nn.ReLU(), (torch.zeros(2, 3),)),
}


@pytest.mark.parametrize("name", MODELS)
def test_what_explains_a_difference_adds_up_to_it(name: str) -> None:
    model, args = MODELS[name]

    tools, differences = audited(model, *args)

    for tool in tools.rows[1:]:
        if tool.counted:
            macs = sum(reasons(differences, tool.tool).values())
            assert macs == tool.macs - tools.totals.our_macs, tool.tool
            assert UNEXPLAINED not in reasons(differences, tool.tool), tool.tool
            if tool.params is not None:
                params = sum(reasons(differences, tool.tool, "params").values())
                assert params == tool.params - tools.totals.our_params, tool.tool
        else:
            assert tool.state


def test_totals_say_how_many_agree() -> None:
    tools, differences = audited(nn.Linear(3, 4, bias=False), torch.zeros(2, 3))

    counted = [r.tool for r in tools.rows[1:] if r.counted]
    different = {r.tool for r in differences.rows}
    assert tools.totals.counters == len(counted)
    assert tools.totals.agreeing == len(set(counted) - different)
    assert {"fvcore", "FlopCounterMode"} <= set(counted) - different
    assert [n.text for n in tools.notes if n.level == "ok"][:2] == [
        "fvcore agrees",
        "FlopCounterMode agrees",
    ]


def _rows(work: dict[str, int], model: nn.Module, *args: Any, monkeypatch: Any) -> dict[str, int]:
    """Return the reasons for the figures of a counter that is made up."""

    def count(model: nn.Module, inputs: Inputs) -> Figures:
        modules = {path: {"": macs} for path, macs in work.items()}
        return Figures(params=None, macs=sum(work.values()), modules=modules)

    tool = Tool(name="other", package="torch", convention="MACs", count=count)
    monkeypatch.setattr("archscope.analyses.audit.sections.tools", lambda: (tool,))
    return reasons(audited(model, *args)[1], "other")


class Calls(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(5, 5)
        self.again = self.a

    def forward(self, x: Tensor) -> Tensor:
        return self.a(self.again(x).tanh())


class Tied(nn.Module):
    """Turns back by the weight that it came by, and once more at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.code = nn.Linear(8, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(torch.relu(self.code(x)) @ self.code.weight, self.code.weight)


class Parametrized(nn.Module):
    """Two layers with one weight, which one module works out."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)
        worked_out = nn.Linear(8, 8)
        parametrize.register_parametrization(self.a, "weight", worked_out)
        parametrize.register_parametrization(self.b, "weight", worked_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.a(x))


class Trains(nn.Module):
    """Takes a step on its input before it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            torch.autograd.backward(self.layer(x).pow(2).sum())
        return self.layer(x)


@pytest.mark.parametrize("name", ["fvcore", "FlopCounterMode"])
@pytest.mark.parametrize("model", [Tied(), Parametrized(), Trains()])
def test_the_same_work_in_another_place_is_no_difference(model: nn.Module, name: str) -> None:
    tools, differences = audited(model, torch.zeros(2, 8))

    # fvcore sees nothing of a backward
    assert row(tools, name).macs == tools.totals.our_macs or isinstance(model, Trains)
    lacking = row(tools, name).macs - tools.totals.our_macs
    assert sum(reasons(differences, name).values()) == lacking
    assert bool(reasons(differences, name)) == bool(lacking)
    assert tools.totals.unexplained == 0


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        ({"a": 300}, {}),  # as we do: 2 calls of 6 rows that meet 5 * 5 weights
        ({"a": 150}, {"modules that run several times are counted once": -150}),
        (
            {"a": 180},
            {"modules that run several times are counted once": -150, "biases are added": 30},
        ),
        ({"a": 600}, {"Linear: its weights are counted several times over": 300}),
        ({"a": 300, "again": 300}, {"modules under a second name are counted again": 300}),
        ({"a": 301}, {UNEXPLAINED: 1}),
        ({}, {"Linear is not counted: there is no rule for it": -300}),
        ({"": 300}, {}),  # counted one level up: nothing is missing in all
        ({"a": 300, "nowhere": 7}, {UNEXPLAINED: 7}),
    ],
)
def test_each_kind_of_difference(
    work: dict[str, int], expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _rows(work, Calls(), torch.zeros(6, 5), monkeypatch=monkeypatch)

    assert found == expected


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        # its formula holds our 300, and 40 more
        ({"terms": {"a": {"": 300, "b": 40}}, "modules": {"a": {"": 340}}}, {"b": 40}),
        # a formula that holds other products, or another sum, explains nothing
        ({"terms": {"a": {"": 299, "b": 2}}, "modules": {"a": {"": 301}}}, {UNEXPLAINED: 1}),
        ({"terms": {"a": {"": 300, "b": 2}}, "modules": {"a": {"": 301}}}, {UNEXPLAINED: 1}),
        ({"taken_off": {"halved": 150}, "modules": {"a": {"": 300}}}, {"halved": -150}),
        (
            {"closed": ("",), "modules": {"": {"": 7}}},
            {"Linear in a module that has a rule of its own is left out": -300, UNEXPLAINED: 7},
        ),
    ],
)
def test_what_a_counter_tells_of_its_own_arithmetic(
    figures: dict[str, Any], expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = sum(sum(work.values()) for work in figures["modules"].values())
    macs = counted - sum(figures.get("taken_off", {}).values())

    def count(model: nn.Module, inputs: Inputs) -> Figures:
        return Figures(params=None, macs=macs, **figures)

    tool = Tool(name="other", package="torch", convention="MACs", count=count)
    monkeypatch.setattr("archscope.analyses.audit.sections.tools", lambda: (tool,))

    assert reasons(audited(Calls(), torch.zeros(6, 5))[1], "other") == expected


@pytest.mark.parametrize(
    ("outside", "expected"),
    [
        # 6 rows that meet 5 * 5 weights, by a function of its own
        (150, {}),
        (150 + 30, {"aten::tanh is added as work": 30}),
        (150 + 7, {UNEXPLAINED: 7}),
        (1000, {UNEXPLAINED: 1000, "Own is not counted: there is no rule for it": -150}),
    ],
)
def test_work_that_was_counted_outside_of_modules(
    outside: int, expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(5, 5))

        def forward(self, x: Tensor) -> Tensor:
            return (x @ self.weight).tanh()

    def count(model: nn.Module, inputs: Inputs) -> Figures:
        return Figures(params=None, macs=outside)

    tool = Tool(name="other", package="torch", convention="MACs", count=count)
    monkeypatch.setattr("archscope.analyses.audit.sections.tools", lambda: (tool,))

    assert reasons(audited(Own(), torch.zeros(6, 5))[1], "other") == expected


def test_counters_leave_everything_as_found() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten())
    model.train()
    before = copy.deepcopy(model.state_dict())
    keys = [list(vars(module)) for module in model.modules()]
    names = {name: value for name, value in vars(functional).items() if callable(value)}
    top = {name: value for name, value in vars(torch).items() if callable(value)}
    methods = dict(vars(Tensor))
    images, output = torch.randn(2, 2, 6, 6), io.StringIO()
    state = torch.get_rng_state()

    with redirect_stdout(output):
        audited(model, images)

    assert output.getvalue() == ""
    assert all(module.training for module in model.modules())
    assert [list(vars(module)) for module in model.modules()] == keys
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert model.state_dict().keys() == before.keys()
    assert all(vars(functional)[name] is value for name, value in names.items())
    assert all(vars(torch)[name] is value for name, value in top.items())
    assert dict(vars(Tensor)) == methods
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("tool", other_tools(), ids=lambda tool: tool.name)
def test_a_counter_that_raises_half_way_leaves_torch_as_found(tool: Tool) -> None:
    class Fails(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            raise ValueError(f"never {self.first(x).sum()}")

    model = Fails()
    relu, matmul = functional.relu, Tensor.matmul

    outcome = isolated_run.run(tool, model, Inputs(args=(torch.zeros(1, 2),)))

    assert outcome.figures is None
    assert outcome.reason
    assert functional.relu is relu
    assert Tensor.matmul is matmul
    assert not model.first._forward_hooks
    assert functional.relu(torch.tensor(-1.0)) == 0
    if outcome.version is not None and tool.name != "ptflops":  # it hides what was raised
        assert "ValueError" in outcome.reason


class Ragged(nn.Module):
    """Attention of two sequences of several lengths."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        both = torch.nested.nested_tensor([a, b], layout=torch.jagged)
        q = both.unflatten(-1, [2, 8]).transpose(1, 2)
        return functional.scaled_dot_product_attention(q, q, q).values()


def test_attention_of_nested_tensors_is_audited() -> None:
    tools, _ = audited(Ragged(), torch.ones(3, 16), torch.ones(5, 16))

    assert row(tools, "archscope").macs == 2 * (3 * 3 + 5 * 5) * 16  # scores and values, all heads


class Compiles(nn.Module):
    """Compiles a part when it runs, as torch's own `flex_attention` does; chooses by a value."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        made = torch.compile(self.fc)(x)
        return torch.cond(x.sum() > 0, torch.sin, torch.cos, (made,))


def test_other_counters_compile_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("compiled")

    monkeypatch.setattr(torch, "compile", refuse)
    tools, _ = audited(Compiles(), torch.ones(2, 8))

    assert row(tools, "FlopCounterMode").macs == row(tools, "archscope").macs == 2 * 8 * 4


def test_a_counter_that_is_not_installed_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def count(model: nn.Module, inputs: Inputs) -> Figures:
        raise AssertionError("it is not there to be called")

    tool = Tool(name="x", package="no_such_counter", convention="", count=count)

    outcome = isolated_run.run(tool, nn.ReLU(), Inputs(args=(torch.zeros(1),)))

    assert outcome.version is None
    assert outcome.reason == "not installed: pip install no_such_counter"


def test_keyword_inputs_become_positional_where_they_can() -> None:
    class Net(nn.Module):
        def forward(self, a: Tensor, b: Tensor | None = None, *, c: int = 0) -> Tensor:
            return a

    x = torch.zeros(1)
    assert positional(Net(), Inputs(args=(x,), kwargs={"b": x}), "t") == (x, x)
    assert positional(Net(), Inputs(kwargs={"a": x}), "t") == (x,)
    with pytest.raises(Unfit, match="t takes no keyword arguments, and c is one"):
        positional(Net(), Inputs(args=(x,), kwargs={"c": 1}), "t")


def test_own_work_is_what_submodules_do_not_do() -> None:
    inclusive = {"": {"mm": 10}, "a": {"mm": 7}, "a.b": {"mm": 7}, "c.d": {"mm": 1}}

    assert own(inclusive) == {"": {"mm": 2}, "a": {}, "a.b": {"mm": 7}, "c.d": {"mm": 1}}


def test_a_large_network_is_counted_on_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    with torch.device("meta"):
        model = nn.Linear(4, 4)
        inputs = Inputs(args=(torch.zeros(2, 4),))
    subject = Subject(name="m", model=model, inputs=inputs, origin="memory")

    def real() -> Subject:
        built.append("real")
        inputs = Inputs(args=(torch.zeros(2, 4),))
        return Subject(name="m", model=nn.Linear(4, 4), inputs=inputs, origin="memory")

    small = run(subject, real=real)[0]
    monkeypatch.setattr("archscope.analyses.audit.sections._MACS", 31)  # it does 2 * 4 * 4
    large = run(subject, real=real)[0]

    assert built == ["real"]
    assert small.device == "cpu"
    assert large.device == "meta"
    assert row(large, "FlopCounterMode").macs == row(small, "FlopCounterMode").macs == 32
    assert any("shapes alone" in note.text for note in large.notes)


def test_what_cannot_be_audited_says_so() -> None:
    folded = Repeat(path="0", copies=("0", "1"))
    inputs = Inputs(args=(torch.zeros(1, 2),))
    subject = Subject(
        name="m", model=nn.Linear(2, 2), inputs=inputs, origin="memory", repeats=(folded,)
    )
    with pytest.raises(UsageError, match="cannot be audited"):
        run(subject)
    with pytest.raises(ForwardError, match="nothing to compare"):
        audited(nn.Linear(3, 2), torch.zeros(1, 2))


def test_every_tool_is_named_once() -> None:
    assert len({tool.name for tool in other_tools()}) == len(other_tools())
