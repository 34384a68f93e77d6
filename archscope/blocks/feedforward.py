"""Feed-forwards: dense, gated, or a mixture of experts.

D width of the model, F hidden width, N tokens, E experts, k experts per token, R = N k rows.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape, part
from archscope.theory import counts
from archscope.theory.counts import GATED as GATED
from archscope.theory.counts import ClosedForm

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "relu2": lambda x: F.relu(x).square(),
    "gelu": F.gelu,
    "quick-gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "silu": F.silu,
    "swiglu": F.silu,
    "geglu": F.gelu,
}
"""What each word applies; `swiglu` and `geglu` apply it to a gate (Shazeer 2020, eq. 6), and
`quick-gelu` is the approximation by a sigmoid (Hendrycks & Gimpel 2016, section 2), `relu2` the
square of relu (So et al. 2021, Primer, section 4.1)."""


class FeedForward(nn.Module):
    """fc2(activation(fc1(x)))."""

    archscope_component = "ffn"

    def __init__(self, d_model: int, d_ff: int, *, activation: str, bias: bool = True) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.fc1 = nn.Linear(d_model, d_ff, bias=bias)
        self.fc2 = nn.Linear(d_ff, d_model, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (..., D)."""
        out: Tensor = self.fc2(self.activation(self.fc1(x)))  # (..., D)
        return out


class GatedFeedForward(nn.Module):
    """down(activation(gate(x)) * up(x))."""

    archscope_component = "ffn"

    def __init__(self, d_model: int, d_ff: int, *, activation: str, bias: bool = True) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.gate = nn.Linear(d_model, d_ff, bias=bias)
        self.up = nn.Linear(d_model, d_ff, bias=bias)
        self.down = nn.Linear(d_ff, d_model, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (..., D)."""
        out: Tensor = self.down(self.activation(self.gate(x)) * self.up(x))  # (..., D)
        return out


class Experts(nn.Module):
    """E feed-forwards side by side; each row goes through the one that it is sent to."""

    archscope_component = "ffn_experts"

    def __init__(
        self, d_model: int, d_ff: int, experts: int, top_k: int, *, activation: str, bias: bool
    ) -> None:
        super().__init__()
        self.experts = experts
        self.top_k = top_k
        self.active_fraction = Fraction(top_k, experts)
        """Share of these parameters that one token uses."""
        self.activation = ACTIVATIONS[activation]

        def weights(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(experts, *shape))

        gated = activation in GATED
        self.gate = weights(d_ff, d_model) if gated else None
        self.up = weights(d_ff, d_model)
        self.down = weights(d_model, d_ff)
        self.gate_bias = weights(d_ff) if gated and bias else None
        self.up_bias = weights(d_ff) if bias else None
        self.down_bias = weights(d_model) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Fill the weights uniformly within 1 / sqrt(last size), as `nn.Linear` does."""
        for weight in self.parameters():
            bound = 1 / sqrt(weight.shape[-1])
            nn.init.uniform_(weight, -bound, bound)

    def forward(self, rows: Tensor, expert: Tensor) -> Tensor:
        """Take (R, D) and each row's expert (R,); return (R, D).

        Nobody knows the routes where there is no data. On the meta device all rows go through the
        first expert, which is the same work; of tensors that stand for real ones each expert gets
        as many, which keeps and makes as much as any other routes.
        """
        if rows.is_meta:
            return self._answer(rows, 0)  # (R, D)
        order = expert.argsort(stable=True)  # (R,)
        sizes = self._sizes(expert)
        parts = torch.split(rows[order], sizes)
        results = [self._answer(part, i) for i, part in enumerate(parts) if len(part)]
        return torch.cat(results)[order.argsort()]  # (R, D)

    def _sizes(self, expert: Tensor) -> list[int]:
        if type(expert).__name__ != "FakeTensor":
            sizes: list[int] = expert.bincount(minlength=self.experts).tolist()
            return sizes
        rows, more = divmod(len(expert), self.experts)
        return [rows + (number < more) for number in range(self.experts)]

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Each row goes through the matrices of one expert."""
        return counts.experts(
            rows=inputs[0][0],
            experts=self.experts,
            width=self.up.shape[2],
            hidden=self.up.shape[1],
            matrices=2 if self.gate is None else 3,
            bias=self.up_bias is not None,
        )

    def _answer(self, x: Tensor, expert: int) -> Tensor:
        hidden = _linear(x, self.up, self.up_bias, expert)  # (R, F)
        if self.gate is None:
            hidden = self.activation(hidden)
        else:
            hidden = self.activation(_linear(x, self.gate, self.gate_bias, expert)) * hidden
        return _linear(hidden, self.down, self.down_bias, expert)  # (R, D)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None, expert: int) -> Tensor:
    return F.linear(x, weight[expert], None if bias is None else bias[expert])


class MixtureOfExperts(nn.Module):
    """A router sends each token to its k best experts and adds up what they answer.

    Beside them there may be an expert of `shared_ff` hidden features for all tokens; where it has
    a gate, a sigmoid of each token says how much of it is added.
    """

    archscope_component = "ffn_experts"

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        experts: int,
        top_k: int,
        *,
        activation: str,
        bias: bool,
        router_bias: bool = False,
        shared_ff: int = 0,
        shared_gate: bool = False,
    ) -> None:
        super().__init__()
        self.top_k = top_k
        self.router = part("router", nn.Linear(d_model, experts, bias=router_bias))
        self.experts = Experts(d_model, d_ff, experts, top_k, activation=activation, bias=bias)
        kind = GatedFeedForward if activation in GATED else FeedForward
        wide = kind(d_model, shared_ff, activation=activation, bias=bias) if shared_ff else None
        self.shared = part("ffn_shared_experts", wide) if wide else None
        gate = nn.Linear(d_model, 1, bias=False) if shared_gate else None
        self.shared_gate = part("router", gate) if gate else None

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        answer = self._routed(x)  # (B, S, D)
        if self.shared is None:
            return answer
        shared = self.shared(x)  # (B, S, D)
        if self.shared_gate is not None:
            shared = shared * self.shared_gate(x).sigmoid()
        out: Tensor = answer + shared
        return out

    def _routed(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, -2)  # (N, D)
        score, expert = self.router(rows).topk(self.top_k)  # 2 x (N, k)
        out = self.experts(rows.repeat_interleave(self.top_k, 0), expert.flatten())  # (R, D)
        out = out.view(-1, self.top_k, x.shape[-1]) * score.softmax(-1)[..., None]  # (N, k, D)
        answer: Tensor = out.sum(1).view_as(x)  # (B, S, D)
        return answer
