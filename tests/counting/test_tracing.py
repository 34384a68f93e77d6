"""What stops torch's tracer, or makes a forward do something else under it, stops no count."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from archscope.counting import fvcore_engine, tracing
from archscope.counting.forward import ForwardCount
from archscope.library import params

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scripting is deprecated

    @torch.jit.script
    def gated(x: Tensor) -> Tensor:
        return torch.relu(x) * torch.sigmoid(x)

    @torch.jit.script
    def branching(x: Tensor) -> Tensor:
        if x.size(0) > 2:
            return torch.relu(x)
        return x

    @torch.jit.script_if_tracing
    def scripted_if_tracing(x: Tensor) -> Tensor:
        return torch.relu(x)

    @torch.jit.script
    def product(x: Tensor, w: Tensor) -> Tensor:
        return x @ w


class Acting(nn.Module):
    """A linear layer of 8 features, used in some way."""

    def __init__(self, act: Callable[[Acting, Tensor], Any], **held: nn.Module) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)
        self.act = act
        for name, module in held.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Any:
        return self.act(self, x)


class Raises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("no")


class WithState(nn.Linear):
    """Keeps in its state what is no tensor."""

    def get_extra_state(self) -> Any:
        return {"version": 1}

    def set_extra_state(self, state: Any) -> None: ...


def catches(self: Any, x: Tensor) -> Tensor:
    try:
        x = self.inner(x)
    except RuntimeError:
        x = x * 2  # of the model itself
    return self.fc(x)


def routes(self: Any, x: Tensor) -> Tensor:
    best = x.topk(2).indices
    chosen = torch.zeros_like(x, dtype=torch.bool).scatter(1, best, True)
    return self.fc(x).masked_fill(~chosen, 0.0)


def marks(self: Any, x: Tensor) -> Tensor:
    mask = x > 0
    mask |= x < -1
    return self.fc(x) * mask


def under_autocast(self: Any, x: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return self.fc(x)


def twice_if_traced(self: Any, x: Tensor) -> Tensor:
    return self.fc(self.fc(x)) if torch.jit.is_tracing() else self.fc(x)


ONCE = 4 * 8 * 8
"""Four rows through a layer of eight by eight."""
KINDS: dict[str, tuple[Callable[[Any, Tensor], Any], int]] = {
    "a size that is rounded": (lambda s, x: s.fc(x)[:, : round(x.shape[1] * 0.5)], ONCE),
    "a size that is cut": (lambda s, x: s.fc(x)[:, : int(x.shape[1] * 0.5)], ONCE),
    "a size that is rounded up": (lambda s, x: s.fc(x)[:, : math.ceil(x.shape[1] / 3)], ONCE),
    "a size as a range": (
        lambda s, x: sum(s.fc(x)[:, i] for i in range(x.shape[1] // 2)),
        4 * ONCE,
    ),
    "a size in NumPy": (lambda s, x: s.fc(x)[:, : int(np.prod(x.shape) // 8)], ONCE),
    "a size as a key": (lambda s, x: s.fc(x) * {4: 1.0, 8: 2.0}[x.shape[0]], ONCE),
    "a size in words": (lambda s, x: (f"{x.shape[0]:d} {x.numel():.1f}", s.fc(x))[1], ONCE),
    "a size under a root": (lambda s, x: s.fc(x) / math.sqrt(x.size(-1)), ONCE),
    "a size of a type": (lambda s, x: s.fc(x) if isinstance(x.shape[0], int) else x, ONCE),
    "a size in a product": (lambda s, x: s.fc(functional.pad(x, (0, -x.shape[1] % 8))), ONCE),
    "a size as a tensor": (lambda s, x: s.fc(x) + torch.tensor(x.shape[0]), ONCE),
    "a size that is checked": (lambda s, x: (torch._check(x.shape[0] == 4), s.fc(x))[1], ONCE),
    "asks whether it is traced": (twice_if_traced, ONCE),
    "a truth value scattered": (routes, ONCE),
    "a mask in place": (marks, ONCE),
    "scripted, elementwise": (lambda s, x: s.fc(gated(x)), ONCE),
    "scripted, with a branch": (lambda s, x: s.fc(branching(x)), ONCE),
    "scripted while tracing": (lambda s, x: s.fc(scripted_if_tracing(x)), ONCE),
    "a checkpoint": (lambda s, x: checkpoint(s.fc, x, use_reentrant=False), ONCE),
    "a reentrant checkpoint": (lambda s, x: checkpoint(s.fc, x, use_reentrant=True), ONCE),
    "vmap": (lambda s, x: torch.func.vmap(s.fc)(x), ONCE),
    "autocast": (under_autocast, ONCE),
    "a dictionary of all kinds": (lambda s, x: {"a": [s.fc(x), None, 3, "x"]}, ONCE),
    "a random length": (lambda s, x: s.fc(x)[:, : np.random.randint(1, 8)], ONCE),
    "a length by torch": (lambda s, x: s.fc(x)[:, : int(torch.randint(1, 8, ()))], ONCE),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore")
def test_both_engines_count(kind: str) -> None:
    act, macs = KINDS[kind]
    model, x = Acting(act), torch.rand(4, 8)
    model(x)  # an older torch imports its compiler here, which multiplies

    report = params(model, x, strict=True)

    assert report.totals.macs == report.totals.flops == macs


def test_a_module_whose_error_is_caught() -> None:
    report = params(Acting(catches, inner=Raises()), torch.rand(4, 8), strict=True)

    assert report.totals.flops == ONCE


def test_state_that_is_no_tensor() -> None:
    assert params(WithState(8, 8), torch.rand(4, 8), strict=True).totals.flops == ONCE


def test_unpooling_checks_its_sizes() -> None:
    class Unpools(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)
            self.pool = nn.MaxPool2d(2, return_indices=True)
            self.unpool = nn.MaxUnpool2d(2)

        def forward(self, x: Tensor) -> Tensor:
            return self.unpool(*self.pool(self.conv(x)))

    # 8 x 8 places of 4 channels, 3 x 3 of 3 channels each
    assert params(Unpools(), torch.rand(1, 3, 8, 8), strict=True).totals.macs == 64 * 4 * 27


@pytest.mark.parametrize("name", ["a/b", "é[red]\x1b", "\ud800", "model"])
def test_names_are_no_scopes(name: str) -> None:
    model = nn.Sequential()
    model.add_module(name, nn.Linear(8, 8))

    report = params(model, torch.rand(4, 8), strict=True)

    assert [row.own_macs for row in report.section("modules").rows] == [0, ONCE]


def test_every_attempt_begins_with_the_same_random_numbers() -> None:
    def draws(self: Any, x: Tensor) -> Tensor:
        for _ in range(int(torch.randint(1, 9, ()))):
            x = self.fc(x)
        # needs data, so that what ran on shapes alone is run anew
        return x if float(x.sum()) > 1e9 else x * 2

    model, x = Acting(draws), torch.rand(4, 8)
    torch.manual_seed(3)
    drawn = int(torch.randint(1, 9, ()))
    torch.manual_seed(3)

    assert params(model, x, strict=True).totals.macs == drawn * ONCE


class BetweenEqualLayers(nn.Module):
    """The second of two equal layers alone looks at a product of the model's own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Linear(4, 4, bias=False) for _ in range(2))
        self.weight = nn.Parameter(torch.zeros(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x) @ self.weight)


def test_what_only_a_folded_module_looks_at_is_traced(
    count: Callable[..., ForwardCount], monkeypatch: pytest.MonkeyPatch
) -> None:
    traces = []

    def counted(*args: Any, **kwargs: Any) -> Any:
        traces.append(tracing.trace(*args, **kwargs))
        return traces[-1]

    monkeypatch.setattr(fvcore_engine, "trace", counted)
    found = count(BetweenEqualLayers(), torch.zeros(2, 3, 4))

    # each of three products: 2*3 rows, 4 -> 4: 96
    assert found.fvcore is not None
    assert found.fvcore.macs == {"first": 96, "second": 96, "": 96}
    assert len(traces) == 1
