"""Mixtures of experts: what is weighed is exact, what is routed by number a bound with its name."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.dependence.answer.examine import Examination, examine
from archscope.subject import Inputs

TOKENS, WIDTH, EXPERTS, CHOSEN = 6, 4, 3, 2
ALONE = tuple(1 << token for token in range(TOKENS))
EVERY = {(1 << TOKENS) - 1}


class Mixture(nn.Module):
    """Experts, and a router that weighs the best of them for each token."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, EXPERTS)
        self.experts = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(EXPERTS))
        self.weights = nn.Parameter(torch.rand(EXPERTS, WIDTH, WIDTH))

    def route(self, x: Tensor) -> tuple[Tensor, Tensor]:
        weights, numbers = torch.topk(self.gate(x).softmax(-1), CHOSEN, dim=-1)
        return weights, numbers


class AllExperts(Mixture):
    """Every expert sees every token; the weights of those that are not chosen are zero."""

    def forward(self, x: Tensor) -> Tensor:
        weights, numbers = self.route(x)
        table = torch.zeros(*x.shape[:-1], EXPERTS, device=x.device).scatter(-1, numbers, weights)
        return torch.stack([e(x) for e in self.experts], -2).mul(table[..., None]).sum(-2)


class OneHot(Mixture):
    """The same by a product with one-hot numbers."""

    def forward(self, x: Tensor) -> Tensor:
        weights, numbers = self.route(x)
        chosen = F.one_hot(numbers, EXPERTS).to(x.dtype) * weights[..., None]
        made = torch.einsum("btc,ecd->bted", x, self.weights)
        return torch.einsum("bted,btke->btd", made, chosen)


class OwnWeights(Mixture):
    """Each token takes the weights of its experts."""

    def forward(self, x: Tensor) -> Tensor:
        weights, numbers = self.route(x)
        made = torch.einsum("btc,btkcd->btkd", x, self.weights[numbers])
        return (made * weights[..., None]).sum(2)


class ByRows(Mixture):
    """The tokens of each expert, and their results added where they came from."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, WIDTH)
        weights, numbers = self.route(rows)
        out = torch.zeros_like(rows)
        mask = F.one_hot(numbers, EXPERTS).permute(2, 1, 0)
        for number, expert in enumerate(self.experts):
            place, token = torch.where(mask[number])
            made = expert(rows[None, token].reshape(-1, WIDTH)) * weights[token, place, None]
            out.index_add_(0, token, made)
        return out.reshape(x.shape)


class ByMasks(Mixture):
    """The same by masks over batch and tokens, written in place."""

    def forward(self, x: Tensor) -> Tensor:
        weights, numbers = self.route(x)
        out = torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            mask = (numbers == number).any(-1)
            out[mask] = out[mask] + expert(x[mask]) * weights.sum(-1)[mask].unsqueeze(-1)
        return out


class Grouped(Mixture):
    """Tokens in the order of their experts, and one product for all groups."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, WIDTH)
        weights, numbers = self.route(rows)
        order = numbers.reshape(-1).argsort(stable=True)
        counts = torch.histc(numbers.float(), bins=EXPERTS, min=0, max=EXPERTS - 1)
        ends = counts.cumsum(0).to(torch.int32)
        inner = (rows[order // CHOSEN].bfloat16(), self.weights.bfloat16())
        made = torch._grouped_mm(*inner, offs=ends).to(x.dtype)
        made = made * weights.reshape(-1)[order][:, None]
        return made[order.argsort()].reshape(-1, CHOSEN, WIDTH).sum(1).reshape(x.shape)


class Capacity(Mixture):
    """Places in a buffer for each expert, given in the order of the tokens."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, WIDTH)
        _, numbers = self.route(rows)
        chosen = F.one_hot(numbers[:, 0], EXPERTS)
        place = (chosen.cumsum(0) * chosen).sum(-1) - 1
        slots = F.one_hot(place.clamp(0, 1), 2)
        sent = (chosen[:, :, None] * slots[:, None]).to(x.dtype)
        made = torch.einsum("tes,tc,ecd->esd", sent, rows, self.weights)
        return torch.einsum("tes,esd->td", sent, made).reshape(x.shape)


def look_at(model: nn.Module) -> tuple[tuple[int, ...], str | None]:
    torch.manual_seed(0)
    found: Examination = examine(model, Inputs(args=(torch.rand(1, TOKENS, WIDTH),)), axes=(1,))
    target = found.graph.outputs["0"]
    field, seen = found.total(target), found.seen(target)
    assert field is not None
    assert seen is not None
    by = None if seen.bounded_by is None else found.graph.nodes[seen.bounded_by].operator
    return tuple(field.lines[0].sets), by


@pytest.mark.parametrize("model", [AllExperts, OneHot, OwnWeights])
def test_a_token_that_is_weighed_sees_itself_alone(model: type[Mixture]) -> None:
    assert look_at(model()) == (ALONE, None)


@pytest.mark.parametrize(
    ("model", "operators"),
    [
        (ByRows, ("nonzero", "index")),
        (ByMasks, ("index", "index_put")),
        pytest.param(
            *(Grouped, ("index", "_grouped_mm")),
            marks=pytest.mark.skipif(
                not hasattr(torch.ops.aten, "_grouped_mm"),
                reason="an older torch has no such product",
            ),
        ),
        (Capacity, ("bmm",)),
    ],
)
def test_a_token_that_is_routed_by_number_is_a_bound(
    model: type[Mixture], operators: tuple[str, ...]
) -> None:
    seen, by = look_at(model())

    assert set(seen) == EVERY
    assert by in operators


def test_a_code_book_is_read_by_each_position_alone() -> None:
    class Quantised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.codes = nn.Parameter(torch.rand(5, WIDTH))

        def forward(self, x: Tensor) -> Tensor:
            nearest = torch.cdist(x, self.codes[None]).argmin(-1)
            return F.one_hot(nearest, 5).to(x.dtype) @ self.codes

    assert look_at(Quantised()) == (ALONE, None)


@pytest.mark.parametrize("masked", [True, False])
def test_one_row_that_data_chooses_among_masked_ones_is_a_bound(masked: bool) -> None:
    """Straight through to the weights (Jang et al. 2017), of which all are read without a mask."""

    class Hard(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            ahead = torch.ones(TOKENS, TOKENS, device=x.device).triu(1).bool()
            scores = x @ x.mT
            soft = (scores.masked_fill(ahead, -torch.inf) if masked else scores).softmax(-1)
            hard = F.one_hot(soft.argmax(-1), TOKENS)
            return (hard - soft.detach() + soft) @ x

    found = examine(Hard(), Inputs(args=(torch.zeros(1, TOKENS, WIDTH),)))
    seen = found.seen(found.graph.outputs["0"])

    assert seen is not None
    assert (seen.bounded_by is not None) == masked
