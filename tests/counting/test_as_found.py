"""Counting leaves a module, and torch, as it found them."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.errors import ForwardError
from archscope.library import params


class Messy(nn.Module):
    """A module that changes all that a forward can change."""

    def __init__(self, *, fails: bool = False, needs_data: bool = False) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.fc = nn.Linear(4, 4)
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("steps", torch.zeros(1))
        self.fails, self.needs_data = fails, needs_data
        self.seen: list[int] = [1]
        self.cache: dict[str, Any] = {"old": 1}
        self.calls = 0
        self.plain = torch.zeros(2)
        self.handle = self.register_forward_hook(lambda *_: None)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen.append(self.calls)
        self.cache["new"] = x
        self.extra = x
        self.steps += 1
        self.steps.add_(torch.rand(1))
        self.plain += 1
        self.fc.weight.data.mul_(2)
        random.random()
        if self.needs_data and x.sum().item() > 1e9:
            return x
        x = self.dropout(self.fc(self.norm(x)))
        if self.fails:
            self.eval()
            raise ValueError("half-way")
        return x


def state(model: Messy) -> dict[str, Any]:
    attributes = {
        path: {name: id(value) for name, value in vars(module).items()}
        for path, module in model.named_modules()
    }
    return {
        "attributes": attributes,
        "weights": {name: id(p) for name, p in model.named_parameters()},
        "values": {
            "plain": model.plain.clone(),
            **{name: value.clone() for name, value in model.state_dict().items()},
        },
        "training": {path: module.training for path, module in model.named_modules()},
        "seen": list(model.seen),
        "cache": dict(model.cache),
        "hooks": [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()],
        "grad": [p.requires_grad for p in model.parameters()],
    }


@pytest.mark.parametrize("needs_data", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_a_module_is_left_as_found(fails: bool, needs_data: bool) -> None:
    model = Messy(fails=fails, needs_data=needs_data)
    model.train()
    model.dropout.eval()
    x = torch.randn(2, 4)
    original = x.clone()
    before, generator, python = state(model), torch.get_rng_state(), random.getstate()

    if fails:
        with pytest.raises(ForwardError, match="half-way"):
            params(model, x)
    else:
        assert params(model, x).totals.macs == 32

    after = state(model)
    values = zip(before.pop("values").items(), after.pop("values").items(), strict=True)
    assert all(a == b and torch.equal(v, w) for (a, v), (b, w) in values)
    assert after == before
    assert torch.equal(torch.get_rng_state(), generator)
    assert random.getstate() == python
    assert torch.equal(x, original)
    assert torch.is_grad_enabled()
    assert torch.backends.mha.get_fastpath_enabled()


class Relabelling(nn.Module):
    """Writes into the tokens that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(5, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens[:, 0] = 4
        return self.emb(tokens)


def test_tokens_are_left_as_found() -> None:
    tokens = torch.zeros(1, 3, dtype=torch.long)

    params(Relabelling(), tokens, strict=True)

    assert not tokens.any()


def test_global_hooks_are_gone_afterwards() -> None:
    from torch.nn.modules import module

    before = (len(module._global_forward_hooks), len(module._global_forward_pre_hooks))

    with pytest.raises(ForwardError):
        params(nn.Linear(3, 4), torch.zeros(2, 5))

    assert (len(module._global_forward_hooks), len(module._global_forward_pre_hooks)) == before


def test_the_model_still_computes_the_same() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.LSTM(8, 5, batch_first=True)).eval()
    x = torch.randn(2, 3, 4)
    with torch.no_grad():
        before = model(x)[0].clone()

    params(model, x)

    with torch.no_grad():
        assert torch.equal(model(x)[0], before)


def test_gradients_flow_afterwards() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())

    params(model, torch.zeros(1, 4))
    model(torch.ones(1, 4)).sum().backward()

    assert all(p.grad is not None for p in model.parameters())


def test_lazy_parameters_are_not_made_real() -> None:
    model = nn.LazyLinear(3)

    assert params(model, torch.zeros(2, 4)).totals.macs == 2 * 4 * 3
    assert torch.nn.parameter.is_lazy(model.weight)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    params(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5)), torch.zeros(1, 3)).to("table")

    assert capfd.readouterr() == ("", "")
